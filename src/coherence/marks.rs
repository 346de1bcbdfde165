//! Tags whose soft-stale entries were handed out to a generation that may keep what it read.
//!
//! Such a generation began after the invalidation and would count as fresh, with the old value
//! inside. It is dated back below the invalidation instead, so that it is stale itself.

use std::collections::HashMap;

use crate::clock::Timestamp;
use crate::tags::{Point, Stamp, Tag};

/// Tags marked at once; past that all are forgotten, and an outer entry may keep an inner one for as
/// long as it would without marks.
const MOST: usize = 4_096;

/// The marked tags of this process.
#[derive(Debug, Default)]
pub struct Marks {
    by_tag: HashMap<Tag, Mark>,
}

#[derive(Debug, Clone, Copy)]
struct Mark {
    soft: Point,
    handed_out: Timestamp,
}

impl Marks {
    /// An entry with these tags, invalidated softly at these points, is handed out.
    pub fn hand_out(&mut self, stale: Vec<(Tag, Point)>, now: Timestamp) {
        if self.by_tag.len() + stale.len() > MOST {
            self.by_tag.clear();
        }
        for (tag, soft) in stale {
            self.by_tag.insert(tag, Mark { soft, handed_out: now });
        }
    }

    /// The stamp of a generation that began at `began` and carries `tags`.
    pub fn date<'t>(
        &self,
        stamp: Stamp,
        began: Timestamp,
        tags: impl IntoIterator<Item = &'t [u8]>,
    ) -> Stamp {
        if self.by_tag.is_empty() {
            return stamp;
        }
        let marks = tags.into_iter().filter_map(|tag| self.by_tag.get(tag));
        let running = marks.filter(|mark| began <= mark.handed_out && stamp.at >= mark.soft);
        let at = running.map(|mark| mark.soft.before()).min().unwrap_or(stamp.at);
        Stamp { at, ..stamp }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tags::Position;

    fn point(position: u64) -> Point {
        Position(position).into()
    }

    #[test]
    fn who_read_a_stale_value_while_generating_is_no_fresher() {
        let mut marks = Marks::default();
        marks.hand_out(vec![(Tag::from("inner"), point(7))], Timestamp(50));
        let date = |at, began, tag: &str| {
            let stamp = Stamp { at: point(at), ..Stamp::default() };
            marks.date(stamp, Timestamp(began), [tag.as_bytes()]).at
        };
        assert_eq!(date(9, 50, "inner"), point(6));
        assert_eq!(date(9, 51, "inner"), point(9));
        assert_eq!(date(6, 50, "inner"), point(6));
        assert_eq!(date(9, 50, "other"), point(9));
    }

    #[test]
    fn marks_are_bounded() {
        let mut marks = Marks::default();
        for n in 0..=MOST {
            marks.hand_out(vec![(Tag::from(&*n.to_string()), point(1))], Timestamp(1));
        }
        assert_eq!(marks.by_tag.len(), 1);
    }
}
