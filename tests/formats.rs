//! Stored bytes of every version ever shipped, and what they decode to.
//!
//! To add frames: extend `FRAMES`, then `TIERCEL_WRITE_FORMATS=1 cargo test --test formats`.
//! Existing files are never overwritten: they are what old instances wrote.

#![expect(clippy::unwrap_used, reason = "a test outside cfg(test)")]

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::Once;

use tiercel::clock::Timestamp;
use tiercel::codec::{Codec, Frame, Head, MAGIC};
use tiercel::key::Class;
use tiercel::tags::{Position, Tag, TagList};

const LIMIT: usize = 1 << 20;
const SECRET: &[u8] = b"a secret of the fixtures";

/// A file below `tests/formats`, and the frame it holds.
struct Stored {
    file: &'static str,
    secret: Option<&'static [u8]>,
    frame: fn() -> Frame,
}

const FRAMES: [Stored; 5] = [
    Stored { file: "v1-bare.bin", secret: None, frame: bare },
    Stored { file: "v1-fetch.bin", secret: None, frame: fetch },
    Stored { file: "v1-image.bin", secret: None, frame: image },
    Stored { file: "v1-page.bin", secret: None, frame: page },
    Stored { file: "v1-signed.bin", secret: Some(SECRET), frame: fetch },
];

/// A frame with nothing optional.
fn bare() -> Frame {
    Frame {
        head: Head {
            epoch: 0,
            position: Position(0),
            created: Timestamp(0),
            revalidate_us: None,
            expire_us: None,
            class: Class::UseCache,
            format: 0,
        },
        key: Box::default(),
        tags: TagList::default(),
        body: Box::default(),
    }
}

/// A short body, and texts of several kinds.
fn fetch() -> Frame {
    // Bytes as they are stored: the writer of a tag has already spelled it.
    let tags = ["posts", "größe", ""].map(|tag| Tag::from(tag.as_bytes()));
    let lone = Tag::from(&b"a\xED\xB0\x80"[..]);
    Frame {
        head: Head {
            epoch: 0x0123_4567_89AB_CDEF,
            position: Position(1_790_000_000_004_096),
            created: Timestamp(1_790_000_000_000_001),
            revalidate_us: Some(900_000_000),
            expire_us: None,
            class: Class::Fetch,
            format: 4,
        },
        key: "https://example.org/größe/🦅".encode_utf16().chain([0xD800]).collect(),
        tags: tags.into_iter().chain([lone]).collect(),
        body: (*b"{\"posts\":[1,2,3]}").into(),
    }
}

/// A long body that does not compress.
fn image() -> Frame {
    let next = |state: u64| state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
    let states = std::iter::successors(Some(1), |state| Some(next(*state)));
    Frame {
        head: Head { class: Class::Image, format: 5, expire_us: Some(1), ..fetch().head },
        key: "/logo.png w=640".encode_utf16().collect(),
        tags: TagList::default(),
        body: states.map(|state| (state >> 56) as u8).take(2_048).collect(),
    }
}

/// A long body that compresses, many tags, and the largest numbers.
fn page() -> Frame {
    Frame {
        head: Head {
            epoch: u64::MAX,
            position: Position(u64::MAX),
            created: Timestamp(u64::MAX),
            revalidate_us: Some(0),
            expire_us: Some(u64::MAX),
            class: Class::Response,
            format: 255,
        },
        key: "/blog/a-post".encode_utf16().collect(),
        tags: (0..128).map(|tag| Tag::from(&*format!("_N_T_/blog/{tag}"))).collect(),
        body: (0..200).flat_map(|line| format!("<li>line {line}</li>\n").into_bytes()).collect(),
    }
}

fn folder() -> PathBuf {
    static WRITTEN: Once = Once::new();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/formats");
    if std::env::var_os("TIERCEL_WRITE_FORMATS").is_some() {
        WRITTEN.call_once(|| write_missing(&folder));
    }
    folder
}

fn write_missing(folder: &Path) {
    for stored in FRAMES {
        match File::create_new(folder.join(stored.file)) {
            Ok(mut file) => file.write_all(&written(&stored)).unwrap(),
            Err(error) => assert_eq!(error.kind(), ErrorKind::AlreadyExists, "{}", stored.file),
        }
    }
}

fn written(stored: &Stored) -> Vec<u8> {
    let codec = Codec::new(stored.secret, LIMIT);
    codec.encode(&[], &(stored.frame)().borrowed()).unwrap()
}

#[test]
fn what_any_version_stored_is_still_read() {
    for stored in FRAMES {
        let path = folder().join(stored.file);
        let bytes = fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        let read = Codec::new(stored.secret, LIMIT).decode(&[], &bytes);
        let Frame { head, key, tags, body } =
            read.unwrap_or_else(|broken| panic!("{}: {broken:?}", stored.file));
        let meant = (stored.frame)();
        assert_eq!(head, meant.head, "{}", stored.file);
        assert_eq!(key, meant.key, "{}", stored.file);
        assert_eq!(tags, meant.tags, "{}", stored.file);
        assert!(body == meant.body, "{}: another body", stored.file);
    }
}

/// A later zstd may compress differently, so this compares uncompressed frames only.
#[test]
fn what_is_written_today_is_what_was_written_then() {
    for stored in FRAMES.iter().filter(|stored| stored.file != "v1-page.bin") {
        let then = fs::read(folder().join(stored.file)).unwrap();
        assert!(written(stored) == then, "{} would be written otherwise now", stored.file);
    }
}

#[test]
fn the_version_written_today_has_frames_here() {
    let written = written(&FRAMES[0]);
    let version = written.strip_prefix(&MAGIC).and_then(<[u8]>::first).unwrap();
    let prefix = format!("v{version}-");
    assert!(FRAMES.iter().any(|stored| stored.file.starts_with(&prefix)));
}

#[test]
fn every_file_of_stored_bytes_is_looked_at() {
    let found = fs::read_dir(folder()).unwrap().map(|file| file.unwrap().file_name());
    let found: BTreeSet<String> = found.map(|name| name.into_string().unwrap()).collect();
    let listed: BTreeSet<String> = FRAMES.iter().map(|stored| stored.file.into()).collect();
    assert_eq!(found, listed);
}
