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
        // Before the table: rows beyond it may lack what came before them.
        let upto = self.ledger.present().1.at.position;
        let table = self.ledger.table();
        let mut all: BTreeMap<Position, OneRecorded> = BTreeMap::new();
        // Most looks find nothing, and need not go through the table.
        let is_news = upto > after;
        for (tag, facts) in table.facts().filter(|_| is_news) {
            let position = facts.latest().position;
            if position > after && position <= upto {
                let one = all.entry(position).or_insert_with(|| OneRecorded {
                    position: position.0 as f64,
                    soft: true,
                    tags: Vec::new(),
                });
                one.soft &= facts.soft() > facts.hard();
                one.tags.push(tag.to_string());
            }
        }
        let sorted = all.into_values().map(|mut one| {
            one.tags.sort_unstable();
            one
        });
        Recorded {
            epoch: table.epoch().0.to_string(),
            position: upto.0 as f64,
            floor: table.floor().position.0 as f64,
            all: sorted.collect(),
        }
    }
}
