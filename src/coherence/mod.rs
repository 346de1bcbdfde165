//! How instances agree on what is dead, without comparing clocks and without asking on every hit.
//!
//! Sans-IO: [`event`]s go in, with the moment; actions come out. `view` is what an instance holds
//! true, dated by its [`revisions`]; [`stale_reads`] dates generations back that read something stale.
//!
//! `fleet` is an instance with a shared store. It follows the store's table by polls (`poll`) and
//! messages, reads it anew after a loss (`repair`), writes invalidations (`calls`), waits until
//! every other instance knows them (`acks`), and keeps what it cannot write (`outbox`). What is
//! forbidden, it tries again (`denial`). [`timing`] says how long all that takes. In memory only,
//! positions are a counter of this process and nothing is ever asked.

mod acks;
mod build;
mod calls;
mod denial;
pub mod event;
mod fleet;
mod omitted;
mod outbox;
mod poll;
mod repair;
pub mod revisions;
pub mod stale_reads;
pub mod timing;
mod view;

use build::Build;
use event::{Action, Event, Outcome};
use fleet::Fleet;
use revisions::{Revision, Revisions};
use timing::Timing;
use view::LocalView;

use crate::clock::Timestamp;
use crate::tags::Table;

/// Positions grow by a random step up to this, unless time has passed, so that none is given twice by
/// a server that has lost the last ones.
pub const MOST_STEP: u64 = 4_096;

/// What one instance knows, and what it has under way.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Coherence(Mode);

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Mode {
    /// It decides alone.
    Alone(Box<LocalView>),
    /// It has a shared store, and others that use it too.
    Fleet(Box<Fleet>),
    /// It is a process of a build, and stores for those that come.
    Build(Box<Build>),
}

impl Coherence {
    /// An instance without a shared store: it decides alone. It remembers at most so many tags.
    pub fn alone(most_tags: usize) -> Self {
        Self(Mode::Alone(Box::new(LocalView::new(most_tags))))
    }

    /// An instance of a fleet. Until [`Event::Connected`] it waits for the store.
    pub fn fleet(most_tags: usize, timing: Timing) -> Self {
        Self(Mode::Fleet(Box::new(Fleet::new(most_tags, timing))))
    }

    /// A process of a build that stores what it generates.
    pub fn build(most_tags: usize) -> Self {
        Self(Mode::Build(Box::new(Build::new(most_tags))))
    }

    /// Takes an event in. The actions are to be carried out in order.
    ///
    /// `now` is read on a clock that also counts while the machine sleeps.
    pub fn on(&mut self, now: Timestamp, event: Event) -> Vec<Action> {
        match &mut self.0 {
            Mode::Fleet(fleet) if event == Event::NoStore => {
                let (known, actions) = fleet.leave();
                self.0 = Mode::Alone(Box::new(known));
                actions
            }
            Mode::Fleet(fleet) => fleet.on(now, event),
            Mode::Build(build) => build.on(now, event),
            Mode::Alone(known) => decide_alone(known, now, event),
        }
    }

    /// Dates what changed after the revision `before` by a moment of the clock that generations are
    /// dated by.
    pub fn redate(&mut self, before: Revision, moment: Timestamp) {
        self.known_mut().revisions.redate(before, moment);
    }

    /// When [`Event::Tick`] is due.
    pub fn next_timer(&self) -> Option<Timestamp> {
        match &self.0 {
            Mode::Alone(_) => None,
            Mode::Build(build) => build.until,
            Mode::Fleet(fleet) => fleet.next_timer(),
        }
    }

    /// Until when memory may answer without asking.
    pub fn lease_until(&self) -> Timestamp {
        match &self.0 {
            Mode::Alone(_) => Timestamp(u64::MAX),
            Mode::Build(build) if build.is_begun() => Timestamp(u64::MAX),
            Mode::Build(_) => Timestamp(0),
            Mode::Fleet(fleet) if fleet.decides_alone() => Timestamp(u64::MAX),
            Mode::Fleet(fleet) => fleet.lease_until,
        }
    }

    /// Whether the store is away: then memory may answer for a while without a lease.
    pub fn is_offline(&self) -> bool {
        match &self.0 {
            Mode::Alone(_) | Mode::Build(_) => false,
            Mode::Fleet(fleet) => fleet.is_offline() && !fleet.decides_alone(),
        }
    }

    /// Whether the store answers, and forbids what the protocol needs.
    pub fn is_denied(&self) -> bool {
        matches!(&self.0, Mode::Fleet(fleet) if fleet.is_denied())
    }

    /// The store's clock minus that of this process in microseconds, as of the last poll; 0 before.
    pub fn store_offset_us(&self) -> i64 {
        self.known().offset_us
    }

    /// Whether others can tell how old something is that is stamped now.
    pub fn may_share(&self) -> bool {
        match &self.0 {
            // Then nobody agrees on anything, and age is all there is.
            Mode::Alone(_) => true,
            Mode::Build(build) => build.is_dated(),
            Mode::Fleet(fleet) => fleet.has_seen_table() || fleet.decides_alone(),
        }
    }

    /// Whether it decides alone, for now or for good.
    pub fn is_alone(&self) -> bool {
        match &self.0 {
            Mode::Alone(_) => true,
            Mode::Build(_) => false,
            Mode::Fleet(fleet) => fleet.decides_alone(),
        }
    }

    /// What was invalidated.
    pub fn table(&self) -> &Table {
        &self.known().table
    }

    /// What was known when.
    pub fn revisions(&self) -> &Revisions {
        &self.known().revisions
    }

    /// The present revision of what is known.
    pub fn revision(&self) -> Revision {
        self.revisions().revision()
    }

    /// Leaves a rule out.
    #[cfg(test)]
    fn omit(&mut self, omitted: Option<omitted::Omitted>) {
        if let Mode::Fleet(fleet) = &mut self.0 {
            fleet.omitted = omitted;
        }
    }

    fn known_mut(&mut self) -> &mut LocalView {
        match &mut self.0 {
            Mode::Alone(known) => known,
            Mode::Build(build) => &mut build.known,
            Mode::Fleet(fleet) => &mut fleet.known,
        }
    }

    fn known(&self) -> &LocalView {
        match &self.0 {
            Mode::Alone(known) => known,
            Mode::Build(build) => &build.known,
            Mode::Fleet(fleet) => &fleet.known,
        }
    }
}

fn decide_alone(known: &mut LocalView, now: Timestamp, event: Event) -> Vec<Action> {
    match event {
        Event::Ask(ask) => vec![Action::Wake(ask)],
        Event::Invalidate(call, tags, lifetime) => {
            known.decide(now, &tags, lifetime.change(now));
            vec![Action::Resolve(call, Outcome::Everywhere)]
        }
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod model;
#[cfg(test)]
mod tests;
