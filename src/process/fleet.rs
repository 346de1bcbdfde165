//! The fleet that this process belongs to: what it tells of itself, and what the others have told.

use std::sync::Arc;

use serde_json::Value;

use super::{SEEN, engine};
use crate::engine::Engine;
use crate::handler::history;
use crate::handler::snapshot::snapshot;
use crate::operate;
use crate::operate::fleet::{Fleet, Reported};
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

/// What the instances of the fleet tell of themselves; without a shared tier there is this one.
/// Blocks, over a connection that is opened for it: what is asked rarely takes nothing from pages.
///
/// # Errors
/// The server cannot be used.
pub fn instances() -> Result<Fleet, Trouble> {
    let engine = engine();
    let Some((tier, shared)) = engine.tier().zip(engine.options.shared.as_ref()) else {
        return Ok(alone(engine));
    };
    let shared = SharedOptions { namespace: Some(tier.namespace.clone()), ..shared.clone() };
    let server = RedisOperator::new(&shared);
    let server = server.map_err(|error| Trouble::failed(error.to_string()))?;
    Ok(operate::fleet::fleet(&server.published()?))
}

/// What this process counted in each minute of the last hour.
pub fn history() -> Value {
    let engine = engine();
    let now_us = engine.clock.now().shifted_us(engine.ledger.store_offset_us()).0;
    operate::history::own(now_us, &history::rows(engine))
}

fn alone(engine: &Arc<Engine>) -> Fleet {
    let snapshot = told(engine);
    let now_ms = snapshot.at;
    let own = Reported::new("", snapshot, now_ms);
    Fleet { now_ms, instances: vec![own], silent: Vec::new() }
}
