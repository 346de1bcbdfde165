//! What `prerender-manifest.json` says of a path.

use std::fs;

use serde_json::json;

use super::{Build, owned_key};
use crate::next::seed::manifest::{BUILDS_MAX, Builds};

fn with_manifest(manifest: &str) -> Build {
    let build = Build::new();
    fs::write(build.dir.join(".next/prerender-manifest.json"), manifest).unwrap();
    build
}

#[test]
fn only_app_pages_of_closed_routes_are_closed() {
    let manifest = json!({
        "version": 4,
        "routes": {
            "/": { "srcRoute": "/[[...all]]", "dataRoute": "/index.rsc" },
            "/index/a": { "srcRoute": "/[[...all]]", "dataRoute": "/index/index/a.rsc" },
            "/closed/dös": { "srcRoute": "/closed/[s]", "dataRoute": "/closed/dös.rsc" },
            "/open/a": { "srcRoute": "/open/[s]", "dataRoute": "/open/a.rsc" },
            "/static": { "srcRoute": "/static", "dataRoute": "/static.rsc" },
            "/api/1": { "srcRoute": "/api/[id]", "dataRoute": null },
            "/p/a": { "srcRoute": "/p/[s]", "dataRoute": "/_next/data/x/p/a.json" },
        },
        "dynamicRoutes": {
            "/[[...all]]": { "fallback": false }, "/closed/[s]": { "fallback": false },
            "/open/[s]": { "fallback": null }, "/api/[id]": { "fallback": false },
            "/p/[s]": { "fallback": false },
        },
    });
    let build = with_manifest(&manifest.to_string());
    let builds = Builds::default();
    let is_closed = |key: &str| builds.is_closed(&build.server(), key);
    assert!(is_closed("/index"));
    assert!(is_closed("/index/index/a"));
    assert!(is_closed("/closed/dös"));
    assert!(is_closed(&owned_key("APP_PAGE", "/closed/dös")));
    for key in ["/closed/other", "/open/a", "/static", "/api/1", "/p/a", "/../closed/dös", ""] {
        assert!(!is_closed(key), "{key}");
    }
}

#[test]
fn a_malformed_manifest_closes_nothing() {
    for manifest in ["", "null", "[]", r#"{"routes": {"/a": {"srcRoute": 1}}}"#, r#"{"routes": "#] {
        assert!(
            !Builds::default().is_closed(&with_manifest(manifest).server(), "/a"),
            "{manifest}"
        );
    }
}

#[test]
fn a_manifest_that_appears_later_is_found_and_then_read_once() {
    let build = Build::new();
    let builds = Builds::default();
    assert!(!builds.is_closed(&build.server(), "/a/b"));
    let file = build.dir.join(".next/prerender-manifest.json");
    let manifest = json!({
        "routes": { "/a/b": { "srcRoute": "/a/[s]", "dataRoute": "/a/b.rsc" } },
        "dynamicRoutes": { "/a/[s]": { "fallback": false } },
    });
    fs::write(&file, manifest.to_string()).unwrap();
    assert!(builds.is_closed(&build.server(), "/a/b"));
    fs::remove_file(&file).unwrap();
    assert!(builds.is_closed(&build.server(), "/a/b"));
}

#[test]
fn builds_beyond_the_bound_are_read_again() {
    let manifest = r#"{"routes": {"/a/b": {"srcRoute": "/a/[s]", "dataRoute": "/a/b.rsc"}},
        "dynamicRoutes": {"/a/[s]": {"fallback": false}}}"#;
    let builds = Builds::default();
    let all: Vec<_> = (0..=BUILDS_MAX).map(|_| with_manifest(manifest)).collect();
    assert!(all.iter().all(|build| builds.is_closed(&build.server(), "/a/b")));
    assert!(all.iter().all(|build| builds.is_closed(&build.server(), "/a/b")));
}

#[test]
fn a_lifetime_is_that_of_the_path_or_of_the_shell() {
    let manifest = json!({
        "routes": {
            "/": { "initialRevalidateSeconds": 60 },
            "/forever": { "initialRevalidateSeconds": false },
            "/item/a": { "initialRevalidateSeconds": 5, "srcRoute": "/item/[s]" },
        },
        "dynamicRoutes": {
            "/item/[s]": { "fallback": "/item/[s]", "fallbackRevalidate": 900 },
            "/part/[s]": { "fallback": null, "fallbackRevalidate": false },
        },
    });
    let (build, builds) = (with_manifest(&manifest.to_string()), Builds::default());
    let secs = |key: &str| builds.revalidate_secs(&build.server(), key);
    assert_eq!(secs("/index"), Some(60));
    assert_eq!(secs(&owned_key("APP_PAGE", "/item/a")), Some(5));
    assert_eq!(secs("/item/[s]"), Some(900));
    for key in ["/forever", "/part/[s]", "/item/b", "/item/../item/a"] {
        assert_eq!(secs(key), None, "{key}");
    }
}

#[test]
fn prerendered_paths_are_listed_after_the_first_look() {
    let manifest = json!({
        "routes": { "/": {}, "/item/a": { "srcRoute": "/item/[s]" } },
        "dynamicRoutes": { "/item/[s]": { "fallback": "/item/[s]" } },
    });
    let (build, builds) = (with_manifest(&manifest.to_string()), Builds::default());
    let is_listed = |key: &str| builds.is_listed(&build.server(), key);
    assert!(!is_listed("/item/a"));
    assert!(!builds.is_closed(&build.server(), "/item/a"));
    for key in ["/index", "/item/a", "/item/[s]", &owned_key("APP_PAGE", "/item/a")] {
        assert!(is_listed(key), "{key}");
    }
    for key in ["/item/b", "/item/../item/a", ""] {
        assert!(!is_listed(key), "{key}");
    }
}
