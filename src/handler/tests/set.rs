//! Sets: as old as what they are made of.

use super::*;
use crate::coherence::revisions::Revision;
use crate::handler::set::is_held;

/// Stores a `'use cache'` entry whose generation began at `timestamp_ms`. Whether it is held.
fn put_use(next: &Next, tags: &[&str], timestamp_ms: f64) -> bool {
    let value = next.value(tags);
    let stored =
        next.with_key(|handler, key| handler.put_use(key, Some(value), Some(timestamp_ms)));
    is_held(stored)
}

fn put(next: &Next, tags: &[&str], began: Began) -> bool {
    let stored = next
        .with_key(|handler, key| handler.put(key, next.kind, Some(next.value(tags)), Some(began)));
    is_held(stored)
}

#[test]
fn what_began_before_an_invalidation_of_its_tag_is_not_held() {
    let next = Next::alone(ValueKind::Fetch, PLAIN());
    let began = Began::At(next.engine.revision());
    next.invalidate("a", None);
    assert!(!put(&next, &["a"], began));
    assert!(put(&next, &["b"], began));
    assert!(put(&next, &["a"], Began::At(next.engine.revision())));
}

#[test]
fn a_moment_of_next_is_as_exact_as_it_is_written() {
    let next = Next::alone(ValueKind::UseCache, PLAIN());
    // At 1000.5 ms on both clocks.
    next.engine.clock.advance_us(500);
    next.invalidate("a", None);
    next.engine.clock.advance_us(10_000);
    // Whole milliseconds may be up to one too late.
    assert!(!put_use(&next, &["a"], 1_001.0));
    assert!(!put_use(&next, &["a"], 1_000.501));
    assert!(put_use(&next, &["a"], 1_000.503));
    assert!(put_use(&next, &["a"], 1_002.0));
}

#[test]
fn a_moment_that_is_none_is_now() {
    let next = Next::alone(ValueKind::UseCache, PLAIN());
    next.invalidate("a", None);
    next.pass_secs(1);
    assert!(put_use(&next, &["a"], f64::NAN));
}

#[test]
fn a_use_cache_entry_is_as_old_as_its_generation_and_a_page_as_its_set() {
    let next = Next::alone(ValueKind::UseCache, PLAIN());
    next.pass_secs(20);
    assert!(put_use(&next, &[], 21_000.0 - 11_000.0));
    assert!(is_led(next.get()));
    let next = Next::alone(ValueKind::Fetch, PLAIN());
    next.pass_secs(20);
    assert!(put(&next, &[], Began::AtTime(Revision(0), 21_000.0 - 11_000.0)));
    assert!(is_fresh(next.get()));
}

#[test]
fn what_is_made_of_something_stale_by_age_is_stale() {
    let next = Next::alone(ValueKind::UseCache, PLAIN());
    next.pass_secs(20);
    assert!(put_use(&next, &["tiercel:stale:age"], 21_000.0));
    assert!(is_led(next.get()));
}

#[test]
fn a_value_that_comes_back_is_no_younger() {
    let next = Next::alone(ValueKind::Fetch, PLAIN());
    let stamp = next.engine.ledger.present().1;
    next.invalidate("a", Some(60.0));
    let as_stamp = [stamp.epoch.0 as f64, stamp.at.position.0 as f64, f64::from(stamp.at.local)];
    assert!(put(&next, &["a"], Began::from_numbers(&as_stamp).unwrap()));
    assert!(is_led(next.get()));
}

#[test]
fn numbers_that_say_nothing_of_a_beginning_are_none() {
    assert_eq!(Began::from_numbers(&[]), None);
    assert_eq!(Began::from_numbers(&[1.0; 4]), None);
    assert_eq!(Began::from_numbers(&[7.0]), Some(Began::At(Revision(7))));
    assert_eq!(Began::from_numbers(&[7.0, 1.5]), Some(Began::AtTime(Revision(7), 1.5)));
}

#[test]
fn who_waits_for_a_generation_that_fails_goes_on() {
    let next = Next::alone(ValueKind::Fetch, PLAIN());
    assert!(is_miss(next.get()));
    wait(next.get(), WaitFor::Flight);
    let began = Some(Began::At(next.engine.revision()));
    assert_eq!(next.with_key(|handler, key| handler.put(key, next.kind, None, began)), None);
    // No get waits for a key that is never stored.
    assert!(is_miss(next.get()) && is_miss(next.get()));
}

#[test]
fn a_lifetime_that_is_no_length_of_time_is_without_end() {
    let next = Next::alone(ValueKind::Fetch, PLAIN());
    for revalidate_secs in [None, Some(-1.0), Some(f64::INFINITY), Some(f64::NAN)] {
        let value = Value { revalidate_secs, ..next.value(&[]) };
        let began = Began::At(next.engine.revision());
        assert!(next.with_key(|handler, key| {
            handler.put(key, next.kind, Some(value), Some(began)).unwrap().is_held()
        }));
        next.pass_secs(1_000_000);
        assert!(is_fresh(next.get()));
    }
}
