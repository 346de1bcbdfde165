//! The fleet that this process belongs to: what it tells of itself, and what the others have told.

use std::sync::Arc;

use bytes::Bytes;
use parking_lot::Mutex;
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
use crate::operate::server::Trouble;
use crate::redis::host;
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
    elsewhere(|| answer(|| Ok(alone(engine))));
}

/// On another thread, if there can be one: counting decisions takes milliseconds.
fn elsewhere(work: impl Fn() + Clone + Send + 'static) {
    if std::thread::Builder::new().spawn(work.clone()).is_err() {
        work();
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
    let engine = engine();
    if let Some(store) = STORE.get() {
        let told = |told: Result<Vec<_>, _>| json(|| told.map(|told| Accounts::of(&told)));
        return store.accounts(of, Box::new(move |all| receive(told(all))));
    }
    let receive = Arc::new(Mutex::new(Some(receive)));
    elsewhere(move || {
        if let Some(receive) = receive.lock().take() {
            receive(json(|| Ok(own_alone(engine, &of))));
        }
    });
}

fn own_alone(engine: &Engine, of: &str) -> Accounts {
    let mut all = Accounts::default();
    all.add(own(engine, of));
    all
}

/// What this process counted in each minute of the last hour.
pub fn history() -> Value {
    let engine = engine();
    crate::operate::history::own(history::now_us(engine), &history::rows(engine))
}

fn alone(engine: &Arc<Engine>) -> Fleet {
    let snapshot = told(engine);
    let now_ms = snapshot.at;
    let own = Reported::new("", snapshot, now_ms);
    Fleet { now_ms, instances: vec![own], silent: Vec::new() }
}
