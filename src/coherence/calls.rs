//! Invalidations on their way to the store.
//!
//! A call of the user becomes batches of a bounded number of tags, and shares one with the calls
//! that come while others are under way. A batch that is not recorded in time goes to the outbox and
//! its calls resolve: no call waits for that batch any more.

use std::collections::{BTreeMap, BTreeSet};

use super::acks::AckWait;
use super::batches::{Batch, Origin, Payload, Progress};
use super::event::{Action, Call, Command, Invalidated, Lifetime, MOST_TAGS, Outcome};
use super::fleet::{Fleet, Sent};
use super::omitted::Omitted;
use super::timing::Timing;
use super::view::lifetimes;
use crate::clock::Timestamp;
use crate::tags::{Epoch, Tag};

/// The calls that are not resolved.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub(super) struct Calls {
    open: BTreeMap<Call, Open>,
    /// When each of them ends at the latest.
    ends: BTreeSet<(Timestamp, Call)>,
}

/// How long a call waits, and for what.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Open {
    /// Until when its batches are tried.
    tries: Timestamp,
    /// When it ends even if all of them are recorded: every lease granted before is over by then.
    waits: Timestamp,
    /// Batches that are not done.
    batches: Vec<u64>,
    /// Of those, how many are not recorded.
    unrecorded: usize,
}

/// How much of a call is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Finished {
    Part,
    Whole,
}

impl Open {
    fn end(&self) -> Timestamp {
        if self.unrecorded == 0 { self.waits } else { self.tries }
    }
}

impl Calls {
    /// A call that waits for these batches.
    pub(super) fn begin(&mut self, now: Timestamp, call: Call, timing: Timing, batches: Vec<u64>) {
        let tries = now.after_us(timing.budget_us);
        // A last poll may have to bring the invalidations below the position waited for.
        let waits = tries.after_us(timing.lease_us + timing.grace_us + timing.ask_us);
        let unrecorded = batches.len();
        let open = Open { tries, waits, batches, unrecorded };
        self.ends.insert((open.end(), call));
        self.open.insert(call, open);
    }

    /// Changes what a call waits for.
    fn change(&mut self, call: Call, change: impl FnOnce(&mut Open)) {
        let Some(open) = self.open.get_mut(&call) else { return };
        let before = open.end();
        change(open);
        let after = open.end();
        if before != after {
            self.ends.remove(&(before, call));
            self.ends.insert((after, call));
        }
    }

    /// One batch of a call is recorded.
    fn recorded(&mut self, call: Call) {
        self.change(call, |open| open.unrecorded = open.unrecorded.saturating_sub(1));
    }

    /// One that was recorded is not any more.
    fn lost(&mut self, call: Call) {
        self.change(call, |open| open.unrecorded += 1);
    }

    /// One batch of a call is done.
    fn finish_one(&mut self, call: Call, number: u64) -> Finished {
        let Some(open) = self.open.get_mut(&call) else { return Finished::Part };
        open.batches.retain(|other| *other != number);
        if !open.batches.is_empty() {
            return Finished::Part;
        }
        self.take(call);
        Finished::Whole
    }

    fn take(&mut self, call: Call) -> Option<Open> {
        let open = self.open.remove(&call)?;
        self.ends.remove(&(open.end(), call));
        Some(open)
    }

    /// Takes one that ends at `now`.
    fn take_ended(&mut self, now: Timestamp) -> Option<(Call, Open)> {
        let (_, call) = *self.ends.first().filter(|(end, _)| now >= *end)?;
        Some((call, self.take(call)?))
    }

    /// Ends all of them.
    pub(super) fn take_all(&mut self) -> Vec<Call> {
        self.ends.clear();
        std::mem::take(&mut self.open).into_keys().collect()
    }
}

impl Fleet {
    pub(super) fn invalidate(
        &mut self,
        now: Timestamp,
        call: Call,
        tags: Vec<Tag>,
        lifetime: Lifetime,
    ) {
        if tags.is_empty() {
            self.out.push(Action::Resolve(call, Outcome::Everywhere));
            return;
        }
        let change = lifetime.change(now);
        let changes: Vec<_> = tags.into_iter().map(|tag| (tag, change)).collect();
        self.known.hold(now, &changes);
        if self.is_hopeless(now) {
            self.put_off(now, Payload::Tags(changes));
            self.out.push(Action::Resolve(call, Outcome::Here));
            return;
        }
        let batches = if let Some((number, repeated)) = self.batches.join(call, &changes) {
            self.known.release(now, &repeated);
            vec![number]
        } else {
            let part = |tags: &[_]| {
                let origin = Origin::Calls([call].into());
                self.batches.add(now, Payload::Tags(tags.to_vec()), origin)
            };
            changes.chunks(MOST_TAGS).map(part).collect()
        };
        self.calls.begin(now, call, self.timing, batches);
    }

    pub(super) fn send_batches(&mut self, now: Timestamp) {
        if self.batches_due().is_none_or(|due| now < due) {
            return;
        }
        let history = self.history();
        while let Some((number, payload)) = self.batches.send_next(now) {
            let known = Some(history.clone());
            let command = match payload {
                Payload::Tags(tags) => Command::Invalidate { known, tags: lifetimes(&tags, now) },
                Payload::Everything => Command::RaiseFloor { known },
            };
            self.send(Sent::Batch(number, now), command);
        }
    }

    /// Nothing is written before a table was seen, nor while a lost history is repaired, nor while
    /// enough is under way.
    pub(super) fn batches_due(&self) -> Option<Timestamp> {
        let may_write =
            self.connected_since.is_some() && self.stage.is_following() && self.has_seen_table();
        self.batches.due().filter(|_| may_write)
    }

    pub(super) fn has_seen_table(&self) -> bool {
        self.known.epoch() != Epoch::default()
    }

    /// The store has recorded a batch.
    pub(super) fn written(
        &mut self,
        now: Timestamp,
        number: u64,
        sent: Timestamp,
        written: &Invalidated,
    ) {
        self.writing.end();
        self.batches.answered(sent, now, self.timing);
        // In another life of the table, or on a history that is being repaired, it counts for
        // nothing.
        let is_current = written.epoch == self.known.epoch();
        if is_current && !self.omits(Omitted::ResolveUnapplied) {
            self.known.merge_remote(now, &written.rows, written.floor());
        }
        if !is_current || !self.stage.is_following() {
            return self.unwritten(now, number);
        }
        let trusts_young = self.omits(Omitted::TrustYoungList);
        let wait = AckWait::begin(self.timing, now, written, trusts_young);
        let Some(payload) = self.batches.get(number).map(|batch| batch.payload.clone()) else {
            return;
        };
        let is_owing = self.is_owing();
        if self.is_awaited(number) {
            self.wait_for_acks(now, number, wait);
        } else {
            self.batches.remove(number);
        }
        if is_owing && !self.is_owing() {
            // The next poll can get a lease.
            self.poll_at = self.poll_at.min(now);
        }
        self.release(now, &payload);
        self.apply_own(now, written);
        if self.omits(Omitted::WaitFromSending) {
            self.wait_from(number, sent);
        }
    }

    fn is_awaited(&self, number: u64) -> bool {
        self.batches.get(number).is_some_and(Batch::is_awaited)
    }

    fn wait_for_acks(&mut self, now: Timestamp, number: u64, wait: AckWait) {
        self.batches.set(number, Progress::Waiting(wait));
        self.read_acks_soon(now);
        for call in self.batches.get(number).into_iter().flat_map(Batch::calls) {
            self.calls.recorded(call);
        }
    }

    /// The invalidation was held above the applied position; now it has a position of its own.
    fn release(&mut self, now: Timestamp, payload: &Payload) {
        match payload {
            Payload::Tags(tags) => self.known.release(now, tags),
            Payload::Everything => self.known.release_all(now),
        }
    }

    /// The history that the store has now lacks the recorded batches: writes them again.
    pub(super) fn write_again(&mut self, now: Timestamp) {
        for number in self.batches.recorded() {
            self.batches.set(number, Progress::Unsent(Timestamp(0)));
            let Some(batch) = self.batches.get(number) else { continue };
            match &batch.payload {
                Payload::Tags(tags) => self.known.hold(now, tags),
                Payload::Everything => self.known.hold_all(now),
            }
            batch.calls().for_each(|call| self.calls.lost(call));
        }
    }

    /// The applied position moves to an own one only if nothing lies between. Otherwise messages or a
    /// poll bring what does, and until then the own position may turn out to be lost.
    fn apply_own(&mut self, now: Timestamp, written: &Invalidated) {
        let applied = self.known.applied();
        if written.previous == applied || self.omits(Omitted::JumpToOwn) {
            self.apply_up_to(now, written.position);
        } else if written.position != applied && !self.has_passed(written.position) {
            self.open.push(written.position);
            self.keep_own(now, written);
        }
    }

    /// The store may not have recorded a batch: it is sent again, later.
    pub(super) fn unwritten(&mut self, now: Timestamp, number: u64) {
        if self.is_awaited(number) {
            let again = self.writing.again(now.after_us(self.timing.retry_us));
            self.batches.set(number, Progress::Unsent(again));
        } else if let Some(Batch { payload, origin, .. }) = self.batches.remove(number) {
            if origin == Origin::GivenUp {
                self.put_off(now, payload);
            } else {
                self.put_back(now, payload);
            }
        }
    }

    /// Every instance knows a batch now. The last batch of a call resolves the call.
    pub(super) fn settled(&mut self, number: u64) {
        let Some(batch) = self.batches.remove(number) else { return };
        for call in batch.calls() {
            if self.calls.finish_one(call, number) == Finished::Whole {
                self.out.push(Action::Resolve(call, Outcome::Everywhere));
            }
        }
    }

    /// Resolves the calls that have waited long enough. Their unrecorded batches go on without
    /// them; a call whose batches are all recorded waits until all leases are over, however late
    /// that wait began.
    pub(super) fn give_up_calls(&mut self, now: Timestamp) {
        while let Some((call, open)) = self.calls.take_ended(now) {
            self.out.push(Action::Resolve(call, Outcome::Here));
            for number in open.batches {
                if self.batches.forsake(number, call) {
                    self.orphan(now, number);
                }
            }
        }
    }

    pub(super) fn calls_due(&self) -> Option<Timestamp> {
        self.calls.ends.first().map(|(end, _)| *end)
    }

    /// Nobody waits for a batch any more.
    fn orphan(&mut self, now: Timestamp, number: u64) {
        let Some(batch) = self.batches.get(number) else { return };
        if batch.is_under_way() {
            return self.batches.give_up(number);
        }
        let is_recorded = batch.wait().is_some();
        if let Some(batch) = self.batches.remove(number).filter(|_| !is_recorded) {
            self.put_off(now, batch.payload);
        }
    }
}
