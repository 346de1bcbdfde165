//! Loads: so many calls a second, whatever becomes of those before.

use std::sync::Arc;
use std::thread::sleep;
use std::time::Duration;

use serde_json::{Value, json};
use tiercel::clock::stopwatch_ns;
use tiercel::engine::Engine;
use tiercel::tags::Tag;

use crate::gauge::{Server, Spent};
use crate::instance::{Calls, Ended};

/// Names that the tags are taken from in turn.
const NAMES: u64 = 20_000;
/// The rates that are tried, one after the other.
const RATES: [u64; 13] =
    [10, 20, 50, 100, 150, 250, 500, 1_000, 2_000, 4_000, 8_000, 16_000, 32_000];
/// A rate counts as managed while the slowest hundredth of its calls takes less than this.
const MOST_MS: f64 = 250.0;

/// A load.
#[derive(Clone, Copy)]
pub(crate) struct Load {
    /// Instances that call, in turn.
    pub(crate) writers: usize,
    pub(crate) tags_per_call: u64,
    pub(crate) calls_per_sec: u64,
    pub(crate) secs: f64,
}

/// What became of it.
pub(crate) struct Run {
    load: Load,
    ended: Ended,
    spent: Spent,
    /// How many calls a second were made in fact: a busy machine keeps the caller from it.
    made_per_sec: f64,
}

impl Load {
    pub(crate) fn run(self, fleet: &[Arc<Engine>], server: &mut Server) -> Result<Run, String> {
        let calls = Arc::new(Calls::default());
        let before = server.read().map_err(|error| error.to_string())?;
        let began = stopwatch_ns();
        let count = (self.calls_per_sec as f64 * self.secs) as u64;
        for number in 0..count {
            let due = began + number * 1_000_000_000 / self.calls_per_sec;
            let early = due.saturating_sub(stopwatch_ns());
            if early > 200_000 {
                sleep(Duration::from_nanos(early));
            }
            let writer = fleet.iter().take(self.writers).nth(number as usize % self.writers);
            let first = number * self.tags_per_call;
            let tags: Vec<Tag> = (first..first + self.tags_per_call)
                .map(|tag| Tag::from(&*format!("product-{}", tag % NAMES)))
                .collect();
            if let Some(engine) = writer {
                calls.make(engine, &tags);
            }
        }
        let made_secs = (stopwatch_ns() - began).max(1) as f64 / 1e9;
        let ended = calls.ended();
        let after = server.read().map_err(|error| error.to_string())?;
        let made_per_sec = count as f64 / made_secs;
        Ok(Run { load: self, ended, spent: before.until(&after), made_per_sec })
    }

    /// Tries higher and higher rates. Returns the last that was managed, and the one that was not.
    pub(crate) fn ramp(
        self,
        fleet: &[Arc<Engine>],
        server: &mut Server,
    ) -> Result<(Option<Run>, Option<Run>), String> {
        let mut managed = None;
        for calls_per_sec in RATES {
            let run = Self { calls_per_sec, ..self }.run(fleet, server)?;
            // What is left of it must not weigh on the next.
            sleep(Duration::from_millis(500));
            if !run.is_managed() {
                return Ok((managed, Some(run)));
            }
            managed = Some(run);
        }
        Ok((managed, None))
    }
}

impl Run {
    fn is_managed(&self) -> bool {
        let is_in_time = self.ended.within(0.99).is_some_and(|ms| ms <= MOST_MS);
        let is_made = self.made_per_sec >= self.load.calls_per_sec as f64 * 0.8;
        is_in_time && is_made && self.ended.alone == 0
    }

    pub(crate) fn report(&self) -> Value {
        let per_call = |secs: f64| secs * 1e6 / self.ended.calls.max(1) as f64;
        let commands = self.spent.commands.iter().map(|(name, (calls, us))| {
            let per = |total: u64| total as f64 / self.ended.calls.max(1) as f64;
            (name.clone(), json!([per(*calls), per(*us)]))
        });
        json!({
            "writers": self.load.writers,
            "tagsPerCall": self.load.tags_per_call,
            "callsPerSec": self.load.calls_per_sec,
            "madePerSec": self.made_per_sec,
            "calls": self.ended.calls,
            "open": self.ended.open,
            "alone": self.ended.alone,
            "p50Ms": self.ended.within(0.5),
            "p99Ms": self.ended.within(0.99),
            "redisShare": self.spent.server_share(),
            "ownShare": self.spent.own_share(),
            "redisMicrosPerCall": per_call(self.spent.server_secs),
            "ownMicrosPerCall": per_call(self.spent.own_secs),
            "bytesPerCall": self.spent.bytes as f64 / self.ended.calls.max(1) as f64,
            "commandsPerCall": commands.collect::<serde_json::Map<_, _>>(),
        })
    }
}
