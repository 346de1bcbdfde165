//! Seats.

use tiercel::app::label::{Feature, Label};
use tiercel::app::lock::Owner;
use tiercel::app::seat::{Answer, Deed};
use tiercel::app::store::{Answer as Any, Deed as AnyDeed};

use super::{World, complies, named};

complies!(
    so_many_hold_and_no_more,
    what_is_given_back_is_there_again,
    a_seat_ends_by_itself_unless_it_is_renewed,
    who_asks_twice_has_one,
    who_lost_it_is_told_and_takes_it_from_nobody,
    many_at_once_take_no_more_than_there_are,
    a_look_takes_nothing_and_a_limit_that_is_changed_counts_at_once,
);

fn thing() -> Label {
    named(Feature::Seat, "thing")
}

fn owner(name: u64) -> Owner {
    Owner::parse(&format!("{name:032x}")).unwrap()
}

fn ask(world: &World, deed: Deed) -> Answer {
    match world.ask(&thing(), AnyDeed::Seat(deed)) {
        Any::Seat(answer) => answer,
        other => panic!("{other:?}"),
    }
}

fn acquire_of(world: &World, name: u64, limit: u64) -> Answer {
    ask(world, Deed::Acquire { owner: owner(name), ttl_ms: 500, limit })
}

fn acquire(world: &World, name: u64) -> Answer {
    acquire_of(world, name, 2)
}

/// So many are held; the first of them ends in time.
fn is_taken(answer: Answer, held: u64) -> bool {
    matches!(answer, Answer::Taken(count, ms) if count == held && (1..=500).contains(&ms))
}

fn fill(world: &World) {
    assert!(is_taken(acquire(world, 1), 1) && is_taken(acquire(world, 2), 2));
}

fn is_refused(answer: Answer, held: u64) -> bool {
    matches!(answer, Answer::Held(count, ms) if count == held && (1..=500).contains(&ms))
}

fn renew(world: &World, name: u64) -> Answer {
    ask(world, Deed::Renew { owner: owner(name), ttl_ms: 500 })
}

fn release(world: &World, name: u64) -> Answer {
    ask(world, Deed::Release { owner: owner(name) })
}

fn so_many_hold_and_no_more(world: &World) {
    assert!(is_taken(acquire(world, 1), 1) && is_taken(acquire(world, 2), 2));
    assert!(is_refused(acquire(world, 3), 2));
    let other = named(Feature::Seat, "other");
    let deed = Deed::Acquire { owner: owner(3), ttl_ms: 500, limit: 2 };
    let Any::Seat(answer) = world.ask(&other, AnyDeed::Seat(deed)) else { panic!() };
    assert!(is_taken(answer, 1));
}

fn what_is_given_back_is_there_again(world: &World) {
    fill(world);
    assert_eq!(release(world, 3), Answer::Lost);
    assert!(is_refused(acquire(world, 3), 2));
    assert_eq!((release(world, 1), release(world, 1)), (Answer::Done, Answer::Lost));
    assert!(is_taken(acquire(world, 3), 2));
}

fn a_seat_ends_by_itself_unless_it_is_renewed(world: &World) {
    fill(world);
    world.pass_ms(300);
    assert_eq!(renew(world, 1), Answer::Done);
    world.pass_ms(250);
    assert!(is_taken(acquire(world, 3), 2));
    assert!(is_refused(acquire(world, 4), 2));
    assert_eq!(renew(world, 2), Answer::Lost);
}

fn who_asks_twice_has_one(world: &World) {
    assert!(is_taken(acquire(world, 1), 1) && is_taken(acquire(world, 1), 1));
    assert!(is_taken(acquire(world, 2), 2));
    assert!(is_taken(acquire(world, 1), 2));
    assert!(is_refused(acquire(world, 3), 2));
}

fn who_lost_it_is_told_and_takes_it_from_nobody(world: &World) {
    acquire(world, 1);
    world.pass_ms(510);
    assert_eq!(renew(world, 1), Answer::Lost);
    assert_eq!(release(world, 1), Answer::Lost);
    assert!(is_taken(acquire(world, 2), 1) && is_taken(acquire(world, 3), 2));
    assert_eq!(renew(world, 1), Answer::Lost);
}

fn many_at_once_take_no_more_than_there_are(world: &World) {
    let of = |name| Deed::Acquire { owner: owner(name), ttl_ms: 60_000, limit: 20 };
    let all: Vec<_> = (0..100).map(|name| world.send(&thing(), AnyDeed::Seat(of(name)))).collect();
    let is_taken = |answer: Any| matches!(answer, Any::Seat(Answer::Taken(..)));
    let taken = all.iter().filter(|one| is_taken(one.recv().unwrap().unwrap())).count();
    assert_eq!(taken, 20);
}

fn a_look_takes_nothing_and_a_limit_that_is_changed_counts_at_once(world: &World) {
    let look = |limit| ask(world, Deed::Look { limit });
    assert_eq!(look(2), Answer::Taken(0, 0));
    fill(world);
    assert!(is_refused(look(2), 2) && is_taken(look(3), 2));
    assert!(is_refused(acquire_of(world, 3, 1), 2));
    assert!(is_taken(acquire_of(world, 3, 3), 3));
}
