//! Plain values: bytes under a label, each until it is due. Tokens are values, too.

use bytes::Bytes;

use super::shelf::Weight;

/// The largest whole number that JavaScript tells from its neighbours.
pub const MOST_NUMBER: i64 = (1 << 53) - 1;

/// The largest value, in bytes.
pub const MOST_BYTES: usize = 8 << 20;
/// The longest that anything lives, in ms: ten years.
pub const MOST_TTL_MS: u64 = 315_360_000_000;

/// What is done with a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Deed {
    /// Reads it.
    Get,
    /// Stores it.
    Set {
        /// What.
        bytes: Bytes,
        /// For how long, in ms.
        ttl_ms: u64,
        /// Only where nothing is.
        only_absent: bool,
    },
    /// Reads and removes it: of all who do, one gets it.
    Take,
    /// Removes it.
    Delete,
    /// Adds to the number that it is, in decimal digits; nothing counts as 0.
    Increment {
        /// How much, which may be negative.
        by: i64,
        /// How long a number that is new lives, in ms; what is there already lives as long as before.
        ttl_ms: u64,
    },
    /// Lets it live for so long from now on.
    Expire {
        /// In ms.
        ttl_ms: u64,
    },
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// It was there.
    Found(Bytes),
    /// Nothing was there.
    Absent,
    /// It is done.
    Done,
    /// Something was there, and stays.
    Present,
    /// The number that it is now.
    Number(i64),
    /// What is there is no number, or the sum were none that JavaScript can tell: it stays.
    NoNumber,
}

/// A value, and until when it lives, in ms.
pub(super) type Kept = Option<(Bytes, u64)>;

impl Weight for (Bytes, u64) {
    fn weight(&self) -> usize {
        self.0.len()
    }
}

/// Does it with what is there; the scripts do the same on a server.
pub(super) fn change(held: Kept, deed: Deed, now_ms: u64) -> (Kept, Answer) {
    let until = |ttl_ms: u64| now_ms.saturating_add(ttl_ms);
    match (deed, held) {
        (Deed::Set { bytes, ttl_ms, only_absent }, held) => match held {
            Some(held) if only_absent => (Some(held), Answer::Present),
            _ => (Some((bytes, until(ttl_ms))), Answer::Done),
        },
        (Deed::Increment { by, ttl_ms }, held) => increment(held, by, until(ttl_ms)),
        (_, None) => (None, Answer::Absent),
        (Deed::Get, Some(held)) => {
            let found = Answer::Found(held.0.clone());
            (Some(held), found)
        }
        (Deed::Take, Some((bytes, _))) => (None, Answer::Found(bytes)),
        (Deed::Delete, Some(_)) => (None, Answer::Done),
        (Deed::Expire { ttl_ms }, Some((bytes, _))) => (Some((bytes, until(ttl_ms))), Answer::Done),
    }
}

fn increment(held: Kept, by: i64, until_ms: u64) -> (Kept, Answer) {
    let old = match &held {
        None => Some(0),
        Some((bytes, _)) => number(bytes),
    };
    let sum = old.and_then(|old| old.checked_add(by)).filter(|sum| sum.abs() <= MOST_NUMBER);
    let Some(sum) = sum else { return (held, Answer::NoNumber) };
    let until_ms = held.map_or(until_ms, |(_, until_ms)| until_ms);
    (Some((sum.to_string().into(), until_ms)), Answer::Number(sum))
}

/// The number in decimal digits, as the script reads it.
fn number(bytes: &[u8]) -> Option<i64> {
    let digits = bytes.strip_prefix(b"-").unwrap_or(bytes);
    let is_number = (1..=16).contains(&digits.len()) && digits.iter().all(u8::is_ascii_digit);
    std::str::from_utf8(bytes).ok().filter(|_| is_number)?.parse().ok()
}
