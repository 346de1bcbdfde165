//! Invalidations on their way to the store.
//!
//! A call of the user becomes batches of a bounded number of tags. A batch that is not recorded in
//! time goes to the outbox and its call resolves: no call waits for that batch any more.

use std::collections::{BTreeMap, BTreeSet};

use super::acks::AckWait;
use super::event::{Action, Call, Command, Invalidated, Lifetime, MOST_TAGS, Outcome};
use super::fleet::{Fleet, Sent};
use super::omitted::Omitted;
use super::timing::Timing;
use super::view::lifetimes;
use crate::clock::Timestamp;
use crate::tags::{Change, Epoch, Tag};

/// Tags in flight together. More commands would only delay each other, and late answers make the
/// connection count as lost. Other commands get their turn in between.
pub(super) const MOST_UNDER_WAY: usize = 4 * MOST_TAGS;

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

/// A part of an invalidation.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Batch {
    pub(super) payload: Payload,
    pub(super) origin: Origin,
    pub(super) progress: Progress,
}

/// Where a batch comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Origin {
    /// A call that waits for it.
    Call(Call),
    /// A call that no longer waits. If the write fails, [`Action::Queued`] has yet to report it.
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
    pub(super) all: BTreeMap<u64, Batch>,
}

/// The calls that are not resolved.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub(super) struct Calls {
    open: BTreeMap<Call, Deadlines>,
}

/// How long a call waits, and for what.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Deadlines {
    /// Until when its batches are tried.
    tries: Timestamp,
    /// When it ends even if all of them are recorded: every lease granted before is over by then.
    waits: Timestamp,
    /// Batches that are not done.
    left: usize,
}

/// How much of a call is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Finished {
    Part,
    Whole,
}

impl Origin {
    pub(super) fn call(self) -> Option<Call> {
        match self {
            Self::Call(call) => Some(call),
            Self::GivenUp | Self::Outbox => None,
        }
    }
}

impl Batches {
    pub(super) fn add(&mut self, now: Timestamp, payload: Payload, origin: Origin) {
        self.next += 1;
        self.all.insert(self.next, Batch { payload, origin, progress: Progress::Unsent(now) });
    }

    /// Batches that wait for acknowledgements wait on a history that is gone: they are sent again.
    /// Returns what they write.
    fn write_again(&mut self) -> Vec<Payload> {
        let waiting =
            self.all.values_mut().filter(|batch| matches!(batch.progress, Progress::Waiting(_)));
        let again = waiting.map(|batch| {
            batch.progress = Progress::Unsent(Timestamp(0));
            batch.payload.clone()
        });
        again.collect()
    }

    /// Tags of the outbox that have left it and are not recorded.
    pub(super) fn tags_replayed(&self) -> usize {
        let replayed = self.all.values().filter(|batch| batch.origin == Origin::Outbox);
        replayed.map(|batch| batch.payload.tags()).sum()
    }

    /// Batches the store has not recorded, as far as is known.
    pub(super) fn unrecorded(&self) -> impl Iterator<Item = &Batch> {
        self.all.values().filter(|batch| !matches!(batch.progress, Progress::Waiting(_)))
    }

    fn tags_under_way(&self) -> usize {
        let sent = self.all.values().filter(|batch| batch.progress == Progress::Sent);
        sent.map(|batch| batch.payload.tags()).sum()
    }

    /// Calls with batches that the store has not recorded.
    fn unrecorded_calls(&self) -> BTreeSet<Call> {
        self.unrecorded().filter_map(|batch| batch.origin.call()).collect()
    }
}

impl Deadlines {
    fn end(&self, is_recorded: bool) -> Timestamp {
        if is_recorded { self.waits } else { self.tries }
    }
}

impl Calls {
    pub(super) fn begin(&mut self, now: Timestamp, call: Call, timing: Timing, batches: usize) {
        let tries = now.after_us(timing.budget_us);
        // A last poll may have to bring the invalidations below the position waited for.
        let waits = tries.after_us(timing.lease_us + timing.grace_us + timing.ask_us);
        self.open.insert(call, Deadlines { tries, waits, left: batches });
    }

    /// One batch of a call is done.
    fn finish_one(&mut self, call: Call) -> Finished {
        let Some(Deadlines { left, .. }) = self.open.get_mut(&call) else { return Finished::Part };
        *left = left.saturating_sub(1);
        if *left > 0 {
            return Finished::Part;
        }
        self.open.remove(&call);
        Finished::Whole
    }

    /// Ends all of them.
    pub(super) fn take_all(&mut self) -> Vec<Call> {
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
        let batches = changes.chunks(MOST_TAGS);
        self.calls.begin(now, call, self.timing, batches.len());
        for batch in batches {
            self.batches.add(now, Payload::Tags(batch.to_vec()), Origin::Call(call));
        }
    }

    pub(super) fn send_batches(&mut self, now: Timestamp) {
        if self.batches_due().is_none_or(|due| now < due) {
            return;
        }
        let history = self.history();
        let mut due = Vec::new();
        let mut under_way = self.batches.tags_under_way();
        for (number, batch) in &mut self.batches.all {
            if under_way >= MOST_UNDER_WAY {
                break;
            }
            if matches!(batch.progress, Progress::Unsent(at) if now >= at) {
                batch.progress = Progress::Sent;
                under_way += batch.payload.tags();
                due.push((*number, batch.payload.clone()));
            }
        }
        for (number, payload) in due {
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
        let may_write = self.connected_since.is_some()
            && self.stage.is_following()
            && self.has_seen_table()
            && self.batches.tags_under_way() < MOST_UNDER_WAY;
        let unsent = self.batches.all.values().filter_map(|batch| match batch.progress {
            Progress::Unsent(at) => Some(at),
            _ => None,
        });
        unsent.min().filter(|_| may_write)
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
        let Some(batch) = self.batches.all.get_mut(&number) else { return };
        let payload = batch.payload.clone();
        if batch.origin.call().is_some() {
            batch.progress = Progress::Waiting(wait);
            self.read_acks_soon(now);
        } else {
            self.batches.all.remove(&number);
            if !self.is_owing() {
                // The next poll can get a lease.
                self.poll_at = self.poll_at.min(now);
            }
        }
        self.release(now, &payload);
        self.apply_own(now, written);
        if self.omits(Omitted::WaitFromSending) {
            self.wait_from(number, sent);
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
        for payload in self.batches.write_again() {
            match payload {
                Payload::Tags(tags) => self.known.hold(now, &tags),
                Payload::Everything => self.known.hold_all(now),
            }
        }
    }

    /// The applied position moves to an own one only if nothing lies between. Otherwise a poll
    /// brings what does, and until then the own position may turn out to be lost.
    fn apply_own(&mut self, now: Timestamp, written: &Invalidated) {
        let applied = self.known.applied();
        if written.previous == applied || self.omits(Omitted::JumpToOwn) {
            self.known.apply_up_to(now, written.position);
        } else if written.position != applied {
            self.open.push(written.position);
            self.poll_at = self.poll_at.min(now);
        }
    }

    /// The store may not have recorded a batch: it is sent again, later.
    pub(super) fn unwritten(&mut self, now: Timestamp, number: u64) {
        let Some(batch) = self.batches.all.get_mut(&number) else { return };
        if batch.origin.call().is_some() {
            let again = self.writing.again(now.after_us(self.timing.retry_us));
            batch.progress = Progress::Unsent(again);
        } else if let Some(Batch { payload, origin, .. }) = self.batches.all.remove(&number) {
            if origin == Origin::GivenUp {
                self.put_off(now, payload);
            } else {
                self.put_back(now, payload);
            }
        }
    }

    /// Every instance knows a batch now. The last batch of a call resolves the call.
    pub(super) fn settled(&mut self, number: u64) {
        let Some(batch) = self.batches.all.remove(&number) else { return };
        if let Some(call) =
            batch.origin.call().filter(|call| self.calls.finish_one(*call) == Finished::Whole)
        {
            self.out.push(Action::Resolve(call, Outcome::Everywhere));
        }
    }

    /// Resolves the calls that have waited long enough. Their unrecorded batches go on without
    /// them; a call whose batches are all recorded waits until all leases are over, however late
    /// that wait began.
    pub(super) fn give_up_calls(&mut self, now: Timestamp) {
        if self.calls.open.values().all(|deadlines| now < deadlines.tries) {
            return;
        }
        let unrecorded = self.batches.unrecorded_calls();
        let is_over = |call: &Call, deadlines: &mut Deadlines| {
            now >= deadlines.end(!unrecorded.contains(call))
        };
        let overdue: Vec<Call> =
            self.calls.open.extract_if(.., is_over).map(|(call, _)| call).collect();
        for call in overdue {
            self.out.push(Action::Resolve(call, Outcome::Here));
            let of_call = |batch: &Batch| batch.origin == Origin::Call(call);
            let numbers: Vec<u64> =
                self.batches.all.iter().filter(|(_, b)| of_call(b)).map(|(n, _)| *n).collect();
            for number in numbers {
                self.orphan(now, number);
            }
        }
    }

    pub(super) fn calls_due(&self) -> Option<Timestamp> {
        let unrecorded = self.batches.unrecorded_calls();
        let ends = self.calls.open.iter();
        ends.map(|(call, deadlines)| deadlines.end(!unrecorded.contains(call))).min()
    }

    fn orphan(&mut self, now: Timestamp, number: u64) {
        let Some(batch) = self.batches.all.get_mut(&number) else { return };
        match batch.progress {
            Progress::Sent => batch.origin = Origin::GivenUp,
            Progress::Waiting(_) => drop(self.batches.all.remove(&number)),
            Progress::Unsent(_) => {
                if let Some(batch) = self.batches.all.remove(&number) {
                    self.put_off(now, batch.payload);
                }
            }
        }
    }
}
