//! The limits of this process, by number: a call names one, and nothing of it is read again.

use std::sync::Arc;

use parking_lot::RwLock;

use super::Limiter;

/// An app that makes one per request would never end.
const MOST: usize = 10_000;

/// The limits.
#[derive(Debug, Default)]
pub struct Limiters(RwLock<Vec<Arc<Limiter>>>);

impl Limiters {
    /// None.
    pub const fn new() -> Self {
        Self(RwLock::new(Vec::new()))
    }

    /// The number of a limit, the same for those that are alike; `None` if there are too many.
    pub fn add(&self, limiter: Limiter) -> Option<usize> {
        let mut all = self.0.write();
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
    pub fn find(&self, number: usize) -> Option<Arc<Limiter>> {
        self.0.read().get(number).cloned()
    }
}
