//! The tag table: which tags were invalidated, and what that means for an entry.
//!
//! An invalidation has a *position*. An entry carries the position that was applied when its
//! generation began, its *stamp*. A tag invalidated at a later position than the stamp makes the
//! entry stale or gone. No clock takes part, but for the deadline of a soft invalidation.

use std::borrow::Borrow;
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::RwLock;

use crate::clock::Timestamp;
use crate::key::wtf8;

/// No entry is served longer than this after it was generated: 30 days.
pub const MAX_LIFE_US: u64 = 30 * 24 * 3_600 * 1_000_000;

/// Orders invalidations. Larger is later.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Position(pub u64);

/// A tag, as bytes that differ whenever two tags differ in JavaScript.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Tag(Box<[u8]>);

impl Tag {
    /// The tag JavaScript spells with these UTF-16 units.
    pub fn from_units(units: &[u16]) -> Self {
        Self(wtf8(units))
    }

    /// Its bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl From<&[u8]> for Tag {
    fn from(bytes: &[u8]) -> Self {
        Self(bytes.into())
    }
}

impl Borrow<[u8]> for Tag {
    fn borrow(&self) -> &[u8] {
        &self.0
    }
}

/// The tags of an entry, in one allocation: an entry may have a hundred, and there are many entries.
///
/// # Format
/// Per tag its length in bytes as `u32`, little endian, then its bytes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TagList(Box<[u8]>);

impl TagList {
    /// Whether there is none.
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

impl From<&str> for Tag {
    fn from(text: &str) -> Self {
        Self(text.as_bytes().into())
    }
}

impl std::fmt::Display for Tag {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&String::from_utf8_lossy(&self.0))
    }
}

/// What a judgement says of an entry. Ordered from best to worst, so the worst of several is `max`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// Serve it.
    Fresh,
    /// Serve it while a new one is generated.
    Stale,
    /// Do not serve it.
    Gone,
}

impl Verdict {
    /// The word for logs and statistics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Fresh => "fresh",
            Self::Stale => "stale",
            Self::Gone => "gone",
        }
    }
}

/// How tags are invalidated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// Entries die at once.
    Hard,
    /// Entries are stale now and die at the deadline, if there is one.
    Soft {
        /// When stale entries die.
        deadline: Option<Timestamp>,
    },
}

impl Change {
    /// The change that Next.js means by `durations.expire`, in seconds: `None` stands for no
    /// durations at all and is hard, as is anything not above zero. From 30 days on there is no
    /// deadline, because no entry lives longer.
    pub fn from_expire(expire_secs: Option<f64>, now: Timestamp) -> Self {
        match expire_secs {
            Some(secs) if secs * 1e6 >= MAX_LIFE_US as f64 => Self::Soft { deadline: None },
            Some(secs) if secs > 0.0 => {
                Self::Soft { deadline: Some(now.shifted_us((secs * 1e6) as i64)) }
            }
            _ => Self::Hard,
        }
    }
}

/// Everything ever said of one tag, folded.
///
/// Invariant: `soft` is either zero or later than `hard`; `deadline` belongs to `soft`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Facts {
    hard: Position,
    soft: Position,
    deadline: Option<Timestamp>,
}

impl Facts {
    /// The facts after `change` at `position`, seen at `now`.
    #[must_use]
    pub fn after(self, change: Change, position: Position, now: Timestamp) -> Self {
        let change = match change {
            Change::Hard => Self { hard: position, ..Self::default() },
            Change::Soft { deadline } => {
                let folded = self.folded(now);
                let pending = if folded.soft > folded.hard { folded.deadline } else { None };
                Self { hard: folded.hard, soft: position, deadline: earlier(pending, deadline) }
            }
        };
        self.merged(change)
    }

    /// Both together, in any order: commutative, associative, idempotent.
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

    /// What they say of an entry stamped `stamp`.
    pub fn judge(self, stamp: Position, now: Timestamp) -> Verdict {
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

    fn latest(self) -> Position {
        self.hard.max(self.soft)
    }
}

fn earlier(a: Option<Timestamp>, b: Option<Timestamp>) -> Option<Timestamp> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (one, other) => one.or(other),
    }
}

/// All facts of this process, bounded.
#[derive(Debug)]
pub struct TagTable {
    rows: RwLock<Rows>,
    /// The last position whose facts are in `rows`; written after them, so whoever reads it sees
    /// them.
    last: AtomicU64,
    most: usize,
}

#[derive(Debug, Default)]
struct Rows {
    facts: HashMap<Tag, Facts>,
    /// Facts up to here may have been dropped: an older stamp is never trusted.
    floor: Position,
}

impl TagTable {
    /// A table of at most `most` tags. Beyond that the oldest facts go and the floor rises, which
    /// costs misses of the oldest entries and never serves anything dead.
    pub fn new(most: usize) -> Self {
        Self { rows: RwLock::default(), last: AtomicU64::new(0), most: most.max(1) }
    }

    /// The last position applied.
    #[inline]
    pub fn last(&self) -> Position {
        Position(self.last.load(Ordering::Acquire))
    }

    /// Tags held, and the floor below which stamps are not trusted.
    pub fn size(&self) -> (usize, Position) {
        let rows = self.rows.read();
        (rows.facts.len(), rows.floor)
    }

    /// Applies `change` to `tags` at `position`.
    pub fn apply(&self, tags: &[Tag], change: Change, position: Position, now: Timestamp) {
        let mut rows = self.rows.write();
        for tag in tags {
            if let Some(facts) = rows.facts.get_mut(tag) {
                *facts = facts.after(change, position, now);
            } else {
                rows.facts.insert(tag.clone(), Facts::default().after(change, position, now));
            }
        }
        if rows.facts.len() > self.most {
            rows.shrink(self.most);
        }
        self.last.fetch_max(position.0, Ordering::Release);
    }

    /// What the table says of an entry with `stamp` and `tags`, and the tag that decided.
    pub fn judge<'t>(
        &self,
        stamp: Position,
        tags: impl IntoIterator<Item = &'t [u8]>,
        now: Timestamp,
    ) -> (Verdict, Option<&'t [u8]>) {
        let rows = self.rows.read();
        if stamp < rows.floor {
            return (Verdict::Gone, None);
        }
        let mut worst = (Verdict::Fresh, None);
        for tag in tags {
            let Some(facts) = rows.facts.get(tag) else { continue };
            let verdict = facts.judge(stamp, now);
            if verdict > worst.0 {
                worst = (verdict, Some(tag));
            }
        }
        worst
    }
}

impl TagTable {
    /// Those of `tags` that make an entry with `stamp` stale, and since when.
    pub fn stale<'t>(
        &self,
        stamp: Position,
        tags: impl IntoIterator<Item = &'t [u8]>,
        now: Timestamp,
    ) -> Vec<(Tag, Position)> {
        let rows = self.rows.read();
        let judged = tags.into_iter().filter_map(|tag| Some((tag, rows.facts.get(tag)?)));
        let stale = judged.filter(|(_, facts)| facts.judge(stamp, now) == Verdict::Stale);
        stale.map(|(tag, facts)| (Tag::from(tag), facts.soft)).collect()
    }
}

impl Rows {
    /// Drops a tenth of the rows, the oldest, and raises the floor to the latest of them.
    fn shrink(&mut self, most: usize) {
        let mut positions: Vec<Position> = self.facts.values().map(|f| f.latest()).collect();
        let surplus = self.facts.len() - most + most / 10;
        let nth = surplus.min(positions.len()).saturating_sub(1);
        let (_, cut, _) = positions.select_nth_unstable(nth);
        let cut = *cut;
        self.floor = self.floor.max(cut);
        self.facts.retain(|_, facts| facts.latest() > cut);
    }
}

#[cfg(test)]
mod tests;
