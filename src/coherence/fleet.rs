//! One instance of a fleet: what it has under way with the store, and what it does next.

use std::collections::BTreeMap;

use super::MOST_STEP;
use super::acks::AckPolls;
use super::applied::Acks;
use super::batches::Batches;
use super::calls::Calls;
use super::chain::Chain;
use super::denial::Denial;
use super::event::{Action, Answer, Ask, Command, Event, Known, Message, Outcome, Request};
use super::omitted::Omitted;
use super::outbox::Outbox;
use super::poll::Poll;
use super::repair::Stage;
use super::timing::Timing;
use super::view::LocalView;
use crate::clock::Timestamp;
use crate::tags::Position;

/// Greater positions are invalid: the store counts in doubles, which are exact up to 2^53.
const MOST_POSITION: Position = Position(1 << 52);
/// How far the store's clock may run ahead of the estimate between two polls: 5 s.
const CLOCK_SLACK_US: u64 = 5_000_000;

/// The state of an instance of a fleet. Its parts lie in the files named after them.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Fleet {
    pub(super) timing: Timing,
    pub(super) known: LocalView,
    /// Since when it is connected to the primary.
    pub(super) connected_since: Option<Timestamp>,
    pub(super) requests: Requests,
    pub(super) stage: Stage,
    /// When the next poll is due.
    pub(super) poll_at: Timestamp,
    pub(super) lease_until: Timestamp,
    /// Since when the store is away: then memory may answer for a while without a lease.
    pub(super) apart_since: Option<Timestamp>,
    /// Whether it may follow the table, and write to it.
    pub(super) reading: Denial,
    pub(super) writing: Denial,
    /// Own positions that were overtaken, and that no answer has reported as listed yet.
    pub(super) open: Vec<Position>,
    /// Gets that wait for a poll, and since when.
    pub(super) asks: BTreeMap<Ask, Timestamp>,
    pub(super) calls: Calls,
    pub(super) batches: Batches,
    pub(super) outbox: Outbox,
    pub(super) ack_polls: AckPolls,
    pub(super) acks: Acks,
    pub(super) chain: Chain,
    /// The actions that the current event leads to.
    pub(super) out: Vec<Action>,
    #[cfg(test)]
    pub(super) omitted: Option<Omitted>,
}

/// Requests that are not answered yet.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub(super) struct Requests {
    next: Request,
    under_way: BTreeMap<Request, Sent>,
    #[cfg(test)]
    late: BTreeMap<Request, Sent>,
}

/// What a request was for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Sent {
    Poll(Poll),
    Load,
    /// A batch, by its number.
    Batch(u64, Timestamp),
    Repair,
    Ack,
    /// When it was sent.
    ReadAcks(Timestamp),
    Remove,
}

impl Requests {
    fn add(&mut self, sent: Sent) -> Request {
        self.next += 1;
        self.under_way.insert(self.next, sent);
        self.next
    }

    fn take(&mut self, request: Request) -> Option<Sent> {
        let sent = self.under_way.remove(&request);
        #[cfg(test)]
        let sent = sent.or_else(|| self.late.remove(&request));
        sent
    }

    #[cfg_attr(not(test), expect(unused_variables, reason = "kept in tests only"))]
    fn take_all(&mut self, is_kept: bool) -> BTreeMap<Request, Sent> {
        #[cfg(test)]
        if is_kept {
            self.late.extend(self.under_way.clone());
        }
        std::mem::take(&mut self.under_way)
    }

    pub(super) fn any(&self, is: impl Fn(&Sent) -> bool) -> bool {
        self.under_way.values().any(is)
    }
}

impl Fleet {
    pub(super) fn new(most_tags: usize, timing: Timing) -> Self {
        Self {
            timing,
            known: LocalView::new(most_tags),
            connected_since: None,
            requests: Requests::default(),
            stage: Stage::Following,
            poll_at: Timestamp(0),
            lease_until: Timestamp(0),
            apart_since: None,
            reading: Denial::default(),
            writing: Denial::default(),
            open: Vec::new(),
            asks: BTreeMap::new(),
            calls: Calls::default(),
            batches: Batches::default(),
            outbox: Outbox::default(),
            ack_polls: AckPolls::default(),
            acks: Acks::default(),
            chain: Chain::default(),
            out: Vec::new(),
            #[cfg(test)]
            omitted: None,
        }
    }

    pub(super) fn on(&mut self, now: Timestamp, event: Event) -> Vec<Action> {
        match event {
            Event::Connected => {
                self.unlink(now);
                self.connected_since = Some(now);
                (self.acks.queue, self.batches.queue) = Default::default();
                self.poll_at = now;
            }
            Event::Disconnected => self.unlink(now),
            Event::Unreachable => {
                self.unlink(now);
                self.go_offline(now);
                // An unreachable store forbids nothing.
                (self.reading, self.writing) = Default::default();
            }
            Event::Tick | Event::NoStore => {}
            Event::Ask(ask) => self.ask(now, ask),
            Event::Invalidate(call, tags, lifetime) => self.invalidate(now, call, tags, lifetime),
            Event::InvalidateAll(call) => self.invalidate_all(now, call),
            Event::Answered(request, answer) => self.answered(now, request, answer),
            Event::Failed(request) => {
                if let Some(sent) = self.requests.take(request) {
                    self.failed(now, request, &sent);
                }
            }
            Event::Denied(request) => {
                if let Some(sent) = self.requests.take(request) {
                    self.denied(now, request, &sent);
                }
            }
            Event::Heard(message) => self.hear(now, message),
        }
        self.advance(now);
        std::mem::take(&mut self.out)
    }

    /// Gives the store up for good. Invalidations not known everywhere stay in effect here.
    pub(super) fn leave(&mut self) -> (LocalView, Vec<Action>) {
        let mut actions: Vec<_> =
            std::mem::take(&mut self.asks).into_keys().map(Action::Wake).collect();
        actions.extend(
            self.calls.take_all().into_iter().map(|call| Action::Resolve(call, Outcome::Here)),
        );
        (self.known.clone(), actions)
    }

    /// Does everything that is due.
    fn advance(&mut self, now: Timestamp) {
        self.catch_up(now);
        self.give_up_asks(now);
        self.settle(now);
        self.give_up_calls(now);
        if self.connected_since.is_some() {
            self.poll(now);
            self.replay(now);
            self.send_batches(now);
            self.read_acks(now);
            self.ack(now);
        }
    }

    /// When the next thing is due.
    pub(super) fn next_timer(&self) -> Option<Timestamp> {
        let ask = self.asks.values().min().map(|since| since.after_us(self.timing.ask_us));
        let of_requests = [
            self.poll_due(),
            self.replay_due(),
            self.batches_due(),
            self.read_acks_due(),
            self.ack_due(),
        ];
        let of_waits = [ask, self.settle_due(), self.calls_due()];
        of_requests.into_iter().chain(of_waits).flatten().min()
    }

    /// Forgets the requests under way: answers on a closed connection do not count.
    fn unlink(&mut self, now: Timestamp) {
        self.connected_since = None;
        let is_kept = self.omits(Omitted::TakeLateAnswers);
        for (request, sent) in self.requests.take_all(is_kept) {
            if !matches!(sent, Sent::Poll(_)) {
                self.failed(now, request, &sent);
            }
        }
    }

    fn answered(&mut self, now: Timestamp, request: Request, answer: Answer) {
        let Some(sent) = self.requests.take(request) else { return };
        match (sent, answer) {
            (Sent::Poll(poll), Answer::Polled(polled)) if polled.last <= MOST_POSITION => {
                self.polled(now, &poll, &polled);
            }
            (Sent::Load, Answer::Loaded { rows, floor }) => self.loaded(now, &rows, floor),
            (Sent::Batch(batch, sent), Answer::Invalidated(written)) => {
                self.written(now, batch, sent, &written);
            }
            (Sent::Repair, Answer::Invalidated(written)) => self.repaired(now, request, &written),
            (Sent::ReadAcks(sent), Answer::Acks { lowest, born_us }) => {
                self.acks_read(now, sent, lowest, born_us);
            }
            (Sent::Ack, Answer::Done) => self.acks.ended(now, self.timing),
            (Sent::Remove, Answer::Done) => {}
            (sent, Answer::Unknown) => {
                self.writing.end();
                self.poll_at = now;
                self.failed(now, request, &sent);
            }
            (sent, _) => self.failed(now, request, &sent),
        }
    }

    /// A request got no answer, or an invalid one. It may have taken effect.
    fn failed(&mut self, now: Timestamp, request: Request, sent: &Sent) {
        let again = now.after_us(self.timing.retry_us);
        match sent {
            Sent::Poll(poll) => {
                self.poll_at = again;
                self.chain.rest(again);
                // A poll that was sent before the lease ended, or that failed quickly, may have
                // been on a connection that closed while this process was suspended.
                let is_missed = now >= poll.sent.after_us(self.timing.ask_us);
                if is_missed && poll.sent >= self.lease_until {
                    self.go_offline(now);
                }
            }
            Sent::Load => self.stage = Stage::Following,
            Sent::Batch(batch, _) => self.unwritten(now, *batch),
            Sent::Repair => self.unrepaired(request),
            Sent::Ack => self.acks.ended(now, self.timing),
            Sent::ReadAcks(_) => self.read_acks_later(now),
            Sent::Remove => {}
        }
    }

    /// The store forbids a request. Without polls and loads, the instance acts as if it were away.
    fn denied(&mut self, now: Timestamp, request: Request, sent: &Sent) {
        match sent {
            Sent::Poll(_) | Sent::Load => {
                self.reading.note(now, self.timing);
                self.go_offline(now);
            }
            Sent::Batch(..) | Sent::Repair => self.writing.note(now, self.timing),
            // Other instances learn the position from polls; own calls wait until all leases end.
            Sent::Ack | Sent::ReadAcks(_) | Sent::Remove => {}
        }
        self.failed(now, request, sent);
        match sent {
            Sent::Poll(_) | Sent::Load => {
                self.poll_at = self.reading.again(now);
                self.chain.rest(self.poll_at);
            }
            Sent::Repair => self.poll_at = self.writing.again(now),
            _ => {}
        }
    }

    /// Whether the store forbids a command that the protocol needs.
    pub(super) fn is_denied(&self) -> bool {
        self.reading.is_on() || self.writing.is_on()
    }

    /// Whether it may not follow the table, and never has: then it agrees with no other instance.
    /// Once it has followed a table, it cannot take stored entries for current.
    pub(super) fn decides_alone(&self) -> bool {
        let has_followed = self.has_seen_table() && !self.omits(Omitted::DecideAloneAgain);
        self.reading.is_on() && !has_followed
    }

    /// The store is away: wakes the gets that wait for it.
    pub(super) fn go_offline(&mut self, now: Timestamp) {
        self.apart_since.get_or_insert(now);
        let asks = std::mem::take(&mut self.asks);
        self.out.extend(asks.into_keys().map(Action::Wake));
    }

    pub(super) fn is_offline(&self) -> bool {
        self.apart_since.is_some()
    }

    fn hear(&mut self, now: Timestamp, message: Message) {
        if message.epoch != self.known.epoch() {
            self.poll_at = self.poll_at.min(now);
            return;
        }
        let applied = self.known.applied();
        if message.position <= applied {
            return;
        }
        // Otherwise a client that may publish, and nothing else, could date all later generations
        // of this instance after any invalidation.
        if !self.is_plausible(now, &message) {
            self.poll_at = self.poll_at.min(now);
            return;
        }
        if self.omits(Omitted::AckUnapplied) {
            self.acks.wanted = Some(message.position);
        }
        let follows = message.previous == applied || self.omits(Omitted::ApplyOverGap);
        // While a lost history is repaired nothing may be added to it unnoticed.
        if !self.stage.is_following() {
            self.poll_at = self.poll_at.min(now);
            return;
        }
        if !follows {
            return self.keep_ahead(now, message);
        }
        self.take_in(now, &message);
        if self.omits(Omitted::LeaseFromMessage) {
            self.lease_until = self.lease_until.max(now.after_us(self.timing.lease_us));
        }
    }

    /// Whether the store can have assigned this position: at its present time, or one step after
    /// the previous one.
    fn is_plausible(&self, now: Timestamp, message: &Message) -> bool {
        let store_now = now.shifted_us(self.known.offset_us);
        // Only of what is applied is it known that the store has assigned it.
        let known = message.previous.min(self.known.applied());
        let most = known.0.max(store_now.0.saturating_add(CLOCK_SLACK_US));
        message.position.0 <= most.saturating_add(MOST_STEP)
    }

    /// When the poll was sent from which the lease counts.
    pub(super) fn complete_at(&self) -> Option<Timestamp> {
        self.lease_until.0.checked_sub(self.timing.lease_us).map(Timestamp)
    }

    pub(super) fn send(&mut self, sent: Sent, command: Command) -> Request {
        let request = self.requests.add(sent);
        self.out.push(Action::Send(request, command));
        request
    }

    /// Sent along, so that the store can tell whether its history is the same.
    pub(super) fn history(&self) -> Known {
        let open = if self.omits(Omitted::ForgetOpen) { Vec::new() } else { self.open.clone() };
        Known { epoch: self.known.epoch(), applied: self.known.applied(), open }
    }

    /// Whether a rule is left out, which happens in tests only.
    #[cfg(test)]
    pub(super) fn omits(&self, omitted: Omitted) -> bool {
        self.omitted == Some(omitted)
    }

    /// Whether a rule is left out, which happens in tests only.
    #[cfg(not(test))]
    #[expect(clippy::unused_self, reason = "asked of the state in tests")]
    pub(super) fn omits(&self, _: Omitted) -> bool {
        false
    }
}
