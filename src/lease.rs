//! Who generates a key: this process, another one of the fleet, or whoever wants it.
//!
//! Of all processes one holds the lease of a key and generates; the others serve what is stale, or
//! wait for what it stores. This is what one process knows of that: it asks once for all who want
//! the same key, never waits for itself, and asks again for as long as somebody waits.

mod told;

use std::collections::HashMap;
use std::mem;
use std::sync::Arc;

use crate::clock::Timestamp;
use crate::flight::{News, Wake, Woken};
use crate::key::Hash128;
use crate::store::{Address, Claimed};
use crate::sync::Mutex;

pub use self::told::{Answered, Asked, Following, Held, Standing};

/// A leader that has not stored after this long has ended without: 10 s.
const LONGEST_US: u64 = 10_000_000;
/// How long a process takes it for granted that another one leads, before it asks again: 200 ms.
const BELIEVED_US: u64 = 200_000;
/// How long the same holds for who has asked: 2.2 s, the longest of all waits. A thread of JavaScript
/// with a hundred requests at once comes back late to what it has asked, and would generate.
const ANSWERED_US: u64 = 2_200_000;
/// How long nobody need wait for anybody after a generation that ended without: 60 s, as the store
/// has it.
const PASSED_US: u64 = 60_000_000;
/// Between looks for what another process generates: 10, 20, 40 ms, then every 80.
const FIRST_LOOK_MS: u32 = 10;
const MOST_DOUBLINGS: u32 = 3;
/// Keys known of at once; beyond that, everybody generates.
const MOST: usize = 10_000;

/// The keys that are generated, as far as this process knows.
#[derive(Default)]
pub struct Leases {
    keys: Mutex<HashMap<Hash128, Key>>,
}

struct Key {
    state: State,
    /// Whether the store is being asked, or will be.
    is_asking: bool,
    /// When what is led here was last looked for in the store.
    looked: Timestamp,
    looks: u32,
    waiters: Vec<Waiter>,
}

#[derive(Clone, Copy)]
enum State {
    Unknown,
    Here { since: Timestamp, held: Held, is_led: bool },
    Elsewhere { since: Timestamp },
    Anybody { address: Option<Address>, until: Timestamp },
}

struct Waiter {
    waker: Arc<dyn Wake>,
    token: u32,
    /// Until when it waits for the fill; `None` if it waits for an answer of any kind.
    until: Option<Timestamp>,
}

impl Leases {
    /// Asks who generates `key`.
    pub fn ask(&self, key: Hash128, now: Timestamp, waker: &Arc<dyn Wake>, token: u32) -> Asked {
        let mut keys = self.keys.lock();
        if let Some(known) = keys.get_mut(&key) {
            match known.standing(now) {
                // Asked of the store each time: it may hold a value by now.
                Standing::Unknown | Standing::Anybody => {}
                Standing::Elsewhere if known.is_to_be_asked(now) => {}
                standing => return Asked::Known(standing),
            }
        } else if !has_room(&mut keys, now) {
            return Asked::Known(Standing::Anybody);
        }
        let known = keys.entry(key).or_insert_with(Key::new);
        known.waiters.push(Waiter { waker: waker.clone(), token, until: None });
        if mem::replace(&mut known.is_asking, true) {
            return Asked::Wait;
        }
        known.looks = 0;
        Asked::Ask
    }

    /// Who generates `key`, to whoever has asked.
    pub fn standing(&self, key: Hash128, now: Timestamp) -> Standing {
        self.keys.lock().get_mut(&key).map_or(Standing::Unknown, |known| known.standing(now))
    }

    /// Leads without asking anybody: nobody can be asked. `is_first` of the answer says whether
    /// nobody of this process leads already.
    pub fn lead_here(&self, key: Hash128, now: Timestamp) -> Standing {
        let mut keys = self.keys.lock();
        if let Some(known) = keys.get_mut(&key) {
            let standing = known.standing(now);
            if matches!(standing, Standing::Here { .. }) {
                return standing;
            }
        } else if !has_room(&mut keys, now) {
            return Standing::Anybody;
        }
        let known = keys.entry(key).or_insert_with(Key::new);
        // What is set ends that nobody need wait.
        let address = if let State::Anybody { address, .. } = known.state { address } else { None };
        let held = Held { address, is_cold: false };
        known.state = State::Here { since: now, held, is_led: true };
        Standing::Here { is_first: true }
    }

    /// Whether it is time to look for what this process leads: another may have taken it over, and
    /// have stored it.
    pub fn looks(&self, key: Hash128, now: Timestamp) -> bool {
        let mut keys = self.keys.lock();
        let Some(known) = keys.get_mut(&key) else { return false };
        let State::Here { since, .. } = known.state else { return false };
        let is_due = now.since_us(since.max(known.looked)) >= BELIEVED_US;
        if is_due {
            known.looked = now;
        }
        is_due
    }

    /// Waits until `until` for what another process generates.
    pub fn follow(
        &self,
        key: Hash128,
        (now, until): (Timestamp, Timestamp),
        waker: &Arc<dyn Wake>,
        token: u32,
    ) -> Following {
        let mut keys = self.keys.lock();
        let Some(known) = keys.get_mut(&key) else { return Following::Nobody };
        if known.standing(now) != Standing::Elsewhere {
            return Following::Nobody;
        }
        known.waiters.push(Waiter { waker: waker.clone(), token, until: Some(until) });
        if mem::replace(&mut known.is_asking, true) {
            return Following::Wait;
        }
        Following::Look(known.next_look_ms())
    }

    /// The store has answered. Who waits for that is told the `news`.
    pub fn answer(
        &self,
        key: Hash128,
        now: Timestamp,
        claimed: Claimed,
        held: Held,
        news: &News,
    ) -> Answered {
        let mut answered = Answered::default();
        let mut keys = self.keys.lock();
        let Some(known) = keys.get_mut(&key) else { return answered };
        known.is_asking = false;
        let waits = |waiter: &Waiter| waiter.until.is_none_or(|until| until > now);
        let is_here = known.is_here(now);
        answered.is_unwanted =
            claimed == Claimed::Taken && !is_here && !known.waiters.iter().any(waits);
        known.state = match claimed {
            // Meanwhile it was begun here, whatever is said elsewhere.
            _ if is_here => known.state.with(claimed, held),
            _ if answered.is_unwanted => State::Unknown,
            Claimed::Taken => State::Here { since: now, held, is_led: false },
            Claimed::Unavailable if !held.is_cold => {
                State::Here { since: now, held: Held { address: None, ..held }, is_led: false }
            }
            Claimed::Held => State::Elsewhere { since: now },
            Claimed::Passed(ms) => State::Anybody {
                address: held.address,
                until: now.shifted_us(i64::from(ms) * 1_000),
            },
            Claimed::Unavailable => {
                State::Anybody { address: None, until: now.shifted_us(BELIEVED_US as i64) }
            }
            Claimed::Present => State::Unknown,
        };
        let follows = |waiter: &Waiter| waiter.until.is_some() && waits(waiter);
        let is_held = claimed == Claimed::Held && matches!(news, News::Landed);
        let (stay, go): (Vec<_>, Vec<_>) =
            mem::take(&mut known.waiters).into_iter().partition(|one| is_held && follows(one));
        known.waiters = stay;
        answered.look_ms = (!known.waiters.is_empty()).then(|| known.next_look_ms());
        known.is_asking = answered.look_ms.is_some();
        if matches!(known.state, State::Unknown) {
            keys.remove(&key);
        }
        drop(keys);
        wake(&mut answered.woken, go, news);
        answered
    }

    /// A generation of `key` has ended here; who waits for another process is woken when the result
    /// is dropped. Beside it what the store is to be told of it, if anything.
    pub fn land(&self, key: Hash128) -> (Woken, Option<Held>) {
        let mut woken = Woken::default();
        let mut keys = self.keys.lock();
        let Some(known) = keys.get_mut(&key) else { return (woken, None) };
        let held = match known.state {
            State::Here { held, .. } => Some(held),
            State::Anybody { address, .. } => Some(Held { address, is_cold: true }),
            State::Unknown | State::Elsewhere { .. } => None,
        };
        let waiters = mem::take(&mut known.waiters);
        known.state = State::Unknown;
        if !known.is_asking {
            keys.remove(&key);
        }
        drop(keys);
        wake(&mut woken, waiters, &News::Landed);
        (woken, held)
    }

    /// Somebody waited in vain for another process: this one leads now. Who waits with them is woken
    /// when the result is dropped. `None` if nobody else was known to lead.
    pub fn overtake(&self, key: Hash128, now: Timestamp, held: Held) -> Option<Woken> {
        let mut keys = self.keys.lock();
        let known = keys.get_mut(&key)?;
        if known.standing(now) != Standing::Elsewhere {
            return None;
        }
        known.state = State::Here { since: now, held, is_led: false };
        let waiters = mem::take(&mut known.waiters);
        drop(keys);
        let mut woken = Woken::default();
        wake(&mut woken, waiters, &News::Landed);
        Some(woken)
    }

    /// The leases that go on, and those that have gone on for too long: their generation has ended
    /// without a word.
    pub fn renew(&self, now: Timestamp) -> (Vec<Address>, Vec<Held>) {
        let (mut renewed, mut ended) = (Vec::new(), Vec::new());
        self.keys.lock().retain(|_, known| {
            let State::Here { since, held, .. } = known.state else {
                return known.is_of_use(now);
            };
            if now.since_us(since) < LONGEST_US {
                renewed.extend(held.address);
                return true;
            }
            ended.push(held);
            // What is set after all ends that nobody need wait.
            known.state = match held {
                Held { is_cold: true, address: address @ Some(_) } => {
                    State::Anybody { address, until: now.shifted_us(PASSED_US as i64) }
                }
                _ => State::Unknown,
            };
            known.is_of_use(now)
        });
        (renewed, ended)
    }

    /// Keys known of.
    pub fn len(&self) -> usize {
        self.keys.lock().len()
    }

    /// Whether nothing is known of any.
    pub fn is_empty(&self) -> bool {
        self.keys.lock().is_empty()
    }
}

impl std::fmt::Debug for Leases {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Leases").field("len", &self.len()).finish()
    }
}

impl State {
    /// What is led here, with a lease that came for it later.
    fn with(self, claimed: Claimed, lease: Held) -> Self {
        match self {
            Self::Here { since, held, is_led } if claimed == Claimed::Taken => {
                Self::Here { since, held: Held { address: lease.address, ..held }, is_led }
            }
            state => state,
        }
    }
}

impl Key {
    fn new() -> Self {
        let looked = Timestamp::default();
        Self { state: State::Unknown, is_asking: false, looked, looks: 0, waiters: Vec::new() }
    }

    /// What is to be said now; what is too old is forgotten.
    fn standing(&mut self, now: Timestamp) -> Standing {
        match &mut self.state {
            State::Here { since, is_led, .. } if now.since_us(*since) < LONGEST_US => {
                Standing::Here { is_first: !mem::replace(is_led, true) }
            }
            State::Elsewhere { since } if now.since_us(*since) < ANSWERED_US || self.is_asking => {
                Standing::Elsewhere
            }
            State::Anybody { until, .. } if now < *until => Standing::Anybody,
            state => {
                *state = State::Unknown;
                Standing::Unknown
            }
        }
    }

    fn is_here(&self, now: Timestamp) -> bool {
        matches!(self.state, State::Here { since, .. } if now.since_us(since) < LONGEST_US)
    }

    /// Whether it was long ago that somebody else was known to lead, and nobody asks.
    fn is_to_be_asked(&self, now: Timestamp) -> bool {
        let is_old = |since| now.since_us(since) >= BELIEVED_US;
        !self.is_asking && matches!(self.state, State::Elsewhere { since } if is_old(since))
    }

    fn is_of_use(&self, now: Timestamp) -> bool {
        self.is_asking
            || match self.state {
                State::Unknown => false,
                State::Here { since, .. } => now.since_us(since) < LONGEST_US,
                State::Elsewhere { since } => now.since_us(since) < ANSWERED_US,
                State::Anybody { until, .. } => now < until,
            }
    }

    fn next_look_ms(&mut self) -> u32 {
        let doublings = self.looks.min(MOST_DOUBLINGS);
        self.looks = self.looks.saturating_add(1);
        FIRST_LOOK_MS << doublings
    }
}

/// Whether one more key can be remembered.
fn has_room(keys: &mut HashMap<Hash128, Key>, now: Timestamp) -> bool {
    if keys.len() >= MOST {
        keys.retain(|_, known| known.is_of_use(now));
    }
    keys.len() < MOST
}

fn wake(woken: &mut Woken, waiters: Vec<Waiter>, news: &News) {
    for Waiter { waker, token, .. } in waiters {
        woken.add(waker, token, news.clone());
    }
}

#[cfg(test)]
mod tests;
