//! The two cache handler interfaces of Next.js, without Node: what a get, a set and an invalidation
//! mean.
//!
//! [`request`] is what is asked for and by whom. [`hot`] is the shortest get, of what [`ready`] has an
//! object for. [`get`] is every other one: it ends with an [`answer`], or waits, and begins again
//! with its [`progress`]; [`miss`] says who generates and what it waits for where nothing is fresh.
//! [`set`] stores what was generated, as old as [`dating`] finds it; [`invalidate`] ends it.
//! [`output`] takes entries from what `next build` has left for the [`apps`] of this process.
//! [`thread`] is what a thread of JavaScript has from call to call, [`inbox`] what other threads have
//! for it, [`next_clock`] the clock of Next.js there, and [`decision`] why a call ended as it did.
//!
//! A get is judged for itself each time it begins: what another one was told counts for nothing.

pub mod answer;
pub mod apps;
pub mod dating;
pub mod decision;
pub mod get;
pub mod hot;
pub mod inbox;
pub mod invalidate;
mod miss;
pub mod next_clock;
pub mod output;
pub mod progress;
pub mod ready;
pub mod request;
pub mod set;
pub mod thread;

use std::sync::Arc;

use self::apps::Apps;
use self::thread::Thread;
use crate::engine::Engine;

/// What every call works with.
#[derive(Debug, Clone, Copy)]
pub struct Handler<'a> {
    /// The engine of this process.
    pub engine: &'a Arc<Engine>,
    /// The apps of this process.
    pub apps: &'a Apps,
    /// The thread of JavaScript that calls.
    pub thread: &'a Thread,
}

#[cfg(test)]
mod tests;
