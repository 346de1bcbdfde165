//! Which modules may import which. Read from the sources, so that a forbidden import fails here and
//! not in a review.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test outside cfg(test)")]

use std::fs;
use std::path::{Path, PathBuf};

fn sources(below: &Path) -> Vec<(PathBuf, String)> {
    let mut all = Vec::new();
    for file in fs::read_dir(below).unwrap().map(|file| file.unwrap().path()) {
        if file.is_dir() {
            all.extend(sources(&file));
        } else if file.extension().is_some_and(|kind| kind == "rs") {
            let text = fs::read_to_string(&file).unwrap();
            all.push((file.strip_prefix(src()).unwrap().to_path_buf(), text));
        }
    }
    all
}

fn src() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

/// The code of a file without comments and tests.
fn code(text: &str) -> String {
    let shipped = text.split("#[cfg(test)]\nmod tests").next().unwrap();
    let lines = shipped.lines().filter(|line| !line.trim_start().starts_with("//"));
    lines.collect::<Vec<_>>().join("\n")
}

/// Asserts that no file chosen by `within` has any of `words` in its code.
fn forbid(within: impl Fn(&Path) -> bool, words: &[&str]) {
    let mut seen = 0;
    for (file, text) in sources(&src()).iter().filter(|(file, _)| within(file)) {
        seen += 1;
        let code = code(text);
        if let Some(word) = words.iter().find(|word| code.contains(*word)) {
            panic!("{} may not name `{word}`", file.display());
        }
    }
    assert!(seen > 0, "the rule looks at no file at all");
}

fn is_core(file: &Path) -> bool {
    // The handler speaks for Next.js, and the process assembles all parts.
    let outer = ["abi", "abi.rs", "binding", "handler", "next", "lib.rs", "process", "process.rs"];
    !outer.iter().any(|part| file.starts_with(part))
}

#[test]
fn the_core_knows_neither_node_nor_next() {
    let words = ["crate::binding", "crate::handler", "crate::next", "crate::process", "napi"];
    forbid(is_core, &words);
}

#[test]
fn the_handler_speaks_for_next_and_knows_no_server() {
    let words = ["crate::binding", "crate::process", "crate::redis", "napi"];
    forbid(|file| file.starts_with("handler"), &words);
}

#[test]
fn the_binding_only_converts() {
    let words = [
        // Modules that decide something.
        "crate::codec",
        "crate::coherence",
        "crate::engine",
        "crate::generation",
        "crate::ledger",
        "crate::memory",
        "crate::redis",
        "crate::store",
        // Types that decisions are made of.
        "Claimant",
        "Engine",
        "Fallback",
        "Found",
        "Permit",
        "Reason",
        "Role",
        "Stored",
        "Verdict",
    ];
    forbid(|file| file.starts_with("binding"), &words);
}

#[test]
fn what_next_stores_is_independent_of_node() {
    let words = ["crate::binding", "crate::engine", "crate::handler", "crate::process", "napi"];
    forbid(|file| file.starts_with("next"), &words);
}

#[test]
fn only_the_binding_names_node_api() {
    forbid(|file| !file.starts_with("binding") && file != Path::new("lib.rs"), &["napi"]);
}

#[test]
fn memory_and_generations_do_not_know_the_engine() {
    let parts = [
        "memory.rs",
        "generation",
        "tags.rs",
        "tags",
        "coherence",
        "ledger.rs",
        "entry.rs",
        "key.rs",
        "store.rs",
        "bounded.rs",
        "spread.rs",
    ];
    forbid(|file| parts.iter().any(|part| file.starts_with(part)), &["crate::engine"]);
}

#[test]
fn the_codec_knows_only_what_it_stores() {
    let words = ["crate::engine", "crate::memory", "crate::entry", "crate::coherence", "Clock"];
    forbid(|file| file == Path::new("codec.rs") || file.starts_with("codec"), &words);
}

#[test]
fn options_know_neither_the_engine_nor_a_client_of_redis() {
    forbid(|file| file.starts_with("options"), &["crate::engine", "fred", "tokio"]);
}

#[test]
fn the_redis_store_knows_the_protocol_and_no_tier() {
    let words = [
        "crate::engine",
        "crate::memory",
        "crate::ledger",
        "crate::generation::flights",
        "crate::generation::leases",
    ];
    forbid(|file| file.starts_with("redis"), &words);
}

#[test]
fn an_operator_knows_no_server_and_not_next() {
    forbid(
        |file| file.starts_with("operate"),
        &["crate::handler", "crate::redis", "fred", "tokio"],
    );
}

#[test]
fn what_the_app_asks_for_is_decided_without_a_store_and_without_next() {
    let words = [
        "crate::coherence",
        "crate::engine",
        "crate::entry",
        "crate::generation",
        "crate::handler",
        "crate::ledger",
        "crate::memory",
        "crate::next",
        "crate::redis",
        "crate::store",
        "crate::tags",
    ];
    forbid(|file| file.starts_with("app"), &words);
}

#[test]
fn only_the_redis_store_names_its_client() {
    forbid(|file| !file.starts_with("redis"), &["fred::", "tokio::"]);
}

#[test]
fn names_of_keys_are_made_in_one_place() {
    let is_beside = |file: &Path| file.starts_with("redis") && !file.ends_with("redis/keys.rs");
    forbid(is_beside, &["}}}:", ":{{{", "\":{\""]);
}

#[test]
fn the_protocol_reads_no_clock_and_takes_no_lock() {
    let words = ["Clock", "Instant", "SystemTime", "Mutex", "RwLock", "std::net", "std::thread"];
    forbid(|file| file.starts_with("coherence"), &words);
}

/// Former words in type names, which said less than their replacements: see docs/glossary.md.
const RETIRED: [&str; 18] = [
    "Apart",
    "Claimed",
    "Ending",
    "Knowledge",
    "Landing",
    "License",
    "Looks",
    "Marks",
    "Patience",
    "Ring",
    "Serves",
    "Slip",
    "Standing",
    "Stranger",
    "Told",
    "Weakness",
    "Wish",
    "Woken",
];

/// The names of the types that code defines.
fn types(code: &str) -> impl Iterator<Item = &str> {
    let is_kind = |word: &&str| ["struct", "enum", "trait", "type"].contains(word);
    let lines = code.lines().map(str::split_whitespace);
    let named = lines.filter_map(move |mut words| words.find(is_kind).and_then(|_| words.next()));
    named.filter_map(|name| name.split(|end: char| !end.is_alphanumeric()).next())
}

/// Whether a name in camel case contains this word.
fn has_word(name: &str, word: &str) -> bool {
    let mut found = name.match_indices(word);
    found.any(|(at, _)| !name[at + word.len()..].starts_with(char::is_lowercase))
}

#[test]
fn retired_words_stay_out_of_the_names_of_types() {
    let is_test = |file: &Path| file.iter().any(|part| part == "tests" || part == "tests.rs");
    for (file, text) in sources(&src()).iter().filter(|(file, _)| !is_test(file)) {
        let code = code(text);
        for name in types(&code) {
            let retired = RETIRED.iter().find(|word| has_word(name, word));
            assert_eq!(retired, None, "{} names a type `{name}`", file.display());
        }
    }
}

#[test]
fn a_retired_word_is_found_in_a_name_and_not_in_another_word() {
    let planted = "pub(super) struct LastWish<'a> {\nenum Wishing {\n    Wish,\ntype Ring = u8;\n";
    assert_eq!(types(planted).collect::<Vec<_>>(), ["LastWish", "Wishing", "Ring"]);
    assert!(has_word("LastWish", "Wish") && has_word("WishList", "Wish"));
    assert!(!has_word("Wishing", "Wish") && !has_word("String", "Ring"));
}

#[test]
fn a_file_stays_below_400_lines() {
    for (file, text) in sources(&src()) {
        let lines = text.lines().count();
        assert!(lines <= 400, "{} has {lines} lines: a noun is missing", file.display());
    }
}

#[test]
fn the_rule_catches_what_it_forbids() {
    let planted = code("use crate::next::value;\n// napi in a comment is fine\n");
    assert!(planted.contains("crate::next") && !planted.contains("napi"));
    let caught = std::panic::catch_unwind(|| forbid(is_core, &["pub fn"]));
    assert!(caught.is_err());
}
