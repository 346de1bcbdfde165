//! What the app's own code asks for: `ask`, `answered`, `limiter`, `counter` and `add`.
//!
//! [`read`] makes an order of arguments, [`write`] an answer of what came of it. What is answered at once
//! is returned; otherwise a token is, and `answered` has the answer once that is settled.

mod read;
mod write;

use self::read::Asked;
use super::env::State;
use super::raw;
use crate::app::cells;
use crate::app::replies::{Reply, Slot};
use crate::process;

/// Arguments of `ask`.
const MOST_ARGS: usize = 9;

/// `ask(which, group, own, ...details)`: what came of it, as [`write`] has it, or a token to wait with, once
/// the engine is flushed, or `undefined` where the arguments are of no use.
pub(super) extern "C" fn ask(env: raw::Env, info: raw::Info) -> raw::Value {
    raw::call::<MOST_ARGS>(env, info, |call| {
        let Some(asked) = read::asked(env, &call.args) else { return raw::undefined(env) };
        let slot = Slot::new(call.state.replies.clone(), call.state.shared.clone());
        let fill = slot.clone();
        match asked {
            Asked::Order(order) => {
                let receive = move |answer| fill.fill(cells::of_order(answer));
                process::desk().ask(order, Box::new(receive));
            }
            Asked::Limit { limiter, id, action } => {
                let receive = move |ruling| fill.fill(cells::of_limit(ruling));
                process::desk().limit(&limiter, &id, action, Box::new(receive));
            }
            Asked::Seat { label, deed, on_error } => {
                let receive = move |answer| fill.fill(Reply::Row(cells::of_seat(answer)));
                process::desk().seat(&label, deed, on_error, Box::new(receive));
            }
            Asked::SeatHere { label, deed } => {
                let receive = move |answer| fill.fill(Reply::Row(cells::of_seat(answer)));
                process::desk().seat_here(label, deed, Box::new(receive));
            }
            Asked::Count { number, counter, id, action } => {
                let receive = move |answer| fill.fill(Reply::Row(cells::of_count(answer)));
                process::desk().counts().ask((number, &counter), &id, action, receive);
            }
            Asked::FlushCounts => {
                let receive = move |answer| fill.fill(Reply::Row(cells::of_count(answer)));
                process::desk().counts().flush_together(receive);
            }
        }
        taken(env, call.state, &slot)
    })
}

/// What has come, or a token to wait with.
pub(super) fn taken(env: raw::Env, state: &State, slot: &Slot) -> raw::Value {
    match slot.take_or_wait(|| state.thread.token()) {
        Ok(reply) => write::reply(env, state, reply),
        Err(token) => raw::small(env, token),
    }
}

/// `limiter(group, onError, windows, mode)`: the number of a limit, which `ask` takes instead of a group, or
/// `undefined` where that is of no use.
pub(super) extern "C" fn limiter(env: raw::Env, info: raw::Info) -> raw::Value {
    raw::call::<4>(env, info, |call| {
        let number =
            read::limiter(env, &call.args).and_then(|limiter| process::limiters().add(limiter));
        number.map_or_else(|| raw::undefined(env), |number| raw::small(env, number as u32))
    })
}

/// `counter(group, ttlMs, bucketMs, historyMs, flushMs)`: the number of a counter, which `ask` takes
/// instead of a group, or `undefined` where that is of no use.
pub(super) extern "C" fn counter(env: raw::Env, info: raw::Info) -> raw::Value {
    raw::call::<5>(env, info, |call| {
        let number =
            read::counter(env, &call.args).and_then(|counter| process::counters().add(counter));
        number.map_or_else(|| raw::undefined(env), |number| raw::small(env, number as u32))
    })
}

/// `add(counter, id, sum)` or `add(counter, id, member)`: 1 if it is added, or will be, 0 if there is no
/// room, or `undefined` where the arguments are of no use.
pub(super) extern "C" fn add(env: raw::Env, info: raw::Info) -> raw::Value {
    raw::call::<3>(env, info, |call| {
        let Some((number, counter, id, amount)) = read::added(env, &call.args) else {
            return raw::undefined(env);
        };
        let added = process::desk().counts().add((number, &counter), &id, amount);
        raw::small(env, added.is_ok().into())
    })
}

/// `answered(token)`: what came of an order whose token is settled; `undefined` if it is not, and then
/// nobody waits for it any more.
pub(super) extern "C" fn answered(env: raw::Env, info: raw::Info) -> raw::Value {
    raw::call::<1>(env, info, |call| {
        let [token] = call.args;
        let reply = call.state.replies.take(super::read::small(env, token));
        reply.map_or_else(|| raw::undefined(env), |reply| write::reply(env, call.state, reply))
    })
}
