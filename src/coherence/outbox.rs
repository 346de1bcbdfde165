//! Invalidations that wait for the store to come back.

use std::collections::BTreeMap;

use super::calls::{Origin, Write};
use super::event::{Action, MOST_TAGS};
use super::fleet::Fleet;
use crate::clock::Timestamp;
use crate::tags::{Change, Tag};

/// Tags that wait; of more than that none is remembered, and the replay invalidates everything.
const MOST: usize = 10_000;

/// What waits to be recorded and is in effect here only.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub(super) struct Outbox {
    tags: BTreeMap<Tag, Change>,
    is_everything: bool,
    /// Before that nothing is tried again.
    replay_at: Timestamp,
}

impl Outbox {
    fn is_empty(&self) -> bool {
        self.tags.is_empty() && !self.is_everything
    }

    fn add(&mut self, write: Write) {
        match write {
            Write::Tags(tags) => {
                for (tag, change) in tags {
                    let held = self.tags.get(&tag).copied().unwrap_or(change);
                    self.tags.insert(tag, held.with(change));
                }
            }
            Write::Everything => self.is_everything = true,
        }
        if self.is_everything || self.tags.len() > MOST {
            self.is_everything = true;
            self.tags.clear();
        }
    }
}

impl Fleet {
    /// Whether a call would wait in vain: none that is tried for the whole of its budget came through.
    /// For less than that others go on, and have leases: then it is worth waiting.
    pub(super) fn is_apart_for_long(&self, now: Timestamp) -> bool {
        let budget = self.timing.budget_us;
        self.apart_since.is_some_and(|since| now >= since.after_us(budget))
    }

    /// Puts an invalidation off until the store is back.
    pub(super) fn put_off(&mut self, now: Timestamp, write: Write) {
        self.out.push(Action::Queued(write.tags()));
        self.put_back(now, write);
    }

    /// Puts off what had been put off before.
    pub(super) fn put_back(&mut self, now: Timestamp, write: Write) {
        self.outbox.add(write);
        self.outbox.replay_at = now.after_us(self.timing.retry_us);
    }

    /// Turns what was put off into batches.
    pub(super) fn replay(&mut self, now: Timestamp) {
        if self.replay_due().is_none_or(|due| now < due) {
            return;
        }
        let tags: Vec<_> = std::mem::take(&mut self.outbox.tags).into_iter().collect();
        for tags in tags.chunks(MOST_TAGS) {
            self.batches.add(now, Write::Tags(tags.to_vec()), Origin::Outbox);
        }
        if std::mem::take(&mut self.outbox.is_everything) {
            self.batches.add(now, Write::Everything, Origin::Outbox);
        }
    }

    pub(super) fn replay_due(&self) -> Option<Timestamp> {
        (self.linked.is_some() && !self.is_apart() && !self.outbox.is_empty())
            .then_some(self.outbox.replay_at)
    }

    /// Whether something was resolved that the store has not recorded: the lease waits for that.
    pub(super) fn is_owing(&self) -> bool {
        !self.outbox.is_empty()
            || self.batches.unrecorded().any(|batch| batch.origin.call().is_none())
    }

    /// Whatever is not recorded stays above what is applied, which has moved.
    pub(super) fn keep_in_effect(&mut self, now: Timestamp) {
        let mut everything = self.outbox.is_everything;
        let mut changes: Vec<(Tag, Change)> = Vec::new();
        for batch in self.batches.unrecorded() {
            match &batch.write {
                Write::Tags(tags) => changes.extend_from_slice(tags),
                Write::Everything => everything = true,
            }
        }
        let put_off = self.outbox.tags.iter().map(|(tag, change)| (tag.clone(), *change));
        changes.extend(put_off);
        if everything {
            self.known.take_effect_on_all(now);
        }
        self.known.take_effect(now, &changes);
    }
}
