//! The positions around the applied one: what was passed on the way to it, and news that came ahead of
//! its turn.
//!
//! An answer and the messages come over two connections, so either may be early. What is early is kept
//! until its turn, as if it came only then. The answer to a poll that was sent after it came settles it
//! in any case: the position is known then, or the history has lost it, or never had it.

use std::collections::{BTreeMap, VecDeque};

use super::event::{Invalidated, MOST_TAGS, Message};
use super::fleet::{Fleet, Sent};
use super::omitted::Omitted;
use crate::clock::Timestamp;
use crate::tags::Position;

/// News that is kept: more than this, and a poll brings it anyway.
const MOST_AHEAD: usize = 64;
/// Positions that are remembered: those of some polls, on a busy store.
const MOST_PASSED: usize = 512;

/// See the module.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub(super) struct Chain {
    /// By the position before it.
    ahead: BTreeMap<Position, Early>,
    /// Since when nothing that is kept had its turn, and no poll is under way.
    gap_since: Option<Timestamp>,
    /// When a gap may be polled for: a poll that failed has a pause of its own.
    rests_until: Timestamp,
    /// Whether a poll was answered that settles what came before it.
    is_settled: bool,
    /// Applied one after the other, the latest last.
    passed: VecDeque<Position>,
}

/// News that came ahead of its turn.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Early {
    message: Message,
    /// Whether a poll was sent since it came.
    is_polled_for: bool,
}

/// Whether early news is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kept {
    Yes,
    NoRoom,
}

impl Chain {
    /// Another history begins.
    pub(super) fn begin(&mut self) {
        *self = Self::default();
    }

    fn keep(&mut self, message: Message) -> Kept {
        let is_new = !self.ahead.contains_key(&message.previous);
        let is_full = is_new && self.ahead.len() >= MOST_AHEAD;
        if is_full || message.rows.len() > MOST_TAGS {
            return Kept::NoRoom;
        }
        // An own answer comes without rows, which are known already.
        if is_new {
            self.ahead.insert(message.previous, Early { message, is_polled_for: false });
        }
        Kept::Yes
    }

    /// The news that follows the applied position; what it has passed goes.
    fn take_next(&mut self, applied: Position) -> Option<Message> {
        self.ahead.retain(|_, early| early.message.position > applied);
        self.ahead.remove(&applied).map(|early| early.message)
    }

    fn drop_settled(&mut self) {
        if std::mem::take(&mut self.is_settled) {
            self.ahead.retain(|_, early| !early.is_polled_for);
        }
    }

    /// A poll leaves, which may close the gap.
    pub(super) fn polled_for(&mut self) {
        self.gap_since = None;
        self.ahead.values_mut().for_each(|early| early.is_polled_for = true);
    }

    /// That poll is answered.
    pub(super) fn polled(&mut self) {
        self.is_settled = true;
    }

    /// A poll has failed, and the next is not to come sooner, whatever lacks.
    pub(super) fn rest(&mut self, until: Timestamp) {
        self.rests_until = until;
    }

    pub(super) fn pass(&mut self, position: Position) {
        self.passed.push_back(position);
        if self.passed.len() > MOST_PASSED {
            self.passed.pop_front();
        }
    }

    fn has_passed(&self, position: Position) -> bool {
        self.passed.contains(&position)
    }
}

impl Fleet {
    /// Everything up to `position` is applied, in the history of before.
    pub(super) fn apply_up_to(&mut self, now: Timestamp, position: Position) {
        self.known.apply_up_to(now, position);
        self.chain.pass(position);
        self.open.retain(|open| *open != position);
    }

    /// Takes in a message that follows the applied position.
    pub(super) fn take_in(&mut self, now: Timestamp, message: &Message) {
        self.known.merge_remote(now, &message.rows, Position::default());
        self.apply_up_to(now, message.position);
        self.acks.wanted = Some(message.position);
    }

    /// Keeps a message until its turn. A gap that does not close by itself is polled for.
    pub(super) fn keep_ahead(&mut self, now: Timestamp, message: Message) {
        if self.chain.keep(message) == Kept::NoRoom {
            self.poll_at = self.poll_at.min(now);
        }
    }

    /// An own invalidation was recorded after others that are not known yet: what lies between comes
    /// by itself, or with a poll.
    pub(super) fn keep_own(&mut self, now: Timestamp, written: &Invalidated) {
        let (epoch, previous, position) = (written.epoch, written.previous, written.position);
        self.keep_ahead(now, Message { epoch, previous, position, rows: Vec::new() });
    }

    /// Whether the applied position was reached through this one, message by message or poll by poll:
    /// a history that has the one has the other.
    pub(super) fn has_passed(&self, position: Position) -> bool {
        let is_lower = position <= self.known.applied();
        self.chain.has_passed(position) || (is_lower && self.omits(Omitted::TrustPassed))
    }

    /// Takes in what was kept and follows now.
    pub(super) fn catch_up(&mut self, now: Timestamp) {
        if !self.stage.is_following() {
            return;
        }
        let mut has_moved = false;
        while let Some(message) = self.chain.take_next(self.known.applied()) {
            self.take_in(now, &message);
            has_moved = true;
        }
        self.chain.drop_settled();
        let is_gap = !self.chain.ahead.is_empty();
        let is_polled_for = self.requests.any(|sent| matches!(sent, Sent::Poll(_)));
        let since = self.chain.gap_since.filter(|_| !has_moved).unwrap_or(now);
        self.chain.gap_since = (is_gap && !is_polled_for).then_some(since);
    }

    /// When a gap has had its time to close.
    pub(super) fn gap_due(&self) -> Option<Timestamp> {
        let Chain { gap_since, rests_until, .. } = self.chain;
        gap_since.map(|since| since.after_us(self.timing.gap_us).max(rests_until))
    }
}
