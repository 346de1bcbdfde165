//! The clock on which Next.js compares moments: `performance.timeOrigin + performance.now()`.

use crate::clock::{Clock, Timestamp};

/// The offset of Next's clock in one JavaScript thread from the clocks of the engine.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct NextClock {
    /// Next's clock minus the uptime, in ms.
    pub offset_ms: f64,
    /// The engine's clock minus the uptime when that was measured, in us. The difference grows
    /// while the machine sleeps, when Next's clock stands still.
    pub drift_us: i64,
}

impl NextClock {
    /// One that is `offset_ms` ahead of the uptime.
    pub fn new(clock: &Clock, offset_ms: f64) -> Self {
        Self { offset_ms, drift_us: drift_us(clock) }
    }

    /// Now, in ms.
    pub fn now_ms(self, clock: &Clock) -> f64 {
        self.at_ms(clock.uptime())
    }

    /// A moment of the uptime clock, in ms.
    pub fn at_ms(self, uptime: Timestamp) -> f64 {
        uptime.0 as f64 / 1e3 + self.offset_ms
    }

    /// How long the machine has slept since this was measured, in ms.
    pub fn slept_ms(self, clock: &Clock) -> f64 {
        let slept = drift_us(clock) - self.drift_us;
        // The two clocks are read one after the other; less than a second is noise.
        if slept.abs() < 1_000_000 { 0.0 } else { slept as f64 / 1e3 }
    }

    /// A moment of the engine on this clock, in ms, as if it had not stood still since.
    pub fn tell_ms(self, clock: &Clock, moment: Timestamp) -> f64 {
        let (now, uptime_us) = (clock.now(), clock.uptime_us());
        let slept_us = (now.0.wrapping_sub(uptime_us) as i64).wrapping_sub(self.drift_us);
        let passed_us = now.0.wrapping_sub(moment.0) as i64;
        (uptime_us as i64 + slept_us - passed_us) as f64 / 1e3 + self.offset_ms
    }
}

/// The engine's clock minus the uptime.
fn drift_us(clock: &Clock) -> i64 {
    clock.now().0.wrapping_sub(clock.uptime_us()) as i64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_told_as_it_was_before_the_machine_slept() {
        let clock = Clock::manual(Timestamp(5_000_000));
        let next = NextClock::new(&clock, 1_000.0);
        let told_ms = next.tell_ms(&clock, Timestamp(4_000_000));
        assert_eq!((next.now_ms(&clock), next.slept_ms(&clock), told_ms), (6_000.0, 0.0, 5_000.0));
        // The uptime has lost two seconds on the engine's clock.
        let slept = NextClock { drift_us: next.drift_us - 2_000_000, ..next };
        let told_ms = slept.tell_ms(&clock, Timestamp(4_000_000));
        assert_eq!((slept.slept_ms(&clock), told_ms), (2_000.0, 7_000.0));
    }
}
