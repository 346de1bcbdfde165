//! What came of an order, for JavaScript: a row is an array, numbers lie in the mailbox.

use std::ptr;

use napi::sys;

use super::super::env::{Slot, State};
use super::super::raw;
use crate::app::cells::Cell;
use crate::app::replies::Reply;

/// The array, or `true`.
pub(super) fn reply(env: raw::Env, state: &State, reply: Reply) -> raw::Value {
    match reply {
        Reply::Row(cells) => array(env, cells),
        Reply::Ruling(ruling) => {
            state.leave(Slot::Count, ruling.count() as f64);
            state.leave_numbers(ruling.numbers());
            raw::truth(env)
        }
    }
}

fn array(env: raw::Env, cells: Vec<Cell>) -> raw::Value {
    let mut array = ptr::null_mut();
    // SAFETY: `env` is the environment of the current call; on failure `array` stays null, which is
    // `undefined` as a result.
    if unsafe { sys::napi_create_array_with_length(env, cells.len(), &raw mut array) }
        != sys::Status::napi_ok
    {
        return ptr::null_mut();
    }
    for (at, cell) in cells.into_iter().enumerate() {
        // SAFETY: `array` was made just now, and the element belongs to this call.
        unsafe { sys::napi_set_element(env, array, at as u32, element(env, cell)) };
    }
    array
}

fn element(env: raw::Env, cell: Cell) -> raw::Value {
    match cell {
        Cell::Word(word) => raw::latin1(env, word.as_bytes()),
        Cell::Text(text) => raw::latin1(env, text.as_bytes()),
        Cell::Number(value) => raw::number(env, value),
        Cell::Bytes(bytes) => buffer(env, &bytes),
    }
}

/// A `Buffer` of its own.
fn buffer(env: raw::Env, bytes: &[u8]) -> raw::Value {
    let (mut out, mut data) = (ptr::null_mut(), ptr::null_mut());
    // SAFETY: Node copies `bytes` during the call; it reads nothing of an empty slice.
    unsafe {
        sys::napi_create_buffer_copy(
            env,
            bytes.len(),
            bytes.as_ptr().cast(),
            &raw mut data,
            &raw mut out,
        );
    }
    out
}
