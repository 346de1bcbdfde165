//! What this process tells the fleet of itself. Made every few seconds, and from what is counted
//! and remembered anyway: no call does anything for it.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::decision::{CallName, Decided, Outcome, Reach, Why};
use super::recall::{Decisions, is_own};
use crate::clock::Timestamp;
use crate::engine::Engine;
use crate::engine::report::Report;
use crate::journal::What;
use crate::next::tags::PATH_TAG;
use crate::next::value::ValueKind;
use crate::snapshot::{
    Answers, Busy, Invalidated, Leases, MOST_BUSY, MOST_INVALIDATED, MOST_SLOW, Memory, Slow,
    Snapshot, Times, cut,
};
use crate::stats::{Answer, Kind};
use crate::tags::TagList;

/// How far back what is busy is looked for.
const WINDOW_US: u64 = 60_000_000;
/// Entries whose keys are looked up. A key that was regenerated has had several.
const MOST_ENTRIES: usize = 32;

/// The names of the kinds in a snapshot: those of `stats()`.
pub(super) const KINDS: [(Kind, &str); Kind::ALL.len()] = [
    (Kind::UseCache, "useCache"),
    (Kind::AppPage, "appPage"),
    (Kind::AppRoute, "appRoute"),
    (Kind::Pages, "pages"),
    (Kind::Fetch, "fetch"),
    (Kind::Image, "image"),
    (Kind::Own, "own"),
];

/// The counters of this process, and what its journals say. Who it is, the caller knows.
pub fn snapshot(engine: &Engine, journals: &[Arc<Decisions>]) -> Snapshot {
    let report = engine.report();
    let offset_us = engine.ledger.store_offset_us();
    let told = |at: Timestamp| (at.shifted_us(offset_us).0 / 1_000) as f64;
    let Looked { busiest, busiest_tags, slowest, invalidated } = look(engine, journals);
    let invalidated = invalidated.into_iter().map(|(at, one)| Invalidated { at: told(at), ..one });
    let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
    Snapshot {
        at: told(engine.clock.now()),
        started_at: told(engine.began),
        state: engine.connectivity().as_str().to_owned(),
        kinds: KINDS.into_iter().filter_map(|kind| answers(engine, kind)).collect(),
        memory: memory(engine),
        get: Times { p50_micros: report.get.p50_micros, p99_micros: report.get.p99_micros },
        lag_ms: lag_ms(&report),
        leases: Leases {
            held: engine.leases_held(),
            taken: read(&engine.stats.leases_taken),
            followed: read(&engine.stats.followed),
            timed_out: read(&engine.stats.lease_timeouts),
        },
        sets: read(&engine.stats.sets),
        invalidations: read(&engine.stats.invalidations),
        busiest,
        busiest_tags,
        slowest,
        invalidated: invalidated.collect(),
        ..Snapshot::default()
    }
}

pub(super) fn answers(engine: &Engine, (kind, name): (Kind, &str)) -> Option<(String, Answers)> {
    let of = |answers: [Answer; 3]| {
        answers.into_iter().map(|answer| engine.stats.answered(kind, answer)).sum()
    };
    let answers = Answers {
        fresh: of([Answer::MemoryFresh, Answer::SharedFresh, Answer::PrerenderedFresh]),
        stale: of([Answer::MemoryStale, Answer::SharedStale, Answer::PrerenderedStale]),
        misses: engine.stats.answered(kind, Answer::Miss),
    };
    (answers != Answers::default()).then(|| (name.to_owned(), answers))
}

fn memory(engine: &Engine) -> Memory {
    let held = engine.holdings();
    Memory {
        entries: held.entries,
        bytes: held.bytes,
        capacity_bytes: held.capacity_bytes,
        evictions: held.evictions,
    }
}

fn lag_ms(report: &Report) -> f64 {
    // It leaves behind a poll: before the first one there is none.
    rounded(report.shared.as_ref().and_then(|shared| shared.lag_ms).unwrap_or_default())
}

/// To a tenth.
fn rounded(number: f64) -> f64 {
    (number * 10.0).round() / 10.0
}

/// What journals say.
struct Looked {
    busiest: Vec<Busy>,
    busiest_tags: Vec<Busy>,
    slowest: Vec<Slow>,
    invalidated: Vec<(Timestamp, Invalidated)>,
}

/// Gets per second, by what they were for.
#[derive(Default)]
struct Gets {
    entries: HashMap<u64, f64>,
    keys: HashMap<(&'static str, Box<[u16]>), f64>,
    tags: HashMap<Box<[u8]>, f64>,
    /// The longest generation in ms, by what was generated.
    times: HashMap<(&'static str, Box<[u16]>), f64>,
    invalidated: Vec<(Timestamp, Invalidated)>,
}

fn look(engine: &Engine, journals: &[Arc<Decisions>]) -> Looked {
    let mut gets = Gets::default();
    for journal in journals {
        gets.read(engine, journal);
    }
    gets.name(engine);
    let Gets { keys, tags, times, mut invalidated, .. } = gets;
    let key = |((kind, key), per_sec): ((&str, Box<[u16]>), f64)| Busy {
        name: cut(&String::from_utf16_lossy(&key)),
        kind: kind.to_owned(),
        per_sec: rounded(per_sec),
    };
    let tag = |(tag, per_sec): (Box<[u8]>, f64)| Busy {
        name: cut(&String::from_utf8_lossy(&tag)),
        kind: String::new(),
        per_sec: rounded(per_sec),
    };
    let slow = |((kind, key), ms): ((&str, Box<[u16]>), f64)| Slow {
        name: cut(&String::from_utf16_lossy(&key)),
        kind: kind.to_owned(),
        ms: rounded(ms),
    };
    invalidated.sort_by_key(|(at, _)| Reverse(*at));
    invalidated.truncate(MOST_INVALIDATED);
    Looked {
        busiest: most(keys, MOST_BUSY).into_iter().map(key).collect(),
        busiest_tags: most(tags, MOST_BUSY).into_iter().map(tag).collect(),
        slowest: most(times, MOST_SLOW).into_iter().map(slow).collect(),
        invalidated,
    }
}

impl Gets {
    /// Reads a journal. It may be too small for the whole window: then a decision stands for more
    /// per second.
    fn read(&mut self, engine: &Engine, journal: &Decisions) {
        let (now, room) = (engine.clock.now(), engine.options.decisions);
        let all = journal.last(room);
        let since = engine.began.max(Timestamp(now.0.saturating_sub(WINDOW_US)));
        // The last place but one is never read: see `Journal::new`.
        let is_full = all.len() + 1 >= room;
        let oldest = all.last().filter(|_| is_full).map_or(since, |one| one.at.max(since));
        let share = 1e6 / now.since_us(oldest).max(100_000) as f64;
        for one in all {
            let is_recent = one.at >= since;
            match one.what {
                What::Hit(entry) if is_recent => add(&mut self.entries, entry, share),
                What::Hit(_) => {}
                What::Detailed(decided) => match decided.call {
                    CallName::Get if is_recent => self.count(&decided, share),
                    CallName::Get => {}
                    CallName::Set => self.time(&decided),
                    CallName::Invalidate => self.note(one.at, &decided),
                },
            }
        }
    }

    fn count(&mut self, decided: &Decided, share: f64) {
        let kind = decided.kind.map_or("", ValueKind::as_str);
        add(&mut self.keys, (kind, decided.key.clone()), share);
        if let Some(facts) = &decided.decision.facts {
            self.count_tags(&facts.tags, share);
        }
    }

    fn time(&mut self, decided: &Decided) {
        let Some(took_us) = decided.decision.took_us.filter(|took_us| *took_us > 0) else { return };
        let kind = decided.kind.map_or("", ValueKind::as_str);
        let longest = self.times.entry((kind, decided.key.clone())).or_default();
        *longest = longest.max(took_us as f64 / 1e3);
    }

    fn count_tags(&mut self, tags: &TagList, share: f64) {
        // Those of a path say no more than the key.
        let is_of_path = |tag: &[u8]| tag.starts_with(PATH_TAG.as_bytes());
        for tag in tags.iter().filter(|tag| !is_own(tag) && !is_of_path(tag)) {
            add(&mut self.tags, tag.into(), share);
        }
    }

    /// An invalidation counts where it was made, and nowhere else.
    fn note(&mut self, at: Timestamp, decided: &Decided) {
        let Why::InEffect(reach) = &decided.decision.why else { return };
        let is_everywhere = match reach {
            Reach::Everywhere => true,
            Reach::Here => false,
            Reach::From { .. } => return,
        };
        let invalidated = Invalidated {
            at: 0.0,
            tags: cut(&String::from_utf16_lossy(&decided.key)),
            is_soft: decided.decision.outcome == Outcome::Soft,
            is_everywhere,
            ms: rounded(decided.decision.took_us.unwrap_or(0) as f64 / 1e3),
        };
        self.invalidated.push((at, invalidated));
    }

    /// Counts hits for the keys and tags of their entries. Looking those up goes through all of
    /// memory, so only those that were hit most are.
    fn name(&mut self, engine: &Engine) {
        let hit: HashMap<u64, f64> =
            most(std::mem::take(&mut self.entries), MOST_ENTRIES).into_iter().collect();
        if hit.is_empty() {
            return;
        }
        for former in engine.entries_by_number(|id| hit.contains_key(&id)) {
            let Some(share) = hit.get(&former.id).copied() else { continue };
            let kind = ValueKind::from_number(u32::from(former.meta.format));
            add(&mut self.keys, (kind.map_or("", ValueKind::as_str), former.key.clone()), share);
            self.count_tags(&former.meta.tags, share);
        }
    }
}

fn add<K: Eq + Hash>(all: &mut HashMap<K, f64>, key: K, share: f64) {
    *all.entry(key).or_default() += share;
}

/// The largest of them, the largest first; those that are as large in the order of their names, so
/// that they do not change places.
fn most<K: Ord>(all: HashMap<K, f64>, most: usize) -> Vec<(K, f64)> {
    let mut all: Vec<(K, f64)> = all.into_iter().collect();
    all.sort_by(|(one, share), (other, others)| others.total_cmp(share).then(one.cmp(other)));
    all.truncate(most);
    all
}
