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
        let (Verdict::Fresh, until) = self.engine.judge_own(entry) else { return Checked::LookUp };
        if entry.is_ahead(|| self.engine.clock.now_coarse()) {
            return Checked::LookUp;
        }
        self.engine.stats.count(counted(entry), Answer::MemoryFresh);
        if is_due {
            self.engine.touch(entry);
        }
        until.map_or(Checked::Fresh, Checked::Asked)
    }

    /// After [`Checked::Asked`]: checks it again, for a caller with these tags.
    pub fn check_asked(self, handle: Handle, tags: impl FnOnce() -> Vec<Tag>) -> Checked {
        let Some(entry) = self.thread.ready.borrow_mut().entry(handle) else {
            return Checked::LookUp;
        };
        if self.engine.judge_now(&entry, tags).0 == Verdict::Fresh {
            return Checked::Fresh;
        }
        self.engine.stats.uncount(counted(&entry), Answer::MemoryFresh);
        Checked::LookUp
    }
}

#[inline]
fn counted(entry: &Entry) -> Kind {
    let kind = ValueKind::from_number(u32::from(entry.meta.format));
    kind.map_or(Kind::Pages, ValueKind::counted)
}
