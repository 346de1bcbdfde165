//! Single-flight: of several that miss one key at once, one generates and the others wait for it.
//!
//! Nobody waits without end: a waiter has its own deadline outside, and a key whose generation was
//! never stored is passed for a while, so that what cannot be cached is not queued behind itself.

use std::collections::HashMap;
use std::sync::Arc;

use crate::clock::Timestamp;
use crate::coherence::event::Outcome;
use crate::entry::Entry;
use crate::key::Hash128;
use crate::sync::Mutex;

/// A leader that has not stored after this long has ended without.
const LONGEST_US: u64 = 10_000_000;
/// How long a key is passed after its generation ended without being stored.
const UNSET_PASS_US: u64 = 60_000_000;
/// How long a key is passed after somebody waited in vain.
const TIMEOUT_PASS_US: u64 = 10_000_000;
/// Keys under way or passed at once; beyond that, everybody generates.
const MOST: usize = 10_000;

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
        for (waker, many) in std::mem::take(&mut other.0) {
            for (token, news) in many {
                self.add(waker.clone(), token, news);
            }
        }
    }
}

impl Drop for Woken {
    fn drop(&mut self) {
        for (waker, many) in std::mem::take(&mut self.0) {
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
    /// Somebody generates; you will be woken.
    Wait,
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
#[derive(Default)]
pub struct Flights {
    open: Mutex<HashMap<Hash128, State>>,
}

/// Those who wait, and the number each waits under.
type Waiters = Vec<(Arc<dyn Wake>, u32)>;

enum State {
    Open { since: Timestamp, waiters: Waiters },
    Passed { until: Timestamp },
}

impl Flights {
    /// Joins the flight of a key, or opens it.
    pub fn join(&self, key: Hash128, now: Timestamp, waker: &Arc<dyn Wake>, token: u32) -> Joined {
        self.enter(key, now, Vec::new(), (waker, token))
    }

    /// As [`Flights::join`], but who opens it waits too: somebody else is to generate for them.
    pub fn join_as_follower(
        &self,
        key: Hash128,
        now: Timestamp,
        waker: &Arc<dyn Wake>,
        token: u32,
    ) -> Joined {
        self.enter(key, now, vec![(waker.clone(), token)], (waker, token))
    }

    /// `first` are those who wait if it is opened.
    fn enter(
        &self,
        key: Hash128,
        now: Timestamp,
        first: Waiters,
        (waker, token): (&Arc<dyn Wake>, u32),
    ) -> Joined {
        let mut overdue = Vec::new();
        let joined = {
            let mut open = self.open.lock();
            match open.get_mut(&key) {
                Some(State::Open { since, waiters }) if now.since_us(*since) < LONGEST_US => {
                    waiters.push((waker.clone(), token));
                    Joined::Wait
                }
                Some(State::Passed { until }) if now < *until => Joined::Pass,
                Some(state @ State::Open { .. }) => {
                    let until = now.shifted_us(UNSET_PASS_US as i64);
                    overdue = state.end(until);
                    Joined::Pass
                }
                _ => open_flight(&mut open, key, now, first),
            }
        };
        wake_all(overdue, &News::Landed);
        joined
    }

    /// Waits for the flight of a key if one is open, and opens none.
    pub fn wait(&self, key: Hash128, now: Timestamp, waker: &Arc<dyn Wake>, token: u32) -> bool {
        match self.open.lock().get_mut(&key) {
            Some(State::Open { since, waiters }) if now.since_us(*since) < LONGEST_US => {
                waiters.push((waker.clone(), token));
                true
            }
            _ => false,
        }
    }

    /// Opens the flight of a key, whatever was said of it before. For a generation that is under
    /// way for certain.
    pub fn open(&self, key: Hash128, now: Timestamp) {
        let mut open = self.open.lock();
        if !matches!(open.get(&key), Some(State::Open { .. })) {
            open_flight(&mut open, key, now, Vec::new());
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
        {
            let mut open = self.open.lock();
            match (open.get_mut(&key), landing) {
                (None, _) => Vec::new(),
                (Some(state), Landing::Unset) => state.end(now.shifted_us(UNSET_PASS_US as i64)),
                (Some(_), Landing::Stored) => match open.remove(&key) {
                    Some(State::Open { waiters, .. }) => waiters,
                    _ => Vec::new(),
                },
            }
        }
    }

    /// Somebody waited for a key in vain: for a while nobody else does.
    pub fn give_up(&self, key: Hash128, now: Timestamp) {
        let until = now.shifted_us(TIMEOUT_PASS_US as i64);
        let waiters = match self.open.lock().get_mut(&key) {
            Some(state @ State::Open { .. }) => state.end(until),
            _ => Vec::new(),
        };
        wake_all(waiters, &News::Landed);
    }

    /// Keys under way or passed.
    pub fn len(&self) -> usize {
        self.open.lock().len()
    }

    /// Whether no key is under way or passed.
    pub fn is_empty(&self) -> bool {
        self.open.lock().is_empty()
    }
}

impl std::fmt::Debug for Flights {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Flights").field("len", &self.len()).finish()
    }
}

impl State {
    /// Turns an open flight into a passed key; its waiters are the caller's to wake.
    fn end(&mut self, until: Timestamp) -> Waiters {
        match std::mem::replace(self, Self::Passed { until }) {
            Self::Open { waiters, .. } => waiters,
            Self::Passed { .. } => Vec::new(),
        }
    }
}

fn open_flight(
    open: &mut HashMap<Hash128, State>,
    key: Hash128,
    now: Timestamp,
    waiters: Waiters,
) -> Joined {
    if open.len() >= MOST {
        open.retain(|_, state| match state {
            State::Open { since, waiters } => {
                !waiters.is_empty() || now.since_us(*since) < LONGEST_US
            }
            State::Passed { until } => now < *until,
        });
        if open.len() >= MOST {
            return Joined::Pass;
        }
    }
    open.insert(key, State::Open { since: now, waiters });
    Joined::Lead
}

/// Called without the lock: a waker may do anything.
fn wake_all(waiters: Waiters, news: &News) {
    for (waker, token) in waiters {
        waker.wake(token, news.clone());
    }
}

#[cfg(test)]
mod tests;
