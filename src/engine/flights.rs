//! Generations of this process: who joins one, and how it ends.

use std::time::Duration;

use super::Engine;
use crate::generation::flights::{Joined, Landing};
use crate::generation::leases::End;
use crate::key::KeyRef;
use crate::stats::bump;
use crate::wake::Ticket;

impl Engine {
    /// Joins the generation of `key` after a miss, or leads it: also if its leader began more than
    /// `wait_ms` ago.
    pub fn join(&self, key: &KeyRef<'_>, wait_ms: u32, ticket: Ticket) -> Joined {
        self.flights.join(key.hash, self.clock.now(), patience(wait_ms), ticket)
    }

    /// Waits for the build output of `key`, which whoever leads has read. They have flights of their
    /// own: the end of a reading is not that of a generation.
    pub fn join_output(&self, key: &KeyRef<'_>, wait_ms: u32, ticket: Ticket) -> Joined {
        self.outputs.join_as_follower(key.hash, self.clock.now(), patience(wait_ms), ticket)
    }

    /// Waits for the generation of `key` if one is known to be under way that began less than
    /// `wait_ms` ago: for as many ms as are left of them.
    pub fn wait(&self, key: &KeyRef<'_>, wait_ms: u32, ticket: Ticket) -> Option<u32> {
        self.flights.wait(key.hash, self.clock.now(), patience(wait_ms), ticket)
    }

    /// Notes that a generation of `key` is under way.
    pub fn begin(&self, key: &KeyRef<'_>) {
        self.flights.open(key.hash, self.clock.now());
    }

    /// Notes that a generation of `key` ended and nothing is stored. `is_joined` says whether others
    /// join generations of such keys; only then is it worth remembering.
    pub fn abandon(&self, key: &KeyRef<'_>, is_joined: bool) {
        bump(&self.stats.dropped);
        let landing = if is_joined { Landing::Unset } else { Landing::Stored };
        self.flights.land(key.hash, landing, self.clock.now());
        self.let_go(key, End::Unset);
    }

    /// Notes that whoever led `key` has ended, and has stored nothing.
    pub fn idle(&self, key: &KeyRef<'_>) {
        let is_passed = self.flights.idle(key.hash, self.clock.now());
        self.let_go(key, if is_passed { End::Unset } else { End::Done });
    }

    /// Notes that the build output of `key` was read, or is none; who waits for it is woken.
    pub fn land_output(&self, key: &KeyRef<'_>) {
        self.outputs.land(key.hash, Landing::Stored, self.clock.now());
    }
}

fn patience(wait_ms: u32) -> Duration {
    Duration::from_millis(u64::from(wait_ms))
}
