//! The shortest get: may the object that JavaScript has ready be returned?

use super::Handler;
use super::ready::Handle;
use crate::coherence::revisions::Revision;
use crate::entry::Entry;
use crate::next::value::ValueKind;
use crate::stats::{Answer, Kind};
use crate::tags::{Tag, Verdict};

/// Whether a ready object may be returned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Checked {
    /// It may be returned.
    Fresh,
    /// It may be returned, unless the caller's tags say otherwise, as invalidated up to this
    /// revision.
    Asked(Revision),
    /// The key has to be looked up.
    LookUp,
}

impl Handler<'_> {
    /// Checks the object named `handle`. Counts it as an answer if it may be returned.
    #[inline]
    pub fn check(self, handle: Handle) -> Checked {
        let mut ready = self.thread.ready.borrow_mut();
        let Some((entry, is_due)) = ready.used(handle) else { return Checked::LookUp };
        let now = self.engine.clock.now_coarse();
        let (Verdict::Fresh, until) = self.engine.judge_own(entry, now) else {
            return Checked::LookUp;
        };
        if entry.is_ahead(|| now) {
            return Checked::LookUp;
        }
        self.thread.hit(now, entry);
        self.engine.stats.count(counted(entry), Answer::MemoryFresh);
        if is_due {
            self.engine.touch(entry);
        }
        until.map_or(Checked::Fresh, Checked::Asked)
    }

    /// The kind of the object named `handle`.
    pub fn kind(self, handle: Handle) -> Option<Kind> {
        let entry = self.thread.ready.borrow_mut().entry(handle)?;
        Some(counted(&entry))
    }

    /// After [`Checked::Asked`]: checks it again, for a caller with these tags.
    pub fn check_asked(self, handle: Handle, tags: impl FnOnce() -> Vec<Tag>) -> Checked {
        let Some(entry) = self.thread.ready.borrow_mut().entry(handle) else {
            return Checked::LookUp;
        };
        if self.engine.judge_now(&entry, tags).0 == Verdict::Fresh {
            return Checked::Fresh;
        }
        // The check has counted and remembered it as a hit.
        self.engine.stats.uncount(counted(&entry), Answer::MemoryFresh);
        if let Some(journal) = self.thread.journal() {
            journal.take_back();
        }
        Checked::LookUp
    }
}

#[inline]
fn counted(entry: &Entry) -> Kind {
    let kind = ValueKind::from_number(u32::from(entry.meta.format));
    kind.map_or(Kind::Pages, ValueKind::counted)
}
