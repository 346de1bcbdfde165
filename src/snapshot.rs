//! What one instance tells the others of itself: its counters, as they are at one moment.
//!
//! # Format
//! JSON of about 1 kB, [`MOST_BYTES`] at most. A fleet in the middle of a deploy has several
//! versions: a reader ignores fields that it does not know, and fields that are missing have their
//! default, so a field may be added but never mean something else. Binary would save half the bytes,
//! which cost the server nothing that can be measured, and nobody could read it in `redis-cli`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Bytes of a snapshot. Of one that is larger, the lists are cut.
pub const MOST_BYTES: usize = 2 << 10;
/// Bytes that are read as a snapshot: later versions may say more.
const MOST_READ: usize = 16 << 10;
/// Characters of a key, or of the tags of an invalidation.
pub const MOST_CHARS: usize = 80;
/// Busiest keys, and busiest tags.
pub const MOST_BUSY: usize = 5;
/// Slowest keys.
pub const MOST_SLOW: usize = 5;
/// Invalidations.
pub const MOST_INVALIDATED: usize = 5;

/// The counters of one instance, totals since its start.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Snapshot {
    /// When it was made, in ms since the epoch, on the clock of the server.
    pub at: f64,
    /// The machine.
    pub host: String,
    /// The process.
    pub pid: u32,
    /// The version of this package.
    pub version: String,
    /// The version of Next.js.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
    /// The version of Node.js.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub node: Option<String>,
    /// The id of the build.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub build: Option<String>,
    /// When the engine started, in ms since the epoch, on the clock of the server.
    pub started_at: f64,
    /// How it is connected to the shared tier, in a word.
    pub state: String,
    /// Answers to gets, by kind. Kinds without any are left out.
    pub kinds: BTreeMap<String, Answers>,
    /// The memory tier.
    pub memory: Memory,
    /// How long gets take inside the engine.
    pub get: Times,
    /// How long ago it last knew every invalidation, in ms.
    pub lag_ms: f64,
    /// Generations that several instances wanted.
    pub leases: Leases,
    /// Entries stored.
    pub sets: u64,
    /// Invalidations that it has sent.
    pub invalidations: u64,
    /// The keys that are asked for most, the busiest first.
    pub busiest: Vec<Busy>,
    /// The tags of what is asked for most, the busiest first.
    pub busiest_tags: Vec<Busy>,
    /// What took longest to generate among what was generated lately, the slowest first.
    pub slowest: Vec<Slow>,
    /// Its last invalidations, the newest first.
    pub invalidated: Vec<Invalidated>,
}

/// Answers to gets, from whatever tier.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Answers {
    /// Something fresh.
    pub fresh: u64,
    /// Something stale.
    pub stale: u64,
    /// Nothing.
    pub misses: u64,
}

/// The memory tier.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Memory {
    /// Entries in it.
    pub entries: u64,
    /// Their bytes.
    pub bytes: u64,
    /// The bound.
    pub capacity_bytes: u64,
    /// Entries that had to leave.
    pub evictions: u64,
}

/// Percentiles in microseconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Times {
    /// Half took at most this.
    pub p50_micros: f64,
    /// 99 of 100 did.
    pub p99_micros: f64,
}

/// Generations that several instances wanted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Leases {
    /// Leases that it holds now.
    pub held: u64,
    /// Leases that it got.
    pub taken: u64,
    /// Gets that waited for another instance.
    pub followed: u64,
    /// Those of them that timed out.
    pub timed_out: u64,
}

/// Something that is asked for often.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Busy {
    /// The key, or the tag, perhaps cut.
    pub name: String,
    /// The kind of a key.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub kind: String,
    /// Gets in a second, over the last minute or as far as decisions are remembered.
    pub per_sec: f64,
}

/// Something that takes long to generate.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Slow {
    /// The key, perhaps cut.
    pub name: String,
    /// Its kind.
    pub kind: String,
    /// How long its slowest generation took, in ms.
    pub ms: f64,
}

/// An invalidation by this instance.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Invalidated {
    /// When it began, in ms since the epoch, on the clock of the server.
    pub at: f64,
    /// The tags, perhaps cut.
    pub tags: String,
    /// Whether entries are stale only.
    pub is_soft: bool,
    /// Whether every instance knew of it when the call ended.
    pub is_everywhere: bool,
    /// How long that took, in ms.
    pub ms: f64,
}

impl Snapshot {
    /// The bytes to publish.
    pub fn encode(&self) -> Option<Vec<u8>> {
        let bytes = serde_json::to_vec(self).ok()?;
        if bytes.len() <= MOST_BYTES {
            return Some(bytes);
        }
        let mut shorter = self.clone();
        loop {
            // What is least telling goes first.
            let lists = [shorter.busiest_tags.len(), shorter.busiest.len()];
            let is_cut = if shorter.slowest.pop().is_some() {
                true
            } else if lists[0] > 0 && lists[0] >= lists[1] {
                shorter.busiest_tags.pop().is_some()
            } else {
                shorter.busiest.pop().is_some() || shorter.invalidated.pop().is_some()
            };
            let bytes = serde_json::to_vec(&shorter).ok()?;
            if bytes.len() <= MOST_BYTES || !is_cut {
                return Some(bytes);
            }
        }
    }

    /// The snapshot in bytes from the server; `None` if they are none.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        // An array would be read as the fields in their order.
        let is_object = bytes.first() == Some(&b'{') && bytes.len() <= MOST_READ;
        is_object.then(|| serde_json::from_slice(bytes).ok()).flatten()
    }
}

/// So much of a text as a snapshot has room for.
pub fn cut(text: &str) -> String {
    match text.char_indices().nth(MOST_CHARS) {
        Some((at, _)) => format!("{}…", text.get(..at).unwrap_or_default()),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn snapshot() -> Snapshot {
        let answers = Answers { fresh: 4_000_000_000, stale: 12_345, misses: 99_999 };
        let busy = |name: &str| Busy { name: name.into(), kind: "APP_PAGE".into(), per_sec: 12.5 };
        let done = Invalidated {
            at: 1_796_031_731_123.0,
            tags: "posts, authors".into(),
            is_soft: true,
            is_everywhere: true,
            ms: 12.3,
        };
        Snapshot {
            at: 1_796_031_731_123.0,
            host: "web-7f9c6d5b4-x2x9k".into(),
            pid: 4_711,
            version: "1.2.3".into(),
            next: Some("16.4.6".into()),
            node: Some("22.12.0".into()),
            build: Some("4txQ2hN6pY0Zr8sLmVbKe".into()),
            started_at: 1_796_031_731_123.0,
            state: "connected".into(),
            kinds: ["appPage", "fetch", "useCache"].map(|kind| (kind.into(), answers)).into(),
            memory: Memory {
                entries: 9_999,
                bytes: 1 << 26,
                capacity_bytes: 1 << 26,
                evictions: 7,
            },
            busiest: vec![busy("/blog/first"); 3],
            busiest_tags: vec![busy("posts"); 3],
            invalidated: vec![done; 2],
            ..Snapshot::default()
        }
    }

    #[test]
    fn a_snapshot_is_read_as_it_was_written_and_takes_about_a_kilobyte() {
        let bytes = snapshot().encode().unwrap();
        assert!(bytes.len() <= 1_400, "{} bytes", bytes.len());
        assert_eq!(Snapshot::decode(&bytes), Some(snapshot()));
    }

    #[test]
    fn however_much_there_is_to_tell_a_snapshot_stays_small() {
        let mut large = snapshot();
        for list in [&mut large.busiest, &mut large.busiest_tags] {
            list.resize(MOST_BUSY, Busy { name: "\u{1}".repeat(MOST_CHARS), ..Busy::default() });
        }
        let bytes = large.encode().unwrap();
        assert!(bytes.len() <= MOST_BYTES, "{} bytes", bytes.len());
        let read = Snapshot::decode(&bytes).unwrap();
        assert_eq!((read.invalidated, read.kinds), (large.invalidated, large.kinds));
    }

    #[test]
    fn a_later_version_may_say_more_and_an_earlier_one_less() {
        let read = Snapshot::decode(br#"{"host":"web","later":{"a":[1]},"pid":7}"#).unwrap();
        assert_eq!((read.host.as_str(), read.pid, read.lag_ms), ("web", 7, 0.0));
    }

    #[test]
    fn what_is_no_snapshot_is_none() {
        for bytes in [&b""[..], b"[1]", b"\xff\xfe", br#"{"pid":-1}"#, br#"{"host":7}"#] {
            assert_eq!(Snapshot::decode(bytes), None, "{bytes:?}");
        }
        let long = format!(r#"{{"host":"{}"}}"#, "a".repeat(MOST_READ));
        assert_eq!(Snapshot::decode(long.as_bytes()), None);
    }

    #[test]
    fn a_text_is_cut_between_characters() {
        assert_eq!(cut("/blog"), "/blog");
        let cut = cut(&"ä".repeat(MOST_CHARS + 1));
        assert_eq!(cut, format!("{}…", "ä".repeat(MOST_CHARS)));
    }
}
