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
    /// The request.
    pub request: Request<'a>,
    /// What it has waited for.
    pub progress: Progress,
    /// How the last wait ended.
    pub waited: Waited,
    /// The caller in JavaScript.
    pub caller: &'a dyn Caller,
}

impl std::fmt::Debug for Lookup<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Lookup").field("request", &self.request).finish_non_exhaustive()
    }
}

impl Lookup<'_> {
    /// Looks once. A fresh entry in memory costs one lookup there and nothing else.
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
            // A value that was found need not be generated.
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
            // A value made of it is no fresher, even where Next.js takes over no tags.
            self.handler.engine.note_stale_read(&entry, &self.tags());
        }
        let basis = self.basis(&entry);
        Step::Answer(Answer::Stale { entry, signal, basis })
    }

    /// Stale, and another get generates: the caller need not know, since it keeps nothing that it
    /// makes of the entry.
    pub(super) fn meanwhile(&self, entry: Arc<Entry>, reason: &Reason) -> Step {
        self.count(&entry, Verdict::Stale);
        bump(&self.handler.engine.stats.stale_meanwhile);
        self.decide(Outcome::Meanwhile, &entry, Why::Judged(reason.clone()));
        let basis = self.basis(&entry);
        Step::Answer(Answer::Meanwhile { entry, basis })
    }

    /// What dates values made of a stale entry. Callers that share the answer may keep what they
    /// make of a `'use cache'` entry.
    fn basis(&self, entry: &Entry) -> Basis {
        let engine = self.handler.engine;
        if self.request.kind != ValueKind::UseCache {
            return Basis::Since(engine.revision());
        }
        let is_waited_for = self.handler.apps.version() >= Version::V16_4;
        let now = engine.clock.now();
        let by_tag = engine.stale_as(entry, &self.tags()).map(Trace::Tag);
        // Before 16.4 Next.js keeps values made of entries that are stale by age: with a trace,
        // each would be generated twice.
        let by_age = (is_waited_for && entry.looks_stale(now)).then_some(Trace::Age);
        Basis::Trace(by_tag.or(by_age))
    }

    /// Answers the get that leads with something stale, which Next.js regenerates.
    pub(super) fn regenerate(&self, entry: Arc<Entry>, reason: &Reason, permit: Permit) -> Step {
        permit.spend();
        self.imperfect(entry, Verdict::Stale, reason)
    }

    /// Answers a get that generates with an entry that is not fresh. The signal for that depends on
    /// the version of Next.js.
    #[cold]
    pub(super) fn imperfect(&self, entry: Arc<Entry>, verdict: Verdict, reason: &Reason) -> Step {
        let signal = match (self.request.kind, verdict) {
            (ValueKind::UseCache | ValueKind::Own, Verdict::Gone) => Signal::Miss,
            (ValueKind::Own, _) => Signal::AsIs,
            (ValueKind::UseCache, _) if self.sees(&entry, reason) => Signal::AsIs,
            // JavaScript picks the timestamp.
            (ValueKind::UseCache, _) => Signal::Modified(entry.meta.told_ms),
            _ => self.signal(&entry, verdict, reason),
        };
        match signal {
            Signal::Miss => self.join(Why::Judged(reason.clone())),
            signal => self.stale(entry, signal, reason),
        }
    }

    /// Whether Next.js sees by itself that an entry is stale or gone, which is by its age. Any
    /// other reason needs a signal.
    fn sees(&self, entry: &Entry, reason: &Reason) -> bool {
        // Next.js judges a fetch by the `revalidate` of the caller, which may be longer. That is
        // the caller's choice, but not while it leads for all others.
        let is_led = self.request.kind == ValueKind::Fetch && !self.generates_in_any_case();
        *reason == Reason::Age && !is_led && entry.looks_stale(self.handler.engine.clock.now())
    }

    /// Whether the caller regenerates a stale entry, whatever others do.
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

    /// Where this get has the entry from. Memory, unless this very get has read it.
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

    /// Whether decisions are reported.
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
