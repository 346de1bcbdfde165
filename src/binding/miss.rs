//! Gets that find nothing fresh: who generates, what they wait for, and misses.

use std::sync::Arc;

use napi::sys;

use super::apps::{self, Listed};
use super::env::Slot;
use super::get::{Get, words};
use super::terms::{counted, flag};
use super::{prerendered, process, raw};
use crate::engine::{Found, Reason};
use crate::entry::{Entry, Source};
use crate::generation::attempt::{Claimant, Fallback};
use crate::generation::flights::Joined;
use crate::generation::leases::{Ask, Permit, Role};
use crate::generation::limits::LONGEST_WAIT_MS;
use crate::next::signal::Version;
use crate::next::value::ValueKind;
use crate::stats::{Answer, bump};
use crate::tags::Verdict;
use crate::wake::{Ticket, Wait};

/// Longest wait for what is current, in ms: the protocol answers sooner.
const ASK_WAIT_MS: u32 = 300;
/// Longest wait for a file of the build output, in ms.
const OUTPUT_WAIT_MS: u32 = LONGEST_WAIT_MS;
/// What one get may wait in all, at least, in ms: enough for the store.
const LEAST_BUDGET_MS: u32 = 500;
/// Stages of a get that wait for somebody to generate.
const GENERATIONS: u32 = flag::JOINED | flag::FOLLOWED | flag::OUTPUT;

impl Get<'_> {
    fn has(&self, flags: u32) -> bool {
        self.flags & flags != 0
    }

    /// Whether its time is over: it goes alone.
    fn is_over(&self) -> bool {
        self.has(flag::OVER)
    }

    /// It is not known what is current: the store is asked, once.
    #[cold]
    pub(super) fn ask(&self) -> sys::napi_value {
        if self.has(flag::ASKED | flag::READ | GENERATIONS) {
            let may_look = !self.has(GENERATIONS) && self.is_closed();
            if may_look
                && self.engine.held(&self.key).is_none()
                && let Some(token) = self.read_output()
            {
                return token;
            }
            return self.miss(&words(&Reason::Unsure));
        }
        let token = self.state.token();
        self.engine.ask(self.ticket(token));
        self.waiting(token, ASK_WAIT_MS, flag::ASKED)
    }

    /// Memory has nothing fresh.
    #[cold]
    pub(super) fn further(&self, found: Found) -> sys::napi_value {
        if self.is_over() && self.has(flag::JOINED | flag::FOLLOWED) {
            bump(&self.engine.stats.wait_timeouts);
            if self.has(flag::FOLLOWED) {
                bump(&self.engine.stats.lease_timeouts);
            }
        }
        let found = match found {
            Found::Entry(entry, verdict, reason) => Some((entry, verdict, reason)),
            _ => self.delivered().map(|entry| self.judged(entry)),
        };
        let found = found.filter(|(entry, ..)| self.kind.accepts(entry.meta.format));
        if let Some((entry, Verdict::Fresh, _)) = &found {
            return self.fresh(entry);
        }
        let is_stale = found.as_ref().is_some_and(|(_, verdict, _)| *verdict == Verdict::Stale);
        let fallback = if is_stale { Fallback::Stale } else { Fallback::None };
        let role = match self.inquire(found.as_ref().map(|(entry, ..)| entry), fallback) {
            Ok(role) => role,
            Err(token) => return token,
        };
        match &found {
            Some((entry, Verdict::Stale, reason)) => {
                if let Some(permit) = self.lead(role) {
                    return self.regenerate(entry, reason, permit);
                }
                if self.has(flag::PREFETCH) {
                    self.engine.leave_lead(&self.key);
                }
                self.meanwhile(entry, reason)
            }
            Some((entry, verdict, reason)) => match self.follow(role, Some(entry)) {
                Some(token) => token,
                None => self.imperfect(entry, *verdict, reason),
            },
            None => self.absent(role),
        }
    }

    /// The entry that was read for this get.
    fn delivered(&self) -> Option<Arc<Entry>> {
        let has_waited = self.has(flag::READ | GENERATIONS);
        has_waited.then(|| self.state.delivered(self.key.hash)).flatten()
    }

    fn judged(&self, entry: Arc<Entry>) -> (Arc<Entry>, Verdict, Reason) {
        let is_history = || !self.engine.may_read_output(&self.key, self.is_listed());
        if entry.meta.source == Source::Output && is_history() {
            return (entry, Verdict::Gone, Reason::Superseded);
        }
        let (verdict, reason) = self.engine.judge_now(&entry, || self.asked_tags());
        (entry, verdict, reason)
    }

    /// Whether the build is known to have output for it.
    fn is_listed(&self) -> bool {
        apps::lists(&self.key) == Listed::Yes
    }

    /// Memory has something fresh, whose end is near: once in a while it is generated anew before.
    #[cold]
    pub(super) fn ahead(&self, entry: &Arc<Entry>) -> sys::napi_value {
        if !self.takes_part(false) || !self.has(flag::AHEAD) && !entry.is_renewed() {
            return self.fresh(entry);
        }
        match self.inquire(Some(entry), Fallback::Fresh) {
            Ok(role) => match self.lead(role) {
                Some(permit) => self.regenerate(entry, &Reason::Ahead, permit),
                None => self.fresh(entry),
            },
            Err(token) => token,
        }
    }

    /// Finds out who generates, for a get with this `fallback`. An error is a token to wait with for
    /// that.
    fn inquire(
        &self,
        held: Option<&Arc<Entry>>,
        fallback: Fallback,
    ) -> Result<Role, sys::napi_value> {
        let is_cold = fallback == Fallback::None;
        if self.is_over() || self.has(flag::LOCAL) || self.engine.tier().is_none() {
            return Ok(Role::Uncoordinated);
        }
        if is_cold && let Some(token) = self.join_open() {
            return Err(token);
        }
        if !self.takes_part(is_cold) || !self.engine.may_claim(&self.key) {
            return self.read().map_or(Ok(Role::Uncoordinated), Err);
        }
        let claims = (self.flags / flag::CLAIM) % (flag::AHEAD / flag::CLAIM);
        if self.has(flag::READ) && !self.has(flag::FOLLOWED) || claims >= flag::MOST_CLAIMS {
            let role = self.engine.role(&self.key);
            // What was known may be forgotten before a busy thread comes to hear of it.
            let is_forgotten = role == Role::Unknown && !self.has(flag::LATE);
            if !is_forgotten || claims >= flag::MOST_CLAIMS {
                return Ok(role);
            }
        }
        let token = self.state.token();
        let claimant = Claimant { held, fallback, wait_ms: self.wait_ms() };
        match self.engine.claim(&self.key, claimant, || self.asked_tags(), self.ticket(token)) {
            // A leader may fail, and another process have stored it.
            Ask::Known(Role::Leader) if is_cold || self.engine.take_check(&self.key) => {
                self.read().map_or(Ok(Role::Leader), Err)
            }
            Ask::Known(role) => Ok(role),
            Ask::NoRoom => self.read().map_or(Ok(Role::Uncoordinated), Err),
            Ask::Send | Ask::Pending => {
                // A stale entry found in the store is claimed with one more turn.
                let wait_ms = self.engine.read_wait_ms() * 2;
                let ahead = if fallback == Fallback::Fresh { flag::AHEAD } else { 0 };
                let stage = flag::READ | (flag::CLAIM * (claims + 1)) | ahead;
                Err(self.waiting(token, wait_ms, stage))
            }
        }
    }

    /// Whether it matters to this get who generates.
    fn takes_part(&self, is_cold: bool) -> bool {
        // Such misses are often not followed by a set.
        let is_unset = is_cold && self.has(flag::PPR | flag::FALLBACK);
        let is_never_led = !is_cold && self.has(flag::PREFETCH | flag::KEPT);
        !self.has(flag::ASIDE) && !is_unset && !is_never_led
    }

    /// The permit to generate, if this get, which has something stale, is to.
    fn lead(&self, role: Role) -> Option<Permit> {
        if self.has(flag::ASIDE | flag::KEPT) {
            return Some(Permit::aside());
        }
        let may_lead = !self.has(flag::PREFETCH) && role != Role::Follower;
        may_lead.then(|| self.engine.take_lead(&self.key)).flatten()
    }

    /// Waits for a generation that is under way in this process.
    fn join_open(&self) -> Option<sys::napi_value> {
        let wait_ms = match self.kind {
            ValueKind::Fetch | ValueKind::UseCache => self.wait_ms(),
            _ => 0,
        };
        if wait_ms == 0 || self.has(flag::READ | flag::JOINED) {
            return None;
        }
        let token = self.state.token();
        let left_ms = self.engine.follow_here(&self.key, wait_ms, self.ticket(token))?;
        Some(self.waiting(token, left_ms, flag::JOINED))
    }

    /// Reads what others have stored, once.
    fn read(&self) -> Option<sys::napi_value> {
        if self.has(flag::READ) {
            return None;
        }
        let token = self.state.token();
        let wait_ms = self.engine.read_wait_ms();
        let wait = self.engine.read(&self.key, self.ticket(token));
        (wait == Wait::Pending).then(|| self.waiting(token, wait_ms, flag::READ))
    }

    /// Waits for what another process generates.
    fn follow(&self, role: Role, dead: Option<&Arc<Entry>>) -> Option<sys::napi_value> {
        let wait_ms = self.wait_ms();
        if role != Role::Follower || wait_ms == 0 || !self.takes_part(true) {
            return None;
        }
        let token = self.state.token();
        let asked = || self.asked_tags();
        let ticket = self.ticket(token);
        let wait = self.engine.follow_elsewhere(&self.key, dead, asked, wait_ms, ticket);
        let waits = wait == Wait::Pending;
        if waits && !self.has(flag::FOLLOWED) {
            bump(&self.engine.stats.followed);
        }
        waits.then(|| self.waiting(token, wait_ms, flag::FOLLOWED))
    }

    fn wait_ms(&self) -> u32 {
        let options = &self.engine.options;
        if self.kind == ValueKind::Fetch { options.fetch_wait_ms } else { options.wait_ms }
    }

    /// Nothing anywhere that could be served: the build output may have it, another process may be
    /// generating it.
    fn absent(&self, role: Role) -> sys::napi_value {
        if !self.has(flag::OUTPUT)
            && let Some(token) = self.read_output()
        {
            return token;
        }
        self.follow(role, None).unwrap_or_else(|| self.join("absent"))
    }

    /// To be generated here: joins who does so already, where Next.js does not by itself.
    pub(super) fn join(&self, why: &str) -> sys::napi_value {
        let wait_ms = self.wait_ms();
        let waits = self.kind == ValueKind::UseCache
            || self.kind == ValueKind::Fetch && !process::building();
        // Who was woken and finds nothing waits no second time, but who only waited for too long may.
        let was_woken = self.has(flag::JOINED) && !self.has(flag::LATE);
        if !waits || wait_ms == 0 || was_woken || self.is_over() {
            return self.miss(why);
        }
        let token = self.state.token();
        let opens = self.kind == ValueKind::Fetch
            || process::version() < Version::V16_3 && !process::building();
        let left_ms = if opens {
            match self.engine.join(&self.key, wait_ms, self.ticket(token)) {
                Joined::Follow(left_ms) => Some(left_ms),
                Joined::Lead | Joined::Bypass => None,
            }
        } else {
            self.engine.follow_here(&self.key, wait_ms, self.ticket(token))
        };
        match left_ms {
            Some(left_ms) => self.waiting(token, left_ms, flag::JOINED),
            None => self.miss(why),
        }
    }

    /// Reads prerendered output in the background; the others that want it wait with us. `None` if
    /// there is none to be had.
    fn read_output(&self) -> Option<sys::napi_value> {
        let build = apps::output(self.key.app).filter(|_| self.engine.options.prerendered)?;
        let listed = build.lists(&self.key);
        let may_read = || self.engine.may_read_output(&self.key, listed == Listed::Yes);
        // Even as history the output of such a page is better than nothing.
        if listed == Listed::No || !may_read() && !self.is_closed() {
            return None;
        }
        let token = self.state.token();
        match self.engine.join_output(&self.key, OUTPUT_WAIT_MS, self.ticket(token)) {
            Joined::Follow(left_ms) => Some(self.waiting(token, left_ms, flag::OUTPUT)),
            Joined::Bypass => None,
            Joined::Lead => {
                let job = prerendered::Job {
                    build,
                    app: self.key.app,
                    kind: self.kind,
                    units: self.key.units.into(),
                    is_fallback: self.has(flag::FALLBACK),
                    is_ppr: self.has(flag::PPR),
                };
                if job.start(self.env, self.state) {
                    return Some(self.waiting(token, OUTPUT_WAIT_MS, flag::OUTPUT));
                }
                self.engine.land_output(&self.key);
                None
            }
        }
    }

    fn ticket(&self, token: u32) -> Ticket {
        self.state.ticket(token)
    }

    /// The flags to ask with after a wait.
    fn flags_after(&self, stage: u32) -> u32 {
        let mut kept = self.flags & !(flag::LATE | flag::OVER);
        // The last of them counts; and one that only took too long may be had again.
        if stage & (flag::JOINED | flag::FOLLOWED) != 0 || self.has(flag::LATE) {
            kept &= !(flag::JOINED | flag::FOLLOWED);
        }
        if stage & flag::READ != 0 {
            // It says how many claims there were, and what was known before is looked at anew.
            kept = (kept % flag::CLAIM) & !flag::FOLLOWED;
        }
        kept | stage
    }

    /// The answer to who has to wait, and then asks again with the flags in the mailbox.
    fn waiting(&self, token: u32, wait_ms: u32, stage: u32) -> sys::napi_value {
        self.state.leave(Slot::Mark, f64::from(self.flags_after(stage)));
        self.state.leave(Slot::Detail, f64::from(wait_ms));
        let budget_ms = self.wait_ms().max(self.engine.options.wait_ms).max(LEAST_BUDGET_MS);
        self.state.leave(Slot::Handle, f64::from(budget_ms));
        raw::small(self.env, token)
    }

    /// Whether a miss is a 404: it is one before 16.4, if the page is of `dynamicParams = false`.
    fn is_closed(&self) -> bool {
        let is_page =
            matches!(self.kind, ValueKind::AppPage | ValueKind::AppRoute | ValueKind::Pages);
        is_page && process::version() < Version::V16_4 && prerendered::is_closed(&self.key)
    }

    /// Whatever there is, where a miss is a 404: memory may hold it without being allowed to answer.
    fn instead_of_404(&self) -> Option<sys::napi_value> {
        if !self.is_closed() {
            return None;
        }
        let held = self.engine.held(&self.key).or_else(|| self.delivered());
        let held = held.filter(|entry| self.kind.accepts(entry.meta.format))?;
        Some(self.imperfect(&held, Verdict::Gone, &Reason::Unsure))
    }

    pub(super) fn miss(&self, why: &str) -> sys::napi_value {
        if let Some(answer) = self.instead_of_404() {
            return answer;
        }
        self.engine.stats.count(counted(self.kind), Answer::Miss);
        self.state.leave(Slot::Revision, self.engine.revision().0 as f64);
        if self.engine.options.debug {
            *self.state.why.borrow_mut() = format!("none miss {why}");
        }
        raw::undefined(self.env)
    }
}
