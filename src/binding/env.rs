//! The state of one JavaScript environment.
//!
//! [`State`] lives on its thread; [`Shared`] is the part other threads may
//! reach. Everything goes
//! with the environment: a worker may end at any moment.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::ffi::c_void;
use std::ptr;
use std::sync::Arc;

use napi::sys;

use super::abi::MAILBOX;
pub(super) use super::abi::Slot;
use super::hot::Hot;
use super::inbox::{self, Shared};
use super::{process, raw, read};
use crate::entry::Entry;
use crate::guard::guard;
use crate::key::Hash128;
use crate::wake::Ticket;

/// State of one environment, touched by its thread only.
pub(super) struct State {
    env: sys::napi_env,
    pub(super) shared: Arc<Shared>,
    pub(super) hot: RefCell<Hot>,
    /// Doubles that JavaScript reads; null until attached.
    mailbox: Cell<*mut f64>,
    /// JavaScript functions and clocks, once attached.
    attached: Cell<Option<Attached>>,
    /// Entries that were read for gets that wait for them: memory may have no room.
    delivered: RefCell<HashMap<Hash128, (Arc<Entry>, u64)>>,
    /// Looks into the inbox so far.
    rounds: Cell<u64>,
    /// The last reason in words, kept when decisions are printed.
    pub(super) why: RefCell<String>,
    next_token: Cell<u32>,
    calls: Cell<u64>,
    /// What `slept_ms` said when the bound objects were made.
    slept_ms: Cell<f64>,
}

#[derive(Clone, Copy)]
struct Attached {
    /// Kept alive: its memory is written to.
    mailbox: sys::napi_ref,
    assemble: sys::napi_ref,
    settle: sys::napi_ref,
    forget: sys::napi_ref,
    /// Next's clock minus the uptime clock, in ms.
    next_offset_ms: f64,
    /// Engine clock minus uptime clock when attached, in us: grows when the machine sleeps.
    drift_us: i64,
}

impl State {
    /// A number for a get that has to wait.
    pub(super) fn token(&self) -> u32 {
        let token = self.next_token.get();
        self.next_token.set(token.checked_add(1).unwrap_or(1));
        token
    }

    /// The wait of this thread with that number.
    pub(super) fn ticket(&self, token: u32) -> Ticket {
        Ticket::new(self.shared.clone(), token)
    }

    /// Whether this call is one of those that are timed.
    #[inline]
    pub(super) fn is_timed(&self) -> bool {
        let calls = self.calls.get().wrapping_add(1);
        self.calls.set(calls);
        calls.is_multiple_of(crate::stats::SAMPLE)
    }

    /// After a sleep of the machine the moments in bound objects are off: lets go of them.
    #[cold]
    pub(super) fn notice_sleep(&self) {
        let slept = self.slept_ms();
        if (slept - self.slept_ms.replace(slept)).abs() > 1_000.0 {
            self.hot.borrow_mut().clear();
            self.forget_dropped(self.env);
        }
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

    /// The JavaScript function that builds what a get returns.
    pub(super) fn assemble(&self) -> Option<sys::napi_value> {
        Some(raw::dereference(self.env, self.attached.get()?.assemble))
    }

    /// The JavaScript function that lets those who wait go on.
    pub(super) fn settle(&self) -> Option<sys::napi_value> {
        Some(raw::dereference(self.env, self.attached.get()?.settle))
    }

    /// Hands an entry to the gets that wait for it: they run right after the next look into the
    /// inbox, and the look after that lets go of it. There is one for as long as there is anything to
    /// let go of: the thread may be idle from then on.
    pub(super) fn deliver(&self, hash: Hash128, entry: Arc<Entry>) {
        self.delivered.borrow_mut().insert(hash, (entry, self.rounds.get()));
    }

    /// The entry handed over under `hash`.
    pub(super) fn delivered(&self, hash: Hash128) -> Option<Arc<Entry>> {
        self.delivered.borrow().get(&hash).map(|(entry, _)| entry.clone())
    }

    fn begin_round(&self) {
        let round = self.rounds.get();
        self.delivered.borrow_mut().retain(|_, (_, delivered)| *delivered >= round);
        self.rounds.set(round + 1);
    }

    fn end_round(&self) {
        if !self.delivered.borrow().is_empty() {
            self.shared.call();
        }
    }

    /// Now on Next's clock, in ms.
    pub(super) fn next_now_ms(&self) -> f64 {
        let offset = self.attached.get().map_or(0.0, |a| a.next_offset_ms);
        process::engine().clock.uptime_us() as f64 / 1e3 + offset
    }

    /// How much longer the machine has slept since this environment attached, in ms: Next's clock
    /// stood still meanwhile.
    pub(super) fn slept_ms(&self) -> f64 {
        let attached = self.attached.get().map_or(0, |a| a.drift_us);
        let slept = drift_us() - attached;
        // The two clocks are read one after the other; less than a second is noise.
        if slept.abs() < 1_000_000 { 0.0 } else { slept as f64 / 1e3 }
    }

    /// Lets go of objects whose entries left memory.
    pub(super) fn sweep(&self, released: &[(Hash128, u64)]) {
        for (hash, id) in released {
            self.hot.borrow_mut().release(*hash, *id);
        }
        self.forget_dropped(self.env);
    }

    /// Takes the JavaScript side away from a copy of it that attached before. It sees that, and that
    /// nothing it kept is fresh.
    fn detach(&self) {
        let Some(attached) = self.attached.take() else { return };
        self.leave(Slot::Attached, 0.0);
        self.leave(Slot::Mark, f64::NAN);
        self.mailbox.set(ptr::null_mut());
        self.delivered.borrow_mut().clear();
        self.hot.borrow_mut().clear();
        // It lets go by itself of what it kept.
        self.hot.borrow_mut().take_dropped();
        let Attached { mailbox, assemble, settle, forget, .. } = attached;
        for reference in [mailbox, assemble, settle, forget] {
            raw::release(self.env, reference);
        }
    }

    /// Has JavaScript let go of the objects that were dropped.
    pub(super) fn forget_dropped(&self, env: sys::napi_env) {
        let dropped = self.hot.borrow_mut().take_dropped();
        let Some(attached) = self.attached.get().filter(|_| !dropped.is_empty()) else { return };
        let forget = raw::dereference(env, attached.forget);
        for handle in dropped {
            let _ = raw::invoke(env, forget, &[raw::number(env, handle as f64)]);
        }
    }

    /// Looks into the inbox now: on a busy thread its turn may be long in coming, and what left
    /// memory stays pinned until then.
    pub(super) fn sweep_now(&self) {
        self.sweep(&self.shared.take_released());
    }
}

/// Engine clock minus uptime clock.
fn drift_us() -> i64 {
    let clock = &process::engine().clock;
    clock.now().0.wrapping_sub(clock.uptime_us()) as i64
}

/// Makes the state of `env`. It is freed when the environment ends.
pub(super) fn create(env: sys::napi_env) -> napi::Result<*mut State> {
    let shared = Arc::new(Shared::default());
    let state = Box::into_raw(Box::new(State {
        env,
        shared: shared.clone(),
        hot: RefCell::new(Hot::default()),
        mailbox: Cell::new(ptr::null_mut()),
        attached: Cell::new(None),
        delivered: RefCell::default(),
        rounds: Cell::new(0),
        why: RefCell::default(),
        next_token: Cell::new(1),
        calls: Cell::new(0),
        slept_ms: Cell::new(0.0),
    }));
    let caller = threadsafe_function(env, state)?;
    // Registered after the threadsafe function: hooks run in reverse, so this one runs first.
    // SAFETY: `state` lives until `finalize`, which runs after the hooks.
    let status = unsafe { sys::napi_add_env_cleanup_hook(env, Some(clean_up), state.cast()) };
    napi::check_status!(status)?;
    // Not before it is certain that others are told when the environment ends.
    shared.open(caller);
    process::enter(shared);
    // SAFETY: as above; the instance data is nobody else's.
    let status =
        unsafe { sys::napi_set_instance_data(env, state.cast(), Some(finalize), ptr::null_mut()) };
    napi::check_status!(status)?;
    Ok(state)
}

fn threadsafe_function(
    env: sys::napi_env,
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

/// The environment ends: from now on nobody calls into it.
unsafe extern "C" fn clean_up(state: *mut c_void) {
    // SAFETY: `state` is what `create` registered.
    let state = unsafe { &*state.cast::<State>() };
    process::leave(&state.shared);
    state.shared.close();
}

unsafe extern "C" fn finalize(_: sys::napi_env, state: *mut c_void, _: *mut c_void) {
    // SAFETY: `state` is the box leaked in `create`; this runs once, last.
    drop(unsafe { Box::from_raw(state.cast::<State>()) });
}

/// Something lies in the inbox.
unsafe extern "C" fn receive(
    env: sys::napi_env,
    _: sys::napi_value,
    state: *mut c_void,
    _: *mut c_void,
) {
    if env.is_null() || state.is_null() {
        return;
    }
    // SAFETY: Node calls this on the environment's thread while it lives.
    let state = unsafe { &*state.cast::<State>() };
    guard(|| {
        state.begin_round();
        let inbox = state.shared.take();
        state.sweep(&inbox.released);
        inbox::settle(env, state, inbox.woken);
        state.end_round();
    });
}

/// `attach(mailbox, assemble, settle, forget, now)`: gives the environment its JavaScript side; `now`
/// returns `performance.timeOrigin + performance.now()`. Where there are copies of that side, the last
/// one has it: those before may be of a realm that is gone. The result is 1 if other processes see
/// what is stored, and none attached before.
pub(super) extern "C" fn attach(
    env: sys::napi_env,
    info: sys::napi_callback_info,
) -> sys::napi_value {
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
                next_offset_ms: next_offset_ms(env, now)?,
                drift_us: drift_us(),
            };
            Some((doubles, attached))
        };
        if let Some((doubles, attached)) = attach() {
            process::learn_clock(attached.next_offset_ms, attached.drift_us);
            call.state.attached.set(Some(attached));
            call.state.mailbox.set(doubles);
            call.state.leave(Slot::Attached, 1.0);
        }
        raw::small(env, u32::from(is_first && process::engine().tier().is_some()))
    })
}

/// Next's clock minus the uptime clock, in ms. Never too small, so that a generation is never dated
/// later than it began: the uptime is read first. The smallest of several is closest.
fn next_offset_ms(env: sys::napi_env, now: sys::napi_value) -> Option<f64> {
    let clock = &process::engine().clock;
    let once = |_| {
        let uptime = clock.uptime_us() as f64 / 1e3;
        Some(read::number(env, raw::invoke(env, now, &[])?)? - uptime)
    };
    (0..8).filter_map(once).min_by(f64::total_cmp)
}

fn doubles(env: sys::napi_env, array: sys::napi_value) -> Option<*mut f64> {
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
