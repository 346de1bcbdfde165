//! A cached value as bytes: its parts one after the other, found by a table in front.
//!
//! What the parts mean is agreed with `js/values.js`, by kind: the first is always a JSON text of
//! everything that is neither long text nor bytes.
//!
//! # Format
//! Little endian, of this process only: `u32` number of parts; per part `u32` sort, `u32` offset
//! from the start, `u32` length in bytes; then the parts, UTF-16 ones at even offsets.

use crate::key::Class;
use crate::stats::Kind;

/// Kinds of values, by the numbers used between JavaScript and the addon.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum ValueKind {
    /// A `'use cache'` entry.
    UseCache = 0,
    /// An App Router page.
    AppPage = 1,
    /// A route handler response.
    AppRoute = 2,
    /// A Pages Router page.
    Pages = 3,
    /// A `fetch` or `unstable_cache` entry.
    Fetch = 4,
    /// An optimized image.
    Image = 5,
    /// A Pages Router redirect.
    Redirect = 6,
    /// `null`: the page does not exist.
    Nothing = 7,
    /// A value of the app's own code; see [`super::own`].
    Own = 8,
}

impl ValueKind {
    /// All of them, by number.
    pub const ALL: [Self; 9] = [
        Self::UseCache,
        Self::AppPage,
        Self::AppRoute,
        Self::Pages,
        Self::Fetch,
        Self::Image,
        Self::Redirect,
        Self::Nothing,
        Self::Own,
    ];

    /// The kind with this number.
    pub fn from_number(number: u32) -> Option<Self> {
        Self::ALL.get(number as usize).copied()
    }

    /// The name that Next.js has for it; a page that does not exist is one of the Pages Router.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::UseCache => "USE_CACHE",
            Self::AppPage => "APP_PAGE",
            Self::AppRoute => "APP_ROUTE",
            Self::Pages | Self::Nothing => "PAGES",
            Self::Fetch => "FETCH",
            Self::Image => "IMAGE",
            Self::Redirect => "REDIRECT",
            Self::Own => "OWN",
        }
    }

    /// Whether Next.js accepts a stored value of kind `stored` when it asks for `self`. A value of
    /// another kind would be a 500.
    #[inline]
    pub fn accepts(self, stored: u8) -> bool {
        stored == self as u8
            || match self {
                Self::Pages => stored == Self::Redirect as u8 || stored == Self::Nothing as u8,
                Self::AppPage | Self::AppRoute => stored == Self::Nothing as u8,
                _ => false,
            }
    }

    /// The class of the keys under which values of this kind are stored.
    #[inline]
    pub fn class(self) -> Class {
        match self {
            Self::UseCache => Class::UseCache,
            Self::Fetch => Class::Fetch,
            Self::Image => Class::Image,
            Self::Own => Class::Own,
            _ => Class::Response,
        }
    }

    /// The kind it counts as in statistics.
    #[inline]
    pub fn counted(self) -> Kind {
        match self {
            Self::UseCache => Kind::UseCache,
            Self::AppRoute => Kind::AppRoute,
            Self::Pages | Self::Redirect | Self::Nothing => Kind::Pages,
            Self::Fetch => Kind::Fetch,
            Self::Image => Kind::Image,
            Self::Own => Kind::Own,
            Self::AppPage => Kind::AppPage,
        }
    }

    /// Whether it answers a request by itself: a page, or the response of a route.
    pub fn is_page(self) -> bool {
        matches!(self, Self::AppPage | Self::AppRoute | Self::Pages)
    }

    /// The name by which operators know it.
    pub fn plain_name(self) -> &'static str {
        match self {
            Self::UseCache => "use-cache",
            Self::AppPage => "page",
            Self::AppRoute => "route",
            Self::Pages => "pages",
            Self::Fetch => "fetch",
            Self::Image => "image",
            Self::Own => "app",
            Self::Redirect => "redirect",
            Self::Nothing => "nothing",
        }
    }
}

/// A part to lay out.
#[derive(Debug, Clone, Copy)]
pub enum Part<'a> {
    /// `undefined`.
    Absent,
    /// A string, as UTF-16.
    Text(&'a [u16]),
    /// Bytes.
    Bytes(&'a [u8]),
    /// Bytes in pieces, laid down as one.
    Chunks(&'a [&'a [u8]]),
}

/// A part found in a laid-out value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PartRef<'a> {
    /// `undefined`.
    Absent,
    /// A string whose units all fit into a byte.
    Latin1(&'a [u8]),
    /// A string as UTF-16 in the byte order of this machine, at an even offset.
    Utf16(&'a [u8]),
    /// Bytes, and how far from the start of the value they lie.
    Bytes(&'a [u8], usize),
}

const ABSENT: u32 = 0;
const LATIN1: u32 = 1;
const UTF16: u32 = 2;
const BYTES: u32 = 3;

const ROW: usize = 12;

/// Lays parts out in exactly as many bytes as they need: entries are kept for long. `None` if they
/// do not fit into 4 GiB.
pub fn encode(parts: &[Part<'_>]) -> Option<Box<[u8]>> {
    let (rows, length) = plan(parts)?;
    let mut out = Vec::with_capacity(length);
    out.extend_from_slice(&(parts.len() as u32).to_le_bytes());
    for (sort, offset, length) in &rows {
        for word in [sort, offset, length] {
            out.extend_from_slice(&word.to_le_bytes());
        }
    }
    for (part, (sort, offset, _)) in parts.iter().zip(rows) {
        // A twin stands further up and is not written again.
        if offset as usize >= out.len() {
            out.resize(offset as usize, 0);
            lay(&mut out, part, sort);
        }
    }
    Some(out.into_boxed_slice())
}

/// Sort, offset and length of a part.
type Row = (u32, u32, u32);

/// The table of `parts`, and the total length.
fn plan(parts: &[Part<'_>]) -> Option<(Vec<Row>, usize)> {
    let mut end = 4 + parts.len() * ROW;
    let mut rows: Vec<Row> = Vec::with_capacity(parts.len());
    for (index, part) in parts.iter().enumerate() {
        if let Some(twin) = twin(part, parts.get(..index)?) {
            rows.push(*rows.get(twin)?);
            continue;
        }
        let (sort, length) = match part {
            Part::Absent => (ABSENT, 0),
            Part::Text(units) if is_narrow(units) => (LATIN1, units.len()),
            Part::Text(units) => (UTF16, units.len() * 2),
            Part::Bytes(bytes) => (BYTES, bytes.len()),
            Part::Chunks(chunks) => (BYTES, chunks.iter().map(|chunk| chunk.len()).sum()),
        };
        if sort == UTF16 {
            end = end.next_multiple_of(2);
        }
        rows.push((sort, u32::try_from(end).ok()?, u32::try_from(length).ok()?));
        end += length;
    }
    u32::try_from(end).ok()?;
    Some((rows, end))
}

/// The earlier part with the same bytes: a page's `_full` segment is its RSC payload again.
fn twin(part: &Part<'_>, before: &[Part<'_>]) -> Option<usize> {
    let Part::Bytes(bytes) = part else { return None };
    before.iter().position(
        |earlier| matches!(earlier, Part::Bytes(other) if !bytes.is_empty() && other == bytes),
    )
}

fn lay(out: &mut Vec<u8>, part: &Part<'_>, sort: u32) {
    match part {
        Part::Absent => {}
        Part::Text(units) if sort == LATIN1 => out.extend(units.iter().map(|unit| *unit as u8)),
        Part::Text(units) => out.extend(units.iter().flat_map(|unit| unit.to_ne_bytes())),
        Part::Bytes(bytes) => out.extend_from_slice(bytes),
        Part::Chunks(chunks) => {
            for chunk in *chunks {
                out.extend_from_slice(chunk);
            }
        }
    }
}

#[inline]
fn is_narrow(units: &[u16]) -> bool {
    // Folded in blocks so that the compiler uses wide registers.
    units.chunks(64).all(|block| block.iter().fold(0, |all, unit| all | *unit) < 0x100)
}

fn row(body: &[u8], index: usize) -> Option<(u32, u32, u32)> {
    let row = body.get(4 + index * ROW..)?.get(..ROW)?;
    Some((word(row, 0)?, word(row, 4)?, word(row, 8)?))
}

fn word(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..at + 4)?.try_into().ok().map(u32::from_le_bytes)
}

/// The number of parts of a value.
pub fn count(body: &[u8]) -> usize {
    // Never more than there is room for: bytes from outside may claim any number.
    let room = body.len().saturating_sub(size_of::<u32>()) / ROW;
    room.min(word(body, 0).unwrap_or(0) as usize)
}

/// Whether bytes from outside are laid out like a value: at least one part, all within the bytes.
pub fn is_sound(body: &[u8]) -> bool {
    let count = count(body);
    let declared = word(body, 0).unwrap_or(0) as usize;
    let is_even = |index| {
        row(body, index).is_some_and(|(sort, offset, length)| {
            sort != UTF16 || offset.is_multiple_of(2) && length.is_multiple_of(2)
        })
    };
    let is_part = |index| part(body, index).is_some() && is_even(index);
    count > 0 && count == declared && (0..count).all(is_part)
}

/// The part at `index`; `None` if there is none or the table is broken.
pub fn part(body: &[u8], index: usize) -> Option<PartRef<'_>> {
    if index >= count(body) {
        return None;
    }
    let (sort, offset, length) = row(body, index)?;
    let offset = offset as usize;
    let bytes = || body.get(offset..)?.get(..length as usize);
    Some(match sort {
        ABSENT => PartRef::Absent,
        LATIN1 => PartRef::Latin1(bytes()?),
        UTF16 => PartRef::Utf16(bytes()?),
        BYTES => PartRef::Bytes(bytes()?, offset),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_is_laid_out_is_sound_and_a_lie_about_it_is_not() {
        let units: Vec<u16> = "läng€r".encode_utf16().collect();
        let json: Vec<u16> = "{}".encode_utf16().collect();
        let body = encode(&[Part::Text(&json), Part::Text(&units), Part::Bytes(&[1, 2])]).unwrap();
        assert!(is_sound(&body));
        for (place, value) in [(0, u32::MAX), (0, 0), (0, 2), (8, u32::MAX), (12, 1 << 20), (20, 1)]
        {
            let mut lie = body.to_vec();
            lie[place..place + 4].copy_from_slice(&value.to_le_bytes());
            // A smaller count than the true one does no harm.
            assert_eq!(is_sound(&lie), (place, value) == (0, 2), "{value} at {place}");
            assert!(count(&lie) <= body.len());
        }
        assert!(!is_sound(&[]) && !is_sound(&body[..body.len() - 1]));
    }

    fn text(found: PartRef<'_>) -> Vec<u16> {
        match found {
            PartRef::Latin1(bytes) => bytes.iter().map(|b| u16::from(*b)).collect(),
            PartRef::Utf16(bytes) => {
                bytes.chunks(2).map(|two| u16::from_ne_bytes([two[0], two[1]])).collect()
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn equal_bytes_are_kept_once() {
        let big = vec![9; 10_000];
        let body = encode(&[Part::Bytes(&big), Part::Absent, Part::Bytes(&big)]).unwrap();
        assert!(body.len() < 11_000);
        assert_eq!(part(&body, 0), part(&body, 2));
        assert_eq!(part(&body, 1), Some(PartRef::Absent));
        assert_eq!(part(&body, 3), None);
    }

    #[test]
    fn empty_bytes_stay_bytes() {
        let body = encode(&[Part::Bytes(&[]), Part::Text(&[])]).unwrap();
        assert!(matches!(part(&body, 0), Some(PartRef::Bytes([], _))));
        assert_eq!(part(&body, 1), Some(PartRef::Latin1(&[])));
    }

    #[test]
    fn a_page_may_be_answered_with_nothing_but_not_with_a_route() {
        assert!(ValueKind::AppPage.accepts(ValueKind::Nothing as u8));
        assert!(ValueKind::Pages.accepts(ValueKind::Redirect as u8));
        assert!(!ValueKind::AppPage.accepts(ValueKind::AppRoute as u8));
        assert!(!ValueKind::Fetch.accepts(ValueKind::Nothing as u8));
    }

    proptest! {
        #[test]
        fn parts_come_back_as_they_were(
            a in any::<Vec<u16>>(),
            ascii in "[ -~]{0,200}",
            b in any::<Vec<u8>>(),
            c in proptest::collection::vec(0..256_u16, 0..300),
        ) {
            let (front, back) = b.split_at(b.len() / 3);
            let chunks = [front, back];
            let ascii: Vec<u16> = ascii.encode_utf16().collect();
            let parts = [Part::Text(&a), Part::Text(&ascii), Part::Chunks(&chunks), Part::Text(&c)];
            let body = encode(&parts).unwrap();
            prop_assert_eq!(text(part(&body, 0).unwrap()), a);
            prop_assert_eq!(text(part(&body, 1).unwrap()), ascii);
            prop_assert!(matches!(part(&body, 2), Some(PartRef::Bytes(bytes, _)) if bytes == b));
            prop_assert_eq!(text(part(&body, 3).unwrap()), c);
        }

        #[test]
        fn any_bytes_are_read_without_a_crash(body in any::<Vec<u8>>(), index in 0..9_usize) {
            let _ = part(&body, index);
        }
    }
}
