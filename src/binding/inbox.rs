//! The inbox of an environment: its bell is a threadsafe function.

use std::ptr;

use napi::sys;
use parking_lot::Mutex;

use super::env::State;
use super::raw;
use crate::abi::Settled;
use crate::handler::inbox::{Inbox, WaitEnd};
use crate::wake::Notice;
use crate::wake::bells::Bell;

/// Arguments of one call into JavaScript.
const MOST_ARGS: usize = 256;

/// The part of an environment that other threads reach.
pub(super) type Shared = Inbox<Caller>;

/// Calls the environment's thread. Under a lock, so that it is not closed meanwhile.
#[derive(Default)]
pub(super) struct Caller(Mutex<Function>);

/// The threadsafe function; null once the environment ends.
struct Function(sys::napi_threadsafe_function);

impl Default for Function {
    fn default() -> Self {
        Self(ptr::null_mut())
    }
}

// SAFETY: a threadsafe function may be called from any thread; closing it is serialised by the lock
// around it.
unsafe impl Send for Function {}

impl Caller {
    /// From now on `function` calls the environment's thread.
    pub(super) fn open(&self, function: sys::napi_threadsafe_function) {
        self.0.lock().0 = function;
    }

    /// From now on nothing calls the environment's thread.
    pub(super) fn close(&self) {
        self.0.lock().0 = ptr::null_mut();
    }
}

impl Bell for Caller {
    fn ring(&self) {
        let function = self.0.lock();
        if !function.0.is_null() {
            let mode = sys::ThreadsafeFunctionCallMode::nonblocking;
            // SAFETY: not null means not closed, and closing waits for this lock.
            unsafe { sys::napi_call_threadsafe_function(function.0, ptr::null_mut(), mode) };
        }
    }
}

/// Settles waits in JavaScript, many per call: each token, and how its wait ended.
pub(super) fn settle(env: raw::Env, state: &State, woken: Vec<(u32, Notice)>) {
    let Some(function) = state.settle().filter(|_| !woken.is_empty()) else { return };
    let mut args = Vec::with_capacity(woken.len() * 2);
    for (token, notice) in woken {
        let ending = match state.handler().take_in(token, notice) {
            WaitEnd::Done => Settled::Done,
            WaitEnd::Failed => Settled::Failed,
        };
        args.extend([raw::small(env, token), raw::small(env, ending as u32)]);
    }
    for some in args.chunks(MOST_ARGS) {
        let _ = raw::invoke(env, function, some);
    }
}
