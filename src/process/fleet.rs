//! The fleet that this process belongs to: what it tells of itself, and what the others have told.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use serde::Serialize;
use serde_json::{Value, json};

use super::{SEEN, STORE, engine};
use crate::account::Account;
use crate::engine::Engine;
use crate::guard::guard;
use crate::handler::account::account;
use crate::handler::history;
use crate::handler::snapshot::snapshot;
use crate::operate::account::Accounts;
use crate::operate::fleet::{Askers, Fleet, Joined, Receive, Reported, fleet};
use crate::operate::server::{Server, Trouble};
use crate::options::SharedOptions;
use crate::redis::{RedisOperator, host};
use crate::snapshot::Snapshot;

/// The bytes that this process publishes.
pub(super) fn published(engine: &Engine) -> Option<Vec<u8>> {
    history::close(engine);
    told(engine).encode()
}

/// What this process tells of itself.
fn told(engine: &Engine) -> Snapshot {
    let seen = SEEN.lock().clone().unwrap_or_default();
    Snapshot {
        host: host(),
        pid: std::process::id(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        next: seen.next,
        node: seen.node,
        build: seen.build,
        ..snapshot(engine, &super::recalled::journals())
    }
}

static ASKERS: Askers = Askers::new();

/// Questions about what instances remember, each on a thread of its own; and the most of them.
static ASKING: AtomicUsize = AtomicUsize::new(0);
const MOST_ASKING: usize = 4;

/// Asks what the instances of the fleet tell of themselves; without a shared tier there is this one.
/// The answer is JSON: an object with `trouble` if the server does not say. It comes on another thread.
/// Who asks while a question is under way has its answer.
pub fn instances(receive: Receive) {
    let engine = engine();
    if ASKERS.join(receive) == Joined::Others {
        return;
    }
    if let Some(store) = STORE.get() {
        return store.published(Box::new(|told| answer(|| told.map(|told| fleet(&told)))));
    }
    // Not here: counting decisions takes milliseconds.
    let counted = std::thread::Builder::new().spawn(|| answer(|| Ok(alone(engine))));
    if counted.is_err() {
        answer(|| Ok(alone(engine)));
    }
}

fn answer(make: impl FnOnce() -> Result<Fleet, Trouble>) {
    ASKERS.answer(&json(make));
}

fn json<T: Serialize>(make: impl FnOnce() -> Result<T, Trouble>) -> Bytes {
    let told = guard(make).unwrap_or_else(|| Err(Trouble::failed("a defect of tiercel")));
    let told = told.map_or_else(|trouble| json!({ "trouble": trouble }), |told| json!(told));
    told.to_string().into()
}

/// The server of the shared tier, if there is one.
fn server(engine: &Engine) -> Result<Option<RedisOperator>, Trouble> {
    let Some((tier, shared)) = engine.tier().zip(engine.options.shared.as_ref()) else {
        return Ok(None);
    };
    let shared = SharedOptions { namespace: Some(tier.namespace.clone()), ..shared.clone() };
    let server = RedisOperator::new(&shared);
    server.map(Some).map_err(|error| Trouble::failed(error.to_string()))
}

/// What this process answers when all instances are asked about something.
pub(super) fn answered(engine: &Engine, of: &str) -> Option<Vec<u8>> {
    own(engine, of).encode()
}

fn own(engine: &Engine, of: &str) -> Account {
    let remembered = account(engine, &super::recalled::journals(), of, super::subjects::subjects());
    Account { host: host(), pid: std::process::id(), ..remembered }
}

/// Asks what the instances of the fleet remember about something; without a shared tier there is this
/// one. The answer is JSON, as that of [`instances`] is, and comes on another thread.
pub fn accounts(of: String, receive: Receive) {
    let under_way = ASKING.fetch_add(1, Ordering::Relaxed);
    if under_way >= MOST_ASKING {
        ASKING.fetch_sub(1, Ordering::Relaxed);
        return receive(json::<Accounts>(|| Err(Trouble::failed("others ask already"))));
    }
    let ask = move || {
        receive(json(|| remembered(&of)));
        ASKING.fetch_sub(1, Ordering::Relaxed);
    };
    // Of its own: it waits for a second, over a connection that is opened for it.
    if std::thread::Builder::new().spawn(ask).is_err() {
        ASKING.fetch_sub(1, Ordering::Relaxed);
    }
}

fn remembered(of: &str) -> Result<Accounts, Trouble> {
    let engine = engine();
    if let Some(server) = server(engine)? {
        return Ok(Accounts::of(&server.ask(of)?));
    }
    let mut all = Accounts::default();
    all.add(own(engine, of));
    Ok(all)
}

/// What this process counted in each minute of the last hour.
pub fn history() -> Value {
    let engine = engine();
    let now_us = engine.clock.now().shifted_us(engine.ledger.store_offset_us()).0;
    crate::operate::history::own(now_us, &history::rows(engine))
}

fn alone(engine: &Arc<Engine>) -> Fleet {
    let snapshot = told(engine);
    let now_ms = snapshot.at;
    let own = Reported::new("", snapshot, now_ms);
    Fleet { now_ms, instances: vec![own], silent: Vec::new() }
}
