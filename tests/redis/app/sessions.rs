//! Sessions.

use bytes::Bytes;
use tiercel::app::digest::Digest;
use tiercel::app::label::{Feature, Label};
use tiercel::app::session::{Answer, Deed, Rules, Session};
use tiercel::app::store::{Answer as Any, Deed as AnyDeed};

use super::{World, complies, named};

complies!(
    a_session_holds_what_it_was_given,
    it_ends_unless_it_is_seen,
    it_ends_in_any_case,
    the_one_not_seen_for_longest_makes_room,
    an_old_id_is_of_use_for_a_while,
    it_ends_under_all_its_ids,
    all_end_but_one,
    only_what_can_be_used_is_listed,
);

const RULES: Rules = Rules { ttl_ms: 60_000, absolute_ms: 600_000, most: 100 };

fn user() -> Label {
    named(Feature::Session, "user")
}

fn id(name: u64) -> Digest {
    Digest::of("test", &[&name.to_le_bytes()])
}

fn ask(world: &World, deed: Deed) -> Answer {
    match world.ask(&user(), AnyDeed::Session(deed)) {
        Any::Session(answer) => answer,
        other => panic!("{other:?}"),
    }
}

fn create(world: &World, name: u64, rules: Rules) {
    let bytes = Bytes::from(format!("of {name}"));
    assert_eq!(ask(world, Deed::Create { id: id(name), bytes, rules }), Answer::Done);
}

fn read(world: &World, name: u64, roll_ms: Option<u64>) -> Option<Session> {
    match ask(world, Deed::Get { id: id(name), roll_ms }) {
        Answer::Found(session) => Some(session),
        Answer::Absent => None,
        other => panic!("{other:?}"),
    }
}

fn is_there(world: &World, name: u64) -> bool {
    read(world, name, None).is_some()
}

fn rotate(world: &World, from: u64, to: u64, grace_ms: u64) -> Answer {
    ask(world, Deed::Rotate { id: id(from), heir: id(to), grace_ms })
}

fn listed(world: &World) -> Vec<(Digest, Session)> {
    match ask(world, Deed::List) {
        Answer::Listed(all) => all,
        other => panic!("{other:?}"),
    }
}

fn a_session_holds_what_it_was_given(world: &World) {
    assert!(!is_there(world, 1));
    create(world, 1, RULES);
    let session = read(world, 1, None).unwrap();
    assert_eq!(session.bytes, "of 1");
    assert_eq!(session.until_ms - session.created_ms, 60_000);
    assert_eq!(session.ends_ms - session.created_ms, 600_000);
    let bytes = Bytes::from_static(b"\0 1 2 \n\xff");
    let update = |name| Deed::Update { id: id(name), bytes: bytes.clone() };
    assert_eq!(ask(world, update(1)), Answer::Done);
    assert_eq!(ask(world, update(2)), Answer::Absent);
    let updated = read(world, 1, None).unwrap();
    assert_eq!(updated, Session { bytes, ..session });
    assert!(!is_there(world, 2));
}

fn it_ends_unless_it_is_seen(world: &World) {
    create(world, 1, Rules { ttl_ms: 400, ..RULES });
    let begun = read(world, 1, None).unwrap();
    world.pass_ms(200);
    let seen = read(world, 1, Some(400)).unwrap();
    assert!(seen.seen_ms >= begun.seen_ms + 200 && seen.until_ms == seen.seen_ms + 400);
    // A hundredth is no news.
    assert_eq!(read(world, 1, Some(60_000)).unwrap(), seen);
    world.pass_ms(250);
    assert!(read(world, 1, None).is_some());
    world.pass_ms(200);
    assert!(!is_there(world, 1));
    assert_eq!(listed(world), []);
}

fn it_ends_in_any_case(world: &World) {
    create(world, 1, Rules { ttl_ms: 400, absolute_ms: 600, ..RULES });
    world.pass_ms(300);
    let seen = read(world, 1, Some(400)).unwrap();
    assert_eq!(seen.until_ms, seen.ends_ms);
    world.pass_ms(310);
    assert!(!is_there(world, 1));
}

fn the_one_not_seen_for_longest_makes_room(world: &World) {
    let rules = Rules { most: 3, ..RULES };
    for name in 1..=3 {
        create(world, name, rules);
        world.pass_ms(5);
    }
    read(world, 1, Some(100));
    world.pass_ms(5);
    create(world, 4, rules);
    let there: Vec<u64> = (1..=4).filter(|name| is_there(world, *name)).collect();
    assert_eq!(there, [1, 3, 4]);
}

fn an_old_id_is_of_use_for_a_while(world: &World) {
    create(world, 1, RULES);
    assert_eq!(rotate(world, 9, 8, 1_000), Answer::Absent);
    assert_eq!(rotate(world, 1, 2, 300), Answer::Done);
    assert_eq!(read(world, 2, None).unwrap().heir, None);
    assert_eq!(read(world, 1, Some(60_000)).unwrap().heir, Some(id(2)));
    assert_eq!(rotate(world, 1, 3, 300), Answer::Rotated);
    assert!(!is_there(world, 3));
    world.pass_ms(310);
    assert!(!is_there(world, 1) && is_there(world, 2));
    assert_eq!(rotate(world, 2, 4, 0), Answer::Done);
    assert!(!is_there(world, 2) && is_there(world, 4));
}

fn it_ends_under_all_its_ids(world: &World) {
    create(world, 1, RULES);
    create(world, 7, RULES);
    rotate(world, 1, 2, 60_000);
    assert_eq!(ask(world, Deed::Destroy { id: id(2) }), Answer::Done);
    assert!(!is_there(world, 1) && !is_there(world, 2));
    assert_eq!(ask(world, Deed::Destroy { id: id(2) }), Answer::Absent);
    create(world, 3, RULES);
    rotate(world, 3, 4, 60_000);
    assert_eq!(ask(world, Deed::Destroy { id: id(3) }), Answer::Done);
    assert!(!is_there(world, 3) && !is_there(world, 4) && is_there(world, 7));
}

fn all_end_but_one(world: &World) {
    let all = |except: Option<u64>| ask(world, Deed::DestroyAll { except: except.map(id) });
    assert_eq!(all(None), Answer::Ended(0));
    for name in 1..=5 {
        create(world, name, RULES);
    }
    rotate(world, 5, 6, 60_000);
    assert_eq!(all(Some(5)), Answer::Ended(4));
    let there: Vec<u64> = (1..=6).filter(|name| is_there(world, *name)).collect();
    assert_eq!(there, [5, 6], "under both its ids");
    create(world, 7, RULES);
    assert_eq!(all(None), Answer::Ended(2));
    assert!((1..=7).all(|name| !is_there(world, name)));
    create(world, 8, RULES);
    assert_eq!(all(Some(99)), Answer::Ended(1), "one that is not there saves none");
}

fn only_what_can_be_used_is_listed(world: &World) {
    create(world, 1, RULES);
    create(world, 2, Rules { ttl_ms: 200, ..RULES });
    create(world, 3, RULES);
    rotate(world, 3, 4, 60_000);
    let mut ids: Vec<_> = listed(world).iter().map(|(id, _)| id.hex()).collect();
    ids.sort();
    let mut expected = [1, 2, 4].map(|name| id(name).hex());
    expected.sort();
    assert_eq!(ids, expected);
    world.pass_ms(210);
    assert_eq!(listed(world).len(), 2);
}
