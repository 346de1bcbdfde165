//! The tag table: which tags were invalidated, and what that means for an entry.
//!
//! An invalidation has a *position*. An entry carries the position that was applied when its
//! generation began, its *stamp*. A tag invalidated at a later position than the stamp makes the
//! entry stale or gone. No clock is involved, except for the deadline of a soft invalidation.

mod own;
mod stamp;
mod table;

use std::borrow::Borrow;

use crate::clock::Timestamp;
use crate::key::wtf8;

pub use self::stamp::{Epoch, Point, Position, Stamp};
pub use self::table::Table;

/// No entry is served longer than this after it was generated: 30 days.
pub const MAX_LIFE_US: u64 = 30 * 24 * 3_600 * 1_000_000;

/// A tag in its canonical spelling: every byte that is neither a tab nor printable ASCII is
/// percent-encoded. Next.js spells tags this way since 16.3.4 (`encodeHeaderSafe`), and did not
/// encode them before; an app that invalidates by itself may use either spelling.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Tag(Box<[u8]>);

impl Tag {
    /// The tag JavaScript spells with these UTF-16 units.
    pub fn from_units(units: &[u16]) -> Self {
        Self::spelled(wtf8(units))
    }

    /// The tag that these bytes of WTF-8 spell.
    pub fn spelled(bytes: Box<[u8]>) -> Self {
        Self(plain(bytes))
    }

    /// Its bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// Takes the bytes as they are: they are in the canonical spelling already.
impl From<&[u8]> for Tag {
    fn from(bytes: &[u8]) -> Self {
        Self(bytes.into())
    }
}

impl From<&str> for Tag {
    fn from(text: &str) -> Self {
        Self::spelled(text.as_bytes().into())
    }
}

fn plain(bytes: Box<[u8]>) -> Box<[u8]> {
    let is_plain = |byte: &u8| *byte == b'\t' || (b' '..=b'~').contains(byte);
    if bytes.iter().all(is_plain) {
        return bytes;
    }
    let mut out = Vec::with_capacity(bytes.len() * 2);
    for byte in &bytes {
        if is_plain(byte) {
            out.push(*byte);
        } else {
            out.extend_from_slice(format!("%{byte:02X}").as_bytes());
        }
    }
    out.into_boxed_slice()
}

impl Borrow<[u8]> for Tag {
    fn borrow(&self) -> &[u8] {
        &self.0
    }
}

/// The tags of an entry, in one allocation: an entry may have a hundred, and entries are many.
///
/// # Format
/// Per tag its length in bytes as `u32`, little endian, then its bytes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TagList(Box<[u8]>);

impl TagList {
    /// Whether the list is empty.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The bytes of each tag.
    pub fn iter(&self) -> impl Iterator<Item = &[u8]> {
        let mut rest = &*self.0;
        std::iter::from_fn(move || {
            let (length, after) = rest.split_first_chunk::<4>()?;
            let (tag, after) = after.split_at_checked(u32::from_le_bytes(*length) as usize)?;
            rest = after;
            Some(tag)
        })
    }

    /// Bytes it costs in memory.
    pub fn weight(&self) -> usize {
        self.0.len()
    }

    /// Its bytes, in the format above.
    pub fn as_packed(&self) -> &[u8] {
        &self.0
    }

    /// The list in this format; `None` if the bytes are malformed.
    pub fn from_packed(bytes: &[u8]) -> Option<Self> {
        let list = Self(bytes.into());
        // Iteration stops at the first truncated tag, which leaves bytes over.
        let read: usize = list.iter().map(|tag| size_of::<u32>() + tag.len()).sum();
        (read == bytes.len()).then_some(list)
    }
}

impl FromIterator<Tag> for TagList {
    fn from_iter<I: IntoIterator<Item = Tag>>(tags: I) -> Self {
        let mut bytes = Vec::new();
        for tag in tags {
            bytes.extend_from_slice(&(tag.0.len() as u32).to_le_bytes());
            bytes.extend_from_slice(&tag.0);
        }
        Self(bytes.into_boxed_slice())
    }
}

impl std::fmt::Display for Tag {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&String::from_utf8_lossy(&self.0))
    }
}

/// The verdict on an entry. Ordered from best to worst, so the worst of several is `max`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// Serve it.
    Fresh,
    /// Serve it while a new one is generated.
    Stale,
    /// Do not serve it.
    Gone,
}

/// How tags are invalidated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Change {
    /// Entries die immediately.
    Hard,
    /// Entries are stale now and die at the deadline, if there is one.
    Soft {
        /// When stale entries die.
        deadline: Option<Timestamp>,
    },
}

/// All invalidations of one tag, folded.
///
/// Invariant: `soft` is either zero or later than `hard`; `deadline` belongs to `soft`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Facts {
    hard: Point,
    soft: Point,
    deadline: Option<Timestamp>,
}

impl Facts {
    /// A tag invalidated hard and later softly; a default point stands for never.
    pub fn new(hard: Point, soft: Point, deadline: Option<Timestamp>) -> Self {
        Self { hard, ..Self::default() }.merged(Self { soft, deadline, ..Self::default() })
    }

    /// The facts after `change` at `point`, seen at `now`.
    #[must_use]
    pub fn after(self, change: Change, point: Point, now: Timestamp) -> Self {
        let change = match change {
            Change::Hard => Self { hard: point, ..Self::default() },
            Change::Soft { deadline } => {
                let folded = self.folded(now);
                let pending = if folded.soft > folded.hard { folded.deadline } else { None };
                Self { hard: folded.hard, soft: point, deadline: earlier(pending, deadline) }
            }
        };
        self.merged(change)
    }

    /// Merges both, in any order: commutative, associative, idempotent.
    #[must_use]
    pub fn merged(self, other: Self) -> Self {
        let hard = self.hard.max(other.hard);
        let (soft, deadline) = match self.soft.cmp(&other.soft) {
            std::cmp::Ordering::Greater => (self.soft, self.deadline),
            std::cmp::Ordering::Less => (other.soft, other.deadline),
            std::cmp::Ordering::Equal => (self.soft, earlier(self.deadline, other.deadline)),
        };
        if soft > hard { Self { hard, soft, deadline } } else { Self { hard, ..Self::default() } }
    }

    /// The verdict on an entry whose generation began at `stamp`.
    pub fn judge(self, stamp: Point, now: Timestamp) -> Verdict {
        if stamp < self.hard {
            return Verdict::Gone;
        }
        if stamp >= self.soft {
            return Verdict::Fresh;
        }
        if self.deadline.is_some_and(|deadline| now >= deadline) {
            Verdict::Gone
        } else {
            Verdict::Stale
        }
    }

    /// A soft invalidation whose deadline is past is a hard one.
    fn folded(self, now: Timestamp) -> Self {
        match self.deadline {
            Some(deadline) if now >= deadline => Self { hard: self.soft, ..Self::default() },
            _ => self,
        }
    }

    /// An entry whose generation began before this point is dead; the default if none is.
    pub fn dead_before(self, now: Timestamp) -> Point {
        self.folded(now).hard
    }

    /// Applies the changes of `later` on top.
    fn before(self, later: Self, now: Timestamp) -> Self {
        let hard = self.merged(Self { hard: later.hard, ..Self::default() });
        if later.soft == Point::default() {
            return hard;
        }
        hard.after(Change::Soft { deadline: later.deadline }, later.soft, now)
    }

    /// The same facts, with points before `above` moved up to it.
    fn lifted(self, above: Point) -> Self {
        let lift = |at: Point| if at == Point::default() { at } else { at.max(above) };
        Self::new(lift(self.hard), lift(self.soft), self.deadline)
    }

    /// Where the tag was invalidated hard; the default if never.
    pub fn hard(self) -> Point {
        self.hard
    }

    /// Where it was invalidated softly, later than that; the default if never.
    pub fn soft(self) -> Point {
        self.soft
    }

    /// When stale entries die.
    pub fn deadline(self) -> Option<Timestamp> {
        self.deadline
    }

    /// The last of its invalidations.
    pub fn latest(self) -> Point {
        self.hard.max(self.soft)
    }
}

impl Change {
    /// Both changes as one: hard if either is, otherwise soft with the earlier deadline.
    #[must_use]
    pub fn with(self, other: Self) -> Self {
        match (self, other) {
            (Self::Soft { deadline: a }, Self::Soft { deadline: b }) => {
                Self::Soft { deadline: earlier(a, b) }
            }
            _ => Self::Hard,
        }
    }
}

fn earlier(a: Option<Timestamp>, b: Option<Timestamp>) -> Option<Timestamp> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (one, other) => one.or(other),
    }
}

#[cfg(test)]
mod tests;
