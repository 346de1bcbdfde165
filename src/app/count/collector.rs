//! Collects adds in this process, and sends them together.
//!
//! Adds of a counter grow in one batch until that is sent. Those that were sent are numbered, one after
//! another; one of which nobody knows whether it arrived is sent again under its number, and the store
//! adds it once. A read is told the number of the last batch that is in it, so that what is not can be
//! added here.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;

use super::batch::{Amount, Batch};
use super::pending::{Pending, Unsent, batch_of, completed};
use super::{Answer, Counter, Deed};
use crate::app::label::Own;
use crate::app::store::{Answer as Any, Deed as AnyDeed, Failure, Order, Store};
use crate::clock::Clock;
use crate::notice::{Code, say};

/// What all batches of this process may hold, in bytes.
pub const MOST_BYTES: usize = 16 << 20;
/// How long a batch is sent again, in ms: a day.
pub const KEEP_MS: u64 = 86_400_000;
/// The longest pause before one is sent again, in ms.
const LONGEST_PAUSE_MS: u64 = 5_000;

/// Called once with whether everything arrived that was added before.
pub type ReceiveFlush = Box<dyn FnOnce(Result<(), Failure>) + Send>;

/// The adds of this process.
pub struct Collector {
    clock: Clock,
    store: Arc<dyn Store>,
    name: String,
    held: Mutex<All>,
}

#[derive(Default)]
struct All {
    bytes: usize,
    /// By the number of the counter.
    counters: HashMap<usize, Pending>,
}

/// How often a read is repeated whose adds were sent meanwhile.
const MOST_READS: u32 = 5;

impl Collector {
    /// Nothing is collected yet for this store.
    pub fn new(clock: Clock, store: Arc<dyn Store>) -> Arc<Self> {
        let state = RandomState::new();
        let name = format!("{:016x}{:016x}", state.hash_one(1_u8), state.hash_one(2_u8));
        Arc::new(Self { clock, store, name, held: Mutex::default() })
    }

    /// Adds to an id; it is sent later.
    ///
    /// # Errors
    /// There is no room, or the sum were no number.
    pub fn add(
        self: &Arc<Self>,
        (number, counter): (usize, &Arc<Counter>),
        own: &Own,
        amount: Amount,
    ) -> Result<(), Failure> {
        let now_ms = self.now_ms();
        let bucket = now_ms / counter.rules().bucket_ms;
        let mut held = self.held.lock();
        let All { bytes, counters } = &mut *held;
        let pending =
            counters.entry(number).or_insert_with(|| Pending::new(&self.name, number, counter));
        let is_usual = pending.failures == 0 && !pending.is_under_way;
        let batch = pending.open(now_ms).ok_or(Failure::Full)?;
        let room = MOST_BYTES.saturating_sub(*bytes);
        let Some(weight) = batch.add(own, amount, (bucket, now_ms), room) else {
            pending.close_empty();
            return Err(Failure::Full);
        };
        *bytes += weight;
        // While the store is away, asking more often does not bring it back sooner.
        let is_due = batch.is_full() && is_usual;
        let after_ms = pending.set(counter.flush_ms());
        drop(held);
        if let Some(after_ms) = after_ms {
            self.send_after(number, after_ms);
        }
        if is_due {
            self.send(number);
        }
        Ok(())
    }

    /// Reads something of an id, and adds what the store does not have yet. What is added meanwhile is
    /// not in it.
    pub fn read(
        self: &Arc<Self>,
        (number, counter): (usize, &Arc<Counter>),
        own: &Own,
        span_ms: Option<u64>,
        receive: impl FnOnce(Result<Answer, Failure>) + Send + 'static,
    ) {
        self.read_again((number, counter), own, span_ms, MOST_READS, Box::new(receive));
    }

    fn read_again(
        self: &Arc<Self>,
        (number, counter): (usize, &Arc<Counter>),
        own: &Own,
        span_ms: Option<u64>,
        reads: u32,
        receive: Box<dyn FnOnce(Result<Answer, Failure>) + Send>,
    ) {
        let asked_ms = self.now_ms();
        let unsent = self.unsent(number, own);
        let (rules, sender) = (counter.rules(), unsent.sender.clone());
        let deed = match span_ms {
            None => Deed::Get { own: own.clone(), rules, sender },
            Some(span_ms) => Deed::Series { own: own.clone(), span_ms, rules, sender },
        };
        let (this, again, own) = (self.clone(), counter.clone(), own.clone());
        let complete = move |answer: Result<Answer, Failure>| {
            let is_newer = |batch: &u64| *batch > unsent.last;
            let is_mixed = unsent.adds.iter().any(|(number, _)| *number == 0)
                && answer.as_ref().ok().and_then(batch_of).is_some_and(|batch| is_newer(&batch));
            // What had no number was sent meanwhile: nobody knows what of it is in the answer.
            if is_mixed && reads > 1 {
                return this.read_again((number, &again), &own, span_ms, reads - 1, receive);
            }
            receive(answer.map(|answer| completed(answer, &unsent, asked_ms, rules.bucket_ms)));
        };
        self.ask(counter, deed, complete);
    }

    /// Has everything sent that was added so far, and then asks for something.
    pub fn ask_after_flush(
        self: &Arc<Self>,
        (number, counter): (usize, &Arc<Counter>),
        deed: Deed,
        receive: impl FnOnce(Result<Answer, Failure>) + Send + 'static,
    ) {
        let (this, counter) = (self.clone(), counter.clone());
        let flushed = move |result: Result<(), Failure>| match result {
            Ok(()) => this.ask(&counter, deed, receive),
            Err(failure) => receive(Err(failure)),
        };
        self.flush(number, Box::new(flushed));
    }

    /// Has everything sent that was added to a counter so far.
    pub fn flush(self: &Arc<Self>, number: usize, receive: ReceiveFlush) {
        let mut held = self.held.lock();
        let pending = held.counters.get_mut(&number);
        let Some(pending) = pending.filter(|pending| !pending.batches.is_empty()) else {
            drop(held);
            return receive(Ok(()));
        };
        // What is added from now on is not waited for.
        let serial = pending.batches.back_mut().map_or(0, |batch| {
            batch.is_due = true;
            batch.serial
        });
        pending.waiting.push((serial, receive));
        drop(held);
        self.send(number);
    }

    /// The counters to which something was added that may not have arrived.
    pub fn unflushed(&self) -> Vec<usize> {
        let held = self.held.lock();
        let is_some = |(_, pending): &(&usize, &Pending)| !pending.batches.is_empty();
        held.counters.iter().filter(is_some).map(|(number, _)| *number).collect()
    }

    fn unsent(&self, number: usize, own: &Own) -> Unsent {
        let held = self.held.lock();
        let Some(pending) = held.counters.get(&number) else { return Unsent::default() };
        let of = |batch: &Batch| {
            let number = batch.number;
            batch.of(own).iter().map(|held| (number, *held)).collect::<Vec<_>>()
        };
        Unsent {
            sender: pending.sender.clone(),
            last: pending.last,
            adds: pending.batches.iter().flat_map(of).collect(),
        }
    }

    fn ask(
        &self,
        counter: &Counter,
        deed: Deed,
        receive: impl FnOnce(Result<Answer, Failure>) + Send + 'static,
    ) {
        let order = Order { label: counter.label(), deed: AnyDeed::Count(deed) };
        let told = move |answer| {
            receive(match answer {
                Ok(Any::Count(answer)) => Ok(answer),
                Ok(_) => Err(Failure::Unknown),
                Err(failure) => Err(failure),
            });
        };
        self.store.carry_out(order, Box::new(told));
    }

    /// Sends the first batch of a counter, unless one is under way.
    fn send(self: &Arc<Self>, number: usize) {
        let now_ms = self.now_ms();
        let mut held = self.held.lock();
        let Some(pending) = held.counters.get_mut(&number) else { return };
        let Some(deed) = pending.next(now_ms) else { return };
        let (counter, this) = (pending.counter.clone(), self.clone());
        drop(held);
        self.ask(&counter, deed, move |answer| match answer {
            Ok(_) => this.arrived(number),
            Err(failure) => this.failed(number, failure),
        });
    }

    fn arrived(self: &Arc<Self>, number: usize) {
        let mut held = self.held.lock();
        let All { bytes, counters } = &mut *held;
        let Some(pending) = counters.get_mut(&number) else { return };
        let Some(batch) = pending.batches.pop_front() else { return };
        *bytes -= batch.weight;
        (pending.is_under_way, pending.failures) = (false, 0);
        let first = pending.batches.front().map_or(u64::MAX, |batch| batch.serial);
        let is_over = |(serial, _): &mut (u64, ReceiveFlush)| *serial < first;
        let over: Vec<_> = pending.waiting.extract_if(.., is_over).collect();
        let is_due = pending.batches.front().is_some_and(|batch| batch.is_due || batch.is_full());
        let flush_ms = pending.counter.flush_ms();
        let after_ms = if pending.batches.is_empty() { None } else { pending.set(flush_ms) };
        drop(held);
        for (_, receive) in over {
            receive(Ok(()));
        }
        if let Some(after_ms) = after_ms {
            self.send_after(number, after_ms);
        }
        if is_due {
            self.send(number);
        }
    }

    fn failed(self: &Arc<Self>, number: usize, failure: Failure) {
        let now_ms = self.now_ms();
        let mut held = self.held.lock();
        let All { bytes, counters } = &mut *held;
        let Some(pending) = counters.get_mut(&number) else { return };
        pending.is_under_way = false;
        let told = std::mem::take(&mut pending.waiting);
        let is_old = |batch: &mut Batch| batch.is_old(now_ms);
        let before = pending.weight();
        let mut dropped = 0;
        while pending.batches.pop_front_if(is_old).is_some() {
            dropped += 1;
        }
        pending.join();
        *bytes = (*bytes + pending.weight()).saturating_sub(before);
        let pause_ms = pending.counter.flush_ms() << pending.failures.min(10);
        pending.failures += 1;
        let pause_ms = pause_ms.clamp(100, LONGEST_PAUSE_MS.max(pending.counter.flush_ms()));
        let after_ms = if pending.batches.is_empty() { None } else { pending.set(pause_ms) };
        drop(held);
        if dropped > 0 {
            say(
                Code::CountsDropped,
                "counts of a day ago are dropped: the store has not taken them since",
            );
        }
        for (_, receive) in told {
            receive(Err(failure));
        }
        if let Some(after_ms) = after_ms {
            self.send_after(number, after_ms);
        }
    }

    fn send_after(self: &Arc<Self>, number: usize, ms: u64) {
        let this = Arc::downgrade(self);
        let send = move || {
            let Some(this) = this.upgrade() else { return };
            if let Some(pending) = this.held.lock().counters.get_mut(&number) {
                pending.is_set = false;
            }
            this.send(number);
        };
        self.store.later(Duration::from_millis(ms), Box::new(send));
    }

    fn now_ms(&self) -> u64 {
        self.clock.now().0 / 1_000
    }
}

#[cfg(test)]
mod tests;
