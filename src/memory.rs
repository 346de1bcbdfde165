//! The memory tier: entries of this process, bounded by their weight in bytes.

use std::hash::{BuildHasherDefault, Hasher};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use quick_cache::sync::Cache;
use quick_cache::{Lifecycle, OptionsBuilder, Weighter};

use crate::entry::Entry;
use crate::key::{Hash128, KeyRef};

/// Below this bound one shard holds everything: a shard refuses an entry heavier than itself.
const ONE_SHARD_BELOW: u64 = 64 << 20;
const MOST_SHARDS: usize = 4;
/// Guess for sizing the map.
const TYPICAL_WEIGHT: u64 = 4 << 10;

/// Entries by key, the least useful evicted when the weight passes the bound.
pub struct MemoryStore {
    cache: Cache<Hash128, Arc<Entry>, ByWeight, BuildHasherDefault<Half>, Collect>,
    entry_limit: usize,
    evictions: AtomicU64,
}

/// The outcome of an insert.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Inserted {
    /// It is held.
    Yes,
    /// It is heavier than one entry may be.
    TooLarge,
}

impl MemoryStore {
    /// A store of at most `bytes`, and at most `entry_limit` bytes for one entry.
    pub fn new(bytes: u64, entry_limit: usize) -> Self {
        let shards = if bytes <= ONE_SHARD_BELOW { 1 } else { MOST_SHARDS };
        let items = (bytes / TYPICAL_WEIGHT).clamp(64, 1 << 20) as usize;
        let options = OptionsBuilder::new()
            .shards(shards)
            .estimated_items_capacity(items)
            .weight_capacity(bytes.max(1))
            .build();
        let cache = match options {
            Ok(options) => {
                Cache::with_options(options, ByWeight, BuildHasherDefault::default(), Collect)
            }
            // All required options are given above; should that change, the plain constructor
            // serves.
            Err(_) => {
                Cache::with(items, bytes.max(1), ByWeight, BuildHasherDefault::default(), Collect)
            }
        };
        let shard_limit = usize::try_from(cache.shard_capacity()).unwrap_or(usize::MAX);
        // The cache refuses entries heavier than 97 hundredths of a shard.
        let shard_limit = shard_limit / 100 * 97;
        Self { cache, entry_limit: entry_limit.min(shard_limit), evictions: AtomicU64::new(0) }
    }

    /// The entry of `key`.
    #[inline]
    pub fn get(&self, key: &KeyRef<'_>) -> Option<Arc<Entry>> {
        self.cache.get(&key.hash).filter(|entry| entry.is_of(key))
    }

    /// Counts a use of whatever is under `hash`.
    pub fn touch(&self, hash: Hash128) {
        self.cache.get(&hash);
    }

    /// The entry of `key`, without counting as a use of it.
    pub fn peek(&self, key: &KeyRef<'_>) -> Option<Arc<Entry>> {
        self.cache.peek(&key.hash).filter(|entry| entry.is_of(key))
    }

    /// Holds `entry` under `hash`, and pushes every entry that had to leave onto `left`.
    pub fn insert(
        &self,
        hash: Hash128,
        entry: &Arc<Entry>,
        left: &mut Vec<Arc<Entry>>,
    ) -> Inserted {
        if entry.weight() > self.entry_limit {
            left.extend(self.cache.remove(&hash).map(|(_, old)| old));
            return Inserted::TooLarge;
        }
        // A replaced entry reaches the eviction hook too, but did not leave for lack of room.
        let before = left.len();
        self.cache.insert_with_lifecycle(hash, entry.clone(), left);
        let evicted = left.iter().skip(before).filter(|old| old.key() != entry.key()).count();
        self.evictions.fetch_add(evicted as u64, Ordering::Relaxed);
        Inserted::Yes
    }

    /// Shows every entry, without counting as a use of any.
    pub fn visit(&self, mut see: impl FnMut(&Entry)) {
        self.cache.iter().for_each(|(_, entry)| see(&entry));
    }

    /// Bytes one entry may have.
    pub fn entry_limit(&self) -> usize {
        self.entry_limit
    }

    /// Bytes held.
    pub fn weight(&self) -> u64 {
        self.cache.weight()
    }

    /// Entries held.
    pub fn len(&self) -> usize {
        self.cache.len()
    }

    /// Whether nothing is held.
    pub fn is_empty(&self) -> bool {
        self.cache.is_empty()
    }

    /// Entries evicted for lack of room since the start.
    pub fn evictions(&self) -> u64 {
        self.evictions.load(Ordering::Relaxed)
    }
}

impl std::fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MemoryStore").field("weight", &self.weight()).finish_non_exhaustive()
    }
}

#[derive(Clone)]
struct ByWeight;

impl Weighter<Hash128, Arc<Entry>> for ByWeight {
    fn weight(&self, _: &Hash128, entry: &Arc<Entry>) -> u64 {
        entry.weight() as u64
    }
}

/// Keeps evicted entries until the shard's lock is released, so that nothing is freed under it.
#[derive(Clone)]
struct Collect;

impl Lifecycle<Hash128, Arc<Entry>> for Collect {
    type RequestState = Vec<Arc<Entry>>;

    fn on_evict(&self, left: &mut Self::RequestState, _: Hash128, entry: Arc<Entry>) {
        left.push(entry);
    }
}

/// Keys are hashes already: half of one places it in the map.
#[derive(Default)]
pub(crate) struct Half(u64);

impl Hasher for Half {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word.iter_mut().zip(chunk).for_each(|(to, from)| *to = *from);
            self.0 ^= u64::from_ne_bytes(word);
        }
    }

    fn write_u128(&mut self, hash: u128) {
        self.0 = hash as u64;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entry::tests::meta;
    use crate::key::{Class, Hasher as KeyHasher};
    use proptest::prelude::*;
    use std::collections::HashMap;

    fn entry(key: &KeyRef<'_>, bytes: usize) -> Arc<Entry> {
        Arc::new(Entry::new(key, meta(), vec![7; bytes].into()))
    }

    #[test]
    fn a_replaced_entry_is_handed_back() {
        let (store, hasher) = (MemoryStore::new(1 << 20, 1 << 20), KeyHasher::default());
        let key = hasher.key(Class::Fetch, &[1]);
        let mut left = Vec::new();
        let first = entry(&key, 10);
        store.insert(key.hash, &first, &mut left);
        store.insert(key.hash, &entry(&key, 20), &mut left);
        assert_eq!(left.iter().map(|e| e.id).collect::<Vec<_>>(), [first.id]);
        assert_eq!(store.evictions(), 0);
    }

    #[test]
    fn an_entry_over_the_limit_is_refused_and_takes_the_old_one_with_it() {
        let (store, hasher) = (MemoryStore::new(1 << 20, 1_000), KeyHasher::default());
        let key = hasher.key(Class::Fetch, &[1]);
        let mut left = Vec::new();
        assert_eq!(store.insert(key.hash, &entry(&key, 10), &mut left), Inserted::Yes);
        assert_eq!(store.insert(key.hash, &entry(&key, 2_000), &mut left), Inserted::TooLarge);
        assert!(store.get(&key).is_none());
        assert_eq!(left.len(), 1);
    }

    #[test]
    fn another_key_with_the_same_hash_is_a_miss() {
        let (store, hasher) = (MemoryStore::new(1 << 20, 1 << 20), KeyHasher::default());
        let key = hasher.key(Class::Fetch, &[1]);
        store.insert(key.hash, &entry(&key, 10), &mut Vec::new());
        let twin = KeyRef { units: &[2], ..key };
        assert!(store.get(&twin).is_none());
    }

    proptest! {
        /// Against a plain map: a get finds the last entry inserted, missing entries were handed
        /// back, and the weight never passes the bound.
        #[test]
        fn the_store_is_a_bounded_map(steps in proptest::collection::vec((0..40_u16, 0..3_000_usize), 1..200)) {
            const BOUND: u64 = 20_000;
            let (store, hasher) = (MemoryStore::new(BOUND, 2_500), KeyHasher::default());
            let mut model: HashMap<u16, u64> = HashMap::new();
            let mut gone = std::collections::HashSet::new();
            for (name, bytes) in steps {
                let units = [name];
                let key = hasher.key(Class::Response, &units);
                let new = entry(&key, bytes);
                let id = new.id;
                let mut left = Vec::new();
                match store.insert(key.hash, &new, &mut left) {
                    Inserted::Yes => { model.insert(name, id); }
                    Inserted::TooLarge => { model.remove(&name); }
                }
                gone.extend(left.iter().map(|e| e.id));
                prop_assert!(store.weight() <= BOUND);
                for (name, id) in &model {
                    let units = [*name];
                    let found = store.peek(&hasher.key(Class::Response, &units)).map(|e| e.id);
                    prop_assert!(found == Some(*id) || (found.is_none() && gone.contains(id)));
                }
            }
        }
    }
}
