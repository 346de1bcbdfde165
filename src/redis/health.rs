//! Counters, and when a connection is given up.

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use super::refusals::Refusals;
use crate::clock::stopwatch_ns;
use crate::stats::Buckets;
use crate::store::Health;

/// Late answers in a row after which the connection is given up.
const MOST_LATE: u32 = 5;
/// Answers that are late so soon after another one count as one: a stall delays all that is under way.
const STALL_NS: u64 = 100_000_000;

/// Pause between probes of a connection.
pub(super) const PROBE_EVERY: Duration = Duration::from_millis(500);
/// How long the answer to a probe may take.
pub(super) const PROBE_LIMIT: Duration = Duration::from_millis(300);
/// Missing answers in a row after which the connection is replaced. Under load only this
/// distinguishes a dead connection from an idle one: writing to it succeeds for minutes.
pub(super) const MOST_MISSED: u32 = 2;

/// Counters of the carrier, reported as [`Health`].
#[derive(Default)]
pub(super) struct Counters {
    pub(super) connections: AtomicU32,
    pub(super) is_broken: AtomicBool,
    pub(super) breaks: AtomicU64,
    pub(super) replaced: AtomicU64,
    pub(super) refusals: Refusals,
    pub(super) app_refusals: AtomicU64,
    pub(super) round_trips_us: Buckets,
    timeouts: AtomicU64,
    late: Late,
}

/// Late answers of a connection in a row; those that one stall delays are one.
#[derive(Default)]
pub(super) struct Late {
    in_a_row: AtomicU32,
    /// When the last of them was counted, on the stopwatch.
    at: AtomicU64,
}

impl Late {
    /// Records an answer in time.
    pub(super) fn in_time(&self) {
        self.in_a_row.store(0, Ordering::Relaxed);
    }

    /// Records an answer that is late at `now` of the stopwatch. True if there were too many in a row.
    pub(super) fn late(&self, now: u64) -> bool {
        let before = self.in_a_row.load(Ordering::Relaxed);
        if before > 0 && now.saturating_sub(self.at.load(Ordering::Relaxed)) < STALL_NS {
            return false;
        }
        self.at.store(now, Ordering::Relaxed);
        self.in_a_row.store(before + 1, Ordering::Relaxed);
        before + 1 >= MOST_LATE
    }
}

impl Counters {
    /// Records an answer in time.
    pub(super) fn in_time(&self) {
        self.late.in_time();
    }

    /// The same of one that is late.
    pub(super) fn late(&self, now: u64) -> bool {
        self.timeouts.fetch_add(1, Ordering::Relaxed);
        self.late.late(now)
    }

    /// Records how long an answered call took that left at `sent` of the stopwatch.
    pub(super) fn answered(&self, sent: u64) {
        self.round_trips_us.record(stopwatch_ns().saturating_sub(sent) / 1_000, 1);
    }

    /// Records whether the store can be reached.
    pub(super) fn set_broken(&self, is_broken: bool) {
        self.in_time();
        if !self.is_broken.swap(is_broken, Ordering::Relaxed) && is_broken {
            self.breaks.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(super) fn health(&self) -> Health {
        Health {
            connections: self.connections.load(Ordering::Relaxed),
            is_broken: self.is_broken.load(Ordering::Relaxed),
            breaks: self.breaks.load(Ordering::Relaxed),
            replaced: self.replaced.load(Ordering::Relaxed),
            timeouts: self.timeouts.load(Ordering::Relaxed),
            refuses: self.refusals.word(),
            app_refusals: self.app_refusals.load(Ordering::Relaxed),
            round_trips_us: self.round_trips_us.counted(),
            ..Health::default()
        }
    }
}

/// The pause before the next attempt to connect. It doubles up to half a second, so that a restored
/// server is found soon, and is random, so that processes do not retry together.
#[derive(Default)]
pub(super) struct Backoff {
    failed: u32,
}

impl Backoff {
    /// The last connection was of use.
    pub(super) fn reset(&mut self) {
        self.failed = 0;
    }

    pub(super) fn next(&mut self) -> Duration {
        let longest = (50_u64 << self.failed.min(4)).min(500);
        self.failed = self.failed.saturating_add(1);
        Duration::from_millis(longest / 2 + super::random() % (longest / 2))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn five_late_answers_in_a_row_are_too_many() {
        let counters = Counters::default();
        let late = |nth: u64| counters.late(nth * STALL_NS);
        assert_eq!([1, 2, 3, 4].map(late), [false; 4]);
        counters.in_time();
        assert_eq!([5, 6, 7, 8, 9].map(late), [false, false, false, false, true]);
        counters.set_broken(true);
        counters.set_broken(true);
        assert_eq!((counters.health().breaks, counters.health().timeouts), (1, 9));
        assert!(!late(10));
    }

    #[test]
    fn answers_that_one_stall_delays_are_one_late_answer() {
        let counters = Counters::default();
        for nth in 0..100 {
            assert!(!counters.late(nth));
        }
        assert_eq!(counters.health().timeouts, 100);
        let later = [1, 2, 3, 4].map(|nth| counters.late(nth * STALL_NS));
        assert_eq!(later, [false, false, false, true]);
    }

    #[test]
    fn pauses_grow_to_half_a_second_at_most() {
        let mut backoff = Backoff::default();
        let pauses: Vec<u128> = (0..100).map(|_| backoff.next().as_millis()).collect();
        assert!(pauses[0] < 50 && pauses[0] >= 25, "{pauses:?}");
        assert!(pauses[6..].iter().all(|pause| (250..500).contains(pause)), "{pauses:?}");
        backoff.reset();
        assert!(backoff.next().as_millis() < 50);
    }
}
