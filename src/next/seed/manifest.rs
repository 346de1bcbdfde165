//! What `prerender-manifest.json` says about a path.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use serde::Deserialize;
use serde_json::Value;

use super::{location::route_path, output::read_bounded};

/// Builds whose manifests are kept. A process serves one; tests and custom servers may have more.
pub(super) const BUILDS_MAX: usize = 8;
/// Bytes of the manifest: Next writes about half a kilobyte per prerendered path.
const MANIFEST_LIMIT: u64 = 512 * 1_024 * 1_024;

/// The prerendered paths of each build seen, oldest first.
#[derive(Default)]
pub(super) struct Builds(Mutex<Vec<(PathBuf, Arc<Prerendered>)>>);

/// The part of a manifest that is kept, by path or shell.
#[derive(Default)]
struct Prerendered(HashMap<String, Kept>);

/// The part of a path's record that is kept.
#[derive(Default)]
struct Kept {
    /// Whether it belongs to an App Router page with `dynamicParams = false`.
    is_closed: bool,
    /// `None` if it is never revalidated.
    revalidate_secs: Option<u64>,
}

static BUILDS: Builds = Builds(Mutex::new(Vec::new()));

/// Whether a key is a prerendered path of an App Router page with `dynamicParams = false`.
///
/// Next up to 16.3.8 answers a miss of such a path with a 404, for good, since a 404 is not a
/// generation and nothing ever sets the entry. Stale content is better. Route handlers and the
/// Pages Router (`fallback: false`) look at the prerender manifest instead and do render on a
/// miss, so they are never "closed" here; neither is anything from 16.4 on, which the caller
/// knows.
///
/// Reads `prerender-manifest.json` next to `server_dir` at the first call for that folder;
/// blocking. A missing manifest (while building, in dev) is `false`, and looked for again.
#[must_use]
pub fn is_closed_path(server_dir: &Path, key: &str) -> bool {
    BUILDS.is_closed(server_dir, key)
}

/// The lifetime that the build gave to a prerendered path or shell, in seconds, as
/// `SharedCacheControls.get` reads it. `None` if it is never revalidated (`false`) or unknown.
///
/// Reads the manifest as [`is_closed_path`] does.
#[must_use]
pub fn revalidate_secs(server_dir: &Path, key: &str) -> Option<u64> {
    BUILDS.revalidate_secs(server_dir, key)
}

/// Whether the build is known to have prerendered a key, or a shell of that name. Never blocks: a
/// manifest that has not been loaded yet lists nothing.
#[must_use]
pub fn is_listed(server_dir: &Path, key: &str) -> bool {
    BUILDS.is_listed(server_dir, key)
}

/// Reads the manifest of a build, unless it has been read. Blocking.
pub fn load(server_dir: &Path) {
    let _ = BUILDS.prerendered(server_dir);
}

impl Builds {
    pub(super) fn is_closed(&self, server_dir: &Path, key: &str) -> bool {
        let Some(path) = route_path(key) else { return false };
        let known = self.prerendered(server_dir);
        known.is_some_and(|known| known.of(path).is_some_and(|kept| kept.is_closed))
    }

    pub(super) fn revalidate_secs(&self, server_dir: &Path, key: &str) -> Option<u64> {
        self.prerendered(server_dir)?.of(route_path(key)?)?.revalidate_secs
    }

    pub(super) fn is_listed(&self, server_dir: &Path, key: &str) -> bool {
        let Some(path) = route_path(key) else { return false };
        let Ok(builds) = self.0.try_lock() else { return false };
        let known = builds.iter().find(|(dir, _)| dir == server_dir);
        known.is_some_and(|(_, known)| known.of(path).is_some())
    }

    fn prerendered(&self, server_dir: &Path) -> Option<Arc<Prerendered>> {
        // Held while loading, so that a burst of first requests reads the manifest once.
        let mut builds = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, known)) = builds.iter().find(|(dir, _)| dir == server_dir) {
            return Some(Arc::clone(known));
        }
        let file = server_dir.parent()?.join("prerender-manifest.json");
        let bytes = read_bounded(&file, MANIFEST_LIMIT)?;
        // A malformed manifest stays malformed: kept as one that knows nothing.
        let manifest: Manifest = serde_json::from_slice(&bytes).unwrap_or_default();
        let known = Arc::new(Prerendered::from(manifest));
        if builds.len() >= BUILDS_MAX {
            builds.remove(0);
        }
        builds.push((server_dir.to_owned(), Arc::clone(&known)));
        Some(known)
    }
}

/// Undoes Next's `normalizePagePath`, which keys go through and the manifest does not: `/` is
/// `/index`, `/index/a` is `/index/index/a`.
fn denormalized(path: &str) -> &str {
    match path.strip_prefix("/index") {
        Some("") => "/",
        Some(rest) if rest.starts_with('/') => rest,
        _ => path,
    }
}

/// # Format
/// `prerender-manifest.json` version 4 (Next.js 16.0 to 16.4), as far as needed here.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Manifest {
    routes: HashMap<String, Route>,
    dynamic_routes: HashMap<String, DynamicRoute>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Route {
    #[serde(rename = "srcRoute")]
    source: Option<String>,
    #[serde(rename = "dataRoute")]
    data: Option<String>,
    /// Seconds, or `false`.
    initial_revalidate_seconds: Value,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct DynamicRoute {
    /// `false` (closed), `null` (blocking) or the name of a shell.
    fallback: Value,
    /// Seconds, or `false`; of the shell.
    fallback_revalidate: Value,
}

impl Prerendered {
    fn of(&self, path: &str) -> Option<&Kept> {
        self.0.get(denormalized(path))
    }
}

impl From<Manifest> for Prerendered {
    fn from(manifest: Manifest) -> Self {
        let Manifest { routes, dynamic_routes } = manifest;
        let kept = |route: &Route| {
            let source = route.source.as_ref().and_then(|source| dynamic_routes.get(source));
            let is_closed = source.is_some_and(|source| source.fallback == Value::Bool(false));
            Kept {
                is_closed: is_closed && route.is_app_page(),
                revalidate_secs: route.initial_revalidate_seconds.as_u64(),
            }
        };
        let mut known: HashMap<_, _> =
            routes.into_iter().map(|(path, route)| (path, kept(&route))).collect();
        for (path, shell) in dynamic_routes {
            let revalidate_secs = shell.fallback_revalidate.as_u64();
            known.entry(path).or_insert(Kept { is_closed: false, revalidate_secs });
        }
        Self(known)
    }
}

impl Route {
    /// Distinguishes kinds as `isRouteCacheOwner` does: route handlers have no data route, pages of
    /// the Pages Router have a `.json` one.
    fn is_app_page(&self) -> bool {
        let extension = self.data.as_deref().and_then(|route| Path::new(route).extension());
        extension.is_some_and(|extension| extension == "rsc")
    }
}
