//! Tiercel: a cache engine for Next.js 16.
//!
//! Reading order: [`handler`] says what a get, a set and an invalidation of Next.js mean,
//! [`engine`] what then happens in the tiers. [`entry`] is the thing they move; [`tags`] judges it;
//! [`coherence`] keeps instances in agreement about that, and [`ledger`] the threads of one;
//! [`memory`] holds entries; [`store`] is the tier that other processes see, in the bytes of
//! [`codec`]; [`generation`] says who generates; [`spread`] when an entry is due. [`wake`],
//! [`options`], [`stats`], [`snapshot`], [`account`], [`history`], [`journal`], [`bounded`], [`clock`],
//! [`key`], [`guard`], [`notice`] and
//! [`error`] serve all of them.
//!
//! [`next`] knows what Next.js stores and expects; `binding` is the only code that knows Node, and
//! decides nothing; `abi` is its contract with JavaScript. The core depends on none of them.
//! [`app`] serves the app's own code, [`operate`] the one who runs it.
//! [`process`] puts the parts together.

#[cfg(any(feature = "napi", test))]
#[cfg_attr(test, expect(dead_code, reason = "`binding` is not built for tests"))]
mod abi;
pub mod account;
pub mod app;
#[cfg(all(feature = "napi", not(test)))]
mod binding;
pub mod bounded;
pub mod clock;
pub mod codec;
pub mod coherence;
pub mod engine;
pub mod entry;
pub mod error;
#[cfg(test)]
mod generated;
pub mod generation;
pub mod guard;
pub mod handler;
pub mod history;
pub mod journal;
pub mod key;
pub mod ledger;
pub mod memory;
pub mod next;
pub mod notice;
pub mod operate;
pub mod options;
pub mod process;
pub mod redis;
pub mod snapshot;
pub mod spread;
pub mod stats;
pub mod store;
mod sync;
pub mod tags;
pub mod wake;
