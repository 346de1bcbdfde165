//! What a get of Next.js means.

use std::sync::Arc;

use super::Handler;
use super::answer::{Answer, Basis, Step};
use super::decision::{CallName, Decision, Outcome, TierName, Why};
use super::output::shows_stale_from;
use super::progress::Progress;
use super::request::{Caller, Kept, Part, Request, Waited};
use crate::clock::Timestamp;
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
        let now = engine.clock.now_coarse();
        match engine.get(&self.request.key, now, || self.tags()) {
            Found::Entry(entry, Verdict::Fresh, _) if self.accepts(&entry) => {
                if entry.is_ahead(|| now) {
                    return self.ahead(entry);
                }
                self.remember_hit(&entry, now);
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
        let is_shown_stale = self.shows_stale(&entry);
        self.count(&entry, if is_shown_stale { Verdict::Stale } else { Verdict::Fresh });
        let has_found = self.progress.output || self.progress.read;
        if has_found && !self.progress.is_ahead {
            // A value that was found need not be generated.
            self.handler.engine.end_lead(&self.request.key, End::Done);
        }
        Step::Answer(Answer::Fresh(entry))
    }

    /// Remembers that a fresh entry was found in memory: a plain hit takes no more than its number.
    #[inline]
    fn remember_hit(&self, entry: &Entry, now: Timestamp) {
        let is_plain = entry.meta.source != Source::Output && !self.has_waited();
        if !is_plain || self.handler.engine.options.debug {
            return self.remember_fresh(entry);
        }
        self.handler.thread.hit(now, entry);
    }

    /// Remembers that a fresh entry was found.
    #[cold]
    pub(super) fn remember_fresh(&self, entry: &Entry) {
        if self.shows_stale(entry) {
            return self.decide(Outcome::Stale, entry, || Why::Judged(Reason::Age));
        }
        self.decide(Outcome::Fresh, entry, || {
            let age_us = self.handler.engine.clock.now().since_us(entry.meta.created);
            Why::Aged(age_us / 1_000_000)
        });
    }

    /// Whether Next.js takes what counts as fresh here for stale, and regenerates it: build output
    /// in a process that decides alone.
    #[inline]
    pub(super) fn shows_stale(&self, entry: &Entry) -> bool {
        entry.meta.source == Source::Output && self.is_shown_stale(entry)
    }

    #[cold]
    fn is_shown_stale(&self, entry: &Entry) -> bool {
        let engine = self.handler.engine;
        let is_left_to_next = engine.tier().is_none() && self.request.kind.is_page();
        let from = shows_stale_from(&entry.meta).filter(|_| is_left_to_next);
        from.is_some_and(|from| engine.clock.now() > from)
    }

    /// Whether it has waited: then it took longer than this step.
    #[inline]
    pub fn has_waited(&self) -> bool {
        self.progress != Progress::default()
    }

    fn stale(&self, entry: Arc<Entry>, signal: Signal, reason: &Reason) -> Step {
        self.count(&entry, Verdict::Stale);
        self.decide(Outcome::Stale, &entry, || self.handler.why(reason));
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
        self.decide(Outcome::Meanwhile, &entry, || self.handler.why(reason));
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
            Signal::Miss => self.join(|| self.handler.why(reason)),
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
        if self.has_waited() {
            self.time(answer);
        }
        let has_joined = self.progress.joined && entry.meta.source == Source::Generated;
        if has_joined {
            bump(&stats.joined);
        }
        if verdict == Verdict::Fresh && (has_joined || self.progress.followed) {
            bump(&stats.saved);
        }
    }

    /// Notes how long this get has waited.
    pub(super) fn time(&self, answer: stats::Answer) {
        let us = self.handler.thread.waited_us();
        let kind = self.request.kind.counted();
        self.handler.engine.stats.time_answer(kind, answer.into(), us, 1);
    }

    /// Remembers how the get ended, if anybody asks: only then is it found out why.
    fn decide(&self, outcome: Outcome, entry: &Entry, why: impl FnOnce() -> Why) {
        if self.handler.is_watched() {
            let tier = match self.source(entry) {
                Source::Generated => TierName::Memory,
                Source::Shared => TierName::Shared,
                Source::Output => TierName::Prerendered,
            };
            self.remember(Decision::new(tier, outcome, why()).about(entry));
        }
    }

    pub(super) fn decide_miss(&self, why: impl FnOnce() -> Why) {
        if self.handler.is_watched() {
            self.remember(Decision::new(TierName::None, Outcome::Miss, why()));
        }
    }

    fn remember(&self, mut decision: Decision) {
        let Self { handler, request, progress, .. } = self;
        decision.role = progress.has_asked_who().then(|| handler.engine.role(&request.key));
        decision.waits = progress.waits().collect();
        decision.took_us = self.has_waited().then(|| handler.thread.waited_us());
        handler.remember(CallName::Get, Some(request.kind), request.key.units, decision);
    }
}
