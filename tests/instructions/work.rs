//! The operations that are counted.

use std::hint::black_box;
use std::ops::Range;
use std::sync::Arc;

use tiercel::clock::Timestamp;
use tiercel::codec::{Codec, Frame, Head};
use tiercel::coherence::event::{Event, Message, Row};
use tiercel::engine::{Engine, Found};
use tiercel::entry::{Meta, Source};
use tiercel::key::{Class, KeyRef};
use tiercel::store::Listener;
use tiercel::tags::{Change, Epoch, Position, Stamp, Table, Tag};
use tiercel::wake::{Notice, Ticket, Wake};

use crate::store::{Store, engine};

/// How often something is repeated that costs so little that a start would drown it.
const MANY: usize = 50;
/// Entries taken in turn.
const KEYS: usize = 16;
const NOW: Timestamp = Timestamp(1_000_000);
/// Entries of an app lie at 16 bytes.
const PLACE: &[u8] = &[7; 16];

/// An operation that is counted.
pub(crate) struct Work {
    pub(crate) name: &'static str,
    /// How many operations a run makes for each of its times.
    pub(crate) each: usize,
    pub(crate) run: fn(times: usize),
}

const fn once(name: &'static str, run: fn(usize)) -> Work {
    Work { name, each: 1, run }
}

const fn many(name: &'static str, run: fn(usize)) -> Work {
    Work { name, each: MANY, run }
}

pub(crate) const ALL: [Work; 10] = [
    many("hot get, page", |times| hot(Class::Response, times, 0)),
    many("hot get, fetch", |times| hot(Class::Fetch, times, 0)),
    many("hot get, fetch, five soft tags", |times| hot(Class::Fetch, times, 5)),
    many("hot get, 'use cache'", |times| hot(Class::UseCache, times, 0)),
    many("judge eight tags of 10 000", judge),
    once("warm get, fetch of 4 KB", |times| warm(Class::Fetch, times, 4_000)),
    once("warm get, page of 44 KB", |times| warm(Class::Response, times, 44_000)),
    once("set, page of 44 KB", |times| set(Class::Response, times, 44_000)),
    once("decode, fetch of 4 KB", |times| decode(Class::Fetch, times, 4_000)),
    once("decode, page of 44 KB", |times| decode(Class::Response, times, 44_000)),
];

fn hot(class: Class, times: usize, soft: usize) {
    let engine = engine(Arc::default());
    fill(&engine, class, KEYS, 4_000);
    // What is invalidated since, tags are looked up for.
    invalidate(&engine, 100..1_100);
    let soft = tags(10..10 + soft);
    for index in 0..times * MANY {
        let found = with_key(&engine, class, index % KEYS, |key| {
            engine.get(key, engine.clock.now_coarse(), || soft.clone())
        });
        assert!(matches!(found, Found::Entry(..)));
    }
}

/// Another instance has stored each, and this one reads it for the first time.
fn warm(class: Class, times: usize, bytes: usize) {
    let store = Arc::new(Store::default());
    // All of them in a run of any length: what is prepared does not count.
    fill(&engine(store.clone()), class, crate::LONG, bytes);
    store.write_all();
    let engine = engine(store);
    let waker: Arc<dyn Wake> = Arc::new(NoWaiter);
    for index in 0..times {
        with_key(&engine, class, index, |key| {
            let _ = black_box(engine.read(key, Ticket::new(waker.clone(), 0)));
            engine.flush();
            let found = engine.get(key, engine.clock.now_coarse(), Vec::new);
            assert!(matches!(found, Found::Entry(..)), "{found:?}");
        });
    }
}

fn set(class: Class, times: usize, bytes: usize) {
    let engine = engine(Arc::default());
    fill(&engine, class, times, bytes);
}

fn judge(times: usize) {
    let mut table = Table::new(200_000);
    for position in 0..10_000_u64 {
        table.apply(&tags([position as usize]), Change::Hard, Position(position + 1).into(), NOW);
    }
    let asked = tags(10..18);
    let stamp = Stamp { at: Position(10_000).into(), ..Stamp::default() };
    for _ in 0..times * MANY {
        black_box(table.judge(stamp, black_box(&asked).iter().map(Tag::as_bytes), NOW));
    }
}

fn decode(class: Class, times: usize, bytes: usize) {
    let codec = Codec::new(None, 1 << 24);
    let head = Head {
        epoch: 1,
        position: Position(1_790_000_000_000_000),
        created: Timestamp(1_790_000_000_000_000),
        revalidate_us: Some(900_000_000),
        expire_us: None,
        class,
        format: 1,
    };
    let frame = Frame {
        head,
        key: units(1).into(),
        tags: tags(0..4).into_iter().collect(),
        body: body(bytes),
    };
    let stored = codec.encode(PLACE, &frame.borrowed()).unwrap();
    for _ in 0..times {
        assert!(codec.decode(PLACE, black_box(&stored)).is_ok());
    }
}

/// No get waits here.
struct NoWaiter;

impl Wake for NoWaiter {
    fn wake(&self, _: u32, _: Notice) {}
}

fn fill(engine: &Arc<Engine>, class: Class, count: usize, bytes: usize) {
    let value = body(bytes);
    for index in 0..count {
        let meta = Meta {
            stamp: engine.ledger.present().1,
            since: engine.revision(),
            created: engine.clock.now(),
            held_from: engine.clock.now(),
            told_ms: 1_000.0,
            revalidate_us: Some(900_000_000),
            expire_us: None,
            tags: tags(0..4).into_iter().collect(),
            format: 1,
            source: Source::Generated,
        };
        with_key(engine, class, index, |key| engine.set(key, meta, value.clone(), false));
    }
}

/// Another instance invalidates these tags.
fn invalidate(engine: &Engine, names: Range<usize>) {
    let position = Position(51);
    let row = |tag| Row { tag, hard: position, soft: Position(0), deadline_us: None };
    let rows = tags(names).into_iter().map(row).collect();
    let message = Message { epoch: Epoch(7), previous: Position(50), position, rows };
    engine.on(Event::Heard(message));
    assert_eq!(engine.ledger.present().1.at, position.into());
}

fn with_key<T>(
    engine: &Engine,
    class: Class,
    index: usize,
    act: impl FnOnce(&KeyRef<'_>) -> T,
) -> T {
    let units = units(index);
    act(&engine.hasher().key(class, &units))
}

/// A key of the length that Next.js gives those of `fetch`.
fn units(index: usize) -> Vec<u16> {
    format!("{index:064x}").encode_utf16().collect()
}

fn tags(names: impl IntoIterator<Item = usize>) -> Vec<Tag> {
    names.into_iter().map(|name| Tag::from(&*format!("_N_T_/blog/post-{name}"))).collect()
}

/// Markup: much repeats, some does not.
fn body(bytes: usize) -> Box<[u8]> {
    let item =
        |id: usize| format!("<li class=\"item\"><a href=\"/products/{}\">", id * 7_919 % 9_973);
    let text: String = (0..bytes / 30).map(item).collect();
    text.into_bytes().into_iter().take(bytes).collect()
}
