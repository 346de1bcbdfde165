//! Gets of pages with `dynamicParams = false`, where a miss is a 404.

use super::answer::Step;
use super::get::Lookup;
use crate::engine::Reason;
use crate::next::signal::Version;
use crate::tags::Verdict;

impl Lookup<'_> {
    /// Whether a miss is a 404: it is one before 16.4, if the page is of `dynamicParams = false`.
    pub(super) fn is_closed(&self) -> bool {
        let apps = self.handler.apps;
        let is_asked = self.request.kind.is_page() && apps.version() < Version::V16_4;
        is_asked && apps.is_closed(&self.request.key)
    }

    /// Any entry at all, where a miss is a 404: even one that memory holds but may not answer with.
    pub(super) fn instead_of_404(&self) -> Option<Step> {
        if !self.is_closed() {
            return None;
        }
        let held = self.handler.engine.held(&self.request.key).or_else(|| self.delivered());
        let held = held.filter(|entry| self.accepts(entry))?;
        Some(self.imperfect(held, Verdict::Gone, &Reason::Unsure))
    }
}
