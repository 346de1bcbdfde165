//! What the app's code has made, by number: a call names one, and nothing of it is read again.

use std::sync::Arc;

use parking_lot::RwLock;

/// An app that makes one per request would never end.
const MOST: usize = 10_000;

/// Things of one kind.
#[derive(Debug)]
pub struct Numbered<T>(RwLock<Vec<Arc<T>>>);

impl<T: PartialEq> Numbered<T> {
    /// None.
    pub const fn new() -> Self {
        Self(RwLock::new(Vec::new()))
    }

    /// The number of one, the same for those that are alike; `None` if there are too many.
    pub fn add(&self, one: T) -> Option<usize> {
        let mut all = self.0.write();
        if let Some(number) = all.iter().position(|other| **other == one) {
            return Some(number);
        }
        if all.len() >= MOST {
            return None;
        }
        all.push(Arc::new(one));
        Some(all.len() - 1)
    }

    /// The one with a number.
    pub fn find(&self, number: usize) -> Option<Arc<T>> {
        self.0.read().get(number).cloned()
    }
}

impl<T: PartialEq> Default for Numbered<T> {
    fn default() -> Self {
        Self::new()
    }
}
