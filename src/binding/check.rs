//! The shortest get: may the object that JavaScript has ready be returned?

use super::env::{Slot, State};
use super::find::asked_tags;
use super::{raw, read};
use crate::abi::Mark;
use crate::clock::stopwatch_ns;
use crate::handler::hot::Checked;
use crate::stats::Place;

/// `check(handle)`: leaves the mark `Fresh` if the object by that name may be returned, `Asked` with
/// a revision if that depends on the caller's tags, and any other if the key must be looked up.
pub(super) extern "C" fn check(env: raw::Env, info: raw::Info) -> raw::Value {
    raw::call::<1>(env, info, |call| {
        let [handle] = call.args;
        let state = call.state;
        // Before anything can fail: JavaScript reads the mark in any case.
        leave(state, Checked::LookUp);
        let started = state.stopwatch();
        let handler = state.handler();
        let checked = handler.check(name(env, handle));
        leave(state, checked);
        if let Some(started) = started {
            let ns = stopwatch_ns().saturating_sub(started);
            let place = (checked != Checked::LookUp).then_some(Place::Memory);
            handler.time_get(handler.kind(name(env, handle)), place, ns);
        }
        std::ptr::null_mut()
    })
}

/// `checkAsked(handle, tags, softTags)`: after `check` left `Asked`, leaves `Fresh` unless these
/// tags say otherwise.
pub(super) extern "C" fn check_asked(env: raw::Env, info: raw::Info) -> raw::Value {
    raw::call::<3>(env, info, |call| {
        let [handle, tags, soft] = call.args;
        leave(call.state, Checked::LookUp);
        let tags = || asked_tags(env, [tags, soft]);
        leave(call.state, call.state.handler().check_asked(name(env, handle), tags));
        std::ptr::null_mut()
    })
}

#[inline]
fn leave(state: &State, checked: Checked) {
    let mark = match checked {
        Checked::Fresh => Mark::Fresh,
        Checked::LookUp => Mark::Stale,
        Checked::Asked(revision) => {
            state.leave(Slot::Revision, revision.0 as f64);
            Mark::Asked
        }
    };
    state.leave(Slot::Mark, f64::from(mark as u8));
}

fn name(env: raw::Env, handle: raw::Value) -> u64 {
    read::number(env, handle).map_or(u64::MAX, |handle| handle as u64)
}
