//! A store that answers when told to, and instances that share through it.

use std::collections::HashMap;

use super::*;
use crate::coherence::event::{Answer, Command, Event, Polled, Request};
use crate::coherence::timing::Timing;
use crate::ledger::License;
use crate::store::{
    Address, Claim, Ending, Health, Listener, Make, Receive, ReceiveClaim, SharedStore,
};
use crate::tags::{Epoch, Position};

type Queue<T> = Mutex<Vec<T>>;

/// A store that answers when told to.
#[derive(Default)]
pub(super) struct Fake {
    pub(super) entries: Mutex<HashMap<Address, Vec<u8>>>,
    pub(super) reads: Queue<(Address, Receive)>,
    pub(super) claims: Queue<(Address, Claim, ReceiveClaim)>,
    pub(super) ends: Queue<(Address, Ending)>,
    pub(super) writes: Queue<(Address, Make)>,
    pub(super) commands: Queue<(Request, Command)>,
}

impl SharedStore for Fake {
    fn read(&self, address: Address, receive: Receive) {
        self.reads.lock().push((address, receive));
    }

    fn flush(&self) {}

    fn claim(&self, address: Address, claim: Claim, _: Option<u32>, receive: ReceiveClaim) {
        self.claims.lock().push((address, claim, receive));
    }

    fn end(&self, address: Address, ending: Ending) {
        self.ends.lock().push((address, ending));
    }

    fn write(&self, address: Address, _: usize, _: bool, make: Make) {
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
    pub(super) fn answer_reads(&self) -> usize {
        let reads = std::mem::take(&mut *self.reads.lock());
        let count = reads.len();
        for (address, receive) in reads {
            let found = self.entries.lock().get(&address).cloned();
            drop(receive(Ok(found.map(Into::into))));
        }
        count
    }

    /// Carries writes out; the lives of what was stored, in ms.
    pub(super) fn carry_out_writes(&self) -> Vec<u64> {
        let writes = std::mem::take(&mut *self.writes.lock());
        let made = writes.into_iter().filter_map(|(address, make)| {
            let (bytes, life_ms) = make()?;
            self.entries.lock().insert(address, bytes);
            Some(life_ms)
        });
        made.collect()
    }
}

/// Who was woken, and with what.
#[derive(Default)]
pub(super) struct Woken(pub(super) Mutex<Vec<(u32, News)>>);

impl Wake for Woken {
    fn wake(&self, token: u32, news: News) {
        self.0.lock().push((token, news));
    }
}

pub(super) struct Fixture {
    pub(super) engine: Arc<Engine>,
    pub(super) woken: Arc<Woken>,
    pub(super) waker: Arc<dyn Wake>,
}

/// An instance that leads its own life of the table, or with `store` that of another instance.
pub(super) fn instance(store: &Arc<Fake>, options: &Value) -> Fixture {
    let given = serde_json::json!({ "redisUrl": "redis://cache.example" });
    let mut given = given.as_object().unwrap().clone();
    given.extend(options.as_object().unwrap().clone());
    let options = Options::resolve(&Value::Object(given), &Value::Null).unwrap();
    let shared = options.shared.clone().unwrap();
    let coherence = Coherence::fleet(options.max_tags, Timing::default());
    let engine = Engine::new(options, Clock::manual(Timestamp(1_000_000)), coherence);
    engine.share_through(Tier::new(store.clone(), &shared, 1 << 20, true));
    let woken = Arc::new(Woken::default());
    let fixture = Fixture { engine, waker: woken.clone(), woken };
    fixture.engine.on(Event::Connected).into_iter().for_each(|(request, _)| {
        let polled = Polled {
            epoch: Epoch(7),
            last: Position(50),
            known: true,
            now_us: 1_000_000,
            floor: Position(0),
            rows: None,
        };
        let next = fixture.engine.on(Event::Answered(request, Answer::Polled(polled.clone())));
        settle(&fixture.engine, next, &polled);
    });
    assert_eq!(fixture.engine.ledger.license(Timestamp(1_000_000)), License::All);
    fixture
}

/// Answers loads and polls until nothing is asked any more.
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
    pub(super) fn set(&self, name: u16, more: impl FnOnce(Meta) -> Meta) -> Stored {
        let (since, stamp) = self.engine.ledger.present();
        let meta = more(Meta { stamp, since, ..meta() });
        let units = [name];
        let key = self.engine.hasher().key(Class::Fetch, &units);
        self.engine.set(&key, meta, [1, 2, 3].into(), false)
    }

    pub(super) fn read(&self, class: Class, name: u16, token: u32) -> bool {
        let units = [name];
        let key = self.engine.hasher().key(class, &units);
        self.engine.read(&key, &self.waker, token)
    }

    /// What those who waited got: their tokens, and whether an entry was brought.
    pub(super) fn got(&self) -> Vec<(u32, bool)> {
        let woken = std::mem::take(&mut *self.woken.0.lock());
        woken.iter().map(|(token, news)| (*token, matches!(news, News::Brought(_)))).collect()
    }
}

pub(super) fn store() -> Arc<Fake> {
    Arc::new(Fake::default())
}

pub(super) const NO_MEMORY: fn() -> Value = || serde_json::json!({ "memoryMb": 0 });
pub(super) const PLAIN: fn() -> Value = || serde_json::json!({});
