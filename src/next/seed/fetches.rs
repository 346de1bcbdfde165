//! Data that `next build` fetched, where Next.js keeps it: `.next/cache/fetch-cache`.
//!
//! The format is that of `FileSystemCache` (`server/lib/incremental-cache/file-system-cache.js`),
//! which writes it during a build and reads it when it serves. With a custom handler Next.js does
//! neither, so `js/build.js` writes it. Files that Next.js' own cache wrote in an earlier build are
//! found too.

use std::{collections::HashSet, fs, path::Path};

use serde::Deserialize;
use serde_json::{Map, Value};

use super::output::{FILE_LIMIT, modified_ms, read_bounded};

/// Digits of a key: Next's SHA-256 of the request.
const KEY_DIGITS: usize = 64;
/// Files whose names are remembered, 16 bytes each; beyond this, every lookup asks the disk.
const MOST_NAMES: usize = 1 << 18;

/// The files of a build, by the first half of their names: enough to know that one is missing.
#[derive(Debug)]
pub enum Fetches {
    /// A file for each of these.
    Named(HashSet<u128>),
    /// More files than are worth remembering.
    Countless,
}

/// A `fetch` or a result of `unstable_cache` stored by a build.
#[derive(Debug, PartialEq)]
pub struct FetchSeed {
    /// When it was written: whole milliseconds since the epoch.
    pub modified_ms: f64,
    /// In seconds; `None` if it is never revalidated.
    pub revalidate_secs: Option<u64>,
    /// The tags of the caller that fetched it.
    pub tags: Vec<String>,
    /// `value` without its kind, its data and its tags.
    pub value: Map<String, Value>,
    /// `value.data` without its body.
    pub data: Map<String, Value>,
    /// `value.data.body`; `None` is `undefined`.
    pub body: Option<String>,
}

/// # Format
/// One JSON object per file: a value of kind `FETCH` as a handler receives it, and `tags`.
#[derive(Deserialize)]
struct File {
    kind: String,
    #[serde(default)]
    tags: Option<Vec<String>>,
    data: Map<String, Value>,
    #[serde(flatten)]
    value: Map<String, Value>,
}

impl Fetches {
    /// Lists the files of a build. Blocking. A missing folder, as in a container, is an empty one.
    #[must_use]
    pub fn list(server_dir: &Path) -> Self {
        let entries = folder(server_dir).and_then(|folder| fs::read_dir(folder).ok());
        let mut names = HashSet::new();
        for entry in entries.into_iter().flatten().flatten() {
            names.extend(entry.file_name().to_str().and_then(name_of));
            if names.len() > MOST_NAMES {
                return Self::Countless;
            }
        }
        Self::Named(names)
    }

    /// Whether a key may have a file.
    #[must_use]
    pub fn has(&self, key: &str) -> bool {
        match (self, name_of(key)) {
            (Self::Named(names), Some(name)) => names.contains(&name),
            (Self::Countless, name) => name.is_some(),
            (Self::Named(_), None) => false,
        }
    }
}

/// Reads the data fetched under a key. Blocking. `None` if there is nothing usable.
#[must_use]
pub fn read_fetch(server_dir: &Path, key: &str) -> Option<FetchSeed> {
    name_of(key)?;
    let file = folder(server_dir)?.join(key);
    let File { kind, tags, mut data, value } =
        serde_json::from_slice(&read_bounded(&file, FILE_LIMIT)?).ok()?;
    let body = match data.remove("body") {
        Some(Value::String(body)) => Some(body),
        None | Some(Value::Null) => None,
        Some(_) => return None,
    };
    (kind == "FETCH").then_some(FetchSeed {
        modified_ms: modified_ms(&file)?,
        revalidate_secs: value.get("revalidate").and_then(Value::as_u64),
        tags: tags.unwrap_or_default(),
        value,
        data,
        body,
    })
}

fn folder(server_dir: &Path) -> Option<std::path::PathBuf> {
    Some(server_dir.parent()?.join("cache/fetch-cache"))
}

/// The first half of a key; `None` if it is not one that Next.js makes.
fn name_of(key: &str) -> Option<u128> {
    let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    let is_key = key.len() == KEY_DIGITS && key.bytes().all(is_digit);
    is_key.then(|| u128::from_str_radix(key.get(..KEY_DIGITS / 2)?, 16).ok()).flatten()
}
