//! Calls around a get.

use napi::sys;

use super::env::Slot;
use super::{process, raw, read};
use crate::wake::Wait;

/// Longest wait of a build for one write, in ms.
const DRAIN_WAIT_MS: u32 = 2_000;

/// `flush()`: the reads of this tick leave.
pub(super) extern "C" fn flush(
    env: sys::napi_env,
    info: sys::napi_callback_info,
) -> sys::napi_value {
    raw::call::<0>(env, info, |_| {
        process::engine().flush();
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

/// `diedAt(tags)`: when the last of these tags died, in ms on Next's clock; 0 if none did.
pub(super) extern "C" fn died_at(
    env: sys::napi_env,
    info: sys::napi_callback_info,
) -> sys::napi_value {
    raw::call::<1>(env, info, |call| {
        let [tags] = call.args;
        let engine = process::engine();
        let died = engine.ledger.died_at(&read::tags(env, tags), engine.clock.now());
        let ago_us = |at| engine.clock.uptime().since_us(at) as f64;
        let told = died.map_or(0.0, |at| call.state.next_now_ms() - ago_us(at) / 1e3);
        raw::number(env, told)
    })
}

/// `why()`: tier, outcome and reason of the last decision, while decisions are printed.
pub(super) extern "C" fn why(env: sys::napi_env, info: sys::napi_callback_info) -> sys::napi_value {
    raw::call::<0>(env, info, |call| {
        let units: Vec<u8> =
            call.state.why.borrow().encode_utf16().flat_map(u16::to_ne_bytes).collect();
        raw::utf16(env, &units)
    })
}

/// `drain()`: a token to wait with until everything shared so far is stored or dropped, or 0.
pub(super) extern "C" fn drain(
    env: sys::napi_env,
    info: sys::napi_callback_info,
) -> sys::napi_value {
    raw::call::<0>(env, info, |call| {
        let token = call.state.token();
        let wait = process::engine().drain(call.state.ticket(token));
        call.state.leave(Slot::Detail, f64::from(DRAIN_WAIT_MS));
        raw::small(env, if wait == Wait::Pending { token } else { 0 })
    })
}
