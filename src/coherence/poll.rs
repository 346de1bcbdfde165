//! Polls: they register the instance, bring it the news, and grant its lease.

use super::event::{Action, Ask, Command, Polled, Row};
use super::fleet::{Fleet, Sent};
use super::omitted::Omitted;
use super::repair::Purpose;
use crate::clock::Timestamp;
use crate::tags::Position;

/// What a poll was sent with.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Poll {
    pub(super) sent: Timestamp,
    pub(super) applied: Position,
    pub(super) open: Vec<Position>,
}

impl Fleet {
    /// Polls if that is due. At most one poll is under way, so no answer is older than a switch to
    /// another life of the table.
    pub(super) fn poll(&mut self, now: Timestamp) {
        if self.poll_due().is_none_or(|due| now < due) {
            return;
        }
        self.poll_at = now.after_us(self.timing.poll_us);
        self.chain.polled_for();
        let known = self.history();
        let (applied, open) = (known.applied, known.open.clone());
        self.send(Sent::Poll(Poll { sent: now, applied, open }), Command::Poll(known));
    }

    pub(super) fn poll_due(&self) -> Option<Timestamp> {
        let is_possible = self.connected_since.is_some()
            && self.stage.is_following()
            && !self.requests.any(|sent| matches!(sent, Sent::Poll(_)));
        let gap = self.gap_due().unwrap_or(self.poll_at);
        is_possible.then_some(self.poll_at.min(gap))
    }

    /// A get needs a poll before memory may answer it.
    pub(super) fn ask(&mut self, now: Timestamp, ask: Ask) {
        if self.is_offline() || self.decides_alone() || now < self.lease_until {
            self.out.push(Action::Wake(ask));
            return;
        }
        self.asks.insert(ask, now);
        self.poll_at = self.poll_at.min(now);
    }

    /// Once a get has waited its whole time for a poll, the store counts as away.
    pub(super) fn give_up_asks(&mut self, now: Timestamp) {
        let deadlines = self.timing.ask_us;
        if self.asks.values().any(|since| now >= since.after_us(deadlines)) {
            self.go_offline(now);
        }
    }

    pub(super) fn polled(&mut self, now: Timestamp, poll: &Poll, polled: &Polled) {
        // Counted from the sending, the offset is rather too large than too small, and deadlines
        // come early rather than late.
        self.known.offset_us = (polled.now_us as i64).saturating_sub(poll.sent.0 as i64);
        self.chain.polled();
        let is_shorter = self.known.applied() == poll.applied && polled.last < poll.applied;
        if polled.epoch != self.known.epoch() {
            self.load(polled.epoch, polled.last, Purpose::Begin);
        } else if !polled.known || is_shorter {
            self.rewind(now, polled.last);
        } else if let Some(rows) = &polled.rows {
            self.learn(now, poll, polled, rows);
        } else {
            self.load(polled.epoch, polled.last, Purpose::Add { applied: poll.applied });
        }
    }

    /// Takes news in. If other news came while the poll was on its way, either it overtook the
    /// poll, or it is from a history that the table has lost since. If the answer does not show
    /// which, the next poll does.
    fn learn(&mut self, now: Timestamp, poll: &Poll, polled: &Polled, rows: &[Row]) {
        let is_overtaken =
            !self.is_continued(poll, polled, rows) && !self.omits(Omitted::TrustOvertakenPoll);
        if is_overtaken {
            let is_urgent = !self.asks.is_empty() || self.is_behind_own();
            let pause = if is_urgent { 0 } else { self.timing.retry_us };
            self.poll_at = self.poll_at.min(now.after_us(pause));
            if polled.last < self.known.applied() {
                return;
            }
        }
        self.known.merge_remote(now, rows, polled.floor);
        if !is_overtaken && polled.last > self.known.applied() {
            self.apply_up_to(now, polled.last);
            self.acks.wanted = Some(polled.last);
        }
        self.confirmed(now, poll);
    }

    /// Whether the answer is of the history that is known now: one of the two ends at a position
    /// that the other has.
    fn is_continued(&self, poll: &Poll, polled: &Polled, rows: &[Row]) -> bool {
        let applied = self.known.applied();
        let is_told = |row: &Row| row.hard == applied || row.soft == applied;
        applied == poll.applied || self.has_passed(polled.last) || rows.iter().any(is_told)
    }

    /// Everything up to the end of the table is known, as of the sending of `poll` or later.
    fn confirmed(&mut self, now: Timestamp, poll: &Poll) {
        self.open.retain(|position| !poll.open.contains(position));
        self.apart_since = None;
        self.reading.end();
        let counted_from = if self.omits(Omitted::LeaseFromArrival) { now } else { poll.sent };
        let until = counted_from.after_us(self.timing.lease_us);
        if !self.is_owing() {
            self.lease_until = self.lease_until.max(until);
        }
        let shares_all = now < until || self.omits(Omitted::ShareAnyPoll);
        let is_served = |since: Timestamp| shares_all || since <= poll.sent;
        let (served, left) =
            std::mem::take(&mut self.asks).into_iter().partition(|(_, since)| is_served(*since));
        self.asks = left;
        self.out.extend(served.into_keys().map(Action::Wake));
        // One that was recorded while this poll was under way, and that its answer led past.
        let is_passed = self.open.iter().any(|open| *open <= self.known.applied());
        if !self.asks.is_empty() || self.is_behind_own() || is_passed {
            self.poll_at = now;
        }
    }
}
