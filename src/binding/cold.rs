//! Configuration and statistics.

use std::sync::atomic::{AtomicU64, Ordering};

use napi_derive::napi;
use serde_json::Value;

use super::{apps, process};
use crate::clock::Timestamp;
use crate::engine::Engine;
use crate::error::Error;
use crate::next::signal::Version;
use crate::options::{InvalidationFailure, Options};
use crate::redis::RedisStore;
use crate::stats::{Answer, Kind, Latency};

/// What JavaScript needs to know of the options.
#[napi(object)]
pub struct Chosen {
    pub debug: bool,
    pub grace_ms: f64,
    pub must_record: bool,
}

/// Chooses the options of this process, from JSON texts of the given options and the environment.
/// Without given options (`null`) it only checks the environment if a choice was made before.
#[napi(catch_unwind)]
pub fn configure(given: String, env: String) -> napi::Result<Chosen, String> {
    let parse = |text: &str| serde_json::from_str::<Value>(text).map_err(|_| Error::NotAnObject);
    let choose = || {
        let (given, env) = (parse(&given)?, parse(&env)?);
        let options = Options::resolve(&given, &env)?;
        let (mut grace_ms, mut must_record) = (0.0, false);
        if let Some(shared) = &options.shared {
            RedisStore::check(&shared.server)?;
            grace_ms = shared.invalidation_grace.as_millis() as f64;
            must_record = shared.on_invalidation_failure == InvalidationFailure::Reject;
        }
        let chosen = Chosen { debug: options.debug, grace_ms, must_record };
        process::choose(options, given.is_null()).map(|()| chosen)
    };
    choose().map_err(|error| napi::Error::new(error.code().to_owned(), error.to_string()))
}

/// The environment variables that `configure` reads.
#[napi(catch_unwind)]
pub fn env_names() -> Vec<String> {
    Options::env_names().into_iter().map(str::to_owned).collect()
}

/// Tells which Next.js runs, whether it is building or developing, and what keeps the app apart from
/// others. No version: there is no Next.js; an empty one: which it is cannot be found out. What was
/// guessed counts until something is `sure`, which was seen; another thread may know less.
#[napi(catch_unwind)]
pub fn app(version: Option<String>, building: bool, dev: bool, namespace: String, sure: bool) {
    let version = version.map(|text| parse_version(&text).unwrap_or(Version::UNKNOWN));
    process::introduce(version, namespace, sure);
    process::learn(|app| (app.building, app.dev) = (building, dev));
}

fn parse_version(text: &str) -> Option<Version> {
    let mut numbers = text.split(['.', '-', '+']).map(|part| part.parse::<u32>().ok());
    Some(Version { major: numbers.next()??, minor: numbers.next()??, patch: numbers.next()?? })
}

/// A build that can be served.
#[napi(object)]
pub struct Build {
    /// Tells it from other builds; without it its pages are not shared.
    pub name: Option<String>,
    /// When it began, in ms since the epoch.
    pub began_ms: f64,
}

/// Tells of an app, by its `.next/server`, what its keys are told apart by, and its build; in `next
/// build` and `next dev` there is none. The result is its number among the apps of this process.
#[napi(catch_unwind)]
pub fn server_dir(path: String, label: String, build: Option<Build>) -> u32 {
    let began = build.as_ref().map(|build| Timestamp((build.began_ms.max(0.0) * 1e3) as u64));
    let app = apps::learn(path, &label, began);
    let engine = process::engine();
    let given = engine.options.shared.as_ref().and_then(|shared| shared.build_name.as_ref());
    // Apps that run side by side may be of one commit.
    let named = given.map(|given| format!("{label}{given}"));
    let name = build.and_then(|build| named.or(build.name));
    if let (Some(tier), Some(name)) = (engine.tier(), name) {
        tier.set_build(app, name.as_bytes());
    }
    app.0
}

/// The process ends: no other instance need wait for it.
#[napi(catch_unwind)]
pub fn quit() {
    process::quit();
}

/// How this process is connected to the shared tier: `none`, `connected`, `connecting`, `away` or
/// `denied`.
#[napi(catch_unwind)]
pub fn link() -> &'static str {
    process::engine().connectivity().as_str()
}

/// Answers to gets of one kind.
#[napi(object)]
pub struct KindStats {
    pub fresh: f64,
    pub stale: f64,
    pub misses: f64,
    pub shared_fresh: f64,
    pub shared_stale: f64,
    pub prerendered_fresh: f64,
    pub prerendered_stale: f64,
}

/// How long calls take inside the engine.
#[napi(object)]
pub struct LatencyStats {
    pub measured: f64,
    pub p50_micros: f64,
    pub p95_micros: f64,
    pub p99_micros: f64,
}

/// The memory tier.
#[napi(object)]
pub struct MemoryStats {
    pub entries: f64,
    pub bytes: f64,
    pub capacity_bytes: f64,
    pub evictions: f64,
}

/// The shared tier.
#[napi(object)]
pub struct SharedStats {
    pub place: String,
    pub namespace: String,
    pub connections: f64,
    pub lease_ms: f64,
    pub is_away: bool,
    pub is_broken: bool,
    pub refuses: String,
    pub breaks: f64,
    pub replaced_connections: f64,
    pub timeouts: f64,
    pub queued_writes: f64,
    pub queued_bytes: f64,
    pub dropped_writes: f64,
    pub broken_entries: f64,
    pub unrecorded: f64,
    pub invalidation: LatencyStats,
}

/// Who generated what others wanted too.
#[napi(object)]
pub struct LeaseStats {
    pub taken: f64,
    pub followed: f64,
    pub timed_out: f64,
    pub saved: f64,
    pub stale_meanwhile: f64,
}

/// Everything that is counted.
#[napi(object)]
pub struct EngineStats {
    pub use_cache: KindStats,
    pub app_page: KindStats,
    pub app_route: KindStats,
    pub pages: KindStats,
    pub fetch: KindStats,
    pub image: KindStats,
    pub memory: MemoryStats,
    pub shared: Option<SharedStats>,
    pub leases: LeaseStats,
    pub sets: f64,
    pub dropped: f64,
    pub too_large: f64,
    pub invalidations: f64,
    pub tags: f64,
    pub joined: f64,
    pub wait_timeouts: f64,
    pub flights: f64,
    pub panics: f64,
    pub get: LatencyStats,
    pub set: LatencyStats,
}

/// What this process has counted since it started.
#[napi(catch_unwind)]
pub fn stats() -> EngineStats {
    let engine = process::engine();
    let (stats, held) = (&engine.stats, engine.holdings());
    let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed) as f64;
    EngineStats {
        use_cache: kind_stats(Kind::UseCache),
        app_page: kind_stats(Kind::AppPage),
        app_route: kind_stats(Kind::AppRoute),
        pages: kind_stats(Kind::Pages),
        fetch: kind_stats(Kind::Fetch),
        image: kind_stats(Kind::Image),
        memory: MemoryStats {
            entries: held.entries as f64,
            bytes: held.bytes as f64,
            capacity_bytes: held.capacity_bytes as f64,
            evictions: held.evictions as f64,
        },
        shared: shared_stats(engine),
        leases: LeaseStats {
            taken: read(&stats.leases_taken),
            followed: read(&stats.followed),
            timed_out: read(&stats.lease_timeouts),
            saved: read(&stats.saved),
            stale_meanwhile: read(&stats.stale_meanwhile),
        },
        sets: read(&stats.sets),
        dropped: read(&stats.dropped),
        too_large: read(&stats.too_large),
        invalidations: read(&stats.invalidations),
        tags: held.tags as f64,
        joined: read(&stats.joined),
        wait_timeouts: read(&stats.wait_timeouts),
        flights: held.flights as f64,
        panics: read(&stats.panics),
        get: latency_stats(stats.get_latency()),
        set: latency_stats(stats.set_latency()),
    }
}

fn shared_stats(engine: &Engine) -> Option<SharedStats> {
    let tier = engine.tier()?;
    let health = tier.store().health();
    let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed) as f64;
    let lease_us = engine.ledger.lease_until().since_us(engine.clock.now());
    Some(SharedStats {
        place: tier.place().to_owned(),
        namespace: tier.namespace.clone(),
        connections: f64::from(health.connections),
        lease_ms: if engine.ledger.is_alone() { 0.0 } else { lease_us as f64 / 1e3 },
        is_away: engine.ledger.is_offline(),
        is_broken: health.is_broken,
        refuses: health.refuses.to_owned(),
        breaks: health.breaks as f64,
        replaced_connections: health.replaced as f64,
        timeouts: health.timeouts as f64,
        queued_writes: health.queued_writes as f64,
        queued_bytes: health.queued_bytes as f64,
        dropped_writes: health.dropped_writes as f64,
        broken_entries: read(&engine.stats.broken),
        unrecorded: read(&engine.stats.unrecorded),
        invalidation: latency_stats(engine.stats.invalidation_latency()),
    })
}

fn kind_stats(kind: Kind) -> KindStats {
    let stats = &process::engine().stats;
    let of = |answer| stats.answered(kind, answer) as f64;
    KindStats {
        fresh: of(Answer::MemoryFresh),
        stale: of(Answer::MemoryStale),
        misses: of(Answer::Miss),
        shared_fresh: of(Answer::SharedFresh),
        shared_stale: of(Answer::SharedStale),
        prerendered_fresh: of(Answer::PrerenderedFresh),
        prerendered_stale: of(Answer::PrerenderedStale),
    }
}

fn latency_stats(latency: Latency) -> LatencyStats {
    LatencyStats {
        measured: latency.measured as f64,
        p50_micros: latency.p50_us,
        p95_micros: latency.p95_us,
        p99_micros: latency.p99_us,
    }
}
