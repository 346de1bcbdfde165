//! Lines for the operator leave through JavaScript.

use std::sync::Arc;

use super::env::State;
use super::inbox::Shared;
use super::raw;
use crate::notice::{self, Ear, Notice};

/// `hear(function)`: from now on `function(level, code, text, line)` receives the lines for the
/// operator. The result is 1 if no function has before.
pub(super) extern "C" fn hear(env: raw::Env, info: raw::Info) -> raw::Value {
    raw::call::<1>(env, info, |call| {
        let [function] = call.args;
        let is_first = call.state.set_speaker(function);
        notice::attach(call.state.shared.clone() as _);
        raw::small(env, u32::from(is_first))
    })
}

/// `speak()`: lines that wait for their turn leave now.
pub(super) extern "C" fn speak_now(env: raw::Env, info: raw::Info) -> raw::Value {
    raw::call::<0>(env, info, |call| {
        speak(env, call.state, &call.state.shared.take_lines());
        raw::undefined(env)
    })
}

/// Has JavaScript pass lines on; prints those that it cannot.
pub(super) fn speak(env: raw::Env, state: &State, lines: &[Notice]) {
    for line in lines {
        let told = state.speaker().and_then(|function| {
            let (level, code) = (line.code.level().as_str(), line.code.as_str());
            let words = [level, code, &line.text, &line.line()].map(|word| raw::text(env, word));
            raw::invoke(env, function, &words)
        });
        if told.is_none() {
            line.print();
        }
    }
}

/// The environment ends: another one says what it has not said.
pub(super) fn fall_silent(shared: &Arc<Shared>) {
    let ear: Arc<dyn Ear> = shared.clone();
    notice::detach(&ear);
    shared.close().iter().for_each(notice::pass_on);
}
