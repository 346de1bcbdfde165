//! Keys that were generated since the build: their build output is history.

use std::collections::HashSet;

use crate::key::Hash128;

/// Most keys, 32 bytes each, for which the build was not known to have output. Past that, unlisted
/// output is not read any more. There is hardly any: most such keys come from crawlers.
pub(super) const MOST_UNLISTED: usize = 1 << 17;

/// Generated keys, whose build output must not be shown any more.
#[derive(Debug, Default)]
pub(super) struct Superseded {
    /// At most as many as the build has output for.
    listed: HashSet<Hash128>,
    unlisted: HashSet<Hash128>,
}

impl Superseded {
    /// Notes that a key was generated; `is_listed` says whether the build is known to have output for
    /// it.
    pub(super) fn add(&mut self, key: Hash128, is_listed: bool) {
        if is_listed {
            self.listed.insert(key);
        } else if self.unlisted.len() < MOST_UNLISTED {
            self.unlisted.insert(key);
        }
    }

    /// Whether the output of a key may be shown. The key may have been unlisted when it was
    /// generated.
    pub(super) fn may_read(&self, key: Hash128, is_listed: bool) -> bool {
        let is_known = is_listed || self.unlisted.len() < MOST_UNLISTED;
        is_known && !self.listed.contains(&key) && !self.unlisted.contains(&key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn however_much_is_generated_the_output_of_what_was_not_may_be_read() {
        let mut superseded = Superseded::default();
        superseded.add(1, true);
        superseded.add(2, false);
        for key in 0..MOST_UNLISTED as u128 + 10 {
            superseded.add(1_000 + key, false);
        }
        assert!(superseded.may_read(3, true));
        assert!(!superseded.may_read(1, true));
        assert!(!superseded.may_read(2, true), "it was not known then that there is output");
    }

    #[test]
    fn what_may_have_been_generated_is_not_read() {
        let mut superseded = Superseded::default();
        assert!(superseded.may_read(3, false));
        for key in 0..MOST_UNLISTED as u128 {
            superseded.add(1_000 + key, false);
        }
        superseded.add(3, false);
        assert!(!superseded.may_read(3, false));
    }
}
