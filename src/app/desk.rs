//! Where orders come in: they go to the store of this process, or to that of all processes.

use std::sync::Arc;

use super::label::{Label, Own};
use super::limit::known::Known;
use super::limit::{Deed as Limiting, Left, Limiter, OnError, Verdict, Window};
use super::memory::Memory;
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
    /// This process by itself: the store does not answer.
    Local,
    /// Nobody: the store does not answer.
    Nobody,
}

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
}

impl Desk {
    /// A desk of this process alone, or in front of a store that others see.
    pub fn new(clock: Clock, shared: Option<Arc<dyn Store>>) -> Self {
        let here = Arc::new(Memory::new(clock.clone()));
        Self { clock, here, shared, known: Arc::default() }
    }

    /// Has an order carried out.
    pub fn ask(&self, order: Order, receive: Receive) {
        match &self.shared {
            Some(store) => store.carry_out(order, receive),
            None => self.here.carry_out(order, receive),
        }
    }

    /// Has a limit decide about an id. Which one is known to be over it is told so at once.
    pub fn limit(&self, limiter: &Arc<Limiter>, id: &Own, action: Action, receive: ReceiveVerdict) {
        let (now_ms, quick) = (self.now_ms(), limiter.quick(id));
        let (cost, resets) = match action {
            Action::Take(cost) => match self.known.refusal(quick, cost, now_ms) {
                Ok(verdict) => return receive(Ok((verdict, Source::Known))),
                Err(resets) => (cost, resets),
            },
            Action::Block(_) | Action::Reset => (0, self.known.forget(quick, now_ms)),
        };
        let label = limiter.label(id);
        if action == Action::Reset {
            // It may have counted while the store was away.
            let _ = self.here.answer(limiting(&label, limiter, action));
        }
        let order = limiting(&label, limiter, action);
        let (known, clock, here) = (self.known.clone(), self.clock.clone(), self.here.clone());
        let limiter = limiter.clone();
        let told = move |answer| {
            receive(match answer {
                Ok(Answer::Limit(verdict)) => {
                    known.learn(quick, cost, &verdict, resets, clock.now().0 / 1_000);
                    Ok((verdict, Source::Store))
                }
                Ok(_) => Err(Failure::Unknown),
                Err(failure) => without_store(failure, &here, &label, &limiter, action),
            });
        };
        self.ask(order, Box::new(told));
    }

    fn now_ms(&self) -> u64 {
        self.clock.now().0 / 1_000
    }
}

fn limiting(label: &Label, limiter: &Limiter, action: Action) -> Order {
    let deed = match action {
        Action::Take(cost) => Limiting::Take { cost, windows: limiter.windows().to_vec() },
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
            return match here.answer(limiting(label, limiter, action))? {
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
    Ok((Verdict { is_admitted, blocked_ms: 0, windows }, Source::Nobody))
}

#[cfg(test)]
mod tests {
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
            let limiter = Limiter::new(Group::parse("g").unwrap(), windows, on_error).unwrap();
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
