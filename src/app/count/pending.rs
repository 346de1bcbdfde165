//! What was added to one counter in this process, and may not have arrived.

use std::collections::VecDeque;
use std::sync::Arc;

use super::batch::{Batch, Held};
use super::collector::ReceiveFlush;
use super::{Answer, Counter, Deed};

/// The adds to one counter.
pub(super) struct Pending {
    pub(super) counter: Arc<Counter>,
    pub(super) sender: String,
    /// The number given last.
    pub(super) last: u64,
    /// The serial given last.
    pub(super) serial: u64,
    /// In the order in which they are sent. Only the last one grows, until it is sent or closed.
    pub(super) batches: VecDeque<Batch>,
    /// Whether the first one is under way.
    pub(super) is_under_way: bool,
    /// Whether a moment is set at which it is sent.
    pub(super) is_set: bool,
    pub(super) failures: u32,
    /// Each with the serial of the batch it waits for.
    pub(super) waiting: Vec<(u64, ReceiveFlush)>,
}

/// What this process added to an id that the store may not have.
#[derive(Default)]
pub(super) struct Unsent {
    pub(super) sender: String,
    /// The number given last.
    pub(super) last: u64,
    /// By the number of its batch; 0: it has none yet.
    pub(super) adds: Vec<(u64, Held)>,
}

impl Pending {
    pub(super) fn new(process: &str, number: usize, counter: &Arc<Counter>) -> Self {
        Self {
            counter: counter.clone(),
            sender: format!("{process}{number:04x}"),
            last: 0,
            serial: 0,
            batches: VecDeque::new(),
            is_under_way: false,
            is_set: false,
            failures: 0,
            waiting: Vec::new(),
        }
    }

    /// The batch that grows.
    pub(super) fn open(&mut self, now_ms: u64) -> Option<&mut Batch> {
        if self.batches.back().is_none_or(|batch| !batch.is_open(now_ms)) {
            if let Some(closed) = self.batches.back_mut() {
                closed.is_due = true;
            }
            self.serial += 1;
            self.batches.push_back(Batch::new(self.serial, now_ms));
        }
        self.batches.back_mut()
    }

    /// Closes what was opened for something that had no room.
    pub(super) fn close_empty(&mut self) {
        let _ = self.batches.pop_back_if(|batch| batch.is_empty());
    }

    /// What is to be sent now; `None` if nothing is, or something is under way.
    pub(super) fn next(&mut self, now_ms: u64) -> Option<Deed> {
        let first = self.batches.front_mut().filter(|_| !self.is_under_way)?;
        if first.number == 0 {
            let mut part = first.split();
            if first.is_empty() {
                self.batches.pop_front();
            }
            self.last += 1;
            part.number = self.last;
            self.batches.push_front(part);
        }
        self.is_under_way = true;
        let first = self.batches.front()?;
        Some(first.deed(&self.sender, self.counter.rules(), now_ms))
    }

    /// Makes one batch of those of an hour that were not sent: nobody waits for one of them.
    pub(super) fn join(&mut self) {
        let at = self.batches.iter().position(|batch| batch.number == 0);
        let unsent = at.map(|at| self.batches.split_off(at)).unwrap_or_default();
        let mut last: Option<Batch> = None;
        for later in unsent {
            let apart = match &mut last {
                Some(batch) => batch.merge(later),
                None => Some(later),
            };
            let Some(apart) = apart else { continue };
            if let Some(mut whole) = last.replace(apart) {
                whole.is_due = true;
                self.batches.push_back(whole);
            }
        }
        if let Some(mut last) = last {
            last.is_due = false;
            self.batches.push_back(last);
        }
    }

    pub(super) fn weight(&self) -> usize {
        self.batches.iter().map(|batch| batch.weight).sum()
    }

    /// Sets the moment at which it is sent; `None` if one is set, or an answer will.
    pub(super) fn set(&mut self, after_ms: u64) -> Option<u64> {
        let is_free = !self.is_set && !self.is_under_way;
        self.is_set |= is_free;
        is_free.then_some(after_ms)
    }
}

/// The number of the last batch that is in an answer.
pub(super) fn batch_of(answer: &Answer) -> Option<u64> {
    match answer {
        Answer::Sum { batch, .. } | Answer::Series { batch, .. } => Some(*batch),
        _ => None,
    }
}

/// An answer with what its store did not have yet.
pub(super) fn completed(answer: Answer, unsent: &Unsent, asked_ms: u64, bucket_ms: u64) -> Answer {
    let is_missing = |number: u64, batch: u64| {
        if number == 0 { batch <= unsent.last } else { batch < number }
    };
    let missing =
        |batch: u64| unsent.adds.iter().filter(move |(number, _)| is_missing(*number, batch));
    match answer {
        Answer::Sum { sum, batch } => {
            let sum = missing(batch).fold(sum, |sum, (_, held)| sum.saturating_add(held.sum));
            Answer::Sum { sum, batch }
        }
        Answer::Series { mut buckets, now_ms, batch } => {
            for (_, held) in missing(batch) {
                let at_ms = now_ms.saturating_sub(asked_ms.saturating_sub(held.at_ms()));
                let begins_ms = at_ms / bucket_ms * bucket_ms;
                if let Some((_, sum)) = buckets.iter_mut().find(|(at, _)| *at == begins_ms) {
                    *sum = sum.saturating_add(held.sum);
                }
            }
            Answer::Series { buckets, now_ms, batch }
        }
        other => other,
    }
}
