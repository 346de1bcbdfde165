//! What the fleet is told.

use super::*;
use crate::handler::history;
use crate::handler::snapshot::snapshot;
use crate::snapshot::{Answers, Snapshot};

fn told(next: &Next) -> Snapshot {
    let journals: Vec<_> = next.thread.journal().cloned().into_iter().collect();
    snapshot(&next.engine, &journals)
}

fn watched(kind: ValueKind, decisions: usize) -> Next {
    let next = Next::alone(kind, json!({ "decisions": decisions }));
    next.thread.open_journal(decisions);
    next
}

/// Names with their gets per second.
fn busy(list: &[crate::snapshot::Busy]) -> Vec<(&str, f64)> {
    list.iter().map(|one| (one.name.as_str(), one.per_sec)).collect()
}

#[test]
fn answers_are_told_by_kind_and_kinds_without_any_are_left_out() {
    let next = watched(ValueKind::Fetch, 64);
    next.get();
    next.set(&["posts"]);
    next.get();
    next.get();
    next.invalidate("posts", Some(60.0));
    next.get();
    let told = told(&next);
    let answers = Answers { fresh: 2, stale: 1, misses: 1 };
    assert_eq!(told.kinds.into_iter().collect::<Vec<_>>(), [("fetch".to_owned(), answers)]);
    assert_eq!((told.sets, told.invalidations, told.memory.entries), (1, 1, 1));
    assert_eq!((told.state.as_str(), told.started_at, told.at), ("none", 1_000.0, 1_000.0));
}

#[test]
fn what_is_busy_is_told_in_gets_per_second_with_the_tags_of_an_entry() {
    let next = watched(ValueKind::Fetch, 64);
    next.set(&["posts", "_N_T_/blog"]);
    next.pass_secs(5);
    for _ in 0..30 {
        next.get();
    }
    let told = told(&next);
    assert_eq!(busy(&told.busiest), [("/a", 6.0)]);
    assert_eq!(told.busiest[0].kind, "FETCH");
    assert_eq!(busy(&told.busiest_tags), [("posts", 6.0)]);
}

#[test]
fn gets_of_more_than_a_minute_ago_make_nothing_busy() {
    let next = watched(ValueKind::UseCache, 64);
    next.set(&["posts"]);
    next.get();
    next.pass_secs(61);
    assert_eq!(busy(&told(&next).busiest), []);
    // It is stale by now: those that are no plain hits count, too.
    next.get();
    assert_eq!(busy(&told(&next).busiest), [("/a", 0.0)]);
}

#[test]
fn decisions_that_reach_back_less_far_stand_for_more() {
    let next = watched(ValueKind::Fetch, 16);
    next.set(&["posts"]);
    for _ in 0..60 {
        next.get();
        next.engine.clock.advance_us(100_000);
    }
    // Ten a second, of which one and a half seconds are remembered.
    let [(_, per_sec)] = busy(&told(&next).busiest)[..] else { panic!("one key") };
    assert!((9.0..=11.0).contains(&per_sec), "{per_sec}");
}

#[test]
fn invalidations_are_told_the_newest_first_with_what_they_were() {
    let next = watched(ValueKind::Fetch, 64);
    for nth in 0..7 {
        next.pass_secs(1);
        next.invalidate(&format!("tag-{nth}"), (nth % 2 == 0).then_some(60.0));
    }
    let told = told(&next).invalidated;
    let read: Vec<_> = told.iter().map(|one| (one.tags.as_str(), one.is_soft, one.at)).collect();
    assert_eq!(read[..2], [("tag-6", true, 8_000.0), ("tag-5", false, 7_000.0)]);
    assert_eq!(read.len(), crate::snapshot::MOST_INVALIDATED);
    assert!(told.iter().all(|one| one.is_everywhere && one.ms == 0.0));
}

#[test]
fn without_decisions_there_are_the_counters_alone() {
    let next = Next::alone(ValueKind::Fetch, json!({ "decisions": 0 }));
    next.set(&["posts"]);
    next.get();
    let told = told(&next);
    assert_eq!((told.busiest, told.busiest_tags, told.invalidated), (vec![], vec![], vec![]));
    assert_eq!(told.kinds["fetch"].fresh, 1);
}

#[test]
fn what_took_longest_to_generate_is_told_slowest_first() {
    let next = watched(ValueKind::Fetch, 64);
    // Of this one it is not known when it began.
    next.set(&["posts"]);
    assert_eq!(told(&next).slowest, []);
    let began = Began::AtTime(next.engine.revision(), 1_000.0);
    next.engine.clock.advance_us(250_000);
    let value = next.value(&["posts"]);
    next.with_key(|handler, key| handler.put(key, next.kind, Some(value), Some(began)));
    let slowest = told(&next).slowest;
    let read: Vec<_> = slowest.iter().map(|one| (one.name.as_str(), one.ms)).collect();
    assert_eq!(read, [("/a", 250.0)]);
    assert_eq!(slowest[0].kind, "FETCH");
}

#[test]
fn each_minute_has_what_was_counted_in_it() {
    let next = watched(ValueKind::Fetch, 64);
    let of = |name: &str| -> Vec<u64> {
        let rows = history::rows(&next.engine);
        rows.iter().map(|row| row.values.get(name).copied().unwrap_or_default()).collect()
    };
    next.pass_secs(60);
    assert_eq!(of("sets"), [0]);
    next.set(&["posts"]);
    next.get();
    next.pass_secs(60);
    history::close(&next.engine);
    next.get();
    next.get();
    assert_eq!((of("fetch.fresh"), of("fetch.stale")), (vec![1, 0], vec![0, 2]));
    assert_eq!(of("sets"), [1, 0]);
    assert_eq!((of("entries"), of("instances")), (vec![1, 1], vec![1, 1]));
}
