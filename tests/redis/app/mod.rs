//! What every store of the app's own code does alike: that of one process, and a server's.

mod codes;
mod counts;
mod faults;
mod lane;
mod limits;
mod locks;
mod seats;
mod sessions;
mod values;

use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::thread::sleep;
use std::time::Duration;

use serde_json::json;
use tiercel::app::label::{Feature, Group, Label, Own};
use tiercel::app::memory::Memory;
use tiercel::app::store::{Answer, Deed, Failure, Order, Store};
use tiercel::clock::{Clock, Timestamp};
use tiercel::options::SharedOptions;

use crate::peer::{PATIENCE, Peer, resolved};
use crate::server::Server;

/// Runs each promise against both stores.
macro_rules! complies {
    ($($name:ident),* $(,)?) => {
        mod in_memory {
            $(#[test]
            fn $name() {
                super::$name(&$crate::app::World::memory());
            })*
        }
        mod on_a_server {
            $(#[test]
            fn $name() {
                let server = $crate::server!();
                super::$name(&$crate::app::World::redis(&server));
            })*
        }
    };
}
pub(crate) use complies;

/// A store, and how time passes for it.
pub(crate) struct World {
    store: Arc<dyn Store>,
    clock: Option<Clock>,
}

/// A server whose answers have time: a busy machine is no outage.
pub(crate) fn patient(server: &Server) -> SharedOptions {
    let url = format!("redis://127.0.0.1:{}", server.port);
    resolved(&json!({ "redisUrl": url, "namespace": "app", "commandTimeoutMs": 2_000 }))
}

impl World {
    pub(crate) fn memory() -> Self {
        let clock = Clock::manual(Timestamp(1_700_000_000_000_000));
        Self { store: Arc::new(Memory::new(clock.clone())), clock: Some(clock) }
    }

    pub(crate) fn redis(server: &Server) -> Self {
        Self { store: Arc::new(Peer::connected(&patient(server)).store), clock: None }
    }

    /// Lets time pass.
    pub(crate) fn pass_ms(&self, ms: u64) {
        match &self.clock {
            Some(clock) => clock.advance_us(ms * 1_000),
            // A server counts whole milliseconds, and ends nothing before the last is over.
            None => sleep(Duration::from_millis(ms + 5)),
        }
    }

    pub(crate) fn send(&self, label: &Label, deed: Deed) -> Receiver<Result<Answer, Failure>> {
        send(&*self.store, label, deed)
    }

    pub(crate) fn ask(&self, label: &Label, deed: Deed) -> Answer {
        self.send(label, deed).recv_timeout(PATIENCE).unwrap().unwrap()
    }
}

pub(crate) fn send(
    store: &dyn Store,
    label: &Label,
    deed: Deed,
) -> Receiver<Result<Answer, Failure>> {
    let (answer, answers) = channel();
    let receive = move |result| drop(answer.send(result));
    store.carry_out(Order { label: label.clone(), deed }, Box::new(receive));
    answers
}

pub(crate) fn named(feature: Feature, own: &str) -> Label {
    Label::plain(feature, &Group::parse("group").unwrap(), &Own::parse(own).unwrap())
}
