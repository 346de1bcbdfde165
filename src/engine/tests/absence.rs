//! Why there is no entry.

use super::fake::{NO_MEMORY, PLAIN, instance, store};
use super::*;
use crate::codec::{FrameRef, Head};
use crate::coherence::event::{Event, Message, Row};
use crate::engine::Absence;
use crate::store::Listener;
use crate::tags::{Epoch, Position};

fn absence(engine: &Engine, class: Class, name: u16) -> Absence {
    engine.absence(&engine.hasher().key(class, &[name]))
}

fn key<'a>(engine: &Engine, units: &'a [u16]) -> KeyRef<'a> {
    engine.hasher().key(Class::Fetch, units)
}

#[test]
fn what_became_of_an_entry_is_history_once_there_is_another() {
    let engine = engine();
    set(&engine, 1, meta());
    let Found::Entry(entry, ..) = found(&engine, 1) else { panic!("it is held") };
    engine.note_left(0, &[entry]);
    assert_eq!(absence(&engine, Class::Fetch, 1), Absence::Evicted(0));
    set(&engine, 1, meta());
    assert_eq!(absence(&engine, Class::Fetch, 1), Absence::NeverStored);
}

#[test]
fn so_it_is_without_a_memory_tier() {
    let store = store();
    let a = instance(&store, &NO_MEMORY());
    let damaged = || a.engine.note_unreadable(&key(&a.engine, &[1]), Absence::Broken);
    damaged();
    assert_eq!(absence(&a.engine, Class::Fetch, 1), Absence::Broken);
    a.set(1, |meta| meta);
    assert_eq!(absence(&a.engine, Class::Fetch, 1), Absence::NeverStored);
    store.carry_out_writes();
    damaged();
    assert!(a.read(Class::Fetch, 1, 1));
    store.answer_reads();
    assert_eq!(absence(&a.engine, Class::Fetch, 1), Absence::NeverStored);
}

#[test]
fn an_entry_of_another_key_is_told_as_damaged() {
    let store = store();
    let a = instance(&store, &PLAIN());
    let tier = a.engine.tier().unwrap();
    let address = tier.address(&key(&a.engine, &[1])).unwrap();
    let head = Head {
        epoch: 7,
        position: Position(50),
        created: Timestamp(1_000_000),
        revalidate_us: None,
        expire_us: None,
        class: Class::Fetch,
        format: 0,
    };
    let frame = FrameRef { head, key: &[2], tags: &TagList::default(), body: &[1] };
    store.entries.lock().insert(address, tier.codec.encode(&address, &frame).unwrap());
    assert!(a.read(Class::Fetch, 1, 1));
    store.answer_reads();
    assert_eq!(absence(&a.engine, Class::Fetch, 1), Absence::Broken);
}

#[test]
fn what_belongs_to_a_build_was_never_stored_by_this_one() {
    let of = |options: Value, class| absence(&instance(&store(), &options).engine, class, 1);
    assert_eq!(of(PLAIN(), Class::Image), Absence::NotOfBuild);
    assert_eq!(of(PLAIN(), Class::Fetch), Absence::NeverStored);
    let isolated = serde_json::json!({ "isolateFetch": true });
    assert_eq!(of(isolated, Class::Fetch), Absence::NotOfBuild);
}

#[test]
fn a_store_that_is_away_explains_more_than_an_eviction() {
    let a = instance(&store(), &PLAIN());
    a.set(1, |meta| meta);
    let entry = a.engine.held(&key(&a.engine, &[1])).unwrap();
    a.engine.note_left(0, &[entry]);
    a.engine.on(Event::Unreachable);
    assert_eq!(absence(&a.engine, Class::Fetch, 1), Absence::StoreAway);
}

#[test]
fn nobody_waits_for_what_is_gone_while_memory_is_searched() {
    let engine = engine();
    set(&engine, 1, meta());
    let seen = engine.entries_by_number(|_| {
        assert!(engine.absences.try_lock().is_some());
        true
    });
    assert_eq!(seen.len(), 1);
}

#[test]
fn what_nobody_asks_for_is_not_noted() {
    let given = serde_json::json!({ "decisions": 0 });
    let a = instance(&store(), &given);
    a.engine.note_unreadable(&key(&a.engine, &[1]), Absence::Broken);
    assert_eq!(absence(&a.engine, Class::Fetch, 1), Absence::NeverStored);
}

#[test]
fn from_the_first_question_on_it_is_and_so_are_invalidations_by_others() {
    let given = serde_json::json!({ "decisions": 0 });
    let a = instance(&store(), &given);
    let receive = |position| {
        let (position, previous) = (Position(position), Position(position - 1));
        let row = Row { tag: Tag::from("a"), hard: position, soft: Position(0), deadline_us: None };
        let message = Message { epoch: Epoch(7), previous, position, rows: vec![row] };
        a.engine.note_heard("web:1", &message);
    };
    receive(51);
    a.engine.watch();
    a.engine.note_unreadable(&key(&a.engine, &[1]), Absence::Broken);
    receive(52);
    assert_eq!(absence(&a.engine, Class::Fetch, 1), Absence::Broken);
    let heard = a.engine.heard(9, |_| true);
    assert_eq!(heard.iter().map(|(_, heard)| heard.position).collect::<Vec<_>>(), [52]);
}
