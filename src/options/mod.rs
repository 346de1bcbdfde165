//! The options, resolved.
//!
//! Order: the object given to `configure()`, then the environment, then the default. `spec.rs`
//! lists the options, each with its variable, unit, range and default; `sources.rs` looks a value
//! up. The options of the shared tier are in `shared.rs`, their server is in `server.rs`, from a
//! URL that `url` reads.

mod operated;
mod origin;
mod secret;
mod server;
mod shared;
mod sources;
mod spec;
#[cfg(test)]
mod tests;
mod tls;
mod url;

use serde_json::{Map, Value};

pub use self::operated::namespace;
pub use self::origin::Origin;
pub use self::secret::Secret;
pub use self::server::{HostPort, Server, Topology, without_login};
pub use self::shared::{InvalidationFailure, SharedOptions};
use self::sources::Sources;
pub use self::spec::is_namespace;
use self::spec::{
    AHEAD, DEBUG, DEBUG_TIME, DECISIONS, Derived, ENTRY, FETCH_WAIT, HOT, HOT_ENTRIES, JITTER,
    MEMORY, Number, ON_NOTICE, PLATFORM_URL, PRERENDERED, TAGS, WAIT,
};
use self::tls::EXTRA_CA;
pub use self::tls::{ClientPem, Pem, Tls};
use crate::error::Error;
use crate::spread::Spread;

/// The engine's options, resolved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// Bound of the memory tier, in bytes; 0 = no memory tier.
    pub memory_bytes: u64,
    /// Bound of one entry, in bytes.
    pub entry_bytes: usize,
    /// JavaScript objects kept ready per thread.
    pub hot_entries: usize,
    /// Bytes of the entries those objects belong to.
    pub hot_bytes: usize,
    /// How long a `fetch` miss waits for the same fetch under way, in ms; 0 = not at all.
    pub fetch_wait_ms: u32,
    /// How long any other get waits for a generation under way, in ms; 0 = not at all.
    pub wait_ms: u32,
    /// Whether misses of pages and routes look into the build output.
    pub prerendered: bool,
    /// When entries turn stale.
    pub spread: Spread,
    /// Tags remembered.
    pub max_tags: usize,
    /// Whether every decision prints a line.
    pub debug: bool,
    /// Whether such a line begins with time and process.
    pub debug_time: bool,
    /// Decisions remembered; 0 = none.
    pub decisions: usize,
    /// The tier shared with other processes; none = memory only.
    pub shared: Option<SharedOptions>,
}

const MIB: u64 = 1 << 20;

impl Default for Options {
    fn default() -> Self {
        let memory_bytes = MEMORY.default * MIB;
        Self {
            memory_bytes,
            entry_bytes: entry_share(memory_bytes),
            hot_entries: HOT_ENTRIES.default as usize,
            hot_bytes: hot_share(memory_bytes),
            fetch_wait_ms: FETCH_WAIT.default as u32,
            wait_ms: WAIT.default as u32,
            prerendered: PRERENDERED.default,
            spread: Spread {
                jitter_percent: JITTER.default as u32,
                ahead_percent: AHEAD.default as u32,
            },
            max_tags: TAGS.default as usize,
            debug: DEBUG.default,
            debug_time: DEBUG_TIME.default,
            decisions: DECISIONS.default as usize,
            shared: None,
        }
    }
}

/// One entry may take a quarter, and at least 1 MiB: one page must not empty the cache.
fn entry_share(memory_bytes: u64) -> usize {
    (memory_bytes / 4).max(MIB) as usize
}

fn hot_share(memory_bytes: u64) -> usize {
    (memory_bytes / 2) as usize
}

impl Options {
    /// Resolves options from an object and an environment, both as JSON objects.
    ///
    /// # Errors
    /// An unknown option, or a forbidden value. Unknown environment variables are no error:
    /// platforms invent them.
    pub fn resolve(given: &Value, env: &Value) -> Result<Self, Error> {
        let empty = Map::new();
        let given = match given {
            Value::Object(map) => map,
            Value::Null => &empty,
            _ => return Err(Error::NotAnObject),
        };
        let env = env.as_object().unwrap_or(&empty);
        if let Some(option) = given.keys().find(|key| spec::ALL.iter().all(|o| o.option != *key)) {
            let known: Vec<_> = spec::ALL.iter().map(|o| o.option).collect();
            let meant = origin::nearest(option, known.iter().copied()).map(str::to_owned);
            return Err(Error::UnknownOption {
                option: option.clone(),
                meant,
                known: known.join(", "),
            });
        }
        let read = Sources { given, env };
        read.callback(&ON_NOTICE)?;
        let memory_bytes = read.number(&MEMORY)? * MIB;
        let bytes = |spec: &Number<Derived>, derived: usize| {
            Ok(read.given_number(spec)?.map_or(derived, |mib| (mib.value * MIB) as usize))
        };
        let count = |spec: &Number| Ok(read.number(spec)? as usize);
        let small = |spec: &Number| Ok(read.number(spec)? as u32);
        Ok(Self {
            memory_bytes,
            entry_bytes: bytes(&ENTRY, entry_share(memory_bytes))?,
            hot_entries: count(&HOT_ENTRIES)?,
            hot_bytes: bytes(&HOT, hot_share(memory_bytes))?,
            fetch_wait_ms: small(&FETCH_WAIT)?,
            wait_ms: small(&WAIT)?,
            prerendered: read.flag(&PRERENDERED)?,
            spread: Spread { jitter_percent: small(&JITTER)?, ahead_percent: small(&AHEAD)? },
            max_tags: count(&TAGS)?,
            debug: read.flag(&DEBUG)?,
            debug_time: read.flag(&DEBUG_TIME)?,
            decisions: count(&DECISIONS)?,
            shared: SharedOptions::resolve(&read)?,
        })
    }

    /// Bound of one entry of the shared tier, in bytes: at least 16 MiB, because a small memory
    /// tier does not limit it.
    pub fn shared_entry_bytes(&self) -> usize {
        self.entry_bytes.max(16 << 20)
    }

    /// The environment variables that configure the engine.
    pub fn env_names() -> Vec<&'static str> {
        let own = spec::ALL.iter().map(|o| o.env).filter(|env| !env.is_empty());
        own.chain([PLATFORM_URL, EXTRA_CA]).collect()
    }
}
