//! How an engine is made.

use std::sync::atomic::AtomicBool;
use std::sync::{Arc, OnceLock, Weak};

use parking_lot::Mutex;

use super::absence::Absences;
use super::heard::HeardLog;
use super::oversize::Oversize;
use super::{Engine, Host, Tier};
use crate::clock::{Clock, Timestamp};
use crate::coherence::Coherence;
use crate::coherence::event::{Command, Event, Message, Request};
use crate::generation::flights::Flights;
use crate::generation::leases::Leases;
use crate::history::{History, Row};
use crate::key::Hasher;
use crate::ledger::Ledger;
use crate::memory::MemoryStore;
use crate::options::Options;
use crate::stats::Stats;
use crate::store::{Address, Listener, Part, Refusal, Room, Trouble};

/// An engine in the making. It starts no thread.
#[derive(Debug)]
pub struct Builder {
    options: Options,
    clock: Clock,
    coherence: Coherence,
    host: Option<Host>,
}

impl Builder {
    /// An engine with `options` that reads `clock` and leaves invalidations to `coherence`.
    pub fn new(options: Options, clock: Clock, coherence: Coherence) -> Self {
        Self { options, clock, coherence, host: None }
    }

    /// Gives it what only its host knows.
    #[must_use]
    pub fn host(self, host: Host) -> Self {
        Self { host: Some(host), ..self }
    }

    /// The engine, without a shared tier.
    pub fn build(self) -> Arc<Engine> {
        self.with(None)
    }

    /// The engine, with the shared tier that `connect` makes for it. Reports of the store wait
    /// until the engine exists.
    ///
    /// # Errors
    /// The error of `connect`.
    pub fn build_sharing<E>(
        self,
        connect: impl FnOnce(&Options, Arc<dyn Listener>) -> Result<Tier, E>,
    ) -> Result<Arc<Engine>, E> {
        let ears = Arc::new(Ears::default());
        let tier = connect(&self.options, ears.clone())?;
        let engine = self.with(Some(tier));
        let _ = ears.0.set(Arc::downgrade(&engine));
        Ok(engine)
    }

    fn with(self, tier: Option<Tier>) -> Arc<Engine> {
        let Self { options, clock, coherence, host } = self;
        let memory = (options.memory_bytes > 0)
            .then(|| MemoryStore::new(options.memory_bytes, options.entry_bytes));
        let outage_us = options.shared.as_ref().map_or(0, |s| s.outage_serve.as_micros() as u64);
        let (decisions, debug) = (options.decisions, options.debug);
        Arc::new(Engine {
            ledger: Ledger::new(coherence, outage_us),
            options,
            began: clock.now(),
            clock,
            memory,
            stats: Stats::default(),
            hasher: Hasher::default(),
            stale_reads: Mutex::default(),
            flights: Flights::default(),
            outputs: Flights::default(),
            leases: Leases::default(),
            superseded: Mutex::default(),
            oversize: Oversize::default(),
            absences: Mutex::new(Absences::new(decisions)),
            heard: HeardLog::new(decisions, debug),
            is_asked: AtomicBool::new(false),
            history: History::default(),
            tier,
            host,
        })
    }
}

/// Passes reports of the store on to the engine, and drops them once the engine is gone.
#[derive(Default)]
struct Ears(OnceLock<Weak<Engine>>);

impl Ears {
    fn engine(&self) -> Option<Arc<Engine>> {
        self.0.wait().upgrade()
    }
}

impl Listener for Ears {
    fn on(&self, event: Event) -> Vec<(Request, Command)> {
        self.engine().map(|engine| engine.on(event)).unwrap_or_default()
    }

    fn next_timer(&self) -> Option<Timestamp> {
        self.engine()?.next_timer()
    }

    fn leases(&self) -> Vec<Address> {
        self.engine().map(|engine| engine.leases()).unwrap_or_default()
    }

    fn refuses(&self, what: Option<(Refusal, Part)>) {
        if let Some(engine) = self.engine() {
            engine.refuses(what);
        }
    }

    fn has_room(&self, room: Room) {
        if let Some(engine) = self.engine() {
            engine.has_room(room);
        }
    }

    fn has_kin(&self, namespace: &str) {
        if let Some(engine) = self.engine() {
            engine.has_kin(namespace);
        }
    }

    fn is_old(&self, version: &str) {
        if let Some(engine) = self.engine() {
            engine.is_old(version);
        }
    }

    fn lacks(&self, commands: &str) {
        if let Some(engine) = self.engine() {
            engine.lacks(commands);
        }
    }

    fn hears(&self, from: &str, message: &Message) {
        if let Some(engine) = self.engine() {
            engine.hears(from, message);
        }
    }

    fn fails(&self, trouble: Trouble) {
        if let Some(engine) = self.engine() {
            engine.fails(trouble);
        }
    }

    fn snapshot(&self) -> Option<Vec<u8>> {
        self.engine()?.snapshot()
    }

    fn account(&self, of: &str) -> Option<Vec<u8>> {
        self.engine()?.account(of)
    }

    fn minute(&self) -> Option<Row> {
        self.engine()?.minute()
    }

    fn now(&self) -> Timestamp {
        self.engine().map(|engine| engine.now()).unwrap_or_default()
    }
}
