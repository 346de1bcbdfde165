//! How instances agree on which entries are dead, without comparing clocks or asking on every hit.
//!
//! Sans-IO: [`event`]s go in with a timestamp, actions come out. `view` is what an instance knows,
//! dated by its [`revisions`]; [`stale_reads`] dates back generations that read something stale.
//!
//! `fleet` is an instance with a shared store. It follows the store's table by polls (`poll`) and
//! messages in their order (`chain`), reads it again after a loss (`repair`), writes invalidations
//! (`calls`), waits until every other instance knows them (`acks`), tells them what it knows
//! (`applied`), and keeps what it cannot write (`outbox`). It retries forbidden commands (`denial`).
//! [`timing`] has the durations. Without a store, positions are a counter of this process, and no
//! get asks.

mod acks;
mod applied;
mod batches;
mod build;
mod calls;
mod chain;
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

/// Positions grow by a random step up to this, unless time has passed, so that a server that has
/// lost the last ones assigns none twice.
pub const MOST_STEP: u64 = 4_096;

/// What one instance knows, and what it has under way.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Coherence(Mode);

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Mode {
    /// It decides alone.
    Alone(Box<LocalView>),
    /// It shares a store with other instances.
    Fleet(Box<Fleet>),
    /// It is a build process, and stores its entries for the instances to come.
    Build(Box<Build>),
}

impl Coherence {
    /// An instance without a shared store: it decides alone. It remembers at most `most_tags`.
    pub fn alone(most_tags: usize) -> Self {
        Self(Mode::Alone(Box::new(LocalView::new(most_tags))))
    }

    /// An instance of a fleet. Until [`Event::Connected`] it waits for the store.
    pub fn fleet(most_tags: usize, timing: Timing) -> Self {
        Self(Mode::Fleet(Box::new(Fleet::new(most_tags, timing))))
    }

    /// A build process that stores its entries.
    pub fn build(most_tags: usize) -> Self {
        Self(Mode::Build(Box::new(Build::new(most_tags))))
    }

    /// Handles an event. The caller carries the actions out in order.
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

    /// Dates the changes after the revision `before` by `moment`, on the clock that dates
    /// generations.
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

    /// As of when every invalidation there was is known; `None` if that was never so, or if it is
    /// not up to the store.
    pub fn complete_at(&self) -> Option<Timestamp> {
        let Mode::Fleet(fleet) = &self.0 else { return None };
        fleet.complete_at().filter(|_| !fleet.decides_alone())
    }

    /// Whether the store is away: then memory may answer for a while without a lease.
    pub fn is_offline(&self) -> bool {
        match &self.0 {
            Mode::Alone(_) | Mode::Build(_) => false,
            Mode::Fleet(fleet) => fleet.is_offline() && !fleet.decides_alone(),
        }
    }

    /// Whether the store answers, and forbids a command that the protocol needs.
    pub fn is_denied(&self) -> bool {
        matches!(&self.0, Mode::Fleet(fleet) if fleet.is_denied())
    }

    /// The store's clock minus that of this process in microseconds, as of the last poll; 0 before.
    pub fn store_offset_us(&self) -> i64 {
        self.known().offset_us
    }

    /// Whether other instances can judge the age of an entry that is stamped now.
    pub fn may_share(&self) -> bool {
        match &self.0 {
            // Without agreement, age is all there is.
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

    /// The tag table.
    pub fn table(&self) -> &Table {
        &self.known().table
    }

    /// The history of what was known.
    pub fn revisions(&self) -> &Revisions {
        &self.known().revisions
    }

    /// The current revision.
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
        Event::InvalidateAll(call) => {
            known.decide_all(now);
            vec![Action::Resolve(call, Outcome::Everywhere)]
        }
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod model;
#[cfg(test)]
mod tests;
