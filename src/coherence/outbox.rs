//! Invalidations that wait for the store to come back.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use super::batches::{MOST_UNDER_WAY, Origin, Payload};
use super::event::{Action, Call, MOST_TAGS, Outcome};
use super::fleet::Fleet;
use crate::clock::Timestamp;
use crate::tags::{Change, Tag};

/// Invalidations that wait to be recorded, and are in effect on this instance only.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub(super) struct Outbox {
    /// At most as many as the table may have.
    tags: BTreeMap<Tag, Change>,
    /// There were more: the replay invalidates everything.
    is_everything: bool,
    /// When the next replay may begin.
    replay_at: Timestamp,
}

impl Outbox {
    fn is_empty(&self) -> bool {
        self.tags.is_empty() && !self.is_everything
    }

    /// Adds tags; returns those that were there already.
    fn add(&mut self, tags: Vec<(Tag, Change)>) -> Vec<(Tag, Change)> {
        let mut repeated = Vec::new();
        for (tag, change) in tags {
            match self.tags.entry(tag) {
                Entry::Vacant(free) => drop(free.insert(change)),
                Entry::Occupied(mut held) => {
                    repeated.push((held.key().clone(), change));
                    let both = held.get().with(change);
                    held.insert(both);
                }
            }
        }
        repeated
    }

    /// Takes up to `count` tags out.
    fn take(&mut self, count: usize) -> Vec<(Tag, Change)> {
        std::iter::from_fn(|| self.tags.pop_first()).take(count).collect()
    }
}

impl Fleet {
    /// Whether a call would only time out: the store has been away, or has refused writes, for a
    /// whole budget, or this instance decides alone. In a shorter outage other instances go on and
    /// have leases, and waiting is worth it.
    pub(super) fn is_hopeless(&self, now: Timestamp) -> bool {
        let budget = self.timing.budget_us;
        self.apart_since.is_some_and(|since| now >= since.after_us(budget))
            || self.writing.is_on_for(now, budget)
            || self.decides_alone()
    }

    /// Invalidates everything for a call, which then waits as it does for tags.
    pub(super) fn invalidate_all(&mut self, now: Timestamp, call: Call) {
        self.known.hold_all(now);
        if self.is_hopeless(now) {
            self.put_off(now, Payload::Everything);
            self.out.push(Action::Resolve(call, Outcome::Here));
            return;
        }
        let batch = self.batches.add(now, Payload::Everything, Origin::Calls([call].into()));
        self.calls.begin(now, call, self.timing, vec![batch]);
    }

    /// Puts an invalidation off until the store is back.
    pub(super) fn put_off(&mut self, now: Timestamp, payload: Payload) {
        self.out.push(Action::Queued(payload.tags()));
        self.put_back(now, payload);
    }

    /// The same for an invalidation that was put off before.
    pub(super) fn put_back(&mut self, now: Timestamp, payload: Payload) {
        match payload {
            Payload::Tags(tags) => {
                // One write of a tag stands for both.
                let repeated = self.outbox.add(tags);
                self.known.release(now, &repeated);
            }
            Payload::Everything if self.outbox.is_everything => self.known.release_all(now),
            Payload::Everything => self.outbox.is_everything = true,
        }
        self.bound(now);
        self.outbox.replay_at = self.writing.again(now.after_us(self.timing.retry_us));
    }

    /// Beyond its bound, the outbox invalidates everything instead of single tags.
    fn bound(&mut self, now: Timestamp) {
        if !self.outbox.is_everything && self.outbox.tags.len() > self.known.table.most() {
            self.outbox.is_everything = true;
            self.known.hold_all(now);
            self.out.push(Action::Overflowed);
        }
        if self.outbox.is_everything {
            let tags: Vec<Tag> = std::mem::take(&mut self.outbox.tags).into_keys().collect();
            self.known.spill(now, &tags);
        }
    }

    /// Turns the outbox into batches, a few at a time: it may have as many tags as a table.
    pub(super) fn replay(&mut self, now: Timestamp) {
        if self.replay_due().is_none_or(|due| now < due) {
            return;
        }
        while self.may_replay() && !self.outbox.is_empty() {
            let tags = self.outbox.take(MOST_TAGS);
            let payload = if tags.is_empty() { Payload::Everything } else { Payload::Tags(tags) };
            self.outbox.is_everything &= payload != Payload::Everything;
            self.batches.add(now, payload, Origin::Outbox);
        }
    }

    fn may_replay(&self) -> bool {
        self.batches.replayed() < MOST_UNDER_WAY
    }

    pub(super) fn replay_due(&self) -> Option<Timestamp> {
        let is_possible =
            !self.outbox.is_empty() && self.connected_since.is_some() && !self.is_offline();
        (is_possible && self.may_replay()).then_some(self.outbox.replay_at)
    }

    /// Whether a resolved invalidation is not recorded yet: the lease waits for that.
    pub(super) fn is_owing(&self) -> bool {
        !self.outbox.is_empty() || self.batches.is_owing()
    }
}
