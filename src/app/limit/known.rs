//! Who is over a limit: answered from memory until that is over.

use parking_lot::Mutex;

use super::{Quick, Verdict};
use crate::app::shelf::{Shelf, Weight, WhenFull};

/// The longest that nobody is asked again, in ms: a reset by another process is seen by then.
pub const LONGEST_MS: u64 = 60_000;
/// Bound of what is remembered, in bytes: some 30 000 ids.
const MOST_BYTES: usize = 8 << 20;

/// Ids that are over a limit, by [`super::Limiter::quick`].
pub(in crate::app) struct Known(Mutex<Held>);

struct Held {
    refused: Shelf<u128, Refused>,
    /// Counts how often something was forgotten.
    resets: u64,
}

/// What was refused: so much and more is refused until then.
#[derive(Debug, Clone)]
struct Refused {
    /// By which of the limits of a name: another may admit it.
    of: u64,
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
        let refused = Shelf::new(MOST_BYTES, WhenFull::FirstDueGoes);
        Self(Mutex::new(Held { refused, resets: 0 }))
    }
}

impl Known {
    /// What the store would say to so much, if that is known: a refusal. Otherwise how often something
    /// was forgotten so far.
    pub(in crate::app) fn refusal(
        &self,
        Quick { id, of }: Quick,
        cost: u64,
        now_ms: u64,
    ) -> Result<Verdict, u64> {
        let mut held = self.0.lock();
        let is_so = |refused: &&Refused| refused.of == of && refused.cost <= cost.max(1);
        let found = held.refused.get(&id, now_ms).filter(is_so);
        match found {
            Some(refused) => Ok(aged(&refused.verdict, now_ms.saturating_sub(refused.since_ms))),
            None => Err(held.resets),
        }
    }

    /// Notes what the store said, unless something was forgotten since it was asked: then it may be of
    /// before that. It is known for `longest_ms` at most.
    pub(in crate::app) fn learn(
        &self,
        Quick { id, of }: Quick,
        cost: u64,
        verdict: &Verdict,
        resets: u64,
        now_ms: u64,
        longest_ms: u64,
    ) {
        let (cost, wait_ms) = (cost.max(1), verdict.retry_ms().min(longest_ms));
        if verdict.is_admitted || wait_ms == 0 {
            return;
        }
        let mut held = self.0.lock();
        // A refusal of less says more.
        let says_more = |refused: &Refused| refused.of == of && refused.cost < cost;
        let is_known = held.refused.get(&id, now_ms).is_some_and(says_more);
        if is_known || held.resets != resets {
            return;
        }
        let refused = Refused { of, cost, since_ms: now_ms, verdict: verdict.clone() };
        let _ = held.refused.change(&id, now_ms, |_| (Some((refused, now_ms + wait_ms)), ()));
    }

    /// Forgets an id: it is reset, or blocked for another time. Returns how often that happened.
    pub(in crate::app) fn forget(&self, Quick { id, .. }: Quick, now_ms: u64) -> u64 {
        let mut held = self.0.lock();
        held.resets += 1;
        let _ = held.refused.change(&id, now_ms, |_| (None, ()));
        held.resets
    }
}

/// What was told some time ago, as it is now.
pub(super) fn aged(verdict: &Verdict, by_ms: u64) -> Verdict {
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

    const ID: Quick = Quick { id: 7, of: 1 };

    fn refused(retry_ms: u64) -> Verdict {
        let windows = vec![Left { left: 0, reset_ms: retry_ms + 5, retry_ms }];
        Verdict { windows, ..Verdict::default() }
    }

    #[test]
    fn what_was_refused_is_refused_until_it_may_be_admitted() {
        let known = Known::default();
        known.learn(ID, 2, &refused(100), 0, 1_000, LONGEST_MS);
        assert_eq!(known.refusal(ID, 1, 1_000), Err(0), "less may be admitted");
        assert_eq!(known.refusal(ID, 2, 1_040), Ok(refused(60)));
        assert!(known.refusal(ID, 9, 1_099).is_ok());
        assert!(known.refusal(ID, 2, 1_100).is_err());
    }

    #[test]
    fn a_refusal_of_less_is_not_replaced_by_one_of_more() {
        let known = Known::default();
        known.learn(ID, 1, &refused(100), 0, 0, LONGEST_MS);
        known.learn(ID, 5, &refused(500), 0, 0, LONGEST_MS);
        assert!(known.refusal(ID, 1, 99).is_ok());
        assert!(known.refusal(ID, 5, 101).is_err());
    }

    #[test]
    fn a_long_refusal_is_asked_for_again_each_minute() {
        let known = Known::default();
        known.learn(ID, 1, &refused(86_400_000), 0, 0, LONGEST_MS);
        assert!(known.refusal(ID, 1, LONGEST_MS - 1).is_ok());
        assert!(known.refusal(ID, 1, LONGEST_MS).is_err());
    }

    #[test]
    fn what_was_asked_before_a_reset_is_not_learnt_after_it() {
        let known = Known::default();
        known.learn(ID, 1, &refused(100), 0, 0, LONGEST_MS);
        assert_eq!(known.forget(ID, 0), 1);
        assert_eq!(known.refusal(ID, 1, 0), Err(1));
        known.learn(ID, 1, &refused(100), 0, 0, LONGEST_MS);
        assert_eq!(known.refusal(ID, 1, 0), Err(1));
        known.learn(ID, 1, &refused(100), 1, 0, LONGEST_MS);
        assert!(known.refusal(ID, 1, 0).is_ok());
    }

    #[test]
    fn of_one_name_each_limit_knows_its_own_refusals_and_a_reset_forgets_all() {
        let (known, other) = (Known::default(), Quick { of: 2, ..ID });
        known.learn(ID, 1, &refused(100), 0, 0, LONGEST_MS);
        assert!(known.refusal(other, 1, 0).is_err());
        known.learn(other, 5, &refused(100), 0, 0, LONGEST_MS);
        assert!(known.refusal(other, 5, 0).is_ok());
        known.forget(ID, 0);
        assert!(known.refusal(other, 5, 0).is_err());
    }
}
