//! What was hit between two looks of one who listens. A decision about a plain hit holds no more than a
//! number: to find its entry by that takes a walk through all of memory, and finds none that has left.

use std::collections::HashMap;
use std::mem::take;

use crate::engine::Former;
use crate::entry::Entry;

/// What was hit since the last look, each once, without its body. It knows at least as many as there
/// are hits that a look may find, and at most twice as many.
#[derive(Debug, Default)]
pub(super) struct Hits {
    /// What was hit last.
    last: HashMap<u64, Former>,
    /// What was hit before, while there was room among the last.
    before: HashMap<u64, Former>,
}

impl Hits {
    /// Notes a hit of `entry`. A look finds the last `room` hits.
    pub(super) fn note(&mut self, entry: &Entry, room: usize) {
        if self.last.contains_key(&entry.id) {
            return;
        }
        if self.last.len() >= room {
            // All of the last have been hit since the last of these.
            self.before = take(&mut self.last);
        }
        let former = self.before.remove(&entry.id).unwrap_or_else(|| Former::from(entry));
        self.last.insert(entry.id, former);
    }

    /// All of them, by number.
    pub(super) fn into_named(self) -> HashMap<u64, Former> {
        let Self { last, before: mut named } = self;
        named.extend(last);
        named
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::entry::tests::meta;
    use crate::key::{Class, Hasher};

    fn entries(count: u16) -> Vec<Arc<Entry>> {
        let entry = |name| {
            let units = [name];
            Arc::new(Entry::new(&Hasher::default().key(Class::Fetch, &units), meta(), [].into()))
        };
        (0..count).map(entry).collect()
    }

    #[test]
    fn the_last_hits_have_names_however_many_there_were_before() {
        const ROOM: usize = 8;
        let entries = entries(50);
        let mut hits = Hits::default();
        let mut seen = Vec::new();
        // Some are hit again and again, at distances of their own.
        for step in 0..400 {
            let entry = &entries[step * step % 31 + step % 7];
            hits.note(entry, ROOM);
            seen.push(entry.id);
            let known = |id: &u64| hits.last.contains_key(id) || hits.before.contains_key(id);
            assert!(seen.iter().rev().take(ROOM).all(known), "step {step}");
            assert!(hits.last.len() + hits.before.len() <= 2 * ROOM);
        }
        let named = hits.into_named();
        assert!(named.iter().all(|(id, former)| *id == former.id));
    }
}
