//! Where orders come in: they go to the store of this process, or to that of all processes.

use std::sync::Arc;

use super::count::counts::Counts;
use super::label::{Label, Own};
use super::limit::known::{Known, LONGEST_MS};
use super::limit::shares::{Asking, REFUSED_MS, Shares};
use super::limit::{Deed as Limiting, Left, Limiter, Mode, OnError, Verdict, Window};
use super::memory::Memory;
use super::seat;
use super::store::{Answer, Deed, Failure, Order, Receive, Store};
use crate::clock::Clock;

/// What is asked of a limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// To take so much; 0 only looks.
    Take(u64),
    /// To admit nothing for so many ms.
    Block(u64),
    /// To forget what was taken, and a block.
    Reset,
}

/// Who decided about a limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// The store.
    Store,
    /// What the store had said before.
    Known,
    /// This process, by what it had taken ahead.
    Share,
    /// This process by itself: the store does not answer.
    Local,
    /// Nobody: the store does not answer.
    Nobody,
}

impl Source {
    /// All of them, each at its number.
    pub const ALL: [Self; 5] = [Self::Store, Self::Known, Self::Share, Self::Local, Self::Nobody];

    /// One word for each.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Store => "store",
            Self::Known => "known",
            Self::Share => "share",
            Self::Local => "local",
            Self::Nobody => "nobody",
        }
    }
}

/// Called once with what is said of a seat.
pub type ReceiveSeat = Box<dyn FnOnce(Result<(seat::Answer, Source), Failure>) + Send>;

/// Called once with what a limit says.
pub type ReceiveVerdict = Box<dyn FnOnce(Result<(Verdict, Source), Failure>) + Send>;

/// How long who is refused for want of a store is to wait, in ms.
const AWAY_MS: u64 = 1_000;

/// Takes orders in.
pub struct Desk {
    clock: Clock,
    here: Arc<Memory>,
    /// Where other processes see it.
    shared: Option<Arc<dyn Store>>,
    known: Arc<Known>,
    shares: Option<Arc<Shares>>,
    counts: Counts,
}

impl Desk {
    /// A desk of this process alone, or in front of a store that others see.
    pub fn new(clock: Clock, shared: Option<Arc<dyn Store>>) -> Self {
        let here = Arc::new(Memory::new(clock.clone()));
        let counts = Counts::new(clock.clone(), here.clone(), shared.clone());
        let ahead = shared.clone().map(|store| Shares::new(clock.clone(), store));
        Self { clock, here, shared, known: Arc::default(), shares: ahead, counts }
    }

    /// The counters.
    pub fn counts(&self) -> &Counts {
        &self.counts
    }

    /// Has an order carried out, once the engine is flushed.
    pub fn ask(&self, order: Order, receive: Receive) {
        match &self.shared {
            Some(store) => store.gather(order, receive),
            None => self.here.carry_out(order, receive),
        }
    }

    /// Has a limit decide about an id. Which one is known to be over it is told so at once, and so is
    /// one of which something was taken ahead.
    pub fn limit(&self, limiter: &Arc<Limiter>, id: &Own, action: Action, receive: ReceiveVerdict) {
        match action {
            Action::Take(cost) => self.take(limiter, id, cost, receive),
            Action::Block(_) | Action::Reset => self.change(limiter, id, action, receive),
        }
    }

    fn take(&self, limiter: &Arc<Limiter>, id: &Own, cost: u64, receive: ReceiveVerdict) {
        let (shares, quick) = (self.shares_of(limiter), limiter.quick(id));
        if let Some(verdict) = shares.as_ref().and_then(|all| all.spend(limiter, id, cost)) {
            return receive(Ok((verdict, Source::Share)));
        }
        let resets = match self.known.refusal(quick, cost, self.now_ms()) {
            Ok(verdict) => return receive(Ok((verdict, Source::Known))),
            Err(resets) => resets,
        };
        let asking = shares.map(|shares| ((cost > 0).then(|| shares.ask(limiter, id)), shares));
        let ahead =
            asking.as_ref().and_then(|(asking, _)| *asking).map_or(0, |asking| asking.ahead);
        let (action, label) = (Action::Take(cost), limiter.label(id));
        let order = limiting(&label, limiter, action, ahead);
        let (known, clock, here) = (self.known.clone(), self.clock.clone(), self.here.clone());
        let (limiter, id) = (limiter.clone(), id.clone());
        let told = move |answer| {
            let answer = shared_out(answer, asking, &limiter, &id, cost);
            receive(match answer {
                Ok(verdict) => {
                    let (now_ms, longest_ms) = (clock.now().0 / 1_000, known_ms(&limiter));
                    known.learn(quick, cost, &verdict, resets, now_ms, longest_ms);
                    Ok((verdict, Source::Store))
                }
                Err(failure) => without_store(failure, &here, &label, &limiter, cost),
            });
        };
        self.ask(order, Box::new(told));
    }

    /// Blocks or resets. A block or a reset that nobody else sees is none.
    fn change(&self, limiter: &Arc<Limiter>, id: &Own, action: Action, receive: ReceiveVerdict) {
        let (shares, quick) = (self.shares_of(limiter), limiter.quick(id));
        let (known, clock) = (self.known.clone(), self.clock.clone());
        let (asked, of) = (limiter.clone(), id.clone());
        let forget = move || {
            if let Some(shares) = &shares {
                shares.forget(&asked, &of);
            }
            known.forget(quick, clock.now().0 / 1_000)
        };
        forget();
        let order = limiting(&limiter.label(id), limiter, action, 0);
        if action == Action::Reset {
            // It may have counted while the store was away.
            let _ = self.here.answer(order.clone());
        }
        let (known, now_ms, longest_ms) = (self.known.clone(), self.now_ms(), known_ms(limiter));
        let told = move |answer| {
            // What was said meanwhile may be of before it.
            let resets = forget();
            receive(verdict_of(answer).map(|verdict| {
                known.learn(quick, 0, &verdict, resets, now_ms, longest_ms);
                (verdict, Source::Store)
            }));
        };
        self.ask(order, Box::new(told));
    }

    fn shares_of(&self, limiter: &Limiter) -> Option<Arc<Shares>> {
        self.shares.as_ref().filter(|_| limiter.mode() == Mode::Fast).cloned()
    }

    /// The process ends: what it took ahead is given back. `receive` is called for each id; their
    /// number is returned.
    pub fn give_back(&self, receive: impl Fn() + Clone + Send + 'static) -> usize {
        self.shares.as_ref().map_or(0, |shares| shares.give_all(receive))
    }

    /// Has a seat taken, or looks at those that are held. Without an answer of the store, `on_error`
    /// decides.
    pub fn seat(&self, label: &Label, deed: seat::Deed, on_error: OnError, receive: ReceiveSeat) {
        let here = self.here.clone();
        // What the store has, nobody else keeps or gives back.
        let is_decided = matches!(deed, seat::Deed::Acquire { .. } | seat::Deed::Look { .. });
        let order = |deed| Order { label: label.clone(), deed: Deed::Seat(deed) };
        let (asked, again) = (order(deed.clone()), order(deed));
        let told = move |answer| {
            receive(match answer {
                Ok(Answer::Seat(answer)) => Ok((answer, Source::Store)),
                Ok(_) => Err(Failure::Unknown),
                Err(failure) if !is_decided => Err(failure),
                Err(failure) => match on_error {
                    OnError::Local => match here.answer(again) {
                        Ok(Answer::Seat(answer)) => Ok((answer, Source::Local)),
                        _ => Err(failure),
                    },
                    OnError::Open => Ok((seat::Answer::Taken(0, 0), Source::Nobody)),
                    OnError::Closed => Ok((seat::Answer::Held(0, AWAY_MS), Source::Nobody)),
                },
            });
        };
        self.ask(asked, Box::new(told));
    }

    /// The same in this process, where it was taken without the store.
    pub fn seat_here(&self, label: Label, deed: seat::Deed, receive: ReceiveSeat) {
        receive(match self.here.answer(Order { label, deed: Deed::Seat(deed) }) {
            Ok(Answer::Seat(answer)) => Ok((answer, Source::Local)),
            Ok(_) => Err(Failure::Unknown),
            Err(failure) => Err(failure),
        });
    }

    fn now_ms(&self) -> u64 {
        self.clock.now().0 / 1_000
    }
}

/// How long a refusal is known, in ms.
fn known_ms(limiter: &Limiter) -> u64 {
    match limiter.mode() {
        Mode::Exact => LONGEST_MS,
        Mode::Fast => REFUSED_MS,
    }
}

fn verdict_of(answer: Result<Answer, Failure>) -> Result<Verdict, Failure> {
    match answer {
        Ok(Answer::Limit(verdict)) => Ok(verdict),
        Ok(_) => Err(Failure::Unknown),
        Err(failure) => Err(failure),
    }
}

/// Notes what was taken ahead with an answer, or adds what is held to what it says that is left.
fn shared_out(
    answer: Result<Answer, Failure>,
    asking: Option<(Option<Asking>, Arc<Shares>)>,
    limiter: &Arc<Limiter>,
    id: &Own,
    cost: u64,
) -> Result<Verdict, Failure> {
    let mut verdict = verdict_of(answer);
    match (asking, &mut verdict) {
        (None, _) | (Some((None, _)), Err(_)) => {}
        (Some((Some(asking), shares)), verdict) => {
            shares.learn(limiter, id, asking, cost, verdict.as_ref().ok());
        }
        (Some((None, shares)), Ok(verdict)) => shares.add_to(limiter, id, verdict),
    }
    verdict
}

fn limiting(label: &Label, limiter: &Limiter, action: Action, ahead: u64) -> Order {
    let deed = match action {
        Action::Take(cost) => Limiting::Take { cost, ahead, windows: limiter.windows().to_vec() },
        Action::Block(for_ms) => Limiting::Block { for_ms },
        Action::Reset => Limiting::Reset,
    };
    Order { label: label.clone(), deed: Deed::Limit(deed) }
}

/// What is said while the store does not answer.
fn without_store(
    failure: Failure,
    here: &Memory,
    label: &Label,
    limiter: &Limiter,
    cost: u64,
) -> Result<(Verdict, Source), Failure> {
    let is_admitted = match limiter.on_error() {
        OnError::Local => {
            return match here.answer(limiting(label, limiter, Action::Take(cost), 0))? {
                Answer::Limit(verdict) => Ok((verdict, Source::Local)),
                _ => Err(failure),
            };
        }
        OnError::Open => true,
        OnError::Closed => false,
    };
    let left = |window: &Window| {
        let (left, wait_ms) = if is_admitted { (window.most(), 0) } else { (0, AWAY_MS) };
        Left { left, reset_ms: wait_ms, retry_ms: wait_ms }
    };
    let windows = limiter.windows().iter().map(left).collect();
    Ok((Verdict { is_admitted, windows, ..Verdict::default() }, Source::Nobody))
}

#[cfg(test)]
mod tests;
