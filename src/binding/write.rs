//! Entries into JavaScript objects.

use std::ffi::c_void;
use std::ptr;
use std::sync::{Arc, OnceLock};

use napi::sys;

use super::env::{Slot, State};
use super::raw;
use crate::entry::{Entry, Source};
use crate::next::value::{PartRef, count, part};
use crate::process;

/// From this size on bytes and strings are shared with JavaScript instead of copied.
const SHARE_FROM: usize = 4_096;

/// What a get returns for `entry`: `true` if JavaScript has its object ready, else a new object. The
/// mailbox gets its handle; -1 if it is not to be kept.
pub(super) fn object(env: raw::Env, state: &State, entry: &Arc<Entry>) -> raw::Value {
    if let Some(handle) = state.thread.handle(entry) {
        state.leave(Slot::Handle, handle as f64);
        return raw::truth(env);
    }
    let Some(object) = build(env, state, entry) else { return raw::undefined(env) };
    let handle = state.thread.keep(entry, process::engine());
    state.forget_dropped();
    state.leave(Slot::Handle, handle.map_or(-1.0, |handle| handle as f64));
    object
}

#[cold]
fn build(env: raw::Env, state: &State, entry: &Arc<Entry>) -> Option<raw::Value> {
    let body = &entry.body;
    // Build output is dated by its files, on the wall clock; nothing to translate.
    let shift = if entry.meta.source == Source::Output {
        0.0
    } else {
        state.thread.clock().slept_ms(&process::engine().clock)
    };
    let stamp = entry.meta.stamp;
    let mut args = vec![
        raw::small(env, u32::from(entry.meta.format)),
        raw::number(env, entry.meta.told_ms - shift),
        raw::number(env, stamp.epoch.0 as f64),
        raw::number(env, stamp.at.position.0 as f64),
        raw::small(env, stamp.at.local),
        string(env, entry, part(body, 0)?),
        buffer(env, entry),
    ];
    for index in 1..count(body) {
        match part(body, index)? {
            PartRef::Absent => args.extend([raw::undefined(env), raw::undefined(env)]),
            PartRef::Bytes(bytes, offset) => {
                args.extend([raw::small(env, offset as u32), raw::small(env, bytes.len() as u32)]);
            }
            text => args.extend([string(env, entry, text), raw::undefined(env)]),
        }
    }
    raw::invoke(env, state.assemble()?, &args)
}

/// One `ArrayBuffer` over the whole body: JavaScript cuts its Buffers out of it.
fn buffer(env: raw::Env, entry: &Arc<Entry>) -> raw::Value {
    let body = &entry.body;
    let has_bytes =
        (0..count(body)).any(|index| matches!(part(body, index), Some(PartRef::Bytes(..))));
    if !has_bytes {
        return raw::undefined(env);
    }
    if body.len() >= SHARE_FROM {
        let pin = Pin::leak(entry);
        let mut out = ptr::null_mut();
        // SAFETY: the bytes live as long as `pin`, which the finalizer drops. They are immutable
        // for us; JavaScript that writes into a cached Buffer changes what it was given, as with
        // any cache that shares its values.
        let status = unsafe {
            sys::napi_create_external_arraybuffer(
                env,
                body.as_ptr().cast_mut().cast(),
                body.len(),
                Some(unpin),
                pin.cast(),
                &raw mut out,
            )
        };
        match status {
            sys::Status::napi_ok => return out,
            // Node had taken the bytes when it failed: it finalizes them, if it has not yet.
            sys::Status::napi_generic_failure => {}
            _ => Pin::reclaim(pin),
        }
    }
    copied(env, body)
}

fn copied(env: raw::Env, bytes: &[u8]) -> raw::Value {
    let (mut data, mut out) = (ptr::null_mut(), ptr::null_mut());
    // SAFETY: Node allocates as many bytes as asked for, which are then written.
    unsafe {
        let status = sys::napi_create_arraybuffer(env, bytes.len(), &raw mut data, &raw mut out);
        if status == sys::Status::napi_ok && !data.is_null() {
            ptr::copy_nonoverlapping(bytes.as_ptr(), data.cast(), bytes.len());
        }
    }
    out
}

fn string(env: raw::Env, entry: &Arc<Entry>, text: PartRef<'_>) -> raw::Value {
    match text {
        PartRef::Latin1(bytes) => {
            external(env, entry, bytes, 1).unwrap_or_else(|| raw::latin1(env, bytes))
        }
        PartRef::Utf16(bytes) => {
            external(env, entry, bytes, 2).unwrap_or_else(|| raw::utf16(env, bytes))
        }
        PartRef::Absent | PartRef::Bytes(..) => raw::undefined(env),
    }
}

type CreateExternal = unsafe extern "C" fn(
    raw::Env,
    *const c_void,
    isize,
    sys::napi_finalize,
    *mut c_void,
    *mut raw::Value,
    *mut bool,
) -> sys::napi_status;

/// A string that reads the entry's own bytes. `None` if it is short, or Node cannot make one.
fn external(env: raw::Env, entry: &Arc<Entry>, bytes: &[u8], unit: usize) -> Option<raw::Value> {
    if bytes.len() < SHARE_FROM || !(bytes.as_ptr() as usize).is_multiple_of(unit) {
        return None;
    }
    let create = if unit == 1 { creators().0? } else { creators().1? };
    let pin = Pin::leak(entry);
    let mut out = ptr::null_mut();
    let mut was_copied = false;
    // SAFETY: the function has this signature in every Node that has it; the bytes live as long as
    // `pin`, which the finalizer drops, immediately if Node chose to copy.
    let status = unsafe {
        create(
            env,
            bytes.as_ptr().cast(),
            (bytes.len() / unit) as isize,
            Some(unpin),
            pin.cast(),
            &raw mut out,
            &raw mut was_copied,
        )
    };
    if status != sys::Status::napi_ok {
        Pin::reclaim(pin);
        return None;
    }
    if !was_copied {
        // SAFETY: Node finalizes with the string at the earliest, which lives as long as this call.
        unsafe { (*pin).told = bytes.len() };
        adjust(env, bytes.len() as i64);
    }
    Some(out)
}

/// The functions for external strings, of Latin-1 and of UTF-16. Nodes before 20.4 lack them.
fn creators() -> (Option<CreateExternal>, Option<CreateExternal>) {
    static FOUND: OnceLock<(Option<CreateExternal>, Option<CreateExternal>)> = OnceLock::new();
    *FOUND.get_or_init(|| {
        #[cfg(unix)]
        let host = libloading::os::unix::Library::this();
        #[cfg(windows)]
        let Ok(host) = libloading::os::windows::Library::this() else { return (None, None) };
        let find = |name: &[u8]| {
            // SAFETY: a function of that name has this signature, by the Node-API documentation.
            unsafe { host.get::<CreateExternal>(name) }.ok().map(|symbol| *symbol)
        };
        (
            find(b"node_api_create_external_string_latin1\0"),
            find(b"node_api_create_external_string_utf16\0"),
        )
    })
}

/// Keeps an entry alive for JavaScript.
struct Pin {
    _entry: Arc<Entry>,
    /// Bytes reported to the garbage collector, to withdraw when they go. 0 if Node copied them: it
    /// drops the pin before it says so.
    told: usize,
}

impl Pin {
    fn leak(entry: &Arc<Entry>) -> *mut Self {
        Box::into_raw(Box::new(Self { _entry: entry.clone(), told: 0 }))
    }

    fn reclaim(pin: *mut Self) {
        // SAFETY: called once, for a pin that Node did not take.
        drop(unsafe { Box::from_raw(pin) });
    }
}

/// JavaScript is done with an entry. The environment may be gone.
unsafe extern "C" fn unpin(env: raw::Env, _: *mut c_void, pin: *mut c_void) {
    // SAFETY: `pin` is the box leaked in `Pin::leak`; Node finalizes once.
    let pin = unsafe { Box::from_raw(pin.cast::<Pin>()) };
    if pin.told > 0 && !env.is_null() {
        adjust(env, -(pin.told as i64));
    }
}

/// Reports memory to the garbage collector that it cannot see.
fn adjust(env: raw::Env, bytes: i64) {
    let mut total = 0;
    // SAFETY: `env` lives; this only adds to a counter.
    unsafe { sys::napi_adjust_external_memory(env, bytes, &raw mut total) };
}
