//! Who generates a key, and what that means for its callers.

use crate::store::Address;
use crate::wake::WakeOnDrop;

/// Who generates a key, as far as this process knows. It is no permit: looking changes nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// This process.
    Leader,
    /// Another process; this one follows.
    Follower,
    /// Each caller for itself: waiting for each other is not worth it.
    Uncoordinated,
    /// Not known yet.
    Unknown,
}

/// The right of one get to regenerate a stale entry. [`super::Leases::take_lead`] hands it out once
/// and it cannot be copied, so that only the leader gives an answer that makes Next.js generate.
#[derive(Debug)]
#[must_use = "no other get generates: give the answer that makes this caller do so"]
pub struct Permit(());

impl Permit {
    pub(super) fn new() -> Self {
        Self(())
    }

    /// The permit of a get that takes no part in leases: its caller generates in any case.
    pub fn aside() -> Self {
        Self(())
    }

    /// Spends the permit: the answer makes the caller generate.
    pub fn spend(self) {}
}

/// How the caller learns who generates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ask {
    /// The answer is known already.
    Known(Role),
    /// Send it to the store; the caller is woken by the answer.
    Send,
    /// The store has it already; the caller is woken by the answer.
    Pending,
    /// No room to remember the answer: the caller may read the store, and waits for no leader.
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

/// A lease, as this process holds it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lease {
    /// The address of its entry; `None` if the store does not know of it.
    pub address: Option<Address>,
    /// How long others wait for a leader while nothing can be served, in us; `None` if something
    /// stale can.
    pub cold_us: Option<u64>,
}

/// What follows from a reply of the store.
#[derive(Default)]
#[must_use]
pub struct Answered {
    /// Those that waited for it, woken when this is dropped.
    pub woken: WakeOnDrop,
    /// When to ask the store again, in ms; `None` if no get waits.
    pub check_ms: Option<u32>,
    /// Whether the store granted a lease that no get here has a use for any more.
    pub is_unwanted: bool,
}
