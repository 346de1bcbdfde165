//! Invalidations that came from other processes, as far as decisions are remembered.

use std::collections::VecDeque;
use std::sync::Arc;

use parking_lot::Mutex;

use super::Engine;
use crate::clock::Timestamp;
use crate::coherence::event::Message;
use crate::tags::Tag;

/// The most that is remembered, however many decisions are.
const MOST: usize = 1_024;

/// An invalidation that came from another process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heard {
    /// Its position, which numbers it.
    pub position: u64,
    /// The tags.
    pub tags: Vec<Tag>,
    /// Whether entries are stale only.
    pub is_soft: bool,
    /// The process that it came from, as that calls itself.
    pub from: Box<str>,
}

/// The last of them, the oldest first.
#[derive(Debug)]
pub(super) struct HeardLog {
    last: Mutex<VecDeque<(Timestamp, Arc<Heard>)>>,
    most: usize,
}

impl HeardLog {
    /// Remembers at most as many as decisions; debug output needs some in any case.
    pub(super) fn new(decisions: usize, is_debugging: bool) -> Self {
        let most = if is_debugging { MOST } else { decisions.min(MOST) };
        Self { last: Mutex::default(), most }
    }
}

impl Engine {
    /// Notes an invalidation by another process.
    pub(super) fn note_heard(&self, from: &str, message: &Message) {
        let most = if self.is_asked() { MOST } else { self.heard.most };
        if most == 0 || message.rows.is_empty() {
            return;
        }
        let heard = Heard {
            position: message.position.0,
            tags: message.rows.iter().map(|row| row.tag.clone()).collect(),
            is_soft: message.rows.iter().all(|row| row.soft > row.hard),
            from: from.into(),
        };
        let heard = Arc::new(heard);
        let mut last = self.heard.last.lock();
        let gone = if last.len() >= most { last.pop_front() } else { None };
        last.push_back((self.clock.now(), heard));
        drop(last);
        drop(gone);
    }

    /// The last `most` of the invalidations by other processes that are wanted, the newest first.
    pub fn heard(
        &self,
        most: usize,
        is_wanted: impl Fn(&Heard) -> bool,
    ) -> Vec<(Timestamp, Arc<Heard>)> {
        let last = self.heard.last.lock();
        last.iter().rev().filter(|(_, heard)| is_wanted(heard)).take(most).cloned().collect()
    }
}
