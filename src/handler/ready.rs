//! Which entries have a JavaScript object ready, for later gets to return again.
//!
//! JavaScript holds the objects, by key; this module decides which stay. They are bounded in
//! number, and in the bytes of the entries they pin. Eviction is by second chance: an object that
//! was used since the hand last passed is spared once.

use std::collections::{HashMap, VecDeque};
use std::hash::BuildHasherDefault;
use std::sync::Arc;

use crate::entry::Entry;
use crate::key::Hash128;
use crate::memory::Half;
use crate::options::Options;

/// Memory learns of one use in this many: enough to find the useful entries.
const TELL_EVERY: u32 = 8;

/// Names an object on both sides. Never reused in an environment, so that a name outlives its
/// object without harm. Exact as a double.
pub type Handle = u64;

/// A handle is a place among this many, and a count above it.
pub const PLACES: u64 = 1 << 21;

/// The ready objects of one thread of JavaScript.
#[derive(Debug, Default)]
pub struct ReadyObjects {
    slots: Vec<Slot>,
    free: Vec<usize>,
    by_hash: HashMap<Hash128, Handle, BuildHasherDefault<Half>>,
    order: VecDeque<Handle>,
    bytes: usize,
    /// Objects JavaScript is to let go of.
    dropped: Vec<Handle>,
}

/// An entry whose object is ready.
#[derive(Debug)]
struct Slot {
    handle: Handle,
    entry: Option<Arc<Entry>>,
    uses: u32,
    used: bool,
}

impl Slot {
    /// Whether memory is to learn of this use.
    #[inline]
    fn is_due(&mut self) -> bool {
        self.uses = self.uses.wrapping_add(1);
        self.used = true;
        self.uses.is_multiple_of(TELL_EVERY)
    }
}

impl ReadyObjects {
    /// The entry of the object named `handle`, if that may still be returned; and whether memory is to
    /// learn of this use.
    #[inline]
    pub fn used(&mut self, handle: Handle) -> Option<(&Arc<Entry>, bool)> {
        let slot = self.slot(handle)?;
        let is_due = slot.is_due();
        let entry = slot.entry.as_ref().filter(|entry| !entry.is_retired())?;
        Some((entry, is_due))
    }

    /// The entry of the object named `handle`.
    pub fn entry(&mut self, handle: Handle) -> Option<Arc<Entry>> {
        self.slot(handle)?.entry.clone()
    }

    /// The slot named `handle`, if its object may still be returned.
    #[inline]
    fn slot(&mut self, handle: Handle) -> Option<&mut Slot> {
        let slot = self.slots.get_mut((handle % PLACES) as usize)?;
        (slot.handle == handle).then_some(slot)
    }

    /// The name of the object of `entry`.
    pub fn handle(&mut self, entry: &Entry) -> Option<Handle> {
        let handle = *self.by_hash.get(&entry.hash)?;
        let slot = self.slot(handle)?;
        slot.used = true;
        slot.entry.as_ref().is_some_and(|held| held.id == entry.id).then_some(handle)
    }

    /// A name for the object of `entry`, which pins it. Others may have to go. `None` if there is
    /// no room for it at all.
    pub fn bind(&mut self, entry: &Arc<Entry>, options: &Options) -> Option<Handle> {
        let most = options.hot_entries.min(PLACES as usize);
        if entry.weight() > options.hot_bytes || most == 0 {
            return None;
        }
        self.drop_object(entry.hash);
        while self.bytes + entry.weight() > options.hot_bytes || self.by_hash.len() >= most {
            if !self.evict() {
                break;
            }
        }
        let handle = self.occupy(entry);
        self.bytes += entry.weight();
        self.by_hash.insert(entry.hash, handle);
        self.order.push_back(handle);
        Some(handle)
    }

    /// Entry `id` left memory: its object goes too.
    pub fn release(&mut self, hash: Hash128, id: u64) {
        let Some(handle) = self.by_hash.get(&hash).copied() else { return };
        let entry = self.slot(handle).and_then(|slot| slot.entry.as_ref());
        if entry.is_some_and(|entry| entry.id == id) {
            self.drop_object(hash);
        }
        // Names of dropped objects stay in the order until the hand passes, but not too many of
        // them.
        if self.order.len() > 64 && self.order.len() > self.by_hash.len() * 2 {
            let slots = &self.slots;
            self.order.retain(|handle| {
                slots.get((handle % PLACES) as usize).is_some_and(|slot| slot.handle == *handle)
            });
        }
    }

    /// All objects go.
    pub fn clear(&mut self) {
        let hashes: Vec<Hash128> = self.by_hash.keys().copied().collect();
        for hash in hashes {
            self.drop_object(hash);
        }
    }

    /// Objects dropped since the last call.
    pub fn take_dropped(&mut self) -> Vec<Handle> {
        std::mem::take(&mut self.dropped)
    }

    fn occupy(&mut self, entry: &Arc<Entry>) -> Handle {
        let entry = Some(entry.clone());
        if let Some(place) = self.free.pop()
            && let Some(slot) = self.slots.get_mut(place)
        {
            *slot = Slot { handle: slot.handle + PLACES, entry, uses: 0, used: false };
            return slot.handle;
        }
        let handle = self.slots.len() as u64;
        self.slots.push(Slot { handle, entry, uses: 0, used: false });
        handle
    }

    fn drop_object(&mut self, hash: Hash128) {
        let Some(handle) = self.by_hash.remove(&hash) else { return };
        let place = (handle % PLACES) as usize;
        let Some(slot) = self.slots.get_mut(place) else { return };
        self.bytes -= slot.entry.take().map_or(0, |entry| entry.weight());
        // The next name of this place, which is not in use yet.
        slot.handle += PLACES;
        self.free.push(place);
        self.dropped.push(handle);
    }

    fn evict(&mut self) -> bool {
        while let Some(handle) = self.order.pop_front() {
            let Some(slot) = self.slot(handle) else { continue };
            if slot.used {
                slot.used = false;
                self.order.push_back(handle);
                continue;
            }
            let hash = slot.entry.as_ref().map(|entry| entry.hash);
            if let Some(hash) = hash {
                self.drop_object(hash);
                return true;
            }
        }
        false
    }
}
