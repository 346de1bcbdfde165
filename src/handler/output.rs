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

/// October 2025: no supported Next.js has older output. Older dates come from reproducible images.
const OLDEST_OUTPUT: Timestamp = Timestamp(1_759_276_800_000_000);

/// A reading of build output.
#[derive(Debug)]
pub struct Job {
    pub(super) build: Arc<BuildOutput>,
    pub(super) app: AppId,
    pub(super) kind: ValueKind,
    pub(super) units: Box<[u16]>,
    pub(super) is_fallback: bool,
    pub(super) is_ppr: bool,
    /// Whether data fetched by an earlier build must not outlive that build.
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
    /// Takes the build output that was read, if there is any, and wakes its waiters.
    pub fn receive_output(self, job: &Job, output: Option<Output>) {
        let key = self.engine.hasher().key_of(job.app, job.kind.class(), &job.units);
        if let Some(output) = output {
            let entry = Arc::new(self.entry(&key, output, &job.build));
            // Such a page is a 404 without its output, however old that is.
            let is_anew = self.apps.version() < Version::V16_4 && self.apps.is_closed(&key);
            let is_listed = job.build.lists(&key) == Listed::Yes;
            if !self.engine.keep_prerendered(&key, &entry, is_listed, is_anew) {
                // Never in memory, so nothing would retire it later.
                entry.retire();
                self.thread.deliver(key.hash, entry);
            }
        }
        // Found or not, the reading is over: whether there is output, each get sees for itself.
        self.engine.land_output(&key);
    }

    /// Build output as an entry. It has no stamp, so two dates stand in: a file may show data that
    /// was read long before it was written, but not before the build began.
    fn entry(self, key: &KeyRef<'_>, output: Output, build: &BuildOutput) -> Entry {
        let engine = self.engine;
        let dated = written(&output);
        let read = if dated < OLDEST_OUTPUT { build.began } else { dated.min(build.began) };
        // Alone, Next.js sees the age of a page by itself and regenerates it once. In a fleet
        // another instance may have a younger entry: old output is worth a look at the store.
        let has_age = engine.tier().is_some() || output.kind == ValueKind::Fetch;
        let tags = output.tags.iter().map(Tag::from);
        let meta = Meta {
            stamp: engine.ledger.stamp_of_output(read),
            since: Revision(0),
            // However old the output is.
            held_from: engine.clock.now(),
            created: if has_age { dated } else { engine.clock.now() },
            told_ms: output.modified_ms,
            revalidate_us: output.revalidate_secs.map(|secs| secs.saturating_mul(1_000_000)),
            // Next.js judges its age, by the date of the file.
            expire_us: None,
            tags: tags.chain(self.apps.own_tags(output.kind, key)).collect(),
            format: output.kind as u8,
            source: Source::Output,
        };
        let shows_stale_in = shows_stale_from(&meta).filter(|_| !has_age);
        let entry = Entry::new(key, meta, output.body).spread_by(engine.options.spread);
        match shows_stale_in {
            // Its hits are looked at, to be counted as what Next.js makes of them.
            Some(at) => entry.watched_from(at.since_us(engine.clock.now())),
            None => entry,
        }
    }
}

/// From when on Next.js takes the page in build output for a stale one, by the date of its file.
pub(super) fn shows_stale_from(meta: &Meta) -> Option<Timestamp> {
    let told = Timestamp((meta.told_ms.max(0.0) * 1e3) as u64);
    Some(told.after_us(meta.revalidate_us?))
}

/// When output was written, by the date of its file.
fn written(output: &Output) -> Timestamp {
    Timestamp((output.modified_ms.max(0.0) * 1e3) as u64)
}
