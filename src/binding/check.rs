//! The shortest get: may the object that JavaScript has ready be returned?

use napi::sys;

use super::env::{Slot, State};
use super::get::asked_tags;
use super::terms::Mark;
use super::{process, raw, read};
use crate::clock::stopwatch_ns;
use crate::engine::Engine;
use crate::entry::Entry;
use crate::next::value::ValueKind;
use crate::stats::{Answer, Kind};
use crate::tags::Verdict;

/// `check(handle)`: leaves the mark `Fresh` if the object by that name may be returned, `Asked` with
/// a revision if that depends on the tags of who asks, and any other if the key must be looked up.
pub(super) extern "C" fn check(
    env: sys::napi_env,
    info: sys::napi_callback_info,
) -> sys::napi_value {
    raw::call::<1>(env, info, |call| {
        let [handle] = call.args;
        let state = call.state;
        // Before anything can fail: what is left there is read.
        state.leave(Slot::Mark, f64::from(Mark::Stale as u8));
        let started = state.is_timed().then(|| {
            state.notice_sleep();
            stopwatch_ns()
        });
        let engine = process::engine();
        state.leave(Slot::Mark, f64::from(judged(engine, state, name(env, handle)) as u8));
        if let Some(started) = started {
            engine.stats.time_get(stopwatch_ns().saturating_sub(started));
        }
        std::ptr::null_mut()
    })
}

#[inline]
fn judged(engine: &Engine, state: &State, handle: u64) -> Mark {
    let mut hot = state.hot.borrow_mut();
    let Some(slot) = hot.slot(handle) else { return Mark::Stale };
    let is_due = slot.is_due();
    let Some(entry) = slot.entry.as_ref().filter(|entry| !entry.is_retired()) else {
        return Mark::Stale;
    };
    let (Verdict::Fresh, until) = engine.judge_own(entry) else { return Mark::Stale };
    if entry.is_ahead(|| engine.clock.now_coarse()) {
        return Mark::Stale;
    }
    engine.stats.count(kind_of(entry), Answer::MemoryFresh);
    if is_due {
        engine.touch(entry);
    }
    match until {
        Some(revision) => {
            state.leave(Slot::Revision, revision.0 as f64);
            Mark::Asked
        }
        None => Mark::Fresh,
    }
}

/// `checkAsked(handle, tags, softTags)`: after `check` left `Asked`, leaves `Fresh` if these tags
/// say nothing else.
pub(super) extern "C" fn check_asked(
    env: sys::napi_env,
    info: sys::napi_callback_info,
) -> sys::napi_value {
    raw::call::<3>(env, info, |call| {
        let [handle, tags, soft] = call.args;
        call.state.leave(Slot::Mark, f64::from(Mark::Stale as u8));
        let entry =
            call.state.hot.borrow_mut().slot(name(env, handle)).and_then(|s| s.entry.clone());
        let Some(entry) = entry else { return std::ptr::null_mut() };
        let engine = process::engine();
        let (verdict, _) = engine.judge_now(&entry, || asked_tags(env, [tags, soft]));
        if verdict == Verdict::Fresh {
            call.state.leave(Slot::Mark, f64::from(Mark::Fresh as u8));
        } else {
            engine.stats.uncount(kind_of(&entry), Answer::MemoryFresh);
        }
        std::ptr::null_mut()
    })
}

fn name(env: sys::napi_env, handle: sys::napi_value) -> u64 {
    read::number(env, handle).map_or(u64::MAX, |handle| handle as u64)
}

fn kind_of(entry: &Entry) -> Kind {
    ValueKind::from_number(u32::from(entry.meta.format)).map_or(Kind::Pages, ValueKind::counted)
}
