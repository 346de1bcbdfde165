//! Which position an instance has applied, and which it had applied at an earlier moment.
//!
//! Sans-IO: moments come in as arguments. In memory only, positions are a counter of this process.

use std::collections::VecDeque;

use crate::clock::Timestamp;
use crate::tags::Position;

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

#[cfg(test)]
mod tests {
    use super::*;

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
