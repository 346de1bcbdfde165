//! What processes take ahead of a limit, so that most of what is asked needs no store.
//!
//! What is taken ahead counts at once, for everybody. It is used only as long as it would count the same
//! if it were taken then ([`Window::lasts_ms`]), so that a fixed and a sliding window never admit more;
//! and for [`LIFE_MS`] at most, after which the rest is given back. An id that is asked for seldom has
//! nothing ahead: what was used in one life is what is taken for the next.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;

use super::known::aged;
use super::{Deed, Limiter, Verdict, Window};
use crate::app::label::Own;
use crate::app::store::{Answer, Deed as AnyDeed, Failure, Order, Store};
use crate::clock::Clock;

/// How long something is held ahead at most, in ms.
pub const LIFE_MS: u64 = 1_000;
/// How long a refusal is known, in ms: somebody may give something back meanwhile.
pub const REFUSED_MS: u64 = 2 * LIFE_MS;
/// The most that is taken ahead at once.
const MOST_AHEAD: u64 = 1 << 16;
/// Ids of which something is held: beyond that the store decides.
const MOST_IDS: usize = 20_000;

/// What this process holds ahead.
pub(in crate::app) struct Shares {
    clock: Clock,
    store: Arc<dyn Store>,
    held: Mutex<Held>,
}

#[derive(Default)]
struct Held {
    shares: HashMap<u128, Share>,
    /// Whether a moment is set at which they are looked through.
    is_set: bool,
    /// The serial given last.
    serial: u64,
}

/// What is held of one id.
struct Share {
    limiter: Arc<Limiter>,
    id: Own,
    /// That of one which is forgotten meanwhile, and begun anew, is another.
    serial: u64,
    left: u64,
    until_ms: u64,
    /// Used in this life.
    used: u64,
    /// How much is taken ahead next.
    next: u64,
    is_asking: bool,
    /// What the store said when it was taken, and when that came, in ms.
    verdict: Verdict,
    told_ms: u64,
}

/// What is asked of the store.
#[derive(Debug, Clone, Copy)]
pub(in crate::app) struct Asking {
    /// How much ahead.
    pub(in crate::app) ahead: u64,
    since_ms: u64,
    /// Of the share for which it is asked, if there is one.
    serial: Option<u64>,
}

/// What was taken ahead and not used.
struct Rest {
    limiter: Arc<Limiter>,
    id: Own,
    amount: u64,
    at_ms: u64,
}

impl Shares {
    pub(in crate::app) fn new(clock: Clock, store: Arc<dyn Store>) -> Arc<Self> {
        Arc::new(Self { clock, store, held: Mutex::default() })
    }

    /// Uses what is held; `None` if that is less.
    pub(in crate::app) fn spend(&self, limiter: &Limiter, id: &Own, cost: u64) -> Option<Verdict> {
        let now_ms = self.now_ms();
        let mut held = self.held.lock();
        let share = held.shares.get_mut(&limiter.share(id))?;
        if cost == 0 || share.left < cost || now_ms >= share.until_ms {
            return None;
        }
        share.left -= cost;
        share.used += cost;
        let mut verdict = aged(&share.verdict, now_ms.saturating_sub(share.told_ms));
        for window in &mut verdict.windows {
            window.left += share.left;
        }
        Some(verdict)
    }

    /// Adds what is held here to what the store says that is left.
    pub(in crate::app) fn add_to(&self, limiter: &Limiter, id: &Own, verdict: &mut Verdict) {
        let now_ms = self.now_ms();
        let held = self.held.lock();
        let share = held.shares.get(&limiter.share(id)).filter(|share| now_ms < share.until_ms);
        let Some(left) = share.map(|share| share.left).filter(|left| *left > 0) else { return };
        for window in &mut verdict.windows {
            window.left += left;
        }
        if verdict.blocked_ms == 0 && verdict.windows.iter().all(|window| window.left > 0) {
            verdict.is_admitted = true;
            for window in &mut verdict.windows {
                window.retry_ms = 0;
            }
        }
    }

    /// What is taken ahead with the next question; one at a time asks for more.
    pub(in crate::app) fn ask(&self, limiter: &Limiter, id: &Own) -> Asking {
        let since_ms = self.now_ms();
        let mut held = self.held.lock();
        let share = held.shares.get_mut(&limiter.share(id));
        let serial = share.as_ref().map(|share| share.serial);
        let is_free = |share: &&mut Share| {
            !share.is_asking && (share.left == 0 || since_ms >= share.until_ms)
        };
        let ahead = share.filter(is_free).map_or(0, |share| {
            share.is_asking = true;
            share.next
        });
        Asking { ahead, since_ms, serial }
    }

    /// Notes what came of it; `None`: the store did not say.
    pub(in crate::app) fn learn(
        self: &Arc<Self>,
        limiter: &Arc<Limiter>,
        id: &Own,
        asking: Asking,
        cost: u64,
        verdict: Option<&Verdict>,
    ) {
        let now_ms = self.now_ms();
        let mut held = self.held.lock();
        let (count, serial) = (held.shares.len(), held.serial + 1);
        held.serial = serial;
        let entry = held.shares.entry(limiter.share(id));
        let verdict = verdict.filter(|verdict| verdict.is_admitted);
        let rest = match (entry, verdict) {
            (Entry::Vacant(free), Some(verdict)) if count < MOST_IDS => {
                free.insert(Share::new(limiter, id, serial, verdict, now_ms));
                None
            }
            (Entry::Vacant(_), _) => None,
            (Entry::Occupied(mut share), verdict) => {
                share.get_mut().learn(asking, cost, verdict, now_ms)
            }
        };
        let sets = !held.is_set && !held.shares.is_empty();
        held.is_set |= sets;
        drop(held);
        if let Some(rest) = rest {
            self.give(rest, |_| {});
        }
        if sets {
            self.look_later();
        }
    }

    /// Forgets an id: it is reset, or blocked.
    pub(in crate::app) fn forget(&self, limiter: &Limiter, id: &Own) {
        let mut held = self.held.lock();
        held.shares.remove(&limiter.share(id));
    }

    /// Gives everything back: the process ends. `receive` is called for each id; their number is
    /// returned.
    pub(in crate::app) fn give_all(&self, receive: impl Fn() + Clone + Send + 'static) -> usize {
        let shares = std::mem::take(&mut self.held.lock().shares);
        let rests: Vec<_> = shares.into_values().filter_map(|mut share| share.rest()).collect();
        let count = rests.len();
        for rest in rests {
            let receive = receive.clone();
            self.give(rest, move |_| receive());
        }
        count
    }

    fn look_later(self: &Arc<Self>) {
        let this = Arc::downgrade(self);
        let look = move || {
            if let Some(this) = this.upgrade() {
                this.look();
            }
        };
        self.store.later(Duration::from_millis(LIFE_MS / 2), Box::new(look));
    }

    /// Gives back what is over, and forgets what nobody uses.
    fn look(self: &Arc<Self>) {
        let now_ms = self.now_ms();
        let mut held = self.held.lock();
        let mut rests = Vec::new();
        held.shares.retain(|_, share| {
            if now_ms < share.until_ms {
                return true;
            }
            rests.extend(share.rest());
            let is_used = share.used > 0 || share.is_asking;
            (share.next, share.used) = (share.used.clamp(1, MOST_AHEAD), 0);
            share.until_ms = now_ms + LIFE_MS;
            is_used
        });
        held.is_set = !held.shares.is_empty();
        let is_set = held.is_set;
        drop(held);
        for rest in rests {
            self.give(rest, |_| {});
        }
        if is_set {
            self.look_later();
        }
    }

    /// Once: what does not arrive is there again when the window is over.
    fn give(&self, rest: Rest, receive: impl FnOnce(Result<Answer, Failure>) + Send + 'static) {
        let Rest { limiter, id, amount, at_ms } = rest;
        let deed = Deed::Give { amount, at_ms, windows: limiter.windows().to_vec() };
        let order = Order { label: limiter.label(&id), deed: AnyDeed::Limit(deed) };
        self.store.carry_out(order, Box::new(receive));
    }

    fn now_ms(&self) -> u64 {
        self.clock.now().0 / 1_000
    }
}

impl Share {
    fn new(limiter: &Arc<Limiter>, id: &Own, serial: u64, verdict: &Verdict, now_ms: u64) -> Self {
        Self {
            limiter: limiter.clone(),
            id: id.clone(),
            serial,
            left: 0,
            until_ms: now_ms + LIFE_MS,
            used: 1,
            next: 1,
            is_asking: false,
            verdict: verdict.clone(),
            told_ms: now_ms,
        }
    }

    /// Notes what came of a question. If it was asked for one that is forgotten, that may be of before it.
    fn learn(
        &mut self,
        asking: Asking,
        cost: u64,
        verdict: Option<&Verdict>,
        now_ms: u64,
    ) -> Option<Rest> {
        if asking.serial.is_some_and(|serial| serial != self.serial) {
            return None;
        }
        self.is_asking &= asking.ahead == 0;
        self.used += verdict.map_or(0, |_| cost);
        let granted = verdict.filter(|verdict| verdict.ahead > 0);
        granted.and_then(|verdict| self.renew(verdict, asking, now_ms))
    }

    /// Begins a life with what was granted. Returns what is left of the one before.
    fn renew(&mut self, verdict: &Verdict, asking: Asking, now_ms: u64) -> Option<Rest> {
        let rest = self.rest();
        let windows = self.limiter.windows().iter().zip(&verdict.windows);
        let lasts_ms = windows.map(|(window, left)| Window::lasts_ms(window, left)).min();
        // From when it was asked for: the store's moment was later.
        self.until_ms = asking.since_ms + lasts_ms.unwrap_or(0).min(LIFE_MS);
        (self.left, self.used) = (verdict.ahead, 0);
        self.next = (2 * self.next).min(MOST_AHEAD);
        (self.verdict, self.told_ms) = (verdict.clone(), now_ms);
        rest
    }

    /// What was not used, to be given back.
    fn rest(&mut self) -> Option<Rest> {
        let amount = std::mem::take(&mut self.left);
        if amount == 0 {
            return None;
        }
        let (limiter, id) = (self.limiter.clone(), self.id.clone());
        Some(Rest { limiter, id, amount, at_ms: self.verdict.at_ms })
    }
}

#[cfg(test)]
mod tests;
