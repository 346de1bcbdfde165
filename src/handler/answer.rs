//! What a get answers.

use std::sync::Arc;

use super::progress::{Progress, WaitFor};
use crate::coherence::revisions::Revision;
use crate::entry::Entry;
use crate::next::signal::Signal;
use crate::next::trace::Trace;
use crate::stats::Place;

/// The outcome of one step of a get.
#[derive(Debug)]
pub enum Step {
    /// The get is over.
    Answer(Answer),
    /// It waits, and then begins again from the top.
    Wait(Wait),
}

impl Step {
    /// Where a get ended that has not waited; `None` if it has to.
    pub fn place(&self) -> Option<Place> {
        match self {
            Self::Answer(Answer::Miss { .. } | Answer::Remains { .. }) => Some(Place::Miss),
            Self::Answer(_) => Some(Place::Memory),
            Self::Wait(_) => None,
        }
    }
}

/// The answer to a get.
#[derive(Debug)]
pub enum Answer {
    /// Something fresh.
    Fresh(Arc<Entry>),
    /// Something stale, which the caller regenerates.
    Stale {
        /// The entry.
        entry: Arc<Entry>,
        /// The signal by which Next.js sees that it is stale. For a `'use cache'` entry, only
        /// whether it needs one.
        signal: Signal,
        /// What dates values made of it.
        basis: Basis,
    },
    /// Something stale that looks fresh for a short time, because another get generates.
    Meanwhile {
        /// The entry.
        entry: Arc<Entry>,
        /// What dates values made of it.
        basis: Basis,
    },
    /// Nothing.
    Miss {
        /// The current revision, which dates the generation that follows.
        since: Revision,
    },
    /// Nothing, unless the generation that follows fails: then this is better than nothing.
    Remains {
        /// The entry.
        entry: Arc<Entry>,
        /// As of [`Answer::Miss`].
        since: Revision,
    },
}

/// What dates a value that is made from here on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Basis {
    /// The current revision.
    Since(Revision),
    /// A trace of a `'use cache'` entry, which the values made of it inherit. `None` if it is as
    /// good as fresh.
    Trace(Option<Trace>),
}

/// A get that waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wait {
    /// Settled when the get may go on.
    pub token: u32,
    /// What it waits for.
    pub on: WaitFor,
    /// After this time it goes on in any case, in ms.
    pub at_most_ms: u32,
    /// How long the whole get may wait, in ms.
    pub budget_ms: u32,
    /// What it begins again with.
    pub progress: Progress,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entry::tests::meta;
    use crate::key::{Class, Hasher};

    #[test]
    fn a_get_that_finds_only_remains_is_a_miss() {
        let key = Hasher::default().key(Class::Own, &[1]);
        let entry = Arc::new(Entry::new(&key, meta(), [1].into()));
        let since = Revision(0);
        let remains = Answer::Remains { entry: entry.clone(), since };
        assert_eq!(Step::Answer(remains).place(), Some(Place::Miss));
        assert_eq!(Step::Answer(Answer::Miss { since }).place(), Some(Place::Miss));
        assert_eq!(Step::Answer(Answer::Fresh(entry)).place(), Some(Place::Memory));
    }
}
