//! Invalidations, and calls around a get: one call each.

use super::env::{Slot, State};
use super::{raw, read};
use crate::handler::dating::Began;
use crate::handler::invalidate::Pending;
use crate::process;

/// `invalidate(tags, expire)`: hard without `expire`; else stale now and dead after `expire`
/// seconds. The result is a token to wait with until it is in effect everywhere, or 0 if it is.
pub(super) extern "C" fn invalidate(env: raw::Env, info: raw::Info) -> raw::Value {
    raw::call::<2>(env, info, |call| {
        let [tags, expire] = call.args;
        let (tags, expire_secs) = (read::tags(env, tags), read::number(env, expire));
        pending(env, call.state, call.state.handler().invalidate(&tags, expire_secs))
    })
}

/// `drain()`: a token to wait with until everything shared so far is stored or dropped, or 0.
pub(super) extern "C" fn drain(env: raw::Env, info: raw::Info) -> raw::Value {
    raw::call::<0>(env, info, |call| pending(env, call.state, call.state.handler().drain()))
}

fn pending(env: raw::Env, state: &State, pending: Option<Pending>) -> raw::Value {
    let Some(Pending { token, at_most_ms }) = pending else { return raw::small(env, 0) };
    state.leave(Slot::Detail, f64::from(at_most_ms));
    raw::small(env, token)
}

/// `flush()`: the reads of this tick leave.
pub(super) extern "C" fn flush(env: raw::Env, info: raw::Info) -> raw::Value {
    raw::call::<0>(env, info, |_| {
        process::engine().flush();
        raw::undefined(env)
    })
}

/// `revision()`: the current revision.
pub(super) extern "C" fn revision(env: raw::Env, info: raw::Info) -> raw::Value {
    raw::call::<0>(env, info, |_| raw::number(env, process::engine().revision().0 as f64))
}

/// `isCurrent(began)`: whether what was generated from then on, a revision and a time in ms of Next's
/// clock, may go to a caller that begins now: 1 or 0.
pub(super) extern "C" fn is_current(env: raw::Env, info: raw::Info) -> raw::Value {
    raw::call::<1>(env, info, |call| {
        let [began] = call.args;
        let began = Began::from_numbers(&read::numbers(env, began));
        let is_current = began.is_some_and(|began| call.state.handler().is_current(began));
        raw::small(env, u32::from(is_current))
    })
}

/// `diedAt(tags)`: when the last of these tags died, in ms on Next's clock; 0 if none did.
pub(super) extern "C" fn died_at(env: raw::Env, info: raw::Info) -> raw::Value {
    raw::call::<1>(env, info, |call| {
        let [tags] = call.args;
        raw::number(env, call.state.handler().died_at_ms(&read::tags(env, tags)))
    })
}

/// `tell(on)`: from now on `why` has an answer, whatever the options say, or no longer.
pub(super) extern "C" fn tell(env: raw::Env, info: raw::Info) -> raw::Value {
    raw::call::<1>(env, info, |call| {
        let [on] = call.args;
        call.state.handler().tell(read::small(env, on) == 1);
        raw::undefined(env)
    })
}

/// `hush()`: nobody calls `told` any more.
pub(super) extern "C" fn hush(env: raw::Env, info: raw::Info) -> raw::Value {
    raw::call::<0>(env, info, |call| {
        call.state.handler().hush();
        raw::undefined(env)
    })
}

/// `told(after)`: what this thread has decided after its first `after` decisions, as JSON: `end` for
/// the next call, `lost`, and `decisions`, the oldest first. Without `after` only `end`, from which
/// on decisions are remembered.
pub(super) extern "C" fn told(env: raw::Env, info: raw::Info) -> raw::Value {
    raw::call::<1>(env, info, |call| {
        let [after] = call.args;
        let after = read::number(env, after).map_or(u64::MAX, |after| after as u64);
        let told = call.state.handler().told(after);
        raw::text(env, &serde_json::to_string(&told).unwrap_or_default())
    })
}

/// `why()`: the last decision as JSON, while decisions are told; an empty text if there is none.
pub(super) extern "C" fn why(env: raw::Env, info: raw::Info) -> raw::Value {
    raw::call::<0>(env, info, |call| {
        let last = call.state.thread.last_decision();
        let why = last.map(|last| serde_json::to_string(&last).unwrap_or_default());
        raw::text(env, &why.unwrap_or_default())
    })
}
