//! What goes into an instance and what comes out: the whole surface of the protocol.
//!
//! [`Event`]s go in, [`Action`]s come out. A [`Command`] is one exchange with the shared store; its
//! [`Answer`] comes back as an event. All of these are plain data.

use crate::clock::Timestamp;
use crate::tags::{Change, Epoch, MAX_LIFE_US, Position, Tag};

/// Numbers a command, so that its answer is recognised.
pub type Request = u64;
/// Numbers an invalidation that a caller waits for.
pub type Call = u64;
/// Numbers a get that waits for a poll.
pub type Ask = u64;

/// Something that happens to an instance.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Event {
    /// The connection to the primary was established, or re-established. Requests in flight on the
    /// previous one are never answered.
    Connected,
    /// The connection was lost. That says nothing about the store: a process that was suspended
    /// finds its connections closed, too.
    Disconnected,
    /// A connection attempt failed: the store is away. Reported for each attempt.
    Unreachable,
    /// Time has passed; see `Coherence::next_timer`.
    Tick,
    /// A get arrived that memory may not answer before the store is asked.
    Ask(Ask),
    /// A user invalidates tags.
    Invalidate(Call, Vec<Tag>, Lifetime),
    /// An operator invalidates everything, hard.
    InvalidateAll(Call),
    /// What the store answered.
    Answered(Request, Answer),
    /// The store did not answer in time, or with an error; the command may have taken effect.
    Failed(Request),
    /// Another instance invalidated something.
    Heard(Message),
    /// The store forbids this, for now at least; a part of it may have taken effect.
    Denied(Request),
    /// There is no store after all: the instance decides alone.
    NoStore,
}

/// How long invalidated entries may still be served stale.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Lifetime {
    /// Not at all: a hard invalidation.
    None,
    /// For this number of microseconds.
    Micros(u64),
    /// Without end: no entry lives that long anyway.
    Unlimited,
}

/// The facts of one tag as the store holds them.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Row {
    /// The tag.
    pub tag: Tag,
    /// Where it was invalidated hard; 0 = never.
    pub hard: Position,
    /// Where it was invalidated softly, later than that; 0 = never.
    pub soft: Position,
    /// When the soft invalidation becomes hard, in microseconds on the store's clock.
    pub deadline_us: Option<u64>,
}

/// An invalidation as published to the other instances.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Message {
    /// The life of the table it was written to.
    pub epoch: Epoch,
    /// The last position before it.
    pub previous: Position,
    /// Its position.
    pub position: Position,
    /// The facts it made.
    pub rows: Vec<Row>,
}

/// An exchange with the shared store.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Command {
    /// Registers this instance and reads the news, in one step.
    Poll(Known),
    /// Reads the last position without registering. Answered as a first poll, without rows.
    ReadPosition,
    /// Reads the whole table, not in one step: concurrent changes may or may not be in the answer.
    Load,
    /// Writes an invalidation of up to [`MOST_TAGS`] tags. Nothing is written, and the answer is
    /// [`Answer::Unknown`], if there is no table.
    Invalidate {
        /// What the instance knows; without it nothing is checked (a repair).
        known: Option<Known>,
        /// The tags.
        tags: Vec<(Tag, Lifetime)>,
    },
    /// Invalidates everything: raises the floor to a new position. Answered as an invalidation
    /// without rows, and not published: other instances find the floor with their next poll.
    RaiseFloor {
        /// As in [`Command::Invalidate`].
        known: Option<Known>,
    },
    /// Acknowledges that a position is applied here.
    Ack(Position),
    /// Asks which positions the others have applied.
    ReadAcks,
    /// Removes the instances that have not polled since this position.
    Remove(Position),
}

/// The most tags in one invalidation.
pub const MOST_TAGS: usize = 200;

/// What an instance knows of the history: sent along, so that the store can tell if its own
/// differs.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Known {
    /// The life of the table it follows; 0 = none yet.
    pub epoch: Epoch,
    /// Everything up to here is applied; 0 = nothing is known.
    pub applied: Position,
    /// Positions of its own invalidations that it has not seen listed yet.
    pub open: Vec<Position>,
}

/// What the store answers to a command.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Answer {
    /// To [`Command::Poll`] and [`Command::ReadPosition`].
    Polled(Polled),
    /// To [`Command::Load`].
    Loaded {
        /// All facts.
        rows: Vec<Row>,
        /// See [`Polled::floor`].
        floor: Position,
    },
    /// To [`Command::Invalidate`] and [`Command::RaiseFloor`].
    Invalidated(Invalidated),
    /// To the same: nothing was written, because the history the caller knows is not that of the
    /// table, or there is no table.
    Unknown,
    /// To [`Command::ReadAcks`].
    Acks {
        /// The lowest position applied by any other instance; `None` if there is no other.
        lowest: Option<Position>,
        /// When the list of instances was created, on the store's clock; `None` if it is missing.
        born_us: Option<u64>,
    },
    /// To [`Command::Ack`] and [`Command::Remove`].
    Done,
}

/// The answer to a poll.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Polled {
    /// The life of the table.
    pub epoch: Epoch,
    /// The last position given.
    pub last: Position,
    /// Whether the applied and all open positions are among those listed. True for a first poll.
    pub known: bool,
    /// The store's clock, in microseconds.
    pub now_us: u64,
    /// Facts up to here may have been dropped.
    pub floor: Position,
    /// What changed above the applied position; `None` if the table has to be loaded: another
    /// epoch, nothing known yet, a history that is not `known`, or too many rows for one answer.
    pub rows: Option<Vec<Row>>,
}

/// The answer to an invalidation that was written.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Invalidated {
    /// The life of the table.
    pub epoch: Epoch,
    /// The last position before it.
    pub previous: Position,
    /// Its position.
    pub position: Position,
    /// The facts it made.
    pub rows: Vec<Row>,
    /// When the list of instances was created, on the store's clock; 0 = it was missing.
    pub born_us: u64,
    /// The store's clock, in microseconds.
    pub now_us: u64,
}

/// What an instance wants done.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Action {
    /// Exchange this with the store.
    Send(Request, Command),
    /// The get may be judged now.
    Wake(Ask),
    /// The invalidation is done.
    Resolve(Call, Outcome),
    /// Entries of older epochs are worthless: drop the writes queued for the store.
    NewEpoch,
    /// This number of invalidations has just entered the outbox.
    Queued(usize),
    /// The outbox has more tags than a table may: once the store is back, everything is
    /// invalidated.
    Overflowed,
}

/// How an invalidation ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// No instance answers with anything older.
    Everywhere,
    /// In effect here; other instances may not know it yet.
    Here,
}

impl Invalidated {
    /// No entry below this is valid any more: an answer without rows is one to
    /// [`Command::RaiseFloor`].
    pub fn floor(&self) -> Position {
        if self.rows.is_empty() { self.position } else { Position::default() }
    }
}

impl Lifetime {
    /// What Next.js means by `durations.expire`, in seconds: `None` stands for no durations at all
    /// and is hard, as is anything not above zero. From 30 days on there is no end, because no
    /// entry lives longer.
    pub fn from_expire(expire_secs: Option<f64>) -> Self {
        match expire_secs {
            Some(secs) if secs * 1e6 >= MAX_LIFE_US as f64 => Self::Unlimited,
            Some(secs) if secs > 0.0 => Self::Micros((secs * 1e6) as u64),
            _ => Self::None,
        }
    }

    /// The change that an invalidation at `now` makes.
    pub fn change(self, now: Timestamp) -> Change {
        match self {
            Self::None => Change::Hard,
            Self::Micros(us) => {
                Change::Soft { deadline: Some(Timestamp(now.0.saturating_add(us))) }
            }
            Self::Unlimited => Change::Soft { deadline: None },
        }
    }

    /// The lifetime left at `now` of a change made earlier.
    pub fn left(change: Change, now: Timestamp) -> Self {
        match change {
            Change::Soft { deadline: None } => Self::Unlimited,
            Change::Soft { deadline: Some(deadline) } if deadline > now => {
                Self::Micros(deadline.since_us(now))
            }
            _ => Self::None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn next_durations_become_lifetimes() {
        assert_eq!(Lifetime::from_expire(None), Lifetime::None);
        assert_eq!(Lifetime::from_expire(Some(0.0)), Lifetime::None);
        assert_eq!(Lifetime::from_expire(Some(f64::NAN)), Lifetime::None);
        assert_eq!(Lifetime::from_expire(Some(31_536_000.0)), Lifetime::Unlimited);
        assert_eq!(Lifetime::from_expire(Some(5.0)), Lifetime::Micros(5_000_000));
    }
}
