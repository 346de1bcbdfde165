//! Who generates: one process of the fleet for each key, and one get of that process.
//!
//! A get that finds nothing fresh claims the key; what others have stored meanwhile comes with the
//! answer. Who may not generate serves what is stale, or waits. A store that is away decides
//! nothing: then each process decides for itself.

use std::sync::Arc;

use bytes::Bytes;

use super::{Engine, Tier};
use crate::entry::Entry;
use crate::flight::{News, Wake, Woken};
use crate::guard::guard;
use crate::key::{AppId, Class, Hash128, KeyRef};
use crate::lease::{Asked, Following, Held, Standing};
use crate::stats::bump;
use crate::store::{Address, Claim, Claimed, Ending, Unavailable};
use crate::tags::{Stamp, Tag, Verdict};

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
    /// Whether the store was asked before: what lies there was counted then.
    is_again: bool,
}

impl Wish {
    fn new(
        key: &KeyRef<'_>,
        address: Address,
        held: Option<&Arc<Entry>>,
        serves: Serves,
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
            asked,
            is_again: false,
        }
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

    /// Asks who generates `key`, for who holds an entry and serves so much of it.
    pub fn claim(
        self: &Arc<Self>,
        key: &KeyRef<'_>,
        (held, serves): (Option<&Arc<Entry>>, Serves),
        asked: impl FnOnce() -> Vec<Tag>,
        waker: &Arc<dyn Wake>,
        token: u32,
    ) -> Asked {
        // Before anything is noted: who cannot ask must not be waited for.
        let Some(address) = self.place(key) else { return Asked::Known(Standing::Anybody) };
        let answer = self.leases.ask(key.hash, self.clock.now(), waker, token);
        if answer == Asked::Ask {
            self.send(Wish::new(key, address, held, serves, asked()), None);
        }
        answer
    }

    /// Waits for what another process generates, for `wait_ms` at most. False if there is
    /// nothing to wait for.
    pub fn follow(
        self: &Arc<Self>,
        key: &KeyRef<'_>,
        dead: Option<&Arc<Entry>>,
        asked: impl FnOnce() -> Vec<Tag>,
        wait_ms: u32,
        waker: &Arc<dyn Wake>,
        token: u32,
    ) -> bool {
        let Some(address) = self.place(key) else { return false };
        let now = self.clock.now();
        let until = now.shifted_us(i64::from(wait_ms) * 1_000);
        match self.leases.follow(key.hash, (now, until), waker, token) {
            Following::Nobody => false,
            Following::Wait => true,
            Following::Look(pause_ms) => {
                let wish = Wish::new(key, address, dead, Serves::Nothing, asked());
                self.send(wish, Some(pause_ms));
                true
            }
        }
    }

    /// Who generates a key, to whoever has asked.
    pub fn standing(&self, key: &KeyRef<'_>) -> Standing {
        self.leases.standing(key.hash, self.clock.now())
    }

    /// Leads in this process, without asking others.
    pub fn lead_here(&self, key: &KeyRef<'_>) -> Standing {
        self.leases.lead_here(key.hash, self.clock.now())
    }

    /// Whether to look if somebody else has stored meanwhile what this process leads.
    pub fn looks(&self, key: &KeyRef<'_>) -> bool {
        self.leases.looks(key.hash, self.clock.now())
    }

    /// Notes that somebody waited in vain for another process to generate `key`: this one does.
    pub fn overtake(&self, key: &KeyRef<'_>) {
        bump(&self.stats.wait_timeouts);
        let Some(address) = self.place(key) else { return };
        let held = Held { address: Some(address), is_cold: true };
        let woken = self.leases.overtake(key.hash, self.clock.now(), held);
        if woken.is_some() {
            bump(&self.stats.lease_timeouts);
            self.end(address, Ending::Overrun);
        }
    }

    /// A generation has ended without being stored, or what was asked for was found. Others may
    /// generate.
    pub fn let_go(&self, key: &KeyRef<'_>, ending: Ending) {
        let (woken, held) = self.leases.land(key.hash);
        if let Some(held) = held {
            // Who had something stale to serve has it still, and somebody may try again.
            let ending = if held.is_cold { ending } else { Ending::Released };
            held.address.inspect(|address| self.end(*address, ending));
        }
        drop(woken);
    }

    /// Ends a lease in the store.
    pub(super) fn end(&self, address: Address, ending: Ending) {
        if let Some(tier) = self.tier() {
            tier.store.end(address, ending);
        }
    }

    /// The leases that go on. Those that have for too long are ended.
    pub(super) fn renewed(&self) -> Vec<Address> {
        let (renewed, ended) = self.leases.renew(self.clock.now());
        for Held { address, is_cold } in ended {
            let ending = if is_cold { Ending::Lapsed } else { Ending::Released };
            address.inspect(|address| self.end(*address, ending));
        }
        renewed
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
        let claim = Claim {
            epoch: stamp.epoch.0,
            position: stamp.at.position.0,
            outdated: self.outdated(&wish),
            only_absent: wish.only_absent,
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
    ) -> Woken {
        let Some(tier) = self.tier() else { return Woken::default() };
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
            return Woken::default();
        }
        let is_cold = wish.serves == Serves::Nothing && verdict != Some(Verdict::Stale);
        let held = Held { address: Some(wish.address), is_cold };
        let claimed = match (claimed, verdict) {
            (Claimed::Taken, Some(Verdict::Fresh)) => {
                tier.store.end(wish.address, Ending::Released);
                Claimed::Present
            }
            (_, Some(Verdict::Fresh)) => Claimed::Present,
            (claimed, _) => claimed,
        };
        let brought = found.filter(|(_, _, is_held)| *is_held);
        let news = brought.map_or(News::Landed, |(entry, ..)| News::Brought(entry));
        let now = self.clock.now();
        let answered = self.leases.answer(wish.hash, now, claimed, held, &news);
        if answered.is_unwanted {
            self.end(wish.address, Ending::Released);
        } else if claimed == Claimed::Taken {
            bump(&self.stats.leases_taken);
        }
        if claimed == Claimed::Present {
            // Others have stored what this process was to generate.
            self.let_go(&wish.key(), Ending::Released);
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
