//! What carries orders out, as the app's code sees it.
//!
//! Nothing here waits: the answer comes later, on a thread of the store's, or at once.

use std::time::Duration;

use super::label::Label;
use super::{code, count, limit, lock, seat, session, value};

/// Something to be done with one thing, in one turn: nobody sees half of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Order {
    /// Which thing.
    pub label: Label,
    /// What.
    pub deed: Deed,
}

/// What is done with it, by capability.
#[derive(Debug, Clone, PartialEq)]
pub enum Deed {
    /// A plain value, or a token.
    Value(value::Deed),
    /// A code.
    Code(code::Deed),
    /// A lock.
    Lock(lock::Deed),
    /// The budgets of an id.
    Limit(limit::Deed),
    /// The sessions of a user.
    Session(session::Deed),
    /// Counts.
    Count(count::Deed),
    /// What runs at the same time.
    Seat(seat::Deed),
}

/// What came of it, by capability.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    /// See [`value::Answer`].
    Value(value::Answer),
    /// See [`code::Answer`].
    Code(code::Answer),
    /// See [`lock::Answer`].
    Lock(lock::Answer),
    /// See [`limit::Verdict`].
    Limit(limit::Verdict),
    /// See [`session::Answer`].
    Session(session::Answer),
    /// See [`count::Answer`].
    Count(count::Answer),
    /// See [`seat::Answer`].
    Seat(seat::Answer),
}

/// Why there is no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// The store is away: nothing was done.
    Away,
    /// No answer came in time, or the connection was lost meanwhile: it may have been done.
    Unknown,
    /// The store does not do it; the word is one of `store::Refusal::as_str`.
    Refused(&'static str),
    /// There is no room for it.
    Full,
    /// Too many orders wait already: nothing was done.
    Busy,
}

impl Failure {
    /// One word for each.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Away => "away",
            Self::Unknown => "unknown",
            Self::Refused(_) => "refused",
            Self::Full => "full",
            Self::Busy => "busy",
        }
    }
}

/// Called once with what came of an order.
pub type Receive = Box<dyn FnOnce(Result<Answer, Failure>) + Send>;

/// A store of what the app's own code keeps.
pub trait Store: Send + Sync {
    /// Carries an order out. It is answered in any case, within the time that a command may take.
    fn carry_out(&self, order: Order, receive: Receive);

    /// The same, together with all others of this tick of a caller who flushes the engine then.
    fn gather(&self, order: Order, receive: Receive) {
        self.carry_out(order, receive);
    }

    /// Calls back after a while, unless the store has ended by then.
    fn later(&self, after: Duration, call: Box<dyn FnOnce() + Send>);
}
