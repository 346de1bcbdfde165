//! What is wrong with the shared tier now, and what was last: for `stats()` and `ready()`.

use std::fmt;

use parking_lot::Mutex;

use crate::clock::Timestamp;

/// What is wrong, in a word for programs and in words for the operator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wrong {
    /// Such as `refused`, `right-missing` or `OOM`.
    pub code: String,
    /// A text for the operator, without a secret.
    pub text: String,
    /// When it was last seen.
    pub at: Timestamp,
}

/// How it is wrong. The first one that is there counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Way {
    /// It cannot be used.
    Away,
    /// It refuses commands.
    Refusal,
    /// It lacks commands.
    Lacking,
    /// It is too old.
    Old,
}

const WAYS: usize = Way::Old as usize + 1;

/// What is wrong now, by how, and what was last.
#[derive(Debug, Default)]
pub(super) struct Troubles(Mutex<([Option<Wrong>; WAYS], Option<Wrong>)>);

impl Troubles {
    /// From now on it is wrong in this way.
    pub(super) fn begin(&self, way: Way, code: &str, text: impl fmt::Display, at: Timestamp) {
        let wrong = Wrong { code: code.into(), text: text.to_string(), at };
        let mut held = self.0.lock();
        held.1 = Some(wrong.clone());
        if let Some(now) = held.0.get_mut(way as usize) {
            *now = Some(wrong);
        }
    }

    /// It is not wrong any more in this way.
    pub(super) fn end(&self, way: Way) {
        if let Some(now) = self.0.lock().0.get_mut(way as usize) {
            *now = None;
        }
    }

    /// Whether it is wrong in this way.
    pub(super) fn is(&self, way: Way) -> bool {
        self.0.lock().0.get(way as usize).is_some_and(Option::is_some)
    }

    /// What is wrong now.
    pub(super) fn now(&self) -> Option<Wrong> {
        self.0.lock().0.iter().flatten().next().cloned()
    }

    /// What was wrong last.
    pub(super) fn last(&self) -> Option<Wrong> {
        self.0.lock().1.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_over_is_still_the_last() {
        let troubles = Troubles::default();
        let code = |wrong: Option<Wrong>| wrong.map(|wrong| wrong.code);
        assert_eq!((troubles.now(), troubles.last()), (None, None));
        troubles.begin(Way::Old, "old", "x", Timestamp(1));
        troubles.begin(Way::Away, "refused", "x", Timestamp(2));
        troubles.begin(Way::Refusal, "OOM", "x", Timestamp(3));
        assert_eq!(code(troubles.now()).as_deref(), Some("refused"));
        troubles.end(Way::Away);
        assert_eq!(code(troubles.now()).as_deref(), Some("OOM"));
        troubles.end(Way::Refusal);
        troubles.end(Way::Old);
        assert_eq!((code(troubles.now()), code(troubles.last()).as_deref()), (None, Some("OOM")));
    }
}
