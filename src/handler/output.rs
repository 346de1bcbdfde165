//! Prerendered build output as entries.

use std::sync::Arc;

use super::Handler;
use super::apps::{BuildOutput, Listed};
use crate::clock::Timestamp;
use crate::coherence::revisions::Revision;
use crate::entry::{Entry, Meta, Source};
use crate::key::{AppId, KeyRef};
use crate::next::prerendered::{self, Output};
use crate::next::signal::Version;
use crate::next::value::ValueKind;
use crate::tags::Tag;

/// No output of a Next.js that there are handlers for is older: October 2025. Reproducible images date
/// their files so.
const OLDEST_OUTPUT: Timestamp = Timestamp(1_759_276_800_000_000);

/// What is to be read, and for whom.
#[derive(Debug)]
pub struct Job {
    pub(super) build: Arc<BuildOutput>,
    pub(super) app: AppId,
    pub(super) kind: ValueKind,
    pub(super) units: Box<[u16]>,
    pub(super) is_fallback: bool,
    pub(super) is_ppr: bool,
    /// Whether what was fetched in an earlier build is not to outlive that.
    pub(super) is_isolated: bool,
}

impl Job {
    /// The output, if there is any. Blocking.
    pub fn read(&self) -> Option<Output> {
        let key = String::from_utf16(&self.units).ok()?;
        if self.kind == ValueKind::Fetch {
            self.build.list_fetches();
        }
        let (is_fallback, is_ppr) = (self.is_fallback, self.is_ppr);
        let read = prerendered::read(&self.build.dir, &key, self.kind, is_fallback, is_ppr);
        read.filter(|output| !self.is_foreign(output))
    }

    fn is_foreign(&self, output: &Output) -> bool {
        let is_earlier = written(output) < self.build.began;
        output.kind == ValueKind::Fetch && self.is_isolated && is_earlier
    }
}

impl Handler<'_> {
    /// Build output was read, or there is none: those who wait for it are woken.
    pub fn receive_output(self, job: &Job, output: Option<Output>) {
        let key = self.engine.hasher().key_of(job.app, job.kind.class(), &job.units);
        if let Some(output) = output {
            let entry = Arc::new(self.entry(&key, output, &job.build));
            // Such a page is a 404 without its output, whatever the age of that.
            let is_anew = self.apps.version() < Version::V16_4 && self.apps.is_closed(&key);
            let is_listed = job.build.lists(&key) == Listed::Yes;
            if !self.engine.keep_prerendered(&key, &entry, is_listed, is_anew) {
                // Never in memory, so nothing would retire it later.
                entry.retire();
                self.thread.deliver(key.hash, entry);
            }
        }
        // Found or not, the key is free again: what has no output is told so by a look, not by a wait.
        self.engine.land_output(&key);
    }

    /// Build output as an entry. What it lacks in a stamp two dates have to make up for: a file may
    /// show what was read long before it was written, but not before the build began.
    fn entry(self, key: &KeyRef<'_>, output: Output, build: &BuildOutput) -> Entry {
        let engine = self.engine;
        let dated = written(&output);
        let read = if dated < OLDEST_OUTPUT { build.began } else { dated.min(build.began) };
        // The age of a page is seen by Next.js, which then generates it once.
        let has_age = engine.tier().is_some() || output.kind == ValueKind::Fetch;
        let tags = output.tags.iter().map(Tag::from);
        let meta = Meta {
            stamp: engine.ledger.stamp_of_output(read),
            since: Revision(0),
            // With others around somebody may have a younger one: old output is worth a look.
            held_from: engine.clock.now(),
            created: if has_age { dated } else { engine.clock.now() },
            told_ms: output.modified_ms,
            revalidate_us: output.revalidate_secs.map(|secs| secs.saturating_mul(1_000_000)),
            // Its age is Next.js' to judge, from the date of the file.
            expire_us: None,
            tags: tags.chain(self.apps.key_tag(output.kind, key)).collect(),
            format: output.kind as u8,
            source: Source::Output,
        };
        Entry::new(key, meta, output.body).spread_by(engine.options.spread)
    }
}

/// When output was written, by the date of its file.
fn written(output: &Output) -> Timestamp {
    Timestamp((output.modified_ms.max(0.0) * 1e3) as u64)
}
