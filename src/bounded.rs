//! A map with a bounded number of entries. When it is full, the oldest that may go gives way.

use std::collections::{HashMap, VecDeque};

use crate::key::Hash128;

/// Entries examined to find one that may go: the most that a new key costs in a full map.
const LOOKS: usize = 32;

/// A map from keys to values, in the order of their insertion.
#[derive(Debug)]
pub struct Bounded<V> {
    most: usize,
    values: HashMap<Hash128, (V, u64)>,
    /// Keys by age. A key whose number differs from that in `values` was removed since.
    order: VecDeque<(Hash128, u64)>,
    next: u64,
}

impl<V> Bounded<V> {
    /// An empty map of at most `most` entries.
    pub fn new(most: usize) -> Self {
        Self { most, values: HashMap::new(), order: VecDeque::new(), next: 0 }
    }

    /// Entries in it.
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// The value of `key`.
    pub fn get(&self, key: Hash128) -> Option<&V> {
        self.values.get(&key).map(|(value, _)| value)
    }

    /// The value of `key`, mutable.
    pub fn get_mut(&mut self, key: Hash128) -> Option<&mut V> {
        self.values.get_mut(&key).map(|(value, _)| value)
    }

    /// All values, in no order.
    pub fn values(&self) -> impl Iterator<Item = &V> {
        self.values.values().map(|(value, _)| value)
    }

    /// Removes `key`.
    pub fn remove(&mut self, key: Hash128) -> Option<V> {
        self.values.remove(&key).map(|(value, _)| value)
    }

    /// The value of `key`, created if absent. `None` if the map is full and none of the oldest
    /// `may_go`.
    pub fn get_or_insert(
        &mut self,
        key: Hash128,
        make: impl FnOnce() -> V,
        may_go: impl Fn(&V) -> bool,
    ) -> Option<&mut V> {
        if !self.values.contains_key(&key) {
            if self.values.len() >= self.most && !self.make_room(may_go) {
                return None;
            }
            self.tidy();
            let number = self.next;
            self.next += 1;
            self.order.push_back((key, number));
            self.values.insert(key, (make(), number));
        }
        self.get_mut(key)
    }

    /// Visits the oldest `most` entries. Those that `stays` keeps become the newest; the others go.
    pub fn sweep(&mut self, most: usize, mut stays: impl FnMut(Hash128, &mut V) -> bool) {
        for _ in 0..most.min(self.order.len()) {
            let Some((key, number)) = self.order.pop_front() else { return };
            let Some((value, _)) = self.values.get_mut(&key).filter(|(_, own)| *own == number)
            else {
                continue;
            };
            if stays(key, value) {
                self.order.push_back((key, number));
            } else {
                self.values.remove(&key);
            }
        }
    }

    fn make_room(&mut self, may_go: impl Fn(&V) -> bool) -> bool {
        for _ in 0..LOOKS {
            // One is enough: younger entries need not give way yet.
            let mut is_over = false;
            self.sweep(1, |_, value| {
                is_over = may_go(value);
                !is_over
            });
            if is_over {
                return true;
            }
        }
        false
    }

    /// Drops the places of removed keys once they are most of the order.
    fn tidy(&mut self) {
        if self.order.len() > 2 * self.values.len() + LOOKS {
            let values = &self.values;
            self.order
                .retain(|(key, number)| values.get(key).is_some_and(|(_, own)| own == number));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn full() -> Bounded<bool> {
        let mut map = Bounded::new(4);
        for key in 0..4 {
            map.get_or_insert(key, || key != 1, |_| false);
        }
        map
    }

    #[test]
    fn the_oldest_that_may_go_gives_way() {
        let mut map = full();
        assert!(map.get_or_insert(9, || false, |stays| !stays).is_some());
        assert_eq!((map.len(), map.get_mut(1)), (4, None));
        assert!(map.get_or_insert(8, || true, |_| false).is_none(), "none may go");
        assert!(map.get_or_insert(9, || true, |_| false).is_some_and(|kept| !*kept));
    }

    #[test]
    fn keys_that_come_and_go_leave_nothing_behind() {
        let mut map = full();
        for key in 10..10_000 {
            map.remove(0);
            map.remove(key - 1);
            assert!(map.get_or_insert(key, || true, |_| false).is_some());
        }
        assert!(map.order.len() <= 2 * map.len() + LOOKS + 1);
        assert_eq!(map.len(), 4);
    }

    #[test]
    fn a_sweep_looks_at_so_many_and_goes_on_with_the_next() {
        let mut map = full();
        let mut seen = Vec::new();
        for _ in 0..2 {
            map.sweep(3, |key, _| {
                seen.push(key);
                true
            });
        }
        assert_eq!(seen, [0, 1, 2, 3, 0, 1]);
        map.sweep(10, |_, stays| *stays);
        assert_eq!((map.len(), map.get_mut(1)), (3, None));
    }

    #[test]
    fn a_key_that_was_removed_and_came_again_is_as_young_as_that() {
        let mut map = full();
        map.remove(0);
        map.get_or_insert(0, || true, |_| false);
        map.get_or_insert(9, || true, |_| true);
        assert!(map.get_mut(0).is_some());
    }
}
