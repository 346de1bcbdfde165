//! Keys that try to leave the build output.

use std::fs;

use serde_json::json;

use super::{Build, HASH, owned_key};
use crate::next::seed::{Kind, Wanted, read, route_path};

#[test]
fn a_hostile_key_is_nothing_and_touches_nothing() {
    let build = Build::plain_page();
    // What each would reach if it were joined as it stands.
    build.write("secret.html", "secret").write("secret.rsc", "").write("app.html", "");
    build.meta("secret", &json!({ "headers": {} }));
    fs::write(build.dir.join("outside.html"), "secret").unwrap();
    let absolute = build.server().join("secret").display().to_string();
    let long = format!("/{}", "a".repeat(251));
    let deep = "/a".repeat(3_000);
    let hostile = [
        "",
        "/",
        "//",
        ".",
        "..",
        "secret",
        "/.",
        "/..",
        "/../secret",
        "/blog/../../secret",
        "/blog/../blog/a",
        "/blog/./a",
        "//blog/a",
        "/blog//a",
        "/blog/a/",
        "\\..\\secret",
        "/..\\secret",
        "/blog\\a",
        "/blog/a\0",
        "/\0",
        "/../../../outside",
        "/%2e%2e/secret",
        "/..%2fsecret",
        "/%2e%2e%2fsecret",
        "/..%5csecret",
        "/%00",
        "/%",
        "/~/secret",
        "/secret",
        "/route-cache",
        "/route-cache/",
        "/route-cache/APP_PAGE/x/$/blog/a",
        &absolute,
        &format!("/{absolute}"),
        &long,
        &deep,
    ];
    for path in hostile {
        for (kind, name) in
            [(Kind::AppPage, "APP_PAGE"), (Kind::AppRoute, "APP_ROUTE"), (Kind::Pages, "PAGES")]
        {
            assert_eq!(build.read(kind, path), None, "{path}");
            let key = format!("/route-cache/{name}/{HASH}/${path}");
            assert_eq!(build.read(kind, &key), None, "{key}");
        }
    }
    for kind in ["..", "../../server", "", "."] {
        let key = format!("/route-cache/{kind}/{HASH}/$/blog/a");
        assert_eq!(build.read(Kind::AppPage, &key), None, "{key}");
    }
}

#[test]
fn percent_signs_and_dots_in_names_are_ordinary() {
    let build = Build::new();
    for path in ["/blog/p%2Fq", "/blog/..a", "/blog/a..", "/blog/é b", "/.well-known/x", "/100%"] {
        let base = format!("app{path}");
        build.write(&format!("{base}.body"), path).meta(&base, &json!({ "headers": {} }));
        assert_eq!(build.read(Kind::AppRoute, path).unwrap().body, path.as_bytes());
    }
}

#[cfg(unix)]
#[test]
fn a_linked_build_is_read_but_a_link_out_of_it_is_not() {
    use std::os::unix::fs::symlink;
    let build = Build::plain_page();
    let link = build.dir.join("link");
    symlink(build.dir.join(".next"), &link).unwrap();
    let server_dir = link.join("server");
    let (kind, key) = (Kind::AppPage, "/blog/a");
    let wanted = Wanted { server_dir: &server_dir, key, kind, is_fallback: false, is_ppr: false };
    assert!(read(&wanted).is_some());
    fs::write(build.dir.join("outside"), "secret").unwrap();
    build.remove("app/blog/a.html");
    symlink(build.dir.join("outside"), build.server().join("app/blog/a.html")).unwrap();
    assert_eq!(read(&wanted), None);
}

#[test]
fn the_route_path_is_what_follows_the_owner() {
    assert_eq!(route_path("/blog/a"), Some("/blog/a"));
    assert_eq!(route_path("/index"), Some("/index"));
    assert_eq!(route_path(&owned_key("APP_PAGE", "/blog/a")), Some("/blog/a"));
    assert_eq!(route_path(&owned_key("PAGES", "/$/b")), Some("/$/b"));
    assert_eq!(route_path("/route-cache/page"), Some("/route-cache/page"));
    assert_eq!(route_path(&owned_key("APP_PAGE", "/../x")), None);
    assert_eq!(route_path("blog"), None);
}
