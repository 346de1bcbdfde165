//! Waits until every other instance knows of an invalidation: it acknowledges, or its lease ends.

use super::event::{Command, Invalidated};
use super::fleet::{Fleet, Sent};
use super::omitted::Omitted;
use super::timing::Timing;
use crate::clock::Timestamp;
use crate::tags::{Epoch, Position};

/// What a recorded batch waits for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct AckWait {
    epoch: Epoch,
    position: Position,
    /// When the store's answer came.
    since: Timestamp,
    /// When every lease granted before is over.
    until: Timestamp,
    /// When the list of instances was created, on the store's clock.
    born_us: u64,
    /// The list of instances may lack some: only the end of all leases settles the wait.
    is_list_incomplete: bool,
    is_acknowledged: bool,
}

/// Reads of acknowledgements; one serves all batches.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub(super) struct AckPolls {
    at: Timestamp,
    pause_us: u64,
}

impl AckWait {
    pub(super) fn begin(
        timing: Timing,
        now: Timestamp,
        written: &Invalidated,
        trusts_young: bool,
    ) -> Self {
        // A list younger than a lease may have lost instances that still have one.
        let is_young = written.now_us.saturating_sub(written.born_us) < timing.lease_us;
        Self {
            epoch: written.epoch,
            position: written.position,
            since: now,
            until: now.after_us(timing.lease_us + timing.grace_us),
            born_us: written.born_us,
            is_list_incomplete: written.born_us == 0 || (is_young && !trusts_young),
            is_acknowledged: false,
        }
    }

    fn is_over(&self, now: Timestamp) -> bool {
        self.is_acknowledged || now >= self.until
    }

    fn may_read_acks(&self) -> bool {
        !self.is_acknowledged && !self.is_list_incomplete
    }
}

impl Fleet {
    fn waits(&self) -> impl Iterator<Item = (u64, &AckWait)> {
        self.batches.waits()
    }

    /// Reads the acknowledgements if that is due and may end a wait.
    pub(super) fn read_acks(&mut self, now: Timestamp) {
        if self.read_acks_due().is_none_or(|due| now < due) {
            return;
        }
        let pause_us = self.ack_polls.pause_us.saturating_mul(2);
        // Acknowledgements come some time apart, and a look is cheap.
        self.ack_polls.pause_us = pause_us.min(self.timing.most_ack_poll_us);
        self.send(Sent::ReadAcks(now), Command::ReadAcks);
    }

    pub(super) fn read_acks_due(&self) -> Option<Timestamp> {
        let is_possible = self.connected_since.is_some()
            && self.waits().any(|(_, wait)| wait.may_read_acks())
            && !self.requests.any(|sent| matches!(sent, Sent::ReadAcks(_)));
        is_possible.then_some(self.ack_polls.at)
    }

    /// A batch was recorded: the pauses begin again.
    pub(super) fn read_acks_soon(&mut self, now: Timestamp) {
        let AckPolls { at, .. } = self.ack_polls;
        let soon = now.after_us(self.timing.ack_poll_us);
        // One that is to come sooner stays: others may be recorded all the time.
        let at = if at > now { at.min(soon) } else { soon };
        self.ack_polls = AckPolls { at, pause_us: self.timing.ack_poll_us };
    }

    /// The next read comes after a longer pause than the one before.
    pub(super) fn read_acks_later(&mut self, now: Timestamp) {
        self.ack_polls.at = now.after_us(self.ack_polls.pause_us);
    }

    pub(super) fn acks_read(
        &mut self,
        now: Timestamp,
        sent: Timestamp,
        lowest: Option<Position>,
        born_us: Option<u64>,
    ) {
        self.read_acks_later(now);
        // A fail-over may have lost registrations whose leases still stand.
        let is_young =
            self.connected_since.is_none_or(|since| now < since.after_us(self.timing.lease_us));
        if is_young && !self.omits(Omitted::TrustYoungConnection) {
            return;
        }
        let trusts_changed = self.omits(Omitted::TrustChangedList);
        self.batches.change_waits(|wait| {
            if wait.since > sent {
                return;
            }
            if born_us != Some(wait.born_us) && !trusts_changed {
                wait.is_list_incomplete = true;
            }
            if wait.may_read_acks() && lowest.is_none_or(|lowest| lowest >= wait.position) {
                wait.is_acknowledged = true;
            }
        });
    }

    /// Ends the waits that are over.
    pub(super) fn settle(&mut self, now: Timestamp) {
        let over = self.waits().filter(|(_, wait)| wait.is_over(now) && !self.is_behind(wait));
        let over: Vec<_> = over
            .map(|(number, wait)| {
                let is_by_time = !wait.is_acknowledged && wait.epoch == self.known.epoch();
                (number, is_by_time.then_some(wait.position))
            })
            .collect();
        // An instance that was silent for a whole lease would delay every further call as long.
        let silent_since = over.iter().filter_map(|(_, position)| *position).max();
        for (number, _) in over {
            self.settled(number);
        }
        if let Some(position) = silent_since.filter(|_| self.connected_since.is_some()) {
            self.send(Sent::Remove, Command::Remove(position));
        }
    }

    pub(super) fn settle_due(&self) -> Option<Timestamp> {
        self.waits().filter(|(_, wait)| !self.is_behind(wait)).map(|(_, wait)| wait.until).min()
    }

    /// Whether this instance lacks invalidations below that position: entries that it judges fresh
    /// would then be dated below it. In another life of the table no older entry is fresh anyway.
    fn is_behind(&self, wait: &AckWait) -> bool {
        wait.epoch == self.known.epoch()
            && self.known.applied() < wait.position
            && !self.omits(Omitted::ResolveUnapplied)
    }

    /// Whether a batch waits for a poll to bring the invalidations below its position.
    pub(super) fn is_behind_own(&self) -> bool {
        self.waits().any(|(_, wait)| self.is_behind(wait))
    }

    /// Makes a batch wait from an earlier moment than it should.
    pub(super) fn wait_from(&mut self, number: u64, sent: Timestamp) {
        let span = self.timing.lease_us + self.timing.grace_us;
        if let Some(wait) = self.batches.wait_mut(number) {
            wait.until = sent.after_us(span);
        }
    }
}
