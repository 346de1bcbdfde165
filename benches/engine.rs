//! The engine without Node: the cost of its operations by themselves.

use std::hint::black_box;
use std::sync::Arc;

use criterion::{BatchSize, BenchmarkId, Criterion, criterion_group, criterion_main};
use serde_json::{Value, json};
use tiercel::clock::{Clock, Timestamp};
use tiercel::coherence::Coherence;
use tiercel::coherence::event::Lifetime;
use tiercel::engine::{Builder, Engine};
use tiercel::entry::{Meta, Source};
use tiercel::key::Class;
use tiercel::options::Options;
use tiercel::tags::{Change, Position, Stamp, Table, Tag};
use tiercel::wake::{Notice, Ticket, Wake};

/// Entries taken in turn.
const KEYS: usize = 256;
const NOW: Timestamp = Timestamp(1_000_000);

/// No request waits in a benchmark.
struct NoWaiter;

impl Wake for NoWaiter {
    fn wake(&self, _: u32, _: Notice) {}
}

fn invalidate(engine: &Engine, tags: &[Tag]) {
    let _ = engine.invalidate(tags, Lifetime::None, Ticket::new(Arc::new(NoWaiter), 0));
}

fn engine() -> Arc<Engine> {
    let options = Options::resolve(&json!({ "memoryMb": 1_024 }), &Value::Null);
    let options = options.unwrap_or_default();
    let coherence = Coherence::alone(options.max_tags);
    Builder::new(options, Clock::system(), coherence).build()
}

/// A key as Next.js makes it for `fetch`: 64 units.
fn units(index: usize) -> Vec<u16> {
    format!("{index:064x}").encode_utf16().collect()
}

fn tags(names: impl IntoIterator<Item = usize>) -> Vec<Tag> {
    names.into_iter().map(|name| Tag::from(&*format!("_N_T_/blog/post-{name}"))).collect()
}

fn meta(engine: &Engine) -> Meta {
    Meta {
        stamp: engine.ledger.present().1,
        since: engine.revision(),
        created: engine.clock.now(),
        held_from: engine.clock.now(),
        told_ms: 1_000.0,
        revalidate_us: Some(900_000_000),
        expire_us: None,
        tags: tags(0..2).into_iter().collect(),
        format: 4,
        source: Source::Generated,
    }
}

/// An engine that holds an entry of 2 KB under each key.
fn filled() -> (Arc<Engine>, Vec<Vec<u16>>) {
    let engine = engine();
    let keys: Vec<Vec<u16>> = (0..KEYS).map(units).collect();
    for key in &keys {
        let key = engine.hasher().key(Class::Fetch, key);
        engine.set(&key, meta(&engine), vec![7; 2_000].into(), false);
    }
    (engine, keys)
}

fn get(c: &mut Criterion) {
    let mut group = c.benchmark_group("engine/get");
    for (name, invalidated, soft) in
        [("untouched", 0, 0), ("others invalidated", 1_000, 0), ("and five soft tags", 1_000, 5)]
    {
        let (engine, keys) = filled();
        for other in 0..invalidated {
            invalidate(&engine, &tags([other + 100]));
        }
        let soft = tags(10..10 + soft);
        let mut keys = keys.iter().cycle();
        group.bench_function(name, |b| {
            b.iter(|| {
                let key = keys.next().map(|key| engine.hasher().key(Class::Fetch, key));
                key.map(|key| engine.get(&key, engine.clock.now_coarse(), || soft.clone()))
            });
        });
    }
    group.finish();
}

fn set(c: &mut Criterion) {
    let mut group = c.benchmark_group("engine/set");
    for size in [2_000, 50_000] {
        let (engine, keys) = filled();
        let mut keys = keys.iter().cycle();
        let value = || (meta(&engine), vec![7; size].into_boxed_slice());
        group.bench_function(BenchmarkId::from_parameter(size), |b| {
            b.iter_batched(
                value,
                |(meta, body)| {
                    let key = keys.next().map(|key| engine.hasher().key(Class::Fetch, key));
                    key.map(|key| engine.set(&key, meta, body, false))
                },
                BatchSize::SmallInput,
            );
        });
    }
    group.finish();
}

fn judge_and_invalidate(c: &mut Criterion) {
    let (engine, _) = filled();
    let mut turn = 0;
    c.bench_function("engine/invalidate", |b| {
        b.iter_batched(
            || {
                turn = (turn + 1) % 1_000;
                tags([turn + 100])
            },
            |tags| invalidate(&engine, &tags),
            BatchSize::SmallInput,
        );
    });

    let mut table = Table::new(200_000);
    for position in 0..100_000_u64 {
        table.apply(&tags([position as usize]), Change::Hard, Position(position + 1).into(), NOW);
    }
    let mut group = c.benchmark_group("tags of 100 000");
    for (name, stamp, asked) in
        [("judge one, fresh", 100_000, 50_000..50_001), ("judge eight, fresh", 100_000, 10..18)]
    {
        let asked = tags(asked);
        let stamp = Stamp { at: Position(stamp).into(), ..Stamp::default() };
        group.bench_function(name, |b| {
            b.iter(|| table.judge(stamp, black_box(&asked).iter().map(Tag::as_bytes), NOW).0);
        });
    }
    let known = tags([77_777]);
    let mut position = 100_000;
    group.bench_function("apply one again", |b| {
        b.iter(|| {
            position += 1;
            table.apply(&known, Change::Hard, Position(position).into(), NOW);
        });
    });
    group.finish();
}

fn flight(c: &mut Criterion) {
    let (engine, _) = filled();
    let waker: Arc<dyn Wake> = Arc::new(NoWaiter);
    let units = units(KEYS + 1);
    let key = engine.hasher().key(Class::Fetch, &units);
    let mut group = c.benchmark_group("flight");
    group.bench_function("lead and land", |b| {
        b.iter(|| {
            let joined = engine.join(&key, 1_200, Ticket::new(waker.clone(), 1));
            engine.abandon(&key, false);
            joined
        });
    });
    group.bench_function("lead, ten join, land", |b| {
        b.iter(|| {
            for token in 0..11 {
                black_box(engine.join(&key, 1_200, Ticket::new(waker.clone(), token)));
            }
            engine.abandon(&key, false);
        });
    });
    group.finish();
}

criterion_group!(benches, get, set, judge_and_invalidate, flight);
criterion_main!(benches);
