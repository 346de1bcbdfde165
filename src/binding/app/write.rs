//! What came of an order, as an array that begins with a word; `js/app/store.js` reads it.

use std::ptr;

use bytes::Bytes;
use napi::sys;

use super::super::raw;
use crate::app::desk::Source;
use crate::app::limit::Verdict;
use crate::app::store::{Answer, Failure};
use crate::app::{code, lock, session, value};

/// An element of the array.
#[derive(Debug)]
pub(in super::super) enum Cell {
    Word(&'static str),
    Text(String),
    Number(f64),
    Bytes(Bytes),
}

fn number(number: u64) -> Cell {
    Cell::Number(number as f64)
}

/// The answer to an order.
pub(super) fn cells(answer: Result<Answer, Failure>) -> Vec<Cell> {
    match answer {
        Err(failure) => failed(failure),
        Ok(Answer::Value(answer)) => of_value(answer),
        Ok(Answer::Code(answer)) => of_code(answer),
        Ok(Answer::Lock(answer)) => of_lock(answer),
        Ok(Answer::Session(answer)) => of_session(answer),
        Ok(Answer::Limit(verdict)) => ruling(Ok((verdict, Source::Store))),
    }
}

/// `failed`, why, and a detail.
fn failed(failure: Failure) -> Vec<Cell> {
    let detail = match failure {
        Failure::Refused(word) => word,
        _ => "",
    };
    vec![Cell::Word("failed"), Cell::Word(failure.as_str()), Cell::Word(detail)]
}

fn of_value(answer: value::Answer) -> Vec<Cell> {
    match answer {
        value::Answer::Found(bytes) => vec![Cell::Word("found"), Cell::Bytes(bytes)],
        value::Answer::Absent => vec![Cell::Word("absent")],
        value::Answer::Done => vec![Cell::Word("done")],
        value::Answer::Present => vec![Cell::Word("present")],
        value::Answer::Number(sum) => vec![Cell::Word("number"), Cell::Number(sum as f64)],
        value::Answer::NoNumber => vec![Cell::Word("no number")],
    }
}

fn of_code(answer: code::Answer) -> Vec<Cell> {
    match answer {
        code::Answer::Issued => vec![Cell::Word("issued")],
        code::Answer::TooSoon(ms) => vec![Cell::Word("too soon"), number(ms)],
        code::Answer::Right => vec![Cell::Word("right")],
        code::Answer::Wrong(left) => vec![Cell::Word("wrong"), number(left.into())],
        code::Answer::NoCode => vec![Cell::Word("no code")],
        code::Answer::Revoked => vec![Cell::Word("revoked")],
    }
}

fn of_lock(answer: lock::Answer) -> Vec<Cell> {
    match answer {
        lock::Answer::Taken(fence) => vec![Cell::Word("taken"), number(fence)],
        lock::Answer::Held(ms) => vec![Cell::Word("held"), number(ms)],
        lock::Answer::Done => vec![Cell::Word("done")],
        lock::Answer::Lost => vec![Cell::Word("lost")],
    }
}

fn of_session(answer: session::Answer) -> Vec<Cell> {
    match answer {
        session::Answer::Found(session) => {
            let mut cells = vec![Cell::Word("found")];
            cells.extend(session_cells(session));
            cells
        }
        session::Answer::Absent => vec![Cell::Word("absent")],
        session::Answer::Done => vec![Cell::Word("done")],
        session::Answer::Rotated => vec![Cell::Word("rotated")],
        session::Answer::Ended(count) => vec![Cell::Word("ended"), number(count)],
        session::Answer::Listed(all) => {
            let mut cells = vec![Cell::Word("listed")];
            for (id, session) in all {
                cells.push(Cell::Text(id.hex()));
                cells.extend(session_cells(session));
            }
            cells
        }
    }
}

/// When it began, was seen last, ends, and ends in any case; whether it has another id; its bytes.
fn session_cells(session: session::Session) -> [Cell; 6] {
    [
        number(session.created_ms),
        number(session.seen_ms),
        number(session.until_ms),
        number(session.ends_ms),
        number(session.heir.is_some().into()),
        Cell::Bytes(session.bytes),
    ]
}

/// `admitted` or `refused`, who decided, for how long it is blocked, and of each window what is left,
/// when all of it is there again, and when what was refused may be.
pub(super) fn ruling(ruling: Result<(Verdict, Source), Failure>) -> Vec<Cell> {
    let (verdict, source) = match ruling {
        Ok(ruling) => ruling,
        Err(failure) => return failed(failure),
    };
    let mut cells = Vec::with_capacity(3 + verdict.windows.len() * 3);
    cells.push(Cell::Word(if verdict.is_admitted { "admitted" } else { "refused" }));
    cells.push(Cell::Word(match source {
        Source::Store => "store",
        Source::Known => "known",
        Source::Local => "local",
        Source::Nobody => "nobody",
    }));
    cells.push(number(verdict.blocked_ms));
    for left in &verdict.windows {
        cells.extend([left.left, left.reset_ms, left.retry_ms].map(number));
    }
    cells
}

/// The array.
pub(super) fn array(env: sys::napi_env, cells: Vec<Cell>) -> sys::napi_value {
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

fn element(env: sys::napi_env, cell: Cell) -> sys::napi_value {
    match cell {
        Cell::Word(word) => raw::latin1(env, word.as_bytes()),
        Cell::Text(text) => raw::latin1(env, text.as_bytes()),
        Cell::Number(value) => raw::number(env, value),
        Cell::Bytes(bytes) => buffer(env, &bytes),
    }
}

/// A `Buffer` of its own.
fn buffer(env: sys::napi_env, bytes: &[u8]) -> sys::napi_value {
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
