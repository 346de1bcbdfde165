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
        let shares = self.shares.as_ref().filter(|_| limiter.mode() == Mode::Fast).cloned();
        let (now_ms, quick) = (self.now_ms(), limiter.quick(id));
        let (cost, resets) = match action {
            Action::Take(cost) => {
                if let Some(verdict) = shares.as_ref().and_then(|all| all.spend(limiter, id, cost))
                {
                    return receive(Ok((verdict, Source::Share)));
                }
                match self.known.refusal(quick, cost, now_ms) {
                    Ok(verdict) => return receive(Ok((verdict, Source::Known))),
                    Err(resets) => (cost, resets),
                }
            }
            Action::Block(_) | Action::Reset => {
                if let Some(shares) = &shares {
                    shares.forget(limiter, id);
                }
                (0, self.known.forget(quick, now_ms))
            }
        };
        let label = limiter.label(id);
        if action == Action::Reset {
            // It may have counted while the store was away.
            let _ = self.here.answer(limiting(&label, limiter, action, 0));
        }
        let takes = matches!(action, Action::Take(cost) if cost > 0);
        let asking = shares.filter(|_| takes || action == Action::Take(0));
        let asking = asking.map(|shares| (takes.then(|| shares.ask(limiter, id)), shares));
        let ahead =
            asking.as_ref().and_then(|(asking, _)| *asking).map_or(0, |asking| asking.ahead);
        let order = limiting(&label, limiter, action, ahead);
        let (known, clock, here) = (self.known.clone(), self.clock.clone(), self.here.clone());
        let (limiter, id) = (limiter.clone(), id.clone());
        let told = move |answer| {
            let answer = shared_out(answer, asking, &limiter, &id, cost);
            receive(match answer {
                Ok(verdict) => {
                    let longest_ms = match limiter.mode() {
                        Mode::Exact => LONGEST_MS,
                        Mode::Fast => REFUSED_MS,
                    };
                    let now_ms = clock.now().0 / 1_000;
                    known.learn(quick, cost, &verdict, resets, now_ms, longest_ms);
                    Ok((verdict, Source::Store))
                }
                Err(failure) => without_store(failure, &here, &label, &limiter, action),
            });
        };
        self.ask(order, Box::new(told));
    }

    /// The process ends: what it took ahead is given back.
    pub fn give_back(&self) {
        if let Some(shares) = &self.shares {
            shares.give_all();
        }
    }

    /// Has a seat taken, or looks at those that are held. Without an answer of the store, `on_error`
    /// decides.
    pub fn seat(&self, label: &Label, deed: seat::Deed, on_error: OnError, receive: ReceiveSeat) {
        let here = self.here.clone();
        // What the store has, nobody else keeps or gives back.
        let is_decided = matches!(deed, seat::Deed::Acquire { .. } | seat::Deed::Look);
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
                    OnError::Open => Ok((seat::Answer::Taken(0), Source::Nobody)),
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

/// Notes what was taken ahead with an answer, or adds what is held to what it says that is left.
fn shared_out(
    answer: Result<Answer, Failure>,
    asking: Option<(Option<Asking>, Arc<Shares>)>,
    limiter: &Arc<Limiter>,
    id: &Own,
    cost: u64,
) -> Result<Verdict, Failure> {
    let mut verdict = match answer {
        Ok(Answer::Limit(verdict)) => Ok(verdict),
        Ok(_) => Err(Failure::Unknown),
        Err(failure) => Err(failure),
    };
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

/// What is said while the store does not answer. A block or a reset that nobody else sees is none.
fn without_store(
    failure: Failure,
    here: &Memory,
    label: &Label,
    limiter: &Limiter,
    action: Action,
) -> Result<(Verdict, Source), Failure> {
    if !matches!(action, Action::Take(_)) {
        return Err(failure);
    }
    let is_admitted = match limiter.on_error() {
        OnError::Local => {
            return match here.answer(limiting(label, limiter, action, 0))? {
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
mod tests {
    use std::time::Duration;

    use parking_lot::Mutex;

    use super::super::label::Group;
    use super::super::limit::Algorithm;
    use super::*;
    use crate::clock::Timestamp;

    /// Fails, or carries out, and counts.
    struct Fake {
        memory: Memory,
        failure: Mutex<Option<Failure>>,
        asked: Mutex<u32>,
    }

    impl Store for Fake {
        fn carry_out(&self, order: Order, receive: Receive) {
            *self.asked.lock() += 1;
            match *self.failure.lock() {
                Some(failure) => receive(Err(failure)),
                None => self.memory.carry_out(order, receive),
            }
        }

        fn later(&self, _: Duration, _: Box<dyn FnOnce() + Send>) {}
    }

    struct World {
        clock: Clock,
        fake: Arc<Fake>,
        desk: Desk,
    }

    fn world() -> World {
        let clock = Clock::manual(Timestamp(1_000_000_000));
        let memory = Memory::new(clock.clone());
        let fake = Fake { memory, failure: Mutex::default(), asked: Mutex::default() };
        let fake = Arc::new(fake);
        let desk = Desk::new(clock.clone(), Some(fake.clone()));
        World { clock, fake, desk }
    }

    type Ruling = Result<(Verdict, Source), Failure>;

    impl World {
        fn ask(&self, action: Action, on_error: OnError) -> Ruling {
            let told = Arc::new(Mutex::new(None));
            let tell = told.clone();
            let (algorithm, limit, burst) = (Algorithm::Fixed, 3, 3);
            let windows = vec![Window { algorithm, limit, span_ms: 1_000, burst }];
            let limiter =
                Limiter::new(Group::parse("g").unwrap(), windows, on_error, Mode::Exact).unwrap();
            let receive = move |ruling| *tell.lock() = Some(ruling);
            let id = Own::parse("id").unwrap();
            self.desk.limit(&Arc::new(limiter), &id, action, Box::new(receive));
            told.lock().take().unwrap()
        }

        fn take(&self, on_error: OnError) -> (bool, Source) {
            let (verdict, source) = self.ask(Action::Take(1), on_error).unwrap();
            (verdict.is_admitted, source)
        }

        fn asked(&self) -> u32 {
            std::mem::take(&mut *self.fake.asked.lock())
        }
    }

    #[test]
    fn a_seat_without_the_store_is_one_of_this_process_or_as_it_was_told() {
        let world = world();
        *world.fake.failure.lock() = Some(Failure::Unknown);
        let (group, own) = (Group::parse("g").unwrap(), Own::parse("id").unwrap());
        let label = Label::of(super::super::label::Feature::Seat, &group, &own);
        let ask = |name: u8, on_error| {
            let told = Arc::new(Mutex::new(None));
            let tell = told.clone();
            let owner = super::super::lock::Owner::parse(&format!("{name:032x}")).unwrap();
            let deed = seat::Deed::Acquire { owner, ttl_ms: 1_000, limit: 1 };
            let receive = Box::new(move |answer| *tell.lock() = Some(answer));
            world.desk.seat(&label, deed, on_error, receive);
            let answer = told.lock().take();
            answer.unwrap().unwrap()
        };
        assert_eq!(ask(1, OnError::Local), (seat::Answer::Taken(1), Source::Local));
        assert_eq!(ask(2, OnError::Local), (seat::Answer::Held(1, 1_000), Source::Local));
        assert_eq!(ask(3, OnError::Open), (seat::Answer::Taken(0), Source::Nobody));
        assert_eq!(ask(4, OnError::Closed), (seat::Answer::Held(0, AWAY_MS), Source::Nobody));
        let owner = super::super::lock::Owner::parse(&format!("{:032x}", 1)).unwrap();
        let release = seat::Deed::Release { owner };
        world.desk.seat_here(label.clone(), release, Box::new(|_| {}));
        assert_eq!(ask(2, OnError::Local), (seat::Answer::Taken(1), Source::Local));
    }

    #[test]
    fn an_id_over_its_limit_costs_no_question_until_it_may_go_on() {
        let world = world();
        for admitted in [true, true, true, false] {
            assert_eq!(world.take(OnError::Local), (admitted, Source::Store));
        }
        assert_eq!(world.asked(), 4);
        for _ in 0..1_000 {
            assert_eq!(world.take(OnError::Local), (false, Source::Known));
        }
        assert_eq!(world.asked(), 0);
        world.clock.advance_us(1_000_000);
        assert_eq!(world.take(OnError::Local), (true, Source::Store));
    }

    #[test]
    fn a_reset_is_seen_at_once_where_it_is_asked_for() {
        let world = world();
        for _ in 0..4 {
            world.take(OnError::Local);
        }
        world.ask(Action::Reset, OnError::Local).unwrap();
        assert_eq!(world.take(OnError::Local), (true, Source::Store));
        world.ask(Action::Block(5_000), OnError::Local).unwrap();
        assert_eq!(world.take(OnError::Local), (false, Source::Known));
    }

    #[test]
    fn without_the_store_each_does_as_it_was_told() {
        let world = world();
        *world.fake.failure.lock() = Some(Failure::Away);
        for admitted in [true, true, true, false, false] {
            assert_eq!(world.take(OnError::Local), (admitted, Source::Local));
            assert_eq!(world.take(OnError::Open), (true, Source::Nobody));
            assert_eq!(world.take(OnError::Closed), (false, Source::Nobody));
        }
        assert_eq!(world.ask(Action::Block(5_000), OnError::Local), Err(Failure::Away));
        assert_eq!(world.ask(Action::Reset, OnError::Open), Err(Failure::Away));
        *world.fake.failure.lock() = None;
        assert_eq!(world.take(OnError::Local), (true, Source::Store), "nothing is kept of it");
    }
}
