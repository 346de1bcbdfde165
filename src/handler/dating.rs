//! When a generation began, and which invalidations were known then: both date its value.

use super::Handler;
use crate::clock::Timestamp;
use crate::coherence::revisions::Revision;
use crate::engine::Engine;
use crate::entry::Meta;
use crate::key::KeyRef;
use crate::next::trace::Traces;
use crate::tags::{Epoch, Point, Position, Stamp};

/// Next's clock and ours are both read to the microsecond: a generation counts as begun this much
/// earlier, so that rounding never dates it after an invalidation.
const ROUNDING_US: i64 = 2;
/// The same where Next.js gives whole milliseconds.
const COARSE_US: i64 = 1_000;

/// What JavaScript knows of the beginning of a generation.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Began {
    /// The revision at that time. Nothing the generation read was stale.
    At(Revision),
    /// The revision, and the time in ms of Next's clock.
    AtTime(Revision, f64),
    /// The value was returned by a get, with this stamp.
    As(Stamp),
}

impl Began {
    /// From numbers: a revision; a revision and a moment; an epoch, a position and a local position.
    pub fn from_numbers(numbers: &[f64]) -> Option<Self> {
        match *numbers {
            [revision] => Some(Self::At(Revision(revision as u64))),
            [revision, told_ms] => Some(Self::AtTime(Revision(revision as u64), told_ms)),
            [epoch, position, local] => {
                let at = Point { position: Position(position as u64), local: local as u32 };
                Some(Self::As(Stamp { epoch: Epoch(epoch as u64), at }))
            }
            _ => None,
        }
    }
}

/// Where a value comes from.
#[derive(Debug, Clone, Copy)]
pub(super) struct Origin {
    pub(super) stamp: Stamp,
    pub(super) since: Revision,
    /// On the uptime clock; `None` if it cannot have read anything stale.
    pub(super) began: Option<Timestamp>,
}

/// When a generation began, as it is stored.
#[derive(Debug, Clone, Copy)]
pub(super) struct Begun {
    pub(super) origin: Origin,
    pub(super) created: Timestamp,
    /// On Next's clock, in ms, as if that had not stood still since this thread attached.
    pub(super) told_ms: f64,
}

impl Origin {
    /// The meta to store, dated back if the value was made of something stale. `None` if the value
    /// may not be stored.
    pub(super) fn date(
        self,
        engine: &Engine,
        key: &KeyRef<'_>,
        mut meta: Meta,
        traces: Traces,
    ) -> Option<Meta> {
        let marked = self.began.map(|began| engine.date(key, self.stamp, began, &meta.tags));
        let stamp = traces.date(marked.unwrap_or(self.stamp))?;
        if stamp != self.stamp {
            meta = Meta { stamp, since: Revision(0), ..meta };
        }
        if let Some(past) = meta.revalidate_us.filter(|_| traces.by_age).map(|us| us as i64 + 1) {
            meta.created = meta.created.shifted_us(-past);
            meta.told_ms -= past as f64 / 1e3;
        }
        Some(meta)
    }
}

impl Handler<'_> {
    /// The beginning of a value of the singular interface, whose age counts from its set. `None` if
    /// its revision is no longer known: it may not be stored.
    pub(super) fn began(self, began: Began) -> Option<Begun> {
        let (created, uptime, now_ms) = self.now();
        let origin = match began {
            Began::At(since) => self.origin(since, None),
            Began::AtTime(since, told_ms) => {
                self.origin(since, Some(uptime.shifted_us(-age_us(now_ms, told_ms))))
            }
            Began::As(stamp) => Some(Origin { stamp, since: Revision(0), began: None }),
        };
        Some(Begun { origin: origin?, created, told_ms: self.told_ms(now_ms) })
    }

    /// The same for a `'use cache'` entry, whose age counts from its generation, which began at
    /// `next_ms` of Next's clock, or now.
    pub(super) fn began_at(self, next_ms: Option<f64>) -> Option<Begun> {
        let Self { engine, .. } = self;
        let (now, uptime, now_ms) = self.now();
        let next_ms = next_ms.unwrap_or(now_ms);
        let age_us = age_us(now_ms, next_ms);
        let created = now.shifted_us(-age_us);
        // The uptime stands still while the machine sleeps, as Next's clock does.
        let began = uptime.shifted_us(-age_us);
        let rounding = if next_ms.fract() == 0.0 { COARSE_US } else { ROUNDING_US };
        let since = engine.ledger.revision_at(began.shifted_us(-rounding))?;
        let origin = self.origin(since, Some(began))?;
        Some(Begun { origin, created, told_ms: self.told_ms(next_ms) })
    }

    /// Whether a generation that began then, at a moment of Next's clock, is as good to a get that
    /// begins now as one of its own: nothing was invalidated since, as far as this process may
    /// answer without asking the store.
    pub fn is_current(self, began: Began) -> bool {
        let Began::AtTime(revision, told_ms) = began else { return false };
        let Engine { clock, ledger, .. } = &**self.engine;
        let now = clock.now_coarse();
        // Before the revision, as in a get.
        let access = ledger.memory_access(now);
        let age_us = age_us(self.thread.clock().now_ms(clock), told_ms);
        ledger.revision() == revision && access.covers(now.shifted_us(-age_us))
    }

    /// Now, on the clock of the engine, on the uptime clock and, in ms, on Next's. The last two are one
    /// reading: what an age makes of them is not dated later because the thread lost its turn between
    /// two.
    fn now(self) -> (Timestamp, Timestamp, f64) {
        let now = self.engine.clock.now();
        let uptime = self.engine.clock.uptime();
        (now, uptime, self.thread.clock().at_ms(uptime))
    }

    fn origin(self, since: Revision, began: Option<Timestamp>) -> Option<Origin> {
        Some(Origin { stamp: self.engine.ledger.stamp_of(since)?, since, began })
    }

    fn told_ms(self, next_ms: f64) -> f64 {
        next_ms + self.thread.clock().slept_ms(&self.engine.clock)
    }
}

fn age_us(now_ms: f64, told_ms: f64) -> i64 {
    ((now_ms - told_ms).max(0.0) * 1e3) as i64
}
