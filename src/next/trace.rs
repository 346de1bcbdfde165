//! Traces: mark values made of something stale.
//!
//! Next.js shares the answer to one get with requests that never asked: a render whose result is
//! kept joins the read of one whose result is not (`crossRequestPendingCacheInvocations` and
//! `completedCacheInvocations` of `use-cache-wrapper.js`, 16.3 and 16.4), and before 16.4 a cached
//! function keeps what was stale when it read it. Both take over the tags of what they read, and
//! with them the trace, which is one more tag. A value stored with a trace is as stale as its
//! source: it is served once more, and regenerated.

use crate::tags::{Epoch, Position, Stamp, Tag};

/// Prefix of a trace.
pub const TRACE: &[u8] = b"tiercel:stale:";
/// The suffix of a trace by age.
pub const BY_AGE: &str = "age";

/// No table ever has it: a value that belongs to two lives belongs to none.
const NO_EPOCH: Epoch = Epoch(u64::MAX);

/// The stale sources of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Traces {
    /// By tags: the stamp of the oldest source.
    by_tag: Option<Stamp>,
    /// By age.
    pub by_age: bool,
}

/// Removes the traces from `tags` and returns them.
pub fn take(tags: &mut Vec<Tag>) -> Traces {
    let mut traces = Traces::default();
    tags.retain(|tag| match Trace::read(tag.as_bytes()) {
        Some(trace) => {
            traces.add(trace);
            false
        }
        None => true,
    });
    traces
}

impl Traces {
    /// The stamp of a value with these traces whose generation began at `stamp`. `None` if its
    /// source belongs to another life of the table: then it is unknown whether the value is stale.
    pub fn date(self, stamp: Stamp) -> Option<Stamp> {
        match self.by_tag {
            None => Some(stamp),
            Some(oldest) if oldest.epoch != stamp.epoch => None,
            Some(oldest) => Some(Stamp { at: stamp.at.min(oldest.at), ..stamp }),
        }
    }

    fn add(&mut self, trace: Trace) {
        match trace {
            Trace::Age => self.by_age = true,
            Trace::Tag(stamp) => {
                let held = self.by_tag.unwrap_or(stamp);
                let epoch = if held.epoch == stamp.epoch { stamp.epoch } else { NO_EPOCH };
                self.by_tag = Some(Stamp { epoch, at: held.at.min(stamp.at) });
            }
        }
    }
}

/// The trace of one stale source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trace {
    /// By a tag: as of this stamp.
    Tag(Stamp),
    /// By its age.
    Age,
}

impl Trace {
    /// # Format
    /// `tiercel:stale:age`, or `tiercel:stale:<epoch>:<position>`.
    fn read(tag: &[u8]) -> Option<Self> {
        let rest = std::str::from_utf8(tag.strip_prefix(TRACE)?).ok()?;
        if rest == BY_AGE {
            return Some(Self::Age);
        }
        let (epoch, position) = rest.split_once(':')?;
        let (epoch, position) = (Epoch(epoch.parse().ok()?), Position(position.parse().ok()?));
        Some(Self::Tag(Stamp { epoch, at: position.into() }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tags::Point;

    fn stamp(epoch: u64, position: u64) -> Stamp {
        Stamp { epoch: Epoch(epoch), at: Position(position).into() }
    }

    fn taken(tags: &[&str]) -> (Traces, Vec<Tag>) {
        let mut tags: Vec<Tag> = tags.iter().copied().map(Tag::from).collect();
        (take(&mut tags), tags)
    }

    #[test]
    fn what_is_made_of_something_stale_counts_as_the_oldest_of_it() {
        let (traces, left) = taken(&["a", "tiercel:stale:7:20", "b", "tiercel:stale:7:10"]);
        assert_eq!(left, vec![Tag::from("a"), Tag::from("b")]);
        assert_eq!(traces.date(stamp(7, 30)), Some(stamp(7, 10)));
        assert_eq!(traces.date(stamp(7, 5)), Some(stamp(7, 5)));
        assert!(!traces.by_age);
    }

    #[test]
    fn of_another_life_of_the_table_nothing_is_known() {
        let (traces, _) = taken(&["tiercel:stale:7:20"]);
        assert_eq!(traces.date(stamp(8, 30)), None);
        let (traces, _) = taken(&["tiercel:stale:7:20", "tiercel:stale:8:20"]);
        assert_eq!(traces.date(stamp(7, 30)), None);
    }

    #[test]
    fn age_leaves_the_stamp_alone() {
        let (traces, left) = taken(&["tiercel:stale:age"]);
        assert!(traces.by_age && left.is_empty());
        assert_eq!(traces.date(stamp(7, 30)), Some(stamp(7, 30)));
    }

    #[test]
    fn what_only_looks_like_a_trace_is_a_tag() {
        let tags = ["tiercel:stale:", "tiercel:stale:x", "tiercel:stale:1", "tiercel:stale:1:-1"];
        let (traces, left) = taken(&tags);
        assert_eq!((traces, left.len()), (Traces::default(), tags.len()));
        assert_eq!(traces.date(stamp(1, 1)).map(|stamp| stamp.at), Some(Point::from(Position(1))));
    }
}
