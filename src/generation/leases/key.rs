//! What is known of one key.

use super::roles::{Held, Standing};
use crate::clock::Timestamp;
use crate::generation::limits::{ANSWERED_US, BELIEVED_US, LONGEST_PASS_US, SEEN_US, UNSEEN_US};
use crate::store::{Address, Claimed};
use crate::wake::Ticket;

/// Between looks for what another process generates: 10, 20, 40 ms, then every 80.
const FIRST_LOOK_MS: u32 = 10;
const MOST_DOUBLINGS: u32 = 3;

pub(super) struct Key {
    pub(super) state: State,
    /// Whether the store is being asked, or will be.
    pub(super) is_asking: bool,
    /// When what is led here was last looked for in the store.
    pub(super) looked: Timestamp,
    pub(super) looks: u32,
    pub(super) waiters: Vec<Waiter>,
}

#[derive(Clone, Copy)]
pub(super) enum State {
    Unknown,
    Here(Here),
    Elsewhere {
        since: Timestamp,
    },
    Anybody {
        address: Option<Address>,
        until: Timestamp,
    },
    /// It was led here, longer than is believed. What is set after all is told to the store.
    Over {
        address: Address,
        until: Timestamp,
    },
}

/// What is led by this process.
#[derive(Clone, Copy)]
pub(super) struct Here {
    pub(super) since: Timestamp,
    pub(super) held: Held,
    /// When a get was told to generate what is stale; `None` if none was yet.
    pub(super) given: Option<Timestamp>,
    /// When it was last seen to be generated.
    pub(super) seen: Option<Timestamp>,
}

pub(super) struct Waiter {
    pub(super) ticket: Ticket,
    /// Until when it waits for the fill; `None` if it waits for an answer of any kind.
    pub(super) until: Option<Timestamp>,
}

impl State {
    /// What is led here, with a lease that came for it later.
    pub(super) fn with(self, claimed: Claimed, lease: Held) -> Self {
        match self {
            Self::Here(here) if claimed == Claimed::Taken => {
                let held = Held { address: lease.address, ..here.held };
                Self::Here(Here { held, ..here })
            }
            state => state,
        }
    }
}

impl Here {
    pub(super) fn begin(since: Timestamp, held: Held) -> Self {
        Self { since, held, given: None, seen: None }
    }

    /// Whether it is believed to be generated, or about to be.
    fn is_believed(&self, now: Timestamp) -> bool {
        if now.since_us(self.since) >= SEEN_US {
            return false;
        }
        let last = self.seen.max(self.given).unwrap_or(self.since);
        now.since_us(last) < self.held.cold_us.unwrap_or(UNSEEN_US)
    }
}

impl Key {
    pub(super) fn new() -> Self {
        let looked = Timestamp::default();
        Self { state: State::Unknown, is_asking: false, looked, looks: 0, waiters: Vec::new() }
    }

    /// What is to be said now; what is too old is forgotten.
    pub(super) fn standing(&mut self, now: Timestamp) -> Standing {
        match &mut self.state {
            State::Here(here) if here.is_believed(now) => Standing::Here,
            State::Elsewhere { since } if now.since_us(*since) < ANSWERED_US || self.is_asking => {
                Standing::Elsewhere
            }
            State::Anybody { until, .. } if now < *until => Standing::Anybody,
            State::Here(Here { held: Held { address: Some(address), .. }, .. }) => {
                let until = now.after_us(LONGEST_PASS_US);
                self.state = State::Over { address: *address, until };
                Standing::Unknown
            }
            State::Over { until, .. } if now < *until => Standing::Unknown,
            state => {
                *state = State::Unknown;
                Standing::Unknown
            }
        }
    }

    pub(super) fn is_here(&self, now: Timestamp) -> bool {
        matches!(self.state, State::Here(here) if here.is_believed(now))
    }

    /// Whether it was long ago that somebody else was known to lead, and nobody asks.
    pub(super) fn is_to_be_asked(&self, now: Timestamp) -> bool {
        let is_old = |since| now.since_us(since) >= BELIEVED_US;
        !self.is_asking && matches!(self.state, State::Elsewhere { since } if is_old(since))
    }

    pub(super) fn is_of_use(&mut self, now: Timestamp) -> bool {
        self.standing(now);
        self.is_asking
            || match self.state {
                State::Unknown => false,
                State::Here(here) => here.is_believed(now),
                State::Elsewhere { since } => now.since_us(since) < ANSWERED_US,
                State::Anybody { until, .. } | State::Over { until, .. } => now < until,
            }
    }

    /// Whether it may give way to another key.
    pub(super) fn may_go(&self) -> bool {
        !self.is_asking && self.waiters.is_empty()
    }

    pub(super) fn next_look_ms(&mut self) -> u32 {
        let doublings = self.looks.min(MOST_DOUBLINGS);
        self.looks = self.looks.saturating_add(1);
        FIRST_LOOK_MS << doublings
    }
}
