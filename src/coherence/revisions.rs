//! What was known at an earlier moment.

use std::collections::VecDeque;

use crate::clock::Timestamp;
use crate::tags::{Epoch, Point, Stamp};

/// The most changes remembered to date generations that began earlier.
const MOST: usize = 8_192;

/// Counts the changes of what this process knows. What holds at one revision holds until the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Revision(pub u64);

/// The last changes, each with the stamp of generations that began after it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Revisions {
    /// The revision of the first change held.
    first: Revision,
    changes: VecDeque<(Timestamp, Stamp)>,
}

impl Default for Revisions {
    fn default() -> Self {
        Self { first: Revision(0), changes: VecDeque::from([(Timestamp(0), Stamp::default())]) }
    }
}

impl Revisions {
    /// Notes that from `now` on generations are stamped `stamp`.
    pub fn note(&mut self, now: Timestamp, stamp: Stamp) {
        // Threads read the clock before they take the lock; the search needs ordered times.
        let now = self.changes.back().map_or(now, |(last, _)| now.max(*last));
        if self.changes.len() == MOST {
            self.changes.pop_front();
            self.first.0 += 1;
        }
        self.changes.push_back((now, stamp));
    }

    /// Redates the changes after `before`: they took effect at `moment`.
    pub fn redate(&mut self, before: Revision, moment: Timestamp) {
        let kept = (before.0 + 1).saturating_sub(self.first.0) as usize;
        for (at, _) in self.changes.iter_mut().skip(kept) {
            *at = moment;
        }
    }

    /// The present revision.
    pub fn revision(&self) -> Revision {
        Revision(self.first.0 + self.changes.len() as u64 - 1)
    }

    /// The stamp of a generation that begins now.
    pub fn stamp(&self) -> Stamp {
        self.changes.back().map_or_else(Stamp::default, |(_, stamp)| *stamp)
    }

    /// The stamp of a generation that began at `revision`; `None` if that is longer ago than is
    /// remembered: its value may not be stored.
    pub fn stamp_of(&self, revision: Revision) -> Option<Stamp> {
        let index = revision.0.checked_sub(self.first.0)?;
        self.changes.get(index as usize).map(|(_, stamp)| *stamp)
    }

    /// Since when generations are stamped `point` or later in this `epoch`; if that is longer ago
    /// than is remembered, the oldest moment that is. `None` if they are not yet.
    pub fn moment_of(&self, epoch: Epoch, point: Point) -> Option<Timestamp> {
        let is_later = |stamp: &Stamp| stamp.epoch == epoch && stamp.at >= point;
        self.changes.iter().find(|(_, stamp)| is_later(stamp)).map(|(at, _)| *at)
    }

    /// The revision at `moment`; `None` if that is longer ago than is remembered.
    pub fn revision_at(&self, moment: Timestamp) -> Option<Revision> {
        let later = self.changes.partition_point(|(at, _)| *at <= moment) as u64;
        Some(Revision(self.first.0 + later.checked_sub(1)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tags::Position;

    fn stamp(position: u64) -> Stamp {
        Stamp { at: Position(position).into(), ..Stamp::default() }
    }

    #[test]
    fn a_generation_is_dated_by_what_was_known_when_it_began() {
        let mut revisions = Revisions::default();
        revisions.note(Timestamp(10), stamp(1));
        revisions.note(Timestamp(20), stamp(2));
        let at =
            |moment| revisions.revision_at(Timestamp(moment)).and_then(|r| revisions.stamp_of(r));
        assert_eq!(at(9), Some(stamp(0)));
        assert_eq!(at(10), Some(stamp(1)));
        assert_eq!(at(19), Some(stamp(1)));
        assert_eq!(at(99), Some(stamp(2)));
        assert_eq!(revisions.stamp(), stamp(2));
    }

    #[test]
    fn a_point_is_dated_by_the_first_change_that_reached_it() {
        let mut revisions = Revisions::default();
        revisions.note(Timestamp(10), stamp(3));
        revisions.note(Timestamp(20), stamp(7));
        let at = |epoch, position| revisions.moment_of(Epoch(epoch), Position(position).into());
        assert_eq!([at(0, 0), at(0, 3)], [Some(Timestamp(0)), Some(Timestamp(10))]);
        assert_eq!([at(0, 4), at(0, 7)], [Some(Timestamp(20)), Some(Timestamp(20))]);
        assert_eq!([at(0, 8), at(1, 0)], [None, None]);
    }

    #[test]
    fn a_change_is_dated_by_when_it_took_effect() {
        let mut revisions = Revisions::default();
        revisions.note(Timestamp(10), stamp(1));
        let before = revisions.revision();
        revisions.note(Timestamp(20), stamp(2));
        revisions.note(Timestamp(20), stamp(3));
        revisions.redate(before, Timestamp(35));
        let at =
            |moment| revisions.revision_at(Timestamp(moment)).and_then(|r| revisions.stamp_of(r));
        assert_eq!((at(15), at(34), at(35)), (Some(stamp(1)), Some(stamp(1)), Some(stamp(3))));
    }

    #[test]
    fn what_began_before_the_oldest_change_remembered_has_no_date() {
        let mut revisions = Revisions::default();
        for n in 1..=MOST as u64 {
            revisions.note(Timestamp(100 + n), stamp(n));
        }
        assert_eq!(revisions.revision_at(Timestamp(100)), None);
        assert_eq!(revisions.stamp_of(Revision(0)), None);
        assert_eq!(revisions.stamp_of(Revision(1)), Some(stamp(1)));
        assert_eq!(revisions.revision(), Revision(MOST as u64));
    }
}
