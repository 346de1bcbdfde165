//! Remembered decisions.

use super::*;
use crate::account::Statement;
use crate::coherence::event::{Message, Row};
use crate::handler::hot::Checked;
use crate::handler::recall;
use crate::store::Listener;
use crate::tags::{Epoch, Position};

fn watched(kind: ValueKind, options: Json) -> Next {
    let next = Next::alone(kind, options);
    next.thread.open_journal(64);
    next
}

#[test]
fn gets_sets_and_invalidations_are_remembered_with_their_reasons() {
    let next = watched(ValueKind::Image, PLAIN());
    assert!(is_miss(next.get()));
    next.set(&["a"]);
    next.pass_secs(3);
    next.get();
    next.invalidate("a", Some(60.0));
    next.get();
    next.invalidate("a", None);
    next.get();
    assert_eq!(
        recall(&next),
        [
            "get none miss tag a, hard at position 2",
            "invalidate none hard ",
            "get memory stale tag a, soft at position 1",
            "invalidate none soft ",
            "get memory fresh 3 s old",
            "set memory stored ",
            "get none miss absent: never stored",
        ]
    );
}

#[test]
fn a_hit_of_a_ready_object_is_remembered_and_taken_back_with_the_answer() {
    let next = watched(ValueKind::UseCache, PLAIN());
    next.set(&["a"]);
    let Answer::Fresh(entry) = answer(next.get()) else { panic!("it is fresh") };
    let handle = next.thread.keep(&entry, &next.engine).unwrap();
    next.invalidate("b", None);
    let asked = |tag: &str| next.handler().check_asked(handle, || vec![Tag::from(tag)]);
    let hits = || recall(&next).iter().filter(|told| told.contains("fresh")).count();
    assert!(matches!(next.handler().check(handle), Checked::Asked(_)));
    assert_eq!((asked("c"), hits()), (Checked::Fresh, 2));
    assert!(matches!(next.handler().check(handle), Checked::Asked(_)));
    assert_eq!((asked("b"), hits()), (Checked::LookUp, 2));
}

#[test]
fn a_generation_without_a_value_is_remembered() {
    let next = watched(ValueKind::Fetch, PLAIN());
    next.with_key(|handler, key| handler.abandon(ValueKind::Fetch, key));
    assert_eq!(recall(&next), ["set none dropped the generation brought no value to store"]);
}

#[test]
fn the_tags_that_every_entry_has_of_its_own_are_not_shown() {
    let next = watched(ValueKind::Fetch, PLAIN());
    next.set(&["a", "b"]);
    let journals = [next.thread.journal().unwrap().clone()];
    let told = recall::recall(&next.engine, &journals, 1);
    assert_eq!(told[0].tags, Some(vec!["a".into(), "b".into()]));
}

#[test]
fn an_evicted_key_is_not_one_that_was_never_stored() {
    let next = watched(ValueKind::Fetch, json!({ "memoryMb": 1 }));
    let units = |name: u16| [name];
    for name in 0..2_000 {
        let units = units(name);
        let key = next.engine.hasher().key(next.kind.class(), &units);
        let began = Some(Began::At(next.engine.revision()));
        let body = encode(&[ValuePart::Bytes(&[1; 2_000])]).unwrap();
        let value = Value { body, ..next.value(&[]) };
        next.handler().put(&key, next.kind, Some(value), began);
    }
    next.pass_secs(5);
    // Which of them go is up to the memory tier.
    let missed = (0..2_000).filter(|name| {
        let units = units(*name);
        let key = next.engine.hasher().key(next.kind.class(), &units);
        let request = Request { kind: next.kind, key, asker: next.asker };
        let (progress, waited) = (Progress::default(), Waited::InTime);
        let handler = next.handler();
        is_miss(Lookup { handler, request, progress, waited, caller: &next.asking }.step())
    });
    assert!(missed.count() > 1_000);
    let told = recall(&next);
    let of_misses = told.iter().filter(|line| line.starts_with("get none miss"));
    let others: Vec<_> = of_misses
        .filter(|line| **line != "get none miss absent: evicted for room 5 s ago")
        .collect();
    assert!(others.is_empty(), "{others:?}");
}

#[test]
fn a_value_goes_to_both_tiers_and_its_key_belongs_to_the_store() {
    let next = Next::sharing(&store(), ValueKind::UseCache);
    next.thread.open_journal(64);
    next.set(&["a"]);
    assert_eq!(recall(&next), ["set memory+shared stored "]);
}

#[test]
fn of_the_invalidations_by_others_as_many_are_told_as_are_asked_for() {
    let next = Next::sharing(&store(), ValueKind::Fetch);
    for position in [60, 70, 80] {
        let row = Row {
            tag: Tag::from(format!("at {position}").as_str()),
            hard: Position(position),
            soft: Position(0),
            deadline_us: None,
        };
        let previous = Position(position - 10);
        let message =
            Message { epoch: Epoch(7), previous, position: Position(position), rows: vec![row] };
        next.engine.hears("web:1", &message);
    }
    let keys = |told: Vec<Statement>| told.into_iter().map(|one| one.key).collect::<Vec<_>>();
    assert_eq!(keys(recall::heard(&next.engine, 60.0)), ["at 70", "at 80"]);
    assert_eq!(keys(recall::recall(&next.engine, &[], 2)), ["at 80", "at 70"]);
    assert_eq!(next.engine.heard(1, |heard| heard.position < 80).len(), 1);
}
