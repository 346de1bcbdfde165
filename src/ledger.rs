//! What this process knows of invalidations, as its threads share it.
//!
//! The protocol's state lies behind a lock. What every hit needs lies beside it in atomics, written
//! after the state, so that whoever reads them finds the state at least as new.

use std::ops::Deref;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};

use parking_lot::{RwLock, RwLockReadGuard};

use crate::clock::{Clock, Timestamp};
use crate::coherence::Coherence;
use crate::coherence::event::{Action, Event};
use crate::coherence::revisions::Revision;
use crate::tags::{Epoch, Point, Position, Stamp, Table, Tag};

/// Ages and leases of hits are read on a coarse clock, which lags by up to a tick of the system; and a
/// sleep of the machine shorter than 50 ms goes unnoticed by it.
const COARSE_US: u64 = 64_000;

/// Clocks of a machine that builds and of the store differ by less: a minute.
const BUILD_SLACK_US: u64 = 60_000_000;
/// No table ever has it.
const NO_EPOCH: Epoch = Epoch(u64::MAX);

/// What memory may answer without asking.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MemoryAccess {
    /// Any entry: it is known what is current.
    Any,
    /// The store is away: what is at most so old, for a while.
    GeneratedSince(Timestamp),
    /// No entry: the store is to be asked.
    None,
}

impl MemoryAccess {
    /// Whether it holds for what was generated at `created`.
    #[inline]
    pub fn covers(self, created: Timestamp) -> bool {
        match self {
            Self::Any => true,
            Self::GeneratedSince(oldest) => created > oldest,
            Self::None => false,
        }
    }
}

/// The state of the protocol, shared.
#[derive(Debug)]
pub struct Ledger {
    state: RwLock<Coherence>,
    revision: AtomicU64,
    lease_until: AtomicU64,
    is_offline: AtomicBool,
    epoch: AtomicU64,
    /// Whether the epoch changed in the life of this process.
    has_lost_history: AtomicBool,
    store_offset_us: AtomicI64,
    /// How long memory answers while the store is away, in microseconds.
    outage_us: u64,
}

impl Ledger {
    /// A ledger over `state`.
    pub fn new(state: Coherence, outage_us: u64) -> Self {
        let ledger = Self {
            revision: AtomicU64::new(0),
            lease_until: AtomicU64::new(0),
            is_offline: AtomicBool::new(false),
            epoch: AtomicU64::new(0),
            has_lost_history: AtomicBool::new(false),
            store_offset_us: AtomicI64::new(0),
            state: RwLock::new(state),
            outage_us,
        };
        ledger.publish(&ledger.state.read());
        ledger
    }

    /// Takes an event in.
    ///
    /// Whatever it changed is dated after the change, on the uptime clock: who began before that
    /// date may have seen what was before, and nobody who began later has.
    pub fn on(&self, clock: &Clock, event: Event) -> Vec<Action> {
        let now = clock.now();
        let mut state = self.state.write();
        let before = state.revision();
        let actions = state.on(now, event);
        self.publish(&state);
        state.redate(before, clock.uptime());
        actions
    }

    fn publish(&self, state: &Coherence) {
        // A lease without end stays one.
        let until = state.lease_until().0;
        let until = if until == u64::MAX { until } else { until.saturating_sub(COARSE_US) };
        let epoch = state.table().epoch().0;
        let before = self.epoch.load(Ordering::Relaxed);
        if before != 0 && before != epoch {
            // Before the epoch: whoever reads the new one knows that it is not the first.
            self.has_lost_history.store(true, Ordering::Release);
        }
        self.epoch.store(epoch, Ordering::Release);
        self.store_offset_us.store(state.store_offset_us(), Ordering::Release);
        self.revision.store(state.revision().0, Ordering::Release);
        self.lease_until.store(until, Ordering::Release);
        self.is_offline.store(state.is_offline(), Ordering::Release);
    }

    /// When an event of time is due.
    pub fn next_timer(&self) -> Option<Timestamp> {
        self.state.read().next_timer()
    }

    /// The present revision: read it before what is judged by it.
    #[inline]
    pub fn revision(&self) -> Revision {
        Revision(self.revision.load(Ordering::Acquire))
    }

    /// What memory may answer at `now`. Read it before the revision: whoever finds a new lease then
    /// also finds all it was granted upon.
    #[inline]
    pub fn memory_access(&self, now: Timestamp) -> MemoryAccess {
        let lease_until = self.lease_until.load(Ordering::Acquire);
        if now.0 < lease_until {
            return MemoryAccess::Any;
        }
        if !self.is_offline() {
            return MemoryAccess::None;
        }
        let since = now.0.saturating_sub(self.outage_us);
        MemoryAccess::GeneratedSince(if lease_until > since {
            Timestamp(0)
        } else {
            Timestamp(since)
        })
    }

    /// Until when memory may answer without asking.
    pub fn lease_until(&self) -> Timestamp {
        Timestamp(self.lease_until.load(Ordering::Acquire))
    }

    /// Whether the store is away.
    pub fn is_offline(&self) -> bool {
        self.is_offline.load(Ordering::Acquire)
    }

    /// The life of the store's table that is followed.
    pub fn epoch(&self) -> Epoch {
        Epoch(self.epoch.load(Ordering::Acquire))
    }

    /// The stamp of build output that shows nothing older than `read`. It is the one place where
    /// clocks of machines are compared, so it counts as older by a minute. Once the store lost its
    /// table nobody knows what was invalidated since the build: the stamp is then of no epoch.
    pub fn stamp_of_output(&self, read: Timestamp) -> Stamp {
        if self.is_alone() {
            // Whatever was invalidated in the life of this process was so after the build.
            return Stamp::default();
        }
        let epoch = self.epoch();
        let has_lost = self.has_lost_history.load(Ordering::Acquire);
        let epoch = if has_lost { NO_EPOCH } else { epoch };
        Stamp { epoch, at: Position(read.0.saturating_sub(BUILD_SLACK_US)).into() }
    }

    /// The store's clock minus the engine's, in microseconds.
    pub fn store_offset_us(&self) -> i64 {
        self.store_offset_us.load(Ordering::Acquire)
    }

    /// Whether nobody else is agreed with.
    pub fn is_alone(&self) -> bool {
        self.state.read().is_alone()
    }

    /// Whether the store forbids what the agreement needs.
    pub fn is_denied(&self) -> bool {
        self.state.read().is_denied()
    }

    /// Whether others can tell how old an entry of the present epoch is.
    pub fn may_share(&self) -> bool {
        self.state.read().may_share()
    }

    /// The stamp of what begins now, and its revision.
    pub fn present(&self) -> (Revision, Stamp) {
        let state = self.state.read();
        (state.revision(), state.revisions().stamp())
    }

    /// The stamp of what began at a revision; `None` if that is too long ago to know.
    pub fn stamp_of(&self, revision: Revision) -> Option<Stamp> {
        self.state.read().revisions().stamp_of(revision)
    }

    /// The revision at `moment` of the uptime clock; `None` if that is too long ago to know.
    pub fn revision_at(&self, moment: Timestamp) -> Option<Revision> {
        self.state.read().revisions().revision_at(moment)
    }

    /// When the last of these tags died, on the uptime clock: what began earlier and has one of them
    /// is dead. `None` if none ever did.
    pub fn died_at(&self, tags: &[Tag], now: Timestamp) -> Option<Timestamp> {
        let state = self.state.read();
        let table = state.table();
        let dead = tags.iter().map(|tag| table.of(tag.as_bytes()).dead_before(now)).max()?;
        let is_any = dead > Point::default();
        is_any.then(|| state.revisions().moment_of(table.epoch(), dead)).flatten()
    }

    /// What was invalidated. Keep it for one question only: nothing new is learned meanwhile.
    pub fn table(&self) -> impl Deref<Target = Table> {
        RwLockReadGuard::map(self.state.read(), Coherence::table)
    }
}
