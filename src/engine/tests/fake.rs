//! A store whose answers a test triggers, and instances that share through it.

use std::collections::HashMap;
use std::convert::Infallible;

use super::*;
use crate::coherence::event::{Answer, Command, Event, Polled, Request};
use crate::coherence::timing::Timing;
use crate::generation::leases::Ask;
use crate::ledger::MemoryAccess;
use crate::store::{
    Address, Health, LeaseEnd, LeaseReply, LeaseRequest, Listener, Make, Receive, ReceiveLease,
    SharedStore,
};
use crate::tags::{Epoch, Position};

type Queue<T> = Mutex<Vec<T>>;

/// How long gets wait for a leader, in ms.
pub(crate) const WAIT_MS: u32 = 1_200;

/// A store whose answers a test triggers.
#[derive(Default)]
pub(crate) struct Fake {
    pub(crate) entries: Mutex<HashMap<Address, Vec<u8>>>,
    pub(crate) reads: Queue<(Address, Receive)>,
    pub(crate) claims: Queue<Claiming>,
    pub(crate) ends: Queue<(Address, LeaseEnd)>,
    pub(crate) writes: Queue<(Address, Make)>,
    /// Leases that end with a write.
    pub(crate) written_ends: Queue<Address>,
    pub(crate) commands: Queue<(Request, Command)>,
}

/// A claim that waits for its answer.
pub(crate) struct Claiming {
    pub(crate) address: Address,
    pub(crate) claim: LeaseRequest,
    pub(crate) pause_ms: Option<u32>,
    receive: ReceiveLease,
}

impl SharedStore for Fake {
    fn read(&self, address: Address, receive: Receive) {
        self.reads.lock().push((address, receive));
    }

    fn flush(&self) {}

    fn claim(
        &self,
        address: Address,
        claim: LeaseRequest,
        pause_ms: Option<u32>,
        receive: ReceiveLease,
    ) {
        self.claims.lock().push(Claiming { address, claim, pause_ms, receive });
    }

    fn end(&self, address: Address, ending: LeaseEnd) {
        self.ends.lock().push((address, ending));
    }

    fn write(&self, address: Address, _: usize, ends: bool, make: Make) {
        if ends {
            self.written_ends.lock().push(address);
        }
        self.writes.lock().push((address, make));
    }

    fn drain(&self, done: Box<dyn FnOnce() + Send>) {
        done();
    }

    fn exchange(&self, commands: Vec<(Request, Command)>) {
        self.commands.lock().extend(commands);
    }

    fn leave(&self) {}

    fn forget_writes(&self) {
        self.writes.lock().clear();
    }

    fn health(&self) -> Health {
        Health::default()
    }
}

impl Fake {
    pub(crate) fn answer_reads(&self) -> usize {
        let reads = std::mem::take(&mut *self.reads.lock());
        let count = reads.len();
        for (address, receive) in reads {
            let found = self.entries.lock().get(&address).cloned();
            drop(receive(Ok(found.map(Into::into))));
        }
        count
    }

    /// Answers the one waiting claim, with the entry at its address. Returns the request, and the
    /// pause before it.
    pub(crate) fn answer_claim(&self, claimed: LeaseReply) -> (LeaseRequest, Option<u32>) {
        let mut claims = std::mem::take(&mut *self.claims.lock());
        assert_eq!(claims.len(), 1, "one claim waits");
        let Claiming { address, claim, pause_ms, receive } = claims.remove(0);
        let found = self.entries.lock().get(&address).cloned();
        drop(receive(claimed, Ok(found.map(Into::into))));
        (claim, pause_ms)
    }

    /// How leases were ended since the last call.
    pub(crate) fn ended(&self) -> Vec<LeaseEnd> {
        std::mem::take(&mut *self.ends.lock()).into_iter().map(|(_, ending)| ending).collect()
    }

    /// Performs the writes. Returns the lifetimes of the stored entries, in ms.
    pub(crate) fn carry_out_writes(&self) -> Vec<u64> {
        let writes = std::mem::take(&mut *self.writes.lock());
        let made = writes.into_iter().filter_map(|(address, make)| {
            let (bytes, life_ms) = make()?;
            self.entries.lock().insert(address, bytes);
            Some(life_ms)
        });
        made.collect()
    }
}

/// The tokens that were woken, and their notices.
#[derive(Default)]
pub(crate) struct Woken(pub(crate) Mutex<Vec<(u32, Notice)>>);

impl Wake for Woken {
    fn wake(&self, token: u32, notice: Notice) {
        self.0.lock().push((token, notice));
    }
}

pub(crate) struct Fixture {
    pub(crate) engine: Arc<Engine>,
    pub(crate) woken: Arc<Woken>,
    waker: Arc<dyn Wake>,
}

/// An instance that shares through `store`.
pub(crate) fn instance(store: &Arc<Fake>, options: &Value) -> Fixture {
    let engine = engine_over(store.clone(), options);
    let woken = Arc::new(Woken::default());
    Fixture { engine, waker: woken.clone(), woken }
}

/// An engine that has loaded the table of its store.
pub(crate) fn engine_over(store: Arc<dyn SharedStore>, options: &Value) -> Arc<Engine> {
    let given = serde_json::json!({ "redisUrl": "redis://cache.example", "jitterPercent": 0 });
    let mut given = given.as_object().unwrap().clone();
    given.extend(options.as_object().unwrap().clone());
    let options = Options::resolve(&Value::Object(given), &Value::Null).unwrap();
    let shared = options.shared.clone().unwrap();
    let coherence = Coherence::fleet(options.max_tags, Timing::default());
    let limit = options.shared_entry_bytes();
    let builder = Builder::new(options, Clock::manual(Timestamp(1_000_000)), coherence);
    let tier = Tier::new(store, &shared, limit, true);
    let engine = builder.build_sharing(|_, _| Ok::<_, Infallible>(tier)).unwrap();
    engine.on(Event::Connected).into_iter().for_each(|(request, _)| {
        let polled = Polled {
            epoch: Epoch(7),
            last: Position(50),
            known: true,
            now_us: 1_000_000,
            floor: Position(0),
            rows: None,
        };
        let next = engine.on(Event::Answered(request, Answer::Polled(polled.clone())));
        settle(&engine, next, &polled);
    });
    assert_eq!(engine.ledger.memory_access(Timestamp(1_000_000)), MemoryAccess::Any);
    engine
}

/// Answers loads and polls until the engine sends no more.
fn settle(engine: &Engine, commands: Vec<(Request, Command)>, polled: &Polled) {
    for (request, command) in commands {
        let answer = match command {
            Command::Load => Answer::Loaded { rows: Vec::new(), floor: Position(0) },
            Command::Poll(_) => Answer::Polled(Polled { rows: Some(Vec::new()), ..polled.clone() }),
            _ => Answer::Done,
        };
        let next = engine.on(Event::Answered(request, answer));
        settle(engine, next, polled);
    }
}

impl Fixture {
    pub(crate) fn ticket(&self, token: u32) -> Ticket {
        Ticket::new(self.waker.clone(), token)
    }

    pub(crate) fn set(&self, name: u16, more: impl FnOnce(Meta) -> Meta) -> Stored {
        let (since, stamp) = self.engine.ledger.present();
        let meta = more(Meta { stamp, since, ..meta() });
        let units = [name];
        let key = self.engine.hasher().key(Class::Fetch, &units);
        self.engine.set(&key, meta, [1, 2, 3].into(), false).1.stored
    }

    pub(crate) fn read(&self, class: Class, name: u16, token: u32) -> bool {
        let units = [name];
        let key = self.engine.hasher().key(class, &units);
        self.engine.read(&key, self.ticket(token)) == Wait::Pending
    }

    /// Claims with `stale` to serve, or with nothing.
    pub(crate) fn claim(&self, name: u16, stale: Option<&Arc<Entry>>, token: u32) -> Ask {
        let units = [name];
        let key = self.engine.hasher().key(Class::Fetch, &units);
        let fallback = if stale.is_none() { Fallback::None } else { Fallback::Stale };
        let claimant = Claimant { held: stale, fallback, wait_ms: WAIT_MS };
        self.engine.claim(&key, claimant, Vec::new, self.ticket(token))
    }

    /// What the waiters got: their tokens, and whether an entry was delivered.
    pub(crate) fn got(&self) -> Vec<(u32, bool)> {
        let woken = std::mem::take(&mut *self.woken.0.lock());
        woken
            .iter()
            .map(|(token, notice)| (*token, matches!(notice, Notice::Delivered(_))))
            .collect()
    }
}

pub(crate) fn store() -> Arc<Fake> {
    Arc::new(Fake::default())
}

pub(crate) const NO_MEMORY: fn() -> Value = || serde_json::json!({ "memoryMb": 0 });
pub(crate) const PLAIN: fn() -> Value = || serde_json::json!({});
