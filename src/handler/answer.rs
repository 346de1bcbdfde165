//! What a get answers.

use std::sync::Arc;

use super::progress::{Progress, WaitFor};
use crate::coherence::revisions::Revision;
use crate::entry::Entry;
use crate::next::signal::Signal;
use crate::next::trace::Trace;

/// What follows from a get.
#[derive(Debug)]
pub enum Step {
    /// It is over.
    Answer(Answer),
    /// It waits, and then begins again from the top.
    Wait(Wait),
}

/// The answer to a get.
#[derive(Debug)]
pub enum Answer {
    /// Something fresh.
    Fresh(Arc<Entry>),
    /// Something stale, and whoever asks generates.
    Stale {
        /// What there is.
        entry: Arc<Entry>,
        /// What Next.js is told of it. Of a `'use cache'` entry only whether it is told.
        signal: Signal,
        /// What is made of it.
        basis: Basis,
    },
    /// Something stale that is to look fresh for a short time, because another generates.
    Meanwhile {
        /// What there is.
        entry: Arc<Entry>,
        /// What is made of it.
        basis: Basis,
    },
    /// Nothing.
    Miss {
        /// What is known now: what is generated from here on is dated by it.
        since: Revision,
    },
}

/// By what something is dated that is made from here on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Basis {
    /// By what is known now.
    Since(Revision),
    /// Of a `'use cache'` entry, since whatever keeps it inherits it: by what that counts as. `None` if
    /// it is as good as fresh.
    Trace(Option<Trace>),
}

/// A get that waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wait {
    /// Settled when it may go on.
    pub token: u32,
    /// What it waits for.
    pub on: WaitFor,
    /// After this time it goes on in any case, in ms.
    pub at_most_ms: u32,
    /// What the whole get may wait, in ms.
    pub budget_ms: u32,
    /// What it begins again with.
    pub progress: Progress,
}
