//! The last decisions of one thread, in room that is taken once.
//!
//! A plain hit costs three stores: when, and the number of its entry. Whoever reads the journal finds
//! the entry by that number. Everything else is rare enough for details of its own, which lie beside
//! the place of the decision.
//!
//! Hits are dated by a coarse clock, which lags behind that of the rest. No decision is dated before
//! one that the thread made earlier, so readers may sort by date what comes from several threads.
//!
//! One thread writes, and any may read. A hit waits for nobody, and other decisions only while a
//! reader clones the details in their place: a reader drops what was overwritten while it read.

use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering, fence};

use parking_lot::Mutex;

use crate::clock::Timestamp;

/// Instead of the number of an entry, which is never this: the decision has details.
const DETAILED: u64 = 0;
/// Instead of the number of an entry: the decision was taken back.
const TAKEN_BACK: u64 = u64::MAX;

/// The last decisions of a thread. `D` is what is kept of one that is no plain hit.
#[derive(Debug)]
pub struct Journal<D> {
    places: Box<[Place]>,
    details: Box<[Mutex<Option<Detail<D>>>]>,
    /// Decisions so far. Only the writer stores it.
    written: AtomicU64,
    /// The earliest date of the next decision, in microseconds. Only the writer uses it.
    earliest_us: AtomicU64,
}

/// A decision, written by one thread and read by any.
#[derive(Debug, Default)]
struct Place {
    at_us: AtomicU64,
    entry: AtomicU64,
}

#[derive(Debug)]
struct Detail<D> {
    /// The number of the decision it belongs to: the place may be that of a later one by now.
    number: u64,
    content: D,
}

/// A remembered decision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remembered<D> {
    /// When.
    pub at: Timestamp,
    /// What.
    pub what: What<D>,
}

/// What is remembered of a decision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What<D> {
    /// The entry with this number was found in memory, fresh.
    Hit(u64),
    /// Something else.
    Detailed(D),
}

/// What a thread has decided since it was last looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Since<D> {
    /// How many decisions there were in all.
    pub end: u64,
    /// How many of them were overwritten before this look.
    pub lost: u64,
    /// The others, the oldest first.
    pub decisions: Vec<Remembered<D>>,
}

impl<D: Clone> Journal<D> {
    /// Room for `most` decisions, rounded up to a power of two; none for 0. One place less can be
    /// read: the writer may be at it.
    pub fn new(most: usize) -> Self {
        let room = if most == 0 { 0 } else { most.next_power_of_two() };
        Self {
            places: (0..room).map(|_| Place::default()).collect(),
            details: (0..room).map(|_| Mutex::default()).collect(),
            written: AtomicU64::new(0),
            earliest_us: AtomicU64::new(0),
        }
    }

    /// Decisions that there is room for.
    pub fn room(&self) -> usize {
        self.places.len()
    }

    /// Remembers that the entry of this number was found in memory, fresh. Only the thread that the
    /// journal belongs to may call this, and the next four.
    #[inline]
    pub fn hit(&self, at: Timestamp, entry: u64) {
        let number = self.written.load(Ordering::Relaxed);
        let Some(place) = self.places.get(self.place_of(number)) else { return };
        // Not stored as the earliest date: the coarse clock never runs back by itself.
        place.write(self.dated(at), entry);
        self.written.store(number.wrapping_add(1), Ordering::Release);
    }

    /// Remembers another decision.
    pub fn note(&self, at: Timestamp, content: D) {
        let at = self.dated(at);
        self.earliest_us.store(at.0, Ordering::Relaxed);
        self.write(at, content);
    }

    /// Dates what is remembered only when it ends: all that the thread decides meanwhile is dated
    /// later. The result is for [`Journal::note_begun`].
    pub fn begin(&self, at: Timestamp) -> Timestamp {
        let at = self.dated(at);
        self.earliest_us.store(at.after_us(1).0, Ordering::Relaxed);
        at
    }

    /// Remembers a decision that has ended, where it began.
    pub fn note_begun(&self, began: Timestamp, content: D) {
        self.write(began, content);
    }

    fn write(&self, at: Timestamp, content: D) {
        let number = self.written.load(Ordering::Relaxed);
        let index = self.place_of(number);
        let (Some(place), Some(detail)) = (self.places.get(index), self.details.get(index)) else {
            return;
        };
        let old = detail.lock().replace(Detail { number, content });
        place.write(at, DETAILED);
        self.written.store(number.wrapping_add(1), Ordering::Release);
        // Not while a reader may wait for it.
        drop(old);
    }

    /// Takes the last hit back: it was none.
    pub fn take_back(&self) {
        let last = self.written.load(Ordering::Relaxed).wrapping_sub(1);
        if let Some(place) = self.places.get(self.place_of(last)) {
            place.entry.store(TAKEN_BACK, Ordering::Relaxed);
        }
    }

    /// The last `most` decisions, the newest first.
    pub fn last(&self, most: usize) -> Vec<Remembered<D>> {
        let end = self.written.load(Ordering::Acquire);
        let room = self.places.len() as u64;
        self.range(end.saturating_sub(room.min(most as u64))..end)
    }

    /// What was decided after the first `after` decisions, as far as it is remembered. Only the
    /// thread that the journal belongs to may call this.
    pub fn since(&self, after: u64) -> Since<D> {
        let end = self.written.load(Ordering::Acquire);
        let room = self.places.len().saturating_sub(1) as u64;
        let start = end.saturating_sub(room).max(after.min(end));
        let mut decisions = self.range(start..end);
        decisions.reverse();
        Since { end, lost: start.saturating_sub(after), decisions }
    }

    /// Decisions by number, the newest first.
    fn range(&self, numbers: Range<u64>) -> Vec<Remembered<D>> {
        let room = self.places.len() as u64;
        let read: Vec<_> = numbers.rev().filter_map(|number| self.read(number)).collect();
        // A writer that has overwritten a place read above has stored its number before that.
        fence(Ordering::Acquire);
        let now = self.written.load(Ordering::Relaxed);
        let stays = |(number, _): &(u64, _)| number + room > now;
        read.into_iter().filter(stays).map(|(_, remembered)| remembered).collect()
    }

    fn read(&self, number: u64) -> Option<(u64, Remembered<D>)> {
        let index = self.place_of(number);
        let place = self.places.get(index)?;
        let at = Timestamp(place.at_us.load(Ordering::Relaxed));
        let what = match place.entry.load(Ordering::Relaxed) {
            TAKEN_BACK => return None,
            DETAILED => {
                let detail = self.details.get(index)?.lock();
                let detail = detail.as_ref().filter(|detail| detail.number == number)?;
                What::Detailed(detail.content.clone())
            }
            entry => What::Hit(entry),
        };
        Some((number, Remembered { at, what }))
    }

    #[inline]
    fn dated(&self, at: Timestamp) -> Timestamp {
        at.max(Timestamp(self.earliest_us.load(Ordering::Relaxed)))
    }

    #[inline]
    fn place_of(&self, number: u64) -> usize {
        number as usize & self.places.len().wrapping_sub(1)
    }
}

impl Place {
    #[inline]
    fn write(&self, at: Timestamp, entry: u64) {
        // After the count that a reader of these fields looks at last. Costs nothing on x86.
        fence(Ordering::Release);
        self.at_us.store(at.0, Ordering::Relaxed);
        self.entry.store(entry, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::AtomicBool;
    use std::thread;

    use super::*;

    fn hits(journal: &Journal<&'static str>, most: usize) -> Vec<u64> {
        let hit = |one: Remembered<&'static str>| match one.what {
            What::Hit(entry) => entry,
            What::Detailed(word) => word.len() as u64,
        };
        journal.last(most).into_iter().map(hit).collect()
    }

    #[test]
    fn the_last_decisions_come_newest_first() {
        let journal = Journal::new(4);
        for entry in 11..=13 {
            journal.hit(Timestamp(entry), entry);
        }
        journal.note(Timestamp(14), "miss");
        assert_eq!(hits(&journal, 9), [4, 13, 12]);
        assert_eq!(hits(&journal, 2), [4, 13]);
        journal.hit(Timestamp(15), 15);
        assert_eq!(hits(&journal, 9), [15, 4, 13]);
        assert_eq!(journal.last(1)[0].at, Timestamp(15));
    }

    fn dates(journal: &Journal<&'static str>) -> Vec<u64> {
        journal.last(9).into_iter().map(|one| one.at.0).collect()
    }

    #[test]
    fn a_hit_is_not_dated_before_what_was_decided_before_it() {
        let journal = Journal::new(4);
        journal.note(Timestamp(10), "set");
        // The coarse clock lags behind.
        journal.hit(Timestamp(7), 1);
        journal.note(Timestamp(12), "miss");
        assert_eq!(dates(&journal), [12, 10, 10]);
        journal.hit(Timestamp(13), 1);
        assert_eq!(dates(&journal), [13, 12, 10]);
    }

    #[test]
    fn what_is_remembered_when_it_ends_is_older_than_what_came_meanwhile() {
        let journal = Journal::new(8);
        journal.hit(Timestamp(9), 1);
        let began = journal.begin(Timestamp(10));
        journal.hit(Timestamp(9), 1);
        journal.note(Timestamp(10), "miss");
        journal.note_begun(began, "invalidation");
        assert_eq!(dates(&journal), [10, 11, 11, 9]);
    }

    #[test]
    fn details_end_with_their_decision() {
        let journal = Journal::new(4);
        journal.note(Timestamp(1), "miss");
        for entry in 6..=9 {
            journal.hit(Timestamp(entry), entry);
        }
        assert_eq!(hits(&journal, 9), [9, 8, 7]);
    }

    #[test]
    fn a_look_gives_what_came_since_the_last_one_and_counts_what_was_overwritten() {
        let journal: Journal<&'static str> = Journal::new(4);
        let look = |after| {
            let Since { end, lost, decisions } = journal.since(after);
            (end, lost, decisions.into_iter().map(|one| one.at.0).collect::<Vec<_>>())
        };
        assert_eq!(look(0), (0, 0, vec![]));
        journal.hit(Timestamp(1), 1);
        journal.note(Timestamp(2), "miss");
        assert_eq!(look(0), (2, 0, vec![1, 2]));
        assert_eq!(look(2), (2, 0, vec![]));
        for at in 3..=9 {
            journal.hit(Timestamp(at), at);
        }
        // One place is the writer's, who may be at it.
        assert_eq!(look(2), (9, 4, vec![7, 8, 9]));
        // The journal of another thread, which had decided more.
        assert_eq!(look(99), (9, 0, vec![]));
    }

    #[test]
    fn a_hit_that_was_none_is_taken_back() {
        let journal = Journal::new(4);
        journal.hit(Timestamp(1), 1);
        journal.hit(Timestamp(2), 2);
        journal.take_back();
        journal.note(Timestamp(2), "stale");
        assert_eq!(hits(&journal, 9), [5, 1]);
        journal.take_back();
        assert_eq!(hits(&journal, 9), [1]);
    }

    #[test]
    fn without_room_nothing_is_remembered() {
        let journal = Journal::new(0);
        journal.hit(Timestamp(1), 1);
        journal.note(Timestamp(1), "miss");
        journal.take_back();
        assert_eq!(hits(&journal, 9), [0; 0]);
    }

    #[test]
    fn a_reader_of_a_journal_that_is_written_sees_no_decision_twice_and_none_torn() {
        let (journal, is_over) = (Arc::new(Journal::new(64)), Arc::new(AtomicBool::new(false)));
        let writer = thread::spawn({
            let (journal, is_over) = (journal.clone(), is_over.clone());
            move || {
                let mut entry = 0;
                while !is_over.load(Ordering::Relaxed) {
                    entry += 1;
                    // Both halves of a hit are the same number.
                    if entry % 7 == 0 {
                        journal.note(Timestamp(entry), entry);
                    } else {
                        journal.hit(Timestamp(entry), entry);
                    }
                }
            }
        });
        for _ in 0..2_000 {
            let read = journal.last(64);
            for one in &read {
                let (What::Hit(entry) | What::Detailed(entry)) = one.what;
                assert_eq!(one.at, Timestamp(entry), "torn");
            }
            assert!(read.is_sorted_by(|a, b| a.at > b.at), "{read:?}");
        }
        is_over.store(true, Ordering::Relaxed);
        writer.join().unwrap();
    }
}
