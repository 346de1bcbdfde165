//! Prerendered build output, read from `.next/server` when no tier has an entry, so that the
//! first request after a deploy is a hit.
//!
//! Mirrors the disk half of `FileSystemCache.get` (`server/lib/incremental-cache/
//! file-system-cache.js`, read in Next.js 16.0.11, 16.1.7, 16.2.12, 16.3.7, 16.3.8 and 16.4.6).
//! Nothing here judges freshness or tags, and nothing is ever written.
//!
//! | file | role |
//! | --- | --- |
//! | `location.rs` | a response key, and where its output may lie |
//! | `output.rs` | bounded reads that cannot leave the build output |
//! | `meta.rs` | the `.meta` file |
//! | `fetches.rs` | data that the build fetched |
//! | `manifest.rs` | what `prerender-manifest.json` says of a path |

use std::path::Path;

use serde::de::IgnoredAny;
use serde_json::Value;

use self::{location::Location, meta::Meta, output::Output};

mod fetches;
mod location;
mod manifest;
mod meta;
mod output;
#[cfg(test)]
mod tests;

pub use self::{
    fetches::{FetchSeed, Fetches, read_fetch},
    location::route_path,
    manifest::{is_closed_path, is_listed, load, revalidate_secs},
};

/// The kind of response of an entry, as in Next's `IncrementalCacheKind`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A page of the App Router.
    AppPage,
    /// A route handler of the App Router.
    AppRoute,
    /// A page of the Pages Router.
    Pages,
}

impl Kind {
    /// Folder of the build output, and suffix of the file that holds the body.
    const fn layout(self) -> (&'static str, &'static str) {
        match self {
            Self::AppPage => ("app", ".html"),
            Self::AppRoute => ("app", ".body"),
            Self::Pages => ("pages", ".html"),
        }
    }
}

/// The arguments of a singular `get` of a response kind.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'a> {
    /// `ctx.serverDistDir` of the handler's constructor.
    pub server_dir: &'a Path,
    /// The key as Next gives it: `/route-cache/…/$/<path>` since 16.3.8, `/<path>` before.
    pub key: &'a str,
    /// `ctx.kind` of the `get`.
    pub kind: Kind,
    /// `ctx.isFallback` of the `get`.
    pub is_fallback: bool,
    /// `ctx.isRoutePPREnabled` of the `get`.
    pub is_ppr: bool,
}

/// Prerendered output, in the parts the value is built from. A part that the kind does not have
/// is empty; a part that `FileSystemCache` would leave undefined is `None`.
#[derive(Debug, Clone, PartialEq)]
pub struct Seed {
    /// The kind that was asked for.
    pub kind: Kind,
    /// When the output was made: whole milliseconds since the epoch.
    pub modified_ms: f64,
    /// Response headers, always a JSON object when present; `x-next-cache-tags` is among them
    /// (one string, tags separated by commas). Always present for `AppPage` and `AppRoute`, never
    /// for a `Pages` entry of a build.
    pub headers: Option<Value>,
    /// Response status.
    pub status: Option<u16>,
    /// Resume state of a partially prerendered page. May be empty, which is not `None`.
    pub postponed: Option<String>,
    /// `AppPage`, `Pages`: the document.
    pub html: String,
    /// `AppRoute`: the body.
    pub body: Vec<u8>,
    /// `AppPage`: payload of client navigations (`rscData`).
    pub rsc: Option<Vec<u8>>,
    /// `AppPage`: prefetch payloads by segment path, in the order of the build. Zero-length ones
    /// are real; unreadable ones are left out, which Next takes for "dynamic".
    pub segments: Option<Vec<(String, Vec<u8>)>>,
    /// `Pages`: the text of a valid JSON document; `{}` for a fallback shell.
    pub page_data: Option<String>,
    /// Lifetime stored next to the entry (`{revalidate, expire}`). A build writes none; the
    /// built-in cache of 16.4 does, when it ran on this folder before us.
    pub cache_control: Option<Value>,
}

/// Reads the prerendered output of a key. Blocking.
///
/// `None` means nothing usable: no such output, another route's output, a malformed file, a file of
/// more than 64 MiB, or any I/O error. Never panics.
///
/// Stricter than `FileSystemCache` in one respect: an `AppPage` without a well-formed `.meta` that
/// has headers is unusable on every minor. Before 16.3.8 Next serves such a page with status 200
/// and without tags, so that no invalidation could ever reach it. No complete build lacks them.
#[must_use]
pub fn read(wanted: &Wanted<'_>) -> Option<Seed> {
    let source = Source::find(wanted)?;
    match wanted.kind {
        Kind::AppPage => app_page(wanted, source),
        Kind::AppRoute => app_route(source),
        Kind::Pages => pages(wanted, source),
    }
}

/// Which generation of Next's layout an output follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Layout {
    /// 16.0 to 16.3.7: keys are paths and nothing in `.meta` names them.
    Plain,
    /// 16.3.8 and later: keys and `.meta` name the owning route.
    Owned,
}

/// Where a key's output was found.
struct Source {
    output: Output,
    /// Path below the output, without suffix: `app/blog/a`.
    base: String,
    layout: Layout,
    /// Read already to verify ownership, or still to be read by the kind that needs it.
    meta: Option<Meta>,
    body_suffix: &'static str,
}

impl Source {
    fn find(wanted: &Wanted<'_>) -> Option<Self> {
        let output = Output::open(wanted.server_dir)?;
        let (folder, body_suffix) = wanted.kind.layout();
        let (base, layout, meta) = match Location::parse(wanted.key)? {
            Location::Plain { path } => (format!("{folder}{path}"), Layout::Plain, None),
            Location::Owned { scoped, path, kind } => {
                if output.has(&format!("{scoped}{body_suffix}")) {
                    // Written by a build with an adapter, or promoted by the built-in cache: the
                    // place itself names the owner, so Next verifies nothing here.
                    (scoped.to_owned(), Layout::Owned, None)
                } else {
                    let base = format!("{folder}{path}");
                    let meta = Meta::read(&output, &base)?;
                    if !meta.answers(wanted, kind) {
                        return None;
                    }
                    (base, Layout::Owned, Some(meta))
                }
            }
        };
        Some(Self { output, base, layout, meta, body_suffix })
    }

    fn name(&self, suffix: &str) -> String {
        format!("{}{suffix}", self.base)
    }

    fn take_meta(&mut self) -> Option<Meta> {
        self.meta.take().or_else(|| Meta::read(&self.output, &self.base))
    }

    fn modified_ms(&self, meta: &Meta) -> Option<f64> {
        // A promoted copy is younger than the output it holds, and says so.
        meta.last_modified.or_else(|| self.output.modified_ms(&self.name(self.body_suffix)))
    }

    /// A seed with the parts that every kind has; the kind adds its own.
    fn seed(&self, kind: Kind, meta: Meta) -> Option<Seed> {
        Some(Seed {
            kind,
            modified_ms: self.modified_ms(&meta)?,
            headers: meta.headers.map(Value::Object),
            status: meta.status,
            postponed: None,
            html: String::new(),
            body: Vec::new(),
            rsc: None,
            segments: None,
            page_data: None,
            cache_control: meta.cache_control.map(Value::Object),
        })
    }
}

fn app_page(wanted: &Wanted<'_>, mut source: Source) -> Option<Seed> {
    let html = source.output.text(&source.name(".html"))?;
    let mut meta = source.take_meta()?;
    meta.headers.as_ref()?;
    let postponed = meta.postponed.take();
    let segments = match meta.segment_paths.take() {
        Some(paths) => Some(segments(&source, paths)?),
        None => None,
    };
    let rsc = match rsc(wanted, &source, postponed.is_some()) {
        Rsc::Read(bytes) => Some(bytes),
        Rsc::NotWritten => None,
        Rsc::Missing => return None,
    };
    Some(Seed { postponed, html, rsc, segments, ..source.seed(wanted.kind, meta)? })
}

fn app_route(mut source: Source) -> Option<Seed> {
    let body = source.output.bytes(&source.name(".body"))?;
    let meta = source.take_meta()?;
    // Next answers 500 if a route handler's entry has no headers.
    meta.headers.as_ref()?;
    Some(Seed { body, ..source.seed(Kind::AppRoute, meta)? })
}

fn pages(wanted: &Wanted<'_>, mut source: Source) -> Option<Seed> {
    let html = source.output.text(&source.name(".html"))?;
    let meta = match source.layout {
        // Before 16.3.8 Next does not write it, and does not look for it.
        Layout::Plain => Meta::default(),
        Layout::Owned => source.take_meta()?,
    };
    let page_data = if wanted.is_fallback {
        "{}".to_owned()
    } else {
        let text = source.output.text(&source.name(".json"))?;
        serde_json::from_str::<IgnoredAny>(&text).ok()?;
        text
    };
    let page_data = Some(page_data);
    Some(Seed { html, page_data, ..source.seed(wanted.kind, meta)? })
}

/// `None` if a path is hostile; one that cannot be read is merely left out, as in Next.
fn segments(source: &Source, paths: Vec<String>) -> Option<Vec<(String, Vec<u8>)>> {
    let mut found = Vec::with_capacity(paths.len());
    for path in paths {
        let name = source.name(&format!(".segments{path}.segment.rsc"));
        if !location::is_safe(&name) {
            return None;
        }
        if let Some(bytes) = source.output.bytes(&name) {
            found.push((path, bytes));
        }
    }
    Some(found)
}

enum Rsc {
    Read(Vec<u8>),
    /// The build had a reason to skip it: `rscData` is undefined.
    NotWritten,
    /// It should exist: the entry is incomplete.
    Missing,
}

fn rsc(wanted: &Wanted<'_>, source: &Source, is_postponed: bool) -> Rsc {
    if wanted.is_fallback {
        return Rsc::NotWritten;
    }
    let full = |source: &Source| source.output.bytes(&source.name(".rsc"));
    match (wanted.is_ppr, source.layout) {
        (true, Layout::Plain) => plain_ppr_rsc(source, is_postponed),
        (true, Layout::Owned) if is_postponed => Rsc::NotWritten,
        _ => full(source).map_or(Rsc::Missing, Rsc::Read),
    }
}

/// Three minors, three rules, and plain keys do not show which one built the output. For a page
/// with PPR, 16.0 writes `.prefetch.rsc` only, 16.1 neither file, 16.2 and later `.rsc` unless
/// postponed. So the files that exist decide; the only difference is that a damaged 16.0 or 16.2
/// output (file lost) looks like one of 16.1.
fn plain_ppr_rsc(source: &Source, is_postponed: bool) -> Rsc {
    if !is_postponed && let Some(bytes) = source.output.bytes(&source.name(".rsc")) {
        return Rsc::Read(bytes);
    }
    // With a page `a` and a page `a.prefetch` in the build, this file is the other page's.
    if source.output.has(&source.name(".prefetch.html")) {
        return Rsc::NotWritten;
    }
    source.output.bytes(&source.name(".prefetch.rsc")).map_or(Rsc::NotWritten, Rsc::Read)
}
