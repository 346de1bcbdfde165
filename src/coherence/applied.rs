//! Tells the other instances what is applied here: one acknowledgement under way, the latest position
//! only, and the less often the busier the store is.

use super::event::Command;
use super::fleet::{Fleet, Sent};
use super::timing::{Queue, Timing};
use crate::clock::Timestamp;
use crate::tags::Position;

/// From one acknowledgement to the next: so many times what the last one waited for others. All
/// instances hear of an invalidation at once, so together they keep the store busy for that long with
/// it.
const REST: u64 = 8;

/// What is to be acknowledged.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub(super) struct Acks {
    pub(super) wanted: Option<Position>,
    /// When the one under way was sent.
    sent: Option<Timestamp>,
    /// When the next may be.
    next: Timestamp,
    pub(super) queue: Queue,
}

impl Acks {
    /// The one under way has ended, well or not.
    pub(super) fn ended(&mut self, now: Timestamp, timing: Timing) {
        let Some(sent) = self.sent.take() else { return };
        let pause = self.queue.waited_us(now.since_us(sent)).saturating_mul(REST);
        self.next = sent.after_us(pause.clamp(timing.ack_rest_us, timing.most_ack_rest_us));
    }
}

impl Fleet {
    /// Acknowledges what is applied, if that is due.
    pub(super) fn ack(&mut self, now: Timestamp) {
        if self.ack_due().is_none_or(|due| now < due) {
            return;
        }
        if let Some(position) = self.acks.wanted.take() {
            self.acks.sent = Some(now);
            self.send(Sent::Ack, Command::Ack(position));
        }
    }

    pub(super) fn ack_due(&self) -> Option<Timestamp> {
        let is_possible = self.connected_since.is_some()
            && self.acks.wanted.is_some()
            && self.acks.sent.is_none();
        is_possible.then_some(self.acks.next)
    }
}
