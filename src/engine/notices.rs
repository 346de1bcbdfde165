//! What whoever runs the process is told of the shared tier, and not too often.

use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;

use crate::clock::{Timestamp, stopwatch_ns};
use crate::coherence::event::Event;
use crate::guard::say;

/// A store that comes and goes is told of once in this time.
const PAUSE_US: u64 = 10_000_000;

/// What was told so far.
pub(super) struct Notices {
    /// Where the store is, without a secret.
    pub(super) place: String,
    /// Whether it was told that the store is away, and when that was last told.
    told_away: Mutex<(bool, Timestamp)>,
    /// Whether it was told that the login is refused.
    told_refused: AtomicBool,
    /// When it was last told that invalidations wait.
    told_unrecorded_ns: Mutex<Option<u64>>,
}

impl Notices {
    /// Of a store at `place`.
    pub(super) fn of(place: String) -> Self {
        Self {
            place,
            told_away: Mutex::default(),
            told_refused: AtomicBool::default(),
            told_unrecorded_ns: Mutex::default(),
        }
    }

    /// The process ends: that the store is away then is no news.
    pub(super) fn leave(&self) {
        self.told_away.lock().0 = true;
    }

    /// Tells whoever runs the process what they should know of the store, not too often.
    pub(super) fn say_of(&self, event: &Event, now: Timestamp) {
        let place = &self.place;
        if *event == Event::Connected {
            self.told_refused.store(false, Ordering::Relaxed);
        }
        let news = match event {
            Event::Denied => Some(format!(
                "{place} forbids scripts (EVALSHA, SCRIPT LOAD) to this user: entries are shared \
                 until they expire, invalidations stay in this process"
            )),
            Event::Unreachable => self.is_away(true, now).then(|| {
                format!("{place} is away: this process goes on by itself and tries again")
            }),
            Event::Connected => self.is_away(false, now).then(|| format!("{place} is back")),
            _ => None,
        };
        if let Some(news) = news {
            say(&news);
        }
    }

    /// Tells that the login is refused, once until it no longer is.
    pub(super) fn say_refused(&self, now: Timestamp) {
        // It goes without saying that the store is away then.
        self.is_away(true, now);
        if !self.told_refused.swap(true, Ordering::Relaxed) {
            say(&format!(
                "{} refuses the login: check the user and the password; until then this process \
                 goes on by itself",
                self.place
            ));
        }
    }

    /// Tells that leases are forbidden.
    pub(super) fn say_leaseless(&self) {
        say(&format!(
            "{} forbids what leases need (EVALSHA, and in it PTTL, EXISTS, GET, SET, DEL, PEXPIRE) \
             to this user: each process generates for itself",
            self.place
        ));
    }

    /// Tells that invalidations wait to be recorded: they would be lost with the process.
    pub(super) fn say_unrecorded(&self, count: usize) {
        let now = stopwatch_ns();
        let mut told_ns = self.told_unrecorded_ns.lock();
        if told_ns.is_none_or(|told| now.saturating_sub(told) > PAUSE_US * 1_000) {
            *told_ns = Some(now);
            let place = &self.place;
            say(&format!(
                "{count} invalidated tags could not be recorded on {place}: they hold in this \
                 process, and are recorded when it answers again"
            ));
        }
    }

    /// Tells that more invalidations wait than the table has tags.
    pub(super) fn say_overflowed(&self) {
        say(&format!(
            "more tags than maxTags wait to be recorded on {}: when it answers again, everything \
             that is stored is invalidated",
            self.place
        ));
    }

    /// Notes whether the store is away. True if that is news worth telling.
    fn is_away(&self, is_away: bool, now: Timestamp) -> bool {
        let mut told = self.told_away.lock();
        let is_news = told.0 != is_away && (!is_away || now.since_us(told.1) > PAUSE_US);
        if is_news {
            *told = (is_away, now);
        }
        is_news
    }
}
