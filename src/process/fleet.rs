//! The fleet that this process belongs to: what it tells of itself, and what the others have told.

use std::sync::Arc;

use serde_json::json;

use super::{SEEN, STORE, engine};
use crate::engine::Engine;
use crate::guard::guard;
use crate::handler::snapshot::snapshot;
use crate::operate::fleet::{Askers, Fleet, Joined, Receive, Reported, fleet};
use crate::operate::server::Trouble;
use crate::redis::host;
use crate::snapshot::Snapshot;

/// The bytes that this process publishes.
pub(super) fn published(engine: &Engine) -> Option<Vec<u8>> {
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
    // Not here: counting decisions takes milliseconds.
    let counted = std::thread::Builder::new().spawn(|| answer(|| Ok(alone(engine))));
    if counted.is_err() {
        answer(|| Ok(alone(engine)));
    }
}

fn answer(make: impl FnOnce() -> Result<Fleet, Trouble>) {
    let told = guard(make).unwrap_or_else(|| Err(Trouble::failed("a defect of tiercel")));
    let told = told.map_or_else(|trouble| json!({ "trouble": trouble }), |fleet| json!(fleet));
    ASKERS.answer(&told.to_string().into());
}

fn alone(engine: &Arc<Engine>) -> Fleet {
    let snapshot = told(engine);
    let now_ms = snapshot.at;
    let own = Reported::new("", snapshot, now_ms);
    Fleet { now_ms, instances: vec![own], silent: Vec::new() }
}
