//! Node-API without the cost of conversions.

use std::ffi::c_void;
use std::ptr;

use napi::sys;

use super::env::State;
use crate::guard::guard;
use crate::process;
use crate::stats::bump;

/// An environment, in the words of Node-API.
pub(super) type Env = sys::napi_env;
/// A value of JavaScript.
pub(super) type Value = sys::napi_value;
/// The arguments of a call.
pub(super) type Info = sys::napi_callback_info;

/// A value that `Object::set` passes on unchanged.
pub(super) struct Raw(pub(super) Value);

impl napi::bindgen_prelude::ToNapiValue for Raw {
    unsafe fn to_napi_value(_: Env, val: Self) -> napi::Result<Value> {
        Ok(val.0)
    }
}

/// A JavaScript function that calls `callback` with `data`.
pub(super) fn function(
    env: Env,
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
    pub(super) env: Env,
    pub(super) args: [Value; N],
    pub(super) state: &'a State,
}

/// Runs `body` on the arguments of a call. A panic is `undefined`, that is a miss: it must not
/// cross into Node, which would abort the process.
#[inline]
pub(super) fn call<const N: usize>(
    env: Env,
    info: Info,
    body: impl FnOnce(&Call<'_, N>) -> Value,
) -> Value {
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

/// The value that `make` makes; null, which is `undefined` as a result, if it fails.
#[inline]
fn made(make: impl FnOnce(*mut Value) -> sys::napi_status) -> Value {
    let mut out = ptr::null_mut();
    make(&raw mut out);
    out
}

/// A JavaScript number.
#[inline]
pub(super) fn number(env: Env, value: f64) -> Value {
    // SAFETY: `env` is the environment of the current call.
    made(|out| unsafe { sys::napi_create_double(env, value, out) })
}

/// A JavaScript integer; cheaper than [`number`].
#[inline]
pub(super) fn small(env: Env, value: u32) -> Value {
    // SAFETY: as in `number`.
    made(|out| unsafe { sys::napi_create_uint32(env, value, out) })
}

/// `undefined`.
pub(super) fn undefined(env: Env) -> Value {
    // SAFETY: as in `number`.
    made(|out| unsafe { sys::napi_get_undefined(env, out) })
}

/// `true`.
pub(super) fn truth(env: Env) -> Value {
    // SAFETY: as in `number`.
    made(|out| unsafe { sys::napi_get_boolean(env, true, out) })
}

/// A JavaScript string of Latin-1 bytes, copied.
pub(super) fn latin1(env: Env, bytes: &[u8]) -> Value {
    let (start, length) = (bytes.as_ptr().cast(), bytes.len() as isize);
    // SAFETY: the bytes are read during the call only.
    made(|out| unsafe { sys::napi_create_string_latin1(env, start, length, out) })
}

/// A JavaScript string of UTF-16 in the order of this machine, copied. `bytes` may lie anywhere.
pub(super) fn utf16(env: Env, bytes: &[u8]) -> Value {
    let units: Vec<u16> = bytes
        .chunks_exact(2)
        .filter_map(|two| two.try_into().ok().map(u16::from_ne_bytes))
        .collect();
    let length = units.len() as isize;
    // SAFETY: the units are read during the call only.
    made(|out| unsafe { sys::napi_create_string_utf16(env, units.as_ptr(), length, out) })
}

/// The same of a text.
pub(super) fn text(env: Env, text: &str) -> Value {
    let units: Vec<u8> = text.encode_utf16().flat_map(u16::to_ne_bytes).collect();
    utf16(env, &units)
}

/// Calls `function` with `args`. `None` if it threw; the exception is cleared, for nothing here may
/// throw into Next.js.
pub(super) fn invoke(env: Env, function: Value, args: &[Value]) -> Option<Value> {
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
pub(super) fn reference(env: Env, value: Value) -> Option<sys::napi_ref> {
    let mut out = ptr::null_mut();
    // SAFETY: `value` belongs to the current handle scope of `env`.
    let status = unsafe { sys::napi_create_reference(env, value, 1, &raw mut out) };
    (status == sys::Status::napi_ok).then_some(out)
}

/// Deletes a reference, which is of no use from then on.
pub(super) fn release(env: Env, reference: sys::napi_ref) {
    // SAFETY: references are made by `reference` above, for the same environment; the caller has
    // taken this one out of the state.
    unsafe { sys::napi_delete_reference(env, reference) };
}

/// The value behind a strong reference of this environment.
#[inline]
pub(super) fn dereference(env: Env, reference: sys::napi_ref) -> Value {
    // SAFETY: references are made by `reference` above, and kept in the state of the same
    // environment until `release`.
    made(|out| unsafe { sys::napi_get_reference_value(env, reference, out) })
}
