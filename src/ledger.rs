//! What this process knows of invalidations, shared by its threads.
//!
//! The protocol state is behind a lock. The values that every hit needs are mirrored in atomics,
//! which are written after the state: a reader of an atomic finds the state at least as new.

use std::ops::Deref;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};

use parking_lot::{RwLock, RwLockReadGuard};

use crate::clock::{Clock, Timestamp};
use crate::coherence::Coherence;
use crate::coherence::event::{Action, Event};
use crate::coherence::revisions::Revision;
use crate::tags::{Epoch, Facts, Point, Position, Stamp, Table, Tag};

/// Hits read ages and leases on a coarse clock. It lags by up to one tick of the system, and it
/// misses a sleep of the machine shorter than 50 ms.
const COARSE_US: u64 = 64_000;

/// Upper bound for how far the clocks of a build machine and the store differ: a minute.
const BUILD_SLACK_US: u64 = 60_000_000;
/// An epoch that no table has.
const NO_EPOCH: Epoch = Epoch(u64::MAX);

/// Which entries memory may answer with before the store is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MemoryAccess {
    /// Any entry: the instance holds a lease.
    Any,
    /// The store is away: for a while, entries generated after this moment.
    GeneratedSince(Timestamp),
    /// No entry: the get asks the store first.
    None,
}

impl MemoryAccess {
    /// Whether it covers an entry generated at `created`.
    #[inline]
    pub fn covers(self, created: Timestamp) -> bool {
        match self {
            Self::Any => true,
            Self::GeneratedSince(oldest) => created > oldest,
            Self::None => false,
        }
    }
}

/// What the store has recorded after a position.
#[derive(Debug)]
pub struct Recorded {
    /// Which life of the table the positions belong to.
    pub epoch: Epoch,
    /// Up to here everything is known.
    pub upto: Position,
    /// Up to here invalidations may be missing.
    pub floor: Position,
    /// The tags that no later invalidation has invalidated again.
    pub rows: Vec<(Tag, Facts)>,
}

/// The protocol state, shared.
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

    /// Feeds an event to the protocol.
    ///
    /// Changes are dated after they took effect, on the uptime clock: a generation that began
    /// before that date may have seen the old state, and one that began later has not.
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
        // An unlimited lease stays unlimited.
        let until = state.lease_until().0;
        let until = if until == u64::MAX { until } else { until.saturating_sub(COARSE_US) };
        let epoch = state.table().epoch().0;
        let before = self.epoch.load(Ordering::Relaxed);
        if before != 0 && before != epoch {
            // Stored before the epoch, so that a reader of the new epoch also sees the flag.
            self.has_lost_history.store(true, Ordering::Release);
        }
        self.epoch.store(epoch, Ordering::Release);
        self.store_offset_us.store(state.store_offset_us(), Ordering::Release);
        self.revision.store(state.revision().0, Ordering::Release);
        self.lease_until.store(until, Ordering::Release);
        self.is_offline.store(state.is_offline(), Ordering::Release);
    }

    /// When the next [`Event::Tick`] is due.
    pub fn next_timer(&self) -> Option<Timestamp> {
        self.state.read().next_timer()
    }

    /// The current revision. Read it before the state that is judged by it.
    #[inline]
    pub fn revision(&self) -> Revision {
        Revision(self.revision.load(Ordering::Acquire))
    }

    /// What memory may answer with at `now`. Read it before the revision: a reader that finds a new
    /// lease then also finds the state on which it was granted.
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

    /// Until when memory may answer without asking the store.
    pub fn lease_until(&self) -> Timestamp {
        Timestamp(self.lease_until.load(Ordering::Acquire))
    }

    /// As of when this process knows every invalidation there was; `None` if that was never so.
    pub fn complete_at(&self) -> Option<Timestamp> {
        self.state.read().complete_at()
    }

    /// Whether the store is away.
    pub fn is_offline(&self) -> bool {
        self.is_offline.load(Ordering::Acquire)
    }

    /// The life of the store's table that this instance follows.
    pub fn epoch(&self) -> Epoch {
        Epoch(self.epoch.load(Ordering::Acquire))
    }

    /// The stamp of build output whose data is no older than `read`. Only here are the clocks of
    /// two machines compared, so the output counts as a minute older. Once the store has lost its
    /// table, the invalidations since the build are unknown: the stamp then belongs to no epoch.
    pub fn stamp_of_output(&self, read: Timestamp) -> Stamp {
        if self.is_alone() {
            // Every invalidation that this process has seen came after the build.
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

    /// Whether this instance decides alone.
    pub fn is_alone(&self) -> bool {
        self.state.read().is_alone()
    }

    /// Whether the store forbids a command that the protocol needs.
    pub fn is_denied(&self) -> bool {
        self.state.read().is_denied()
    }

    /// Whether other instances can judge the age of an entry that is stamped now.
    pub fn may_share(&self) -> bool {
        self.state.read().may_share()
    }

    /// The stamp of a generation that begins now, and its revision.
    pub fn present(&self) -> (Revision, Stamp) {
        let state = self.state.read();
        (state.revision(), state.revisions().stamp())
    }

    /// What was invalidated after a position, as the store has recorded it.
    pub fn recorded_since(&self, after: Position) -> Recorded {
        let state = self.state.read();
        let table = state.table();
        let upto = state.revisions().stamp().at.position;
        let is_new = |facts: &Facts| {
            let position = facts.latest().position;
            position > after && position <= upto
        };
        // Most looks find nothing, and need not go through the table.
        let rows = (upto > after).then(|| table.facts()).into_iter().flatten();
        let rows = rows.filter(|(_, facts)| is_new(facts));
        Recorded {
            epoch: table.epoch(),
            upto,
            floor: table.floor().position,
            rows: rows.map(|(tag, facts)| (tag.clone(), facts)).collect(),
        }
    }

    /// The stamp of a generation that began at `revision`; `None` if that was too long ago to tell.
    pub fn stamp_of(&self, revision: Revision) -> Option<Stamp> {
        self.state.read().revisions().stamp_of(revision)
    }

    /// The revision at `moment` of the uptime clock; `None` if that was too long ago to tell.
    pub fn revision_at(&self, moment: Timestamp) -> Option<Revision> {
        self.state.read().revisions().revision_at(moment)
    }

    /// When the last of these tags died, on the uptime clock: an entry that has one of them, and
    /// whose generation began earlier, is dead. `None` if none ever died.
    pub fn died_at(&self, tags: &[Tag], now: Timestamp) -> Option<Timestamp> {
        let state = self.state.read();
        let table = state.table();
        let dead = tags.iter().map(|tag| table.of(tag.as_bytes()).dead_before(now)).max()?;
        let is_any = dead > Point::default();
        is_any.then(|| state.revisions().moment_of(table.epoch(), dead)).flatten()
    }

    /// The tag table, under the read lock. Keep it for one look-up only: no event gets in
    /// meanwhile.
    pub fn table(&self) -> impl Deref<Target = Table> {
        RwLockReadGuard::map(self.state.read(), Coherence::table)
    }
}
