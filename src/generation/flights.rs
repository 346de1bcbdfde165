//! Single-flight: of several that miss one key at once, one generates and the others wait for it.
//!
//! Nobody waits without end: what counts is how long ago the leader began. Who comes when that was too
//! long ago leads too, and those who wait go on waiting, each until its own deadline. A key that is
//! never stored is passed for a while, so that what cannot be cached is not queued behind itself.

use std::mem;
use std::sync::Arc;
use std::time::Duration;

use crate::bounded::Bounded;
use crate::clock::Timestamp;
use crate::entry::Entry;
use crate::generation::limits::{IDLE_LEADS, MOST_KEYS, SEEN_US, pass_us, vain_leads};
use crate::key::Hash128;
use crate::sync::Mutex;
use crate::wake::{Notice, Ticket, WakeOnDrop};

/// Keys looked at with each one that joins, so that those that are over are forgotten.
const SWEPT: usize = 2;

/// The answer to whoever missed.
#[derive(Debug, PartialEq, Eq, Clone, Copy)]
pub enum Joined {
    /// Generate; others wait for you.
    Lead,
    /// Somebody generates; you will be woken. Not for longer than so many ms: by then the leader
    /// takes too long, and you may lead.
    Wait(u32),
    /// Generate; nobody waits.
    Pass,
}

/// How a flight ended.
#[derive(Debug, PartialEq, Eq, Clone, Copy)]
pub enum Landing {
    /// Its value is stored.
    Stored,
    /// Nothing was stored.
    Unset,
}

/// The keys being generated in this process.
pub struct Flights {
    keys: Mutex<Bounded<Flight>>,
}

impl Default for Flights {
    fn default() -> Self {
        Self { keys: Mutex::new(Bounded::new(MOST_KEYS)) }
    }
}

struct Flight {
    state: State,
    waiters: Vec<Ticket>,
    /// How often in a row the key was passed.
    failures: u32,
    /// How often in a row who led was seen to end, and nothing was stored.
    idle: u32,
}

#[derive(Clone, Copy)]
enum State {
    /// Since the last leader began. So many before it were waited for in vain.
    Open {
        since: Timestamp,
        vain: u32,
    },
    Passed {
        until: Timestamp,
    },
}

impl Flights {
    /// Joins the flight of a key, or opens it. A leader is waited for until it has taken `patience`;
    /// who comes later leads in its place, and those who wait go on waiting.
    pub fn join(&self, key: Hash128, now: Timestamp, patience: Duration, ticket: Ticket) -> Joined {
        self.enter(key, now, patience, false, ticket)
    }

    /// As [`Flights::join`], but who leads waits too: somebody else is to generate for them.
    pub fn join_as_follower(
        &self,
        key: Hash128,
        now: Timestamp,
        patience: Duration,
        ticket: Ticket,
    ) -> Joined {
        self.enter(key, now, patience, true, ticket)
    }

    fn enter(
        &self,
        key: Hash128,
        now: Timestamp,
        patience: Duration,
        is_follower: bool,
        ticket: Ticket,
    ) -> Joined {
        let mut passed = Vec::new();
        let joined = {
            let mut keys = self.keys.lock();
            keys.sweep(SWEPT, |_, flight| flight.is_of_use(now));
            // Without room nobody waits for anybody.
            let Some(flight) = begun(&mut keys, key, now) else { return Joined::Pass };
            let joined = flight.join(now, patience);
            match joined {
                Joined::Wait(_) => flight.waiters.push(ticket),
                Joined::Lead if is_follower => flight.waiters.push(ticket),
                Joined::Lead => {}
                Joined::Pass => passed = mem::take(&mut flight.waiters),
            }
            joined
        };
        drop(WakeOnDrop::all(passed, &Notice::LookAgain));
        joined
    }

    /// Waits for the flight of a key if one is open and has not taken `patience`, and opens none.
    /// Not for longer than the ms returned.
    pub fn wait(
        &self,
        key: Hash128,
        now: Timestamp,
        patience: Duration,
        ticket: Ticket,
    ) -> Option<u32> {
        let mut keys = self.keys.lock();
        let flight = keys.get_mut(key)?;
        let State::Open { since, .. } = flight.state else { return None };
        let left_ms = left_ms(since, now, patience)?;
        flight.waiters.push(ticket);
        Some(left_ms)
    }

    /// Opens the flight of a key, whatever was said of it before. For a generation that is under
    /// way for certain.
    pub fn open(&self, key: Hash128, now: Timestamp) {
        let mut keys = self.keys.lock();
        if let Some(flight) = begun(&mut keys, key, now)
            && matches!(flight.state, State::Passed { .. })
        {
            flight.state = State::Open { since: now, vain: 0 };
        }
    }

    /// Ends the flight of a key and wakes its waiters.
    pub fn land(&self, key: Hash128, landing: Landing, now: Timestamp) {
        drop(WakeOnDrop::all(self.end(key, landing, now), &Notice::LookAgain));
    }

    /// The same, with the entry that memory does not hold.
    pub fn bring(&self, key: Hash128, landing: Landing, entry: &Arc<Entry>, now: Timestamp) {
        let waiters = self.end(key, landing, now);
        drop(WakeOnDrop::all(waiters, &Notice::Delivered(entry.clone())));
    }

    fn end(&self, key: Hash128, landing: Landing, now: Timestamp) -> Vec<Ticket> {
        let mut keys = self.keys.lock();
        match (keys.get_mut(key), landing) {
            (None, _) => Vec::new(),
            (Some(flight), Landing::Unset) => {
                flight.pass(now);
                mem::take(&mut flight.waiters)
            }
            (Some(_), Landing::Stored) => {
                keys.remove(key).map(|flight| flight.waiters).unwrap_or_default()
            }
        }
    }

    /// Who leads was seen to end, and has stored nothing: others may lead. Once may be a failure of the
    /// moment; from the second time in a row the key is passed. Returns whether it is.
    pub fn idle(&self, key: Hash128, now: Timestamp) -> bool {
        let mut keys = self.keys.lock();
        let Some(flight) = begun(&mut keys, key, now) else { return false };
        flight.idle = flight.idle.saturating_add(1);
        let is_passed = flight.idle >= IDLE_LEADS;
        if is_passed {
            flight.pass(now);
        } else {
            flight.state = State::Passed { until: now };
        }
        let waiters = mem::take(&mut flight.waiters);
        drop(keys);
        drop(WakeOnDrop::all(waiters, &Notice::LookAgain));
        is_passed
    }

    /// Keys under way or passed.
    pub fn len(&self) -> usize {
        self.keys.lock().len()
    }

    /// Whether no key is under way or passed.
    pub fn is_empty(&self) -> bool {
        self.keys.lock().is_empty()
    }
}

impl std::fmt::Debug for Flights {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Flights").field("len", &self.len()).finish()
    }
}

impl Flight {
    /// One whose leader is whoever asks next.
    fn begin(now: Timestamp) -> Self {
        Self { state: State::Passed { until: now }, waiters: Vec::new(), failures: 0, idle: 0 }
    }

    fn join(&mut self, now: Timestamp, patience: Duration) -> Joined {
        let vain = match self.state {
            State::Passed { until } if now < until => return Joined::Pass,
            State::Passed { .. } => 0,
            State::Open { since, vain } => {
                if let Some(left_ms) = left_ms(since, now, patience) {
                    return Joined::Wait(left_ms);
                }
                // Where nobody waited, nothing was lost.
                vain + u32::from(!self.waiters.is_empty())
            }
        };
        if vain >= vain_leads(self.failures) {
            self.pass(now);
            return Joined::Pass;
        }
        self.state = State::Open { since: now, vain };
        Joined::Lead
    }

    /// Nothing was stored: for a while nobody waits. Several that fail meanwhile are one failure.
    fn pass(&mut self, now: Timestamp) {
        if matches!(self.state, State::Passed { until } if now < until) {
            return;
        }
        self.failures = self.failures.saturating_add(1);
        self.state = State::Passed { until: now.shifted_us(pass_us(self.failures) as i64) };
    }

    /// Whether it may give way to another key.
    fn may_go(&self, now: Timestamp) -> bool {
        self.waiters.is_empty() || !self.is_of_use(now)
    }

    /// Long after the last wait for it is over it is not.
    fn is_of_use(&self, now: Timestamp) -> bool {
        match self.state {
            State::Open { since, .. } => now.since_us(since) < SEEN_US,
            // As long again the next pass is longer.
            State::Passed { until } => now.since_us(until) < pass_us(self.failures),
        }
    }
}

/// The flight of a key, made if there is none and there is room.
fn begun(keys: &mut Bounded<Flight>, key: Hash128, now: Timestamp) -> Option<&mut Flight> {
    keys.get_or_insert(key, || Flight::begin(now), |flight| flight.may_go(now))
}

/// How long a leader that began at `since` is still waited for, in ms.
fn left_ms(since: Timestamp, now: Timestamp, patience: Duration) -> Option<u32> {
    let left_us = (patience.as_micros() as u64).checked_sub(now.since_us(since))?;
    (left_us > 0).then(|| left_us.div_ceil(1_000) as u32)
}

#[cfg(test)]
mod tests;
