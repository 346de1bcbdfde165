//! The shared tier from the engine's side, over a store in this process.

use super::fake::{NO_MEMORY, PLAIN, instance, store};
use std::convert::Infallible;

use super::*;
use crate::coherence::event::{Event, Message, Row};
use crate::coherence::timing::Timing;
use crate::key::AppId;
use crate::ledger::MemoryAccess;
use crate::store::{Address, Listener};
use crate::tags::{Epoch, Position};

#[test]
fn what_one_instance_generated_another_finds() {
    let store = store();
    let (a, b) = (instance(&store, &PLAIN()), instance(&store, &PLAIN()));
    assert_eq!(a.set(1, |meta| meta), Stored::Yes);
    assert_eq!(store.carry_out_writes(), [5_000]);
    assert_eq!(verdict(&b.engine, 1, &[]), None);
    assert!(b.read(Class::Fetch, 1, 9));
    store.answer_reads();
    assert_eq!(b.got(), [(9, true)]);
    assert_eq!(verdict(&b.engine, 1, &[]), Some(Verdict::Fresh));
}

#[test]
fn gets_of_one_key_share_one_read() {
    let store = store();
    let b = instance(&store, &PLAIN());
    assert!(b.read(Class::Fetch, 1, 1) && b.read(Class::Fetch, 1, 2) && b.read(Class::Fetch, 3, 3));
    assert_eq!(store.answer_reads(), 2);
    assert_eq!(b.got(), [(1, false), (2, false), (3, false)]);
    assert!(b.read(Class::Fetch, 1, 4));
    assert_eq!(store.answer_reads(), 1);
}

#[test]
fn what_a_read_brings_is_judged_when_it_comes() {
    let store = store();
    let (a, b) = (instance(&store, &PLAIN()), instance(&store, &PLAIN()));
    a.set(1, |meta| Meta { tags: [Tag::from("a")].into_iter().collect(), ..meta });
    store.carry_out_writes();
    assert!(b.read(Class::Fetch, 1, 1));
    let wait = b.engine.invalidate(&[Tag::from("a")], Lifetime::None, b.ticket(2));
    assert_eq!(wait, Wait::Pending);
    store.answer_reads();
    assert_eq!(b.got(), [(1, false)]);
    assert_eq!(verdict(&b.engine, 1, &[]), None);
}

#[test]
fn without_a_memory_tier_what_is_read_is_handed_over() {
    let store = store();
    let (a, b) = (instance(&store, &NO_MEMORY()), instance(&store, &NO_MEMORY()));
    assert_eq!(a.set(1, |meta| meta), Stored::Yes);
    store.carry_out_writes();
    assert!(b.read(Class::Fetch, 1, 1));
    store.answer_reads();
    {
        // Nothing would retire it when it is replaced.
        let woken = b.woken.0.lock();
        assert!(matches!(&woken[..], [(1, Notice::Delivered(entry))] if entry.is_retired()));
    }
    assert_eq!(b.got(), [(1, true)]);
}

#[test]
fn a_write_that_was_invalidated_while_it_waited_is_not_carried_out() {
    let store = store();
    let a = instance(&store, &PLAIN());
    a.set(1, |meta| Meta { tags: [Tag::from("a")].into_iter().collect(), ..meta });
    let wait = a.engine.invalidate(&[Tag::from("a")], Lifetime::None, a.ticket(1));
    assert_eq!(wait, Wait::Pending);
    assert!(store.carry_out_writes().is_empty());
}

#[test]
fn a_write_lives_shorter_by_the_time_it_waited() {
    let store = store();
    let a = instance(&store, &PLAIN());
    a.set(1, |meta| meta);
    a.engine.clock.advance_us(2_000_000);
    assert_eq!(store.carry_out_writes(), [3_000]);
    a.set(2, |meta| meta);
    a.engine.clock.advance_us(4_000_000);
    assert!(store.carry_out_writes().is_empty());
}

#[test]
fn a_write_that_would_end_at_once_is_none_and_counts_as_none() {
    let store = store();
    let a = instance(&store, &PLAIN());
    a.set(1, |meta| meta);
    a.engine.clock.advance_us(4_999_500);
    assert!(store.carry_out_writes().is_empty());
    assert_eq!(a.engine.stats.written.load(std::sync::atomic::Ordering::Relaxed), 0);
}

#[test]
fn foreign_bytes_are_a_miss_and_counted() {
    let store = store();
    let (a, b) = (instance(&store, &PLAIN()), instance(&store, &PLAIN()));
    a.set(1, |meta| meta);
    a.set(2, |meta| meta);
    store.carry_out_writes();
    let mut swapped: Vec<Vec<u8>> = store.entries.lock().values().cloned().collect();
    store
        .entries
        .lock()
        .values_mut()
        .zip(swapped.drain(..).rev())
        .for_each(|(to, from)| *to = from);
    assert!(b.read(Class::Fetch, 1, 1) && b.read(Class::Fetch, 2, 2));
    store.answer_reads();
    assert_eq!(b.got(), [(1, false), (2, false)]);
    assert_eq!(b.engine.stats.broken.load(std::sync::atomic::Ordering::Relaxed), 2);
}

#[test]
fn pages_and_images_are_shared_within_a_build_only() {
    for class in [Class::Response, Class::Image] {
        let store = store();
        let (a, b) = (instance(&store, &PLAIN()), instance(&store, &PLAIN()));
        assert!(!a.read(class, 1, 1));
        a.engine.tier().unwrap().set_build(AppId(0), b"one");
        assert!(a.read(class, 1, 1));
        b.engine.tier().unwrap().set_build(AppId(0), b"two");
        assert!(b.read(class, 1, 1));
        let addresses: Vec<Address> = store.reads.lock().iter().map(|(at, _)| *at).collect();
        assert_ne!(addresses[0], addresses[1]);
    }
}

#[test]
fn pages_of_two_apps_of_a_process_are_shared_within_their_own_build() {
    let (a, b) = (instance(&store(), &PLAIN()), instance(&store(), &PLAIN()));
    let (a, b) = (a.engine.tier().unwrap(), b.engine.tier().unwrap());
    for (tier, order) in [(a, [0, 1]), (b, [1, 0])] {
        tier.set_build(AppId(order[0]), b"one");
        tier.set_build(AppId(order[1]), b"two");
    }
    let of = |tier: &Tier, app| {
        tier.address(&Hasher::default().key_of(AppId(app), Class::Response, &[1])).unwrap()
    };
    assert_ne!(of(a, 0), of(a, 1));
    // Whichever app a process came to know first.
    assert_eq!([of(a, 0), of(a, 1)], [of(b, 1), of(b, 0)]);
}

#[test]
fn a_better_value_in_memory_is_kept() {
    let store = store();
    let (a, b) = (instance(&store, &PLAIN()), instance(&store, &PLAIN()));
    a.set(1, |meta| Meta { revalidate_us: Some(1), ..meta });
    store.carry_out_writes();
    b.set(1, |meta| meta);
    assert!(b.read(Class::Fetch, 1, 1));
    b.engine.clock.advance_us(100);
    store.answer_reads();
    assert_eq!(b.got(), [(1, false)]);
    assert_eq!(verdict(&b.engine, 1, &[]), Some(Verdict::Fresh));
}

#[test]
fn an_outer_generation_that_began_while_a_message_was_taken_in_is_dated_before_it() {
    let store = store();
    let a = instance(&store, &PLAIN());
    let tag = || Tag::from("a");
    a.set(1, |meta| Meta { tags: [tag()].into_iter().collect(), ..meta });
    let began = a.engine.clock.uptime();
    assert_eq!(verdict(&a.engine, 1, &[]), Some(Verdict::Fresh));
    a.engine.clock.advance_us(50);
    let row = Row { tag: tag(), hard: Position(60), soft: Position(0), deadline_us: None };
    let (epoch, previous, position) = (Epoch(7), Position(50), Position(60));
    a.engine.on(Event::Heard(Message { epoch, previous, position, rows: vec![row] }));
    let stamp = a.engine.ledger.revision_at(began).and_then(|at| a.engine.ledger.stamp_of(at));
    let judged = a.engine.ledger.table().judge(stamp.unwrap(), [&b"a"[..]], a.engine.clock.now());
    assert_eq!(judged.0, Verdict::Gone);
}

#[test]
fn while_the_store_is_away_memory_answers_for_a_while() {
    assert!(MemoryAccess::Any.covers(Timestamp(0)) && !MemoryAccess::None.covers(Timestamp(9)));
    let a = instance(&store(), &serde_json::json!({ "outageServeMs": 1_000 }));
    let at = |us| a.engine.ledger.memory_access(Timestamp(us));
    assert_eq!(at(5_000_000), MemoryAccess::None);
    // The lease is over at two seconds, or a little sooner.
    a.engine.on(Event::Unreachable);
    assert_eq!(at(2_900_000), MemoryAccess::GeneratedSince(Timestamp(0)));
    assert_eq!(at(5_000_000), MemoryAccess::GeneratedSince(Timestamp(4_000_000)));
}

#[test]
fn without_a_lease_memory_says_nothing_until_the_store_was_asked() {
    let store = store();
    let a = instance(&store, &PLAIN());
    a.set(1, |meta| meta);
    a.engine.clock.advance_us(2_000_000);
    assert_eq!(verdict(&a.engine, 1, &[]), None);
    assert!(matches!(found(&a.engine, 1), Found::Unsure));
    // The store is away: recent entries are served for a while.
    a.engine.on(Event::Unreachable);
    assert_eq!(verdict(&a.engine, 1, &[]), Some(Verdict::Fresh));
}

#[test]
fn an_instance_is_connected_while_it_has_a_lease() {
    let store = store();
    let a = instance(&store, &PLAIN());
    assert_eq!(a.engine.connectivity(), Connectivity::Connected);
    a.engine.clock.advance_us(2_000_000);
    assert_eq!(a.engine.connectivity(), Connectivity::Connecting);
    a.engine.on(Event::Unreachable);
    assert_eq!(a.engine.connectivity(), Connectivity::Offline);
    a.engine.ledger.on(&a.engine.clock, Event::NoStore);
    assert_eq!(a.engine.connectivity(), Connectivity::Connected);
}

#[test]
fn who_is_denied_is_not_connected() {
    let a = instance(&store(), &PLAIN());
    a.engine.clock.advance_us(2_000_000);
    let polls = a.engine.on(Event::Tick);
    let (request, _) = polls.first().expect("a poll is due");
    a.engine.on(Event::Denied(*request));
    assert_eq!(a.engine.connectivity(), Connectivity::Denied);
    assert_ne!(a.engine.ledger.memory_access(a.engine.clock.now()), MemoryAccess::Any);
}

#[test]
fn how_far_an_instance_lags_behind_is_known_from_the_first_poll_on() {
    let lag_ms = |engine: &Engine| engine.report().shared.unwrap().lag_ms;
    let given = serde_json::json!({ "redisUrl": "redis://cache.example" });
    let options = Options::resolve(&given, &Value::Null).unwrap();
    let tier = Tier::new(store(), options.shared.as_ref().unwrap(), 1, true);
    let coherence = Coherence::fleet(9, Timing::default());
    let builder = Builder::new(options, Clock::manual(Timestamp(1_000_000)), coherence);
    let young = builder.build_sharing(|_, _| Ok::<_, Infallible>(tier)).unwrap();
    assert_eq!(lag_ms(&young), None);
    let a = instance(&store(), &PLAIN());
    assert_eq!(lag_ms(&a.engine), Some(0.0));
    a.engine.clock.advance_us(1_300_000);
    assert_eq!(lag_ms(&a.engine), Some(1_300.0));
}
