//! Rate-limited log lines for the operator about the shared tier.

use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;

use crate::clock::{Timestamp, stopwatch_ns};
use crate::coherence::event::Event;
use crate::notice::{Code, say};
use crate::store::{Part, Refusal, Room, Trouble};

use super::troubles::{Troubles, Way};

/// A store that comes and goes is reported at most once in this time.
const PAUSE_US: u64 = 10_000_000;
/// A refusal that comes and goes is reported at most once in this time.
const REFUSAL_PAUSE_US: u64 = 60_000_000;
/// Entries with another secret are reported at most once in this time.
const SECRET_PAUSE_US: u64 = 3_600_000_000;

/// What was reported so far.
pub(super) struct Notices {
    /// Where the store is, without a secret.
    pub(super) place: String,
    /// What is wrong with it.
    pub(super) troubles: Troubles,
    reach: Mutex<Reach>,
    /// Whether it was reported that the server is too old, or lacks commands.
    told_old: AtomicBool,
    told_lacking: AtomicBool,
    told_kin: AtomicBool,
    /// When waiting invalidations were last reported.
    told_unrecorded_ns: Mutex<Option<u64>>,
    told_refusal: Mutex<LastRefusal>,
    /// When entries were last reported that carry another secret.
    told_secret: Mutex<Option<Timestamp>>,
}

/// Whether the store can be reached, as far as it was reported.
#[derive(Default)]
struct Reach {
    /// Why the last report said that it is away; `None` if it said that it is back.
    away: Option<Trouble>,
    at: Timestamp,
    /// Whether the process ends: nothing is news any more.
    is_over: bool,
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
            troubles: Troubles::default(),
            reach: Mutex::default(),
            told_old: AtomicBool::default(),
            told_lacking: AtomicBool::default(),
            told_kin: AtomicBool::default(),
            told_unrecorded_ns: Mutex::default(),
            told_refusal: Mutex::default(),
            told_secret: Mutex::default(),
        }
    }

    /// The process ends: from now on a store that is away is no news.
    pub(super) fn leave(&self) {
        self.reach.lock().is_over = true;
    }

    /// Reports, rate-limited, why the store cannot be reached: after [`Event::Unreachable`], once
    /// that was looked into.
    pub(super) fn say_away(&self, trouble: Trouble, now: Timestamp) {
        let (place, why) = (&self.place, trouble.words());
        self.troubles.begin(Way::Away, trouble.as_str(), why, now);
        if self.note_away(trouble, now) {
            say(
                Code::Away,
                &format!(
                    "{place} is away ({why}): this process answers from memory and tries again"
                ),
            );
        }
    }

    /// Notes what ends with a connection. Reports, rate-limited, that the store is back.
    pub(super) fn say_of(&self, event: &Event, now: Timestamp) {
        match event {
            // Another server may be there next. What this one is like is found out before it counts
            // as connected.
            Event::Disconnected | Event::Unreachable => {
                self.troubles.end(Way::Old);
                self.troubles.end(Way::Lacking);
            }
            Event::Connected => {
                self.troubles.end(Way::Away);
                if self.note_back(now) {
                    say(Code::Back, &format!("{} is back", self.place));
                }
            }
            _ => {}
        }
    }

    /// Reports that the server is older than the supported versions.
    pub(super) fn say_old(&self, version: &str, now: Timestamp) {
        let text = format!("version {version}, and 6.0 is the oldest supported version");
        self.troubles.begin(Way::Old, Code::OldServer.as_str(), format!("it is {text}"), now);
        if !self.told_old.swap(true, Ordering::Relaxed) {
            say(
                Code::OldServer,
                &format!(
                    "{} is {text}: invalidations arrive by polling only, up to half a second late",
                    self.place
                ),
            );
        }
    }

    /// Reports that the server lacks commands.
    pub(super) fn say_lacking(&self, commands: &str, now: Timestamp) {
        let text = format!("has no {commands}, which scripts need");
        let code = Code::CommandsMissing;
        self.troubles.begin(Way::Lacking, code.as_str(), format!("it {text}"), now);
        if !self.told_lacking.swap(true, Ordering::Relaxed) {
            say(
                code,
                &format!(
                    "{} {text}: entries are shared until they expire, invalidations stay in this process",
                    self.place
                ),
            );
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
        self.note_refusal(refused.map(|(refusal, _)| refusal), namespace, now);
        // The missing commands were reported already.
        let is_lacking = self.troubles.is(Way::Lacking);
        if is_lacking && matches!(refused, Some((Refusal::Command(_) | Refusal::Commands, _))) {
            return;
        }
        let mut told = self.told_refusal.lock();
        let place = &self.place;
        let Some((refusal, part)) = refused else {
            if told.suffers.take().is_some() {
                let text = format!("{place} refuses nothing any more, and is used again");
                say(Code::Accepted, &text);
            }
            return;
        };
        let is_repeated = told.what == Some(refusal) && now.since_us(told.at) <= REFUSAL_PAUSE_US;
        if !is_repeated {
            *told = LastRefusal { what: Some(refusal), at: now, suffers: Some(part) };
            let text = format!("{place} {}: {}", reason(refusal, namespace), suffers(part));
            say(kind(refusal), &text);
        }
    }

    fn note_refusal(&self, refused: Option<Refusal>, namespace: &str, now: Timestamp) {
        match refused {
            Some(refusal) => {
                let code = match refusal {
                    Refusal::Error(code) => code,
                    _ => kind(refusal).as_str(),
                };
                let text = format!("it {}", reason(refusal, namespace));
                self.troubles.begin(Way::Refusal, code, text, now);
            }
            None => self.troubles.end(Way::Refusal),
        }
    }

    /// Reports that entries are not trusted: `how` says what they carry.
    pub(super) fn say_other_secret(&self, how: &str, now: Timestamp) {
        let mut told = self.told_secret.lock();
        if told.is_none_or(|told| now.since_us(told) > SECRET_PAUSE_US) {
            *told = Some(now);
            let text = format!(
                "entries on {} carry {how}: they are not used; the option `secret` must be the same \
                 in all processes of the app",
                self.place
            );
            say(Code::OtherSecret, &text);
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
            let text = format!(
                "{count} invalidated tags could not be recorded on {place}: they are in effect in \
                 this process, and will be recorded when it answers again"
            );
            say(Code::Unrecorded, &text);
        }
    }

    /// Reports a server that is not set up for a cache.
    pub(super) fn say_room(&self, room: Room) {
        if let Some(fault) = room.fault() {
            let text = format!(
                "{} has maxmemory {} and maxmemory-policy {}, which is wrong for a cache: {fault}. \
                 Set a maxmemory and volatile-lru or, if this server is not meant to be a cache, name \
                 another one in TIERCEL_REDIS_URL",
                self.place, room.most_bytes, room.policy
            );
            say(Code::Unsuitable, &text);
        }
    }

    /// Reports that processes of the same build use another namespace.
    pub(super) fn say_kin(&self, own: &str, other: &str) {
        if self.told_kin.swap(true, Ordering::Relaxed) {
            return;
        }
        let text = format!(
            "another process of this build uses the namespace {other} on {}, and this one {own}: they \
             share nothing, and an invalidation reaches only one of them. Set the same `namespace` in \
             all of them, or one in each if that is meant",
            self.place
        );
        say(Code::OtherNamespace, &text);
    }

    /// Reports that more invalidations wait than the table has tags.
    pub(super) fn say_overflowed(&self) {
        let text = format!(
            "more tags than maxTags wait to be recorded on {}: when it answers again, everything \
             stored is invalidated",
            self.place
        );
        say(Code::Overflowed, &text);
    }

    /// Notes that the store is away. True if that is worth a message.
    fn note_away(&self, trouble: Trouble, now: Timestamp) -> bool {
        let mut reach = self.reach.lock();
        let is_early = reach.at != Timestamp::default() && now.since_us(reach.at) <= PAUSE_US;
        if reach.is_over || reach.away == Some(trouble) || is_early {
            return false;
        }
        (reach.away, reach.at) = (Some(trouble), now);
        true
    }

    /// Notes that the store is back. True if that is worth a message.
    fn note_back(&self, now: Timestamp) -> bool {
        let mut reach = self.reach.lock();
        let is_news = !reach.is_over && reach.away.take().is_some();
        if is_news {
            reach.at = now;
        }
        is_news
    }
}

/// The kind of line that reports a refusal.
fn kind(refusal: Refusal) -> Code {
    match refusal {
        Refusal::Keys | Refusal::Command(_) | Refusal::Commands => Code::Right,
        Refusal::Error(_) => Code::Erring,
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
        Refusal::Error("OOM") => "is full (OOM)".into(),
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
