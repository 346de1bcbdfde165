//! The carrier against real servers, each started by its test on a port of its own.
//!
//! Without a `redis-server` in the path they are skipped, but not in CI. `REDIS_SERVER` names
//! another one: all of them, except encryption where it is not built in, hold from Redis 6.2 to
//! Valkey 9; on 6.0 all except those of access lists, whose syntax differs there.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "tests outside cfg(test)"
)]

mod app;
mod entries;
mod facts;
mod faults;
mod followers;
mod leases;
mod messages;
mod operate;
mod peer;
mod proxy;
mod questions;
mod scripts;
mod server;
mod snapshots;
mod topologies;
mod turns;
