//! What is counted for the history of the last hour, by name. `js/dashboard/series.js` reads these names.

use std::sync::atomic::{AtomicU64, Ordering};

use super::snapshot::{KINDS, answers};
use crate::engine::Engine;
use crate::history::{Row, Totals, Values};
use crate::stats::{Counted, Place};

const PLACES: [Place; 4] = [Place::Memory, Place::Shared, Place::Prerendered, Place::Miss];

/// Closes a minute that is over. Unless one is, it costs a look at the coarse clock.
pub fn close(engine: &Engine) {
    let now = engine.clock.now_coarse().shifted_us(engine.ledger.store_offset_us());
    engine.history.close(now.0, || totals(engine));
}

/// The last hour of this process, the oldest minute first.
pub fn rows(engine: &Engine) -> Vec<Row> {
    close(engine);
    engine.history.rows(now_us(engine), || totals(engine))
}

/// On the clock of the store, so that the minutes of all instances are the same.
fn now_us(engine: &Engine) -> u64 {
    engine.clock.now().shifted_us(engine.ledger.store_offset_us()).0
}

fn totals(engine: &Engine) -> Totals {
    let stats = &engine.stats;
    let mut counted = Values::new();
    for (kind, name) in KINDS {
        if let Some((_, answers)) = answers(engine, (kind, name)) {
            let parts =
                [("fresh", answers.fresh), ("stale", answers.stale), ("misses", answers.misses)];
            counted.extend(parts.map(|(part, count)| (format!("{name}.{part}"), count)));
        }
        for place in PLACES {
            add_buckets(&mut counted, name, &stats.answer_times(kind, place));
        }
    }
    let health = engine.tier().map(|tier| tier.store().health());
    if let Some(health) = &health {
        add_buckets(&mut counted, "redis", &health.round_trips_us);
    }
    let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
    let held = engine.holdings();
    counted.extend(
        [
            ("sets", read(&stats.sets)),
            ("invalidations", read(&stats.invalidations)),
            ("led", read(&stats.leases_taken)),
            ("saved", read(&stats.saved)),
            ("evictions", held.evictions),
        ]
        .map(|(name, count)| (name.to_owned(), count)),
    );
    let held = [
        ("instances", 1),
        ("memoryBytes", held.bytes),
        ("capacityBytes", held.capacity_bytes),
        ("entries", held.entries),
    ];
    Totals { counted, held: held.map(|(name, count)| (name.to_owned(), count)).into() }
}

/// By bucket, as `<name>.t<bucket>`.
fn add_buckets(values: &mut Values, name: &str, times: &Counted) {
    for (bucket, count) in times.counts.iter().enumerate().filter(|(_, count)| **count > 0) {
        *values.entry(format!("{name}.t{bucket}")).or_default() += count;
    }
}
