//! Files generated from the code, each checked for drift by a test.

use std::path::Path;
use std::{env, fs};

/// Asserts that the file at `path`, from the root of the repository, contains `text`; writes it
/// first if `TIERCEL_UPDATE` is set.
pub(crate) fn check(path: &str, text: &str) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    if env::var_os("TIERCEL_UPDATE").is_some() {
        fs::write(&file, text).unwrap();
    }
    let found = fs::read_to_string(&file).unwrap_or_default();
    let line = found.lines().zip(text.lines()).find(|(is, ought)| is != ought);
    let help = "`TIERCEL_UPDATE=1 cargo test --lib follows_the_code` writes it";
    assert!(found == text, "{path} is not what the code says, first in {line:?}; {help}");
}

/// `text` with everything between these two lines replaced.
pub(crate) fn between(text: &str, start: &str, end: &str, between: &str) -> String {
    let (before, rest) = text.split_once(start).unwrap_or_else(|| panic!("no {start:?}"));
    let (_, after) = rest.split_once(end).unwrap_or_else(|| panic!("no {end:?} behind {start:?}"));
    [before, start, between, end, after].concat()
}
