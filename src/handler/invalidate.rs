//! What an invalidation of Next.js means, and other calls that wait for the shared tier.

use std::sync::Arc;

use super::Handler;
use super::decision::{CallName, Decided, Decision, Outcome, Reach, TierName, Why};
use super::recall::joined;
use crate::clock::Timestamp;
use crate::coherence::event::{self, Lifetime};
use crate::tags::Tag;
use crate::wake::Wait;

/// Longest wait for an invalidation, in ms: the protocol answers sooner.
const INVALIDATION_WAIT_MS: u32 = 2_400;
/// Longest wait of a build for one write, in ms.
const DRAIN_WAIT_MS: u32 = 2_000;

/// The most invalidations under way that are remembered once they end.
const MOST_UNDER_WAY: usize = 1_024;

/// An invalidation that is not in effect everywhere yet.
#[derive(Debug)]
pub(super) struct Invalidating {
    tags: Box<[u16]>,
    outcome: Outcome,
    began: Timestamp,
}

/// A call that waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pending {
    /// Settled when the wait is over.
    pub token: u32,
    /// After this time the call goes on, in ms.
    pub at_most_ms: u32,
}

impl Handler<'_> {
    /// Invalidates `tags`: hard without `expire_secs`, else stale now and dead after that. In effect
    /// here when this returns, and everywhere when the returned wait is settled.
    pub fn invalidate(self, tags: &[Tag], expire_secs: Option<f64>) -> Option<Pending> {
        let lifetime = Lifetime::from_expire(expire_secs);
        let token = self.thread.token();
        let begun = self.thread.journal().map(|journal| Invalidating {
            tags: joined(tags),
            outcome: if lifetime == Lifetime::None { Outcome::Hard } else { Outcome::Soft },
            began: journal.begin(self.engine.clock.now()),
        });
        let wait = self.engine.invalidate(tags, lifetime, self.thread.ticket(token));
        if let Some(begun) = begun {
            let mut under_way = self.thread.invalidating.borrow_mut();
            if wait == Wait::Needless {
                self.remember_invalidation(begun, Reach::Everywhere);
            } else if under_way.len() < MOST_UNDER_WAY {
                under_way.insert(token, begun);
            }
        }
        (wait == Wait::Pending).then_some(Pending { token, at_most_ms: INVALIDATION_WAIT_MS })
    }

    /// The wait of `token` for an invalidation has ended.
    pub(super) fn invalidated(self, token: u32, outcome: event::Outcome) {
        let begun = self.thread.invalidating.borrow_mut().remove(&token);
        if let Some(begun) = begun {
            let is_everywhere = outcome == event::Outcome::Everywhere;
            let reach = if is_everywhere { Reach::Everywhere } else { Reach::Here };
            self.remember_invalidation(begun, reach);
        }
    }

    fn remember_invalidation(self, begun: Invalidating, reach: Reach) {
        let Invalidating { tags, outcome, began } = begun;
        let mut decision = Decision::new(TierName::None, outcome, Why::InEffect(reach));
        decision.took_us = Some(self.engine.clock.now().since_us(began));
        let decided = Decided { call: CallName::Invalidate, kind: None, key: tags, decision };
        if let Some(journal) = self.thread.journal() {
            journal.note_begun(began, Arc::new(decided));
        }
    }

    /// When the last of these tags died, in ms on Next's clock; 0 if none did.
    pub fn died_at_ms(self, tags: &[Tag]) -> f64 {
        let died = self.engine.ledger.died_at(tags, self.engine.clock.now());
        died.map_or(0.0, |at| self.thread.clock().at_ms(at))
    }

    /// Waits until everything shared so far is stored or dropped; `None` if it is.
    pub fn drain(self) -> Option<Pending> {
        let token = self.thread.token();
        let wait = self.engine.drain(self.thread.ticket(token));
        (wait == Wait::Pending).then_some(Pending { token, at_most_ms: DRAIN_WAIT_MS })
    }
}
