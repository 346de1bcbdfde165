//! The limits of this process, by number: a call names one, and nothing of it is read again.

use std::sync::Arc;

use parking_lot::RwLock;

use crate::app::limit::Limiter;

/// An app that makes one per request would never end.
const MOST: usize = 10_000;

static ALL: RwLock<Vec<Arc<Limiter>>> = RwLock::new(Vec::new());

/// The number of a limit, the same for those that are alike; `None` if there are too many.
pub(super) fn add(limiter: Limiter) -> Option<usize> {
    let mut all = ALL.write();
    if let Some(number) = all.iter().position(|other| **other == limiter) {
        return Some(number);
    }
    if all.len() >= MOST {
        return None;
    }
    all.push(Arc::new(limiter));
    Some(all.len() - 1)
}

/// The limit of a number.
pub(super) fn find(number: usize) -> Option<Arc<Limiter>> {
    ALL.read().get(number).cloned()
}
