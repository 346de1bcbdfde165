//! Gets of the app's own code, which may keep values for generations that fail.

use std::sync::Arc;

use super::get::Lookup;
use crate::engine::Found;
use crate::entry::Entry;
use crate::next::own::Head;
use crate::next::value::ValueKind;
use crate::tags::Verdict;

impl Lookup<'_> {
    /// Whether an entry that is kept is too old to answer a get.
    pub(super) fn is_over_age(&self, entry: &Entry) -> bool {
        let served_us = self.head(entry).and_then(|head| head.served_us);
        let age_us = || self.handler.engine.clock.now().since_us(entry.meta.created);
        served_us.is_some_and(|us| age_us() > us)
    }

    /// What is left of the key of a get that misses, for a generation that fails: an entry that no
    /// tag has ended.
    pub(super) fn remains(&self) -> Option<Arc<Entry>> {
        if self.request.kind != ValueKind::Own {
            return None;
        }
        let engine = self.handler.engine;
        let now = engine.clock.now_coarse();
        let held = match engine.get(&self.request.key, now, || self.tags()) {
            Found::Entry(entry, verdict, _) => Some((entry, verdict)),
            _ => self.handler.thread.delivered(self.request.key.hash).map(|entry| {
                let (verdict, _) = engine.judge_now(&entry, || self.tags());
                (entry, verdict)
            }),
        };
        let held = held.filter(|(entry, verdict)| *verdict != Verdict::Gone && self.accepts(entry));
        held.map(|(entry, _)| entry)
    }

    fn head(&self, entry: &Entry) -> Option<Head> {
        (self.request.kind == ValueKind::Own).then(|| Head::of(&entry.body)).flatten()
    }
}
