//! The shared store, as the scripts make it: a command is one step, except for reading a whole
//! table.

use std::collections::{BTreeMap, BTreeSet};

use crate::coherence::event::*;
use crate::tags::{Epoch, Position, Tag};

/// Identifies one start of an instance.
pub(in crate::coherence) type Id = u32;

/// A rule of the scripts left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(in crate::coherence) enum OmittedByStore {
    /// Registering follows reading, and something may come between.
    RegisterLater,
    /// A table created again keeps the epoch of the one before.
    KeepEpoch,
    /// A repair writes facts back at their old positions.
    RepairInPlace,
    /// A list of instances created again hides when it was created.
    HideBirth,
    /// A poll reports a soft row without the hard one of its tag.
    TellSoftAlone,
    /// A history counts as known if it is not shorter.
    KnowByLength,
    /// Removes instances although the position is not of this history.
    RemoveUnlisted,
    /// Removes instances that have polled since.
    RemovePolled,
    /// Removes instances of which no poll is known.
    RemoveUnheard,
    /// A primary that was demoted gives leases.
    PollDemoted,
    /// What a primary that was demoted has written counts as written.
    WriteDemoted,
    /// Polls for acknowledgements pass over instances whose lease seems to be over.
    PassOverSilent,
}

/// The table, its history, and the list of instances.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub(in crate::coherence) struct Store {
    pub(super) epoch: Option<Epoch>,
    pub(super) last: Position,
    pub(super) floor: Position,
    pub(super) rows: BTreeMap<Tag, Row>,
    pub(super) listed: BTreeSet<Position>,
    pub(super) applied: BTreeMap<Id, Position>,
    pub(super) polled: BTreeMap<Id, (Position, u64)>,
    pub(super) born_us: Option<u64>,
    /// The most positions listed, and the most rows in the answer to a poll.
    pub(super) most_listed: usize,
    pub(super) most_rows: usize,
    /// The epoch a new table gets.
    pub(super) next_epoch: Epoch,
    pub(super) lease_us: u64,
    pub(super) omitted: Option<OmittedByStore>,
    /// Messages published and not taken yet.
    pub(super) published: Vec<Message>,
    /// Registrations that are put off.
    pub(super) later: Vec<(Id, Position, Position, u64)>,
}

impl Store {
    /// Carries a command out at a moment of the store's clock. `step` is added to the next
    /// position.
    pub(in crate::coherence) fn execute(
        &mut self,
        now_us: u64,
        instance: Id,
        step: u64,
        command: Command,
    ) -> Answer {
        match command {
            Command::Poll(known) => Answer::Polled(self.poll(now_us, instance, &known)),
            Command::ReadPosition => Answer::Polled(self.glance(now_us)),
            Command::Load => {
                Answer::Loaded { rows: self.rows.values().cloned().collect(), floor: self.floor }
            }
            Command::Invalidate { known, tags } => {
                self.invalidate(now_us, step, known.as_ref(), &tags)
            }
            Command::RaiseFloor { known } => self.raise_floor(now_us, step, known.as_ref()),
            Command::Ack(position) => self.ack(instance, position),
            Command::ReadAcks => self.look(now_us, instance),
            Command::Remove(position) => self.remove(now_us, position),
        }
    }

    /// Reads the last position, and creates the missing parts of the table.
    fn glance(&mut self, now_us: u64) -> Polled {
        let epoch = self.epoch.unwrap_or_else(|| self.create(now_us));
        if self.listed.is_empty() {
            self.listed.insert(self.last);
        }
        Polled { epoch, last: self.last, known: true, now_us, floor: self.floor, rows: None }
    }

    fn poll(&mut self, now_us: u64, instance: Id, known: &Known) -> Polled {
        let polled = self.glance(now_us);
        let epoch = polled.epoch;
        let follows = known.epoch == epoch && known.applied > Position(0);
        let is_known = !follows || self.knows(known);
        let applied = if follows && is_known { known.applied } else { Position(0) };
        if self.omitted == Some(OmittedByStore::RegisterLater) {
            self.later.push((instance, applied, self.last, now_us));
        } else {
            self.register(now_us, instance, applied, self.last);
        }
        let mut rows = (follows && is_known).then(|| self.rows_above(known.applied));
        if rows.as_ref().is_some_and(|rows| rows.len() > self.most_rows) {
            rows = None;
        }
        Polled { known: is_known, rows, ..polled }
    }

    fn create(&mut self, now_us: u64) -> Epoch {
        if self.omitted == Some(OmittedByStore::KeepEpoch) {
            self.next_epoch = Epoch(1);
        }
        self.epoch = Some(self.next_epoch);
        self.last = Position(now_us);
        self.floor = Position(0);
        self.rows.clear();
        self.listed = BTreeSet::from([self.last]);
        self.next_epoch
    }

    fn register(&mut self, now_us: u64, instance: Id, applied: Position, last: Position) {
        if self.born_us.is_none() {
            self.born_us =
                Some(if self.omitted == Some(OmittedByStore::HideBirth) { 1 } else { now_us });
        }
        self.applied.insert(instance, applied);
        self.polled.insert(instance, (last, now_us));
    }

    /// Registrations that were put off take place.
    pub(super) fn register_later(&mut self) {
        for (instance, applied, last, now_us) in std::mem::take(&mut self.later) {
            self.register(now_us, instance, applied, last);
        }
    }

    fn knows(&self, known: &Known) -> bool {
        match self.omitted {
            Some(OmittedByStore::KnowByLength) => known.applied <= self.last,
            _ => known.open.iter().chain([&known.applied]).all(|at| self.listed.contains(at)),
        }
    }

    fn rows_above(&self, applied: Position) -> Vec<Row> {
        let news = self.rows.values().filter(|row| row.hard.max(row.soft) > applied).cloned();
        let bare = self.omitted == Some(OmittedByStore::TellSoftAlone);
        let tell = |row: Row| {
            if bare && row.soft > row.hard { Row { hard: Position(0), ..row } } else { row }
        };
        news.map(tell).collect()
    }

    fn next(&mut self, now_us: u64, step: u64) -> (Position, Position) {
        let previous = self.last;
        self.last = Position(previous.0.max(now_us) + step);
        self.listed.insert(self.last);
        while self.listed.len() > self.most_listed {
            self.listed.pop_first();
        }
        (previous, self.last)
    }

    /// The epoch, if the caller may write.
    fn admits(&self, known: Option<&Known>) -> Option<Epoch> {
        let epoch = self.epoch?;
        let is_known = |known: &Known| known.epoch == epoch && self.knows(known);
        known.is_none_or(is_known).then_some(epoch)
    }

    fn invalidate(
        &mut self,
        now_us: u64,
        step: u64,
        known: Option<&Known>,
        tags: &[(Tag, Lifetime)],
    ) -> Answer {
        let Some(epoch) = self.admits(known) else { return Answer::Unknown };
        let (previous, position) = self.next(now_us, step);
        let rows: Vec<Row> = tags
            .iter()
            .map(|(tag, lifetime)| {
                let row = changed(self.rows.get(tag), tag, *lifetime, position, now_us);
                self.rows.insert(tag.clone(), row.clone());
                row
            })
            .collect();
        self.published.push(Message { epoch, previous, position, rows: rows.clone() });
        let born_us = self.born_us.unwrap_or(0);
        Answer::Invalidated(Invalidated { epoch, previous, position, rows, born_us, now_us })
    }

    /// Writes a fact back where it was.
    pub(super) fn write_back(&mut self, tag: &Tag, position: Position) -> Answer {
        let hard = Row { tag: tag.clone(), hard: position, soft: Position(0), deadline_us: None };
        self.rows.insert(tag.clone(), hard.clone());
        let (epoch, previous) = (self.epoch.unwrap_or_default(), self.last);
        let (rows, born_us) = (vec![hard], self.born_us.unwrap_or(0));
        Answer::Invalidated(Invalidated { epoch, previous, position, rows, born_us, now_us: 0 })
    }

    fn raise_floor(&mut self, now_us: u64, step: u64, known: Option<&Known>) -> Answer {
        let Some(epoch) = self.admits(known) else { return Answer::Unknown };
        let (previous, position) = self.next(now_us, step);
        self.floor = position;
        let (rows, born_us) = (Vec::new(), self.born_us.unwrap_or(0));
        Answer::Invalidated(Invalidated { epoch, previous, position, rows, born_us, now_us })
    }

    fn ack(&mut self, instance: Id, position: Position) -> Answer {
        let is_listed = self.listed.contains(&position);
        if let Some(applied) = self.applied.get_mut(&instance).filter(|_| is_listed) {
            *applied = position.max(*applied);
        }
        Answer::Done
    }

    fn look(&self, now_us: u64, instance: Id) -> Answer {
        let is_silent = |id: &Id| {
            let since = self.polled.get(id).map_or(0, |(_, at)| *at);
            self.omitted == Some(OmittedByStore::PassOverSilent) && now_us > since + self.lease_us
        };
        let others = self.applied.iter().filter(|(id, _)| **id != instance && !is_silent(id));
        let lowest = others.map(|(_, applied)| *applied).min();
        Answer::Acks { lowest, born_us: self.born_us }
    }

    fn remove(&mut self, now_us: u64, position: Position) -> Answer {
        if !self.listed.contains(&position) && self.omitted != Some(OmittedByStore::RemoveUnlisted)
        {
            return Answer::Done;
        }
        let (last, polled, omitted) = (self.last, &mut self.polled, self.omitted);
        self.applied.retain(|id, _| match polled.get(id) {
            Some((last, _)) => *last >= position && omitted != Some(OmittedByStore::RemovePolled),
            None if omitted == Some(OmittedByStore::RemoveUnheard) => false,
            None => {
                polled.insert(*id, (last, now_us));
                true
            }
        });
        self.polled.retain(|id, _| self.applied.contains_key(id));
        Answer::Done
    }
}

/// The row of a tag after another invalidation.
fn changed(
    row: Option<&Row>,
    tag: &Tag,
    lifetime: Lifetime,
    position: Position,
    now_us: u64,
) -> Row {
    let none = Position(0);
    let Row { mut hard, soft, deadline_us, .. } =
        row.cloned().unwrap_or(Row { tag: tag.clone(), hard: none, soft: none, deadline_us: None });
    let tag = tag.clone();
    let mut pending = deadline_us;
    if pending.is_some_and(|deadline| deadline <= now_us) {
        (hard, pending) = (soft, None);
    }
    let deadline_us = match lifetime {
        Lifetime::None => return Row { tag, hard: position, soft: none, deadline_us: None },
        Lifetime::Unlimited => pending,
        Lifetime::Micros(us) => Some(pending.map_or(now_us + us, |at| at.min(now_us + us))),
    };
    Row { tag, hard, soft: position, deadline_us }
}
