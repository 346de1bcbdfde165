//! JavaScript objects bound to entries: what a get returned once, it returns again.
//!
//! Bounded in number and in the bytes of their entries. The least recently useful goes first, by
//! second chance: an object used since the hand last passed is spared once.

use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasherDefault, Hasher};

use napi::sys;

use super::{process, raw};

/// The objects of one environment.
#[derive(Default)]
pub(super) struct Hot {
    slots: HashMap<u64, Slot, BuildHasherDefault<Identity>>,
    order: VecDeque<u64>,
    bytes: usize,
}

struct Slot {
    object: sys::napi_ref,
    bytes: usize,
    used: bool,
}

impl Hot {
    /// The object bound to entry `id`.
    #[inline]
    pub(super) fn find(&mut self, env: sys::napi_env, id: u64) -> Option<sys::napi_value> {
        let slot = self.slots.get_mut(&id)?;
        slot.used = true;
        Some(raw::dereference(env, slot.object))
    }

    /// Binds `object` to entry `id`, which pins `bytes`. Others may have to go.
    pub(super) fn bind(
        &mut self,
        env: sys::napi_env,
        id: u64,
        object: sys::napi_value,
        bytes: usize,
    ) -> bool {
        let options = &process::engine().options;
        if bytes > options.hot_bytes || options.hot_entries == 0 {
            return false;
        }
        let Some(object) = raw::reference(env, object) else { return false };
        if let Some(old) = self.slots.insert(id, Slot { object, bytes, used: false }) {
            self.bytes -= old.bytes;
            raw::delete_reference(env, old.object);
        } else {
            self.order.push_back(id);
        }
        self.bytes += bytes;
        while self.bytes > options.hot_bytes || self.slots.len() > options.hot_entries {
            if !self.evict(env) {
                break;
            }
        }
        true
    }

    /// Lets go of the object of entry `id`, if there is one.
    pub(super) fn remove(&mut self, env: sys::napi_env, id: u64) {
        if let Some(slot) = self.slots.remove(&id) {
            self.bytes -= slot.bytes;
            raw::delete_reference(env, slot.object);
        }
        // Ids of removed objects stay in the order until the hand passes; not without end.
        if self.order.len() > 64 && self.order.len() > self.slots.len() * 2 {
            let slots = &self.slots;
            self.order.retain(|id| slots.contains_key(id));
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
        while let Some(id) = self.order.pop_front() {
            match self.slots.get_mut(&id) {
                Some(slot) if slot.used => {
                    slot.used = false;
                    self.order.push_back(id);
                }
                Some(_) => {
                    self.remove(env, id);
                    return true;
                }
                None => {}
            }
        }
        false
    }
}

/// Ids count up: they spread over the map as they are, shifted for its upper bits.
#[derive(Default)]
struct Identity(u64);

impl Hasher for Identity {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, _: &[u8]) {}

    fn write_u64(&mut self, id: u64) {
        self.0 = id.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    }
}
