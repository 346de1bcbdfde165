//! One leader in the fleet for each key, as far as this process knows.
//!
//! One process of the fleet holds the lease of a key and generates; the others serve something
//! stale, or wait for what it stores. This is the view of one process: it asks the store once for
//! all gets of a key, never waits for itself, and asks again as long as a get waits.
//!
//! No leader is believed in for long without evidence. A get that has something stale leads for a
//! second, and longer only if it is seen to generate. Its lead is a [`Permit`], which one get takes
//! ([`Leases::take_lead`]); looking up the leader ([`Leases::role`]) takes nothing.

mod key;
mod roles;

use std::collections::HashSet;
use std::mem;

use crate::bounded::Bounded;
use crate::clock::Timestamp;
use crate::generation::End;
use crate::generation::limits::{FIRST_HIT_FOR_MISS_US, MOST_KEYS, RECHECK_US};
use crate::key::Hash128;
use crate::store::{Address, LeaseReply};
use crate::sync::Mutex;
use crate::wake::{Notice, Ticket, WakeOnDrop};

use self::key::{Key, Leading, State, Waiter};
pub use self::roles::{Answered, Ask, Follow, Lease, Permit, Role};

/// Keys examined at each renewal, and at each lead that a get takes, to forget those that are over.
const SWEPT: usize = 256;
const SWEPT_WITH_EACH: usize = 2;

/// The keys under generation, as far as this process knows.
pub struct Leases {
    known: Mutex<Known>,
}

impl Default for Leases {
    fn default() -> Self {
        let keys = Bounded::new(MOST_KEYS);
        Self { known: Mutex::new(Known { keys, seen: HashSet::new() }) }
    }
}

struct Known {
    keys: Bounded<Key>,
    /// Keys of stale entries that this process is seen to regenerate.
    seen: HashSet<Hash128>,
}

impl Leases {
    /// Asks who generates `key`.
    pub fn ask(&self, key: Hash128, now: Timestamp, ticket: Ticket) -> Ask {
        let mut known = self.known.lock();
        let Some(key) = known.keys.get_or_insert(key, Key::new, Key::may_go) else {
            return Ask::NoRoom;
        };
        key.expire(now);
        match key.role(now) {
            // Ask the store each time: it may hold a value by now.
            Role::Unknown | Role::Uncoordinated => {}
            Role::Follower if key.is_to_be_asked(now) => {}
            role => return Ask::Known(role),
        }
        key.waiters.push(Waiter { ticket, until: None });
        if !key.begin_request() {
            return Ask::Pending;
        }
        key.checks = 0;
        Ask::Send
    }

    /// Who generates `key`, as far as is known.
    pub fn role(&self, key: Hash128, now: Timestamp) -> Role {
        self.known.lock().keys.get(key).map_or(Role::Unknown, |key| key.role(now))
    }

    /// Takes the lead for a get that has something stale, unless another process leads, or another
    /// get of this process has a permit and may still begin.
    pub fn take_lead(&self, key: Hash128, now: Timestamp) -> Option<Permit> {
        let mut known = self.known.lock();
        known.keys.sweep(SWEPT_WITH_EACH, |_, key| {
            key.expire(now);
            key.is_of_use()
        });
        let Some(key) = known.keys.get_or_insert(key, Key::new, Key::may_go) else {
            // A stale entry needs a leader even without room to remember it.
            return Some(Permit::new());
        };
        key.expire(now);
        if key.role(now) == Role::Follower {
            return None;
        }
        let none = Lease { address: None, cold_us: None };
        let leading = match key.state {
            State::Leading(Leading { permitted: Some(_), .. }) => return None,
            State::Leading(leading) => {
                Leading { lease: Lease { cold_us: None, ..leading.lease }, ..leading }
            }
            // Keeps the address, so that a set ends the hit-for-miss.
            State::Uncoordinated { address, .. } => Leading::begin(now, Lease { address, ..none }),
            State::Overrun { address, .. } => {
                Leading::begin(now, Lease { address: Some(address), ..none })
            }
            State::Unknown | State::Following { .. } => Leading::begin(now, none),
        };
        key.state = State::Leading(Leading { permitted: Some(now), ..leading });
        Some(Permit::new())
    }

    /// Gives up the lead for a get that asked for it and does not regenerate, unless another get
    /// has taken it. Returns what [`Leases::land`] does.
    pub fn leave(&self, key: Hash128, now: Timestamp) -> (WakeOnDrop, Option<Lease>) {
        let mut known = self.known.lock();
        let state = known.keys.get_mut(key).map(|key| key.state);
        let is_free = matches!(state, Some(State::Leading(Leading { permitted: None, .. })));
        let landed = is_free.then(|| known.land(key, now, End::Done));
        drop(known);
        landed.map_or_else(Default::default, |(waiters, lease)| {
            (woken(waiters, &Notice::LookAgain), lease)
        })
    }

    /// Notes a sign of life of the permitted generation of `key`.
    pub fn note_progress(&self, key: Hash128, now: Timestamp) {
        let mut known = self.known.lock();
        let Some(found) = known.keys.get_mut(key) else { return };
        if let State::Leading(leading) = &mut found.state
            && leading.permitted.is_some()
        {
            leading.seen = Some(now);
            known.seen.insert(key);
        }
    }

    /// Whether the caller is to ask the store for a key that this process leads: another process
    /// may have taken over and stored it. Once a check is due, one caller gets `true`.
    pub fn take_check(&self, key: Hash128, now: Timestamp) -> bool {
        let mut known = self.known.lock();
        let Some(key) = known.keys.get_mut(key) else { return false };
        let State::Leading(Leading { since, .. }) = key.state else { return false };
        let is_due = now.since_us(since.max(key.checked)) >= RECHECK_US;
        if is_due {
            key.checked = now;
        }
        is_due
    }

    /// Waits until `until` for what another process generates.
    pub fn follow(&self, key: Hash128, now: Timestamp, until: Timestamp, ticket: Ticket) -> Follow {
        let mut known = self.known.lock();
        let Some(key) = known.keys.get_mut(key) else { return Follow::NoLeader };
        if key.role(now) != Role::Follower {
            return Follow::NoLeader;
        }
        key.waiters.push(Waiter { ticket, until: Some(until) });
        key.schedule(now).map_or(Follow::Pending, Follow::CheckIn)
    }

    /// Takes the store's reply in, and wakes the waiters that it concerns with `notice`.
    pub fn answer(
        &self,
        key: Hash128,
        now: Timestamp,
        reply: LeaseReply,
        lease: Lease,
        notice: &Notice,
    ) -> Answered {
        let mut answered = Answered::default();
        let mut known = self.known.lock();
        let Some(found) = known.keys.get_mut(key) else { return answered };
        found.end_request();
        let waits = |waiter: &Waiter| waiter.until.is_none_or(|until| until > now);
        let is_leading = found.is_leading(now);
        answered.is_unwanted =
            reply == LeaseReply::Granted && !is_leading && !found.waiters.iter().any(waits);
        found.state = match reply {
            // A generation began here meanwhile, and no reply undoes that.
            _ if is_leading => found.state.with(reply, lease),
            _ if answered.is_unwanted => State::Unknown,
            LeaseReply::Granted => State::Leading(Leading::begin(now, lease)),
            LeaseReply::HeldElsewhere => State::Following { since: now, look_at: None },
            LeaseReply::Followed(ms) => {
                let look_at = Some(now.after_us(u64::from(ms) * 1_000));
                State::Following { since: now, look_at }
            }
            LeaseReply::HitForMiss(ms) => State::Uncoordinated {
                address: lease.address,
                until: now.shifted_us(i64::from(ms) * 1_000),
            },
            LeaseReply::Unavailable => {
                State::Uncoordinated { address: None, until: now.shifted_us(RECHECK_US as i64) }
            }
            LeaseReply::EntryExists => State::Unknown,
        };
        let follows = |waiter: &Waiter| waiter.until.is_some() && waits(waiter);
        let is_held = matches!(reply, LeaseReply::HeldElsewhere | LeaseReply::Followed(_))
            && matches!(notice, Notice::LookAgain);
        let (stay, go): (Vec<_>, Vec<_>) =
            mem::take(&mut found.waiters).into_iter().partition(|one| is_held && follows(one));
        found.waiters = stay;
        if !found.waiters.is_empty() {
            answered.check_ms = found.schedule(now);
        }
        if matches!(found.state, State::Unknown) && !found.is_asking() {
            known.keys.remove(key);
        }
        drop(known);
        answered.woken = woken(go, notice);
        answered
    }

    /// A generation of `key` has ended here. Dropping the first result wakes those that wait for
    /// another process; the second is the lease to report to the store as ended, if there is one.
    pub fn land(&self, key: Hash128, now: Timestamp, end: End) -> (WakeOnDrop, Option<Lease>) {
        let (waiters, lease) = self.known.lock().land(key, now, end);
        (woken(waiters, &Notice::LookAgain), lease)
    }

    /// The leases to renew: those of stale entries that are seen to be regenerated. Any other lives
    /// long enough. Also forgets keys that are of no use any more, a number of them each time.
    pub fn renew(&self, now: Timestamp) -> Vec<Address> {
        let mut known = self.known.lock();
        let Known { keys, seen } = &mut *known;
        let mut renewed = Vec::new();
        seen.retain(|key| {
            let found = keys.get_mut(*key).filter(|found| found.is_leading(now));
            let Some(State::Leading(leading)) = found.map(|found| found.state) else {
                return false;
            };
            renewed.extend(leading.lease.address);
            true
        });
        let mut forgotten = Vec::new();
        keys.sweep(SWEPT, |_, key| {
            key.expire(now);
            let stays = key.is_of_use();
            if !stays {
                forgotten.append(&mut key.waiters);
            }
            stays
        });
        drop(known);
        drop(woken(forgotten, &Notice::LookAgain));
        renewed
    }

    /// Number of leases that the store has granted, and that still stand.
    pub fn held(&self, now: Timestamp) -> usize {
        let is_held = |key: &&Key| key.is_leading(now) && key.has_lease();
        self.known.lock().keys.values().filter(is_held).count()
    }

    /// Number of known keys.
    pub fn len(&self) -> usize {
        self.known.lock().keys.len()
    }

    /// Whether no key is known.
    pub fn is_empty(&self) -> bool {
        self.known.lock().keys.is_empty()
    }
}

impl Known {
    fn land(&mut self, key: Hash128, now: Timestamp, end: End) -> (Vec<Waiter>, Option<Lease>) {
        self.seen.remove(&key);
        let Some(found) = self.keys.get_mut(key) else { return (Vec::new(), None) };
        let cold = |address| Some(Lease { address, cold_us: Some(0) });
        let lease = match found.state {
            State::Leading(Leading { lease, .. }) => Some(lease),
            State::Uncoordinated { address, .. } => cold(address),
            State::Overrun { address, .. } => cold(Some(address)),
            State::Unknown | State::Following { .. } => None,
        };
        let waiters = mem::take(&mut found.waiters);
        found.state = match (end, lease) {
            (End::Uncacheable, Some(Lease { address: address @ Some(_), cold_us: Some(_) })) => {
                State::Uncoordinated { address, until: now.after_us(FIRST_HIT_FOR_MISS_US) }
            }
            _ => State::Unknown,
        };
        if !found.is_asking() && matches!(found.state, State::Unknown) {
            self.keys.remove(key);
        }
        (waiters, lease)
    }
}

impl std::fmt::Debug for Leases {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Leases").field("len", &self.len()).finish()
    }
}

fn woken(waiters: Vec<Waiter>, notice: &Notice) -> WakeOnDrop {
    WakeOnDrop::all(waiters.into_iter().map(|waiter| waiter.ticket), notice)
}

#[cfg(test)]
mod tests;
