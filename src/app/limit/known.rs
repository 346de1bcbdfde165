//! Who is over a limit: answered from memory until that is over.

use parking_lot::Mutex;

use super::Verdict;
use crate::app::label::Label;
use crate::app::shelf::{Shelf, Weight, WhenFull};

/// The longest that nobody is asked again, in ms: a reset by another process is seen by then.
pub const LONGEST_MS: u64 = 60_000;
/// Bound of what is remembered, in bytes: some 30 000 ids.
const MOST_BYTES: usize = 8 << 20;

/// Ids that are over a limit.
pub(in crate::app) struct Known(Mutex<Shelf<Refused>>);

/// What was refused: so much and more is refused until then.
#[derive(Debug, Clone)]
struct Refused {
    cost: u64,
    /// When it was told, in ms.
    since_ms: u64,
    verdict: Verdict,
}

impl Weight for Refused {
    fn weight(&self) -> usize {
        size_of::<Self>() + self.verdict.windows.len() * 24
    }
}

impl Default for Known {
    fn default() -> Self {
        Self(Mutex::new(Shelf::new(MOST_BYTES, WhenFull::FirstDueGoes)))
    }
}

impl Known {
    /// What the store would say to so much, if that is known: a refusal.
    pub(in crate::app) fn refusal(&self, label: &Label, cost: u64, now_ms: u64) -> Option<Verdict> {
        let mut held = self.0.lock();
        let refused = held.get(label, now_ms).filter(|refused| refused.cost <= cost.max(1))?;
        Some(aged(&refused.verdict, now_ms.saturating_sub(refused.since_ms)))
    }

    /// Notes what the store said.
    pub(in crate::app) fn learn(&self, label: &Label, cost: u64, verdict: &Verdict, now_ms: u64) {
        let wait_ms = verdict.retry_ms().min(LONGEST_MS);
        let mut held = self.0.lock();
        let known = held.get(label, now_ms).map(|refused| refused.cost);
        // A refusal of less says more.
        if verdict.is_admitted || wait_ms == 0 || known.is_some_and(|known| known < cost.max(1)) {
            return;
        }
        let refused = Refused { cost: cost.max(1), since_ms: now_ms, verdict: verdict.clone() };
        let _ = held.change(label, now_ms, |_| (Some((refused, now_ms + wait_ms)), ()));
    }

    /// Forgets an id: it was reset.
    pub(in crate::app) fn forget(&self, label: &Label, now_ms: u64) {
        let _ = self.0.lock().change(label, now_ms, |_| (None, ()));
    }
}

/// What was told some time ago, as it is now.
fn aged(verdict: &Verdict, by_ms: u64) -> Verdict {
    let mut verdict = verdict.clone();
    verdict.blocked_ms = verdict.blocked_ms.saturating_sub(by_ms);
    for left in &mut verdict.windows {
        left.reset_ms = left.reset_ms.saturating_sub(by_ms);
        left.retry_ms = left.retry_ms.saturating_sub(by_ms);
    }
    verdict
}

#[cfg(test)]
mod tests {
    use super::super::Left;
    use super::*;
    use crate::app::label::{Feature, Group};

    fn refused(retry_ms: u64) -> Verdict {
        let windows = vec![Left { left: 0, reset_ms: retry_ms + 5, retry_ms }];
        Verdict { is_admitted: false, blocked_ms: 0, windows }
    }

    fn label() -> Label {
        Label::hidden(Feature::Limit, &Group::parse("g").unwrap(), b"id")
    }

    #[test]
    fn what_was_refused_is_refused_until_it_may_be_admitted() {
        let known = Known::default();
        known.learn(&label(), 2, &refused(100), 1_000);
        assert_eq!(known.refusal(&label(), 1, 1_000), None, "less may be admitted");
        assert_eq!(known.refusal(&label(), 2, 1_040), Some(refused(60)));
        assert!(known.refusal(&label(), 9, 1_099).is_some());
        assert_eq!(known.refusal(&label(), 2, 1_100), None);
    }

    #[test]
    fn a_refusal_of_less_is_not_replaced_by_one_of_more() {
        let known = Known::default();
        known.learn(&label(), 1, &refused(100), 0);
        known.learn(&label(), 5, &refused(500), 0);
        assert!(known.refusal(&label(), 1, 99).is_some());
        assert!(known.refusal(&label(), 5, 101).is_none());
    }

    #[test]
    fn a_long_refusal_is_asked_for_again_each_minute() {
        let known = Known::default();
        known.learn(&label(), 1, &refused(86_400_000), 0);
        assert!(known.refusal(&label(), 1, LONGEST_MS - 1).is_some());
        assert!(known.refusal(&label(), 1, LONGEST_MS).is_none());
        known.learn(&label(), 1, &refused(86_400_000), LONGEST_MS);
        known.forget(&label(), LONGEST_MS);
        assert!(known.refusal(&label(), 1, LONGEST_MS).is_none());
    }
}
