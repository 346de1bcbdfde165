//! The engine: one call is one turn through memory, tags, flights, leases and the store. Which turns a
//! get takes, and in which order, is up to `handler`.
//!
//! A get: memory, then age, then tags. Nothing is locked across two of them. A set: judged first, then
//! held, then shared, then the flight lands. An invalidation takes a position and is in effect when
//! it returns. [`coordinate`] asks other processes who generates, [`shared`] reads and writes the
//! tier they see, [`report`] gives the counters.

mod absence;
mod answer;
mod builder;
mod coordinate;
mod heard;
mod notices;
mod oversize;
mod recorded;
pub mod report;
mod shared;
mod superseded;
mod tier;
mod troubles;

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use parking_lot::Mutex;

use crate::clock::{Clock, Timestamp};
use crate::coherence::revisions::Revision;
use crate::coherence::stale_reads::StaleReads;
use crate::entry::{Entry, Meta, Source};
use crate::generation::End;
use crate::generation::flights::Flights;
use crate::generation::leases::Leases;
use crate::history::History;
use crate::key::{Class, Hasher, KeyRef};
use crate::ledger::{Ledger, MemoryAccess};
use crate::memory::{Inserted, MemoryStore};
use crate::options::Options;
use crate::spread::Spread;
use crate::stats::{Stats, bump};
use crate::store::LeaseEnd;
use crate::tags::{Stamp, Tag, TagList, Verdict};

use self::absence::Absences;
use self::heard::HeardLog;
use self::superseded::Superseded;

pub use self::absence::{Absence, Former};
pub use self::answer::{Connectivity, Found, Holdings, Placed, Reason, Stored};
pub use self::builder::Builder;
pub use self::heard::Heard;
use self::oversize::Oversize;
pub use self::tier::Tier;
pub use self::troubles::Wrong;

/// What an engine asks of the program around it.
#[derive(Debug, Clone, Copy)]
pub struct Host {
    /// Converts a moment to the clock of the callers, in ms.
    pub tell: fn(Timestamp) -> f64,
    /// Checks that bytes from outside are a value of a format, under keys of a class.
    pub check: fn(Class, u8, &[u8]) -> bool,
    /// The spread of a value of a format, in a process whose options say otherwise.
    pub spread: fn(Spread, u8, &[u8]) -> Spread,
    /// Receives entries that left memory while a JavaScript object was bound to them.
    pub release: fn(&Entry),
    /// What the process tells other instances of itself.
    pub snapshot: fn(&Engine) -> Option<Vec<u8>>,
    /// What it answers when all instances are asked about something.
    pub account: fn(&Engine, &str) -> Option<Vec<u8>>,
}

/// The cache of one process.
#[derive(Debug)]
pub struct Engine {
    /// The options it runs with.
    pub options: Options,
    /// Where it reads time.
    pub clock: Clock,
    /// When it was made.
    pub began: Timestamp,
    /// What it counts.
    pub stats: Stats,
    hasher: Hasher,
    memory: Option<MemoryStore>,
    /// What this process knows of invalidations.
    pub ledger: Ledger,
    stale_reads: Mutex<StaleReads>,
    flights: Flights,
    /// Readings of build output.
    outputs: Flights,
    leases: Leases,
    superseded: Mutex<Superseded>,
    oversize: Oversize,
    /// What is known of entries that are gone.
    absences: Mutex<Absences>,
    heard: HeardLog,
    /// Whether JavaScript has asked what becomes of calls, whatever the options say.
    is_asked: AtomicBool,
    /// What it counted in each minute of the last hour.
    pub history: History,
    tier: Option<Tier>,
    host: Option<Host>,
}

impl Engine {
    fn told_ms(&self, moment: Timestamp) -> f64 {
        self.host.as_ref().map_or(moment.0 as f64 / 1e3, |host| (host.tell)(moment))
    }

    /// How the expiry of a value is spread.
    pub fn spread_of(&self, format: u8, body: &[u8]) -> Spread {
        let spread = self.options.spread;
        self.host.as_ref().map_or(spread, |host| (host.spread)(spread, format, body))
    }

    /// Makes keys of this engine.
    #[inline]
    pub fn hasher(&self) -> Hasher {
        self.hasher
    }

    /// The current revision, which dates a generation that begins now.
    #[inline]
    pub fn revision(&self) -> Revision {
        self.ledger.revision()
    }

    /// Notes that a stale entry goes to a caller that may keep what it makes of it.
    pub fn note_stale_read(&self, entry: &Entry, asked: &[Tag]) {
        let now = self.clock.now();
        let tags = entry.meta.tags.iter().chain(asked.iter().map(Tag::as_bytes));
        let stale = self.ledger.table().stale(entry.meta.stamp, tags, now);
        self.stale_reads.lock().note(entry.hash, stale, self.clock.uptime());
    }

    /// The stamp of values made of a stale entry: just below the first invalidation, among its tags
    /// and the caller's, that makes it stale. `None` if no tag does.
    pub fn stale_as(&self, entry: &Entry, asked: &[Tag]) -> Option<Stamp> {
        let stamp = entry.meta.stamp;
        let tags = entry.meta.tags.iter().chain(asked.iter().map(Tag::as_bytes));
        let stale = self.ledger.table().stale(stamp, tags, self.clock.now());
        let at = stale.iter().map(|(_, soft)| soft.before()).min()?;
        Some(Stamp { at, ..stamp })
    }

    /// The stamp of a generation of `key` that began at `began` of the uptime clock: `stamp`, or
    /// an older one if it read a stale entry.
    pub fn date(&self, key: &KeyRef<'_>, stamp: Stamp, began: Timestamp, tags: &TagList) -> Stamp {
        self.stale_reads.lock().date(key.hash, stamp, began, tags.iter())
    }

    /// Looks `key` up at `now` of the coarse clock. `soft` gives the soft tags, and is called only if
    /// something was invalidated since the entry was generated.
    #[inline]
    pub fn get(&self, key: &KeyRef<'_>, now: Timestamp, soft: impl FnOnce() -> Vec<Tag>) -> Found {
        let access = self.ledger.memory_access(now);
        if access == MemoryAccess::None {
            return Found::Unsure;
        }
        // Read before memory: an invalidation that resolved before this get is then seen.
        let revision = self.ledger.revision();
        let Some(entry) = self.memory.as_ref().and_then(|memory| memory.get(key)) else {
            return Found::Nothing;
        };
        if !access.covers(entry.meta.held_from) {
            return Found::Nothing;
        }
        let (verdict, reason) = self.judge(&entry, revision, now, soft);
        Found::Entry(entry, verdict, reason)
    }

    /// The entry that memory holds under `key`, whether or not memory may answer.
    pub fn held(&self, key: &KeyRef<'_>) -> Option<Arc<Entry>> {
        self.memory.as_ref()?.peek(key)
    }

    /// Counts a use of an entry that was served without asking memory.
    pub fn touch(&self, entry: &Entry) {
        if let Some(memory) = &self.memory {
            memory.touch(entry.hash);
        }
    }

    /// Judges an entry now: its tags, the soft tags of the caller, its age.
    #[inline]
    pub fn judge_now(&self, entry: &Entry, soft: impl FnOnce() -> Vec<Tag>) -> (Verdict, Reason) {
        self.judge(entry, self.ledger.revision(), self.clock.now_coarse(), soft)
    }

    /// Judges an entry by its age and its own tags, at `now` of the coarse clock. The revision is
    /// the one up to which the caller's tags could say otherwise; `None` if they cannot.
    #[inline]
    pub fn judge_own(&self, entry: &Entry, now: Timestamp) -> (Verdict, Option<Revision>) {
        let access = self.ledger.memory_access(now);
        let revision = self.ledger.revision();
        if !access.covers(entry.meta.held_from) {
            return (Verdict::Gone, None);
        }
        let by_age = entry.judge_age(now);
        if entry.meta.since >= revision {
            return (by_age, None);
        }
        (self.judge_tags(entry, revision, &[], now).0.max(by_age), Some(revision))
    }

    #[inline]
    fn judge(
        &self,
        entry: &Entry,
        revision: Revision,
        now: Timestamp,
        soft: impl FnOnce() -> Vec<Tag>,
    ) -> (Verdict, Reason) {
        let by_age = entry.judge_age(now);
        if entry.meta.since >= revision {
            return (by_age, Reason::Age);
        }
        let (by_tag, tag) = self.judge_tags(entry, revision, &soft(), now);
        if by_tag > by_age { (by_tag, Reason::Tag(tag)) } else { (by_age, Reason::Age) }
    }

    fn judge_tags(
        &self,
        entry: &Entry,
        revision: Revision,
        soft: &[Tag],
        now: Timestamp,
    ) -> (Verdict, Option<Tag>) {
        let stamp = entry.meta.stamp;
        let is_verified = entry.verified() >= revision;
        if is_verified && soft.is_empty() {
            return (Verdict::Fresh, None);
        }
        let own = (!is_verified).then(|| entry.meta.tags.iter()).into_iter().flatten();
        let tags = own.chain(soft.iter().map(Tag::as_bytes));
        let (verdict, tag) = if entry.meta.source == Source::Output {
            self.ledger.table().judge_output(stamp, tags, now)
        } else {
            self.ledger.table().judge(stamp, tags, now)
        };
        // Only an entry that is fresh by all tags stays verified: a stale one dies at its deadline.
        if verdict == Verdict::Fresh {
            entry.verify(revision);
        }
        (verdict, tag.map(Tag::from))
    }

    /// Stores a value and wakes its waiters. `is_local` keeps it from other processes. Returns the
    /// entry, and where it is.
    pub fn set(
        self: &Arc<Self>,
        key: &KeyRef<'_>,
        meta: Meta,
        body: Box<[u8]>,
        is_local: bool,
    ) -> (Arc<Entry>, Placed) {
        let spread = self.spread_of(meta.format, &body);
        let entry = Arc::new(Entry::new(key, meta, body).spread_by(spread));
        let placed = self.store(key, &entry, is_local);
        (entry, placed)
    }

    fn store(self: &Arc<Self>, key: &KeyRef<'_>, entry: &Arc<Entry>, is_local: bool) -> Placed {
        let mut stored = self.hold(key, entry);
        let held = stored;
        let (woken, lease) = self.leases.land(key.hash, self.clock.now(), End::Done);
        let lease = lease.and_then(|lease| lease.address);
        let shared = (!is_local && !matches!(stored, Stored::Invalidated | Stored::Older))
            .then(|| self.share(key, entry, lease.is_some()))
            .flatten();
        match (shared, lease) {
            (Some(shared), _) => stored = shared,
            (None, Some(address)) => self.end(address, LeaseEnd::Released),
            (None, None) => {}
        }
        drop(woken);
        bump(if stored == Stored::Yes { &self.stats.sets } else { &self.stats.dropped });
        self.note_size(entry, held, stored);
        let now = self.clock.now();
        if matches!(held, Stored::TooLarge | Stored::NoTier) {
            // Memory cannot hand it to the waiters.
            entry.retire();
            if stored == Stored::Yes {
                self.note_present(key.hash);
            }
            let end = if stored == Stored::Yes { End::Done } else { End::Uncacheable };
            self.flights.bring(key.hash, end, entry, now);
        } else {
            self.flights.land(key.hash, End::Done, now);
        }
        Placed { stored, is_held: held == Stored::Yes, is_shared: shared.is_some() }
    }

    /// Notes that `key` was generated: from now on its build output is history. `is_listed` says
    /// whether the build is known to have any.
    pub fn supersede(&self, key: &KeyRef<'_>, is_listed: bool) {
        if self.options.prerendered {
            self.superseded.lock().add(key.hash, is_listed);
        }
    }

    /// Whether the build output may answer for `key`: not once a newer value was stored, even if
    /// that has been evicted since.
    pub fn may_read_output(&self, key: &KeyRef<'_>, is_listed: bool) -> bool {
        self.superseded.lock().may_read(key.hash, is_listed)
    }

    /// Holds an entry that was read from build output. `is_listed` says whether the build is known
    /// to have it, `is_anew` whether it replaces output read earlier. False if memory holds nothing
    /// under the key now: there is no room, or the output is history.
    pub fn keep_prerendered(
        &self,
        key: &KeyRef<'_>,
        entry: &Arc<Entry>,
        is_listed: bool,
        is_anew: bool,
    ) -> bool {
        let Some(memory) = &self.memory else { return false };
        let held = memory.peek(key);
        if held.is_some_and(|held| !is_anew || held.meta.source != Source::Output) {
            return true;
        }
        if !self.may_read_output(key, is_listed) {
            return false;
        }
        self.insert(memory, entry) == Inserted::Yes
    }

    fn hold(&self, key: &KeyRef<'_>, entry: &Arc<Entry>) -> Stored {
        let Some(memory) = &self.memory else { return Stored::NoTier };
        let revision = self.ledger.revision();
        if entry.meta.since < revision {
            let (verdict, _) = self.judge_tags(entry, revision, &[], self.clock.now());
            if verdict == Verdict::Gone {
                return Stored::Invalidated;
            }
            let held = memory.peek(key).filter(|held| held.meta.is_younger(&entry.meta));
            if held.is_some_and(|held| self.judge_now(&held, Vec::new).0 == Verdict::Fresh) {
                return Stored::Older;
            }
        }
        match self.insert(memory, entry) {
            Inserted::Yes => Stored::Yes,
            Inserted::TooLarge => Stored::TooLarge,
        }
    }

    /// Puts an entry into memory, and lets go of those that have to leave for it.
    fn insert(&self, memory: &MemoryStore, entry: &Arc<Entry>) -> Inserted {
        let mut left = Vec::new();
        let inserted = memory.insert(entry.hash, entry, &mut left);
        self.note_left(entry.hash, &left);
        if inserted == Inserted::Yes {
            self.note_present(entry.hash);
        }
        self.release(&left);
        inserted
    }

    fn release(&self, left: &[Arc<Entry>]) {
        for entry in left {
            entry.retire();
        }
        if let Some(host) = &self.host {
            left.iter().filter(|entry| entry.is_bound()).for_each(|entry| (host.release)(entry));
        }
    }

    /// What the engine holds now.
    pub fn holdings(&self) -> Holdings {
        let memory = self.memory.as_ref();
        Holdings {
            entries: memory.map_or(0, |m| m.len() as u64),
            bytes: memory.map_or(0, MemoryStore::weight),
            capacity_bytes: self.options.memory_bytes,
            evictions: memory.map_or(0, MemoryStore::evictions),
            tags: self.ledger.table().len() as u64,
            flights: self.flights.len() as u64,
        }
    }
}

#[cfg(test)]
pub(crate) mod tests;
