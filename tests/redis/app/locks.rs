//! Locks.

use tiercel::app::label::{Feature, Label};
use tiercel::app::lock::{Answer, Deed, Owner, PATIENCE_MS};
use tiercel::app::store::{Answer as Any, Deed as AnyDeed};

use super::{World, complies, named};

complies!(
    one_holds_it_until_it_gives_it_back,
    it_ends_by_itself,
    who_lost_it_is_told_and_takes_it_from_nobody,
    its_numbers_only_grow,
    who_waits_longest_is_next,
    who_waits_no_more_is_passed_over,
    who_asks_twice_has_it_once,
    who_does_not_wait_passes_nobody,
);

fn lock() -> Label {
    named(Feature::Lock, "lock")
}

fn owner(name: u8) -> Owner {
    Owner::parse(&format!("{name:032x}")).unwrap()
}

fn ask(world: &World, deed: Deed) -> Answer {
    match world.ask(&lock(), AnyDeed::Lock(deed)) {
        Any::Lock(answer) => answer,
        other => panic!("{other:?}"),
    }
}

fn acquire(world: &World, name: u8, waits: bool) -> Option<u64> {
    match ask(world, Deed::Acquire { owner: owner(name), ttl_ms: 500, waits }) {
        Answer::Taken(number) => Some(number),
        Answer::Held(ms) => {
            assert!((1..=200).contains(&ms), "{ms}");
            None
        }
        other => panic!("{other:?}"),
    }
}

fn release(world: &World, name: u8) -> Answer {
    ask(world, Deed::Release { owner: owner(name) })
}

fn renew(world: &World, name: u8) -> Answer {
    ask(world, Deed::Renew { owner: owner(name), ttl_ms: 500 })
}

fn one_holds_it_until_it_gives_it_back(world: &World) {
    assert!(acquire(world, 1, false).is_some());
    assert!(acquire(world, 2, false).is_none());
    assert_eq!(release(world, 2), Answer::Lost);
    assert!(acquire(world, 2, false).is_none());
    assert_eq!(release(world, 1), Answer::Done);
    assert!(acquire(world, 2, false).is_some());
}

fn it_ends_by_itself(world: &World) {
    acquire(world, 1, false);
    world.pass_ms(300);
    assert_eq!(renew(world, 1), Answer::Done);
    world.pass_ms(300);
    assert!(acquire(world, 2, false).is_none());
    world.pass_ms(210);
    assert!(acquire(world, 2, false).is_some());
}

fn who_lost_it_is_told_and_takes_it_from_nobody(world: &World) {
    acquire(world, 1, false);
    world.pass_ms(510);
    assert_eq!(renew(world, 1), Answer::Lost);
    acquire(world, 2, false);
    assert_eq!(renew(world, 1), Answer::Lost);
    assert_eq!(release(world, 1), Answer::Lost);
    assert_eq!(renew(world, 2), Answer::Done);
}

fn its_numbers_only_grow(world: &World) {
    let mut last = 0;
    for name in 0..20 {
        let number = acquire(world, name, false).unwrap();
        assert!(number > last, "{number} {last}");
        assert!(number < 1 << 53);
        last = number;
        release(world, name);
    }
}

fn who_waits_longest_is_next(world: &World) {
    acquire(world, 1, true);
    for name in [2, 3, 4] {
        assert!(acquire(world, name, true).is_none());
    }
    release(world, 1);
    assert!(acquire(world, 4, true).is_none());
    assert!(acquire(world, 3, true).is_none());
    assert!(acquire(world, 2, true).is_some());
    // One that gives up its place.
    assert_eq!(release(world, 3), Answer::Lost);
    release(world, 2);
    assert!(acquire(world, 4, true).is_some());
}

fn who_waits_no_more_is_passed_over(world: &World) {
    acquire(world, 1, true);
    acquire(world, 2, true);
    world.pass_ms(400);
    acquire(world, 3, true);
    release(world, 1);
    assert!(acquire(world, 3, true).is_none());
    world.pass_ms(PATIENCE_MS - 400 + 10);
    assert!(acquire(world, 3, true).is_some());
}

fn who_asks_twice_has_it_once(world: &World) {
    let number = acquire(world, 1, true);
    assert_eq!(acquire(world, 1, true), number);
    acquire(world, 2, true);
    acquire(world, 2, true);
    release(world, 1);
    assert!(acquire(world, 2, true).is_some());
    release(world, 2);
    assert!(acquire(world, 3, true).is_some());
}

fn who_does_not_wait_passes_nobody(world: &World) {
    acquire(world, 1, true);
    acquire(world, 2, true);
    release(world, 1);
    assert!(acquire(world, 3, false).is_none());
    assert!(acquire(world, 2, true).is_some());
}
