//! The decisions of all threads of this process.

use std::sync::{Arc, Weak};

use parking_lot::Mutex;

use super::{engine, running, subjects};
use crate::account::Statement;
use crate::handler::recall::{self, Decisions};
use crate::handler::thread::Thread;

static JOURNALS: Mutex<Vec<Weak<Decisions>>> = Mutex::new(Vec::new());

/// Remembers the decisions of a thread from now on, if any are to be remembered.
pub fn remember(thread: &Thread) {
    if let Some(journal) = thread.open_journal(engine().options.decisions) {
        let mut journals = JOURNALS.lock();
        journals.retain(|journal| journal.strong_count() > 0);
        journals.push(Arc::downgrade(&journal));
    }
}

/// The journals of all threads.
pub(super) fn journals() -> Vec<Arc<Decisions>> {
    JOURNALS.lock().iter().filter_map(Weak::upgrade).collect()
}

/// The last decisions of this process, the newest first.
pub fn decisions(most: usize) -> Vec<Statement> {
    let mut decisions = recall::recall(engine(), &journals(), most);
    subjects::name(&mut decisions);
    decisions
}

/// Decisions, with what their keys stand for, as far as that is known. Does not block.
pub fn named(mut decisions: Vec<Statement>) -> Vec<Statement> {
    subjects::name_soon(&mut decisions);
    decisions
}

/// Invalidations by other processes after a position, the oldest first.
pub fn heard(after: f64) -> Vec<Statement> {
    running().map_or_else(Vec::new, |engine| recall::heard(engine, after))
}
