//! What other threads have for an environment: who may go on, and what left memory.

use std::ptr;
use std::sync::atomic::{AtomicBool, Ordering};

use napi::sys;
use parking_lot::Mutex;

use super::env::State;
use super::raw;
use crate::coherence::event::Outcome;
use crate::entry::Entry;
use crate::key::Hash128;
use crate::process::{self, Environment};
use crate::wake::{Notice, Wake};

/// How waits end; as in `js/waits.js`.
const DONE: u32 = 1;
const FAILED: u32 = 2;
/// Arguments of one call into JavaScript.
const MOST_ARGS: usize = 256;

/// The part of an environment that other threads reach.
#[derive(Default)]
pub(super) struct Shared {
    inbox: Mutex<Inbox>,
    /// Whether the environment's thread was told to look into the inbox and has not yet.
    called: AtomicBool,
    /// The threadsafe function; null once the environment ends. Called under the lock, so that it
    /// is not closed meanwhile.
    caller: Mutex<Caller>,
}

#[derive(Default)]
pub(super) struct Inbox {
    pub(super) woken: Vec<(u32, Notice)>,
    pub(super) released: Vec<(Hash128, u64)>,
}

struct Caller(sys::napi_threadsafe_function);

impl Default for Caller {
    fn default() -> Self {
        Self(ptr::null_mut())
    }
}

// SAFETY: a threadsafe function may be called from any thread; closing it is serialised by the lock
// around it.
unsafe impl Send for Caller {}

impl Shared {
    /// From now on the environment's thread is called through `caller`.
    pub(super) fn open(&self, caller: sys::napi_threadsafe_function) {
        self.caller.lock().0 = caller;
    }

    /// From now on it is not called.
    pub(super) fn close(&self) {
        self.caller.lock().0 = ptr::null_mut();
    }

    /// Entries that left memory since the last time.
    pub(super) fn take_released(&self) -> Vec<(Hash128, u64)> {
        std::mem::take(&mut self.inbox.lock().released)
    }

    /// Has the environment's thread look into the inbox.
    pub(super) fn call(&self) {
        if self.called.swap(true, Ordering::AcqRel) {
            return;
        }
        let caller = self.caller.lock();
        if !caller.0.is_null() {
            // SAFETY: not null means not closed, and closing waits for this lock.
            unsafe {
                sys::napi_call_threadsafe_function(
                    caller.0,
                    ptr::null_mut(),
                    sys::ThreadsafeFunctionCallMode::nonblocking,
                );
            }
        }
    }

    /// What came since the last time.
    pub(super) fn take(&self) -> Inbox {
        self.called.store(false, Ordering::Release);
        std::mem::take(&mut *self.inbox.lock())
    }
}

impl Environment for Shared {
    fn release(&self, entry: &Entry) {
        self.inbox.lock().released.push((entry.hash, entry.id));
        self.call();
    }
}

impl Wake for Shared {
    fn wake(&self, token: u32, notice: Notice) {
        self.wake_many(vec![(token, notice)]);
    }

    fn wake_many(&self, many: Vec<(u32, Notice)>) {
        self.inbox.lock().woken.extend(many);
        self.call();
    }
}

/// Tells JavaScript that those who wait can go on, many at a time: with each token how it ended.
pub(super) fn settle(env: sys::napi_env, state: &State, woken: Vec<(u32, Notice)>) {
    let Some(function) = state.settle().filter(|_| !woken.is_empty()) else { return };
    let mut args = Vec::with_capacity(woken.len() * 2);
    for (token, notice) in woken {
        let is_failed =
            matches!(notice, Notice::Invalidated(Outcome::Here)) && process::must_record();
        args.extend([
            raw::small(env, token),
            raw::small(env, if is_failed { FAILED } else { DONE }),
        ]);
        if let Notice::Delivered(entry) = notice {
            state.thread.deliver(entry.hash, entry);
        }
    }
    for some in args.chunks(MOST_ARGS) {
        let _ = raw::invoke(env, function, some);
    }
}
