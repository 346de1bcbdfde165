//! Parses what scripts return and publish: rows and messages.
//!
//! # Format
//! A row is `<hard> <soft> <deadline> <length>:<tag>`: positions, the deadline in milliseconds on
//! the store's clock with 0 for none, and the tag's bytes. Rows follow each other without a gap. A
//! message is `2 <epoch> <previous> <position> <process> ` and rows; 2 is the version, and the process
//! is the one that invalidates, as it calls itself. Version 1 names none.
//!
//! Any of it may be forged: bytes that do not fit give nothing.

use crate::account::{MOST_NAME, is_of_name};
use crate::coherence::event::{Message, Row};
use crate::tags::{Epoch, Position, Tag};

/// Larger numbers are not exact on the server.
const MOST: u64 = 1 << 53;

/// The rows that fill `bytes`.
pub(super) fn rows(bytes: &[u8]) -> Option<Vec<Row>> {
    let mut reader = Reader(bytes);
    let mut rows = Vec::new();
    while !reader.0.is_empty() {
        rows.push(reader.row()?);
    }
    Some(rows)
}

/// A published invalidation, and the process it comes from.
pub(super) fn message(bytes: &[u8]) -> Option<(Message, Option<&str>)> {
    let mut reader = Reader(bytes);
    let version = reader.number(b' ', 2)?;
    let epoch = Epoch(reader.number(b' ', u64::MAX)?);
    let previous = Position(reader.number(b' ', MOST)?);
    let position = Position(reader.number(b' ', MOST)?);
    let process = match version {
        1 => None,
        2 => Some(reader.name()?),
        _ => return None,
    };
    let is_sound = epoch.0 != 0 && previous < position;
    let message = Message { epoch, previous, position, rows: rows(reader.0)? };
    is_sound.then_some((message, process))
}

/// A whole number in decimal digits.
pub(super) fn number(bytes: &[u8]) -> Option<u64> {
    let is_plain = !bytes.is_empty() && bytes.iter().all(u8::is_ascii_digit);
    std::str::from_utf8(bytes).ok().filter(|_| is_plain)?.parse().ok()
}

/// A score that is a position. Servers write large ones with an exponent, or without.
pub(super) fn position(score: f64) -> Option<Position> {
    let is_exact = score.fract() == 0.0 && (0.0..=MOST as f64).contains(&score);
    is_exact.then_some(Position(score as u64))
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    /// The number in front of the byte `end`.
    fn number(&mut self, end: u8, most: u64) -> Option<u64> {
        // No number has more digits: the search in a forged text without an end is bounded.
        let at = self.0.iter().take(21).position(|byte| *byte == end)?;
        let (digits, rest) = self.0.split_at_checked(at)?;
        self.0 = rest.get(1..)?;
        number(digits).filter(|number| *number <= most)
    }

    /// The name in front of a space, of the characters that [`crate::account::process_name`] leaves.
    fn name(&mut self) -> Option<&'a str> {
        let at = self.0.iter().take(MOST_NAME + 1).position(|byte| *byte == b' ')?;
        let (name, rest) = self.0.split_at_checked(at)?;
        self.0 = rest.get(1..)?;
        let is_plain = !name.is_empty() && name.iter().all(|byte| is_of_name(*byte));
        std::str::from_utf8(name).ok().filter(|_| is_plain)
    }

    fn row(&mut self) -> Option<Row> {
        let hard = Position(self.number(b' ', MOST)?);
        let soft = Position(self.number(b' ', MOST)?);
        let due_ms = self.number(b' ', MOST / 1_000)?;
        let length = self.number(b':', u64::from(u32::MAX))?;
        let (tag, rest) = self.0.split_at_checked(length as usize)?;
        self.0 = rest;
        let deadline_us = (due_ms > 0).then_some(due_ms * 1_000);
        Some(Row { tag: Tag::from(tag), hard, soft, deadline_us })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const TWO: &[u8] = b"2 77 5 9 web-7f:12 9 0 0 3:a:b0 9 20 4:\xff 0:";

    #[test]
    fn tags_may_have_any_bytes() {
        let (message, process) = message(TWO).unwrap();
        assert_eq!(process, Some("web-7f:12"));
        assert_eq!((message.epoch, message.previous, message.position), at(77, 5, 9));
        assert_eq!(message.rows[0].tag, Tag::from("a:b"));
        assert_eq!(message.rows[0].hard, Position(9));
        assert_eq!(message.rows[1].tag, Tag::from(&b"\xff 0:"[..]));
        assert_eq!(
            (message.rows[1].soft, message.rows[1].deadline_us),
            (Position(9), Some(20_000))
        );
    }

    fn at(epoch: u64, previous: u64, position: u64) -> (Epoch, Position, Position) {
        (Epoch(epoch), Position(previous), Position(position))
    }

    #[test]
    fn what_is_cut_short_is_nothing() {
        for cut in 0..TWO.len() {
            let is_whole_row = [&b"2 77 5 9 web-7f:12 "[..], b"2 77 5 9 web-7f:12 9 0 0 3:a:b"]
                .iter()
                .any(|whole| cut == whole.len());
            assert_eq!(message(&TWO[..cut]).is_some(), is_whole_row, "{cut}");
        }
    }

    #[test]
    fn other_versions_and_impossible_numbers_are_nothing() {
        assert_eq!(message(b"3 77 5 9 a "), None);
        assert_eq!(message(b"2 77 5 9 "), None);
        assert_eq!(message(b"2 77 5 9 \x1b[31m "), None);
        assert_eq!(message(b"1 77 5 9 ").map(|(_, process)| process), Some(None));
        assert_eq!(message(b"1 0 5 9 "), None);
        assert_eq!(message(b"1 77 9 9 "), None);
        assert_eq!(message(b"1 77 5 9007199254740993 "), None);
        assert_eq!(message(b"1 77 +5 9 "), None);
        assert_eq!(rows(b"9 0 0 99:short"), None);
        assert_eq!(position(1e15), Some(Position(1_000_000_000_000_000)));
        assert_eq!([-1.0, 0.5, f64::INFINITY, f64::NAN].map(position), [None; 4]);
    }

    proptest! {
        #[test]
        fn forged_bytes_are_read_or_refused(bytes: Vec<u8>) {
            let _ = message(&bytes);
            let _ = rows(&bytes);
        }

        #[test]
        fn rows_come_back_as_they_were_told(
            told in prop::collection::vec((0..MOST, 0..MOST, 0..MOST / 1_000, any::<Vec<u8>>()), 0..5)
        ) {
            let mut bytes = Vec::new();
            for (hard, soft, deadline, tag) in &told {
                bytes.extend(format!("{hard} {soft} {deadline} {}:", tag.len()).bytes());
                bytes.extend(tag);
            }
            let read: Vec<_> = rows(&bytes).unwrap().into_iter().map(|row| {
                let deadline_ms = row.deadline_us.unwrap_or(0) / 1_000;
                (row.hard.0, row.soft.0, deadline_ms, row.tag.as_bytes().to_vec())
            }).collect();
            prop_assert_eq!(read, told);
        }
    }
}
