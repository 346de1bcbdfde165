//! Every option, its environment variable, its unit and its default. They exist here only.
//!
//! Order: the object given to `configure()`, then the environment, then the default.

use serde_json::{Map, Value};

use crate::error::Error;

/// The engine's options, resolved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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
    /// Tags remembered.
    pub max_tags: usize,
    /// Whether every decision prints a line.
    pub debug: bool,
}

enum Kind {
    Number { least: u64, most: u64 },
    Flag,
}

struct Spec {
    name: &'static str,
    env: &'static str,
    kind: Kind,
}

const fn number(name: &'static str, env: &'static str, least: u64, most: u64) -> Spec {
    Spec { name, env, kind: Kind::Number { least, most } }
}

const fn flag(name: &'static str, env: &'static str) -> Spec {
    Spec { name, env, kind: Kind::Flag }
}

const MEMORY: Spec = number("memoryMb", "TIERCEL_MEMORY_MB", 0, 1 << 20);
const ENTRY: Spec = number("maxEntryMb", "TIERCEL_MAX_ENTRY_MB", 1, 1 << 10);
const HOT_ENTRIES: Spec = number("hotEntries", "TIERCEL_HOT_ENTRIES", 0, 1 << 20);
const HOT: Spec = number("hotMb", "TIERCEL_HOT_MB", 0, 1 << 20);
const FETCH_WAIT: Spec = number("fetchWaitMs", "TIERCEL_FETCH_WAIT_MS", 0, 2_200);
const WAIT: Spec = number("waitMs", "TIERCEL_WAIT_MS", 0, 2_200);
const PRERENDERED: Spec = flag("prerendered", "TIERCEL_PRERENDERED");
const TAGS: Spec = number("maxTags", "TIERCEL_MAX_TAGS", 100, 10_000_000);
const DEBUG: Spec = flag("debug", "TIERCEL_DEBUG");

const SPECS: [&Spec; 9] =
    [&MEMORY, &ENTRY, &HOT_ENTRIES, &HOT, &FETCH_WAIT, &WAIT, &PRERENDERED, &TAGS, &DEBUG];

const MIB: u64 = 1 << 20;

impl Default for Options {
    fn default() -> Self {
        let memory_bytes = 64 * MIB;
        Self {
            memory_bytes,
            entry_bytes: entry_share(memory_bytes),
            hot_entries: 4_096,
            hot_bytes: hot_share(memory_bytes),
            fetch_wait_ms: 1_200,
            wait_ms: 2_200,
            prerendered: true,
            max_tags: 100_000,
            debug: false,
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
    /// An unknown option, or a value that is not allowed. Unknown environment variables are left
    /// alone: platforms invent them.
    pub fn resolve(given: &Value, env: &Value) -> Result<Self, Error> {
        let empty = Map::new();
        let given = match given {
            Value::Object(map) => map,
            Value::Null => &empty,
            _ => return Err(Error::NotAnObject),
        };
        let env = env.as_object().unwrap_or(&empty);
        if let Some(option) = given.keys().find(|key| SPECS.iter().all(|s| s.name != *key)) {
            let known = SPECS.map(|s| s.name).join(", ");
            return Err(Error::UnknownOption { option: option.clone(), known });
        }
        let read = Sources { given, env };
        let base = Self::default();
        let bytes = |spec: &Spec| Ok(read.number(spec)?.map(|mb| mb * MIB));
        let memory_bytes = bytes(&MEMORY)?.unwrap_or(base.memory_bytes);
        let entry_bytes = bytes(&ENTRY)?.map_or(entry_share(memory_bytes), |b| b as usize);
        let count = |spec: &Spec, default: usize| {
            Ok(read.number(spec)?.map_or(default, |number| number as usize))
        };
        let millis =
            |spec: &Spec, default: u32| Ok(read.number(spec)?.map_or(default, |ms| ms as u32));
        Ok(Self {
            memory_bytes,
            entry_bytes,
            hot_entries: count(&HOT_ENTRIES, base.hot_entries)?,
            hot_bytes: bytes(&HOT)?.map_or(hot_share(memory_bytes), |b| b as usize),
            fetch_wait_ms: millis(&FETCH_WAIT, base.fetch_wait_ms)?,
            wait_ms: millis(&WAIT, base.wait_ms)?,
            prerendered: read.flag(&PRERENDERED)?.unwrap_or(base.prerendered),
            max_tags: count(&TAGS, base.max_tags)?,
            debug: read.flag(&DEBUG)?.unwrap_or(base.debug),
        })
    }

    /// The environment variables that are read.
    pub fn env_names() -> Vec<&'static str> {
        SPECS.iter().map(|s| s.env).collect()
    }
}

struct Sources<'a> {
    given: &'a Map<String, Value>,
    env: &'a Map<String, Value>,
}

impl Sources<'_> {
    /// The value of an option with the name it was given under. An empty variable is none.
    fn find(&self, spec: &Spec) -> Option<(&'static str, &Value)> {
        let given = self.given.get(spec.name).filter(|v| !v.is_null()).map(|v| (spec.name, v));
        given.or_else(|| {
            let value = self.env.get(spec.env)?;
            (value.as_str() != Some("")).then_some((spec.env, value))
        })
    }

    fn number(&self, spec: &Spec) -> Result<Option<u64>, Error> {
        let Kind::Number { least, most } = spec.kind else { return Ok(None) };
        let Some((option, value)) = self.find(spec) else { return Ok(None) };
        let number = match value {
            Value::Number(n) => n.as_u64().or_else(|| whole(n.as_f64()?)),
            Value::String(s) if option == spec.env => s.trim().parse().ok(),
            _ => None,
        };
        number
            .filter(|n| (least..=most).contains(n))
            .map(Some)
            .ok_or_else(|| refused(option, format!("a whole number from {least} to {most}"), value))
    }

    fn flag(&self, spec: &Spec) -> Result<Option<bool>, Error> {
        let Some((option, value)) = self.find(spec) else { return Ok(None) };
        match value {
            Value::Bool(flag) => Ok(Some(*flag)),
            Value::String(s) if option == spec.env => match s.trim() {
                "1" | "true" | "on" | "yes" => Ok(Some(true)),
                "0" | "false" | "off" | "no" => Ok(Some(false)),
                _ => Err(refused(option, "1, 0, true or false".into(), value)),
            },
            _ => Err(refused(option, "true or false".into(), value)),
        }
    }
}

fn whole(number: f64) -> Option<u64> {
    (number.fract() == 0.0 && (0.0..=9e15).contains(&number)).then_some(number as u64)
}

fn refused(option: &str, allowed: String, value: &Value) -> Error {
    // A long text may be a secret that went into the wrong variable.
    let given = match value {
        Value::String(text) if text.len() > 12 => format!("a text of {} characters", text.len()),
        Value::Array(_) | Value::Object(_) => "neither number nor text".into(),
        short => short.to_string(),
    };
    Error::InvalidOption { option: option.into(), allowed, given }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn without_anything_the_defaults_hold() {
        let options = Options::resolve(&Value::Null, &json!({})).unwrap();
        assert_eq!(options, Options::default());
        assert_eq!(options.memory_bytes, 64 * MIB);
        assert_eq!(options.entry_bytes, 16 << 20);
        assert_eq!(options.hot_bytes, 32 << 20);
        assert_eq!((options.fetch_wait_ms, options.wait_ms), (1_200, 2_200));
        assert!(options.prerendered && !options.debug);
    }

    #[test]
    fn the_object_wins_over_the_environment() {
        let env = json!({ "TIERCEL_MEMORY_MB": "8", "TIERCEL_DEBUG": "1", "TIERCEL_WAIT_MS": "" });
        let options = Options::resolve(&json!({ "memoryMb": 16 }), &env).unwrap();
        assert_eq!(options.memory_bytes, 16 * MIB);
        assert!(options.debug);
    }

    #[test]
    fn a_wrong_value_is_refused_with_its_name_and_what_is_allowed() {
        let error = Options::resolve(&json!({ "memoryMb": "lots" }), &json!({})).unwrap_err();
        assert_eq!(error.code(), "TIERCEL_INVALID_OPTION");
        assert_eq!(
            error.to_string(),
            "tiercel: option `memoryMb` must be a whole number from 0 to 1048576, but is \"lots\""
        );
        let env = json!({ "TIERCEL_PRERENDERED": "maybe" });
        let error = Options::resolve(&Value::Null, &env).unwrap_err();
        assert!(error.to_string().contains("`TIERCEL_PRERENDERED` must be 1, 0, true or false"));
        assert!(Options::resolve(&json!({ "memoryMb": -1 }), &json!({})).is_err());
        assert!(Options::resolve(&json!({ "memoryMb": 1.5 }), &json!({})).is_err());
        assert!(Options::resolve(&json!([]), &json!({})).is_err());
    }

    #[test]
    fn a_misspelled_option_is_refused_with_the_list() {
        let error = Options::resolve(&json!({ "memoryMB": 1 }), &json!({})).unwrap_err();
        assert_eq!(error.code(), "TIERCEL_UNKNOWN_OPTION");
        assert!(error.to_string().contains("`memoryMB`; there are memoryMb, maxEntryMb"));
    }
}
