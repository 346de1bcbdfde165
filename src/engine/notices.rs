//! Rate-limited log lines for the operator about the shared tier.

use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;

use crate::clock::{Timestamp, stopwatch_ns};
use crate::coherence::event::Event;
use crate::guard::say;
use crate::store::{Part, Refusal, Room};

/// A store that comes and goes is reported at most once in this time.
const PAUSE_US: u64 = 10_000_000;
/// A refusal that comes and goes is reported at most once in this time.
const REFUSAL_PAUSE_US: u64 = 60_000_000;

/// What was reported so far.
pub(super) struct Notices {
    /// Where the store is, without a secret.
    pub(super) place: String,
    /// Whether the last report was that the store is away, and when that was.
    reach: Mutex<(bool, Timestamp)>,
    /// Whether a refused login was reported.
    told_refused: AtomicBool,
    /// Whether it was reported that the server is too old, or lacks commands.
    told_old: AtomicBool,
    told_lacking: AtomicBool,
    /// When waiting invalidations were last reported.
    told_unrecorded_ns: Mutex<Option<u64>>,
    told_refusal: Mutex<LastRefusal>,
}

/// The refusal that was last reported.
#[derive(Default)]
struct LastRefusal {
    what: Option<Refusal>,
    at: Timestamp,
    /// What suffers from it, until it is over.
    suffers: Option<Part>,
}

impl Notices {
    /// No reports yet, about a store at `place`.
    pub(super) fn of(place: String) -> Self {
        Self {
            place,
            reach: Mutex::default(),
            told_refused: AtomicBool::default(),
            told_old: AtomicBool::default(),
            told_lacking: AtomicBool::default(),
            told_unrecorded_ns: Mutex::default(),
            told_refusal: Mutex::default(),
        }
    }

    /// The process ends: from now on a store that is away is no news.
    pub(super) fn leave(&self) {
        self.reach.lock().0 = true;
    }

    /// Reports, rate-limited, that the store is away or back.
    pub(super) fn say_of(&self, event: &Event, now: Timestamp) {
        let place = &self.place;
        if *event == Event::Connected {
            self.told_refused.store(false, Ordering::Relaxed);
        }
        let news = match event {
            Event::Unreachable => self.note_reach(true, now).then(|| {
                format!("{place} is away: this process answers from memory and tries again")
            }),
            Event::Connected => self.note_reach(false, now).then(|| format!("{place} is back")),
            _ => None,
        };
        if let Some(news) = news {
            say(&news);
        }
    }

    /// Reports a refused login, once until the store accepts it.
    pub(super) fn say_refused(&self, now: Timestamp) {
        // This implies that the store is away, which needs no report of its own.
        self.note_reach(true, now);
        if !self.told_refused.swap(true, Ordering::Relaxed) {
            say(&format!(
                "{} refuses the login: check the user and the password; meanwhile this process \
                 answers from memory",
                self.place
            ));
        }
    }

    /// Reports that the server is older than the supported versions.
    pub(super) fn say_old(&self, version: &str) {
        if !self.told_old.swap(true, Ordering::Relaxed) {
            say(&format!(
                "{} is version {version}, and 6.0 is the oldest supported version: invalidations arrive \
                 by polling only, up to half a second late",
                self.place
            ));
        }
    }

    /// Reports that the server lacks commands.
    pub(super) fn say_lacking(&self, commands: &str) {
        if !self.told_lacking.swap(true, Ordering::Relaxed) {
            say(&format!(
                "{} has no {commands}, which scripts need: entries are shared until they expire, \
                 invalidations stay in this process",
                self.place
            ));
        }
    }

    /// Reports a refusal, or that the server accepts everything again. Repetitions are
    /// rate-limited.
    pub(super) fn say_refusal(
        &self,
        refused: Option<(Refusal, Part)>,
        namespace: &str,
        now: Timestamp,
    ) {
        // The missing commands were reported already.
        let is_lacking = self.told_lacking.load(Ordering::Relaxed);
        if is_lacking && matches!(refused, Some((Refusal::Command(_) | Refusal::Commands, _))) {
            return;
        }
        let mut told = self.told_refusal.lock();
        let place = &self.place;
        let Some((refusal, part)) = refused else {
            if told.suffers.take().is_some() {
                say(&format!("{place} refuses nothing any more, and is used again"));
            }
            return;
        };
        let is_repeated = told.what == Some(refusal) && now.since_us(told.at) <= REFUSAL_PAUSE_US;
        if !is_repeated {
            *told = LastRefusal { what: Some(refusal), at: now, suffers: Some(part) };
            say(&format!("{place} {}: {}", reason(refusal, namespace), suffers(part)));
        }
    }

    /// Reports that invalidations wait to be recorded: they would be lost with the process.
    pub(super) fn say_unrecorded(&self, count: usize) {
        if self.told_refusal.lock().suffers == Some(Part::Invalidations) {
            // The report of the refusal said so.
            return;
        }
        let now = stopwatch_ns();
        let mut told_ns = self.told_unrecorded_ns.lock();
        if told_ns.is_none_or(|told| now.saturating_sub(told) > PAUSE_US * 1_000) {
            *told_ns = Some(now);
            let place = &self.place;
            say(&format!(
                "{count} invalidated tags could not be recorded on {place}: they are in effect in \
                 this process, and will be recorded when it answers again"
            ));
        }
    }

    /// Reports a server that is not set up for a cache.
    pub(super) fn say_room(&self, room: Room) {
        if let Some(fault) = room.fault() {
            say(&format!(
                "{} has maxmemory {} and maxmemory-policy {}, which is wrong for a cache: {fault}. \
                 Set a maxmemory and volatile-lru or, if this server is not meant to be a cache, name \
                 another one in TIERCEL_REDIS_URL",
                self.place, room.most_bytes, room.policy
            ));
        }
    }

    /// Reports that more invalidations wait than the table has tags.
    pub(super) fn say_overflowed(&self) {
        say(&format!(
            "more tags than maxTags wait to be recorded on {}: when it answers again, everything \
             stored is invalidated",
            self.place
        ));
    }

    /// Notes whether the store is offline. True if that is worth a message.
    fn note_reach(&self, is_offline: bool, now: Timestamp) -> bool {
        let mut told = self.reach.lock();
        let is_news = told.0 != is_offline && (!is_offline || now.since_us(told.1) > PAUSE_US);
        if is_news {
            *told = (is_offline, now);
        }
        is_news
    }
}

/// The refusal, in words.
fn reason(refusal: Refusal, namespace: &str) -> String {
    match refusal {
        Refusal::Keys => format!("does not let this user touch the keys of {namespace}"),
        Refusal::Command("EVALSHA" | "EVAL") => {
            "forbids this user to run scripts (EVALSHA and EVAL)".into()
        }
        Refusal::Command(name) => format!("forbids this user {name}, or does not have it"),
        Refusal::Commands => {
            "forbids this user a command that a script runs (ACL LOG on the server names it)".into()
        }
        Refusal::Error(code) => format!("answers with an error ({code})"),
    }
}

/// What suffers from the refusal, until it is over.
fn suffers(part: Part) -> &'static str {
    match part {
        Part::Invalidations => {
            "until that is over, invalidations stay in this process; the other instances get them then"
        }
        Part::Entries => "until that is over, entries stay in this process",
        Part::Leases => "until that is over, each process generates for itself",
    }
}
