//! What the engine counts.

mod buckets;

use std::sync::atomic::{AtomicU64, Ordering};

use hdrhistogram::Histogram;
use parking_lot::Mutex;

pub use self::buckets::{BUCKETS, Buckets, Counted, bounds};

/// The kinds with counters of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Kind {
    /// A `'use cache'` entry.
    UseCache,
    /// An App Router page.
    AppPage,
    /// A route handler response.
    AppRoute,
    /// A Pages Router page.
    Pages,
    /// A `fetch` or `unstable_cache` entry.
    Fetch,
    /// An optimized image.
    Image,
    /// An entry of the app's own code.
    Own,
}

impl Kind {
    /// All kinds, in the order of their numbers.
    pub const ALL: [Self; 7] = [
        Self::UseCache,
        Self::AppPage,
        Self::AppRoute,
        Self::Pages,
        Self::Fetch,
        Self::Image,
        Self::Own,
    ];
}

/// The answers to a get.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Answer {
    /// From memory, fresh.
    MemoryFresh,
    /// From memory, stale.
    MemoryStale,
    /// From the shared tier, fresh.
    SharedFresh,
    /// From the shared tier, stale.
    SharedStale,
    /// From prerendered build output, fresh by its tags.
    PrerenderedFresh,
    /// From prerendered build output, stale by its tags.
    PrerenderedStale,
    /// Nothing.
    Miss,
}

const ANSWERS: usize = 7;

/// Where a get ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Place {
    /// In memory.
    Memory,
    /// In the shared tier.
    Shared,
    /// In the output of `next build`.
    Prerendered,
    /// Nowhere.
    Miss,
}

const PLACES: usize = 4;

impl From<Answer> for Place {
    fn from(answer: Answer) -> Self {
        match answer {
            Answer::MemoryFresh | Answer::MemoryStale => Self::Memory,
            Answer::SharedFresh | Answer::SharedStale => Self::Shared,
            Answer::PrerenderedFresh | Answer::PrerenderedStale => Self::Prerendered,
            Answer::Miss => Self::Miss,
        }
    }
}

/// Counters of one process, all totals since its start.
#[derive(Debug)]
pub struct Stats {
    answers: [[AtomicU64; ANSWERS]; Kind::ALL.len()],
    /// Entries stored.
    pub sets: AtomicU64,
    /// Values handed over and not stored: dead on arrival, too large, broken, dynamic.
    pub dropped: AtomicU64,
    /// Values that memory did not hold because they exceed the bound of one entry.
    pub too_large: AtomicU64,
    /// Invalidations; repeats of one user call do not count.
    pub invalidations: AtomicU64,
    /// Gets that waited for a generation under way and were served from it.
    pub joined: AtomicU64,
    /// Gets whose wait timed out.
    pub wait_timeouts: AtomicU64,
    /// Leases that this process got: it generated those entries for all processes.
    pub leases_taken: AtomicU64,
    /// Gets that waited for a generation in another process.
    pub followed: AtomicU64,
    /// Those of them that timed out.
    pub lease_timeouts: AtomicU64,
    /// Gets that would have generated, and were served the generation of another get.
    pub saved: AtomicU64,
    /// Gets that were served a stale value while another get generates.
    pub stale_meanwhile: AtomicU64,
    /// Stored bytes that were no entry, or not the one asked for.
    pub broken: AtomicU64,
    /// Invalidations that the shared tier recorded late.
    pub unrecorded: AtomicU64,
    /// Panics caught and answered with a miss.
    pub panics: AtomicU64,
    /// Entries read from the shared tier, and their stored bytes.
    pub read: AtomicU64,
    /// See above.
    pub read_bytes: AtomicU64,
    /// Entries encoded for the shared tier, their bytes before and after.
    pub written: AtomicU64,
    /// See above.
    pub raw_bytes: AtomicU64,
    /// See above.
    pub written_bytes: AtomicU64,
    /// The age of entries that were evicted for room, in seconds.
    pub evicted_secs: Buckets,
    /// How long gets take, waits included, in microseconds.
    gets_us: [[Buckets; PLACES]; Kind::ALL.len()],
    /// Time that gets and sets took on threads of JavaScript, in nanoseconds, as far as measured.
    spent_ns: AtomicU64,
    get_ns: Mutex<Option<Histogram<u64>>>,
    set_ns: Mutex<Option<Histogram<u64>>>,
    invalidation_ns: Mutex<Option<Histogram<u64>>>,
}

/// Percentiles in microseconds.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Latency {
    /// Calls measured: one get or set in 64, every invalidation.
    pub measured: u64,
    /// Half of the calls took at most this.
    pub p50_us: f64,
    /// 95 of 100 did.
    pub p95_us: f64,
    /// 99 of 100 did.
    pub p99_us: f64,
}

/// One call in this many is timed: reading the clock twice costs as much as a hit.
pub const SAMPLE: u64 = 64;
/// Longer calls count as this long: 10 s.
const LONGEST_NS: u64 = 10_000_000_000;

impl Default for Stats {
    fn default() -> Self {
        let histogram = || Mutex::new(Histogram::new_with_bounds(1, LONGEST_NS, 2).ok());
        Self {
            answers: Default::default(),
            sets: AtomicU64::default(),
            dropped: AtomicU64::default(),
            too_large: AtomicU64::default(),
            invalidations: AtomicU64::default(),
            joined: AtomicU64::default(),
            wait_timeouts: AtomicU64::default(),
            leases_taken: AtomicU64::default(),
            followed: AtomicU64::default(),
            lease_timeouts: AtomicU64::default(),
            saved: AtomicU64::default(),
            stale_meanwhile: AtomicU64::default(),
            broken: AtomicU64::default(),
            unrecorded: AtomicU64::default(),
            panics: AtomicU64::default(),
            read: AtomicU64::default(),
            read_bytes: AtomicU64::default(),
            written: AtomicU64::default(),
            raw_bytes: AtomicU64::default(),
            written_bytes: AtomicU64::default(),
            evicted_secs: Buckets::default(),
            gets_us: Default::default(),
            spent_ns: AtomicU64::default(),
            get_ns: histogram(),
            set_ns: histogram(),
            invalidation_ns: histogram(),
        }
    }
}

impl Stats {
    /// Counts an answer.
    #[inline]
    pub fn count(&self, kind: Kind, answer: Answer) {
        if let Some(cell) = self.answers.get(kind as usize).and_then(|a| a.get(answer as usize)) {
            cell.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Takes back an answer that was counted too early.
    pub fn uncount(&self, kind: Kind, answer: Answer) {
        if let Some(cell) = self.answers.get(kind as usize).and_then(|a| a.get(answer as usize)) {
            cell.fetch_sub(1, Ordering::Relaxed);
        }
    }

    /// Number of times a kind got an answer.
    pub fn answered(&self, kind: Kind, answer: Answer) -> u64 {
        let cell = self.answers.get(kind as usize).and_then(|a| a.get(answer as usize));
        cell.map_or(0, |cell| cell.load(Ordering::Relaxed))
    }

    /// Records how long a get took.
    pub fn time_get(&self, ns: u64) {
        self.spent_ns.fetch_add(ns, Ordering::Relaxed);
        record(&self.get_ns, ns);
    }

    /// Records how long a get of a kind took that ended in a place, which stands for `times` of its
    /// like: those that wait are all measured, of the others one in [`SAMPLE`].
    pub fn time_answer(&self, kind: Kind, place: Place, us: u64, times: u64) {
        let buckets = self.gets_us.get(kind as usize).and_then(|of| of.get(place as usize));
        if let Some(buckets) = buckets {
            buckets.record(us, times);
        }
    }

    /// How long gets of a kind take that end in a place, in microseconds.
    pub fn answer_times(&self, kind: Kind, place: Place) -> Counted {
        let buckets = self.gets_us.get(kind as usize).and_then(|of| of.get(place as usize));
        buckets.map(Buckets::counted).unwrap_or_default()
    }

    /// Time that gets and sets took on threads of JavaScript, in microseconds, extrapolated.
    pub fn spent_us(&self) -> u64 {
        self.spent_ns.load(Ordering::Relaxed).saturating_mul(SAMPLE) / 1_000
    }

    /// Records how long a set took.
    pub fn time_set(&self, ns: u64) {
        self.spent_ns.fetch_add(ns, Ordering::Relaxed);
        record(&self.set_ns, ns);
    }

    /// Records how long an invalidation took to be in effect everywhere.
    pub fn time_invalidation(&self, ns: u64) {
        record(&self.invalidation_ns, ns);
    }

    /// How long invalidations take to be in effect everywhere.
    pub fn invalidation_latency(&self) -> Latency {
        percentiles(&self.invalidation_ns)
    }

    /// How long gets take inside the engine.
    pub fn get_latency(&self) -> Latency {
        percentiles(&self.get_ns)
    }

    /// How long sets take inside the engine.
    pub fn set_latency(&self) -> Latency {
        percentiles(&self.set_ns)
    }
}

/// Adds one.
pub fn bump(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

fn record(histogram: &Mutex<Option<Histogram<u64>>>, ns: u64) {
    if let Some(histogram) = histogram.lock().as_mut() {
        histogram.saturating_record(ns.max(1));
    }
}

fn percentiles(histogram: &Mutex<Option<Histogram<u64>>>) -> Latency {
    let guard = histogram.lock();
    let Some(histogram) = guard.as_ref().filter(|h| !h.is_empty()) else {
        return Latency::default();
    };
    let at = |quantile| histogram.value_at_quantile(quantile) as f64 / 1e3;
    Latency { measured: histogram.len(), p50_us: at(0.5), p95_us: at(0.95), p99_us: at(0.99) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_counted_by_kind() {
        let stats = Stats::default();
        stats.count(Kind::Fetch, Answer::Miss);
        stats.count(Kind::Fetch, Answer::Miss);
        assert_eq!(stats.answered(Kind::Fetch, Answer::Miss), 2);
        assert_eq!(stats.answered(Kind::Image, Answer::Miss), 0);
    }

    #[test]
    fn percentiles_of_nothing_are_zero_and_of_something_are_not() {
        let stats = Stats::default();
        assert_eq!(stats.get_latency(), Latency::default());
        for ns in 1..=1_000 {
            stats.time_get(ns * 1_000);
        }
        let latency = stats.get_latency();
        assert_eq!(latency.measured, 1_000);
        assert!((490.0..=510.0).contains(&latency.p50_us), "{latency:?}");
        assert!((980.0..=1_000.0).contains(&latency.p99_us), "{latency:?}");
    }
}
