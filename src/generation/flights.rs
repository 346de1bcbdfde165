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
use crate::coherence::event::Outcome;
use crate::entry::Entry;
use crate::generation::limits::{IDLE_LEADS, MOST_KEYS, SEEN_US, pass_us, vain_leads};
use crate::key::Hash128;
use crate::sync::Mutex;

/// Keys looked at with each one that joins, so that those that are over are forgotten.
const SWEPT: usize = 2;

/// Somebody to be told that a flight ended.
pub trait Wake: Send + Sync {
    /// What the holder of `token` waits for has happened.
    fn wake(&self, token: u32, news: News);

    /// The same of several at once, which may cost less.
    fn wake_many(&self, many: Vec<(u32, News)>) {
        for (token, news) in many {
            self.wake(token, news);
        }
    }
}

/// Those who are to be woken: they are when this is dropped, so that nobody is forgotten, all that
/// one waker has at once.
#[derive(Default)]
#[must_use]
pub struct Woken(Vec<(Arc<dyn Wake>, Told)>);

/// Numbers that wait, and what each is told.
type Told = Vec<(u32, News)>;

impl Woken {
    /// Adds one.
    pub fn add(&mut self, waker: Arc<dyn Wake>, token: u32, news: News) {
        // There are as many wakers as threads of JavaScript: a few.
        match self.0.iter_mut().find(|(other, _)| Arc::ptr_eq(other, &waker)) {
            Some((_, many)) => many.push((token, news)),
            None => self.0.push((waker, vec![(token, news)])),
        }
    }

    /// Adds those of `other`.
    pub fn join(&mut self, mut other: Self) {
        for (waker, many) in mem::take(&mut other.0) {
            for (token, news) in many {
                self.add(waker.clone(), token, news);
            }
        }
    }
}

impl Drop for Woken {
    fn drop(&mut self) {
        for (waker, many) in mem::take(&mut self.0) {
            waker.wake_many(many);
        }
    }
}

/// What those who waited are told.
#[derive(Debug, Clone)]
pub enum News {
    /// A generation ended, a question was answered: look again.
    Landed,
    /// An entry was found.
    Brought(Arc<Entry>),
    /// An invalidation ended.
    Invalidated(Outcome),
}

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

/// Those who wait, and the number each waits under.
type Waiters = Vec<(Arc<dyn Wake>, u32)>;

struct Flight {
    state: State,
    waiters: Waiters,
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
    pub fn join(
        &self,
        key: Hash128,
        now: Timestamp,
        patience: Duration,
        waker: &Arc<dyn Wake>,
        token: u32,
    ) -> Joined {
        self.enter(key, now, patience, false, (waker, token))
    }

    /// As [`Flights::join`], but who leads waits too: somebody else is to generate for them.
    pub fn join_as_follower(
        &self,
        key: Hash128,
        now: Timestamp,
        patience: Duration,
        waker: &Arc<dyn Wake>,
        token: u32,
    ) -> Joined {
        self.enter(key, now, patience, true, (waker, token))
    }

    fn enter(
        &self,
        key: Hash128,
        now: Timestamp,
        patience: Duration,
        is_follower: bool,
        (waker, token): (&Arc<dyn Wake>, u32),
    ) -> Joined {
        let mut passed = Vec::new();
        let joined = {
            let mut keys = self.keys.lock();
            keys.sweep(SWEPT, |_, flight| flight.is_of_use(now));
            // Without room nobody waits for anybody.
            let Some(flight) = begun(&mut keys, key, now) else { return Joined::Pass };
            let joined = flight.join(now, patience);
            match joined {
                Joined::Wait(_) => flight.waiters.push((waker.clone(), token)),
                Joined::Lead if is_follower => flight.waiters.push((waker.clone(), token)),
                Joined::Lead => {}
                Joined::Pass => passed = mem::take(&mut flight.waiters),
            }
            joined
        };
        wake_all(passed, &News::Landed);
        joined
    }

    /// Waits for the flight of a key if one is open and has not taken `patience`, and opens none.
    /// Not for longer than the ms returned.
    pub fn wait(
        &self,
        key: Hash128,
        now: Timestamp,
        patience: Duration,
        waker: &Arc<dyn Wake>,
        token: u32,
    ) -> Option<u32> {
        let mut keys = self.keys.lock();
        let flight = keys.get_mut(key)?;
        let State::Open { since, .. } = flight.state else { return None };
        let left_ms = left_ms(since, now, patience)?;
        flight.waiters.push((waker.clone(), token));
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
        wake_all(self.end(key, landing, now), &News::Landed);
    }

    /// The same, with the entry that memory does not hold.
    pub fn bring(&self, key: Hash128, landing: Landing, entry: &Arc<Entry>, now: Timestamp) {
        wake_all(self.end(key, landing, now), &News::Brought(entry.clone()));
    }

    fn end(&self, key: Hash128, landing: Landing, now: Timestamp) -> Waiters {
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
        wake_all(waiters, &News::Landed);
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

/// Called without the lock: a waker may do anything.
fn wake_all(waiters: Waiters, news: &News) {
    for (waker, token) in waiters {
        waker.wake(token, news.clone());
    }
}

#[cfg(test)]
mod tests;
