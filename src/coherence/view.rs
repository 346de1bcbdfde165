//! What one instance knows: the facts, and up to where they are complete.

use std::collections::HashMap;
use std::hash::{Hash, Hasher};

use super::event::{Lifetime, Row};
use super::revisions::Revisions;
use crate::clock::Timestamp;
use crate::tags::{Change, Epoch, Facts, MAX_LIFE_US, Point, Position, Stamp, Table, Tag};

/// How long the store keeps a row: 31 days, longer than any entry lives. A position is no smaller
/// than the time at which it was assigned, in us on the store's clock.
const ROW_LIFE_US: u64 = MAX_LIFE_US + 24 * 3_600 * 1_000_000;

/// The table and the revisions, changed together: every change of a verdict is a new revision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct LocalView {
    pub(super) table: Table,
    pub(super) revisions: Revisions,
    /// The store's clock minus that of this process, in microseconds. Rather too large than too
    /// small, so that a deadline of the store comes early rather than late.
    pub(super) offset_us: i64,
    /// The floor that the store reported. The table's is higher if the table dropped facts by
    /// itself.
    store_floor: Position,
}

/// Leaves out the past, which changes nothing that happens from now on.
impl Hash for LocalView {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (&self.table, self.revisions.stamp(), self.offset_us, self.store_floor).hash(state);
    }
}

impl LocalView {
    pub(super) fn new(most_tags: usize) -> Self {
        Self {
            table: Table::new(most_tags),
            revisions: Revisions::default(),
            offset_us: 0,
            store_floor: Position::default(),
        }
    }

    pub(super) fn epoch(&self) -> Epoch {
        self.table.epoch()
    }

    /// Everything up to here is known.
    pub(super) fn applied(&self) -> Position {
        self.revisions.stamp().at.position
    }

    /// Invalidates tags at the next position. Only an instance that decides alone assigns
    /// positions.
    pub(super) fn decide(&mut self, now: Timestamp, tags: &[Tag], change: Change) {
        let next = Position(self.applied().0 + 1);
        self.table.apply(tags, change, next.into(), now);
        self.note(now, next.into());
    }

    /// Invalidates everything at the next position, likewise.
    pub(super) fn decide_all(&mut self, now: Timestamp) {
        let next = Position(self.applied().0 + 1);
        self.table.raise_floor(next.into());
        self.note(now, next.into());
    }

    /// Puts own invalidations that are never recorded into effect, after all that is applied.
    pub(super) fn apply_local(&mut self, now: Timestamp, changes: &[(Tag, Change)]) {
        let at = self.next_local();
        for (tag, change) in changes {
            self.table.apply(std::slice::from_ref(tag), *change, at, now);
        }
        self.note(now, at);
    }

    /// Puts own invalidations into effect before the store has assigned them a position: after all
    /// that is applied now, or will be until it has.
    pub(super) fn hold(&mut self, now: Timestamp, changes: &[(Tag, Change)]) {
        if changes.is_empty() {
            return;
        }
        let at = self.next_local();
        self.table.hold(changes, at, now);
        self.note(now, at);
    }

    /// The same for an invalidation of everything.
    pub(super) fn hold_all(&mut self, now: Timestamp) {
        let at = self.next_local();
        self.table.hold_all(at);
        self.note(now, at);
    }

    /// Drops one held write of each tag: the store has recorded it, or another write stands for it.
    pub(super) fn release(&mut self, now: Timestamp, tags: &[(Tag, Change)]) {
        if tags.is_empty() {
            return;
        }
        self.table.release(tags.iter().map(|(tag, _)| tag));
        self.note(now, self.revisions.stamp().at);
    }

    /// The same for an invalidation of everything.
    pub(super) fn release_all(&mut self, now: Timestamp) {
        self.table.release_all();
        self.note(now, self.revisions.stamp().at);
    }

    /// Stops holding these tags one by one, because everything is held.
    pub(super) fn spill(&mut self, now: Timestamp, tags: &[Tag]) {
        if tags.is_empty() {
            return;
        }
        self.table.spill(tags, now);
        self.note(now, self.revisions.stamp().at);
    }

    fn next_local(&self) -> Point {
        let Point { position, local } = self.revisions.stamp().at;
        Point { position, local: local.saturating_add(1) }
    }

    /// Adds facts of the store. They may reach beyond the applied position.
    pub(super) fn merge_remote(&mut self, now: Timestamp, rows: &[Row], floor: Position) {
        if rows.is_empty() && floor <= self.store_floor {
            return;
        }
        let offset_us = self.offset_us;
        self.table.merge(rows.iter().map(|row| (&row.tag, facts(row, offset_us))));
        self.store_floor = self.store_floor.max(floor);
        self.table.raise_floor(floor.into());
        self.note(now, self.revisions.stamp().at);
    }

    /// From now on generations are dated by `position`.
    pub(super) fn apply_up_to(&mut self, now: Timestamp, position: Position) {
        let mut at = Point::from(position);
        if self.table.is_holding() {
            let present = self.revisions.stamp().at;
            at.local = if present.position == position { present.local } else { 0 } + 1;
            self.table.lift(at);
        }
        self.note(now, at);
    }

    /// Begins another life of the table, known up to `position`.
    pub(super) fn begin(&mut self, now: Timestamp, epoch: Epoch, position: Position) {
        self.table.begin(epoch);
        self.store_floor = Position::default();
        self.apply_up_to(now, position);
    }

    fn note(&mut self, now: Timestamp, at: Point) {
        self.revisions.note(now, Stamp { epoch: self.epoch(), at });
    }

    /// Facts that a store with these rows and this floor lacks, except rows older than any entry:
    /// the store dropped those on purpose.
    pub(super) fn missing_from(
        &self,
        now: Timestamp,
        rows: &[Row],
        floor: Position,
    ) -> Vec<(Tag, Change)> {
        let store_now = now.shifted_us(self.offset_us);
        let floor = floor.max(Position(store_now.0.saturating_sub(ROW_LIFE_US)));
        let told: HashMap<&Tag, &Row> = rows.iter().map(|row| (&row.tag, row)).collect();
        let missing = self.table.facts().filter_map(|(tag, facts)| {
            let row = told.get(tag);
            let hard = row.map_or(floor, |row| row.hard.max(floor));
            let soft = row.map_or(hard, |row| row.soft.max(hard));
            if facts.hard().position > hard {
                Some((tag.clone(), Change::Hard))
            } else if facts.soft().position > soft {
                Some((tag.clone(), Change::Soft { deadline: facts.deadline() }))
            } else {
                None
            }
        });
        missing.collect()
    }

    /// Whether a store with this floor forgot that everything was invalidated.
    pub(super) fn is_floor_missing_from(&self, floor: Position) -> bool {
        self.store_floor > floor
    }
}

/// The facts of a row, its deadline on the clock of this process.
fn facts(row: &Row, offset_us: i64) -> Facts {
    let here = |us: u64| Timestamp(us).shifted_us(offset_us.saturating_neg());
    Facts::new(row.hard.into(), row.soft.into(), row.deadline_us.map(here))
}

/// Changes made earlier, as they are sent now: with the lifetime that is left.
pub(super) fn lifetimes(tags: &[(Tag, Change)], now: Timestamp) -> Vec<(Tag, Lifetime)> {
    tags.iter().map(|(tag, change)| (tag.clone(), Lifetime::left(*change, now))).collect()
}
