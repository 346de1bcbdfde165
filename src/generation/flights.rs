//! Single-flight: of several gets that miss a key together, one generates and the others wait for
//! it.
//!
//! Every wait is bounded by how long ago the leader began. A get that arrives after that leads too,
//! and the waiters keep waiting, each until its own deadline. A key that is never stored is a
//! hit-for-miss for a while: gets do not queue for a value that cannot be cached.

use std::mem;
use std::sync::Arc;
use std::time::Duration;

use crate::bounded::Bounded;
use crate::clock::Timestamp;
use crate::entry::Entry;
use crate::generation::End;
use crate::generation::limits::{
    EMPTY_LEADERS, MOST_KEYS, SEEN_LEADER_US, hit_for_miss_us, leaders_that_may_time_out,
};
use crate::key::Hash128;
use crate::sync::Mutex;
use crate::wake::{Notice, Ticket, WakeOnDrop};

/// Keys examined at each join, to forget those that are over.
const SWEPT: usize = 2;

/// The answer to a caller that missed.
#[derive(Debug, PartialEq, Eq, Clone, Copy)]
pub enum Joined {
    /// Generate; others wait for you.
    Lead,
    /// A leader generates, and will wake the caller. Wait at most this number of ms: by then the
    /// leader has timed out, and the caller may lead.
    Follow(u32),
    /// Generate; no get waits.
    Bypass,
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
    /// How often in a row the key became a hit-for-miss.
    failures: u32,
    /// Leaders in a row that ended without storing anything.
    empty: u32,
}

#[derive(Clone, Copy)]
enum State {
    /// `since` is when the last leader began; the waits for `timed_out` leaders before it timed
    /// out.
    Open {
        since: Timestamp,
        timed_out: u32,
    },
    HitForMiss {
        until: Timestamp,
    },
}

impl Flights {
    /// Joins the flight of a key, or opens it. Callers follow a leader until it has taken
    /// `patience`; a later caller leads in its place, and the waiters keep waiting.
    pub fn join(&self, key: Hash128, now: Timestamp, patience: Duration, ticket: Ticket) -> Joined {
        self.enter(key, now, patience, false, ticket)
    }

    /// As [`Flights::join`], but a leader waits too: the work runs elsewhere.
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
            // Without room every get generates for itself.
            let Some(flight) = begun(&mut keys, key, now) else { return Joined::Bypass };
            let joined = flight.join(now, patience);
            match joined {
                Joined::Follow(_) => flight.waiters.push(ticket),
                Joined::Lead if is_follower => flight.waiters.push(ticket),
                Joined::Lead => {}
                Joined::Bypass => passed = mem::take(&mut flight.waiters),
            }
            joined
        };
        drop(WakeOnDrop::all(passed, &Notice::LookAgain));
        joined
    }

    /// Follows the leader of a key if it has not taken `patience` yet; opens no flight. Returns how
    /// long to wait at most, in ms.
    pub fn follow(
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

    /// Opens the flight of a key even if it is a hit-for-miss. For a generation that is certainly
    /// under way.
    pub fn open(&self, key: Hash128, now: Timestamp) {
        let mut keys = self.keys.lock();
        if let Some(flight) = begun(&mut keys, key, now)
            && matches!(flight.state, State::HitForMiss { .. })
        {
            flight.state = State::Open { since: now, timed_out: 0 };
        }
    }

    /// Ends the flight of a key and wakes its waiters.
    pub fn land(&self, key: Hash128, end: End, now: Timestamp) {
        drop(WakeOnDrop::all(self.end(key, end, now), &Notice::LookAgain));
    }

    /// The same, and hands the waiters an entry that memory does not hold.
    pub fn bring(&self, key: Hash128, end: End, entry: &Arc<Entry>, now: Timestamp) {
        let waiters = self.end(key, end, now);
        drop(WakeOnDrop::all(waiters, &Notice::Delivered(entry.clone())));
    }

    fn end(&self, key: Hash128, end: End, now: Timestamp) -> Vec<Ticket> {
        let mut keys = self.keys.lock();
        match (keys.get_mut(key), end) {
            (None, _) => Vec::new(),
            (Some(flight), End::Uncacheable) => {
                flight.bypass(now);
                mem::take(&mut flight.waiters)
            }
            (Some(_), End::Done) => {
                keys.remove(key).map(|flight| flight.waiters).unwrap_or_default()
            }
        }
    }

    /// A leader ended without storing anything: another get may lead. Once may be a transient
    /// failure; from the second time in a row the key is a hit-for-miss.
    pub fn end_empty(&self, key: Hash128, now: Timestamp) -> End {
        let mut keys = self.keys.lock();
        let Some(flight) = begun(&mut keys, key, now) else { return End::Done };
        flight.empty = flight.empty.saturating_add(1);
        let end = if flight.empty >= EMPTY_LEADERS { End::Uncacheable } else { End::Done };
        match end {
            End::Uncacheable => flight.bypass(now),
            End::Done => flight.state = State::HitForMiss { until: now },
        }
        let waiters = mem::take(&mut flight.waiters);
        drop(keys);
        drop(WakeOnDrop::all(waiters, &Notice::LookAgain));
        end
    }

    /// Keys under way, and hits-for-miss.
    pub fn len(&self) -> usize {
        self.keys.lock().len()
    }

    /// Whether there are none.
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
    /// A flight that the next caller leads.
    fn begin(now: Timestamp) -> Self {
        Self { state: State::HitForMiss { until: now }, waiters: Vec::new(), failures: 0, empty: 0 }
    }

    fn join(&mut self, now: Timestamp, patience: Duration) -> Joined {
        let timed_out = match self.state {
            State::HitForMiss { until } if now < until => return Joined::Bypass,
            State::HitForMiss { .. } => 0,
            State::Open { since, timed_out } => {
                if let Some(left_ms) = left_ms(since, now, patience) {
                    return Joined::Follow(left_ms);
                }
                // Without waiters no wait timed out.
                timed_out + u32::from(!self.waiters.is_empty())
            }
        };
        if timed_out >= leaders_that_may_time_out(self.failures) {
            self.bypass(now);
            return Joined::Bypass;
        }
        self.state = State::Open { since: now, timed_out };
        Joined::Lead
    }

    /// Nothing was stored: no get waits for a while. Failures during that time count as one.
    fn bypass(&mut self, now: Timestamp) {
        if matches!(self.state, State::HitForMiss { until } if now < until) {
            return;
        }
        self.failures = self.failures.saturating_add(1);
        self.state =
            State::HitForMiss { until: now.shifted_us(hit_for_miss_us(self.failures) as i64) };
    }

    /// Whether it may give way to another key.
    fn may_go(&self, now: Timestamp) -> bool {
        self.waiters.is_empty() || !self.is_of_use(now)
    }

    /// Whether it still matters, for a wait or for the length of the next hit-for-miss.
    fn is_of_use(&self, now: Timestamp) -> bool {
        match self.state {
            State::Open { since, .. } => now.since_us(since) < SEEN_LEADER_US,
            // For as long again, the next hit-for-miss would be longer.
            State::HitForMiss { until } => now.since_us(until) < hit_for_miss_us(self.failures),
        }
    }
}

/// The flight of a key, created if absent; `None` if there is no room.
fn begun(keys: &mut Bounded<Flight>, key: Hash128, now: Timestamp) -> Option<&mut Flight> {
    keys.get_or_insert(key, || Flight::begin(now), |flight| flight.may_go(now))
}

/// How long to wait for a leader that began at `since`, in ms; `None` if it has timed out.
fn left_ms(since: Timestamp, now: Timestamp, patience: Duration) -> Option<u32> {
    let left_us = (patience.as_micros() as u64).checked_sub(now.since_us(since))?;
    (left_us > 0).then(|| left_us.div_ceil(1_000) as u32)
}

#[cfg(test)]
mod tests;
