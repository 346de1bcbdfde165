//! Who generates, from the engine's side: one process of the fleet for each key, and one call of
//! that process.
//!
//! A get that finds nothing fresh claims the lease of the key; the reply brings the entry that
//! another process may have stored. A follower serves its stale entry, or waits. A store that is
//! away grants nothing: then each process decides for itself.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use super::shared::Filled;
use super::{Engine, Tier};
use crate::entry::Entry;
use crate::generation::End;
use crate::generation::attempt::{Claimant, Fallback, LeaseAttempt, Spans};
use crate::generation::flights::Joined;
use crate::generation::leases::{Ask, Follow, Lease, Permit, Role};
use crate::guard::guard;
use crate::key::KeyRef;
use crate::stats::bump;
use crate::store::{Address, LeaseEnd, LeaseReply, LeaseRequest, Unavailable};
use crate::tags::{Stamp, Tag, Verdict};
use crate::wake::{Notice, Ticket, Wait, WakeOnDrop};

/// An entry that came with the reply.
struct Arrival {
    entry: Arc<Entry>,
    verdict: Verdict,
    filled: Filled,
}

impl Engine {
    /// Whether other processes can be asked who generates `key`.
    pub fn may_claim(&self, key: &KeyRef<'_>) -> bool {
        let is_reached = |tier: &Tier| tier.is_read && tier.address(key).is_some();
        self.tier().is_some_and(is_reached) && !self.ledger.is_offline()
    }

    /// Asks who generates `key`.
    pub fn claim(
        self: &Arc<Self>,
        key: &KeyRef<'_>,
        claimant: Claimant<'_>,
        asked: impl FnOnce() -> Vec<Tag>,
        ticket: Ticket,
    ) -> Ask {
        // First: other gets must not wait for a claim that cannot be sent.
        let Some(address) = self.place(key) else { return Ask::Known(Role::Uncoordinated) };
        let answer = self.leases.ask(key.hash, self.clock.now(), ticket);
        if answer == Ask::Send {
            self.send(LeaseAttempt::new(key, address, claimant, asked()), None);
        }
        answer
    }

    /// Waits for the generation of another process, for `wait_ms` at most. If the leader takes
    /// longer, this process takes over.
    pub fn follow_elsewhere(
        self: &Arc<Self>,
        key: &KeyRef<'_>,
        dead: Option<&Arc<Entry>>,
        asked: impl FnOnce() -> Vec<Tag>,
        wait_ms: u32,
        ticket: Ticket,
    ) -> Wait {
        let Some(address) = self.place(key) else { return Wait::Needless };
        let now = self.clock.now();
        let until = now.shifted_us(i64::from(wait_ms) * 1_000);
        match self.leases.follow(key.hash, now, until, ticket) {
            Follow::NoLeader => Wait::Needless,
            Follow::Pending => Wait::Pending,
            Follow::CheckIn(pause_ms) => {
                let claimant = Claimant { held: dead, fallback: Fallback::None, wait_ms };
                self.send(LeaseAttempt::new(key, address, claimant, asked()), Some(pause_ms));
                Wait::Pending
            }
        }
    }

    /// Who generates a key, as far as is known.
    pub fn role(&self, key: &KeyRef<'_>) -> Role {
        self.leases.role(key.hash, self.clock.now())
    }

    /// Takes the lead for a get that has a stale entry, unless another get or process has it.
    pub fn take_lead(&self, key: &KeyRef<'_>) -> Option<Permit> {
        self.leases.take_lead(key.hash, self.clock.now())
    }

    /// Gives up the lead that a get has asked for, but will not use to regenerate its stale entry.
    pub fn leave_lead(&self, key: &KeyRef<'_>) {
        let (woken, held) = self.leases.leave(key.hash, self.clock.now());
        if let Some(address) = held.and_then(|held| held.address) {
            self.end(address, LeaseEnd::Released);
        }
        drop(woken);
    }

    /// Notes that the regeneration of a stale entry shows progress.
    pub fn note_progress(&self, key: &KeyRef<'_>) {
        self.leases.note_progress(key.hash, self.clock.now());
    }

    /// Takes the turn, once due, to check whether another process has stored the key that this one
    /// leads.
    pub fn take_check(&self, key: &KeyRef<'_>) -> bool {
        self.leases.take_check(key.hash, self.clock.now())
    }

    /// Ends the lead of this process: the generation stored nothing, or the value was found. Other
    /// processes may generate.
    pub fn end_lead(&self, key: &KeyRef<'_>, end: End) {
        let (woken, held) = self.leases.land(key.hash, self.clock.now(), end);
        if let Some(Lease { address: Some(address), cold_us }) = held {
            // Only after a miss: a process with a stale entry still has it, and another may try
            // again.
            let is_uncacheable = end == End::Uncacheable && cold_us.is_some();
            self.end(
                address,
                if is_uncacheable { LeaseEnd::Uncacheable } else { LeaseEnd::Released },
            );
        }
        drop(woken);
    }

    /// Joins the generation of `key` after a miss. Leads it if there is none, or if its leader
    /// began more than `wait_ms` ago.
    pub fn join(&self, key: &KeyRef<'_>, wait_ms: u32, ticket: Ticket) -> Joined {
        self.flights.join(key.hash, self.clock.now(), patience(wait_ms), ticket)
    }

    /// Waits for the build output of `key`, which the leader reads. Readings have flights of their
    /// own: the end of a reading does not end a generation.
    pub fn join_output(&self, key: &KeyRef<'_>, wait_ms: u32, ticket: Ticket) -> Joined {
        self.outputs.join_as_follower(key.hash, self.clock.now(), patience(wait_ms), ticket)
    }

    /// Waits for a generation of `key` in this process that began less than `wait_ms` ago. Returns
    /// the ms that are left.
    pub fn follow_here(&self, key: &KeyRef<'_>, wait_ms: u32, ticket: Ticket) -> Option<u32> {
        self.flights.follow(key.hash, self.clock.now(), patience(wait_ms), ticket)
    }

    /// Notes that a generation of `key` is under way.
    pub fn begin(&self, key: &KeyRef<'_>) {
        self.flights.open(key.hash, self.clock.now());
    }

    /// Notes that a generation of `key` ended without storing a value. `is_joined` says whether
    /// gets join generations of such keys; only then is that worth remembering.
    pub fn abandon(&self, key: &KeyRef<'_>, is_joined: bool) {
        bump(&self.stats.dropped);
        let end = if is_joined { End::Uncacheable } else { End::Done };
        self.flights.land(key.hash, end, self.clock.now());
        self.end_lead(key, End::Uncacheable);
    }

    /// Notes that the leader of `key` ended without storing a value.
    pub fn end_empty(&self, key: &KeyRef<'_>) {
        let end = self.flights.end_empty(key.hash, self.clock.now());
        self.end_lead(key, end);
    }

    /// Ends the reading of the build output of `key`, found or not, and wakes its waiters.
    pub fn land_output(&self, key: &KeyRef<'_>) {
        self.outputs.land(key.hash, End::Done, self.clock.now());
    }

    /// Ends a lease in the store.
    pub(super) fn end(&self, address: Address, ending: LeaseEnd) {
        if let Some(tier) = self.tier() {
            tier.store.end(address, ending);
        }
    }

    /// The leases to renew.
    pub(super) fn renewed(&self) -> Vec<Address> {
        self.leases.renew(self.clock.now())
    }

    /// Leases of the store that this process holds.
    pub fn leases_held(&self) -> u64 {
        self.leases.held(self.clock.now()) as u64
    }

    /// The address at which other processes find the value of `key`.
    fn place(&self, key: &KeyRef<'_>) -> Option<Address> {
        self.tier()?.address(key)
    }

    /// Generations that began before this position are of no use, by the tags of the held entry, if
    /// any, and by those of the caller.
    fn outdated(&self, attempt: &LeaseAttempt) -> u64 {
        let stamp = attempt.held.as_ref().map_or_else(Stamp::default, |entry| entry.meta.stamp);
        let own = attempt.held.iter().flat_map(|entry| entry.meta.tags.iter());
        let tags = own.chain(attempt.asked.iter().map(Tag::as_bytes));
        self.ledger.table().outdated(stamp, tags)
    }

    /// Sends a claim, immediately or after a pause.
    fn send(self: &Arc<Self>, attempt: LeaseAttempt, pause_ms: Option<u32>) {
        let Some(tier) = self.tier() else { return };
        let (_, stamp) = self.ledger.present();
        let Spans { patience_ms, life_ms } = attempt.spans();
        let request = LeaseRequest {
            epoch: stamp.epoch.0,
            position: stamp.at.position.0,
            outdated: self.outdated(&attempt),
            only_absent: attempt.only_absent,
            patience_ms,
            life_ms,
            follows: attempt.follows(),
        };
        let engine = self.clone();
        let address = attempt.address;
        let receive = move |reply, answer| engine.replied(attempt, reply, answer);
        tier.store.claim(address, request, pause_ms, Box::new(receive));
    }

    /// Takes the reply of the store, on a thread of the store.
    fn replied(
        self: &Arc<Self>,
        attempt: LeaseAttempt,
        reply: LeaseReply,
        answer: Result<Option<Bytes>, Unavailable>,
    ) -> WakeOnDrop {
        let Some(tier) = self.tier() else { return WakeOnDrop::default() };
        let bytes = answer.ok().flatten();
        let has_bytes = bytes.is_some();
        let found = guard(|| self.arrived(tier, &attempt, &bytes?)).flatten();
        if has_bytes && found.is_none() && !attempt.is_again {
            bump(&self.stats.broken);
        }
        let verdict = found.as_ref().map(|arrival| arrival.verdict);
        if reply == LeaseReply::EntryExists && verdict != Some(Verdict::Fresh) {
            let held = found.map(|arrival| arrival.entry);
            self.send(attempt.for_found(held, verdict), Some(0));
            return WakeOnDrop::default();
        }
        let lease = attempt.lease(verdict);
        let is_fresh = verdict == Some(Verdict::Fresh);
        if is_fresh && reply == LeaseReply::Granted {
            self.end(attempt.address, LeaseEnd::Released);
        }
        let reply = if is_fresh { LeaseReply::EntryExists } else { reply };
        let delivered = found.filter(|arrival| arrival.filled == Filled::Usable);
        let notice =
            delivered.map_or(Notice::LookAgain, |arrival| Notice::Delivered(arrival.entry));
        let now = self.clock.now();
        let answered = self.leases.answer(attempt.hash, now, reply, lease, &notice);
        if answered.is_unwanted {
            self.end(attempt.address, LeaseEnd::Released);
        } else if reply == LeaseReply::Granted {
            bump(&self.stats.leases_taken);
        }
        if reply == LeaseReply::EntryExists {
            // Another process has stored the value that this one was to generate.
            self.end_lead(&attempt.key(), End::Done);
        }
        if answered.check_ms.is_some() {
            self.send(attempt.again(), answered.check_ms);
        }
        answered.woken
    }

    /// The entry in `bytes`, judged and held in memory.
    fn arrived(&self, tier: &Tier, attempt: &LeaseAttempt, bytes: &[u8]) -> Option<Arrival> {
        let key = attempt.key();
        let entry = Arc::new(self.decoded(tier, &key, &attempt.address, bytes)?);
        let (verdict, _) = self.judge_now(&entry, || attempt.asked.clone());
        // The claim asked for an entry that lives longer.
        let is_old = attempt.fallback == Fallback::Fresh && entry.is_ahead(|| self.clock.now());
        let verdict = if is_old { verdict.max(Verdict::Stale) } else { verdict };
        let filled = self.fill(&key, &entry);
        Some(Arrival { entry, verdict, filled })
    }
}

fn patience(wait_ms: u32) -> Duration {
    Duration::from_millis(u64::from(wait_ms))
}
