//! The invalidations that are recorded, in their order, as the table of this process has them.

use std::collections::BTreeMap;

use serde::Serialize;

use super::Engine;
use crate::tags::Position;

/// What was invalidated after a position.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Recorded {
    /// Which life of the table the positions belong to.
    pub epoch: String,
    /// Up to here everything is known.
    pub position: f64,
    /// Up to here invalidations may be missing: there were more tags than are remembered, or
    /// everything was invalidated.
    pub floor: f64,
    /// The invalidations, the oldest first.
    pub all: Vec<OneRecorded>,
}

/// An invalidation, by those of its tags that no later one has invalidated again.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct OneRecorded {
    /// Its position.
    pub position: f64,
    /// Whether entries are stale only.
    pub soft: bool,
    /// The tags, sorted.
    pub tags: Vec<String>,
}

impl Engine {
    /// What was invalidated after a position, wherever that was.
    pub fn recorded_since(&self, after: f64) -> Recorded {
        let after = Position(after.max(0.0) as u64);
        let recorded = self.ledger.recorded_since(after);
        let mut all: BTreeMap<Position, OneRecorded> = BTreeMap::new();
        for (tag, facts) in recorded.rows {
            let position = facts.latest().position;
            let one = all.entry(position).or_insert_with(|| OneRecorded {
                position: position.0 as f64,
                soft: true,
                tags: Vec::new(),
            });
            one.soft &= facts.soft() > facts.hard();
            one.tags.push(tag.to_string());
        }
        let sorted = all.into_values().map(|mut one| {
            one.tags.sort_unstable();
            one
        });
        Recorded {
            epoch: recorded.epoch.0.to_string(),
            position: recorded.upto.0 as f64,
            floor: recorded.floor.0 as f64,
            all: sorted.collect(),
        }
    }
}
