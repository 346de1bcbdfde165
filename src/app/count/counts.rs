//! What the app's code asks of counters: adds are collected where others see them, and take effect at
//! once where nobody does.

use std::sync::Arc;

use parking_lot::Mutex;

pub use super::batch::Amount;
use super::collector::{Collector, ReceiveFlush};
use super::{Added, Answer, Counter, Deed};
use crate::app::label::Own;
use crate::app::memory::Memory;
use crate::app::store::{Answer as Any, Deed as AnyDeed, Failure, Order, Store};
use crate::clock::Clock;

/// What is asked of a counter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// The sum of an id.
    Get,
    /// The buckets of an id in a span of so many ms, as far as they are kept.
    Series(u64),
    /// How many different members an id had.
    Distinct,
    /// Forgets an id.
    Remove,
    /// The ids that add up to most.
    Top(u64),
    /// That everything added so far is sent.
    Flush,
}

/// The counters of this process.
pub struct Counts {
    here: Arc<Memory>,
    collector: Option<Arc<Collector>>,
}

impl Counts {
    /// Of this process alone, or in front of a store that others see.
    pub fn new(clock: Clock, here: Arc<Memory>, shared: Option<Arc<dyn Store>>) -> Self {
        Self { here, collector: shared.map(|store| Collector::new(clock, store)) }
    }

    /// Adds to an id.
    ///
    /// # Errors
    /// There is no room.
    pub fn add(
        &self,
        (number, counter): (usize, &Arc<Counter>),
        own: &Own,
        amount: Amount,
    ) -> Result<(), Failure> {
        if let Some(collector) = &self.collector {
            return collector.add((number, counter), own, amount);
        }
        let (adds, members) = match amount {
            Amount::Sum(sum) => (vec![Added { own: own.clone(), sum, age_ms: 0 }], Vec::new()),
            Amount::Member(member) => (Vec::new(), vec![(own.clone(), vec![member])]),
        };
        let deed = Deed::Add { adds, members, batch: None, rules: counter.rules() };
        self.here.answer(order(counter, deed)).map(drop)
    }

    /// Has a question answered.
    pub fn ask(
        &self,
        (number, counter): (usize, &Arc<Counter>),
        own: &Own,
        action: Action,
        receive: impl FnOnce(Result<Answer, Failure>) + Send + 'static,
    ) {
        let (own, rules) = (own.clone(), counter.rules());
        let at = (number, counter);
        let action = match action {
            Action::Series(span_ms) => Action::Series(span_ms.min(rules.history_ms)),
            other => other,
        };
        let sender = String::new();
        let deed = match (action, &self.collector) {
            (Action::Get, Some(collector)) => return collector.read(at, &own, None, receive),
            (Action::Series(span_ms), Some(collector)) => {
                return collector.read(at, &own, Some(span_ms), receive);
            }
            (Action::Flush, Some(collector)) => {
                let flushed = move |result: Result<(), _>| receive(result.map(|()| Answer::Added));
                return collector.flush(number, Box::new(flushed));
            }
            (Action::Flush, None) => return receive(Ok(Answer::Added)),
            (Action::Get, None) => Deed::Get { own, rules, sender },
            (Action::Series(span_ms), None) => Deed::Series { own, span_ms, rules, sender },
            (Action::Distinct, _) => Deed::Distinct { own },
            (Action::Remove, _) => Deed::Remove { own, rules },
            (Action::Top(most), _) => Deed::Top { most, rules },
        };
        match &self.collector {
            // What was added here before is in the answer.
            Some(collector) => collector.ask_after_flush(at, deed, receive),
            None => receive(match self.here.answer(order(counter, deed)) {
                Ok(Any::Count(answer)) => Ok(answer),
                Ok(_) => Err(Failure::Unknown),
                Err(failure) => Err(failure),
            }),
        }
    }

    /// Has everything sent that was added so far, to whichever counter. `receive` is called for each
    /// of them; their number is returned.
    pub fn flush_all(
        &self,
        receive: impl Fn(Result<(), Failure>) + Clone + Send + 'static,
    ) -> usize {
        let Some(collector) = &self.collector else { return 0 };
        let unflushed = collector.unflushed();
        for number in &unflushed {
            let receive: ReceiveFlush = Box::new(receive.clone());
            collector.flush(*number, receive);
        }
        unflushed.len()
    }

    /// The same. `receive` is called once, when all of it has arrived, or some has not.
    pub fn flush_together(&self, receive: impl FnOnce(Result<Answer, Failure>) + Send + 'static) {
        let collector = self.collector.as_ref();
        let unflushed = collector.map(|one| one.unflushed()).unwrap_or_default();
        let Some(collector) = collector.filter(|_| !unflushed.is_empty()) else {
            return receive(Ok(Answer::Added));
        };
        let all = Arc::new(Mutex::new((unflushed.len(), None, Some(receive))));
        for number in unflushed {
            let all = all.clone();
            let told = move |result: Result<(), Failure>| {
                let mut held = all.lock();
                let (left, failure, receive) = &mut *held;
                *left -= 1;
                *failure = failure.or(result.err());
                let answer = failure.map_or(Ok(Answer::Added), Err);
                let receive = if *left == 0 { receive.take() } else { None };
                drop(held);
                if let Some(receive) = receive {
                    receive(answer);
                }
            };
            collector.flush(number, Box::new(told));
        }
    }
}

fn order(counter: &Counter, deed: Deed) -> Order {
    Order { label: counter.label(), deed: AnyDeed::Count(deed) }
}
