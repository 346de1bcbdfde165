//! Output of 16.3.8 and later: owned, or in the scoped layout of adapters and promoted seeds.

use serde_json::json;

use super::{Build, HASH, headers, owned_key, owned_meta, with};
use crate::next::seed::Kind;

#[test]
fn an_owned_page_has_all_its_parts() {
    let build = Build::owned_page();
    let meta = owned_meta("APP_PAGE", "/blog/a", false);
    let meta = with(meta, "segmentPaths", json!(["/_tree", "/blog/$d$slug/__PAGE__"]));
    build.meta("app/blog/a", &with(meta, "status", json!(307)));
    build.write("app/blog/a.segments/_tree.segment.rsc", "tree");
    build.write("app/blog/a.segments/blog/$d$slug/__PAGE__.segment.rsc", "");
    let seed = build.read(Kind::AppPage, &owned_key("APP_PAGE", "/blog/a")).unwrap();
    assert_eq!(seed.kind, Kind::AppPage);
    assert_eq!(seed.html, "<p>é</p>");
    assert_eq!(seed.rsc.unwrap(), [0, 255]);
    assert_eq!(seed.status, Some(307));
    assert_eq!(seed.headers.unwrap(), headers());
    assert_eq!(seed.postponed, None);
    assert_eq!(seed.cache_control, None);
    let segments = seed.segments.unwrap();
    assert_eq!(segments[0], ("/_tree".to_owned(), b"tree".to_vec()));
    assert_eq!(segments[1], ("/blog/$d$slug/__PAGE__".to_owned(), vec![]));
}

#[test]
fn a_missing_segment_is_left_out() {
    let build = Build::owned_page();
    let meta = owned_meta("APP_PAGE", "/blog/a", false);
    build.meta("app/blog/a", &with(meta, "segmentPaths", json!(["/_tree", "/gone"])));
    build.write("app/blog/a.segments/_tree.segment.rsc", "tree");
    let seed = build.read(Kind::AppPage, &owned_key("APP_PAGE", "/blog/a")).unwrap();
    assert_eq!(seed.segments.unwrap().len(), 1);
}

#[test]
fn a_page_without_segment_paths_has_no_segments() {
    let key = owned_key("APP_PAGE", "/blog/a");
    assert_eq!(Build::owned_page().read(Kind::AppPage, &key).unwrap().segments, None);
}

#[test]
fn the_output_of_another_route_is_not_served() {
    let build = Build::owned_page();
    let key = format!("/route-cache/APP_PAGE/{}/$/blog/a", HASH.replace('5', "6"));
    assert_eq!(build.read(Kind::AppPage, &key), None);
}

#[test]
fn an_owner_of_another_kind_is_refused() {
    let build = Build::owned_page();
    let mut meta = owned_meta("APP_PAGE", "/blog/a", false);
    meta["routeCache"]["owner"]["kind"] = json!("APP_ROUTE");
    build.meta("app/blog/a", &meta);
    assert_eq!(build.read(Kind::AppPage, &owned_key("APP_PAGE", "/blog/a")), None);
}

#[test]
fn plain_output_does_not_answer_an_owned_key() {
    let build = Build::plain_page();
    assert_eq!(build.read(Kind::AppPage, &owned_key("APP_PAGE", "/blog/a")), None);
}

#[test]
fn a_shell_answers_only_a_fallback_lookup_unless_it_is_postponed_with_ppr() {
    let build = Build::new();
    let key = owned_key("APP_PAGE", "/item/[slug]");
    let meta = owned_meta("APP_PAGE", "/item/[slug]", true);
    build.write("app/item/[slug].html", "shell").meta("app/item/[slug]", &meta);
    assert!(build.ask(Kind::AppPage, &key, true, true).is_some());
    assert_eq!(build.ask(Kind::AppPage, &key, false, true), None);
    build.meta("app/item/[slug]", &with(meta, "postponed", json!("")));
    let seed = build.ask(Kind::AppPage, &key, false, true).unwrap();
    assert_eq!(seed.postponed.as_deref(), Some(""));
    assert_eq!(seed.rsc, None);
    assert_eq!(build.ask(Kind::AppPage, &key, false, false), None);
}

#[test]
fn an_owned_page_needs_its_rsc_unless_it_is_postponed() {
    let build = Build::owned_page();
    build.remove("app/blog/a.rsc").write("app/blog/a.prefetch.rsc", "not of this minor");
    let key = owned_key("APP_PAGE", "/blog/a");
    assert_eq!(build.ask(Kind::AppPage, &key, false, true), None);
    let meta = owned_meta("APP_PAGE", "/blog/a", false);
    build.meta("app/blog/a", &with(meta, "postponed", json!("state")));
    assert_eq!(build.ask(Kind::AppPage, &key, false, true).unwrap().rsc, None);
    assert_eq!(build.ask(Kind::AppPage, &key, false, false), None);
}

#[test]
fn scoped_output_comes_first_and_needs_no_owner() {
    let build = Build::owned_page();
    let base = format!("route-cache/APP_PAGE/{HASH}/$/blog/a");
    build.write(&format!("{base}.html"), "scoped").write(&format!("{base}.rsc"), "rsc");
    let lifetime = json!({ "revalidate": 60, "expire": 3_600 });
    let meta = json!({
        "headers": {}, "routeCacheLastModified": 1234.5, "cacheControl": lifetime,
        "segmentPaths": ["/_tree"],
    });
    build.meta(&base, &meta).write(&format!("{base}.segments/_tree.segment.rsc"), "tree");
    let seed = build.read(Kind::AppPage, &owned_key("APP_PAGE", "/blog/a")).unwrap();
    assert_eq!(seed.html, "scoped");
    assert!((seed.modified_ms - 1234.5).abs() < f64::EPSILON);
    assert_eq!(seed.cache_control.unwrap(), lifetime);
    assert_eq!(seed.segments.unwrap().len(), 1);
}

#[test]
fn incomplete_scoped_output_is_nothing_rather_than_the_older_seed() {
    let build = Build::owned_page();
    build.write(&format!("route-cache/APP_PAGE/{HASH}/$/blog/a.html"), "no meta yet");
    assert_eq!(build.read(Kind::AppPage, &owned_key("APP_PAGE", "/blog/a")), None);
}

#[test]
fn scoped_routes_and_pages_are_read_too() {
    let build = Build::new();
    let route = format!("route-cache/APP_ROUTE/{HASH}/$/api");
    build.write(&format!("{route}.body"), "body").meta(&route, &json!({ "headers": {} }));
    let page = format!("route-cache/PAGES/{HASH}/$/p");
    build.write(&format!("{page}.html"), "html").write(&format!("{page}.json"), "{}");
    build.meta(&page, &json!({}));
    assert!(build.read(Kind::AppRoute, &owned_key("APP_ROUTE", "/api")).is_some());
    assert!(build.read(Kind::Pages, &owned_key("PAGES", "/p")).is_some());
}
