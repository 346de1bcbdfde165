//! Gets that memory alone cannot answer: what they wait for, and misses.

use std::sync::Arc;

use napi::sys;

use super::env::Slot;
use super::get::{Get, words};
use super::terms::{counted, flag};
use super::{prerendered, process, raw};
use crate::engine::Reason;
use crate::entry::{Entry, Source};
use crate::flight::{Joined, Landing, Wake};
use crate::next::signal::Version;
use crate::next::value::ValueKind;
use crate::stats::Answer;
use crate::tags::Verdict;

/// Longest wait for what is current, in ms: the protocol answers sooner.
const ASK_WAIT_MS: u32 = 300;
/// Longest wait for a file of the build output, in ms.
const OUTPUT_WAIT_MS: u32 = 2_200;

impl Get<'_> {
    /// It is not known what is current: the store is asked, once.
    #[cold]
    pub(super) fn ask(&self) -> sys::napi_value {
        if self.flags & (flag::ASKED | flag::READ | flag::AFTER) != 0 {
            let may_look = self.flags & flag::AFTER == 0 && self.is_closed();
            if may_look && self.engine.held(&self.key).is_none() {
                return self.read_output();
            }
            return self.miss(&words(&Reason::Unsure));
        }
        let token = self.state.token();
        self.engine.ask(&self.waker(), token);
        self.waiting(token, ASK_WAIT_MS, flag::ASKED)
    }

    /// Memory has nothing fresh: a generation may be under way here, and others may have it.
    #[cold]
    pub(super) fn look_further(&self) -> Option<sys::napi_value> {
        if self.engine.tier().is_none() || self.flags & (flag::READ | flag::LOCAL) != 0 {
            return None;
        }
        if self.delivered().is_some() {
            return None;
        }
        let token = self.state.token();
        let wait_ms = match self.kind {
            ValueKind::Fetch => self.engine.options.fetch_wait_ms,
            ValueKind::UseCache => self.engine.options.wait_ms,
            _ => 0,
        };
        let may_wait = wait_ms > 0 && self.flags & flag::AFTER == 0;
        if may_wait && self.engine.wait(&self.key, &self.waker(), token) {
            return Some(self.waiting(token, wait_ms, flag::AFTER));
        }
        let wait_ms = self.engine.read_wait_ms();
        let reads = self.engine.read(&self.key, &self.waker(), token);
        reads.then(|| self.waiting(token, wait_ms, flag::READ))
    }

    /// The entry that was read for this get.
    pub(super) fn delivered(&self) -> Option<Arc<Entry>> {
        let has_waited = self.flags & (flag::READ | flag::AFTER) != 0;
        has_waited.then(|| self.state.delivered(self.key.hash)).flatten()
    }

    /// Nothing in memory: somebody may be fetching it, or the build output has it.
    #[cold]
    pub(super) fn absent(&self) -> sys::napi_value {
        if let Some(entry) = self.delivered() {
            return self.judged(&entry);
        }
        if self.flags & flag::AFTER != 0 {
            return self.miss("absent");
        }
        match self.kind {
            ValueKind::Fetch => self.join("absent"),
            ValueKind::AppPage | ValueKind::AppRoute | ValueKind::Pages => self.read_output(),
            _ => self.miss("absent"),
        }
    }

    fn judged(&self, entry: &Arc<Entry>) -> sys::napi_value {
        if !self.kind.accepts(entry.meta.format) {
            return self.miss("another kind of value");
        }
        if entry.meta.source == Source::Output && !self.engine.may_read_output(&self.key) {
            return self.imperfect(entry, Verdict::Gone, &Reason::Superseded);
        }
        let (verdict, reason) = self.engine.judge_now(entry, || self.asked_tags());
        if verdict == Verdict::Fresh {
            return self.fresh(entry);
        }
        self.imperfect(entry, verdict, &reason)
    }

    /// Joins a fetch under way, or leads it.
    pub(super) fn join(&self, why: &str) -> sys::napi_value {
        let wait_ms = self.engine.options.fetch_wait_ms;
        if wait_ms == 0 || self.flags & flag::AFTER != 0 || process::building() {
            return self.miss(why);
        }
        let token = self.state.token();
        match self.engine.join(&self.key, &self.waker(), token) {
            Joined::Wait => self.waiting(token, wait_ms, flag::AFTER),
            Joined::Lead | Joined::Pass => self.miss(why),
        }
    }

    /// Reads prerendered output in the background; the others that want it wait with us.
    fn read_output(&self) -> sys::napi_value {
        let app = process::app();
        let may = self.engine.options.prerendered && !app.building;
        // Even as history the output of such a page is better than nothing.
        let is_wanted = || self.engine.may_read_output(&self.key) || self.is_closed();
        let Some(dir) = app.server_dir.filter(|_| may && is_wanted()) else {
            return self.miss("absent");
        };
        let token = self.state.token();
        match self.engine.join(&self.key, &self.waker(), token) {
            Joined::Wait => self.waiting(token, OUTPUT_WAIT_MS, flag::AFTER),
            Joined::Pass => self.miss("absent"),
            Joined::Lead => {
                let job = prerendered::Job {
                    dir,
                    kind: self.kind,
                    units: self.key.units.into(),
                    is_fallback: self.flags & flag::FALLBACK != 0,
                    is_ppr: self.flags & flag::PPR != 0,
                };
                self.engine.wait(&self.key, &self.waker(), token);
                if job.start(self.env, self.state) {
                    self.waiting(token, OUTPUT_WAIT_MS, flag::AFTER)
                } else {
                    self.engine.land(&self.key, Landing::Stored);
                    self.miss("absent")
                }
            }
        }
    }

    /// A `'use cache'` miss: a set of the key may be under way, and up to 16.2 a generation.
    #[cold]
    pub(super) fn absent_use(&self, why: &str) -> sys::napi_value {
        let wait_ms = self.engine.options.wait_ms;
        if wait_ms == 0 || self.flags & flag::AFTER != 0 {
            return self.miss(why);
        }
        let token = self.state.token();
        let waits = if process::version() < Version::V16_3 && !process::building() {
            self.engine.join(&self.key, &self.waker(), token) == Joined::Wait
        } else {
            self.engine.wait(&self.key, &self.waker(), token)
        };
        if waits { self.waiting(token, wait_ms, flag::AFTER) } else { self.miss(why) }
    }

    fn waker(&self) -> Arc<dyn Wake> {
        self.state.shared.clone()
    }

    /// The answer to who has to wait, and then asks again with the flag `next`.
    fn waiting(&self, token: u32, wait_ms: u32, next: u32) -> sys::napi_value {
        self.state.leave(Slot::Mark, f64::from(next));
        self.state.leave(Slot::Detail, f64::from(wait_ms));
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
