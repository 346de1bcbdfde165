//! Node-API without the cost of conversions.

use std::ffi::c_void;
use std::ptr;

use napi::sys;

use super::env::State;
use crate::guard::guard;
use crate::process;
use crate::stats::bump;

/// A value that `Object::set` passes on unchanged.
pub(super) struct Raw(pub(super) sys::napi_value);

impl napi::bindgen_prelude::ToNapiValue for Raw {
    unsafe fn to_napi_value(_: sys::napi_env, val: Self) -> napi::Result<sys::napi_value> {
        Ok(val.0)
    }
}

/// A JavaScript function that calls `callback` with `data`.
pub(super) fn function(
    env: sys::napi_env,
    name: &str,
    callback: sys::napi_callback,
    data: *mut c_void,
) -> napi::Result<Raw> {
    let mut out = ptr::null_mut();
    // SAFETY: `env` is the environment of this call; the name is copied by Node.
    let status = unsafe {
        sys::napi_create_function(
            env,
            name.as_ptr().cast(),
            name.len() as isize,
            callback,
            data,
            &raw mut out,
        )
    };
    napi::check_status!(status)?;
    Ok(Raw(out))
}

/// Arguments of a call, padded with null pointers, and the state of its environment.
pub(super) struct Call<'a, const N: usize> {
    pub(super) env: sys::napi_env,
    pub(super) args: [sys::napi_value; N],
    pub(super) state: &'a State,
}

/// Runs `body` on the arguments of a call. A panic is `undefined`, that is a miss: it must not
/// cross into Node, which would abort the process.
#[inline]
pub(super) fn call<const N: usize>(
    env: sys::napi_env,
    info: sys::napi_callback_info,
    body: impl FnOnce(&Call<'_, N>) -> sys::napi_value,
) -> sys::napi_value {
    let mut args = [ptr::null_mut(); N];
    let mut count = N;
    let mut data = ptr::null_mut();
    // SAFETY: `info` belongs to this call; `args` has room for `count` values; Node fills the rest
    // with `undefined`.
    let status = unsafe {
        sys::napi_get_cb_info(
            env,
            info,
            &raw mut count,
            args.as_mut_ptr(),
            ptr::null_mut(),
            &raw mut data,
        )
    };
    if status != sys::Status::napi_ok || data.is_null() {
        return ptr::null_mut();
    }
    // SAFETY: `data` is the state made for this environment by `env::create`; it lives until the
    // environment is torn down, and no function is called after that. It is shared within this one
    // thread only, and all its parts are cells.
    let state = unsafe { &*data.cast::<State>() };
    let call = Call { env, args, state };
    guard(|| body(&call)).unwrap_or_else(|| {
        if let Some(engine) = process::running() {
            bump(&engine.stats.panics);
        }
        ptr::null_mut()
    })
}

/// A JavaScript number.
#[inline]
pub(super) fn number(env: sys::napi_env, value: f64) -> sys::napi_value {
    let mut out = ptr::null_mut();
    // SAFETY: `env` is the environment of the current call. On failure `out` stays null, which is
    // `undefined` as a result.
    unsafe { sys::napi_create_double(env, value, &raw mut out) };
    out
}

/// A JavaScript integer; cheaper than [`number`].
#[inline]
pub(super) fn small(env: sys::napi_env, value: u32) -> sys::napi_value {
    let mut out = ptr::null_mut();
    // SAFETY: as in `number`.
    unsafe { sys::napi_create_uint32(env, value, &raw mut out) };
    out
}

/// `undefined`.
pub(super) fn undefined(env: sys::napi_env) -> sys::napi_value {
    let mut out = ptr::null_mut();
    // SAFETY: as in `number`.
    unsafe { sys::napi_get_undefined(env, &raw mut out) };
    out
}

/// `true`.
pub(super) fn truth(env: sys::napi_env) -> sys::napi_value {
    let mut out = ptr::null_mut();
    // SAFETY: as in `number`.
    unsafe { sys::napi_get_boolean(env, true, &raw mut out) };
    out
}

/// A JavaScript string of Latin-1 bytes, copied.
pub(super) fn latin1(env: sys::napi_env, bytes: &[u8]) -> sys::napi_value {
    let mut out = ptr::null_mut();
    // SAFETY: the bytes are read during the call only.
    unsafe {
        sys::napi_create_string_latin1(
            env,
            bytes.as_ptr().cast(),
            bytes.len() as isize,
            &raw mut out,
        );
    }
    out
}

/// A JavaScript string of UTF-16 in the order of this machine, copied. `bytes` may lie anywhere.
pub(super) fn utf16(env: sys::napi_env, bytes: &[u8]) -> sys::napi_value {
    let units: Vec<u16> = bytes
        .chunks_exact(2)
        .filter_map(|two| two.try_into().ok().map(u16::from_ne_bytes))
        .collect();
    let mut out = ptr::null_mut();
    // SAFETY: the units are read during the call only.
    unsafe {
        sys::napi_create_string_utf16(env, units.as_ptr(), units.len() as isize, &raw mut out);
    }
    out
}

/// Calls `function` with `args`. `None` if it threw; the exception is cleared, for nothing here may
/// throw into Next.js.
pub(super) fn invoke(
    env: sys::napi_env,
    function: sys::napi_value,
    args: &[sys::napi_value],
) -> Option<sys::napi_value> {
    let mut out = ptr::null_mut();
    // SAFETY: all values belong to the current handle scope of `env`.
    let status = unsafe {
        sys::napi_call_function(
            env,
            undefined(env),
            function,
            args.len(),
            args.as_ptr(),
            &raw mut out,
        )
    };
    if status == sys::Status::napi_ok {
        return Some(out);
    }
    let mut error = ptr::null_mut();
    // SAFETY: clears what the call above threw.
    unsafe { sys::napi_get_and_clear_last_exception(env, &raw mut error) };
    None
}

/// Keeps `value` alive until the reference is deleted.
pub(super) fn reference(env: sys::napi_env, value: sys::napi_value) -> Option<sys::napi_ref> {
    let mut out = ptr::null_mut();
    // SAFETY: `value` belongs to the current handle scope of `env`.
    let status = unsafe { sys::napi_create_reference(env, value, 1, &raw mut out) };
    (status == sys::Status::napi_ok).then_some(out)
}

/// Deletes a reference, which is of no use from then on.
pub(super) fn release(env: sys::napi_env, reference: sys::napi_ref) {
    // SAFETY: references are made by `reference` above, for the same environment; whoever deletes one
    // has taken it out of the state.
    unsafe { sys::napi_delete_reference(env, reference) };
}

/// The value behind a strong reference of this environment.
#[inline]
pub(super) fn dereference(env: sys::napi_env, reference: sys::napi_ref) -> sys::napi_value {
    let mut out = ptr::null_mut();
    // SAFETY: references are made by `reference` above, and kept in the state of the same
    // environment until `release`.
    unsafe { sys::napi_get_reference_value(env, reference, &raw mut out) };
    out
}
