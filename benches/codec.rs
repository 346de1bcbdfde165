//! A page of 94 KB as stored bytes, against JSON with base64, as handlers in JavaScript store it.
//! The names of the benchmarks contain the bytes stored.

use std::hint::black_box;

use base64::prelude::{BASE64_STANDARD, Engine};
use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use serde::{Deserialize, Serialize};
use tiercel::clock::Timestamp;
use tiercel::codec::{Codec, Frame, Head};
use tiercel::key::Class;
use tiercel::tags::{Position, Tag, TagList};

const HTML_BYTES: usize = 70_000;
const RSC_BYTES: usize = 24_000;
/// Entries of an app lie at 16 bytes.
const PLACE: &[u8] = &[7; 16];
const WORDS: [&str; 24] = [
    "cache", "engine", "page", "shared", "falcon", "memory", "the", "a", "of", "and", "when",
    "stale", "fresh", "position", "in", "to", "entry", "is", "served", "tag", "once", "other",
    "wing", "sky",
];

/// The same numbers in every run.
fn chance(seed: u64) -> impl FnMut(usize) -> usize {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    move |below| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state % below as u64) as usize
    }
}

/// A list of products: markup that repeats, words and numbers that do not.
fn markup(seed: u64, bytes: usize) -> String {
    let mut chance = chance(seed);
    let mut page = String::from("<!DOCTYPE html><html lang=\"en\"><body><main class=\"grid\">");
    while page.len() < bytes {
        let (id, price) = (chance(1_000_000), chance(99_999));
        let text: Vec<&str> = (0..30).filter_map(|_| WORDS.get(chance(24)).copied()).collect();
        page.extend([
            format!("<article class=\"rounded-lg border p-4\"><a href=\"/products/{id}\">"),
            format!("<img loading=\"lazy\" src=\"/_next/image?url=%2F{id}.png&amp;w=640\"/></a>"),
            format!("<h2 class=\"text-lg font-bold\">{id}</h2><p>{}</p>", text.join(" ")),
            format!("<b class=\"price\">{price}</b></article>"),
        ]);
    }
    page.truncate(bytes);
    page
}

fn frame(html: &str, rsc: &[u8]) -> Frame {
    Frame {
        head: Head {
            epoch: 1,
            position: Position(1_790_000_000_000_000),
            created: Timestamp(1_790_000_000_000_000),
            revalidate_us: Some(900_000_000),
            expire_us: None,
            class: Class::Response,
            format: 1,
        },
        key: "/products".encode_utf16().collect(),
        tags: ["_N_T_/layout", "_N_T_/products", "products"].into_iter().map(Tag::from).collect(),
        body: [html.as_bytes(), rsc].concat().into_boxed_slice(),
    }
}

/// The format of such handlers.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Json {
    kind: String,
    html: String,
    rsc_data: String,
    tags: Vec<String>,
    last_modified: u64,
}

fn to_json(html: &str, rsc: &[u8], tags: &TagList) -> Vec<u8> {
    let value = Json {
        kind: "APP_PAGE".into(),
        html: html.into(),
        rsc_data: BASE64_STANDARD.encode(rsc),
        tags: tags.iter().map(|tag| String::from_utf8_lossy(tag).into_owned()).collect(),
        last_modified: 1_790_000_000_000,
    };
    serde_json::to_vec(&value).unwrap_or_default()
}

fn from_json(stored: &[u8]) -> Option<(Json, Vec<u8>)> {
    let value: Json = serde_json::from_slice(stored).ok()?;
    let rsc = BASE64_STANDARD.decode(&value.rsc_data).ok()?;
    Some((value, rsc))
}

fn page(c: &mut Criterion) {
    // A real payload repeats the words of its html; this one does not, in favour of JSON.
    let (html, rsc) = (markup(1, HTML_BYTES), markup(2, RSC_BYTES));
    let rsc = rsc.as_bytes();
    let frame = frame(&html, rsc);
    let (codec, signing) = (Codec::new(None, 16 << 20), Codec::new(Some(b"secret"), 16 << 20));

    let mut group = c.benchmark_group("94 KB page");
    for (name, codec) in [("frame", codec), ("signed frame", signing)] {
        let stored = codec.encode(PLACE, &frame.borrowed()).unwrap_or_default();
        group.bench_function(BenchmarkId::new(format!("{name}, write"), stored.len()), |b| {
            b.iter(|| codec.encode(PLACE, &black_box(&frame).borrowed()));
        });
        group.bench_function(BenchmarkId::new(format!("{name}, read"), stored.len()), |b| {
            b.iter(|| codec.decode(PLACE, black_box(&stored)));
        });
    }
    let stored = to_json(&html, rsc, &frame.tags);
    group.bench_function(BenchmarkId::new("JSON, write", stored.len()), |b| {
        b.iter(|| to_json(black_box(&html), black_box(rsc), &frame.tags));
    });
    group.bench_function(BenchmarkId::new("JSON, read", stored.len()), |b| {
        b.iter(|| from_json(black_box(&stored)));
    });
    group.finish();
}

criterion_group!(benches, page);
criterion_main!(benches);
