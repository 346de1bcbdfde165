//! Who generates: one process of the fleet for each key, and one get of that process.
//!
//! A get that finds nothing fresh claims the key; what others have stored meanwhile comes with the
//! answer. Who may not generate serves what is stale, or waits. A store that is away decides
//! nothing: then each process decides for itself.

use std::sync::Arc;

use bytes::Bytes;

use super::{Engine, Tier};
use crate::entry::Entry;
use crate::generation::leases::{Asked, End, Following, Held, Lead, Standing};
use crate::generation::limits::{BELIEVED_US, LEASE_SLACK_MS, SEEN_US, STALE_LEASE_MS};
use crate::guard::guard;
use crate::key::{AppId, Class, Hash128, KeyRef};
use crate::stats::bump;
use crate::store::{Address, Claim, Claimed, Ending, Unavailable};
use crate::tags::{Stamp, Tag, Verdict};
use crate::wake::{Notice, Ticket, WakeOnDrop};

/// What there is to serve as long as nobody has generated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Serves {
    /// Nothing.
    Nothing,
    /// Something stale.
    Stale,
    /// Something fresh, whose end is near.
    Fresh,
}

/// Who wants to generate a key.
pub struct Claimant<'a> {
    /// The entry it holds.
    pub held: Option<&'a Arc<Entry>>,
    /// What there is to serve meanwhile.
    pub serves: Serves,
    /// How long a leader is waited for if there is nothing to serve, in ms.
    pub wait_ms: u32,
}

/// What a claim is for.
#[derive(Clone)]
struct Wish {
    class: Class,
    app: AppId,
    units: Box<[u16]>,
    hash: Hash128,
    address: Address,
    /// Tags of the first who asked.
    asked: Vec<Tag>,
    /// The entry that is to be generated anew.
    held: Option<Arc<Entry>>,
    /// Whether it is moot if there is any entry.
    only_absent: bool,
    serves: Serves,
    wait_ms: u32,
    /// Whether the store was asked before: what lies there was counted then.
    is_again: bool,
}

impl Wish {
    fn new(
        key: &KeyRef<'_>,
        address: Address,
        Claimant { held, serves, wait_ms }: Claimant<'_>,
        asked: Vec<Tag>,
    ) -> Self {
        Self {
            class: key.class,
            app: key.app,
            units: key.units.into(),
            hash: key.hash,
            address,
            only_absent: held.is_none(),
            held: held.cloned(),
            serves,
            wait_ms,
            asked,
            is_again: false,
        }
    }

    /// How long a leader is believed in and waited for, and for how long its lease is asked for, in
    /// ms. With something to serve it is short at first, and renewed for who is seen to generate.
    fn spans_ms(&self) -> (u32, u32) {
        match self.serves {
            Serves::Nothing => (self.wait_ms, self.wait_ms + LEASE_SLACK_MS),
            Serves::Stale | Serves::Fresh => ((SEEN_US / 1_000) as u32, STALE_LEASE_MS),
        }
    }

    fn held_as(&self, verdict: Option<Verdict>) -> Held {
        let is_cold = self.serves == Serves::Nothing && verdict != Some(Verdict::Stale);
        // Less would be over before a get could make use of it.
        let cold_us = is_cold.then(|| (u64::from(self.wait_ms) * 1_000).max(BELIEVED_US));
        Held { address: Some(self.address), cold_us }
    }

    fn key(&self) -> KeyRef<'_> {
        KeyRef { class: self.class, app: self.app, units: &self.units, hash: self.hash }
    }
}

impl Engine {
    /// Whether other processes can be asked who generates `key`.
    pub fn may_claim(&self, key: &KeyRef<'_>) -> bool {
        let is_reached = |tier: &Tier| tier.is_read && tier.address(key).is_some();
        self.tier().is_some_and(is_reached) && !self.ledger.is_apart()
    }

    /// Asks who generates `key`.
    pub fn claim(
        self: &Arc<Self>,
        key: &KeyRef<'_>,
        claimant: Claimant<'_>,
        asked: impl FnOnce() -> Vec<Tag>,
        ticket: Ticket,
    ) -> Asked {
        // Before anything is noted: who cannot ask must not be waited for.
        let Some(address) = self.place(key) else { return Asked::Known(Standing::Anybody) };
        let answer = self.leases.ask(key.hash, self.clock.now(), ticket);
        if answer == Asked::Ask {
            self.send(Wish::new(key, address, claimant, asked()), None);
        }
        answer
    }

    /// Waits for what another process generates, for `wait_ms` at most: once the leader takes longer
    /// than that, this process takes over. False if there is nothing to wait for.
    pub fn follow(
        self: &Arc<Self>,
        key: &KeyRef<'_>,
        dead: Option<&Arc<Entry>>,
        asked: impl FnOnce() -> Vec<Tag>,
        wait_ms: u32,
        ticket: Ticket,
    ) -> bool {
        let Some(address) = self.place(key) else { return false };
        let now = self.clock.now();
        let until = now.shifted_us(i64::from(wait_ms) * 1_000);
        match self.leases.follow(key.hash, now, until, ticket) {
            Following::Nobody => false,
            Following::Wait => true,
            Following::Look(pause_ms) => {
                let claimant = Claimant { held: dead, serves: Serves::Nothing, wait_ms };
                self.send(Wish::new(key, address, claimant, asked()), Some(pause_ms));
                true
            }
        }
    }

    /// Who generates a key, as far as is known.
    pub fn standing(&self, key: &KeyRef<'_>) -> Standing {
        self.leases.standing(key.hash, self.clock.now())
    }

    /// Leads, for a get that has something stale, unless another get does.
    pub fn take_lead(&self, key: &KeyRef<'_>) -> Lead {
        self.leases.take_lead(key.hash, self.clock.now())
    }

    /// A get that will not generate what is stale leaves the lead it has asked for to others.
    pub fn leave_lead(&self, key: &KeyRef<'_>) {
        let (woken, held) = self.leases.leave(key.hash, self.clock.now());
        if let Some(address) = held.and_then(|held| held.address) {
            self.end(address, Ending::Released);
        }
        drop(woken);
    }

    /// Who was told to generate what is stale is seen to.
    pub fn see(&self, key: &KeyRef<'_>) {
        self.leases.see(key.hash, self.clock.now());
    }

    /// Whether to look if somebody else has stored meanwhile what this process leads.
    pub fn looks(&self, key: &KeyRef<'_>) -> bool {
        self.leases.looks(key.hash, self.clock.now())
    }

    /// A generation has ended without being stored, or what was asked for was found. Others may
    /// generate.
    pub fn let_go(&self, key: &KeyRef<'_>, end: End) {
        let (woken, held) = self.leases.land(key.hash, self.clock.now(), end);
        if let Some(Held { address: Some(address), cold_us }) = held {
            // Who had something stale to serve has it still, and somebody may try again.
            let is_unset = end == End::Unset && cold_us.is_some();
            self.end(address, if is_unset { Ending::Unset } else { Ending::Released });
        }
        drop(woken);
    }

    /// Ends a lease in the store.
    pub(super) fn end(&self, address: Address, ending: Ending) {
        if let Some(tier) = self.tier() {
            tier.store.end(address, ending);
        }
    }

    /// The leases that go on.
    pub(super) fn renewed(&self) -> Vec<Address> {
        self.leases.renew(self.clock.now())
    }

    /// Where others find what is generated of `key`.
    fn place(&self, key: &KeyRef<'_>) -> Option<Address> {
        self.tier()?.address(key)
    }

    /// What began before this is of no use: by the tags of who asks, also where nothing is held.
    fn outdated(&self, wish: &Wish) -> u64 {
        let stamp = wish.held.as_ref().map_or_else(Stamp::default, |entry| entry.meta.stamp);
        let own = wish.held.iter().flat_map(|entry| entry.meta.tags.iter());
        let tags = own.chain(wish.asked.iter().map(Tag::as_bytes));
        self.ledger.table().outdated(stamp, tags)
    }

    /// Sends a claim, at once or after a pause.
    fn send(self: &Arc<Self>, wish: Wish, pause_ms: Option<u32>) {
        let Some(tier) = self.tier() else { return };
        let (_, stamp) = self.ledger.present();
        let (patience_ms, life_ms) = wish.spans_ms();
        let claim = Claim {
            epoch: stamp.epoch.0,
            position: stamp.at.position.0,
            outdated: self.outdated(&wish),
            only_absent: wish.only_absent,
            patience_ms,
            life_ms,
        };
        let engine = self.clone();
        let address = wish.address;
        let receive = move |claimed, answer| engine.claimed(wish, claimed, answer);
        tier.store.claim(address, claim, pause_ms, Box::new(receive));
    }

    /// An answer came: on a thread of the store.
    fn claimed(
        self: &Arc<Self>,
        wish: Wish,
        claimed: Claimed,
        answer: Result<Option<Bytes>, Unavailable>,
    ) -> WakeOnDrop {
        let Some(tier) = self.tier() else { return WakeOnDrop::default() };
        let bytes = answer.ok().flatten();
        let has_bytes = bytes.is_some();
        let found = guard(|| self.found(tier, &wish, &bytes?)).flatten();
        if has_bytes && found.is_none() && !wish.is_again {
            bump(&self.stats.broken);
        }
        let verdict = found.as_ref().map(|(_, verdict, _)| *verdict);
        if claimed == Claimed::Present && verdict != Some(Verdict::Fresh) {
            // Whatever lies there is to be generated anew.
            let serves = if verdict == Some(Verdict::Stale) { Serves::Stale } else { wish.serves };
            let held = found.map(|(entry, ..)| entry);
            self.send(Wish { only_absent: false, held, serves, is_again: true, ..wish }, Some(0));
            return WakeOnDrop::default();
        }
        let held = wish.held_as(verdict);
        let claimed = match (claimed, verdict) {
            (Claimed::Taken, Some(Verdict::Fresh)) => {
                tier.store.end(wish.address, Ending::Released);
                Claimed::Present
            }
            (_, Some(Verdict::Fresh)) => Claimed::Present,
            (claimed, _) => claimed,
        };
        let brought = found.filter(|(_, _, is_held)| *is_held);
        let notice = brought.map_or(Notice::LookAgain, |(entry, ..)| Notice::Delivered(entry));
        let now = self.clock.now();
        let answered = self.leases.answer(wish.hash, now, claimed, held, &notice);
        if answered.is_unwanted {
            self.end(wish.address, Ending::Released);
        } else if claimed == Claimed::Taken {
            bump(&self.stats.leases_taken);
        }
        if claimed == Claimed::Present {
            // Others have stored what this process was to generate.
            self.let_go(&wish.key(), End::Done);
        }
        if answered.look_ms.is_some() {
            self.send(Wish { is_again: true, ..wish }, answered.look_ms);
        }
        answered.woken
    }

    /// What lies at the address, how good it is, and whether it is better than what memory has.
    fn found(&self, tier: &Tier, wish: &Wish, bytes: &[u8]) -> Option<(Arc<Entry>, Verdict, bool)> {
        let key = wish.key();
        let entry = Arc::new(self.decoded(tier, &key, &wish.address, bytes)?);
        let (verdict, _) = self.judge(&entry, self.ledger.revision(), || wish.asked.clone());
        // What was asked for is one that lives longer.
        let is_old = wish.serves == Serves::Fresh && entry.is_ahead(|| self.clock.now());
        let verdict = if is_old { verdict.max(Verdict::Stale) } else { verdict };
        let is_held = self.fill(&key, &entry);
        Some((entry, verdict, is_held))
    }
}
