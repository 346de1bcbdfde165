//! What came of an order, as a row that begins with a word, or as numbers; `js/app/store.js` has either
//! as an array.

use bytes::Bytes;

use super::desk::Source;
use super::limit::{Left, Verdict};
use super::replies::Reply;
use super::store::{Answer, Failure};
use super::{code, count, lock, seat, session, value};

/// A part of the row.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell {
    /// One of those written here.
    Word(&'static str),
    /// In Latin-1.
    Text(String),
    /// A number.
    Number(f64),
    /// Bytes that were stored.
    Bytes(Bytes),
}

/// Cells of a session; in a list the hash of its id comes first.
pub const SESSION_CELLS: usize = 6;
/// Cells of a ruling before those of its windows.
pub const RULING_CELLS: usize = 3;
/// Cells of each window of a ruling.
pub const WINDOW_CELLS: usize = 3;

fn number(number: u64) -> Cell {
    Cell::Number(number as f64)
}

/// The answer to an order.
pub fn of_order(answer: Result<Answer, Failure>) -> Reply {
    Reply::Row(match answer {
        Err(failure) => failed(failure),
        Ok(Answer::Value(answer)) => of_value(answer),
        Ok(Answer::Code(answer)) => of_code(answer),
        Ok(Answer::Lock(answer)) => of_lock(answer),
        Ok(Answer::Session(answer)) => of_session(answer),
        Ok(Answer::Limit(verdict)) => return of_limit(Ok((verdict, Source::Store))),
        Ok(Answer::Count(answer)) => of_count(Ok(answer)),
        Ok(Answer::Seat(answer)) => of_seat(Ok((answer, Source::Store))),
    })
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
fn session_cells(session: session::Session) -> [Cell; SESSION_CELLS] {
    [
        number(session.created_ms),
        number(session.seen_ms),
        number(session.until_ms),
        number(session.ends_ms),
        number(session.heir.is_some().into()),
        Cell::Bytes(session.bytes),
    ]
}

/// What is said of a seat, and by whom.
pub fn of_seat(answer: Result<(seat::Answer, Source), Failure>) -> Vec<Cell> {
    let (word, numbers, source) = match answer {
        Err(failure) => return failed(failure),
        Ok((seat::Answer::Taken(held, first_ms), source)) => ("taken", [held, first_ms], source),
        Ok((seat::Answer::Held(held, first_ms), source)) => ("held", [held, first_ms], source),
        Ok((seat::Answer::Done, source)) => ("done", [0, 0], source),
        Ok((seat::Answer::Lost, source)) => ("lost", [0, 0], source),
    };
    let [held, first_ms] = numbers.map(number);
    vec![Cell::Word(word), Cell::Word(source.as_str()), held, first_ms]
}

/// What a counter says.
pub fn of_count(answer: Result<count::Answer, Failure>) -> Vec<Cell> {
    let whole = |sum: i64| Cell::Number(sum as f64);
    match answer {
        Err(failure) => failed(failure),
        Ok(count::Answer::Added) => vec![Cell::Word("done")],
        Ok(count::Answer::Sum { sum, .. }) => vec![Cell::Word("sum"), whole(sum)],
        Ok(count::Answer::Series { buckets, .. }) => {
            let mut cells = vec![Cell::Word("series")];
            cells.extend(buckets.into_iter().flat_map(|(at, sum)| [number(at), whole(sum)]));
            cells
        }
        Ok(count::Answer::Top(all)) => {
            let mut cells = vec![Cell::Word("top")];
            // Names in UTF-8.
            let two = |(id, sum): (String, i64)| [Cell::Bytes(id.into()), whole(sum)];
            cells.extend(all.into_iter().flat_map(two));
            cells
        }
        Ok(count::Answer::Distinct(count)) => vec![Cell::Word("distinct"), number(count)],
        Ok(count::Answer::Removed(None)) => vec![Cell::Word("absent")],
        Ok(count::Answer::Removed(Some(sum))) => vec![Cell::Word("removed"), whole(sum)],
    }
}

/// What a limit says, as numbers.
#[derive(Debug, Clone, PartialEq)]
pub struct Ruling {
    verdict: Verdict,
    source: Source,
}

impl Ruling {
    /// How many numbers there are.
    pub fn count(&self) -> usize {
        RULING_CELLS + self.verdict.windows.len() * WINDOW_CELLS
    }

    /// 1 if it is admitted, the place of who decided in `Source::ALL`, for how long it is blocked, and
    /// of each window what is left, when all of it is there again, and when what was refused may be.
    pub fn numbers(&self) -> impl Iterator<Item = f64> {
        let Verdict { is_admitted, blocked_ms, windows, .. } = &self.verdict;
        let first =
            [f64::from(u8::from(*is_admitted)), f64::from(self.source as u8), *blocked_ms as f64];
        let of_window =
            |left: &Left| [left.left, left.reset_ms, left.retry_ms].map(|one| one as f64);
        first.into_iter().chain(windows.iter().flat_map(of_window))
    }
}

/// What a limit says.
pub fn of_limit(ruling: Result<(Verdict, Source), Failure>) -> Reply {
    match ruling {
        Ok((verdict, source)) => Reply::Ruling(Ruling { verdict, source }),
        Err(failure) => Reply::Row(failed(failure)),
    }
}
