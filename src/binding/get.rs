//! Gets.

use std::sync::Arc;

use napi::sys;

use super::env::{Slot, State};
use super::raw::{self, Call};
use super::terms::{Mark, class_of, counted, flag};
use super::{prerendered, process, read, write};
use crate::clock::stopwatch_ns;
use crate::engine::{Engine, Found, Reason};
use crate::entry::{Entry, Source};
use crate::generation::End;
use crate::generation::leases::Permit;
use crate::key::{AppId, KeyRef};
use crate::next::signal::{Question, Revalidate, Signal, Version, signal};
use crate::next::value::ValueKind;
use crate::stats::{Answer, bump};
use crate::tags::{MAX_LIFE_US, Stamp, Tag, Verdict};

/// Instead of the position that a stale `'use cache'` entry counts as; `js/traces.js` names them too.
const STALE_BY_AGE: f64 = -1.0;
/// The same for what is fresh still, and only to be generated anew.
const NO_TRACE: f64 = -2.0;

pub(super) fn asked_tags(env: sys::napi_env, asked: [sys::napi_value; 2]) -> Vec<Tag> {
    asked.iter().flat_map(|tags| read::tags(env, *tags)).collect()
}

/// One get under way.
pub(super) struct Get<'a> {
    pub(super) env: sys::napi_env,
    pub(super) state: &'a State,
    pub(super) engine: &'static Arc<Engine>,
    pub(super) kind: ValueKind,
    pub(super) key: KeyRef<'a>,
    /// `ctx.tags` and soft tags of who asks.
    pub(super) asked: [sys::napi_value; 2],
    pub(super) flags: u32,
}

/// `find(kind, key, tags, softTags, app)`: the entry as `CacheHandler.get` returns it,
/// `undefined` for a miss, or a token to wait with. The mailbox says how to read it. `kind` carries
/// the flags above its lowest byte.
pub(super) extern "C" fn find(
    env: sys::napi_env,
    info: sys::napi_callback_info,
) -> sys::napi_value {
    raw::call::<5>(env, info, |call| {
        let [kind, key, tags, soft, app] = call.args;
        let packed = read::small(env, kind);
        let (kind, flags) = (ValueKind::from_number(packed & 0xFF), packed >> 8);
        let Some(kind) = kind.filter(|kind| *kind != ValueKind::UseCache) else {
            return raw::undefined(env);
        };
        let app = AppId(read::small(env, app));
        timed(call, (app, kind), key, [tags, soft], flags)
    })
}

/// `findUse(key, softTags, flags)`: the same for `'use cache'`.
pub(super) extern "C" fn find_use(
    env: sys::napi_env,
    info: sys::napi_callback_info,
) -> sys::napi_value {
    raw::call::<3>(env, info, |call| {
        let [key, soft, flags] = call.args;
        let flags = read::small(env, flags);
        let of = (AppId::default(), ValueKind::UseCache);
        timed(call, of, key, [raw::undefined(env), soft], flags)
    })
}

#[inline]
fn timed<const N: usize>(
    call: &Call<'_, N>,
    (app, kind): (AppId, ValueKind),
    key: sys::napi_value,
    asked: [sys::napi_value; 2],
    flags: u32,
) -> sys::napi_value {
    let engine = process::engine();
    let started = call.state.is_timed().then(|| {
        call.state.notice_sleep();
        stopwatch_ns()
    });
    let answer = read::with_units(call.env, key, |units| {
        let key = engine.hasher().key_of(app, class_of(kind), units);
        let get = Get { env: call.env, state: call.state, engine, kind, key, asked, flags };
        get.answer()
    });
    if let Some(started) = started {
        engine.stats.time_get(stopwatch_ns().saturating_sub(started));
    }
    answer.unwrap_or_else(|| raw::undefined(call.env))
}

impl Get<'_> {
    #[inline]
    fn answer(&self) -> sys::napi_value {
        match self.engine.get(&self.key, || self.asked_tags()) {
            Found::Entry(entry, Verdict::Fresh, _) if self.kind.accepts(entry.meta.format) => {
                if entry.is_ahead(|| self.engine.clock.now_coarse()) {
                    return self.ahead(&entry);
                }
                self.fresh(&entry)
            }
            Found::Unsure => self.ask(),
            found => self.further(found),
        }
    }

    pub(super) fn asked_tags(&self) -> Vec<Tag> {
        asked_tags(self.env, self.asked)
    }

    #[inline]
    pub(super) fn fresh(&self, entry: &Arc<Entry>) -> sys::napi_value {
        self.count(entry, Verdict::Fresh);
        let has_found = self.flags & (flag::OUTPUT | flag::READ) != 0;
        if has_found && self.flags & flag::AHEAD == 0 {
            // What was found need not be generated.
            self.engine.end_lead(&self.key, End::Done);
        }
        self.note("fresh", entry, "");
        self.told(Mark::Fresh, 0.0);
        self.object(entry)
    }

    pub(super) fn stale(
        &self,
        entry: &Arc<Entry>,
        mark: Mark,
        modified: f64,
        why: &Reason,
    ) -> sys::napi_value {
        self.count(entry, Verdict::Stale);
        self.note("stale", entry, &words(why));
        let is_kept = self.flags & flag::MARKED != 0 && process::version() < Version::V16_4;
        if is_kept && matches!(why, Reason::Tag(_)) {
            // What is made of it is no fresher, also where Next.js takes no tags over.
            self.engine.note_stale_read(entry, &self.asked_tags());
        }
        if self.kind == ValueKind::UseCache {
            return self.traced(entry, mark);
        }
        self.state.leave(Slot::Revision, self.engine.revision().0 as f64);
        self.told(mark, modified);
        self.object(entry)
    }

    /// Stale, and somebody else generates: whoever asks need not know, since nothing that is kept
    /// comes of it.
    pub(super) fn meanwhile(&self, entry: &Arc<Entry>, why: &Reason) -> sys::napi_value {
        self.count(entry, Verdict::Stale);
        bump(&self.engine.stats.stale_meanwhile);
        self.note("stale, another generates:", entry, &words(why));
        if self.kind == ValueKind::UseCache {
            return self.traced(entry, Mark::Meanwhile);
        }
        self.told(Mark::Meanwhile, 0.0);
        self.object(entry)
    }

    /// A stale entry of which something may be made that is kept, by whoever shares this answer: with
    /// what that counts as.
    fn traced(&self, entry: &Arc<Entry>, mark: Mark) -> sys::napi_value {
        let is_waited_for = process::version() >= Version::V16_4;
        let now = self.engine.clock.now();
        let (epoch, position) = match self.engine.stale_as(entry, &self.asked_tags()) {
            Some(Stamp { epoch, at }) => (epoch.0, at.position.0 as f64),
            // Before 16.4 Next.js takes what is stale by age for good enough to keep: what is made of it
            // would have to be generated twice each time.
            None if is_waited_for && entry.looks_stale(now) => (0, STALE_BY_AGE),
            None => (0, NO_TRACE),
        };
        self.state.leave(Slot::Revision, epoch as f64);
        self.told(mark, position);
        self.object(entry)
    }

    #[inline]
    fn told(&self, mark: Mark, modified: f64) {
        self.state.leave(Slot::Mark, f64::from(mark as u8));
        self.state.leave(Slot::Detail, modified);
    }

    fn object(&self, entry: &Arc<Entry>) -> sys::napi_value {
        let object = write::object(self.env, self.state, entry);
        object.unwrap_or_else(|| raw::undefined(self.env))
    }

    /// Something stale, to the get that leads: Next.js generates it.
    pub(super) fn regenerate(
        &self,
        entry: &Arc<Entry>,
        reason: &Reason,
        permit: Permit,
    ) -> sys::napi_value {
        permit.spend();
        self.imperfect(entry, Verdict::Stale, reason)
    }

    /// An entry that is not fresh, to a get that generates: what Next.js is told depends on its
    /// version.
    #[cold]
    pub(super) fn imperfect(
        &self,
        entry: &Arc<Entry>,
        verdict: Verdict,
        reason: &Reason,
    ) -> sys::napi_value {
        if self.kind == ValueKind::UseCache {
            let mark = if self.sees(entry, reason) { Mark::Stale } else { Mark::Modified };
            return match verdict {
                Verdict::Gone => self.join(&words(reason)),
                _ => self.stale(entry, mark, 0.0, reason),
            };
        }
        match self.signal(entry, verdict, reason) {
            Signal::AsIs => self.stale(entry, Mark::Stale, 0.0, reason),
            Signal::Modified(ms) => self.stale(entry, Mark::Modified, ms, reason),
            Signal::Brief(ms) => self.stale(entry, Mark::Brief, ms, reason),
            Signal::Miss => self.join(&words(reason)),
        }
    }

    /// Whether Next.js sees by itself that an entry is stale or gone: by its age, if that is what it
    /// was told. Anything else it must be told.
    fn sees(&self, entry: &Entry, reason: &Reason) -> bool {
        // Of a fetch it counts the time of who asks, which may be longer. That is for them to say, but
        // not if they alone are to generate it for all.
        let is_led = self.kind == ValueKind::Fetch && self.flags & (flag::ASIDE | flag::KEPT) == 0;
        *reason == Reason::Age && !is_led && entry.looks_stale(self.engine.clock.now())
    }

    fn signal(&self, entry: &Entry, verdict: Verdict, reason: &Reason) -> Signal {
        let meta = &entry.meta;
        let question = Question {
            version: process::version(),
            kind: self.kind,
            verdict,
            is_told: !self.sees(entry, reason),
            modified_ms: meta.told_ms,
            now_ms: self.state.next_now_ms(),
            revalidate: meta
                .revalidate_us
                .map_or(Revalidate::Never, |us| Revalidate::Secs(us as f64 / 1e6)),
            outlived: self.engine.clock.now().since_us(meta.created) > MAX_LIFE_US,
        };
        signal(&question, || prerendered::is_closed(&self.key))
    }

    /// Where this get has the entry from: what was read just now, memory has from then on.
    #[inline]
    fn source(&self, entry: &Entry) -> Source {
        match entry.meta.source {
            Source::Output if self.flags & flag::OUTPUT != 0 => Source::Output,
            Source::Shared if self.flags & flag::READ != 0 => Source::Shared,
            _ => Source::Generated,
        }
    }

    #[inline]
    fn count(&self, entry: &Entry, verdict: Verdict) {
        let answer = match (self.source(entry), verdict) {
            (Source::Generated, Verdict::Fresh) => Answer::MemoryFresh,
            (Source::Generated, _) => Answer::MemoryStale,
            (Source::Shared, Verdict::Fresh) => Answer::SharedFresh,
            (Source::Shared, _) => Answer::SharedStale,
            (Source::Output, Verdict::Fresh) => Answer::PrerenderedFresh,
            (Source::Output, _) => Answer::PrerenderedStale,
        };
        self.engine.stats.count(counted(self.kind), answer);
        let has_joined = self.flags & flag::JOINED != 0 && entry.meta.source == Source::Generated;
        let has_followed = self.flags & flag::FOLLOWED != 0;
        if has_joined {
            bump(&self.engine.stats.joined);
        }
        if verdict == Verdict::Fresh && (has_joined || has_followed) {
            bump(&self.engine.stats.saved);
        }
    }

    #[inline]
    fn note(&self, outcome: &str, entry: &Entry, why: &str) {
        if self.engine.options.debug {
            let tier = match self.source(entry) {
                Source::Generated => "memory",
                Source::Shared => "shared",
                Source::Output => "prerendered",
            };
            let secs = self.engine.clock.now().since_us(entry.meta.created) / 1_000_000;
            let why = if why.is_empty() { format!("{secs} s old") } else { why.to_owned() };
            *self.state.why.borrow_mut() = format!("{tier} {outcome} {why}");
        }
    }
}

pub(super) fn words(reason: &Reason) -> String {
    match reason {
        Reason::Age => "by age".into(),
        Reason::Superseded => "older than what was stored since".into(),
        Reason::Ahead => "before it turns stale".into(),
        Reason::Unsure => "unknown whether it is current".into(),
        Reason::Tag(Some(tag)) => format!("tag {tag}"),
        Reason::Tag(None) => "older than the tags remembered".into(),
    }
}
