//! A counter as the app made it: what is the same in all its calls, read once.

use super::{MOST_BUCKETS, MOST_FLUSH_MS};
use crate::app::digest::Digest;
use crate::app::label::{Feature, Group, Label, Own};

/// How counts are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Rules {
    /// How long an id lives to which nothing is added, in ms.
    pub ttl_ms: u64,
    /// The length of a bucket, in ms.
    pub bucket_ms: u64,
    /// How far back buckets are kept, in ms.
    pub history_ms: u64,
}

/// A counter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counter {
    group: Group,
    rules: Rules,
    flush_ms: u64,
}

impl Counter {
    /// `None` without a bucket, or with too many; where an id lives for shorter than its buckets, which
    /// would be those of the next; and where adds are not collected, or for too long.
    pub fn new(group: Group, rules: Rules, flush_ms: u64) -> Option<Self> {
        let Rules { ttl_ms, bucket_ms, history_ms } = rules;
        let is_some = bucket_ms > 0 && history_ms >= bucket_ms && ttl_ms >= history_ms;
        let is_timely = (1..=MOST_FLUSH_MS).contains(&flush_ms);
        let fits = is_some && is_timely && history_ms.div_ceil(bucket_ms) <= MOST_BUCKETS;
        fits.then_some(Self { group, rules, flush_ms })
    }

    /// How its counts are kept.
    pub fn rules(&self) -> Rules {
        self.rules
    }

    /// How long adds are collected, in ms.
    pub fn flush_ms(&self) -> u64 {
        self.flush_ms
    }

    /// All its counts in a store.
    pub fn label(&self) -> Label {
        Label::whole(Feature::Count, &self.group)
    }

    /// A member of an id: a store is not told who it is.
    pub fn member(&self, own: &Own, member: &Own) -> u128 {
        let parts = [self.group.as_bytes(), own.as_bytes(), member.as_bytes()];
        Digest::of("member", &parts).number()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_that_do_not_fit_each_other_make_no_counter() {
        let group = Group::parse("g").unwrap();
        let is_one = |ttl_ms, bucket_ms, history_ms, flush_ms| {
            let rules = Rules { ttl_ms, bucket_ms, history_ms };
            Counter::new(group.clone(), rules, flush_ms).is_some()
        };
        assert!(is_one(10, 10, 10, 1) && is_one(10_000, 10, 10_000, MOST_FLUSH_MS));
        assert!(!is_one(9, 10, 10, 1), "its buckets would outlive an id");
        assert!(!is_one(10, 0, 10, 1) && !is_one(10, 10, 9, 1) && !is_one(10_001, 10, 10_001, 1));
        assert!(!is_one(10, 10, 10, 0) && !is_one(10, 10, 10, MOST_FLUSH_MS + 1));
    }
}
