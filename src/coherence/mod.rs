//! How instances agree on what is dead, without comparing clocks and without asking on every hit.
//!
//! Sans-IO: [`event`]s go in, with the moment; actions come out. [`ring`] remembers what was known
//! when; [`marks`] dates generations back that read something stale. In memory only, positions are
//! a counter of this process and nothing is ever asked.

pub mod event;
pub mod marks;
pub mod ring;

use event::{Action, Event, Outcome};
use ring::{Revision, Ring};

use crate::clock::Timestamp;
use crate::tags::{Position, Stamp, Table};

/// What one instance knows, and what it has under way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Coherence {
    /// What was invalidated.
    table: Table,
    ring: Ring,
}

impl Coherence {
    /// An instance without a shared store: it decides alone.
    pub fn alone(most_tags: usize) -> Self {
        Self { table: Table::new(most_tags), ring: Ring::default() }
    }

    /// Takes an event in. The actions are to be carried out in order.
    pub fn on(&mut self, now: Timestamp, event: Event) -> Vec<Action> {
        match event {
            Event::Invalidate(call, tags, lifetime) => {
                let next = Position(self.ring.stamp().at.position.0 + 1);
                self.table.apply(&tags, lifetime.change(now), next.into(), now);
                self.ring.note(now, Stamp { at: next.into(), ..Stamp::default() });
                vec![Action::Resolve(call, Outcome::Everywhere)]
            }
            _ => Vec::new(),
        }
    }

    /// When [`Event::Tick`] is due.
    pub fn next_timer(&self) -> Option<Timestamp> {
        None
    }

    /// Until when memory may answer without asking.
    pub fn lease_until(&self) -> Timestamp {
        Timestamp(u64::MAX)
    }

    /// Whether the store is away: then memory may answer for a while without a lease.
    pub fn is_apart(&self) -> bool {
        false
    }

    /// Whether it decides alone.
    pub fn is_alone(&self) -> bool {
        true
    }

    /// The store's clock minus this instance's, in microseconds.
    pub fn store_offset_us(&self) -> i64 {
        0
    }

    /// What was invalidated.
    pub fn table(&self) -> &Table {
        &self.table
    }

    /// What was known when.
    pub fn ring(&self) -> &Ring {
        &self.ring
    }

    /// The present revision of what is known.
    pub fn revision(&self) -> Revision {
        self.ring.revision()
    }
}
