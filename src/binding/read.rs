//! Arguments into values.

use std::mem::MaybeUninit;
use std::ptr;

use napi::sys;

use super::raw;
use crate::next::value::Part;
use crate::tags::Tag;

/// Keys up to this many units are read without an allocation.
const STACK: usize = 512;
/// More parts than segments of any page.
const MOST_PARTS: u32 = 1 << 16;

/// Reads the string `value` and hands its UTF-16 units to `body`. `None` if it is no string.
#[inline]
pub(super) fn with_units<R>(
    env: raw::Env,
    value: raw::Value,
    body: impl FnOnce(&[u16]) -> R,
) -> Option<R> {
    let mut stack = [const { MaybeUninit::<u16>::uninit() }; STACK];
    let mut length = 0;
    let start = stack.as_mut_ptr().cast::<u16>();
    // SAFETY: the buffer has `STACK` units, the last of which Node keeps for a zero.
    let status =
        unsafe { sys::napi_get_value_string_utf16(env, value, start, STACK, &raw mut length) };
    if status != sys::Status::napi_ok {
        return None;
    }
    if length < STACK - 1 {
        // SAFETY: Node has written the first `length` units.
        return Some(body(unsafe { std::slice::from_raw_parts(start, length) }));
    }
    let units = units(env, value)?;
    Some(body(&units))
}

/// The UTF-16 units of the string `value`.
pub(super) fn units(env: raw::Env, value: raw::Value) -> Option<Vec<u16>> {
    let mut length = 0;
    // SAFETY: without a buffer Node only gives the length.
    let status = unsafe {
        sys::napi_get_value_string_utf16(env, value, ptr::null_mut(), 0, &raw mut length)
    };
    if status != sys::Status::napi_ok {
        return None;
    }
    let mut units = Vec::<u16>::with_capacity(length + 1);
    // SAFETY: the buffer has room for `length` units and the zero; Node writes `length` of them,
    // which are then initialised.
    unsafe {
        sys::napi_get_value_string_utf16(
            env,
            value,
            units.as_mut_ptr(),
            length + 1,
            &raw mut length,
        );
        units.set_len(length);
    }
    Some(units)
}

/// A number; `None` if it is none.
#[inline]
pub(super) fn number(env: raw::Env, value: raw::Value) -> Option<f64> {
    let mut out = 0.0;
    // SAFETY: `value` belongs to the current call.
    let status = unsafe { sys::napi_get_value_double(env, value, &raw mut out) };
    (status == sys::Status::napi_ok).then_some(out)
}

/// A number, or the numbers in an array, without its other elements.
pub(super) fn numbers(env: raw::Env, array: raw::Value) -> Vec<f64> {
    if let Some(number) = number(env, array) {
        return vec![number];
    }
    let elements = (0..length(env, array)).filter_map(|index| element(env, array, index));
    elements.filter_map(|value| number(env, value)).collect()
}

/// A small whole number; 0 if it is none.
#[inline]
pub(super) fn small(env: raw::Env, value: raw::Value) -> u32 {
    let mut out = 0;
    // SAFETY: as in `number`.
    unsafe { sys::napi_get_value_uint32(env, value, &raw mut out) };
    out
}

/// Tags: an array of strings, or one string of comma-separated tags as in
/// `x-next-cache-tags`. Anything else is none.
pub(super) fn tags(env: raw::Env, value: raw::Value) -> Vec<Tag> {
    let mut sort = -1;
    // SAFETY: as in `number`.
    unsafe { sys::napi_typeof(env, value, &raw mut sort) };
    if sort == sys::ValueType::napi_undefined {
        return Vec::new();
    }
    if let Some(units) = units(env, value) {
        let comma = u16::from(b',');
        return units
            .split(|unit| *unit == comma)
            .filter(|tag| !tag.is_empty())
            .map(Tag::from_units)
            .collect();
    }
    let elements = (0..length(env, value)).filter_map(|index| element(env, value, index));
    elements.filter_map(|tag| with_units(env, tag, Tag::from_units)).collect()
}

/// The length of an array; 0 if it is none.
pub(super) fn length(env: raw::Env, array: raw::Value) -> u32 {
    let mut is_array = false;
    // SAFETY: as in `number`.
    unsafe { sys::napi_is_array(env, array, &raw mut is_array) };
    let mut length = 0;
    if is_array {
        // SAFETY: it is an array.
        unsafe { sys::napi_get_array_length(env, array, &raw mut length) };
    }
    length
}

fn element(env: raw::Env, array: raw::Value, index: u32) -> Option<raw::Value> {
    let mut out = ptr::null_mut();
    // SAFETY: `array` is an array of this call. A getter could run JavaScript here, but the arrays
    // are made by our own code or by Next.js and have none; were one to throw, the status says so.
    let status = unsafe { sys::napi_get_element(env, array, index, &raw mut out) };
    (status == sys::Status::napi_ok).then_some(out)
}

/// One part of a value as JavaScript owns it.
pub(super) enum Owned<'a> {
    Absent,
    Text(Vec<u16>),
    Bytes(&'a [u8]),
}

impl Owned<'_> {
    pub(super) fn part(&self) -> Part<'_> {
        match self {
            Self::Absent => Part::Absent,
            Self::Text(units) => Part::Text(units),
            Self::Bytes(bytes) => Part::Bytes(bytes),
        }
    }
}

/// The parts in an array. `None` if one is neither a string, bytes, `undefined` nor `null`.
pub(super) fn parts<'a>(env: raw::Env, array: raw::Value) -> Option<Vec<Owned<'a>>> {
    let length = length(env, array);
    if length > MOST_PARTS {
        return None;
    }
    (0..length).map(|index| part(env, element(env, array, index)?)).collect()
}

/// One part; see [`parts`].
pub(super) fn part<'a>(env: raw::Env, value: raw::Value) -> Option<Owned<'a>> {
    let mut sort = -1;
    // SAFETY: as in `number`.
    unsafe { sys::napi_typeof(env, value, &raw mut sort) };
    match sort {
        sys::ValueType::napi_undefined | sys::ValueType::napi_null => Some(Owned::Absent),
        sys::ValueType::napi_string => units(env, value).map(Owned::Text),
        sys::ValueType::napi_object => bytes(env, value).map(Owned::Bytes),
        _ => None,
    }
}

/// The bytes of a Buffer, typed array or `ArrayBuffer`, borrowed for the current call: nothing runs
/// JavaScript between here and the copy into the entry.
fn bytes<'a>(env: raw::Env, value: raw::Value) -> Option<&'a [u8]> {
    let (mut data, mut length) = (ptr::null_mut(), 0);
    let mut is_view = false;
    // SAFETY: as in `number`. Node aborts when asked for the buffer of anything but a view, so it
    // is asked first.
    let status = unsafe {
        sys::napi_is_buffer(env, value, &raw mut is_view);
        if is_view {
            sys::napi_get_buffer_info(env, value, &raw mut data, &raw mut length)
        } else {
            let mut is_buffer = false;
            sys::napi_is_arraybuffer(env, value, &raw mut is_buffer);
            if !is_buffer {
                return None;
            }
            sys::napi_get_arraybuffer_info(env, value, &raw mut data, &raw mut length)
        }
    };
    if status != sys::Status::napi_ok {
        return None;
    }
    if data.is_null() || length == 0 {
        return Some(&[]);
    }
    // SAFETY: Node gives the address and the length of a live buffer.
    Some(unsafe { std::slice::from_raw_parts(data.cast::<u8>(), length) })
}
