//! Things of one feature in this process: each until it is due, all of them bounded in bytes.

use std::collections::{BTreeMap, HashMap};
use std::hash::Hash;

use super::label::Label;

/// What a thing costs beside its own bytes.
const OVERHEAD: usize = 160;

/// How many bytes something holds.
pub(super) trait Weight {
    fn weight(&self) -> usize;
}

impl Weight for Label {
    fn weight(&self) -> usize {
        self.as_str().len()
    }
}

impl Weight for u128 {
    fn weight(&self) -> usize {
        size_of::<Self>()
    }
}

/// What happens where there is no room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum WhenFull {
    /// What would be due first makes room.
    FirstDueGoes,
    /// What is new is refused, and what is there does not grow.
    Refuse,
}

/// There is no room.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Full;

/// The things, by what they are called.
pub(super) struct Shelf<K, V> {
    most_bytes: usize,
    when_full: WhenFull,
    bytes: usize,
    held: HashMap<K, Held<V>>,
    /// By when they are due, and a number that tells those of one moment apart.
    due: BTreeMap<(u64, u64), K>,
    next: u64,
}

#[derive(Clone)]
struct Held<V> {
    value: V,
    weight: usize,
    due: (u64, u64),
}

impl<K: Weight + Clone + Eq + Hash, V: Weight + Clone> Shelf<K, V> {
    pub(super) fn new(most_bytes: usize, when_full: WhenFull) -> Self {
        let (held, due) = (HashMap::new(), BTreeMap::new());
        Self { most_bytes, when_full, bytes: 0, held, due, next: 0 }
    }

    /// Changes what lies under a label, at a moment in ms: `change` gets what is there and not due,
    /// and returns what is to be there, until when, and its own result.
    ///
    /// # Errors
    /// There is no room for what is to be there. What was there is lost then, unless what is new is
    /// refused: then it stays as it was.
    pub(super) fn change<R>(
        &mut self,
        label: &K,
        now_ms: u64,
        change: impl FnOnce(Option<V>) -> (Option<(V, u64)>, R),
    ) -> Result<R, Full> {
        self.drop_due(now_ms);
        // Where there is room for anything that is added at once, it may grow, and nothing is copied.
        let is_scarce = self.is_scarce();
        let held = self.remove(label);
        let before = held.as_ref().filter(|_| is_scarce).cloned();
        let free = match (&held, &before) {
            (None, _) => 0,
            (Some(_), Some(before)) => before.weight,
            (Some(_), None) => usize::MAX,
        };
        let (kept, result) = change(held.map(|held| held.value));
        let Some((value, due_ms)) = kept.filter(|(_, due_ms)| *due_ms > now_ms) else {
            return Ok(result);
        };
        let inserted = self.insert(label, value, due_ms, free);
        if let (Err(Full), Some(before)) = (&inserted, before) {
            self.put(label, before);
        }
        inserted.map(|()| result)
    }

    /// What lies under a label and is not due at a moment in ms.
    pub(super) fn get(&mut self, label: &K, now_ms: u64) -> Option<&V> {
        self.drop_due(now_ms);
        self.held.get(label).map(|held| &held.value)
    }

    /// All that is not due at a moment in ms.
    pub(super) fn all(&mut self, now_ms: u64) -> impl Iterator<Item = (&K, &V)> {
        self.drop_due(now_ms);
        self.held.iter().map(|(label, held)| (label, &held.value))
    }

    /// Whether what is there may have to stay as it was.
    fn is_scarce(&self) -> bool {
        self.when_full == WhenFull::Refuse && self.bytes > self.most_bytes / 8 * 7
    }

    /// What weighs up to `free` has the room of what was there before.
    fn insert(&mut self, label: &K, value: V, due_ms: u64, free: usize) -> Result<(), Full> {
        let weight = OVERHEAD + 2 * label.weight() + value.weight();
        let makes_room = self.when_full == WhenFull::FirstDueGoes;
        let is_surplus = |bytes| bytes + weight > self.most_bytes;
        if is_surplus(0) || !makes_room && weight > free && is_surplus(self.bytes) {
            return Err(Full);
        }
        while makes_room && self.bytes + weight > self.most_bytes {
            let Some((_, first)) = self.due.pop_first() else { break };
            self.forget(&first);
        }
        self.next += 1;
        self.put(label, Held { value, weight, due: (due_ms, self.next) });
        Ok(())
    }

    fn put(&mut self, label: &K, held: Held<V>) {
        self.bytes += held.weight;
        self.due.insert(held.due, label.clone());
        self.held.insert(label.clone(), held);
    }

    fn remove(&mut self, label: &K) -> Option<Held<V>> {
        let held = self.forget(label)?;
        self.due.remove(&held.due);
        Some(held)
    }

    fn forget(&mut self, label: &K) -> Option<Held<V>> {
        let held = self.held.remove(label)?;
        self.bytes -= held.weight;
        Some(held)
    }

    fn drop_due(&mut self, now_ms: u64) {
        while let Some(first) = self.due.first_entry().filter(|first| first.key().0 <= now_ms) {
            let label = first.remove();
            self.forget(&label);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::label::{Feature, Group, Own};
    use super::*;

    impl Weight for Vec<u8> {
        fn weight(&self) -> usize {
            self.len()
        }
    }

    fn label(name: usize) -> Label {
        let (group, own) = (Group::parse("g").unwrap(), Own::parse(&format!("{name:04}")).unwrap());
        Label::plain(Feature::Value, &group, &own)
    }

    fn put(shelf: &mut Shelf<Label, Vec<u8>>, name: usize, due_ms: u64) -> Result<(), Full> {
        shelf.change(&label(name), 0, |_| (Some((vec![0; 100], due_ms)), ()))
    }

    fn is_there(shelf: &mut Shelf<Label, Vec<u8>>, name: usize, now_ms: u64) -> bool {
        let look = |held: Option<Vec<u8>>| {
            let is_there = held.is_some();
            (held.map(|held| (held, u64::MAX)), is_there)
        };
        shelf.change(&label(name), now_ms, look).unwrap()
    }

    #[test]
    fn what_is_due_first_makes_room() {
        let mut shelf = Shelf::new(3_000, WhenFull::FirstDueGoes);
        for name in 0..1_000 {
            put(&mut shelf, name, 1_000 + name as u64).unwrap();
            put(&mut shelf, 9_999, 1_000_000).unwrap();
        }
        assert!(shelf.bytes <= 3_000 && shelf.held.len() == shelf.due.len());
        assert!((8..=10).contains(&shelf.held.len()), "{}", shelf.held.len());
        assert!(is_there(&mut shelf, 9_999, 0) && is_there(&mut shelf, 999, 0));
        assert!(!is_there(&mut shelf, 0, 0));
        let too_large = shelf.change(&label(1), 0, |_| (Some((vec![0; 3_000], 1)), ()));
        assert_eq!(too_large, Err(Full));
    }

    #[test]
    fn what_may_not_be_lost_keeps_out_what_is_new() {
        let mut shelf = Shelf::new(1_000, WhenFull::Refuse);
        assert_eq!(put(&mut shelf, 1, 1_000).and_then(|()| put(&mut shelf, 2, 1_000)), Ok(()));
        let refused = (3..100).filter(|name| put(&mut shelf, *name, 1_000).is_err()).count();
        assert!(refused > 90, "{refused}");
        assert!(is_there(&mut shelf, 1, 0) && is_there(&mut shelf, 2, 0));
        assert_eq!(put(&mut shelf, 1, 2_000), Ok(()), "it replaces itself");
    }

    #[test]
    fn what_may_not_be_lost_grows_no_more_where_there_is_no_room_and_stays_as_it_was() {
        let mut shelf = Shelf::new(10_000, WhenFull::Refuse);
        let _ = (0..100).find(|name| put(&mut shelf, *name, 1_000).is_err()).unwrap();
        let put = |shelf: &mut Shelf<_, _>, length, due_ms| {
            shelf.change(&label(1), 0, |_| (Some((vec![0; length], due_ms)), ()))
        };
        for _ in 0..10 {
            assert_eq!(put(&mut shelf, 900, 3_000), Err(Full));
        }
        assert!(shelf.bytes <= 10_000 && shelf.held.len() == shelf.due.len());
        assert_eq!(shelf.get(&label(1), 999).map(Vec::len), Some(100));
        assert_eq!(put(&mut shelf, 50, 2_000), Ok(()), "it may shrink");
        assert_eq!(put(&mut shelf, 100, 2_000), Ok(()), "and take its room again");
        assert_eq!(shelf.get(&label(1), 2_000), None);
    }

    #[test]
    fn nothing_is_there_once_it_is_due() {
        let mut shelf = Shelf::new(3_000, WhenFull::FirstDueGoes);
        put(&mut shelf, 1, 50).unwrap();
        assert!(is_there(&mut shelf, 1, 49));
        put(&mut shelf, 1, 50).unwrap();
        assert!(!is_there(&mut shelf, 1, 50));
        assert_eq!((shelf.bytes, shelf.held.len(), shelf.due.len()), (0, 0, 0));
    }
}
