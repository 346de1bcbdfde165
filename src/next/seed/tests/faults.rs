//! Anything may be wrong on disk.

use std::{
    fs,
    path::Path,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use super::Build;
use crate::next::seed::{Kind, Wanted, is_closed_path, output, read};

#[test]
fn malformed_meta_is_nothing() {
    let build = Build::plain_page();
    let malformed = [
        "",
        "null",
        "[]",
        "7",
        r#"{"headers": {"#,
        r#"{"headers": []}"#,
        r#"{"headers": {}, "status": "200"}"#,
        r#"{"headers": {}, "status": 70000}"#,
        r#"{"headers": {}, "postponed": {}}"#,
        r#"{"headers": {}, "segmentPaths": "/_tree"}"#,
        r#"{"headers": {}, "segmentPaths": [1]}"#,
        r#"{"headers": {}, "segmentPaths": ["/../../../secret"]}"#,
        r#"{"headers": {}, "routeCacheLastModified": "yesterday"}"#,
        "{\"headers\": {\"a\": \"\u{0}\"}}",
    ];
    for meta in malformed {
        build.write("app/blog/a.meta", meta);
        assert_eq!(build.read(Kind::AppPage, "/blog/a"), None, "{meta}");
    }
}

#[test]
fn null_fields_of_meta_are_absent_ones() {
    let build = Build::plain_page();
    let meta = r#"{"headers": {}, "status": null, "postponed": null, "segmentPaths": null,
        "routeCacheLastModified": null, "cacheControl": null, "routeCache": null}"#;
    build.write("app/blog/a.meta", meta);
    let seed = build.read(Kind::AppPage, "/blog/a").unwrap();
    assert_eq!((seed.status, seed.postponed, seed.segments), (None, None, None));
    assert!(seed.modified_ms > 0.0);
}

#[test]
fn deep_nesting_is_malformed_not_a_stack_overflow() {
    let build = Build::plain_page();
    build.write("app/blog/a.meta", format!(r#"{{"headers": {}"#, "[".repeat(1_000_000)));
    assert_eq!(build.read(Kind::AppPage, "/blog/a"), None);
    build.write("pages/p.html", "").write("pages/p.json", "[".repeat(1_000_000));
    assert_eq!(build.read(Kind::Pages, "/p"), None);
}

#[test]
fn bytes_that_are_not_utf8_become_replacement_characters() {
    let build = Build::plain_page();
    build.write("app/blog/a.html", b"a\xffb");
    assert_eq!(build.read(Kind::AppPage, "/blog/a").unwrap().html, "a\u{fffd}b");
}

#[test]
fn an_empty_document_is_a_document() {
    let build = Build::plain_page();
    build.write("app/blog/a.html", "");
    assert_eq!(build.read(Kind::AppPage, "/blog/a").unwrap().html, "");
}

#[test]
fn a_folder_in_place_of_a_file_is_nothing() {
    let build = Build::plain_page();
    build.remove("app/blog/a.html");
    fs::create_dir(build.server().join("app/blog/a.html")).unwrap();
    assert_eq!(build.read(Kind::AppPage, "/blog/a"), None);
}

#[test]
fn a_file_over_the_limit_is_not_read() {
    let build = Build::plain_page();
    let path = build.server().join("app/blog/a.html");
    let file = fs::File::options().write(true).open(path).unwrap();
    file.set_len(output::FILE_LIMIT + 1).unwrap();
    assert_eq!(build.read(Kind::AppPage, "/blog/a"), None);
}

#[test]
fn a_missing_server_folder_is_nothing() {
    let server_dir = Path::new("/nowhere/.next/server");
    let (kind, key) = (Kind::AppPage, "/blog/a");
    let wanted = Wanted { server_dir, key, kind, is_fallback: false, is_ppr: false };
    assert_eq!(read(&wanted), None);
    assert!(!is_closed_path(server_dir, key));
}

#[test]
fn the_moment_is_the_files_rounded_to_milliseconds() {
    let build = Build::plain_page();
    let path = build.server().join("app/blog/a.html");
    let file = fs::File::options().write(true).open(path).unwrap();
    let moments = [(1_795_223_902_165_500, 1_795_223_902_166.0), (1_499, 1.0), (0, 0.0)];
    for (micros, ms) in moments {
        file.set_modified(UNIX_EPOCH + Duration::from_micros(micros)).unwrap();
        let seed = build.read(Kind::AppPage, "/blog/a").unwrap();
        assert!((seed.modified_ms - ms).abs() < f64::EPSILON, "{micros}");
    }
    file.set_modified(SystemTime::UNIX_EPOCH - Duration::from_secs(1)).unwrap();
    assert!(build.read(Kind::AppPage, "/blog/a").unwrap().modified_ms < 0.0);
}
