//! All counters, in the shape in which `stats()` shows them.
#![expect(missing_docs, reason = "`index.d.ts` describes each of these fields")]

use std::sync::atomic::{AtomicU64, Ordering};

use serde::Serialize;

use super::Engine;
use crate::stats::{Answer, Counted, Kind, Latency, Place, Stats, bounds};

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
    pub hit_rate: f64,
    pub latency: PlaceStats,
}

/// How long gets of one kind take, by where they end, in microseconds.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PlaceStats {
    pub memory: HistogramStats,
    pub shared: HistogramStats,
    pub prerendered: HistogramStats,
    pub miss: HistogramStats,
}

/// A histogram, by the bounds that the report names.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct HistogramStats {
    pub counts: Vec<f64>,
    pub sum: f64,
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
    pub evicted_age_secs: HistogramStats,
}

/// The shared tier.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SharedStats {
    pub place: String,
    pub namespace: String,
    pub state: &'static str,
    pub connections: f64,
    pub lease_ms: f64,
    pub position: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lag_ms: Option<f64>,
    pub is_away: bool,
    pub is_broken: bool,
    pub refuses: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_error: Option<ErrorStats>,
    pub app_refusals: f64,
    pub breaks: f64,
    pub replaced_connections: f64,
    pub timeouts: f64,
    pub queued_writes: f64,
    pub queued_bytes: f64,
    pub dropped_writes: f64,
    pub broken_entries: f64,
    pub unrecorded: f64,
    pub invalidation: LatencyStats,
    pub round_trip: HistogramStats,
    pub entries_read: f64,
    pub bytes_read: f64,
    pub entries_written: f64,
    pub bytes_written: f64,
    pub compression_ratio: f64,
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
    pub event_loop_ms: f64,
    pub histogram_bounds: Vec<f64>,
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
                evicted_age_secs: histogram(stats.evicted_secs.counted()),
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
            event_loop_ms: stats.spent_us() as f64 / 1e3,
            histogram_bounds: bounds().map(|bound| bound as f64).collect(),
        }
    }
}

fn shared_stats(engine: &Engine) -> Option<SharedStats> {
    let tier = engine.tier()?;
    let health = tier.store().health();
    let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed) as f64;
    let lease_us = engine.ledger.lease_until().since_us(engine.clock.now());
    let is_alone = engine.ledger.is_alone();
    let (raw, written) = (read(&engine.stats.raw_bytes), read(&engine.stats.written_bytes));
    Some(SharedStats {
        place: tier.place().to_owned(),
        namespace: tier.namespace.clone(),
        state: engine.connectivity().as_str(),
        connections: f64::from(health.connections),
        lease_ms: if is_alone { 0.0 } else { lease_us as f64 / 1e3 },
        position: engine.ledger.present().1.at.position.0 as f64,
        lag_ms: if is_alone { Some(0.0) } else { lag_ms(engine) },
        is_away: engine.ledger.is_offline(),
        is_broken: health.is_broken,
        refuses: health.refuses.to_owned(),
        last_error: tier.notices.troubles.last().map(|wrong| ErrorStats {
            at: engine.told_ms(wrong.at),
            code: wrong.code,
            message: wrong.text,
        }),
        app_refusals: health.app_refusals as f64,
        breaks: health.breaks as f64,
        replaced_connections: health.replaced as f64,
        timeouts: health.timeouts as f64,
        queued_writes: health.queued_writes as f64,
        queued_bytes: health.queued_bytes as f64,
        dropped_writes: health.dropped_writes as f64,
        broken_entries: read(&engine.stats.broken),
        unrecorded: read(&engine.stats.unrecorded),
        invalidation: latency_stats(engine.stats.invalidation_latency()),
        round_trip: histogram(health.round_trips_us),
        entries_read: read(&engine.stats.read),
        bytes_read: read(&engine.stats.read_bytes),
        entries_written: read(&engine.stats.written),
        bytes_written: written,
        compression_ratio: if written > 0.0 { raw / written } else { 1.0 },
    })
}

/// How long ago this process last knew every invalidation there was.
fn lag_ms(engine: &Engine) -> Option<f64> {
    let known = engine.ledger.complete_at()?;
    Some(engine.clock.now().since_us(known) as f64 / 1e3)
}

fn histogram(counted: Counted) -> HistogramStats {
    HistogramStats { counts: counted.counts.map(|n| n as f64).to_vec(), sum: counted.sum as f64 }
}

fn kind_stats(stats: &Stats, kind: Kind) -> KindStats {
    let of = |answer| stats.answered(kind, answer) as f64;
    let found = [
        Answer::MemoryFresh,
        Answer::MemoryStale,
        Answer::SharedFresh,
        Answer::SharedStale,
        Answer::PrerenderedFresh,
        Answer::PrerenderedStale,
    ];
    let (hits, misses) = (found.map(of).iter().sum::<f64>(), of(Answer::Miss));
    let times = |place| histogram(stats.answer_times(kind, place));
    KindStats {
        fresh: of(Answer::MemoryFresh),
        stale: of(Answer::MemoryStale),
        misses: of(Answer::Miss),
        shared_fresh: of(Answer::SharedFresh),
        shared_stale: of(Answer::SharedStale),
        prerendered_fresh: of(Answer::PrerenderedFresh),
        prerendered_stale: of(Answer::PrerenderedStale),
        hit_rate: if hits > 0.0 { hits / (hits + misses) } else { 0.0 },
        latency: PlaceStats {
            memory: times(Place::Memory),
            shared: times(Place::Shared),
            prerendered: times(Place::Prerendered),
            miss: times(Place::Miss),
        },
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
