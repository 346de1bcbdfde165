//! Commands that the store forbids. It may allow them again: they are retried, less and less often.

use super::timing::Timing;
use crate::clock::Timestamp;

/// The longest pause between two tries.
const MOST_PAUSE_US: u64 = 30_000_000;

/// Whether something is forbidden now.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub(super) struct Denial(Option<Denied>);

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Denied {
    since: Timestamp,
    pause_us: u64,
    again_at: Timestamp,
}

impl Denial {
    /// The store refused, for the first time or again.
    pub(super) fn note(&mut self, now: Timestamp, timing: Timing) {
        let (since, pause_us) = match &self.0 {
            None => (now, timing.retry_us),
            Some(held) => (held.since, (held.pause_us * 2).min(MOST_PAUSE_US)),
        };
        self.0 = Some(Denied { since, pause_us, again_at: now.after_us(pause_us) });
    }

    /// The store did not refuse.
    pub(super) fn end(&mut self) {
        self.0 = None;
    }

    pub(super) fn is_on(&self) -> bool {
        self.0.is_some()
    }

    /// Whether it has been forbidden for `us` or longer.
    pub(super) fn is_on_for(&self, now: Timestamp, us: u64) -> bool {
        self.0.as_ref().is_some_and(|held| now >= held.since.after_us(us))
    }

    /// When it may be tried again, but not before `at`.
    pub(super) fn again(&self, at: Timestamp) -> Timestamp {
        self.0.as_ref().map_or(at, |held| held.again_at.max(at))
    }
}
