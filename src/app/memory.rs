//! The store of one process: bounded in bytes, each feature by itself, so that a flood of one takes
//! no room from another.

use std::time::Duration;

use parking_lot::Mutex;

use super::label::{Feature, Label};
use super::shelf::{Full, Shelf, Weight, WhenFull};
use super::store::{Answer, Deed, Failure, Order, Receive, Store};
use super::{code, count, limit, lock, seat, session, value};
use crate::clock::Clock;

/// Bound of plain values, in bytes.
pub const VALUE_BYTES: usize = 64 << 20;
/// Bound of each of the others, in bytes.
pub const OTHER_BYTES: usize = 16 << 20;

/// What this process keeps.
pub struct Memory {
    clock: Clock,
    values: Mutex<Shelf<Label, (bytes::Bytes, u64)>>,
    tokens: Mutex<Shelf<Label, (bytes::Bytes, u64)>>,
    codes: Mutex<Shelf<Label, code::State>>,
    locks: Mutex<Shelf<Label, lock::State>>,
    limits: Mutex<Shelf<Label, limit::State>>,
    sessions: Mutex<Shelf<Label, session::State>>,
    counts: Mutex<count::Kept>,
    seats: Mutex<Shelf<Label, seat::State>>,
}

impl Memory {
    /// An empty one.
    pub fn new(clock: Clock) -> Self {
        fn shelf<V: Weight + Clone>(most_bytes: usize) -> Mutex<Shelf<Label, V>> {
            Mutex::new(Shelf::new(most_bytes, WhenFull::FirstDueGoes))
        }
        Self {
            clock,
            values: shelf(VALUE_BYTES),
            tokens: shelf(OTHER_BYTES),
            codes: shelf(OTHER_BYTES),
            // A lock that made room would have two holders.
            locks: Mutex::new(Shelf::new(OTHER_BYTES, WhenFull::Refuse)),
            limits: shelf(OTHER_BYTES),
            sessions: shelf(OTHER_BYTES),
            // What was counted is not forgotten for what is new.
            counts: Mutex::new(count::Kept::new(OTHER_BYTES)),
            // As with locks.
            seats: Mutex::new(Shelf::new(OTHER_BYTES, WhenFull::Refuse)),
        }
    }

    /// Carries an order out, at once.
    ///
    /// # Errors
    /// There is no room.
    pub fn answer(&self, Order { label, deed }: Order) -> Result<Answer, Failure> {
        let label = &label;
        match deed {
            Deed::Value(deed) => {
                let is_token = label.is_of(Feature::Token);
                let values = if is_token { &self.tokens } else { &self.values };
                let change = |held, now_ms| {
                    let (kept, answer) = value::change(held, deed, now_ms);
                    (kept.map(|kept| (kept.clone(), kept.1)), answer)
                };
                self.change(values, label, change).map(Answer::Value)
            }
            Deed::Code(deed) => {
                let change = |held, now_ms| code::change(held, deed, now_ms);
                self.change(&self.codes, label, change).map(Answer::Code)
            }
            Deed::Lock(deed) => {
                let change = |held, now_ms| lock::change(held, deed, now_ms);
                self.change(&self.locks, label, change).map(Answer::Lock)
            }
            Deed::Limit(deed) => {
                let change = |held, now_ms| limit::change(held, deed, now_ms);
                self.change(&self.limits, label, change).map(Answer::Limit)
            }
            Deed::Session(deed) => {
                let change = |held, now_ms| session::change(held, deed, now_ms);
                self.change(&self.sessions, label, change).map(Answer::Session)
            }
            Deed::Seat(deed) => {
                let change = |held, now_ms| seat::change(held, deed, now_ms);
                self.change(&self.seats, label, change).map(Answer::Seat)
            }
            Deed::Count(deed) => {
                let mut counts = self.counts.lock();
                let answer = counts.answer(label, deed, self.now_ms());
                answer.map(Answer::Count).map_err(|Full| Failure::Full)
            }
        }
    }

    fn change<V: Weight + Clone, R>(
        &self,
        held: &Mutex<Shelf<Label, V>>,
        label: &Label,
        change: impl FnOnce(Option<V>, u64) -> (Option<(V, u64)>, R),
    ) -> Result<R, Failure> {
        let mut held = held.lock();
        // Read under the lock: what is decided later is decided at a later moment.
        let now_ms = self.now_ms();
        held.change(label, now_ms, |held| change(held, now_ms)).map_err(|Full| Failure::Full)
    }

    fn now_ms(&self) -> u64 {
        self.clock.now().0 / 1_000
    }
}

impl Store for Memory {
    fn carry_out(&self, order: Order, receive: Receive) {
        receive(self.answer(order));
    }

    /// Nothing of this process has to wait.
    fn later(&self, _: Duration, call: Box<dyn FnOnce() + Send>) {
        call();
    }
}
