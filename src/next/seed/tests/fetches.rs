//! Data that a build has fetched.

use std::fs;

use serde_json::json;

use super::Build;
use crate::next::seed::{Fetches, read_fetch};

const KEY: &str = "5f2c0c2a91d3f0b7a1e45f2c0c2a91d3f0b7a1e45f2c0c2a91d3f0b7a1e4abcd";

fn with_file(name: &str, content: &str) -> Build {
    let build = Build::new();
    let folder = build.dir.join(".next/cache/fetch-cache");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join(name), content).unwrap();
    build
}

fn value() -> serde_json::Value {
    json!({
        "kind": "FETCH",
        "data": { "headers": { "a": "b" }, "body": "Ym9keQ==", "status": 200, "url": "u" },
        "revalidate": 4_294_967_294_u32,
        "tags": ["a", "b"],
    })
}

#[test]
fn what_next_has_written_is_read() {
    let build = with_file(KEY, &value().to_string());
    let seed = read_fetch(&build.server(), KEY).unwrap();
    assert_eq!(seed.body.as_deref(), Some("Ym9keQ=="));
    assert_eq!(json!(seed.data), json!({ "headers": { "a": "b" }, "status": 200, "url": "u" }));
    assert_eq!(json!(seed.value), json!({ "revalidate": 4_294_967_294_u32 }));
    assert_eq!(
        (seed.revalidate_secs, seed.tags),
        (Some(4_294_967_294), vec!["a".into(), "b".into()])
    );
}

#[test]
fn what_a_function_returned_as_undefined_has_no_body() {
    let mut value = value();
    value["data"].as_object_mut().unwrap().remove("body");
    value.as_object_mut().unwrap().remove("tags");
    let build = with_file(KEY, &value.to_string());
    let seed = read_fetch(&build.server(), KEY).unwrap();
    assert_eq!((seed.body, seed.tags), (None, vec![]));
}

#[test]
fn a_file_of_another_shape_is_nothing() {
    for (field, wrong) in [
        ("kind", json!("PAGES")),
        ("data", json!("text")),
        ("tags", json!("a,b")),
        ("data", json!({ "body": 5 })),
    ] {
        let mut value = value();
        value[field] = wrong;
        let build = with_file(KEY, &value.to_string());
        assert_eq!(read_fetch(&build.server(), KEY), None, "{value}");
    }
    assert_eq!(read_fetch(&with_file(KEY, "{").server(), KEY), None);
}

#[test]
fn only_keys_of_next_name_a_file() {
    let name = "plain";
    let build = with_file(name, &value().to_string());
    fs::write(build.dir.join(".next/secret"), value().to_string()).unwrap();
    let upper = KEY.to_uppercase();
    for key in [name, "", "../../secret", &KEY[1..], upper.as_str()] {
        assert_eq!(read_fetch(&build.server(), key), None, "{key}");
        assert!(!Fetches::list(&build.server()).has(key) && !Fetches::Countless.has(key), "{key}");
    }
}

#[test]
fn the_files_there_are_are_known_by_name() {
    let fetches = Fetches::list(&with_file(KEY, "").server());
    assert!(fetches.has(KEY));
    assert!(!fetches.has(&KEY.replace('5', "6")));
    assert!(!Fetches::list(&Build::new().server()).has(KEY));
    assert!(Fetches::Countless.has(KEY));
}
