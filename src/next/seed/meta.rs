//! The `.meta` file next to a prerendered output.

use serde::Deserialize;
use serde_json::{Map, Value};

use super::{Kind, Wanted, output::Output};

/// What a `.meta` file says, as far as an entry needs it. `null` is the same as absent.
///
/// # Format
/// One JSON object, written by Next's `export/routes/*.js` at build and by `FileSystemCache`
/// later. A field of another type than below makes the whole file malformed.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Meta {
    pub(super) headers: Option<Map<String, Value>>,
    pub(super) status: Option<u16>,
    pub(super) postponed: Option<String>,
    pub(super) segment_paths: Option<Vec<String>>,
    pub(super) cache_control: Option<Map<String, Value>>,
    /// Milliseconds since the epoch; only in files that the built-in cache promoted.
    #[serde(rename = "routeCacheLastModified")]
    pub(super) last_modified: Option<f64>,
    route_cache: Option<RouteCache>,
}

/// Which response the output next to it is (16.3.8 and later).
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct RouteCache {
    key: String,
    owner: Owner,
    is_fallback: bool,
}

#[derive(Debug, Deserialize)]
struct Owner {
    kind: String,
}

impl Meta {
    pub(super) fn read(output: &Output, base: &str) -> Option<Self> {
        serde_json::from_slice(&output.bytes(&format!("{base}.meta"))?).ok()
    }

    /// Whether the output is the wanted one, and not that of another route with the same path.
    /// `key_kind` is the kind that the key itself names.
    ///
    /// Next also hashes the owner's source route and compares that with the hash in the key. This
    /// check is left out: both stand in the same object, written together from the same owner, so
    /// only a file made by hand could fail it.
    pub(super) fn answers(&self, wanted: &Wanted<'_>, key_kind: &str) -> bool {
        let Some(found) = &self.route_cache else { return false };
        // With PPR a shell is also read by ordinary lookups, which ask with `isFallback: false`.
        let is_shell = wanted.kind == Kind::AppPage && wanted.is_ppr && self.postponed.is_some();
        found.key == wanted.key
            && found.owner.kind == key_kind
            && (found.is_fallback == wanted.is_fallback || is_shell)
    }
}
