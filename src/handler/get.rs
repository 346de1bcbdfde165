//! What a get of Next.js means.

use std::sync::Arc;

use super::Handler;
use super::answer::{Answer, Basis, Step};
use super::decision::{Decision, Outcome, TierName, Why};
use super::progress::Progress;
use super::request::{Caller, Kept, Part, Request, Waited};
use crate::engine::{Found, Reason};
use crate::entry::{Entry, Source};
use crate::generation::End;
use crate::generation::leases::Permit;
use crate::next::signal::{Question, Revalidate, Signal, Version, signal};
use crate::next::trace::Trace;
use crate::next::value::ValueKind;
use crate::stats::{self, bump};
use crate::tags::{MAX_LIFE_US, Tag, Verdict};

/// A get, from its beginning or after a wait.
pub struct Lookup<'a> {
    /// What it works with.
    pub handler: Handler<'a>,
    /// What is asked for.
    pub request: Request<'a>,
    /// What it has waited for.
    pub progress: Progress,
    /// How the last wait ended.
    pub waited: Waited,
    /// Who asks.
    pub caller: &'a dyn Caller,
}

impl std::fmt::Debug for Lookup<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Lookup").field("request", &self.request).finish_non_exhaustive()
    }
}

impl Lookup<'_> {
    /// Looks once. Nothing but what is fresh in memory costs more than a look there.
    #[inline]
    pub fn step(&self) -> Step {
        let engine = self.handler.engine;
        match engine.get(&self.request.key, || self.tags()) {
            Found::Entry(entry, Verdict::Fresh, _) if self.accepts(&entry) => {
                if entry.is_ahead(|| engine.clock.now_coarse()) {
                    return self.ahead(entry);
                }
                self.fresh(entry)
            }
            Found::Unsure => self.unsure(),
            found => self.further(found),
        }
    }

    pub(super) fn tags(&self) -> Vec<Tag> {
        self.caller.tags()
    }

    #[inline]
    pub(super) fn accepts(&self, entry: &Entry) -> bool {
        self.request.kind.accepts(entry.meta.format)
    }

    #[inline]
    pub(super) fn fresh(&self, entry: Arc<Entry>) -> Step {
        self.count(&entry, Verdict::Fresh);
        let has_found = self.progress.output || self.progress.read;
        if has_found && !self.progress.is_ahead {
            // What was found need not be generated.
            self.handler.engine.end_lead(&self.request.key, End::Done);
        }
        if self.is_watched() {
            let age_us = self.handler.engine.clock.now().since_us(entry.meta.created);
            self.decide(Outcome::Fresh, &entry, Why::Aged(age_us / 1_000_000));
        }
        Step::Answer(Answer::Fresh(entry))
    }

    fn stale(&self, entry: Arc<Entry>, signal: Signal, reason: &Reason) -> Step {
        self.count(&entry, Verdict::Stale);
        self.decide(Outcome::Stale, &entry, Why::Judged(reason.clone()));
        let is_kept =
            self.request.asker.kept == Kept::Marked && self.handler.apps.version() < Version::V16_4;
        if is_kept && matches!(reason, Reason::Tag(_)) {
            // What is made of it is no fresher, also where Next.js takes no tags over.
            self.handler.engine.note_stale_read(&entry, &self.tags());
        }
        let basis = self.basis(&entry);
        Step::Answer(Answer::Stale { entry, signal, basis })
    }

    /// Stale, and another generates: whoever asks need not know, since nothing that is kept comes of
    /// it.
    pub(super) fn meanwhile(&self, entry: Arc<Entry>, reason: &Reason) -> Step {
        self.count(&entry, Verdict::Stale);
        bump(&self.handler.engine.stats.stale_meanwhile);
        self.decide(Outcome::Meanwhile, &entry, Why::Judged(reason.clone()));
        let basis = self.basis(&entry);
        Step::Answer(Answer::Meanwhile { entry, basis })
    }

    /// By what is dated what is made of a stale entry. Of a `'use cache'` entry something may be made
    /// that is kept, by whoever shares this answer.
    fn basis(&self, entry: &Entry) -> Basis {
        let engine = self.handler.engine;
        if self.request.kind != ValueKind::UseCache {
            return Basis::Since(engine.revision());
        }
        let is_waited_for = self.handler.apps.version() >= Version::V16_4;
        let now = engine.clock.now();
        let by_tag = engine.stale_as(entry, &self.tags()).map(Trace::Tag);
        // Before 16.4 Next.js takes what is stale by age for good enough to keep: what is made of it
        // would have to be generated twice each time.
        let by_age = (is_waited_for && entry.looks_stale(now)).then_some(Trace::Age);
        Basis::Trace(by_tag.or(by_age))
    }

    /// Something stale, to the get that leads: Next.js generates it.
    pub(super) fn regenerate(&self, entry: Arc<Entry>, reason: &Reason, permit: Permit) -> Step {
        permit.spend();
        self.imperfect(entry, Verdict::Stale, reason)
    }

    /// An entry that is not fresh, to a get that generates: what Next.js is told depends on its
    /// version.
    #[cold]
    pub(super) fn imperfect(&self, entry: Arc<Entry>, verdict: Verdict, reason: &Reason) -> Step {
        let signal = match (self.request.kind, verdict) {
            (ValueKind::UseCache, Verdict::Gone) => Signal::Miss,
            (ValueKind::UseCache, _) if self.sees(&entry, reason) => Signal::AsIs,
            // JavaScript finds the moment.
            (ValueKind::UseCache, _) => Signal::Modified(entry.meta.told_ms),
            _ => self.signal(&entry, verdict, reason),
        };
        match signal {
            Signal::Miss => self.join(Why::Judged(reason.clone())),
            signal => self.stale(entry, signal, reason),
        }
    }

    /// Whether Next.js sees by itself that an entry is stale or gone: by its age, if that is what it
    /// was told. Anything else it must be told.
    fn sees(&self, entry: &Entry, reason: &Reason) -> bool {
        // Of a fetch it counts the time of who asks, which may be longer. That is for them to say, but
        // not if they alone are to generate it for all.
        let is_led = self.request.kind == ValueKind::Fetch && !self.generates_in_any_case();
        *reason == Reason::Age && !is_led && entry.looks_stale(self.handler.engine.clock.now())
    }

    /// Whether whoever asks generates what is stale, whatever others do.
    pub(super) fn generates_in_any_case(&self) -> bool {
        let asker = self.request.asker;
        asker.part == Part::Aside || asker.kept != Kept::No
    }

    fn signal(&self, entry: &Entry, verdict: Verdict, reason: &Reason) -> Signal {
        let (meta, clock) = (&entry.meta, &self.handler.engine.clock);
        let question = Question {
            version: self.handler.apps.version(),
            kind: self.request.kind,
            verdict,
            is_told: !self.sees(entry, reason),
            modified_ms: meta.told_ms,
            now_ms: self.handler.thread.clock().now_ms(clock),
            revalidate: meta
                .revalidate_us
                .map_or(Revalidate::Never, |us| Revalidate::Secs(us as f64 / 1e6)),
            outlived: clock.now().since_us(meta.created) > MAX_LIFE_US,
        };
        signal(&question, || self.handler.apps.is_closed(&self.request.key))
    }

    /// Where this get has the entry from: what was read just now, memory has from then on.
    #[inline]
    fn source(&self, entry: &Entry) -> Source {
        match entry.meta.source {
            Source::Output if self.progress.output => Source::Output,
            Source::Shared if self.progress.read => Source::Shared,
            _ => Source::Generated,
        }
    }

    #[inline]
    fn count(&self, entry: &Entry, verdict: Verdict) {
        let answer = match (self.source(entry), verdict) {
            (Source::Generated, Verdict::Fresh) => stats::Answer::MemoryFresh,
            (Source::Generated, _) => stats::Answer::MemoryStale,
            (Source::Shared, Verdict::Fresh) => stats::Answer::SharedFresh,
            (Source::Shared, _) => stats::Answer::SharedStale,
            (Source::Output, Verdict::Fresh) => stats::Answer::PrerenderedFresh,
            (Source::Output, _) => stats::Answer::PrerenderedStale,
        };
        let stats = &self.handler.engine.stats;
        stats.count(self.request.kind.counted(), answer);
        let has_joined = self.progress.joined && entry.meta.source == Source::Generated;
        if has_joined {
            bump(&stats.joined);
        }
        if verdict == Verdict::Fresh && (has_joined || self.progress.followed) {
            bump(&stats.saved);
        }
    }

    /// Whether anybody wants to know why.
    #[inline]
    fn is_watched(&self) -> bool {
        self.handler.engine.options.debug
    }

    fn decide(&self, outcome: Outcome, entry: &Entry, why: Why) {
        if self.is_watched() {
            let tier = match self.source(entry) {
                Source::Generated => TierName::Memory,
                Source::Shared => TierName::Shared,
                Source::Output => TierName::Prerendered,
            };
            self.handler.thread.decide(Decision { tier, outcome, why });
        }
    }

    pub(super) fn decide_miss(&self, why: Why) {
        if self.is_watched() {
            let decision = Decision { tier: TierName::None, outcome: Outcome::Miss, why };
            self.handler.thread.decide(decision);
        }
    }
}
