//! Why there is no entry, and what the entries were that are gone: as far as that can be known, in
//! bounded memory.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::Engine;
use crate::bounded::Bounded;
use crate::clock::Timestamp;
use crate::codec::Broken;
use crate::entry::{Entry, Meta};
use crate::key::{Hash128, KeyRef};

/// Keys of which it is known why there is no entry.
const MOST_KEYS: usize = 8_192;
/// Of a longer key only this many units are kept of an entry that left memory.
const MOST_UNITS: usize = 1_024;

/// Why there is no entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Absence {
    /// Nothing was stored under the key, as far as this process knows.
    NeverStored,
    /// Nothing was stored by this build: pages of other builds do not count.
    NotOfBuild,
    /// Memory evicted it for room, this many microseconds ago.
    Evicted(u64),
    /// Memory has none, and the shared tier is away.
    StoreAway,
    /// The shared tier has one that is not trusted: it was signed with another secret.
    OtherSecret,
    /// The shared tier has one that is not trusted: it is not signed.
    Unsigned,
    /// The shared tier has one in a format of a later version.
    LaterFormat,
    /// The shared tier has bytes that are no entry, or one of another key.
    Broken,
}

impl Absence {
    /// The words for logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NeverStored => "never stored",
            Self::NotOfBuild => "never stored by this build",
            Self::Evicted(_) => "evicted for room",
            Self::StoreAway => "not in memory, and Redis is away",
            Self::OtherSecret => "stored in Redis with another secret",
            Self::Unsigned => "stored in Redis without a signature",
            Self::LaterFormat => "stored in Redis by a later version",
            Self::Broken => "stored in Redis, but damaged",
        }
    }
}

impl From<Broken> for Absence {
    fn from(broken: Broken) -> Self {
        match broken {
            Broken::Mac => Self::OtherSecret,
            Broken::Unsigned => Self::Unsigned,
            Broken::Version | Broken::Flags => Self::LaterFormat,
            _ => Self::Broken,
        }
    }
}

/// An entry that left memory, without its body.
#[derive(Debug, Clone, PartialEq)]
pub struct Former {
    /// Its number.
    pub id: u64,
    /// Its key, perhaps cut.
    pub key: Box<[u16]>,
    /// What was known of it.
    pub meta: Meta,
    /// The bytes of its body.
    pub bytes: usize,
}

impl From<&Entry> for Former {
    fn from(entry: &Entry) -> Self {
        let key = entry.key();
        Self {
            id: entry.id,
            key: key.get(..MOST_UNITS).unwrap_or(key).into(),
            meta: entry.meta.clone(),
            bytes: entry.body.len(),
        }
    }
}

/// What is known of entries that are gone.
#[derive(Debug)]
pub(super) struct Absences {
    reasons: Bounded<Cause>,
    /// Entries that left memory, as far as decisions about them are remembered.
    former: VecDeque<Former>,
    most_former: usize,
}

#[derive(Debug, Clone, Copy)]
enum Cause {
    Evicted(Timestamp),
    Unreadable(Absence),
}

impl Absences {
    /// Remembers as many former entries as there are decisions that may be about them; without any
    /// it remembers nothing.
    pub(super) fn new(decisions: usize) -> Self {
        Self { reasons: Bounded::new(MOST_KEYS), former: VecDeque::new(), most_former: decisions }
    }

    fn note(&mut self, key: Hash128, cause: Cause) {
        if let Some(noted) = self.reasons.get_or_insert(key, || cause, |_| true) {
            *noted = cause;
        }
    }

    /// These entries left for one that was inserted under `inserted`.
    fn leave(&mut self, inserted: Hash128, left: &[Arc<Entry>], now: Timestamp) {
        for entry in left {
            if entry.hash != inserted {
                self.note(entry.hash, Cause::Evicted(now));
            }
            self.keep(Former::from(&**entry));
        }
    }

    fn keep(&mut self, former: Former) {
        if self.most_former == 0 {
            return;
        }
        if self.former.len() >= self.most_former {
            self.former.pop_front();
        }
        self.former.push_back(former);
    }
}

impl Engine {
    /// Why there is no entry of `key`.
    pub fn absence(&self, key: &KeyRef<'_>) -> Absence {
        let cause = self.absences.lock().reasons.get(key.hash).copied();
        let tier = self.tier();
        match cause {
            Some(Cause::Unreadable(absence)) => absence,
            _ if tier.is_some() && self.ledger.is_offline() => Absence::StoreAway,
            Some(Cause::Evicted(at)) => Absence::Evicted(self.clock.now().since_us(at)),
            None if tier.is_some_and(|tier| tier.is_of_build(key.class)) => Absence::NotOfBuild,
            None => Absence::NeverStored,
        }
    }

    /// Whether anybody asks what became of entries.
    fn is_watched(&self) -> bool {
        self.options.decisions > 0 || self.options.debug || self.is_asked()
    }

    /// From now on it is known what became of entries, whatever the options say. Not ended: who asked
    /// once may ask again, and reasons that were not noted meanwhile would be wrong ones.
    pub fn watch(&self) {
        if !self.is_asked() {
            self.is_asked.store(true, Ordering::Relaxed);
        }
    }

    /// Whether [`Engine::watch`] was called.
    pub(super) fn is_asked(&self) -> bool {
        self.is_asked.load(Ordering::Relaxed)
    }

    /// Notes that bytes of the shared tier are no entry of `key`.
    pub(super) fn note_unreadable(&self, key: &KeyRef<'_>, absence: Absence) {
        if self.is_watched() {
            self.absences.lock().note(key.hash, Cause::Unreadable(absence));
        }
    }

    /// Notes that there is an entry of this key now: whatever became of those before is history.
    pub(super) fn note_present(&self, key: Hash128) {
        if self.is_watched() {
            self.absences.lock().reasons.remove(key);
        }
    }

    /// Notes which entries left memory, because of one that was inserted under `inserted`.
    pub(super) fn note_left(&self, inserted: Hash128, left: &[Arc<Entry>]) {
        if left.is_empty() {
            return;
        }
        let now = self.clock.now();
        for entry in left.iter().filter(|entry| entry.hash != inserted) {
            self.stats.evicted_secs.record(now.since_us(entry.meta.created) / 1_000_000, 1);
        }
        if self.is_watched() {
            self.absences.lock().leave(inserted, left, now);
        }
    }

    /// The entries with these numbers, as far as they are held or remembered.
    pub fn entries_by_number(&self, is_wanted: impl Fn(u64) -> bool) -> Vec<Former> {
        let mut found = Vec::new();
        // First, so that an entry that leaves memory meanwhile is among those remembered.
        if let Some(memory) = &self.memory {
            memory.visit(|entry| {
                if is_wanted(entry.id) {
                    found.push(Former::from(entry));
                }
            });
        }
        let absences = self.absences.lock();
        found.extend(absences.former.iter().filter(|former| is_wanted(former.id)).cloned());
        found
    }
}
