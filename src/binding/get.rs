//! Gets.

use std::sync::Arc;

use napi::sys;

use super::env::{Slot, State};
use super::raw::{self, Call};
use super::terms::{Mark, class_of, counted, flag};
use super::{prerendered, process, read, write};
use crate::clock::stopwatch_ns;
use crate::engine::{Engine, Found, Reason};
use crate::entry::Entry;
use crate::flight::{Joined, Landing, Wake};
use crate::key::KeyRef;
use crate::next::signal::{Question, Revalidate, Signal, Version, signal};
use crate::next::value::ValueKind;
use crate::stats::{Answer, bump};
use crate::tags::{MAX_LIFE_US, Tag, Verdict};

/// Next.js 16.3 joins concurrent generations of a `'use cache'` entry itself.
pub(super) const JOINS_USE_CACHE: Version = Version { major: 16, minor: 3, patch: 0 };

/// Longest wait for a file of the build output, in ms.
const OUTPUT_WAIT_MS: u32 = 2_200;
/// From here on Next.js generates a stale inner entry anew before an outer one keeps it.
const RENEWS_INNER: Version = Version { major: 16, minor: 4, patch: 0 };
/// From here on Next.js renders a page of `dynamicParams = false` that is missing.
const MISS_IS_NO_404: Version = Version { major: 16, minor: 4, patch: 0 };

pub(super) fn asked_tags(env: sys::napi_env, asked: [sys::napi_value; 2]) -> Vec<Tag> {
    asked.iter().flat_map(|tags| read::tags(env, *tags)).collect()
}

/// One get under way.
struct Get<'a> {
    env: sys::napi_env,
    state: &'a State,
    engine: &'static Engine,
    kind: ValueKind,
    key: KeyRef<'a>,
    /// `ctx.tags` and soft tags of who asks.
    asked: [sys::napi_value; 2],
    flags: u32,
}

/// `find(kind, key, tags, softTags)`: the entry as `CacheHandler.get` returns it,
/// `undefined` for a miss, or a token to wait with. The mailbox says how to read it. `kind` carries
/// the flags above its lowest byte.
pub(super) extern "C" fn find(
    env: sys::napi_env,
    info: sys::napi_callback_info,
) -> sys::napi_value {
    raw::call::<4>(env, info, |call| {
        let [kind, key, tags, soft] = call.args;
        let packed = read::small(env, kind);
        let (kind, flags) = (ValueKind::from_number(packed & 0xFF), packed >> 8);
        let Some(kind) = kind.filter(|kind| *kind != ValueKind::UseCache) else {
            return raw::undefined(env);
        };
        timed(call, kind, key, [tags, soft], flags)
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
        timed(call, ValueKind::UseCache, key, [raw::undefined(env), soft], flags)
    })
}

#[inline]
fn timed<const N: usize>(
    call: &Call<'_, N>,
    kind: ValueKind,
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
        let key = engine.hasher().key(class_of(kind), units);
        let get = Get { env: call.env, state: call.state, engine, kind, key, asked, flags };
        if kind == ValueKind::UseCache { get.find_use() } else { get.find() }
    });
    if let Some(started) = started {
        engine.stats.time_get(stopwatch_ns().saturating_sub(started));
    }
    answer.unwrap_or_else(|| raw::undefined(call.env))
}

impl Get<'_> {
    #[inline]
    fn find(&self) -> sys::napi_value {
        let found = self.engine.get(&self.key, || self.asked_tags());
        match found {
            Found::Entry(entry, Verdict::Fresh, _) if self.kind.accepts(entry.meta.format) => {
                self.fresh(&entry)
            }
            Found::Entry(entry, verdict, reason) if self.kind.accepts(entry.meta.format) => {
                self.imperfect(&entry, verdict, &reason)
            }
            Found::Entry(..) => self.miss("another kind of value"),
            Found::Nothing => self.absent(),
        }
    }

    #[inline]
    fn find_use(&self) -> sys::napi_value {
        let found = self.engine.get(&self.key, || self.asked_tags());
        match found {
            Found::Entry(entry, Verdict::Fresh, _) => self.fresh(&entry),
            Found::Entry(entry, Verdict::Stale, reason) => {
                // By age Next.js sees it itself; a stale tag it must be told.
                let is_by_tag = matches!(reason, Reason::Tag(_));
                let mark = if is_by_tag { Mark::Modified } else { Mark::Stale };
                self.stale(&entry, mark, 0.0, &reason)
            }
            Found::Entry(_, Verdict::Gone, reason) => self.absent_use(&words(&reason)),
            Found::Nothing => self.absent_use("absent"),
        }
    }

    fn asked_tags(&self) -> Vec<Tag> {
        asked_tags(self.env, self.asked)
    }

    #[inline]
    fn fresh(&self, entry: &Arc<Entry>) -> sys::napi_value {
        self.count(entry, Verdict::Fresh);
        self.note("fresh", entry, "");
        self.told(Mark::Fresh, 0.0);
        self.object(entry)
    }

    fn stale(
        &self,
        entry: &Arc<Entry>,
        mark: Mark,
        modified: f64,
        why: &Reason,
    ) -> sys::napi_value {
        self.count(entry, Verdict::Stale);
        if matches!(why, Reason::Tag(_)) && process::version() < RENEWS_INNER {
            self.engine.hand_out(entry, &self.asked_tags());
        }
        self.note("stale", entry, &words(why));
        self.state.leave(Slot::Revision, self.engine.revision().0 as f64);
        self.told(mark, modified);
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

    /// An entry that is not fresh: what Next.js is told depends on its version.
    #[cold]
    fn imperfect(&self, entry: &Arc<Entry>, verdict: Verdict, reason: &Reason) -> sys::napi_value {
        let meta = &entry.meta;
        let question = Question {
            version: process::version(),
            kind: self.kind,
            verdict,
            by_tag: !matches!(reason, Reason::Age),
            modified_ms: meta.told_ms,
            now_ms: self.state.next_now_ms(),
            revalidate: meta
                .revalidate_us
                .map_or(Revalidate::Never, |us| Revalidate::Secs(us as f64 / 1e6)),
            outlived: self.engine.clock.now().since_us(meta.created) > MAX_LIFE_US,
        };
        match signal(&question, || prerendered::is_closed(&self.key)) {
            Signal::AsIs => self.stale(entry, Mark::Stale, 0.0, reason),
            Signal::Modified(ms) => self.stale(entry, Mark::Modified, ms, reason),
            Signal::Brief(ms) => self.stale(entry, Mark::Brief, ms, reason),
            Signal::Miss if self.kind == ValueKind::Fetch => self.join(&words(reason)),
            Signal::Miss => self.miss(&words(reason)),
        }
    }

    /// Nothing in memory: somebody may be fetching it, or the build output has it.
    #[cold]
    fn absent(&self) -> sys::napi_value {
        if self.flags & flag::AFTER != 0 {
            let delivered = self.state.delivered(self.key.hash);
            return match delivered {
                Some(entry) => self.judged(&entry),
                None => self.miss("absent"),
            };
        }
        match self.kind {
            ValueKind::Fetch => self.join("absent"),
            ValueKind::AppPage | ValueKind::AppRoute | ValueKind::Pages => self.read_output(),
            _ => self.miss("absent"),
        }
    }

    fn judged(&self, entry: &Arc<Entry>) -> sys::napi_value {
        if !self.kind.accepts(entry.meta.format) {
            return self.miss("another kind of value");
        }
        if !self.engine.may_read_output(&self.key) {
            return self.imperfect(entry, Verdict::Gone, &Reason::Superseded);
        }
        let (verdict, reason) = self.engine.judge_now(entry, || self.asked_tags());
        if verdict == Verdict::Fresh {
            return self.fresh(entry);
        }
        self.imperfect(entry, verdict, &reason)
    }

    /// Joins a fetch under way, or leads it.
    fn join(&self, why: &str) -> sys::napi_value {
        let wait_ms = self.engine.options.fetch_wait_ms;
        if wait_ms == 0 || self.flags & flag::AFTER != 0 || process::building() {
            return self.miss(why);
        }
        let token = self.state.token();
        match self.engine.join(&self.key, &self.waker(), token) {
            Joined::Wait => self.waiting(token, wait_ms),
            Joined::Lead | Joined::Pass => self.miss(why),
        }
    }

    /// Reads prerendered output in the background; the others that want it wait with us.
    fn read_output(&self) -> sys::napi_value {
        let app = process::app();
        let may = self.engine.options.prerendered && !app.building;
        // Even as history the output of such a page is better than nothing: that would be a 404.
        let is_wanted = || {
            self.engine.may_read_output(&self.key)
                || app.version < MISS_IS_NO_404 && prerendered::is_closed(&self.key)
        };
        let Some(dir) = app.server_dir.filter(|_| may && is_wanted()) else {
            return self.miss("absent");
        };
        let token = self.state.token();
        match self.engine.join(&self.key, &self.waker(), token) {
            Joined::Wait => self.waiting(token, OUTPUT_WAIT_MS),
            Joined::Pass => self.miss("absent"),
            Joined::Lead => {
                let job = prerendered::Job {
                    dir,
                    kind: self.kind,
                    units: self.key.units.into(),
                    is_fallback: self.flags & flag::FALLBACK != 0,
                    is_ppr: self.flags & flag::PPR != 0,
                };
                self.engine.wait(&self.key, &self.waker(), token);
                if job.start(self.env, self.state) {
                    self.waiting(token, OUTPUT_WAIT_MS)
                } else {
                    self.engine.land(&self.key, Landing::Stored);
                    self.miss("absent")
                }
            }
        }
    }

    /// A `'use cache'` miss: a set of the key may be under way, and up to 16.2 a generation.
    #[cold]
    fn absent_use(&self, why: &str) -> sys::napi_value {
        let wait_ms = self.engine.options.wait_ms;
        if wait_ms == 0 || self.flags & flag::AFTER != 0 {
            return self.miss(why);
        }
        let token = self.state.token();
        let waits = if process::version() < JOINS_USE_CACHE && !process::building() {
            self.engine.join(&self.key, &self.waker(), token) == Joined::Wait
        } else {
            self.engine.wait(&self.key, &self.waker(), token)
        };
        if waits { self.waiting(token, wait_ms) } else { self.miss(why) }
    }

    fn waker(&self) -> Arc<dyn Wake> {
        self.state.shared.clone()
    }

    fn waiting(&self, token: u32, wait_ms: u32) -> sys::napi_value {
        self.state.leave(Slot::Detail, f64::from(wait_ms));
        raw::small(self.env, token)
    }

    fn miss(&self, why: &str) -> sys::napi_value {
        self.engine.stats.count(counted(self.kind), Answer::Miss);
        self.state.leave(Slot::Revision, self.engine.revision().0 as f64);
        if self.engine.options.debug {
            *self.state.why.borrow_mut() = format!("none miss {why}");
        }
        raw::undefined(self.env)
    }

    /// Whether this get was answered by the build output itself; from then on memory has it.
    #[inline]
    fn is_from_output(&self, entry: &Entry) -> bool {
        entry.meta.prerendered && self.flags & flag::AFTER != 0
    }

    #[inline]
    fn count(&self, entry: &Entry, verdict: Verdict) {
        let answer = match (self.is_from_output(entry), verdict) {
            (false, Verdict::Fresh) => Answer::MemoryFresh,
            (false, _) => Answer::MemoryStale,
            (true, Verdict::Fresh) => Answer::PrerenderedFresh,
            (true, _) => Answer::PrerenderedStale,
        };
        self.engine.stats.count(counted(self.kind), answer);
        if self.flags & flag::AFTER != 0 && !entry.meta.prerendered {
            bump(&self.engine.stats.joined);
        }
    }

    #[inline]
    fn note(&self, outcome: &str, entry: &Entry, why: &str) {
        if self.engine.options.debug {
            let tier = if self.is_from_output(entry) { "prerendered" } else { "memory" };
            let secs = self.engine.clock.now().since_us(entry.meta.created) / 1_000_000;
            let why = if why.is_empty() { format!("{secs} s old") } else { why.to_owned() };
            *self.state.why.borrow_mut() = format!("{tier} {outcome} {why}");
        }
    }
}

fn words(reason: &Reason) -> String {
    match reason {
        Reason::Age => "by age".into(),
        Reason::Superseded => "older than what was stored since".into(),
        Reason::Tag(Some(tag)) => format!("tag {tag}"),
        Reason::Tag(None) => "older than the tags remembered".into(),
    }
}

/// `giveUp(kind, key)`: a get waited for the key in vain.
pub(super) extern "C" fn give_up(
    env: sys::napi_env,
    info: sys::napi_callback_info,
) -> sys::napi_value {
    raw::call::<2>(env, info, |call| {
        let [kind, key] = call.args;
        if let Some(kind) = ValueKind::from_number(read::small(env, kind)) {
            let engine = process::engine();
            let hash = |units: &[u16]| engine.hasher().key(class_of(kind), units).hash;
            if let Some(hash) = read::with_units(env, key, hash) {
                engine.give_up(hash);
            }
        }
        raw::undefined(env)
    })
}

/// `revision()`: the revision of what is known now.
pub(super) extern "C" fn revision(
    env: sys::napi_env,
    info: sys::napi_callback_info,
) -> sys::napi_value {
    raw::call::<0>(env, info, |_| raw::number(env, process::engine().revision().0 as f64))
}

/// `why()`: tier, outcome and reason of the last decision, while decisions are printed.
pub(super) extern "C" fn why(env: sys::napi_env, info: sys::napi_callback_info) -> sys::napi_value {
    raw::call::<0>(env, info, |call| {
        let units: Vec<u8> =
            call.state.why.borrow().encode_utf16().flat_map(u16::to_ne_bytes).collect();
        raw::utf16(env, &units)
    })
}
