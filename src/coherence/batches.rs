//! What is on its way to the store, in batches: one command each, for one call or for many.

use std::collections::{BTreeMap, BTreeSet};

use super::acks::AckWait;
use super::event::{Call, MOST_TAGS};
use super::timing::{Queue, Timing};
use crate::clock::Timestamp;
use crate::tags::{Change, Tag};

/// Commands in flight together. More would only delay each other, and late answers make the
/// connection count as lost; what comes meanwhile leaves together.
pub(super) const MOST_UNDER_WAY: usize = 4;

/// The content of a write.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Payload {
    /// At most [`MOST_TAGS`] tags.
    Tags(Vec<(Tag, Change)>),
    /// An invalidation of everything.
    Everything,
}

impl Payload {
    pub(super) fn tags(&self) -> usize {
        match self {
            Self::Tags(tags) => tags.len(),
            Self::Everything => 1,
        }
    }
}

/// One write, for parts of one call or for several calls.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Batch {
    pub(super) payload: Payload,
    pub(super) origin: Origin,
    progress: Progress,
    /// Whether a call that waited for it has ended: its invalidation is in effect here, and not yet
    /// elsewhere.
    is_owed: bool,
}

/// Where a batch comes from.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Origin {
    /// Calls that wait for it.
    Calls(BTreeSet<Call>),
    /// Calls that no longer wait. If the write fails, [`super::event::Action::Queued`] has yet to
    /// report it.
    GivenUp,
    /// The outbox.
    Outbox,
}

/// The progress of a batch.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Progress {
    /// Not sent yet; may be sent from that moment on.
    Unsent(Timestamp),
    /// Under way.
    Sent,
    /// Recorded; some instances may not know it yet.
    Waiting(AckWait),
}

/// All batches, by number.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub(super) struct Batches {
    next: u64,
    all: BTreeMap<u64, Batch>,
    /// Those that are not sent, and from when on they may be.
    unsent: BTreeSet<(Timestamp, u64)>,
    /// Those that are recorded.
    waiting: BTreeSet<u64>,
    under_way: usize,
    /// The one that later calls may join: it was never sent.
    open: Option<u64>,
    rest: Rest,
    pub(super) queue: Queue,
}

/// From one command to the next, while there is room for more calls: twice what the last one waited for
/// others. An idle store is written to at once, a busy one as seldom as that is busy, with more in each
/// command.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
struct Rest {
    sent: Timestamp,
    span_us: u64,
}

impl Batch {
    /// The calls that wait for it.
    pub(super) fn calls(&self) -> impl Iterator<Item = Call> {
        let calls = match &self.origin {
            Origin::Calls(calls) => Some(calls),
            Origin::GivenUp | Origin::Outbox => None,
        };
        calls.into_iter().flatten().copied()
    }

    /// Whether any waits for it.
    pub(super) fn is_awaited(&self) -> bool {
        self.calls().next().is_some()
    }

    pub(super) fn wait(&self) -> Option<&AckWait> {
        match &self.progress {
            Progress::Waiting(wait) => Some(wait),
            Progress::Unsent(_) | Progress::Sent => None,
        }
    }

    pub(super) fn is_under_way(&self) -> bool {
        self.progress == Progress::Sent
    }
}

impl Batches {
    /// Returns its number.
    pub(super) fn add(&mut self, now: Timestamp, payload: Payload, origin: Origin) -> u64 {
        self.next += 1;
        let number = self.next;
        let is_open = matches!((&payload, &origin), (Payload::Tags(_), Origin::Calls(_)));
        self.open = is_open.then_some(number).or(self.open);
        self.unsent.insert((now, number));
        let progress = Progress::Unsent(now);
        self.all.insert(number, Batch { payload, origin, progress, is_owed: false });
        number
    }

    /// Adds the tags of a call to a batch that has room for them and has not left. Returns its
    /// number, and those of the tags that it had already: one write stands for both.
    pub(super) fn join(
        &mut self,
        call: Call,
        changes: &[(Tag, Change)],
    ) -> Option<(u64, Vec<(Tag, Change)>)> {
        let number = self.open?;
        let batch = self.all.get_mut(&number)?;
        let Batch { payload: Payload::Tags(tags), origin: Origin::Calls(calls), .. } = batch else {
            return None;
        };
        if tags.len() + changes.len() > MOST_TAGS {
            return None;
        }
        let mut repeated = Vec::new();
        for (tag, change) in changes {
            if let Some((_, held)) = tags.iter_mut().find(|(held, _)| held == tag) {
                *held = held.with(*change);
                repeated.push((tag.clone(), *change));
            } else {
                tags.push((tag.clone(), *change));
            }
        }
        calls.insert(call);
        Some((number, repeated))
    }

    pub(super) fn get(&self, number: u64) -> Option<&Batch> {
        self.all.get(&number)
    }

    /// What those that are recorded wait for. The others, of which there may be many, cost nothing.
    pub(super) fn waits(&self) -> impl Iterator<Item = (u64, &AckWait)> {
        let of = |number: &u64| Some((*number, self.all.get(number)?.wait()?));
        self.waiting.iter().filter_map(of)
    }

    /// Changes all of that.
    pub(super) fn change_waits(&mut self, mut change: impl FnMut(&mut AckWait)) {
        for number in &self.waiting {
            if let Some(Batch { progress: Progress::Waiting(wait), .. }) = self.all.get_mut(number)
            {
                change(wait);
            }
        }
    }

    pub(super) fn wait_mut(&mut self, number: u64) -> Option<&mut AckWait> {
        match &mut self.all.get_mut(&number)?.progress {
            Progress::Waiting(wait) => Some(wait),
            Progress::Unsent(_) | Progress::Sent => None,
        }
    }

    /// Changes the progress of a batch.
    pub(super) fn set(&mut self, number: u64, progress: Progress) {
        let Some(batch) = self.all.get_mut(&number) else { return };
        let unsent_from = match progress {
            Progress::Unsent(at) => Some(at),
            Progress::Sent | Progress::Waiting(_) => None,
        };
        let is_sent = progress == Progress::Sent;
        let is_waiting = matches!(progress, Progress::Waiting(_));
        let before = std::mem::replace(&mut batch.progress, progress);
        self.leave(number, &before);
        self.unsent.extend(unsent_from.map(|at| (at, number)));
        self.under_way += usize::from(is_sent);
        self.waiting.extend(is_waiting.then_some(number));
    }

    pub(super) fn remove(&mut self, number: u64) -> Option<Batch> {
        let batch = self.all.remove(&number)?;
        self.leave(number, &batch.progress);
        Some(batch)
    }

    fn leave(&mut self, number: u64, progress: &Progress) {
        self.open.take_if(|open| *open == number);
        match progress {
            Progress::Unsent(at) => drop(self.unsent.remove(&(*at, number))),
            Progress::Sent => self.under_way = self.under_way.saturating_sub(1),
            Progress::Waiting(_) => drop(self.waiting.remove(&number)),
        }
    }

    /// A call waits for a batch no longer. Returns whether it was the last.
    pub(super) fn forsake(&mut self, number: u64, call: Call) -> bool {
        let Some(batch) = self.all.get_mut(&number) else { return false };
        batch.is_owed = true;
        let Origin::Calls(calls) = &mut batch.origin else { return false };
        calls.remove(&call) && calls.is_empty()
    }

    pub(super) fn give_up(&mut self, number: u64) {
        if let Some(batch) = self.all.get_mut(&number) {
            batch.origin = Origin::GivenUp;
        }
    }

    /// When the next one may be sent, unless enough are under way.
    pub(super) fn due(&self) -> Option<Timestamp> {
        let (at, number) = *self.unsent.first()?;
        let has_room = |batch: &Batch| batch.payload.tags() < MOST_TAGS;
        let rests = self.open == Some(number) && self.all.get(&number).is_some_and(has_room);
        let rested = self.rest.sent.after_us(self.rest.span_us);
        let due = if rests { at.max(rested) } else { at };
        (self.under_way < MOST_UNDER_WAY).then_some(due)
    }

    /// One that was sent at this moment has its answer now.
    pub(super) fn answered(&mut self, sent: Timestamp, now: Timestamp, timing: Timing) {
        let span_us = self.queue.waited_us(now.since_us(sent)).saturating_mul(2);
        self.rest.span_us = span_us.min(timing.most_batch_rest_us);
    }

    /// The next one that may be sent at `now`, which is under way then.
    pub(super) fn send_next(&mut self, now: Timestamp) -> Option<(u64, Payload)> {
        let (_, number) = *self.unsent.first()?;
        if now < self.due()? {
            return None;
        }
        self.set(number, Progress::Sent);
        self.rest.sent = now;
        Some((number, self.all.get(&number)?.payload.clone()))
    }

    /// Those that are recorded.
    pub(super) fn recorded(&self) -> Vec<u64> {
        self.waiting.iter().copied().collect()
    }

    /// Batches of the outbox that are not recorded.
    pub(super) fn replayed(&self) -> usize {
        self.all.values().filter(|batch| batch.origin == Origin::Outbox).count()
    }

    /// Whether one that a call has waited for in vain, or none waits for, is not recorded, as far as is
    /// known.
    pub(super) fn is_owing(&self) -> bool {
        let is_owed = |batch: &Batch| batch.is_owed || !batch.is_awaited();
        self.all.values().any(|batch| batch.wait().is_none() && is_owed(batch))
    }
}
