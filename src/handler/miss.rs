//! Gets that find nothing fresh: who generates, what they wait for, and misses.

use std::sync::Arc;

use super::answer::{Answer, Step, Wait};
use super::apps::Listed;
use super::decision::Why;
use super::get::Lookup;
use super::output::Job;
use super::progress::{MOST_CLAIMS, WaitFor};
use super::request::{Kept, Part, Scope, Waited};
use crate::engine::{Found, Reason};
use crate::entry::{Entry, Source};
use crate::generation::attempt::{Claimant, Fallback};
use crate::generation::flights::Joined;
use crate::generation::leases::{Ask, Permit, Role};
use crate::generation::limits::LONGEST_WAIT_MS;
use crate::next::signal::Version;
use crate::next::value::ValueKind;
use crate::stats::{self, bump};
use crate::tags::Verdict;
use crate::wake::{self, Ticket};

/// Longest wait to learn whether memory may answer, in ms: the protocol answers sooner.
const ASK_WAIT_MS: u32 = 300;
/// Longest wait for a file of the build output, in ms.
const OUTPUT_WAIT_MS: u32 = LONGEST_WAIT_MS;
/// The least that one get may wait in total, in ms: enough for the store.
const LEAST_BUDGET_MS: u32 = 500;

/// Who generates, or the wait that precedes the answer.
enum Inquiry {
    Known(Role),
    Wait(Wait),
}

/// An entry that is not fresh, and why.
type Judged = (Arc<Entry>, Verdict, Reason);

impl Lookup<'_> {
    /// Whether the time of the get is over: it goes on alone.
    fn is_over(&self) -> bool {
        self.waited == Waited::Over
    }

    /// Whether memory may answer is unknown: asks the store, once.
    #[cold]
    pub(super) fn unsure(&self) -> Step {
        let engine = self.handler.engine;
        let has_awaited_a_value = self.progress.has_awaited_a_value();
        if self.progress.asked || self.progress.read || has_awaited_a_value {
            let may_look = !has_awaited_a_value && self.is_closed();
            if may_look
                && engine.held(&self.request.key).is_none()
                && let Some(wait) = self.read_output()
            {
                return Step::Wait(wait);
            }
            return self.miss(|| Why::Judged(Reason::Unsure));
        }
        let token = self.token();
        engine.ask(self.ticket(token));
        Step::Wait(self.wait(token, ASK_WAIT_MS, WaitFor::Agreement))
    }

    /// Memory has nothing fresh.
    #[cold]
    pub(super) fn further(&self, found: Found) -> Step {
        self.count_timeouts();
        let found = match found {
            Found::Entry(entry, verdict, reason) => Some((entry, verdict, reason)),
            _ => self.delivered().map(|entry| self.judged(entry)),
        };
        let found = found.filter(|(entry, ..)| self.accepts(entry));
        let found = match found {
            Some((entry, Verdict::Fresh, _)) => {
                self.remember_fresh(&entry);
                return self.fresh(entry);
            }
            // Only a generation that fails may be answered with it.
            Some((entry, Verdict::Stale, reason)) if self.is_over_age(&entry) => {
                Some((entry, Verdict::Gone, reason))
            }
            found => found,
        };
        let is_stale = found.as_ref().is_some_and(|(_, verdict, _)| *verdict == Verdict::Stale);
        let fallback = if is_stale { Fallback::Stale } else { Fallback::None };
        match self.inquire(found.as_ref().map(|(entry, ..)| entry), fallback) {
            Inquiry::Known(role) => self.led_by(role, found),
            Inquiry::Wait(wait) => Step::Wait(wait),
        }
    }

    fn count_timeouts(&self) {
        let stats = &self.handler.engine.stats;
        if self.is_over() && (self.progress.joined || self.progress.followed) {
            bump(&stats.wait_timeouts);
            if self.progress.followed {
                bump(&stats.lease_timeouts);
            }
        }
    }

    /// Goes on once it is known who generates.
    fn led_by(&self, role: Role, found: Option<Judged>) -> Step {
        match found {
            Some((entry, Verdict::Stale, reason)) => {
                if let Some(permit) = self.lead(role) {
                    return self.regenerate(entry, &reason, permit);
                }
                if self.request.asker.part == Part::Prefetch {
                    self.handler.engine.leave_lead(&self.request.key);
                }
                self.meanwhile(entry, &reason)
            }
            Some((entry, verdict, reason)) => match self.follow(role, Some(&entry)) {
                Some(wait) => Step::Wait(wait),
                None => self.imperfect(entry, verdict, &reason),
            },
            None => self.absent(role),
        }
    }

    /// The entry that was read for this get.
    pub(super) fn delivered(&self) -> Option<Arc<Entry>> {
        let has_waited = self.progress.read || self.progress.has_awaited_a_value();
        has_waited.then(|| self.handler.thread.delivered(self.request.key.hash)).flatten()
    }

    fn judged(&self, entry: Arc<Entry>) -> Judged {
        let engine = self.handler.engine;
        let is_listed = || self.handler.apps.lists(&self.request.key) == Listed::Yes;
        let is_history = || !engine.may_read_output(&self.request.key, is_listed());
        if entry.meta.source == Source::Output && is_history() {
            return (entry, Verdict::Gone, Reason::Superseded);
        }
        let (verdict, reason) = engine.judge_now(&entry, || self.tags());
        (entry, verdict, reason)
    }

    /// Memory has something fresh that soon turns stale: now and then a get regenerates it early.
    #[cold]
    pub(super) fn ahead(&self, entry: Arc<Entry>) -> Step {
        let is_left_to_next = self.shows_stale(&entry);
        let is_early = self.progress.is_ahead || !is_left_to_next && entry.is_renewed();
        if !self.takes_part(false) || !is_early {
            self.remember_fresh(&entry);
            return self.fresh(entry);
        }
        match self.inquire(Some(&entry), Fallback::Fresh) {
            Inquiry::Known(role) => {
                if let Some(permit) = self.lead(role) {
                    return self.regenerate(entry, &Reason::Ahead, permit);
                }
                self.remember_fresh(&entry);
                self.fresh(entry)
            }
            Inquiry::Wait(wait) => Step::Wait(wait),
        }
    }

    /// Finds out who generates, for a get with this `fallback`.
    fn inquire(&self, held: Option<&Arc<Entry>>, fallback: Fallback) -> Inquiry {
        let (engine, key) = (self.handler.engine, &self.request.key);
        let is_local = self.request.asker.scope == Scope::Process;
        let is_cold = fallback == Fallback::None;
        if self.is_over() || is_local || engine.tier().is_none() {
            return Inquiry::Known(Role::Uncoordinated);
        }
        if is_cold && let Some(wait) = self.join_open() {
            return Inquiry::Wait(wait);
        }
        if !self.takes_part(is_cold) || !engine.may_claim(key) {
            return self.read_or(Role::Uncoordinated);
        }
        let has_claimed_enough = self.progress.claims >= MOST_CLAIMS;
        if self.progress.read && !self.progress.followed || has_claimed_enough {
            let role = engine.role(key);
            // The role may be forgotten by the time a busy thread resumes.
            let is_forgotten = role == Role::Unknown && self.waited == Waited::InTime;
            if !is_forgotten || has_claimed_enough {
                return Inquiry::Known(role);
            }
        }
        self.claim(held, fallback)
    }

    fn claim(&self, held: Option<&Arc<Entry>>, fallback: Fallback) -> Inquiry {
        let (engine, key) = (self.handler.engine, &self.request.key);
        let token = self.token();
        let claimant = Claimant { held, fallback, wait_ms: self.wait_ms() };
        match engine.claim(key, claimant, || self.tags(), self.ticket(token)) {
            // This leader may have failed, and another process may have stored the value.
            Ask::Known(Role::Leader) if fallback == Fallback::None || engine.take_check(key) => {
                self.read_or(Role::Leader)
            }
            Ask::Known(role) => Inquiry::Known(role),
            Ask::NoRoom => self.read_or(Role::Uncoordinated),
            Ask::Send | Ask::Pending => {
                // Nothing found, or something stale, takes one more command to claim.
                let wait_ms = engine.read_wait_ms() * 2;
                let on = WaitFor::Lease { is_ahead: fallback == Fallback::Fresh };
                Inquiry::Wait(self.wait(token, wait_ms, on))
            }
        }
    }

    /// Whether it matters to this get who generates.
    fn takes_part(&self, is_cold: bool) -> bool {
        let asker = self.request.asker;
        // Such misses are often not followed by a set.
        let is_unset = is_cold && (asker.is_ppr || asker.is_fallback);
        let never_leads = asker.part == Part::Prefetch || asker.kept != Kept::No;
        asker.part != Part::Aside && !is_unset && (is_cold || !never_leads)
    }

    /// The permit to regenerate the stale entry of this get, if that is up to this get.
    fn lead(&self, role: Role) -> Option<Permit> {
        if self.generates_in_any_case() {
            return Some(Permit::aside());
        }
        let may_lead = self.request.asker.part != Part::Prefetch && role != Role::Follower;
        may_lead.then(|| self.handler.engine.take_lead(&self.request.key)).flatten()
    }

    /// Waits for a generation that is under way in this process.
    fn join_open(&self) -> Option<Wait> {
        let wait_ms = match self.request.kind {
            ValueKind::Fetch | ValueKind::UseCache | ValueKind::Own => self.wait_ms(),
            _ => 0,
        };
        if wait_ms == 0 || self.progress.read || self.progress.joined {
            return None;
        }
        let token = self.token();
        let left_ms =
            self.handler.engine.follow_here(&self.request.key, wait_ms, self.ticket(token))?;
        Some(self.wait(token, left_ms, WaitFor::Flight))
    }

    /// Reads what other processes have stored, once; then goes on with `role`.
    fn read_or(&self, role: Role) -> Inquiry {
        if self.progress.read {
            return Inquiry::Known(role);
        }
        let engine = self.handler.engine;
        let token = self.token();
        let wait_ms = engine.read_wait_ms();
        if engine.read(&self.request.key, self.ticket(token)) != wake::Wait::Pending {
            return Inquiry::Known(role);
        }
        Inquiry::Wait(self.wait(token, wait_ms, WaitFor::Store))
    }

    /// Waits for the generation of another process.
    fn follow(&self, role: Role, dead: Option<&Arc<Entry>>) -> Option<Wait> {
        let wait_ms = self.wait_ms();
        if role != Role::Follower || wait_ms == 0 || !self.takes_part(true) {
            return None;
        }
        let (engine, key) = (self.handler.engine, &self.request.key);
        let token = self.token();
        let ticket = self.ticket(token);
        let wait = engine.follow_elsewhere(key, dead, || self.tags(), wait_ms, ticket);
        let waits = wait == wake::Wait::Pending;
        if waits && !self.progress.followed {
            bump(&engine.stats.followed);
        }
        waits.then(|| self.wait(token, wait_ms, WaitFor::Leader))
    }

    fn wait_ms(&self) -> u32 {
        let options = &self.handler.engine.options;
        let of_kind = match self.request.kind {
            ValueKind::Fetch => options.fetch_wait_ms,
            _ => options.wait_ms,
        };
        self.request.asker.wait_ms.unwrap_or(of_kind)
    }

    /// Nothing to serve so far: the build output may have it, or another process may be generating
    /// it.
    fn absent(&self, role: Role) -> Step {
        if !self.progress.output
            && let Some(wait) = self.read_output()
        {
            return Step::Wait(wait);
        }
        match self.follow(role, None) {
            Some(wait) => Step::Wait(wait),
            None => self.join(|| Why::Absent(self.handler.engine.absence(&self.request.key))),
        }
    }

    /// Generates here, or joins a generation under way where Next.js does not do that by itself.
    pub(super) fn join(&self, why: impl FnOnce() -> Why) -> Step {
        let (engine, key) = (self.handler.engine, &self.request.key);
        let wait_ms = self.wait_ms();
        let is_building = self.handler.apps.is_building();
        let waits = matches!(self.request.kind, ValueKind::UseCache | ValueKind::Own)
            || self.request.kind == ValueKind::Fetch && !is_building;
        // A get that was woken and finds nothing does not wait again; one that timed out may.
        let was_woken = self.progress.joined && self.waited == Waited::InTime;
        if !waits || wait_ms == 0 || was_woken || self.is_over() {
            return self.miss(why);
        }
        let token = self.token();
        let opens = matches!(self.request.kind, ValueKind::Fetch | ValueKind::Own)
            || self.handler.apps.version() < Version::V16_3 && !is_building;
        let left_ms = if opens {
            match engine.join(key, wait_ms, self.ticket(token)) {
                Joined::Follow(left_ms) => Some(left_ms),
                Joined::Lead | Joined::Bypass => None,
            }
        } else {
            engine.follow_here(key, wait_ms, self.ticket(token))
        };
        match left_ms {
            Some(left_ms) => Step::Wait(self.wait(token, left_ms, WaitFor::Flight)),
            None => self.miss(why),
        }
    }

    /// Reads prerendered output in the background; other gets that want it wait, too. `None` if
    /// there is none.
    fn read_output(&self) -> Option<Wait> {
        let (engine, key) = (self.handler.engine, &self.request.key);
        let build = self.handler.apps.output(key.app).filter(|_| engine.options.prerendered)?;
        let listed = build.lists(key);
        let may_read = || engine.may_read_output(key, listed == Listed::Yes);
        // Even as history the output of such a page is better than nothing.
        if listed == Listed::No || !may_read() && !self.is_closed() {
            return None;
        }
        let token = self.token();
        match engine.join_output(key, OUTPUT_WAIT_MS, self.ticket(token)) {
            Joined::Follow(left_ms) => Some(self.wait(token, left_ms, WaitFor::Output)),
            Joined::Bypass => None,
            Joined::Lead => {
                let shared = engine.options.shared.as_ref();
                let job = Job {
                    build,
                    app: key.app,
                    kind: self.request.kind,
                    units: key.units.into(),
                    is_fallback: self.request.asker.is_fallback,
                    is_ppr: self.request.asker.is_ppr,
                    is_isolated: shared.is_some_and(|shared| shared.isolate_fetch),
                };
                if self.caller.read_output(job) {
                    return Some(self.wait(token, OUTPUT_WAIT_MS, WaitFor::Output));
                }
                engine.land_output(key);
                None
            }
        }
    }

    fn ticket(&self, token: u32) -> Ticket {
        self.handler.thread.ticket(token)
    }

    fn token(&self) -> u32 {
        self.handler.thread.token()
    }

    fn wait(&self, token: u32, at_most_ms: u32, on: WaitFor) -> Wait {
        let progress = self.progress.after(self.waited, on);
        let of_options = self.handler.engine.options.wait_ms;
        let wait_ms = self.request.asker.wait_ms.unwrap_or(of_options).max(self.wait_ms());
        let budget_ms = wait_ms.max(LEAST_BUDGET_MS);
        Wait { token, on, at_most_ms, budget_ms, progress }
    }

    fn miss(&self, why: impl FnOnce() -> Why) -> Step {
        if let Some(step) = self.instead_of_404() {
            return step;
        }
        let engine = self.handler.engine;
        engine.stats.count(self.request.kind.counted(), stats::Answer::Miss);
        if self.has_waited() {
            self.time(stats::Answer::Miss);
        }
        self.decide_miss(why);
        let since = engine.revision();
        Step::Answer(match self.remains() {
            Some(entry) => Answer::Remains { entry, since },
            None => Answer::Miss { since },
        })
    }
}
