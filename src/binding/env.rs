//! The state of one JavaScript environment.
//!
//! [`State`] lives on its thread; [`Shared`] is the part other threads may reach. Everything goes with
//! the environment: a worker may end at any moment.

use std::cell::Cell;
use std::ffi::c_void;
use std::ptr;
use std::sync::Arc;

use napi::sys;

use super::inbox::{self, Shared};
use super::{notices, raw, read};
use crate::abi::MAILBOX;
pub(super) use crate::abi::Slot;
use crate::app::replies::Replies;
use crate::clock::stopwatch_ns;
use crate::guard::guard;
use crate::handler::Handler;
use crate::handler::next_clock::NextClock;
use crate::handler::thread::Thread;
use crate::key::Hash128;
use crate::process;

/// State of one environment, touched by its thread only.
pub(super) struct State {
    env: raw::Env,
    pub(super) shared: Arc<Shared>,
    /// Answers to orders of the app's own code.
    pub(super) replies: Arc<Replies>,
    /// The state between calls.
    pub(super) thread: Thread,
    /// Doubles that JavaScript reads; null until attached.
    mailbox: Cell<*mut f64>,
    /// JavaScript functions, once attached.
    attached: Cell<Option<Attached>>,
    /// The JavaScript function that passes lines on.
    speaker: Cell<Option<sys::napi_ref>>,
}

#[derive(Clone, Copy)]
struct Attached {
    /// Kept alive: its memory is written to.
    mailbox: sys::napi_ref,
    assemble: sys::napi_ref,
    settle: sys::napi_ref,
    forget: sys::napi_ref,
}

impl State {
    /// What calls of this environment work with.
    #[inline]
    pub(super) fn handler(&self) -> Handler<'_> {
        Handler { engine: process::engine(), apps: process::apps(), thread: &self.thread }
    }

    /// When a get began, if it is one of those that are timed.
    #[inline]
    pub(super) fn stopwatch(&self) -> Option<u64> {
        self.thread.is_timed().then(|| {
            self.thread.notice_sleep(process::engine());
            self.forget_dropped();
            stopwatch_ns()
        })
    }

    /// Leaves a value in the mailbox.
    #[inline]
    pub(super) fn leave(&self, slot: Slot, value: f64) {
        let mailbox = self.mailbox.get();
        if !mailbox.is_null() {
            // SAFETY: the mailbox has `MAILBOX` doubles, checked when attached; JavaScript keeps
            // the array for as long as the module lives and never hands its buffer on.
            unsafe { mailbox.add(slot as usize).write(value) };
        }
    }

    /// Leaves numbers in the mailbox, behind their count.
    pub(super) fn leave_numbers(&self, numbers: impl Iterator<Item = f64>) {
        let mailbox = self.mailbox.get();
        if mailbox.is_null() {
            return;
        }
        for (at, number) in (Slot::Count as usize + 1..MAILBOX).zip(numbers) {
            // SAFETY: as in `leave`; `at` is below `MAILBOX`.
            unsafe { mailbox.add(at).write(number) };
        }
    }

    /// Reads a value that JavaScript has left in the mailbox.
    pub(super) fn taken(&self, slot: Slot) -> f64 {
        let mailbox = self.mailbox.get();
        // SAFETY: as in `leave`; JavaScript writes on this thread only.
        if mailbox.is_null() { 0.0 } else { unsafe { mailbox.add(slot as usize).read() } }
    }

    /// The JavaScript function that builds what a get returns.
    pub(super) fn assemble(&self) -> Option<raw::Value> {
        Some(raw::dereference(self.env, self.attached.get()?.assemble))
    }

    /// The JavaScript function that settles waits.
    pub(super) fn settle(&self) -> Option<raw::Value> {
        Some(raw::dereference(self.env, self.attached.get()?.settle))
    }

    /// The JavaScript function that passes lines on.
    pub(super) fn speaker(&self) -> Option<raw::Value> {
        Some(raw::dereference(self.env, self.speaker.get()?))
    }

    /// Has another JavaScript function pass lines on. True if there was none.
    pub(super) fn set_speaker(&self, function: raw::Value) -> bool {
        let last = self.speaker.replace(raw::reference(self.env, function));
        if let Some(last) = last {
            raw::release(self.env, last);
        }
        last.is_none()
    }

    /// Lets go of objects whose entries left memory.
    pub(super) fn sweep(&self, released: &[(Hash128, u64)]) {
        for (hash, id) in released {
            self.thread.release(*hash, *id);
        }
        self.forget_dropped();
    }

    /// Detaches the copy of the JavaScript side that attached before. That copy sees so, and that
    /// no object it kept is fresh.
    fn detach(&self) {
        let Some(attached) = self.attached.take() else { return };
        self.leave(Slot::Attached, 0.0);
        self.leave(Slot::Mark, f64::NAN);
        self.mailbox.set(ptr::null_mut());
        self.thread.clear();
        let Attached { mailbox, assemble, settle, forget, .. } = attached;
        for reference in [mailbox, assemble, settle, forget] {
            raw::release(self.env, reference);
        }
    }

    /// Has JavaScript let go of the objects that were dropped.
    pub(super) fn forget_dropped(&self) {
        let dropped = self.thread.take_dropped();
        let Some(attached) = self.attached.get().filter(|_| !dropped.is_empty()) else { return };
        let forget = raw::dereference(self.env, attached.forget);
        for handle in dropped {
            let _ = raw::invoke(self.env, forget, &[raw::number(self.env, handle as f64)]);
        }
    }

    /// Looks into the inbox now: a busy thread may take long to do so in its turn, and entries that
    /// left memory stay pinned until then.
    pub(super) fn sweep_now(&self) {
        self.sweep(&self.shared.take_released());
    }
}

/// Makes the state of `env`. It is freed when the environment ends.
pub(super) fn create(env: raw::Env) -> napi::Result<*mut State> {
    let shared = Arc::new(Shared::default());
    let state = Box::into_raw(Box::new(State {
        env,
        shared: shared.clone(),
        replies: Arc::default(),
        thread: Thread::new(shared.clone()),
        mailbox: Cell::new(ptr::null_mut()),
        attached: Cell::new(None),
        speaker: Cell::new(None),
    }));
    let caller = threadsafe_function(env, state)?;
    // Registered after the threadsafe function: hooks run in reverse, so this one runs first.
    // SAFETY: `state` lives until `finalize`, which runs after the hooks.
    let status = unsafe { sys::napi_add_env_cleanup_hook(env, Some(clean_up), state.cast()) };
    napi::check_status!(status)?;
    // Only once the hook is registered that removes the environment when it ends.
    shared.bell.open(caller);
    process::enter(shared);
    // SAFETY: as above; no other code sets the instance data.
    let status =
        unsafe { sys::napi_set_instance_data(env, state.cast(), Some(finalize), ptr::null_mut()) };
    napi::check_status!(status)?;
    Ok(state)
}

fn threadsafe_function(
    env: raw::Env,
    state: *mut State,
) -> napi::Result<sys::napi_threadsafe_function> {
    let mut out = ptr::null_mut();
    let name = raw::latin1(env, b"tiercel");
    // SAFETY: without a function, Node calls `receive` with `state`, on this thread only, until the
    // environment ends.
    let status = unsafe {
        sys::napi_create_threadsafe_function(
            env,
            ptr::null_mut(),
            ptr::null_mut(),
            name,
            0,
            1,
            ptr::null_mut(),
            None,
            state.cast(),
            Some(receive),
            &raw mut out,
        )
    };
    napi::check_status!(status)?;
    // Nothing of ours keeps the process alive.
    // SAFETY: made just now, for this environment.
    napi::check_status!(unsafe { sys::napi_unref_threadsafe_function(env, out) })?;
    Ok(out)
}

/// The environment ends: from now on no other thread calls into it.
unsafe extern "C" fn clean_up(state: *mut c_void) {
    // SAFETY: `state` is what `create` registered.
    let state = unsafe { &*state.cast::<State>() };
    process::leave(&(state.shared.clone() as _));
    state.shared.bell.close();
    notices::fall_silent(&state.shared);
}

unsafe extern "C" fn finalize(_: raw::Env, state: *mut c_void, _: *mut c_void) {
    // SAFETY: `state` is the box leaked in `create`; this runs once, last.
    drop(unsafe { Box::from_raw(state.cast::<State>()) });
}

/// Something lies in the inbox.
unsafe extern "C" fn receive(env: raw::Env, _: raw::Value, state: *mut c_void, _: *mut c_void) {
    if env.is_null() || state.is_null() {
        return;
    }
    // SAFETY: Node calls this on the environment's thread while it lives.
    let state = unsafe { &*state.cast::<State>() };
    guard(|| {
        state.thread.begin_round();
        let inbox = state.shared.take();
        state.sweep(&inbox.released);
        inbox::settle(env, state, inbox.woken);
        notices::speak(env, state, &inbox.lines);
        if state.thread.has_delivered() {
            state.shared.call();
        }
    });
}

/// `attach(mailbox, assemble, settle, forget, now)`: gives the environment its JavaScript side;
/// `now` returns `performance.timeOrigin + performance.now()`. Of several copies of that side the
/// last one counts: earlier ones may be of a realm that is gone. The result is 1 if there is a
/// shared tier, and no copy attached before.
pub(super) extern "C" fn attach(env: raw::Env, info: raw::Info) -> raw::Value {
    raw::call::<5>(env, info, |call| {
        let [mailbox, assemble, settle, forget, now] = call.args;
        let is_first = call.state.attached.get().is_none();
        call.state.detach();
        let attach = || {
            let doubles = doubles(env, mailbox)?;
            let attached = Attached {
                mailbox: raw::reference(env, mailbox)?,
                assemble: raw::reference(env, assemble)?,
                settle: raw::reference(env, settle)?,
                forget: raw::reference(env, forget)?,
            };
            Some((doubles, attached, next_clock(env, now)?))
        };
        if let Some((doubles, attached, clock)) = attach() {
            process::learn_clock(clock);
            call.state.thread.set_clock(clock);
            call.state.attached.set(Some(attached));
            call.state.mailbox.set(doubles);
            call.state.leave(Slot::Attached, 1.0);
            process::remember(&call.state.thread);
        }
        raw::small(env, u32::from(is_first && process::engine().tier().is_some()))
    })
}

/// The offset of Next's clock. Never too small, so that a generation is never dated later than it
/// began: the uptime is read first. The smallest of several measurements is closest.
fn next_clock(env: raw::Env, now: raw::Value) -> Option<NextClock> {
    let clock = &process::engine().clock;
    let once = |_| {
        let uptime = clock.uptime_us() as f64 / 1e3;
        Some(read::number(env, raw::invoke(env, now, &[])?)? - uptime)
    };
    let offset_ms = (0..8).filter_map(once).min_by(f64::total_cmp)?;
    Some(NextClock::new(clock, offset_ms))
}

fn doubles(env: raw::Env, array: raw::Value) -> Option<*mut f64> {
    let (mut sort, mut length, mut data) = (-1, 0, ptr::null_mut());
    // SAFETY: `array` belongs to the current call.
    let status = unsafe {
        sys::napi_get_typedarray_info(
            env,
            array,
            &raw mut sort,
            &raw mut length,
            &raw mut data,
            ptr::null_mut(),
            ptr::null_mut(),
        )
    };
    let fits = status == sys::Status::napi_ok
        && sort == sys::TypedarrayType::float64_array
        && length >= MAILBOX;
    fits.then_some(data.cast())
}
