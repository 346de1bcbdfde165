//! The shortest get: may the object that JavaScript has ready be returned?

use napi::sys;

use super::env::{Slot, State};
use super::get::asked_tags;
use super::terms::{Mark, counted};
use super::{process, raw, read};
use crate::clock::stopwatch_ns;
use crate::engine::Engine;
use crate::next::value::ValueKind;
use crate::stats::{Answer, Kind};
use crate::tags::{Tag, Verdict};

/// `check(handle, tags, softTags)`: leaves the mark `Fresh` if the object that
/// JavaScript has by that name may be returned, and any other if the key must be looked up.
pub(super) extern "C" fn check(
    env: sys::napi_env,
    info: sys::napi_callback_info,
) -> sys::napi_value {
    raw::call::<3>(env, info, |call| {
        let [handle, tags, soft] = call.args;
        let started = call.state.is_timed().then(|| {
            call.state.notice_sleep();
            stopwatch_ns()
        });
        // Before anything can fail: what is left there is read.
        call.state.leave(Slot::Mark, f64::from(Mark::Stale as u8));
        let engine = process::engine();
        let handle = read::number(env, handle).unwrap_or(-1.0) as u64;
        let is_fresh = is_fresh(call.state, engine, handle, || asked_tags(env, [tags, soft]));
        if is_fresh {
            call.state.leave(Slot::Mark, f64::from(Mark::Fresh as u8));
        }
        if let Some(started) = started {
            engine.stats.time_get(stopwatch_ns().saturating_sub(started));
        }
        std::ptr::null_mut()
    })
}

#[inline]
fn is_fresh(state: &State, engine: &Engine, handle: u64, soft: impl FnOnce() -> Vec<Tag>) -> bool {
    let mut hot = state.hot.borrow_mut();
    let Some(slot) = hot.slot(handle) else { return false };
    let Some(entry) = slot.entry.as_ref().filter(|entry| !entry.is_retired()) else { return false };
    if engine.judge_now(entry, soft).0 != Verdict::Fresh {
        return false;
    }
    let kind = ValueKind::from_number(u32::from(entry.meta.format));
    engine.stats.count(kind.map_or(Kind::Pages, counted), Answer::MemoryFresh);
    if slot.is_due()
        && let Some(entry) = &slot.entry
    {
        engine.touch(entry);
    }
    true
}
