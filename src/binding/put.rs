//! Sets, and what becomes of generations: arguments into a value, one call.

use super::raw::{self, Call};
use super::read;
use crate::abi::{flag, unpacked};
use crate::clock::stopwatch_ns;
use crate::handler::Handler;
use crate::handler::dating::Began;
use crate::handler::request::Scope;
use crate::handler::set::{Value, is_held};
use crate::key::{AppId, KeyRef};
use crate::next::value::{Part, ValueKind, encode};

/// `put(kindAndFlags, key, began, tags, revalidate, expire, parts, app)`: stores a value of the
/// singular interface. `began` is the revision at which its generation began, the revision and the
/// time in ms of Next's clock, or the stamp that a get returned with the value. Durations are in
/// seconds, `undefined` for no end. The result is whether it is held.
pub(super) extern "C" fn put(env: raw::Env, info: raw::Info) -> raw::Value {
    raw::call::<8>(env, info, |call| {
        let [kind, key, began, tags, revalidate, expire, parts, app] = call.args;
        let started = call.state.thread.is_timed().then(stopwatch_ns);
        let (kind, flags) = unpacked(read::small(env, kind));
        let Some(kind) = kind else { return raw::small(env, 0) };
        let body = || {
            let owned = read::parts(env, parts)?;
            encode(&owned.iter().map(read::Owned::part).collect::<Vec<Part<'_>>>())
        };
        let value = |body| Value {
            tags: read::tags(env, tags),
            revalidate_secs: read::number(env, revalidate),
            expire_secs: read::number(env, expire),
            body,
            scope: scope(flags),
        };
        let is_held = with_key(call, kind, AppId(read::small(env, app)), key, |handler, key| {
            let began = Began::from_numbers(&read::numbers(env, began));
            let stored = handler.put(key, kind, body().map(value), began);
            is_held(stored)
        });
        finish(call, started, is_held)
    })
}

/// `putUse(key, timestamp, revalidate, keep, tags, json, chunks, flags)`: stores a `'use cache'` entry.
/// `timestamp` is Next's, in ms; `keep` is how long it may be served, in seconds. The result is
/// whether it is held.
pub(super) extern "C" fn put_use(env: raw::Env, info: raw::Info) -> raw::Value {
    raw::call::<8>(env, info, |call| {
        let [key, timestamp, revalidate, keep, tags, json, chunks, flags] = call.args;
        let started = call.state.thread.is_timed().then(stopwatch_ns);
        let kind = ValueKind::UseCache;
        let body = || {
            let (json, owned) = (read::units(env, json)?, read::parts(env, chunks)?);
            let bytes = |part| if let &read::Owned::Bytes(b) = part { Some(b) } else { None };
            let chunks: Vec<&[u8]> = owned.iter().map(bytes).collect::<Option<_>>()?;
            encode(&[Part::Text(&json), Part::Chunks(&chunks)])
        };
        let value = |body| Value {
            tags: read::tags(env, tags),
            revalidate_secs: read::number(env, revalidate),
            expire_secs: read::number(env, keep),
            body,
            scope: scope(read::small(env, flags)),
        };
        let is_held = with_key(call, kind, AppId::default(), key, |handler, key| {
            let stored = handler.put_use(key, body().map(value), read::number(env, timestamp));
            is_held(stored)
        });
        finish(call, started, is_held)
    })
}

fn finish<const N: usize>(
    call: &Call<'_, N>,
    started: Option<u64>,
    is_held: Option<bool>,
) -> raw::Value {
    call.state.sweep_now();
    if let Some(started) = started {
        let ns = stopwatch_ns().saturating_sub(started);
        call.state.handler().engine.stats.time_set(ns);
    }
    raw::small(call.env, u32::from(is_held == Some(true)))
}

fn scope(flags: u32) -> Scope {
    if flags & flag::LOCAL != 0 { Scope::Process } else { Scope::Fleet }
}

/// `beginUse(key)`: a set of the key is under way.
pub(super) extern "C" fn begin_use(env: raw::Env, info: raw::Info) -> raw::Value {
    raw::call::<1>(env, info, |call| {
        let [key] = call.args;
        with_key(call, ValueKind::UseCache, AppId::default(), key, |handler, key| {
            handler.begin(key);
        });
        raw::undefined(env)
    })
}

/// `abandon(kind, key, app)`: a generation of the key ended without storing a value.
pub(super) extern "C" fn abandon(env: raw::Env, info: raw::Info) -> raw::Value {
    note(env, info, |handler, kind, key| {
        handler.abandon(kind, key);
    })
}

/// `see(kind, key, app)`: the regeneration of a stale entry shows progress.
pub(super) extern "C" fn see(env: raw::Env, info: raw::Info) -> raw::Value {
    note(env, info, |handler, _, key| handler.see(key))
}

/// `idle(kind, key, app)`: the leader of the key ended without storing a value.
pub(super) extern "C" fn idle(env: raw::Env, info: raw::Info) -> raw::Value {
    note(env, info, |handler, _, key| handler.idle(key))
}

/// A call with a kind, a key and an app.
fn note(
    env: raw::Env,
    info: raw::Info,
    act: impl FnOnce(Handler<'_>, ValueKind, &KeyRef<'_>),
) -> raw::Value {
    raw::call::<3>(env, info, |call| {
        let [kind, key, app] = call.args;
        if let Some(kind) = ValueKind::from_number(read::small(env, kind)) {
            let app = AppId(read::small(env, app));
            with_key(call, kind, app, key, |handler, key| act(handler, kind, key));
        }
        raw::undefined(env)
    })
}

fn with_key<R, const N: usize>(
    call: &Call<'_, N>,
    kind: ValueKind,
    app: AppId,
    key: raw::Value,
    act: impl FnOnce(Handler<'_>, &KeyRef<'_>) -> R,
) -> Option<R> {
    let handler = call.state.handler();
    read::with_units(call.env, key, |units| {
        act(handler, &handler.engine.hasher().key_of(app, kind.class(), units))
    })
}
