//! Where orders come in: they go to the store of this process, or to that of all processes.

use std::sync::Arc;

use super::label::Label;
use super::limit::known::Known;
use super::limit::{Deed as Limiting, Left, Verdict};
use super::memory::Memory;
use super::store::{Answer, Deed, Failure, Order, Receive, Store};
use crate::clock::Clock;

/// What a limit does while the store does not answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnError {
    /// Each process counts by itself.
    #[default]
    Local,
    /// Everything is admitted.
    Open,
    /// Nothing is.
    Closed,
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

    /// Has a limit decide. Who is known to be over it is told so at once.
    pub fn limit(&self, label: Label, deed: Limiting, on_error: OnError, receive: ReceiveVerdict) {
        let now_ms = self.now_ms();
        let cost = match &deed {
            Limiting::Take { cost, .. } => {
                if let Some(verdict) = self.known.refusal(&label, *cost, now_ms) {
                    return receive(Ok((verdict, Source::Known)));
                }
                *cost
            }
            Limiting::Reset => {
                self.known.forget(&label, now_ms);
                // It may have counted while the store was away.
                let _ = self.here.answer(limiting(&label, Limiting::Reset));
                0
            }
            Limiting::Block { .. } => 0,
        };
        let (known, clock, here) = (self.known.clone(), self.clock.clone(), self.here.clone());
        let order = limiting(&label, deed.clone());
        self.ask(
            order,
            Box::new(move |answer| {
                let ruling = match answer {
                    Ok(Answer::Limit(verdict)) => {
                        known.learn(&label, cost, &verdict, clock.now().0 / 1_000);
                        Ok((verdict, Source::Store))
                    }
                    Ok(_) => Err(Failure::Unknown),
                    Err(failure) => without_store(failure, &here, &label, deed, on_error),
                };
                receive(ruling);
            }),
        );
    }

    fn now_ms(&self) -> u64 {
        self.clock.now().0 / 1_000
    }
}

fn limiting(label: &Label, deed: Limiting) -> Order {
    Order { label: label.clone(), deed: Deed::Limit(deed) }
}

/// What is said while the store does not answer. A block or a reset that nobody else sees is none.
fn without_store(
    failure: Failure,
    here: &Memory,
    label: &Label,
    deed: Limiting,
    on_error: OnError,
) -> Result<(Verdict, Source), Failure> {
    let Limiting::Take { windows, .. } = &deed else { return Err(failure) };
    let is_admitted = on_error == OnError::Open;
    let nothing = Left { left: 0, reset_ms: AWAY_MS, retry_ms: AWAY_MS };
    let all = |most| Left { left: most, reset_ms: 0, retry_ms: 0 };
    match on_error {
        OnError::Local => match here.answer(limiting(label, deed))? {
            Answer::Limit(verdict) => Ok((verdict, Source::Local)),
            _ => Err(failure),
        },
        OnError::Open | OnError::Closed => {
            let left = |most| if is_admitted { all(most) } else { nothing };
            let windows = windows.iter().map(|window| left(window.most())).collect();
            Ok((Verdict { is_admitted, blocked_ms: 0, windows }, Source::Nobody))
        }
    }
}

#[cfg(test)]
mod tests {
    use parking_lot::Mutex;

    use super::super::label::{Feature, Group};
    use super::super::limit::{Algorithm, Window};
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
        fn ask(&self, deed: Limiting, on_error: OnError) -> Ruling {
            let told = Arc::new(Mutex::new(None));
            let tell = told.clone();
            let label = Label::hidden(Feature::Limit, &Group::parse("g").unwrap(), b"id");
            let receive = move |ruling| *tell.lock() = Some(ruling);
            self.desk.limit(label, deed, on_error, Box::new(receive));
            told.lock().take().unwrap()
        }

        fn take(&self, on_error: OnError) -> (bool, Source) {
            let (algorithm, limit, burst) = (Algorithm::Fixed, 3, 3);
            let windows = vec![Window { algorithm, limit, span_ms: 1_000, burst }];
            let (verdict, source) =
                self.ask(Limiting::Take { cost: 1, windows }, on_error).unwrap();
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
        world.ask(Limiting::Reset, OnError::Local).unwrap();
        assert_eq!(world.take(OnError::Local), (true, Source::Store));
        world.ask(Limiting::Block { for_ms: 5_000 }, OnError::Local).unwrap();
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
        let block = Limiting::Block { for_ms: 5_000 };
        assert_eq!(world.ask(block, OnError::Local), Err(Failure::Away));
        assert_eq!(world.ask(Limiting::Reset, OnError::Open), Err(Failure::Away));
        *world.fake.failure.lock() = None;
        assert_eq!(world.take(OnError::Local), (true, Source::Store), "nothing is kept of it");
    }
}
