//! A store in this process that answers at once, and engines that share through it.

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::Arc;

use parking_lot::Mutex;
use serde_json::{Value, json};
use tiercel::clock::{Clock, Timestamp};
use tiercel::coherence::Coherence;
use tiercel::coherence::event::{Answer, Command, Event, Polled, Request};
use tiercel::coherence::timing::Timing;
use tiercel::engine::{Builder, Engine, Tier};
use tiercel::key::AppId;
use tiercel::options::Options;
use tiercel::store::{
    Address, Health, LeaseEnd, LeaseReply, LeaseRequest, Listener, Make, Receive, ReceiveLease,
    SharedStore,
};
use tiercel::tags::{Epoch, Position};

#[derive(Default)]
pub(crate) struct Store {
    entries: Mutex<HashMap<Address, Vec<u8>>>,
    writes: Mutex<Vec<(Address, Make)>>,
}

impl SharedStore for Store {
    fn read(&self, address: Address, receive: Receive) {
        let found = self.entries.lock().get(&address).cloned();
        drop(receive(Ok(found.map(Into::into))));
    }

    fn claim(&self, address: Address, _: LeaseRequest, _: Option<u32>, receive: ReceiveLease) {
        let found = self.entries.lock().get(&address).cloned();
        drop(receive(LeaseReply::Granted, Ok(found.map(Into::into))));
    }

    fn end(&self, _: Address, _: LeaseEnd) {}

    fn flush(&self) {}

    fn write(&self, address: Address, _: usize, _: bool, make: Make) {
        self.writes.lock().push((address, make));
    }

    fn drain(&self, done: Box<dyn FnOnce() + Send>) {
        done();
    }

    fn exchange(&self, _: Vec<(Request, Command)>) {}

    fn leave(&self) {}

    fn forget_writes(&self) {}

    fn health(&self) -> Health {
        Health::default()
    }
}

impl Store {
    /// What a thread of its own does for the engine.
    pub(crate) fn write_all(&self) {
        for (address, make) in self.writes.lock().drain(..) {
            let (stored, _) = make().unwrap();
            self.entries.lock().insert(address, stored);
        }
    }
}

/// An engine that shares through the store, with a table that is loaded. Its time stands still: whatever
/// counts instructions is slow, and what it knows of the store would be too old.
pub(crate) fn engine(store: Arc<Store>) -> Arc<Engine> {
    let given = json!({ "redisUrl": "redis://127.0.0.1", "jitterPercent": 0, "memoryMb": 1_024 });
    let options = Options::resolve(&given, &Value::Null).unwrap();
    let shared = options.shared.clone().unwrap();
    let tier = Tier::new(store, &shared, options.shared_entry_bytes(), true);
    let coherence = Coherence::fleet(options.max_tags, Timing::default());
    let builder = Builder::new(options, Clock::manual(Timestamp(1_000_000)), coherence);
    let engine = builder.build_sharing(|_, _| Ok::<_, Infallible>(tier)).unwrap();
    engine.tier().unwrap().set_build(AppId::default(), b"build");
    let commands = engine.on(Event::Connected);
    settle(&engine, commands);
    engine
}

/// Answers until the engine asks no more.
fn settle(engine: &Engine, commands: Vec<(Request, Command)>) {
    for (request, command) in commands {
        let answer = match command {
            Command::Load => Answer::Loaded { rows: Vec::new(), floor: Position(0) },
            Command::Poll(known) => {
                let is_first = known.epoch == Epoch(0);
                Answer::Polled(Polled {
                    epoch: Epoch(7),
                    last: Position(50),
                    known: true,
                    now_us: 1_000_000,
                    floor: Position(0),
                    rows: (!is_first).then(Vec::new),
                })
            }
            _ => Answer::Done,
        };
        let next = engine.on(Event::Answered(request, answer));
        settle(engine, next);
    }
}
