//! Tables that do not continue what is known: another life, or a history that lost something.

use std::collections::{BTreeSet, VecDeque};

use super::batches::{MOST_UNDER_WAY, Payload};
use super::event::{Action, Command, Invalidated, MOST_TAGS, Request, Row};
use super::fleet::{Fleet, Sent};
use super::omitted::Omitted;
use super::view::lifetimes;
use crate::clock::Timestamp;
use crate::tags::{Epoch, Position};

/// How an instance relates to the table of the store.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Stage {
    /// It follows, poll by poll.
    Following,
    /// The whole table is being read. Up to `last` it will be complete.
    Loading { epoch: Epoch, last: Position, purpose: Purpose },
    /// The instance writes again what the table has lost; then it reads the table, up to `last`.
    Repairing { last: Position, under_way: BTreeSet<Request>, left: VecDeque<Payload> },
}

/// What a table is read for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Purpose {
    /// To begin another life with it.
    Begin,
    /// There was too much news for one answer to a poll sent with this position applied.
    Add { applied: Position },
    /// The history is not the one known: to find its losses.
    Compare,
    /// The losses are written again: to follow the table from here.
    Return,
}

/// Whether a table has lost facts that are known here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Lost {
    Nothing,
    Some,
}

impl Stage {
    pub(super) fn is_following(&self) -> bool {
        matches!(self, Self::Following)
    }
}

impl Fleet {
    /// Begins to read the whole table.
    pub(super) fn load(&mut self, epoch: Epoch, last: Position, purpose: Purpose) {
        self.stage = Stage::Loading { epoch, last, purpose };
        self.send(Sent::Load, Command::Load);
    }

    /// The table's history is not the one known here. Before the instance follows any of it, it
    /// invalidates again whatever the table has lost: others may have followed it already and would
    /// never hear of the lost positions.
    pub(super) fn rewind(&mut self, now: Timestamp, last: Position) {
        self.write_again(now);
        let is_weak = self.omits(Omitted::SkipRepair);
        let purpose = if is_weak { Purpose::Return } else { Purpose::Compare };
        self.load(self.known.epoch(), last, purpose);
    }

    pub(super) fn loaded(&mut self, now: Timestamp, rows: &[Row], floor: Position) {
        let stage = std::mem::replace(&mut self.stage, Stage::Following);
        let Stage::Loading { epoch, last, purpose } = stage else { return };
        if purpose == Purpose::Compare && self.write_missing(now, rows, floor, last) == Lost::Some {
            return;
        }
        if purpose == Purpose::Begin {
            self.begin(now, epoch, last);
        }
        self.known.merge_remote(now, rows, floor);
        match purpose {
            // Own invalidations went on: the next poll shows how far.
            Purpose::Add { applied } if applied != self.known.applied() => {}
            Purpose::Begin => {}
            Purpose::Add { .. } => self.apply_up_to(now, last),
            Purpose::Compare | Purpose::Return => {
                self.open.clear();
                self.chain.begin();
                self.apply_up_to(now, last);
            }
        }
        self.poll_at = now;
    }

    /// Begins another life of the table: no entry and no fact of the one before counts in it.
    fn begin(&mut self, now: Timestamp, epoch: Epoch, last: Position) {
        self.known.begin(now, epoch, last);
        self.open.clear();
        self.chain.begin();
        self.chain.pass(last);
        self.out.push(Action::NewEpoch);
    }

    /// Writes again what a table with these rows has lost.
    fn write_missing(
        &mut self,
        now: Timestamp,
        rows: &[Row],
        floor: Position,
        last: Position,
    ) -> Lost {
        let missing = self.known.missing_from(now, rows, floor);
        let mut left: VecDeque<_> =
            missing.chunks(MOST_TAGS).map(|tags| Payload::Tags(tags.to_vec())).collect();
        if self.known.is_floor_missing_from(floor) {
            left.push_back(Payload::Everything);
        }
        if left.is_empty() {
            return Lost::Nothing;
        }
        self.stage = Stage::Repairing { last, under_way: BTreeSet::new(), left };
        self.repair(now);
        Lost::Some
    }

    /// Sends repairs, as many as may be under way.
    fn repair(&mut self, now: Timestamp) {
        while let Stage::Repairing { under_way, left, .. } = &mut self.stage
            && under_way.len() < MOST_UNDER_WAY
            && let Some(payload) = left.pop_front()
        {
            let command = match payload {
                Payload::Tags(tags) => {
                    Command::Invalidate { known: None, tags: lifetimes(&tags, now) }
                }
                Payload::Everything => Command::RaiseFloor { known: None },
            };
            let request = self.send(Sent::Repair, command);
            if let Stage::Repairing { under_way, .. } = &mut self.stage {
                under_way.insert(request);
            }
        }
    }

    pub(super) fn repaired(&mut self, now: Timestamp, request: Request, written: &Invalidated) {
        self.writing.end();
        if written.epoch != self.known.epoch() {
            return self.unrepaired(request);
        }
        self.known.merge_remote(now, &written.rows, written.floor());
        if let Stage::Repairing { under_way, .. } = &mut self.stage {
            under_way.remove(&request);
        }
        self.repair(now);
        if let Stage::Repairing { last, under_way, .. } = &self.stage
            && under_way.is_empty()
        {
            self.load(self.known.epoch(), *last, Purpose::Return);
        }
    }

    /// A repair failed: the next poll finds the same history, and the repair starts over.
    pub(super) fn unrepaired(&mut self, request: Request) {
        if matches!(&self.stage, Stage::Repairing { under_way, .. } if under_way.contains(&request))
        {
            self.stage = Stage::Following;
        }
    }
}
