//! Route handlers and the Pages Router.

use serde_json::json;

use super::{Build, headers, owned_key, owned_meta, with};
use crate::next::seed::Kind;

#[test]
fn a_route_handler_has_body_headers_and_status() {
    let build = Build::new();
    let meta = with(owned_meta("APP_ROUTE", "/api", false), "status", json!(404));
    build.write("app/api.body", [0, 159, 255]).meta("app/api", &meta);
    for key in ["/api", &owned_key("APP_ROUTE", "/api")] {
        let seed = build.read(Kind::AppRoute, key).unwrap();
        assert_eq!(seed.body, [0, 159, 255]);
        assert_eq!(seed.status, Some(404));
        assert_eq!(seed.headers.unwrap(), headers());
    }
}

#[test]
fn an_empty_body_is_a_body() {
    let build = Build::new();
    build.write("app/api.body", "").meta("app/api", &json!({ "headers": {} }));
    assert_eq!(build.read(Kind::AppRoute, "/api").unwrap().body, b"");
}

#[test]
fn a_route_handler_without_meta_or_headers_is_nothing() {
    let build = Build::new();
    build.write("app/api.body", "body");
    assert_eq!(build.read(Kind::AppRoute, "/api"), None);
    build.meta("app/api", &json!({ "status": 200 }));
    assert_eq!(build.read(Kind::AppRoute, "/api"), None);
}

#[test]
fn a_plain_page_of_the_pages_router_needs_no_meta() {
    let build = Build::new();
    build.write("pages/de/p.html", "html").write("pages/de/p.json", r#"{"a": 1}"#);
    let seed = build.read(Kind::Pages, "/de/p").unwrap();
    assert_eq!(seed.page_data.as_deref(), Some(r#"{"a": 1}"#));
    assert_eq!((seed.headers, seed.status), (None, None));
    build.write("pages/de/p.meta", "{ malformed");
    assert!(build.read(Kind::Pages, "/de/p").is_some());
}

#[test]
fn an_owned_page_of_the_pages_router_needs_its_meta() {
    let build = Build::new();
    let key = owned_key("PAGES", "/p");
    build.write("pages/p.html", "html").write("pages/p.json", "{}");
    assert_eq!(build.read(Kind::Pages, &key), None);
    let mut meta = owned_meta("PAGES", "/p", false);
    meta.as_object_mut().unwrap().remove("headers");
    build.meta("pages/p", &meta);
    assert_eq!(build.read(Kind::Pages, &key).unwrap().headers, None);
}

#[test]
fn a_fallback_shell_of_the_pages_router_has_empty_data() {
    let build = Build::new();
    build.write("pages/p/[slug].html", "shell");
    let seed = build.ask(Kind::Pages, "/p/[slug]", true, false).unwrap();
    assert_eq!(seed.page_data.as_deref(), Some("{}"));
    assert_eq!(build.read(Kind::Pages, "/p/[slug]"), None);
}

#[test]
fn truncated_page_data_is_nothing() {
    let build = Build::new();
    build.write("pages/p.html", "html").write("pages/p.json", r#"{"a": "#);
    assert_eq!(build.read(Kind::Pages, "/p"), None);
}
