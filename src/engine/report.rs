//! All counters, in the shape in which `stats()` shows them.
#![expect(missing_docs, reason = "`index.d.ts` describes each of these fields")]

use std::sync::atomic::{AtomicU64, Ordering};

use serde::Serialize;

use super::Engine;
use crate::stats::{Answer, Kind, Latency, Stats};

/// Answers to gets of one kind.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
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
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LatencyStats {
    pub measured: f64,
    pub p50_micros: f64,
    pub p95_micros: f64,
    pub p99_micros: f64,
}

/// The memory tier.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct MemoryStats {
    pub entries: f64,
    pub bytes: f64,
    pub capacity_bytes: f64,
    pub evictions: f64,
}

/// The shared tier.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SharedStats {
    pub place: String,
    pub namespace: String,
    pub connections: f64,
    pub lease_ms: f64,
    pub is_away: bool,
    pub is_broken: bool,
    pub refuses: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_error: Option<ErrorStats>,
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

/// What was wrong with the shared tier last.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ErrorStats {
    pub code: String,
    pub message: String,
    pub at: f64,
}

/// Generations that several processes wanted.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LeaseStats {
    pub taken: f64,
    pub followed: f64,
    pub timed_out: f64,
    pub saved: f64,
    pub stale_meanwhile: f64,
}

/// All counters.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    pub use_cache: KindStats,
    pub app_page: KindStats,
    pub app_route: KindStats,
    pub pages: KindStats,
    pub fetch: KindStats,
    pub image: KindStats,
    pub own: KindStats,
    pub memory: MemoryStats,
    #[serde(skip_serializing_if = "Option::is_none")]
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

impl Engine {
    /// What this process has counted since it started.
    pub fn report(&self) -> Report {
        let (stats, held) = (&self.stats, self.holdings());
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed) as f64;
        Report {
            use_cache: kind_stats(stats, Kind::UseCache),
            app_page: kind_stats(stats, Kind::AppPage),
            app_route: kind_stats(stats, Kind::AppRoute),
            pages: kind_stats(stats, Kind::Pages),
            fetch: kind_stats(stats, Kind::Fetch),
            image: kind_stats(stats, Kind::Image),
            own: kind_stats(stats, Kind::Own),
            memory: MemoryStats {
                entries: held.entries as f64,
                bytes: held.bytes as f64,
                capacity_bytes: held.capacity_bytes as f64,
                evictions: held.evictions as f64,
            },
            shared: shared_stats(self),
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
        last_error: tier.notices.troubles.last().map(|wrong| ErrorStats {
            at: engine.told_ms(wrong.at),
            code: wrong.code,
            message: wrong.text,
        }),
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

fn kind_stats(stats: &Stats, kind: Kind) -> KindStats {
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
