//! Prerendered build output as a value.

use std::path::Path;

use serde_json::{Value, json};

use crate::next::seed::{self, FetchSeed, Kind, Seed, Wanted};
use crate::next::value::{Part, ValueKind, encode};
use crate::tags::{Tag, TagList};

/// Where Next.js keeps the tags of a page.
const TAGS_HEADER: &str = "x-next-cache-tags";

/// A value read from build output.
#[derive(Debug)]
pub struct Output {
    /// What it is.
    pub kind: ValueKind,
    /// When it was built, in ms since the epoch, by the date of its file.
    pub modified_ms: f64,
    /// Its lifetime, if the build gave it one.
    pub revalidate_secs: Option<u64>,
    /// Its tags, implicit ones included.
    pub tags: TagList,
    /// The value, laid out as `value.rs` says.
    pub body: Box<[u8]>,
}

/// Reads the output for `key` below `.next/server`; `None` if there is none, or it is malformed.
/// The first caller also loads the manifest of the build.
pub fn read(
    server_dir: &Path,
    key: &str,
    kind: ValueKind,
    is_fallback: bool,
    is_ppr: bool,
) -> Option<Output> {
    if kind == ValueKind::Fetch {
        return fetched(server_dir, key);
    }
    seed::load(server_dir);
    let kind = match kind {
        ValueKind::AppPage => Kind::AppPage,
        ValueKind::AppRoute => Kind::AppRoute,
        ValueKind::Pages => Kind::Pages,
        _ => return None,
    };
    let seed = seed::read(&Wanted { server_dir, key, kind, is_fallback, is_ppr })?;
    Some(Output {
        kind: match seed.kind {
            Kind::AppPage => ValueKind::AppPage,
            Kind::AppRoute => ValueKind::AppRoute,
            Kind::Pages => ValueKind::Pages,
        },
        modified_ms: seed.modified_ms,
        revalidate_secs: seed::revalidate_secs(server_dir, key),
        tags: tags(&seed),
        body: lay_out(&seed)?,
    })
}

fn fetched(server_dir: &Path, key: &str) -> Option<Output> {
    let FetchSeed { modified_ms, revalidate_secs, tags, value, data, body } =
        seed::read_fetch(server_dir, key)?;
    let json = units(&json!({ "v": value, "d": data }).to_string());
    let body = body.as_deref().map(units);
    let body = body.as_deref().map_or(Part::Absent, Part::Text);
    Some(Output {
        kind: ValueKind::Fetch,
        modified_ms,
        revalidate_secs,
        tags: tags.iter().map(|tag| Tag::from(tag.as_str())).collect(),
        body: encode(&[Part::Text(&json), body])?,
    })
}

/// Whether `key` names a page that `dynamicParams = false` prerendered.
pub fn is_closed(server_dir: &Path, key: &str) -> bool {
    seed::is_closed_path(server_dir, key)
}

fn tags(seed: &Seed) -> TagList {
    let header = seed.headers.as_ref().and_then(|headers| headers.get(TAGS_HEADER));
    let tags = header.and_then(Value::as_str).unwrap_or_default();
    tags.split(',').filter(|tag| !tag.is_empty()).map(Tag::from).collect()
}

/// The parts in the order of `js/values.js`.
fn lay_out(seed: &Seed) -> Option<Box<[u8]>> {
    let mut fields = Vec::new();
    let mut add = |name: &str, text: Option<String>| {
        fields.extend(text.map(|text| format!("\"{name}\":{text}")));
    };
    add("headers", seed.headers.as_ref().map(Value::to_string));
    add("status", seed.status.map(|status| status.to_string()));
    add("postponed", seed.postponed.as_ref().map(|text| json!(text).to_string()));
    // The text itself, for JavaScript to parse: order of keys, odd escapes and numbers are kept.
    add("pageData", seed.page_data.clone());
    let mut outer = vec![format!("\"v\":{{{}}}", fields.join(","))];
    if let Some(segments) = &seed.segments {
        let names: Value = segments.iter().map(|(name, _)| name.as_str()).collect();
        outer.push(format!("\"s\":{names}"));
    }
    outer.extend(seed.cache_control.as_ref().map(|c| format!("\"c\":{c}")));
    let json = format!("{{{}}}", outer.join(","));
    let (json, html) = (units(&json), units(&seed.html));
    let mut parts = vec![Part::Text(&json)];
    match seed.kind {
        Kind::AppRoute => parts.push(Part::Bytes(&seed.body)),
        Kind::Pages => parts.push(Part::Text(&html)),
        Kind::AppPage => {
            parts.push(Part::Text(&html));
            parts.push(seed.rsc.as_deref().map_or(Part::Absent, Part::Bytes));
            let segments = seed.segments.iter().flatten();
            parts.extend(segments.map(|(_, bytes)| Part::Bytes(bytes)));
        }
    }
    encode(&parts)
}

fn units(text: &str) -> Vec<u16> {
    text.encode_utf16().collect()
}
