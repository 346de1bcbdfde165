//! Counts: what is added to an id, in all and by buckets of time, and how many different members it had.
//!
//! [`counter`] is a counter as the app made it. Where other processes see it, adds are collected in
//! [`batch`]es, which [`collector`] sends, of each counter what is [`pending`]; [`counts`] is what the app's code asks. [`kept`] has the
//! counts of this process, where [`distinct`] tells members apart.

mod batch;
pub mod collector;
pub mod counter;
pub mod counts;
mod distinct;
mod kept;
mod pending;

use std::collections::VecDeque;

use super::label::Own;
use super::shelf::Weight;
pub use counter::{Counter, Rules};
use distinct::Distinct;
pub(super) use kept::Kept;

/// The most that is added, or taken away, at once.
pub const MOST_ADD: i64 = 1_000_000_000;
/// Buckets of a counter.
pub const MOST_BUCKETS: u64 = 1_000;
/// The longest that adds are collected, in ms.
pub const MOST_FLUSH_MS: u64 = 60_000;
/// Ids in one list.
pub const MOST_TOP: u64 = 1_000;
/// How long a store remembers which batch it was sent last, in ms: longer than one is sent again.
pub const MARK_MS: u64 = 2 * collector::KEEP_MS;

/// What was added to one id, some time ago.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Added {
    /// The id.
    pub own: Own,
    /// How much, which may be negative.
    pub sum: i64,
    /// How long ago, in ms.
    pub age_ms: u64,
}

/// What is done with the counts of a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Deed {
    /// Adds.
    Add {
        /// To whom, and how much.
        adds: Vec<Added>,
        /// Who was seen by whom, by hash.
        members: Vec<(Own, Vec<u128>)>,
        /// Of which batch; one that was added before is not added again.
        batch: Option<Sent>,
        /// How it is kept.
        rules: Rules,
    },
    /// Reads what an id adds up to.
    Get {
        /// The id.
        own: Own,
        /// How it is kept.
        rules: Rules,
        /// Whose last batch is told.
        sender: String,
    },
    /// Reads the buckets of an id.
    Series {
        /// The id.
        own: Own,
        /// How far back, in ms.
        span_ms: u64,
        /// How it is kept.
        rules: Rules,
        /// Whose last batch is told.
        sender: String,
    },
    /// Lists the ids that add up to most.
    Top {
        /// How many.
        most: u64,
        /// How it is kept.
        rules: Rules,
    },
    /// Estimates how many different members an id had.
    Distinct {
        /// The id.
        own: Own,
    },
    /// Forgets an id, and reads what it added up to.
    Remove {
        /// The id.
        own: Own,
        /// How it is kept.
        rules: Rules,
    },
}

/// A batch: who sent it, and its number, larger than that of each before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sent {
    /// Letters and digits that nobody else has.
    pub sender: String,
    /// From 1 on.
    pub number: u64,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// It is added, now or before.
    Added,
    /// The sum.
    Sum {
        /// The sum.
        sum: i64,
        /// The number of the sender's last batch that is in it.
        batch: u64,
    },
    /// The buckets, the oldest first, each with its beginning in ms and its sum.
    Series {
        /// Without gaps.
        buckets: Vec<(u64, i64)>,
        /// The present moment in ms.
        now_ms: u64,
        /// The number of the sender's last batch that is in it.
        batch: u64,
    },
    /// Ids and their sums, the largest first.
    Top(Vec<(String, i64)>),
    /// So many members, within a percent or two.
    Distinct(u64),
    /// It is forgotten; what it added up to, if it was there.
    Removed(Option<i64>),
}

/// The first bucket of a span that ends now: it counts in full.
pub fn first_bucket(now_ms: u64, span_ms: u64, bucket_ms: u64) -> u64 {
    now_ms.saturating_sub(span_ms) / bucket_ms
}

/// What is known of an id.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct State {
    sum: i64,
    bucket_ms: u64,
    /// The numbers of the buckets in which anything was added, the oldest first, each with how much.
    buckets: VecDeque<(u64, i64)>,
    members: Distinct,
}

impl Weight for State {
    fn weight(&self) -> usize {
        size_of::<Self>() + self.buckets.len() * size_of::<(u64, i64)>() + self.members.weight()
    }
}

impl State {
    /// Adds. Buckets of another length begin anew.
    pub(super) fn add(&mut self, sum: i64, at_ms: u64, now_ms: u64, rules: Rules) {
        if self.bucket_ms != rules.bucket_ms {
            (self.bucket_ms, self.buckets) = (rules.bucket_ms, VecDeque::new());
        }
        self.sum = self.sum.saturating_add(sum);
        let oldest = first_bucket(now_ms, rules.history_ms, rules.bucket_ms);
        while self.buckets.pop_front_if(|(number, _)| *number < oldest).is_some() {}
        let number = at_ms / rules.bucket_ms;
        if number < oldest {
            return;
        }
        match self.buckets.binary_search_by_key(&number, |(number, _)| *number) {
            Ok(at) => {
                if let Some((_, held)) = self.buckets.get_mut(at) {
                    *held = held.saturating_add(sum);
                }
            }
            Err(at) => self.buckets.insert(at, (number, sum)),
        }
    }

    pub(super) fn see(&mut self, members: &[u128]) {
        for member in members {
            // The other half tells nothing more.
            self.members.add(*member as u64);
        }
    }

    pub(super) fn sum(&self) -> i64 {
        self.sum
    }

    pub(super) fn distinct(&self) -> u64 {
        self.members.estimate()
    }

    /// Its buckets within a span that ends now, without gaps.
    pub(super) fn series(&self, span_ms: u64, now_ms: u64, rules: Rules) -> Vec<(u64, i64)> {
        let numbers = first_bucket(now_ms, span_ms, rules.bucket_ms)..=now_ms / rules.bucket_ms;
        let held = |number: u64| {
            let is_like = self.bucket_ms == rules.bucket_ms;
            let at = self.buckets.binary_search_by_key(&number, |(number, _)| *number).ok();
            let found = at.filter(|_| is_like).and_then(|at| self.buckets.get(at));
            found.map_or(0, |(_, sum)| *sum)
        };
        numbers.map(|number| (number * rules.bucket_ms, held(number))).collect()
    }
}
