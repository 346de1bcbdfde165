//! JavaScript objects bound to entries: what a get returned once, it returns again.
//!
//! Bounded in number and in the bytes of their entries. The least recently useful goes first, by
//! second chance: an object used since the hand last passed is spared once.

use std::collections::{HashMap, HashSet, VecDeque};
use std::hash::BuildHasherDefault;
use std::sync::Arc;

use napi::sys;

use super::{process, raw};
use crate::entry::Entry;
use crate::key::{Hash128, KeyRef};
use crate::memory::Half;

/// Memory learns of one use in this many: enough to tell what is useful.
const TELL_EVERY: u32 = 8;

/// The objects of one environment.
#[derive(Default)]
pub(super) struct Hot {
    slots: HashMap<Hash128, Slot, BuildHasherDefault<Half>>,
    order: VecDeque<Hash128>,
    bytes: usize,
}

/// An object and the entry it was made of.
pub(super) struct Slot {
    pub(super) entry: Arc<Entry>,
    pub(super) object: sys::napi_ref,
    uses: u32,
    used: bool,
}

impl Slot {
    /// Whether memory is to learn of this use.
    #[inline]
    pub(super) fn is_due(&mut self) -> bool {
        self.uses = self.uses.wrapping_add(1);
        self.used = true;
        self.uses.is_multiple_of(TELL_EVERY)
    }

    fn bytes(&self) -> usize {
        self.entry.weight()
    }
}

impl Hot {
    /// The object of `key`, while its entry is the one in memory.
    #[inline]
    pub(super) fn find(&mut self, key: &KeyRef<'_>) -> Option<&mut Slot> {
        self.slots
            .get_mut(&key.hash)
            .filter(|slot| slot.entry.is_of(key) && !slot.entry.is_retired())
    }

    /// The object bound to `entry`.
    pub(super) fn object(&mut self, env: sys::napi_env, entry: &Entry) -> Option<sys::napi_value> {
        let slot = self.slots.get_mut(&entry.hash).filter(|slot| slot.entry.id == entry.id)?;
        slot.used = true;
        Some(raw::dereference(env, slot.object))
    }

    /// Binds `object` to `entry`, which it pins. Others may have to go. False if there is no room
    /// for it at all.
    pub(super) fn bind(
        &mut self,
        env: sys::napi_env,
        entry: &Arc<Entry>,
        object: sys::napi_value,
    ) -> bool {
        let options = &process::engine().options;
        if entry.weight() > options.hot_bytes || options.hot_entries == 0 {
            return false;
        }
        let Some(object) = raw::reference(env, object) else { return false };
        self.bytes += entry.weight();
        let slot = Slot { entry: entry.clone(), object, uses: 0, used: false };
        if let Some(old) = self.slots.insert(entry.hash, slot) {
            self.let_go(env, &old);
        } else {
            self.order.push_back(entry.hash);
        }
        while self.bytes > options.hot_bytes || self.slots.len() > options.hot_entries {
            if !self.evict(env) {
                break;
            }
        }
        true
    }

    /// Lets go of the object of entry `id`, if there is one.
    pub(super) fn remove(&mut self, env: sys::napi_env, hash: Hash128, id: u64) {
        if self.slots.get(&hash).is_none_or(|slot| slot.entry.id != id) {
            return;
        }
        if let Some(slot) = self.slots.remove(&hash) {
            self.let_go(env, &slot);
        }
        // Removed ones stay in the order until the hand passes; not without end.
        if self.order.len() > 64 && self.order.len() > self.slots.len() * 2 {
            let (slots, mut seen) = (&self.slots, HashSet::new());
            self.order.retain(|hash| slots.contains_key(hash) && seen.insert(*hash));
        }
    }

    /// Lets go of everything.
    pub(super) fn clear(&mut self, env: sys::napi_env) {
        for (_, slot) in self.slots.drain() {
            raw::delete_reference(env, slot.object);
        }
        self.order.clear();
        self.bytes = 0;
    }

    fn evict(&mut self, env: sys::napi_env) -> bool {
        while let Some(hash) = self.order.pop_front() {
            match self.slots.get_mut(&hash) {
                Some(slot) if slot.used => {
                    slot.used = false;
                    self.order.push_back(hash);
                }
                Some(_) => {
                    if let Some(slot) = self.slots.remove(&hash) {
                        self.let_go(env, &slot);
                    }
                    return true;
                }
                None => {}
            }
        }
        false
    }

    fn let_go(&mut self, env: sys::napi_env, slot: &Slot) {
        self.bytes -= slot.bytes();
        raw::delete_reference(env, slot.object);
    }
}
