//! The fleet that this process belongs to: what it tells of itself, and what the others have told.

use std::sync::Arc;

use super::{SEEN, engine};
use crate::account::Account;
use crate::engine::Engine;
use crate::handler::account::account;
use crate::handler::snapshot::snapshot;
use crate::operate;
use crate::operate::account::Accounts;
use crate::operate::fleet::{Fleet, Reported};
use crate::operate::server::{Server, Trouble};
use crate::options::SharedOptions;
use crate::redis::{RedisOperator, host};
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

/// What the instances of the fleet tell of themselves; without a shared tier there is this one.
/// Blocks, over a connection that is opened for it: what is asked rarely takes nothing from pages.
///
/// # Errors
/// The server cannot be used.
pub fn instances() -> Result<Fleet, Trouble> {
    let engine = engine();
    match server(engine)? {
        Some(server) => Ok(operate::fleet::fleet(&server.published()?)),
        None => Ok(alone(engine)),
    }
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

/// What the instances of the fleet remember about something; without a shared tier there is this one.
/// Blocks, as [`instances`] does.
///
/// # Errors
/// The server cannot be used.
pub fn accounts(of: &str) -> Result<Accounts, Trouble> {
    let engine = engine();
    if let Some(server) = server(engine)? {
        return Ok(Accounts::of(&server.ask(of)?));
    }
    let mut all = Accounts::default();
    all.add(own(engine, of));
    Ok(all)
}

fn alone(engine: &Arc<Engine>) -> Fleet {
    let snapshot = told(engine);
    let now_ms = snapshot.at;
    let own = Reported::new("", snapshot, now_ms);
    Fleet { now_ms, instances: vec![own], silent: Vec::new() }
}
