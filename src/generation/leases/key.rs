//! The state of one key.

use super::roles::{Lease, Role};
use crate::clock::Timestamp;
use crate::generation::limits::{
    FIRST_CHECK_MS, LONGEST_HIT_FOR_MISS_US, MOST_CHECK_DOUBLINGS, RECHECK_US, REPLY_HOLDS_US,
    SEEN_LEADER_US, UNSEEN_LEADER_US,
};
use crate::store::{Address, LeaseReply};
use crate::wake::Ticket;

pub(super) struct Key {
    pub(super) state: State,
    /// Requests to the store that are under way or scheduled.
    pub(super) requests: u32,
    /// Whether the only one of them is scheduled: whoever wants an answer now sends another.
    pub(super) is_scheduled: bool,
    /// When this process, as the leader, last asked the store.
    pub(super) checked: Timestamp,
    /// How often in a row this process asked the store for its followers.
    pub(super) checks: u32,
    pub(super) waiters: Vec<Waiter>,
}

#[derive(Clone, Copy)]
pub(super) enum State {
    Unknown,
    Leading(Leading),
    Following {
        since: Timestamp,
        /// When the store is asked again, if this process is told when that ends.
        look_at: Option<Timestamp>,
    },
    Uncoordinated {
        address: Option<Address>,
        until: Timestamp,
    },
    /// This process led it for longer than a leader is believed. A late set still goes to the
    /// store.
    Overrun {
        address: Address,
        until: Timestamp,
    },
}

/// A lead of this process.
#[derive(Clone, Copy)]
pub(super) struct Leading {
    pub(super) since: Timestamp,
    pub(super) lease: Lease,
    /// When a get took the permit to regenerate; `None` if none has yet.
    pub(super) permitted: Option<Timestamp>,
    /// When it was last seen to generate.
    pub(super) seen: Option<Timestamp>,
}

pub(super) struct Waiter {
    pub(super) ticket: Ticket,
    /// Until when it waits for the fill; `None` if it waits for a reply of any kind.
    pub(super) until: Option<Timestamp>,
}

impl State {
    /// The lead, with a lease that the store granted later.
    pub(super) fn with(self, reply: LeaseReply, late: Lease) -> Self {
        match self {
            Self::Leading(leading) if reply == LeaseReply::Granted => {
                let lease = Lease { address: late.address, ..leading.lease };
                Self::Leading(Leading { lease, ..leading })
            }
            state => state,
        }
    }
}

impl Leading {
    pub(super) fn begin(since: Timestamp, lease: Lease) -> Self {
        Self { since, lease, permitted: None, seen: None }
    }

    /// Whether the generation is believed to run, or to be about to.
    fn is_believed(&self, now: Timestamp) -> bool {
        if now.since_us(self.since) >= SEEN_LEADER_US {
            return false;
        }
        let last = self.seen.max(self.permitted).unwrap_or(self.since);
        now.since_us(last) < self.lease.cold_us.unwrap_or(UNSEEN_LEADER_US)
    }
}

impl Key {
    pub(super) fn new() -> Self {
        let checked = Timestamp::default();
        Self {
            state: State::Unknown,
            requests: 0,
            is_scheduled: false,
            checked,
            checks: 0,
            waiters: Vec::new(),
        }
    }

    /// Whether a request to the store is under way or scheduled.
    pub(super) fn is_asking(&self) -> bool {
        self.requests > 0
    }

    /// Whether a request is to be sent for one who wants an answer. If so, it is under way.
    pub(super) fn begin_request(&mut self) -> bool {
        let begins = !self.is_asking() || self.is_scheduled;
        if begins {
            self.requests = self.requests.saturating_add(1);
            self.is_scheduled = false;
        }
        begins
    }

    /// When a request is to be scheduled for those who wait, in ms from now. If so, it is.
    pub(super) fn schedule(&mut self, now: Timestamp) -> Option<u32> {
        if self.is_asking() {
            return None;
        }
        self.requests = 1;
        self.is_scheduled = true;
        Some(self.next_check_ms(now))
    }

    /// A request was answered.
    pub(super) fn end_request(&mut self) {
        self.requests = self.requests.saturating_sub(1);
        // Of two, the one that was scheduled earlier is left.
        self.is_scheduled = self.is_asking();
    }

    pub(super) fn role(&self, now: Timestamp) -> Role {
        match &self.state {
            State::Leading(leading) if leading.is_believed(now) => Role::Leader,
            State::Following { since, .. }
                if self.is_asking() || now.since_us(*since) < REPLY_HOLDS_US =>
            {
                Role::Follower
            }
            State::Uncoordinated { until, .. } if now < *until => Role::Uncoordinated,
            _ => Role::Unknown,
        }
    }

    /// Forgets a state that is too old to count, except for the address of an entry that was led
    /// here.
    pub(super) fn expire(&mut self, now: Timestamp) {
        if self.role(now) != Role::Unknown {
            return;
        }
        self.state = match self.state {
            State::Leading(Leading { lease: Lease { address: Some(address), .. }, .. }) => {
                State::Overrun { address, until: now.after_us(LONGEST_HIT_FOR_MISS_US) }
            }
            state @ State::Overrun { until, .. } if now < until => state,
            _ => State::Unknown,
        };
    }

    pub(super) fn is_leading(&self, now: Timestamp) -> bool {
        self.role(now) == Role::Leader
    }

    /// Whether the store knows of the lead.
    pub(super) fn has_lease(&self) -> bool {
        matches!(self.state, State::Leading(leading) if leading.lease.address.is_some())
    }

    /// Whether the store's word that another process leads is old, and no request is under way.
    pub(super) fn is_to_be_asked(&self, now: Timestamp) -> bool {
        let is_old = |since| now.since_us(since) >= RECHECK_US;
        !self.is_asking() && matches!(self.state, State::Following { since, .. } if is_old(since))
    }

    /// Whether it is worth remembering, once it has expired.
    pub(super) fn is_of_use(&self) -> bool {
        self.is_asking() || !matches!(self.state, State::Unknown)
    }

    /// Whether it may give way to another key.
    pub(super) fn may_go(&self) -> bool {
        !self.is_asking() && self.waiters.is_empty()
    }

    /// The pause before this process asks the store again for its followers.
    fn next_check_ms(&mut self, now: Timestamp) -> u32 {
        if let State::Following { look_at: Some(at), .. } = self.state {
            return (at.since_us(now).div_ceil(1_000) as u32).max(1);
        }
        let doublings = self.checks.min(MOST_CHECK_DOUBLINGS);
        self.checks = self.checks.saturating_add(1);
        FIRST_CHECK_MS << doublings
    }
}
