//! Keeps account of the promises outside the fleet: no instance sees any of it.
//!
//! A get that begins after an invalidation resolved everywhere returns nothing whose data was read
//! before that invalidation began. Not promised: the answers of an instance without the store, and,
//! after a fail-over that lost the write, the time until an instance that knows it has written it
//! again and the earlier leases are over.

use std::collections::BTreeSet;

use super::world::{Seen, TAGS};
use crate::clock::Timestamp;
use crate::coherence::event::{Call, Lifetime, Outcome};
use crate::tags::{Point, Verdict};

/// An invalidation.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Invalidation {
    call: Call,
    tag: usize,
    /// Its ordinal among the invalidations of its tag.
    count: u32,
    lifetime: Lifetime,
    began: Timestamp,
    /// The latest moment at which the store may have recorded it; stale entries may be served for
    /// its lifetime from then.
    written_at: Option<Timestamp>,
    is_resolved: bool,
}

/// Up to which invalidation a promise is void, and until when.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Void {
    from: u32,
    up_to: u32,
    lost_at: Timestamp,
    lost: Point,
    until: Option<Timestamp>,
}

/// The account of all invalidations.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub(super) struct Ghost {
    /// Invalidations begun, by tag.
    pub(super) begun: [u32; TAGS],
    /// How many of them the store's table has.
    pub(super) written: [u32; TAGS],
    told: Vec<Invalidation>,
    void: [Option<Void>; TAGS],
    pub(super) broken: Option<String>,
}

/// What a get that began at some moment may expect.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Promise {
    /// Fresh answers have seen at least this number of invalidations of their tag.
    fresh: [u32; TAGS],
    /// Stale answers have seen at least these.
    stale: [u32; TAGS],
}

impl Promise {
    /// Whether any answer is allowed.
    pub(super) fn is_void(&self) -> bool {
        self.fresh == [0; TAGS]
    }
}

impl Ghost {
    pub(super) fn begin(&mut self, call: Call, tag: usize, lifetime: Lifetime, began: Timestamp) {
        self.begun[tag] += 1;
        let count = self.begun[tag];
        self.told.push(Invalidation {
            call,
            tag,
            count,
            lifetime,
            began,
            written_at: None,
            is_resolved: false,
        });
    }

    pub(super) fn resolve(
        &mut self,
        call: Call,
        outcome: Outcome,
        now: Timestamp,
        lease_us: u64,
    ) -> Seen {
        let mut seen = Seen::ResolvedHere;
        for told in self.told.iter_mut().filter(|told| told.call == call) {
            told.is_resolved |= outcome == Outcome::Everywhere;
            seen = match outcome {
                Outcome::Here => Seen::ResolvedHere,
                Outcome::Everywhere if now.since_us(told.began) < lease_us => Seen::ResolvedByAcks,
                Outcome::Everywhere => Seen::ResolvedByTime,
            };
        }
        seen
    }

    /// The table has every invalidation of a tag that has begun.
    pub(super) fn write(&mut self, tag: usize, now: Timestamp, lease_us: u64) {
        self.written[tag] = self.begun[tag];
        self.mend(tag, now, lease_us);
    }

    /// A deadline of a tag is written, by one of its unresolved invalidations.
    pub(super) fn write_deadline(&mut self, tag: usize, now: Timestamp) {
        for told in self.told.iter_mut().filter(|told| told.tag == tag && !told.is_resolved) {
            told.written_at = Some(now);
        }
    }

    /// A table of another life: entries of it are made from now on.
    pub(super) fn write_all(&mut self, now: Timestamp, lease_us: u64) {
        (0..TAGS).for_each(|tag| self.write(tag, now, lease_us));
    }

    fn mend(&mut self, tag: usize, now: Timestamp, lease_us: u64) {
        let written = self.written[tag];
        if let Some(void) = self.void[tag].as_mut().filter(|void| written >= void.up_to) {
            void.until = void.until.or(Some(now.after_us(lease_us)));
        }
    }

    /// A fail-over went back to an older table; `lost` has the last points of the lost one.
    pub(super) fn rewind(&mut self, written: [u32; TAGS], lost: [Point; TAGS], now: Timestamp) {
        for tag in 0..TAGS {
            if written[tag] < self.written[tag] {
                let before = self.void[tag].as_ref().map_or(u32::MAX, |void| void.from);
                let (from, up_to) = (before.min(written[tag] + 1), self.written[tag]);
                let (lost_at, lost) = (now, lost[tag]);
                self.void[tag] = Some(Void { from, up_to, lost_at, lost, until: None });
            }
        }
        self.written = written;
    }

    /// An instance that knows `point` of a tag has a lease until then. If a poll since the
    /// fail-over granted it, the instance should have repaired the loss.
    pub(super) fn lease(
        &mut self,
        tag: usize,
        knows: Point,
        until: Timestamp,
        now: Timestamp,
        lease_us: u64,
    ) {
        let Some(void) = &mut self.void[tag] else { return };
        if knows >= void.lost && until > void.lost_at.after_us(lease_us) {
            void.until = void.until.or(Some(now.after_us(lease_us)));
        }
    }

    /// What a get may expect that begins now.
    pub(super) fn promise(&self, now: Timestamp) -> Promise {
        let mut promise = Promise { fresh: [0; TAGS], stale: [0; TAGS] };
        for told in self.told.iter().filter(|told| told.is_resolved && !self.is_void(told, now)) {
            let of = &mut promise.fresh[told.tag];
            *of = told.count.max(*of);
            let is_dead = match told.lifetime {
                Lifetime::None => true,
                Lifetime::Micros(us) => told.written_at.is_some_and(|at| now >= at.after_us(us)),
                Lifetime::Unlimited => false,
            };
            if is_dead {
                let of = &mut promise.stale[told.tag];
                *of = told.count.max(*of);
            }
        }
        promise
    }

    fn is_void(&self, told: &Invalidation, now: Timestamp) -> bool {
        self.void[told.tag].as_ref().is_some_and(|void| {
            (void.from..=void.up_to).contains(&told.count)
                && void.until.is_none_or(|until| now < until)
        })
    }

    /// An answer to a get.
    pub(super) fn answer(
        &mut self,
        promise: &Promise,
        tag: usize,
        saw: u32,
        verdict: Verdict,
        seen: &mut BTreeSet<Seen>,
    ) {
        let least = match verdict {
            Verdict::Fresh => promise.fresh[tag],
            Verdict::Stale => promise.stale[tag],
            Verdict::Gone => return,
        };
        if verdict == Verdict::Stale {
            seen.insert(Seen::Stale);
        } else if least > 0 {
            seen.insert(Seen::FreshAfterInvalidation);
        }
        if saw < least && self.broken.is_none() {
            self.broken = Some(format!("{verdict:?} of tag {tag} saw {saw} of {least}"));
        }
    }
}
