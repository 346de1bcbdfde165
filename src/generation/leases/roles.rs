//! What is said of who generates.

use crate::store::Address;
use crate::wake::WakeOnDrop;

/// Who generates a key, as far as this process knows. It is no permit: looking changes nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// This process.
    Leader,
    /// Another process; this one follows.
    Follower,
    /// Each caller for itself: it is not worth waiting for each other.
    Uncoordinated,
    /// That is not known yet.
    Unknown,
}

/// The right of one get to generate something stale. [`super::Leases::take_lead`] hands it out once
/// and it cannot be copied, so that an answer that has Next.js generate is given by who leads alone.
#[derive(Debug)]
#[must_use = "nobody else generates: give the answer that makes the caller do so"]
pub struct Permit(());

impl Permit {
    pub(super) fn new() -> Self {
        Self(())
    }

    /// That of a get which takes no part in leases: its caller generates in any case.
    pub fn aside() -> Self {
        Self(())
    }

    /// The caller was told to generate.
    pub fn spend(self) {}
}

/// What to do about a question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ask {
    /// The answer is known already.
    Known(Role),
    /// Send it to the store; the caller is woken by the answer.
    Send,
    /// The store has it already; the caller is woken by the answer.
    Pending,
    /// There is no room to remember the answer: the store may be read, and nobody waited for.
    NoRoom,
}

/// What to do for a caller that would wait for another process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Follow {
    /// No other process is known to generate: there is nothing to wait for.
    NoLeader,
    /// Ask the store in this number of ms; the caller is woken.
    CheckIn(u32),
    /// The store is being asked; the caller is woken.
    Pending,
}

/// What a lease was taken for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lease {
    /// Where its entry lies; `None` if the store knows nothing of it.
    pub address: Option<Address>,
    /// How long a leader is waited for that generates while nothing can be served, in us; `None` if
    /// something stale is.
    pub cold_us: Option<u64>,
}

/// What follows from an answer of the store.
#[derive(Default)]
#[must_use]
pub struct Answered {
    /// Who waited for it; they are woken when this is dropped.
    pub woken: WakeOnDrop,
    /// In how many ms the store is to be asked again, if it is.
    pub check_ms: Option<u32>,
    /// Whether a lease was taken that nobody here has a use for any more.
    pub is_unwanted: bool,
}
