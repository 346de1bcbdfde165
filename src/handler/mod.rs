//! The two cache handler interfaces of Next.js, without Node: what a get, a set and an invalidation
//! mean.
//!
//! [`request`] describes what a get asks for, and its caller. [`hot`] is the shortest get, of an
//! entry that [`ready`] has an object for. [`get`] is every other one: it ends with an [`answer`],
//! or waits and begins again with its [`progress`]; where nothing is fresh, [`miss`] decides who
//! generates and what the get waits for. [`set`] stores a generated value, as old as [`dating`]
//! finds it; [`invalidate`] ends it. [`output`] reads entries from the output of `next build` for
//! the [`apps`] of this process. [`thread`] is the state of a JavaScript thread, [`inbox`] what
//! other threads have for it, [`next_clock`] the clock of Next.js there, [`decision`] why a call
//! ended as it did, [`hits`] what was hit meanwhile, [`recall`] which decisions are remembered,
//! [`snapshot`] what the fleet is told, and [`history`] what is counted for the last hour. [`own`] is
//! where gets of the app's
//! own code differ, and [`closed`] where those of pages without other parameters do.
//!
//! A get is judged on its own each time it begins: the answer to another get counts for nothing.

pub mod account;
pub mod answer;
pub mod apps;
mod closed;
pub mod dating;
pub mod decision;
pub mod get;
pub mod history;
mod hits;
pub mod hot;
pub mod inbox;
pub mod invalidate;
mod miss;
pub mod next_clock;
pub mod output;
mod own;
pub mod progress;
pub mod ready;
pub mod recall;
pub mod request;
pub mod set;
pub mod snapshot;
pub mod thread;

use std::sync::Arc;

use self::apps::Apps;
use self::thread::Thread;
use crate::engine::Engine;
use crate::stats::{Kind, Place, SAMPLE};

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

impl Handler<'_> {
    /// Notes how long one get in [`SAMPLE`] took: of a kind, and where it ended unless it
    /// waits.
    pub fn time_get(self, kind: Option<Kind>, place: Option<Place>, ns: u64) {
        let stats = &self.engine.stats;
        stats.time_get(ns);
        if let (Some(kind), Some(place)) = (kind, place) {
            stats.time_answer(kind, place, ns.div_ceil(1_000), SAMPLE);
        }
        history::close(self.engine);
    }
}

#[cfg(test)]
mod tests;
