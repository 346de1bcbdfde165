//! Which position an instance has applied, and which it had applied at an earlier moment.
//!
//! Sans-IO: moments come in as arguments. In memory only, positions are a counter of this process.

use std::collections::{HashMap, VecDeque};

use crate::clock::Timestamp;
use crate::tags::{Position, Tag};

/// Changes of the applied position that are remembered, to date generations that began earlier.
const RING: usize = 8_192;

/// The positions of this process.
#[derive(Debug, Default)]
pub struct Coherence {
    applied: Position,
    ring: VecDeque<(Timestamp, Position)>,
    /// Whether changes were dropped from the front of the ring.
    forgotten: bool,
}

impl Coherence {
    /// The position applied now.
    pub fn applied(&self) -> Position {
        self.applied
    }

    /// The next position, applied from `now` on.
    pub fn advance(&mut self, now: Timestamp) -> Position {
        self.applied = Position(self.applied.0 + 1);
        if self.ring.len() == RING {
            self.ring.pop_front();
            self.forgotten = true;
        }
        self.ring.push_back((now, self.applied));
        self.applied
    }

    /// The position that was applied at `moment`, or `None` if that is longer ago than is
    /// remembered: what began then may not be stored.
    pub fn applied_at(&self, moment: Timestamp) -> Option<Position> {
        let later = self.ring.partition_point(|(at, _)| *at <= moment);
        match later.checked_sub(1).and_then(|i| self.ring.get(i)) {
            Some((_, position)) => Some(*position),
            None if self.forgotten => None,
            None => Some(Position(0)),
        }
    }
}

/// Tags whose soft-stale entries were handed out to a generation that may keep what it read.
///
/// Such a generation began after the invalidation and would count as fresh, with the old value
/// inside. It is dated back below the invalidation instead, so that it is stale itself.
#[derive(Debug, Default)]
pub struct Marks {
    by_tag: HashMap<Tag, Mark>,
}

#[derive(Debug, Clone, Copy)]
struct Mark {
    soft: Position,
    handed_out: Timestamp,
}

/// Tags marked at once; past that all are forgotten, and an outer entry may keep an inner one for as
/// long as it would without marks.
const MOST_MARKS: usize = 4_096;

impl Marks {
    /// An entry with these tags, invalidated softly at these positions, is handed out.
    pub fn hand_out(&mut self, stale: Vec<(Tag, Position)>, now: Timestamp) {
        if self.by_tag.len() + stale.len() > MOST_MARKS {
            self.by_tag.clear();
        }
        for (tag, soft) in stale {
            self.by_tag.insert(tag, Mark { soft, handed_out: now });
        }
    }

    /// The stamp of a generation that began at `began` and carries `tags`.
    pub fn date<'t>(
        &self,
        stamp: Position,
        began: Timestamp,
        tags: impl IntoIterator<Item = &'t [u8]>,
    ) -> Position {
        if self.by_tag.is_empty() {
            return stamp;
        }
        let marks = tags.into_iter().filter_map(|tag| self.by_tag.get(tag));
        let running = marks.filter(|mark| began <= mark.handed_out && stamp >= mark.soft);
        running.map(|mark| Position(mark.soft.0.saturating_sub(1))).min().unwrap_or(stamp)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_read_a_stale_value_while_generating_is_no_fresher() {
        let mut marks = Marks::default();
        marks.hand_out(vec![(Tag::from("inner"), Position(7))], Timestamp(50));
        let date = |stamp, began, tag: &str| {
            marks.date(Position(stamp), Timestamp(began), [tag.as_bytes()])
        };
        assert_eq!(date(9, 50, "inner"), Position(6));
        assert_eq!(date(9, 51, "inner"), Position(9));
        assert_eq!(date(6, 50, "inner"), Position(6));
        assert_eq!(date(9, 50, "other"), Position(9));
    }

    #[test]
    fn marks_are_bounded() {
        let mut marks = Marks::default();
        for n in 0..=MOST_MARKS {
            marks.hand_out(vec![(Tag::from(&*n.to_string()), Position(1))], Timestamp(1));
        }
        assert_eq!(marks.by_tag.len(), 1);
    }

    #[test]
    fn a_generation_is_dated_by_what_was_applied_when_it_began() {
        let mut coherence = Coherence::default();
        coherence.advance(Timestamp(10));
        coherence.advance(Timestamp(20));
        assert_eq!(coherence.applied_at(Timestamp(9)), Some(Position(0)));
        assert_eq!(coherence.applied_at(Timestamp(10)), Some(Position(1)));
        assert_eq!(coherence.applied_at(Timestamp(19)), Some(Position(1)));
        assert_eq!(coherence.applied_at(Timestamp(99)), Some(Position(2)));
    }

    #[test]
    fn what_began_before_the_oldest_change_remembered_has_no_date() {
        let mut coherence = Coherence::default();
        for n in 0..=RING as u64 {
            coherence.advance(Timestamp(100 + n));
        }
        assert_eq!(coherence.applied_at(Timestamp(100)), None);
        assert_eq!(coherence.applied_at(Timestamp(101)), Some(Position(2)));
    }
}
