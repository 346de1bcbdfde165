//! An entry: key, meta and body, immutable once made.

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};

use crate::clock::Timestamp;
use crate::coherence::revisions::Revision;
use crate::key::{AppId, Class, Hash128, KeyRef, share};
use crate::spread::Spread;
use crate::tags::{MAX_LIFE_US, Stamp, TagList, Verdict};

/// Bytes an entry costs on top of key, tags and body: the struct, its slot in the map, allocator
/// headers.
const OVERHEAD: usize = 320;

/// An age that no entry reaches.
const NEVER: u64 = u64::MAX;

/// What the engine knows about an entry. Durations are microseconds; `None` means without end.
#[derive(Debug, Clone, PartialEq)]
pub struct Meta {
    /// What this process knew when the generation of this entry began.
    pub stamp: Stamp,
    /// The revision of this process whose knowledge the stamp covers; 0 if another process
    /// generated it.
    pub since: Revision,
    /// When the generation began.
    pub created: Timestamp,
    /// The same moment as Next.js first gave it, in milliseconds on its own clock.
    pub told_ms: f64,
    /// From when on memory may serve it for a while if the store is away: when it was generated or,
    /// however old it is, read from build output.
    pub held_from: Timestamp,
    /// Age past which the entry is stale.
    pub revalidate_us: Option<u64>,
    /// Age past which the entry is no longer served.
    pub expire_us: Option<u64>,
    /// The tags that can invalidate it, without soft tags.
    pub tags: TagList,
    /// What the body is, in the words of the layer that wrote it; opaque here.
    pub format: u8,
    /// Where it came from.
    pub source: Source,
}

/// Where an entry came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// It was generated in this process.
    Generated,
    /// It is prerendered build output.
    Output,
    /// It was read from the shared tier.
    Shared,
}

impl Meta {
    /// Whether its generation is known to have begun after that of `other`.
    pub fn is_younger(&self, other: &Self) -> bool {
        self.stamp.epoch == other.stamp.epoch && self.stamp.at > other.stamp.at
    }
}

/// A stored entry.
#[derive(Debug)]
pub struct Entry {
    /// Unique in this process for its life.
    pub id: u64,
    /// The hash of its key.
    pub hash: Hash128,
    class: Class,
    app: AppId,
    key: Box<[u16]>,
    /// What the engine knows of it.
    pub meta: Meta,
    /// The bytes, opaque to the engine.
    pub body: Box<[u8]>,
    /// The newest revision at which the tags were looked up and found untouched: they are
    /// not looked up again until something else is invalidated.
    verified: AtomicU64,
    /// Whether a JavaScript object may be bound to it; that one must be released when it leaves
    /// memory.
    bound: AtomicBool,
    /// Whether it has left memory: replaced, evicted or refused.
    retired: AtomicBool,
    /// Age past which it is stale: `revalidate_us`, or somewhat less.
    fresh_us: u64,
    /// Age past which popular entries are refreshed early, and the gets since then.
    ahead_us: u64,
    asked: AtomicU32,
}

/// Gets near its end after which an entry is refreshed early, and again after as many more, in case
/// the refresh failed.
const MANY: u32 = 8;

impl Entry {
    /// Makes an entry with an identity of its own.
    pub fn new(key: &KeyRef<'_>, meta: Meta, body: Box<[u8]>) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        Self {
            id: NEXT.fetch_add(1, Ordering::Relaxed),
            hash: key.hash,
            class: key.class,
            app: key.app,
            key: key.units.into(),
            verified: AtomicU64::new(meta.since.0),
            meta,
            body,
            bound: AtomicBool::new(false),
            retired: AtomicBool::new(false),
            fresh_us: NEVER,
            ahead_us: NEVER,
            asked: AtomicU32::new(0),
        }
        .spread_by(Spread { jitter_percent: 0, ahead_percent: 0 })
    }

    /// Gives it its own moment to turn stale.
    #[must_use]
    pub fn spread_by(mut self, spread: Spread) -> Self {
        if let Some(us) = self.meta.revalidate_us {
            self.fresh_us = spread.shorten(share(&self.key), us);
            self.ahead_us = spread.ahead_us(self.fresh_us, us);
        }
        self
    }

    /// From this age on a hit is looked at twice, though the entry is fresh.
    #[must_use]
    pub fn watched_from(mut self, age_us: u64) -> Self {
        self.ahead_us = self.ahead_us.min(age_us);
        self
    }

    /// The class of its key.
    pub fn class(&self) -> Class {
        self.class
    }

    /// The key as JavaScript spelled it.
    pub fn key(&self) -> &[u16] {
        &self.key
    }

    /// Whether this is the entry of `key`, and not of another with the same hash.
    #[inline]
    pub fn is_of(&self, key: &KeyRef<'_>) -> bool {
        self.class == key.class && self.app == key.app && *self.key == *key.units
    }

    /// Bytes of memory that the entry takes, with the sixteenth that allocators lose to rounding.
    pub fn weight(&self) -> usize {
        let asked = size_of_val(&*self.key) + self.meta.tags.weight() + self.body.len();
        OVERHEAD + asked + asked / 16
    }

    /// Freshness by age alone, at `now`.
    #[inline]
    pub fn judge_age(&self, now: Timestamp) -> Verdict {
        let age = now.since_us(self.meta.created);
        let outlives = age > MAX_LIFE_US && self.meta.source != Source::Output;
        if self.meta.expire_us.is_some_and(|expire| age > expire) || outlives {
            return Verdict::Gone;
        }
        if age > self.fresh_us { Verdict::Stale } else { Verdict::Fresh }
    }

    /// Whether its end is so near that a popular entry is refreshed early. Reads the clock only if
    /// early refresh is on.
    #[inline]
    pub fn is_ahead(&self, now: impl FnOnce() -> Timestamp) -> bool {
        self.ahead_us != NEVER && now().since_us(self.meta.created) > self.ahead_us
    }

    /// Counts a get near its end. True if that get should refresh the entry.
    pub fn is_renewed(&self) -> bool {
        (self.asked.fetch_add(1, Ordering::Relaxed) + 1).is_multiple_of(MANY)
    }

    /// Whether Next.js, which knows only `revalidate_us`, sees that it is stale by age.
    pub fn looks_stale(&self, now: Timestamp) -> bool {
        let age = now.since_us(self.meta.created);
        self.meta.revalidate_us.is_some_and(|revalidate| age > revalidate)
    }

    /// The newest revision at which its own tags were found untouched.
    #[inline]
    pub fn verified(&self) -> Revision {
        Revision(self.verified.load(Ordering::Relaxed))
    }

    /// Records that its own tags are untouched up to `revision`.
    pub fn verify(&self, revision: Revision) {
        self.verified.fetch_max(revision.0, Ordering::Relaxed);
    }

    /// Records that a JavaScript object is bound to it. When one thread binds and another retires,
    /// at least one of them sees the other's mark if both look afterwards: hence all of these are
    /// sequentially consistent.
    pub fn bind(&self) {
        self.bound.store(true, Ordering::SeqCst);
    }

    /// Records that it has left memory, or never was there.
    pub fn retire(&self) {
        self.retired.store(true, Ordering::SeqCst);
    }

    /// Whether it has left memory.
    #[inline]
    pub fn is_retired(&self) -> bool {
        self.retired.load(Ordering::SeqCst)
    }

    /// Whether a JavaScript object may be bound to it.
    pub fn is_bound(&self) -> bool {
        self.bound.load(Ordering::SeqCst)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::key::Hasher;

    pub(crate) fn meta() -> Meta {
        Meta {
            stamp: Stamp::default(),
            since: Revision(0),
            created: Timestamp(1_000_000),
            held_from: Timestamp(1_000_000),
            told_ms: 1_000.0,
            revalidate_us: Some(2_000_000),
            expire_us: Some(5_000_000),
            tags: TagList::default(),
            format: 0,
            source: Source::Generated,
        }
    }

    #[test]
    fn an_entry_is_fresh_then_stale_then_gone() {
        let entry = Entry::new(&Hasher::default().key(Class::Fetch, &[1]), meta(), Box::default());
        assert_eq!(entry.judge_age(Timestamp(3_000_000)), Verdict::Fresh);
        assert_eq!(entry.judge_age(Timestamp(3_000_001)), Verdict::Stale);
        assert_eq!(entry.judge_age(Timestamp(6_000_001)), Verdict::Gone);
    }

    #[test]
    fn nothing_outlives_thirty_days() {
        let meta = Meta { revalidate_us: None, expire_us: None, ..meta() };
        let entry = Entry::new(&Hasher::default().key(Class::Fetch, &[1]), meta, Box::default());
        assert_eq!(entry.judge_age(Timestamp(1_000_000 + MAX_LIFE_US)), Verdict::Fresh);
        assert_eq!(entry.judge_age(Timestamp(1_000_001 + MAX_LIFE_US)), Verdict::Gone);
    }
}
