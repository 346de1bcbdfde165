//! Sets and invalidations.

use std::sync::Arc;

use napi::sys;

use super::apps::{self, Listed};
use super::env::{Slot, State};
use super::terms::{class_of, flag};
use super::{process, raw, read};
use crate::clock::{Timestamp, stopwatch_ns};
use crate::coherence::event::Lifetime;
use crate::coherence::revisions::Revision;
use crate::engine::{Engine, Stored};
use crate::entry::{Meta, Source};
use crate::key::{AppId, KeyRef};
use crate::next::signal::Version;
use crate::next::trace::{self, Traces};
use crate::next::value::{Part, ValueKind, encode};
use crate::tags::{Epoch, Point, Position, Stamp, TagList};
use crate::wake::Wait;

/// Next's clock and ours are both read to the microsecond: a generation counts as begun this much
/// earlier, so that rounding never dates it after an invalidation.
const ROUNDING_US: i64 = 2;
/// The same where Next.js tells whole milliseconds.
const COARSE_US: i64 = 1_000;
/// Longest wait for an invalidation, in ms: the protocol answers sooner.
const INVALIDATION_WAIT_MS: u32 = 2_400;

/// `put(kindAndFlags, key, began, tags, revalidate, expire, parts, app)`: stores a value of the singular
/// interface. `began` is the revision at which its generation began, that and when, in ms of Next's
/// clock, or the stamp a get gave with the value. Durations in seconds, `undefined` = without end. The
/// result is whether it is held.
pub(super) extern "C" fn put(env: sys::napi_env, info: sys::napi_callback_info) -> sys::napi_value {
    raw::call::<8>(env, info, |call| {
        let [kind, key, began, tags, revalidate, expire, parts, app] = call.args;
        let engine = process::engine();
        let started = call.state.is_timed().then(stopwatch_ns);
        let packed = read::small(env, kind);
        let (kind, flags) = (ValueKind::from_number(packed & 0xFF), packed >> 8);
        let app = AppId(read::small(env, app));
        let value = kind.zip(read::parts(env, parts));
        let stored = value.and_then(|(kind, owned)| {
            let parts: Vec<Part<'_>> = owned.iter().map(read::Owned::part).collect();
            let body = encode(&parts)?;
            let origin = origin(env, engine, call.state, began)?;
            let mut tags = read::tags(env, tags);
            let traces = trace::take(&mut tags);
            let now = engine.clock.now();
            let meta = Meta {
                stamp: origin.stamp,
                since: origin.since,
                created: now,
                held_from: now,
                // In the terms of when this environment attached, as it is told again.
                told_ms: call.state.next_now_ms() + call.state.slept_ms(),
                revalidate_us: micros(env, revalidate),
                expire_us: micros(env, expire),
                tags: TagList::default(),
                format: kind as u8,
                source: Source::Generated,
            };
            let class = class_of(kind);
            read::with_units(env, key, |units| {
                let key = engine.hasher().key_of(app, class, units);
                let tags = tags.into_iter().chain(apps::key_tag(kind, &key)).collect();
                let meta = origin.date(engine, &key, Meta { tags, ..meta }, traces)?;
                Some(hold(engine, call.state, &key, meta, body, flags))
            })?
        });
        if stored.is_none() {
            abandon_key(env, kind, app, key);
        }
        timed(engine, started);
        raw::small(env, u32::from(stored == Some(Stored::Yes)))
    })
}

/// `putUse(key, timestamp, revalidate, keep, tags, json, chunks, flags)`: stores a `'use cache'` entry.
/// `timestamp` is Next's, in ms; `keep` is how long it may be served, in seconds. The result is
/// whether it is held.
pub(super) extern "C" fn put_use(
    env: sys::napi_env,
    info: sys::napi_callback_info,
) -> sys::napi_value {
    raw::call::<8>(env, info, |call| {
        let [key, timestamp, revalidate, keep, tags, json, chunks, flags] = call.args;
        let engine = process::engine();
        let started = call.state.is_timed().then(stopwatch_ns);
        let stored = read::with_units(env, key, |units| {
            let key = engine.hasher().key(class_of(ValueKind::UseCache), units);
            let told_ms = read::number(env, timestamp).filter(|ms| ms.is_finite());
            let begun = Begun::new(engine, call.state, told_ms);
            let owned = read::parts(env, chunks);
            let chunks: Option<Vec<&[u8]>> = owned.as_ref().and_then(|owned| {
                let bytes = |part| if let &read::Owned::Bytes(b) = part { Some(b) } else { None };
                owned.iter().map(bytes).collect()
            });
            let json = read::units(env, json);
            let parts = json.as_ref().zip(chunks.as_ref());
            let body =
                parts.and_then(|(json, chunks)| encode(&[Part::Text(json), Part::Chunks(chunks)]));
            let Some(((since, stamp), body)) = begun.dated.zip(body) else {
                engine.abandon(&key, process::version() < Version::V16_3);
                return None;
            };
            let mut tags = read::tags(env, tags);
            let traces = trace::take(&mut tags);
            let origin = Origin { stamp, since, began: Some(begun.began) };
            let meta = Meta {
                stamp,
                since,
                created: begun.created,
                held_from: begun.created,
                told_ms: begun.told_ms,
                revalidate_us: micros(env, revalidate),
                expire_us: micros(env, keep),
                tags: tags.into_iter().collect(),
                format: ValueKind::UseCache as u8,
                source: Source::Generated,
            };
            let Some(meta) = origin.date(engine, &key, meta, traces) else {
                engine.abandon(&key, process::version() < Version::V16_3);
                return None;
            };
            Some(hold(engine, call.state, &key, meta, body, read::small(env, flags)))
        });
        timed(engine, started);
        raw::small(env, u32::from(stored.flatten() == Some(Stored::Yes)))
    })
}

/// Where a value comes from.
struct Origin {
    stamp: Stamp,
    since: Revision,
    /// On the uptime clock; `None` if it cannot have read anything stale.
    began: Option<Timestamp>,
}

impl Origin {
    /// What is stored, dated back if it was made of something stale. `None` if it may not be.
    fn date(
        &self,
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

/// Where a value of the singular interface comes from. `None` if it began too long ago to know: it
/// may not be stored.
fn origin(
    env: sys::napi_env,
    engine: &Engine,
    state: &State,
    began: sys::napi_value,
) -> Option<Origin> {
    let at = |revision: f64, began| {
        let since = Revision(revision as u64);
        Some(Origin { stamp: engine.ledger.stamp_of(since)?, since, began })
    };
    if let Some(revision) = read::number(env, began) {
        return at(revision, None);
    }
    match *read::numbers(env, began).as_slice() {
        [revision, told_ms] => {
            let age_us = ((state.next_now_ms() - told_ms).max(0.0) * 1e3) as i64;
            at(revision, Some(engine.clock.uptime().shifted_us(-age_us)))
        }
        [epoch, position, local] => {
            let at = Point { position: Position(position as u64), local: local as u32 };
            let stamp = Stamp { epoch: Epoch(epoch as u64), at };
            Some(Origin { stamp, since: Revision(0), began: None })
        }
        _ => None,
    }
}

/// When a generation began, on both clocks, and what was known then.
struct Begun {
    told_ms: f64,
    created: Timestamp,
    /// On the uptime clock.
    began: Timestamp,
    /// `None` if it is too long ago to know: the value may not be stored.
    dated: Option<(Revision, Stamp)>,
}

impl Begun {
    fn new(engine: &Engine, state: &State, told_ms: Option<f64>) -> Self {
        let now_ms = state.next_now_ms();
        let told_ms = told_ms.unwrap_or(now_ms);
        let age_us = ((now_ms - told_ms).max(0.0) * 1e3) as i64;
        let created = engine.clock.now().shifted_us(-age_us);
        // On the clock that told it: if the machine slept meanwhile, the other one has run on.
        let began = engine.clock.uptime().shifted_us(-age_us);
        let rounding = if told_ms.fract() == 0.0 { COARSE_US } else { ROUNDING_US };
        // What is stored is given in the terms of when this environment attached.
        let told_ms = told_ms + state.slept_ms();
        let revision = engine.ledger.revision_at(began.shifted_us(-rounding));
        let dated = revision.and_then(|at| Some((at, engine.ledger.stamp_of(at)?)));
        Self { told_ms, created, began, dated }
    }
}

fn hold(
    engine: &Arc<Engine>,
    state: &State,
    key: &KeyRef<'_>,
    meta: Meta,
    body: Box<[u8]>,
    flags: u32,
) -> Stored {
    let is_local = flags & flag::LOCAL != 0;
    match apps::lists(key) {
        Listed::No => {}
        listed => engine.supersede(key, listed == Listed::Yes),
    }
    let stored = engine.set(key, meta, body, is_local);
    state.sweep_now();
    if engine.options.debug {
        let outcome = if stored == Stored::Yes { "memory stored" } else { "none dropped" };
        *state.why.borrow_mut() = format!("{outcome} {}", stored.as_str());
    }
    stored
}

fn timed(engine: &Engine, started: Option<u64>) {
    if let Some(started) = started {
        engine.stats.time_set(stopwatch_ns().saturating_sub(started));
    }
}

/// Seconds as microseconds; without end for what is no number, negative or endless.
fn micros(env: sys::napi_env, secs: sys::napi_value) -> Option<u64> {
    let secs = read::number(env, secs)?;
    (secs >= 0.0 && secs.is_finite()).then_some((secs * 1e6) as u64)
}

/// `beginUse(key)`: a set of the key is under way.
pub(super) extern "C" fn begin_use(
    env: sys::napi_env,
    info: sys::napi_callback_info,
) -> sys::napi_value {
    raw::call::<1>(env, info, |call| {
        let [key] = call.args;
        with_key(env, Some(ValueKind::UseCache), AppId::default(), key, Engine::begin);
        raw::undefined(env)
    })
}

/// `abandon(kind, key, app)`: a generation of the key ended and nothing is stored.
pub(super) extern "C" fn abandon(
    env: sys::napi_env,
    info: sys::napi_callback_info,
) -> sys::napi_value {
    raw::call::<3>(env, info, |call| {
        let [kind, key, app] = call.args;
        let kind = ValueKind::from_number(read::small(env, kind));
        abandon_key(env, kind, AppId(read::small(env, app)), key);
        raw::undefined(env)
    })
}

/// `see(kind, key, app)`: what was told to be stale is seen to be generated.
pub(super) extern "C" fn see(env: sys::napi_env, info: sys::napi_callback_info) -> sys::napi_value {
    raw::call::<3>(env, info, |call| {
        let [kind, key, app] = call.args;
        let (kind, app) =
            (ValueKind::from_number(read::small(env, kind)), AppId(read::small(env, app)));
        with_key(env, kind, app, key, Engine::note_progress);
        raw::undefined(env)
    })
}

/// `idle(kind, key, app)`: who was to generate the key has ended, and has stored nothing.
pub(super) extern "C" fn idle(
    env: sys::napi_env,
    info: sys::napi_callback_info,
) -> sys::napi_value {
    raw::call::<3>(env, info, |call| {
        let [kind, key, app] = call.args;
        let kind = ValueKind::from_number(read::small(env, kind));
        with_key(env, kind, AppId(read::small(env, app)), key, Engine::end_empty);
        raw::undefined(env)
    })
}

fn abandon_key(env: sys::napi_env, kind: Option<ValueKind>, app: AppId, key: sys::napi_value) {
    let is_joined = kind != Some(ValueKind::UseCache) || process::version() < Version::V16_3;
    with_key(env, kind, app, key, |engine, key| engine.abandon(key, is_joined));
}

fn with_key(
    env: sys::napi_env,
    kind: Option<ValueKind>,
    app: AppId,
    key: sys::napi_value,
    act: impl FnOnce(&Engine, &KeyRef<'_>),
) {
    let Some(class) = kind.map(class_of) else { return };
    let engine = process::engine();
    read::with_units(env, key, |units| act(engine, &engine.hasher().key_of(app, class, units)));
}

/// `invalidate(tags, expire)`: hard without `expire`; else stale now and dead after so many
/// seconds. The result is a token to wait with until it is in effect everywhere, or 0 if it is.
pub(super) extern "C" fn invalidate(
    env: sys::napi_env,
    info: sys::napi_callback_info,
) -> sys::napi_value {
    raw::call::<2>(env, info, |call| {
        let [tags, expire] = call.args;
        let tags = read::tags(env, tags);
        let lifetime = Lifetime::from_expire(read::number(env, expire));
        let token = call.state.token();
        let wait = process::engine().invalidate(&tags, lifetime, call.state.ticket(token));
        call.state.leave(Slot::Detail, f64::from(INVALIDATION_WAIT_MS));
        raw::small(env, if wait == Wait::Pending { token } else { 0 })
    })
}
