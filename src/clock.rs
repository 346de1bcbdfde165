//! The one place where time is read.
//!
//! There are two clocks. [`Clock::now`] includes the time that a machine sleeps and never jumps
//! when the wall clock is set, so ages are true. [`Clock::uptime_us`] is the clock of
//! `performance.now()`: it stands still during sleep, and is needed only to talk to Next.js, which
//! compares timestamps on it.
#![expect(clippy::disallowed_methods, reason = "this file is where time may be read")]

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

/// A moment: microseconds since the Unix epoch on the engine's own clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Timestamp(pub u64);

impl Timestamp {
    /// The time from `earlier` to `self` in microseconds; 0 if `earlier` is later.
    pub fn since_us(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }

    /// The moment `us` microseconds later.
    #[must_use]
    pub fn after_us(self, us: u64) -> Self {
        Self(self.0.saturating_add(us))
    }

    /// This moment moved by `us` microseconds, which may be negative.
    #[must_use]
    pub fn shifted_us(self, us: i64) -> Self {
        Self(self.0.saturating_add_signed(us))
    }
}

/// How often both clocks are read to align them.
const READINGS: u32 = 5;

/// Where the engine reads time from.
#[derive(Debug, Clone)]
pub enum Clock {
    /// The machine: `offset_us` is added to the boot clock so that it counts from the epoch. The
    /// offset is read once, so later steps of the wall clock change nothing.
    System {
        /// Wall clock minus boot clock when the clock was made.
        offset_us: u64,
    },
    /// A clock that tests move by hand.
    Manual(Arc<AtomicU64>),
}

impl Clock {
    /// The machine's clock, aligned with the wall clock once, now.
    pub fn system() -> Self {
        // A thread may lose its turn between the two: the pair that was read fastest counts.
        let pairs = (0..READINGS).map(|_| {
            let before = boot_us();
            let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
            let took = boot_us().saturating_sub(before);
            (took, (wall.as_micros() as u64).saturating_sub(before))
        });
        let (_, offset_us) = pairs.min().unwrap_or_default();
        Self::System { offset_us }
    }

    /// A clock that stands still until [`Clock::advance_us`] is called.
    pub fn manual(start: Timestamp) -> Self {
        Self::Manual(Arc::new(AtomicU64::new(start.0)))
    }

    /// The present moment.
    #[inline]
    pub fn now(&self) -> Timestamp {
        match self {
            Self::System { offset_us } => Timestamp(boot_us() + offset_us),
            Self::Manual(at) => Timestamp(at.load(Ordering::SeqCst)),
        }
    }

    /// The present moment to within a few milliseconds, never late by more than a rounding, at a
    /// tenth of the cost of [`Clock::now`]. For ages, not for stamps.
    #[inline]
    pub fn now_coarse(&self) -> Timestamp {
        match self {
            Self::System { offset_us } => Timestamp(coarse_boot_us() + offset_us),
            Self::Manual(_) => self.now(),
        }
    }

    /// The present moment on the uptime clock.
    pub fn uptime(&self) -> Timestamp {
        Timestamp(self.uptime_us())
    }

    /// Microseconds on the clock of `performance.now()`; its zero has no meaning.
    pub fn uptime_us(&self) -> u64 {
        match self {
            Self::System { .. } => monotonic_us(),
            Self::Manual(at) => at.load(Ordering::SeqCst),
        }
    }

    /// Moves a manual clock forward; the system clock ignores it.
    pub fn advance_us(&self, us: u64) {
        if let Self::Manual(at) = self {
            at.fetch_add(us, Ordering::SeqCst);
        }
    }
}

/// Nanoseconds for measuring how long something took.
#[inline]
pub fn stopwatch_ns() -> u64 {
    ticks(Tick::Monotonic)
}

fn boot_us() -> u64 {
    ticks(Tick::Boot) / 1_000
}

fn monotonic_us() -> u64 {
    ticks(Tick::Monotonic) / 1_000
}

/// The boot clock has no cheap reading; the uptime clock has one, and lags behind by the time
/// slept. After a sleep the wall clock has moved against the uptime clock: only then is the lag
/// read again.
#[cfg(target_os = "linux")]
#[inline]
fn coarse_boot_us() -> u64 {
    use rustix::time::{ClockId, Timespec, clock_gettime};
    static SLEPT_US: AtomicU64 = AtomicU64::new(0);
    static APART_US: AtomicU64 = AtomicU64::new(0);
    const NOISE_US: u64 = 50_000;
    let micros = |at: Timespec| {
        (at.tv_sec as u64).wrapping_mul(1_000_000).wrapping_add(at.tv_nsec as u64 / 1_000)
    };
    let uptime = micros(clock_gettime(ClockId::MonotonicCoarse));
    let apart = micros(clock_gettime(ClockId::RealtimeCoarse)).wrapping_sub(uptime);
    if apart.abs_diff(APART_US.load(Ordering::Acquire)) > NOISE_US {
        SLEPT_US.store(boot_us().saturating_sub(monotonic_us()), Ordering::Relaxed);
        // A reader of this value sees the sleep it was read with.
        APART_US.store(apart, Ordering::Release);
    }
    uptime + SLEPT_US.load(Ordering::Relaxed)
}

#[cfg(not(target_os = "linux"))]
fn coarse_boot_us() -> u64 {
    boot_us()
}

#[derive(Clone, Copy)]
enum Tick {
    Boot,
    Monotonic,
}

#[cfg(unix)]
fn ticks(which: Tick) -> u64 {
    use rustix::time::{ClockId, clock_gettime};
    let id = match which {
        #[cfg(target_os = "linux")]
        Tick::Boot => ClockId::Boottime,
        #[cfg(not(target_os = "linux"))]
        Tick::Boot => ClockId::Monotonic,
        Tick::Monotonic => ClockId::Monotonic,
    };
    let now = clock_gettime(id);
    (now.tv_sec as u64).wrapping_mul(1_000_000_000).wrapping_add(now.tv_nsec as u64)
}

#[cfg(not(unix))]
fn ticks(_: Tick) -> u64 {
    use std::sync::OnceLock;
    use std::time::Instant;
    static START: OnceLock<Instant> = OnceLock::new();
    START.get_or_init(Instant::now).elapsed().as_nanos() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_system_clock_agrees_with_the_wall_clock_at_start() {
        let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_micros() as u64;
        assert!(Clock::system().now().0.abs_diff(wall) < 5_000_000);
    }

    #[test]
    fn the_coarse_clock_follows_the_exact_one_and_is_never_ahead() {
        let clock = Clock::system();
        for _ in 0..1_000 {
            let coarse = clock.now_coarse();
            let exact = clock.now();
            assert!(coarse <= exact.shifted_us(1_000), "{coarse:?} {exact:?}");
            assert!(exact.since_us(coarse) < 50_000, "{coarse:?} {exact:?}");
        }
    }

    #[test]
    fn a_manual_clock_moves_only_by_hand() {
        let clock = Clock::manual(Timestamp(10));
        clock.advance_us(5);
        assert_eq!(clock.now(), Timestamp(15));
        assert_eq!(Timestamp(3).since_us(Timestamp(9)), 0);
    }
}
