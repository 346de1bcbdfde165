//! Invalidations of this instance that the shared store has not recorded. No other instance knows
//! of them, so they rank above everything that is applied.

use std::collections::HashMap;
use std::hash::{Hash, Hasher};

use super::table::hash_of_all;
use super::{Change, Facts, Point, Tag};
use crate::clock::Timestamp;

/// Invalidations that are in effect on this instance only.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Own {
    tags: HashMap<Tag, Held>,
    everything: Option<Held>,
    /// Lower bound of all of them: one step raises them all when the applied position rises.
    above: Point,
}

/// The invalidations held for one tag.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Held {
    facts: Facts,
    /// Number of writes of them that are not recorded.
    writes: u32,
}

/// Independent of the order of the tags.
impl Hash for Own {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (hash_of_all(self.tags.iter()), self.everything, self.above).hash(state);
    }
}

impl Held {
    fn new(held: Option<Self>, change: Change, at: Point, now: Timestamp) -> Self {
        let (facts, writes) = held.map_or((Facts::default(), 0), |held| (held.facts, held.writes));
        Self { facts: facts.after(change, at, now), writes: writes.saturating_add(1) }
    }
}

impl Own {
    pub(super) fn is_empty(&self) -> bool {
        self.tags.is_empty() && self.everything.is_none()
    }

    pub(super) fn tags(&self) -> impl Iterator<Item = &Tag> {
        self.tags.keys()
    }

    pub(super) fn hold(&mut self, tag: &Tag, change: Change, at: Point, now: Timestamp) {
        let held = Held::new(self.tags.get(tag.as_bytes()).copied(), change, at, now);
        self.tags.insert(tag.clone(), held);
    }

    pub(super) fn hold_all(&mut self, at: Point) {
        self.everything = Some(Held::new(self.everything, Change::Hard, at, Timestamp(0)));
    }

    /// Drops one write of a tag. Returns its facts if that was the last.
    pub(super) fn release(&mut self, tag: &Tag) -> Option<Facts> {
        let held = self.tags.get_mut(tag.as_bytes())?;
        held.writes = held.writes.saturating_sub(1);
        if held.writes > 0 {
            return None;
        }
        self.tags.remove(tag.as_bytes()).map(|held| held.facts.lifted(self.above))
    }

    /// Drops one write that invalidates everything. Returns whether that was the last.
    pub(super) fn release_all(&mut self) -> bool {
        if let Some(held) = &mut self.everything {
            held.writes = held.writes.saturating_sub(1);
        }
        self.everything.take_if(|held| held.writes == 0).is_some()
    }

    pub(super) fn lift(&mut self, above: Point) {
        self.above = above;
    }

    /// The facts held for a tag, at their current point.
    pub(super) fn of(&self, tag: &[u8]) -> Option<Facts> {
        // Called for every tag of every hit.
        if self.tags.is_empty() {
            return None;
        }
        self.tags.get(tag).map(|held| held.facts.lifted(self.above))
    }

    /// No entry below this point is valid.
    pub(super) fn floor(&self) -> Point {
        self.everything.map_or_else(Point::default, |held| held.facts.hard().max(self.above))
    }
}
