//! Histograms of fixed buckets, each twice as wide as the one before: one atomic step to record.

use std::sync::atomic::{AtomicU64, Ordering};

/// Buckets of a histogram. The bounds of all but the last are 1, 2, 4 and so on; the last has none.
pub const BUCKETS: usize = 24;

/// Values by magnitude, in whatever unit they are recorded.
#[derive(Debug, Default)]
pub struct Buckets {
    counts: [AtomicU64; BUCKETS],
    sum: AtomicU64,
}

/// What a histogram has counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counted {
    /// By bucket.
    pub counts: [u64; BUCKETS],
    /// Of all values.
    pub sum: u64,
}

impl Buckets {
    /// Records a value, which stands for `times` of its like.
    pub fn record(&self, value: u64, times: u64) {
        if let Some(count) = self.counts.get(bucket_of(value)) {
            count.fetch_add(times, Ordering::Relaxed);
            self.sum.fetch_add(value.saturating_mul(times), Ordering::Relaxed);
        }
    }

    /// What was recorded so far.
    pub fn counted(&self) -> Counted {
        let mut counted = Counted { sum: self.sum.load(Ordering::Relaxed), ..Counted::default() };
        for (to, from) in counted.counts.iter_mut().zip(&self.counts) {
            *to = from.load(Ordering::Relaxed);
        }
        counted
    }
}

/// The upper bounds of all buckets but the last, which they include.
pub fn bounds() -> impl Iterator<Item = u64> {
    (0..BUCKETS as u32 - 1).map(|power| 1 << power)
}

fn bucket_of(value: u64) -> usize {
    let above = value.max(1).next_power_of_two().trailing_zeros() as usize;
    above.min(BUCKETS - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_falls_into_the_first_bucket_whose_bound_it_does_not_exceed() {
        let bounds: Vec<u64> = bounds().collect();
        assert_eq!((bounds.len(), bounds[0], bounds[22]), (BUCKETS - 1, 1, 4_194_304));
        for value in [0, 1, 2, 3, 4, 5, 1_000, 4_194_304, 4_194_305, u64::MAX >> 1] {
            let expected = bounds.iter().position(|bound| value <= *bound);
            assert_eq!(bucket_of(value), expected.unwrap_or(BUCKETS - 1), "{value}");
        }
    }

    #[test]
    fn a_value_may_stand_for_many() {
        let buckets = Buckets::default();
        buckets.record(3, 64);
        buckets.record(4, 1);
        assert_eq!((buckets.counted().counts[2], buckets.counted().sum), (65, 196));
    }
}
