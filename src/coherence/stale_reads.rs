//! Tags whose soft-stale entries were handed out to a generation that may keep what it read.
//!
//! Such a generation began after the invalidation and would count as fresh, with the old value
//! inside. It is dated back below the invalidation instead, so that it is stale itself.

use std::collections::HashMap;

use crate::clock::Timestamp;
use crate::key::Hash128;
use crate::tags::{Point, Stamp, Tag};

/// The most tags marked; beyond that all are forgotten, and an outer entry may keep a stale inner
/// one for as long as if it had not read it.
const MOST: usize = 4_096;

/// The tags of stale entries that generations of this process may have read.
#[derive(Debug, Default)]
pub struct StaleReads {
    by_tag: HashMap<Tag, StaleRead>,
}

#[derive(Debug, Clone, Copy)]
struct StaleRead {
    soft: Point,
    at: Timestamp,
    /// The key of the entry handed out; `None` if there were several. No generation reads its own.
    of: Option<Hash128>,
}

impl StaleReads {
    /// Notes that the entry of `key` is handed out; `stale` has its softly invalidated tags, and
    /// where each was invalidated.
    pub fn note(&mut self, key: Hash128, stale: Vec<(Tag, Point)>, now: Timestamp) {
        if self.by_tag.len() + stale.len() > MOST {
            self.by_tag.clear();
        }
        for (tag, soft) in stale {
            let earlier = self.by_tag.get(&tag);
            let is_only = earlier.is_none_or(|read| read.of == Some(key) || read.soft < soft);
            let read = StaleRead { soft, at: now, of: is_only.then_some(key) };
            self.by_tag.insert(tag, read);
        }
    }

    /// The stamp of a generation of `key` that began at `began` and carries `tags`.
    pub fn date<'t>(
        &self,
        key: Hash128,
        stamp: Stamp,
        began: Timestamp,
        tags: impl IntoIterator<Item = &'t [u8]>,
    ) -> Stamp {
        if self.by_tag.is_empty() {
            return stamp;
        }
        let reads = tags.into_iter().filter_map(|tag| self.by_tag.get(tag));
        let others = reads.filter(|read| read.of != Some(key));
        let running = others.filter(|read| began <= read.at && stamp.at >= read.soft);
        let at = running.map(|read| read.soft.before()).min().unwrap_or(stamp.at);
        Stamp { at, ..stamp }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tags::Position;

    const INNER: Hash128 = 1;
    const OUTER: Hash128 = 2;

    fn point(position: u64) -> Point {
        Position(position).into()
    }

    #[test]
    fn who_read_a_stale_value_while_generating_is_no_fresher() {
        let mut reads = StaleReads::default();
        reads.note(INNER, vec![(Tag::from("inner"), point(7))], Timestamp(50));
        let date = |at, began, tag: &str| {
            let stamp = Stamp { at: point(at), ..Stamp::default() };
            reads.date(OUTER, stamp, Timestamp(began), [tag.as_bytes()]).at
        };
        assert_eq!(date(9, 50, "inner"), point(6));
        assert_eq!(date(9, 51, "inner"), point(9));
        assert_eq!(date(6, 50, "inner"), point(6));
        assert_eq!(date(9, 50, "other"), point(9));
    }

    #[test]
    fn a_generation_is_no_staler_for_what_others_are_served_meanwhile() {
        let mut reads = StaleReads::default();
        let stale = || vec![(Tag::from("tag"), point(7))];
        let date = |reads: &StaleReads| {
            let stamp = Stamp { at: point(9), ..Stamp::default() };
            reads.date(INNER, stamp, Timestamp(50), [b"tag".as_slice()]).at
        };
        reads.note(INNER, stale(), Timestamp(51));
        assert_eq!(date(&reads), point(9));
        reads.note(OUTER, stale(), Timestamp(52));
        assert_eq!(date(&reads), point(6));
        reads.note(INNER, stale(), Timestamp(53));
        assert_eq!(date(&reads), point(6));
    }

    #[test]
    fn stale_reads_are_bounded() {
        let mut reads = StaleReads::default();
        for n in 0..=MOST {
            reads.note(INNER, vec![(Tag::from(&*n.to_string()), point(1))], Timestamp(1));
        }
        assert_eq!(reads.by_tag.len(), 1);
    }
}
