//! Values and tokens.

use bytes::Bytes;
use tiercel::app::label::{Feature, Label};
use tiercel::app::store::{Answer as Any, Deed as AnyDeed};
use tiercel::app::value::{Answer, Deed, MOST_NUMBER};

use super::{World, complies, named};

complies!(
    a_value_is_read_until_it_is_due,
    only_the_first_of_two_sets_of_what_is_absent_is_kept,
    of_many_who_take_one_gets_it,
    a_number_grows_and_lives_as_long_as_when_it_began,
    what_is_no_number_stays_as_it_is,
    an_expiry_is_set_anew,
    any_bytes_come_back_as_they_were,
    nothing_is_seen_of_another_feature,
);

fn ask(world: &World, label: &Label, deed: Deed) -> Answer {
    match world.ask(label, AnyDeed::Value(deed)) {
        Any::Value(answer) => answer,
        other => panic!("{other:?}"),
    }
}

fn key() -> Label {
    named(Feature::Value, "key {}")
}

fn set(bytes: &'static [u8], ttl_ms: u64) -> Deed {
    Deed::Set { bytes: Bytes::from_static(bytes), ttl_ms, only_absent: false }
}

fn found(bytes: &'static [u8]) -> Answer {
    Answer::Found(Bytes::from_static(bytes))
}

fn a_value_is_read_until_it_is_due(world: &World) {
    assert_eq!(ask(world, &key(), Deed::Get), Answer::Absent);
    assert_eq!(ask(world, &key(), set(b"a", 60_000)), Answer::Done);
    assert_eq!(ask(world, &key(), set(b"b", 300)), Answer::Done);
    assert_eq!(ask(world, &key(), Deed::Get), found(b"b"));
    world.pass_ms(300);
    assert_eq!(ask(world, &key(), Deed::Get), Answer::Absent);
    ask(world, &key(), set(b"a", 60_000));
    assert_eq!(ask(world, &key(), Deed::Delete), Answer::Done);
    assert_eq!(ask(world, &key(), Deed::Delete), Answer::Absent);
    assert_eq!(ask(world, &key(), Deed::Get), Answer::Absent);
}

fn only_the_first_of_two_sets_of_what_is_absent_is_kept(world: &World) {
    let set =
        |bytes| Deed::Set { bytes: Bytes::from_static(bytes), ttl_ms: 400, only_absent: true };
    assert_eq!(ask(world, &key(), set(b"a")), Answer::Done);
    assert_eq!(ask(world, &key(), set(b"b")), Answer::Present);
    assert_eq!(ask(world, &key(), Deed::Get), found(b"a"));
    world.pass_ms(400);
    assert_eq!(ask(world, &key(), set(b"b")), Answer::Done);
}

fn of_many_who_take_one_gets_it(world: &World) {
    let token = named(Feature::Token, "token");
    for _ in 0..20 {
        ask(world, &token, set(b"data", 60_000));
        let takes: Vec<_> =
            (0..20).map(|_| world.send(&token, AnyDeed::Value(Deed::Take))).collect();
        let all: Vec<_> = takes.iter().map(|take| take.recv().unwrap().unwrap()).collect();
        let winners = all.iter().filter(|answer| **answer == Any::Value(found(b"data")));
        assert_eq!(winners.count(), 1);
        assert_eq!(all.iter().filter(|a| **a == Any::Value(Answer::Absent)).count(), 19);
    }
}

fn a_number_grows_and_lives_as_long_as_when_it_began(world: &World) {
    let add = |by| ask(world, &key(), Deed::Increment { by, ttl_ms: 500 });
    assert_eq!(add(5), Answer::Number(5));
    world.pass_ms(250);
    assert_eq!(add(-7), Answer::Number(-2));
    assert_eq!(ask(world, &key(), Deed::Get), found(b"-2"));
    world.pass_ms(260);
    assert_eq!(add(1), Answer::Number(1));
}

fn what_is_no_number_stays_as_it_is(world: &World) {
    let add = |by| ask(world, &key(), Deed::Increment { by, ttl_ms: 60_000 });
    for text in [&b"12a"[..], b"", b"1.5", b"0x10", b"-", b"99999999999999999999", b" 1"] {
        ask(world, &key(), set(text, 60_000));
        assert_eq!(add(1), Answer::NoNumber, "{text:?}");
        assert_eq!(ask(world, &key(), Deed::Get), found(text));
    }
    ask(world, &key(), Deed::Delete);
    assert_eq!(add(MOST_NUMBER), Answer::Number(MOST_NUMBER));
    assert_eq!(add(1), Answer::NoNumber);
    assert_eq!(add(-1), Answer::Number(MOST_NUMBER - 1));
    assert_eq!(add(-MOST_NUMBER), Answer::Number(-1));
    assert_eq!(add(-MOST_NUMBER), Answer::NoNumber);
}

fn an_expiry_is_set_anew(world: &World) {
    assert_eq!(ask(world, &key(), Deed::Expire { ttl_ms: 100 }), Answer::Absent);
    ask(world, &key(), set(b"a", 300));
    assert_eq!(ask(world, &key(), Deed::Expire { ttl_ms: 60_000 }), Answer::Done);
    world.pass_ms(300);
    assert_eq!(ask(world, &key(), Deed::Get), found(b"a"));
    ask(world, &key(), Deed::Expire { ttl_ms: 100 });
    world.pass_ms(110);
    assert_eq!(ask(world, &key(), Deed::Get), Answer::Absent);
}

fn any_bytes_come_back_as_they_were(world: &World) {
    static ALL: [u8; 256] = {
        let mut all = [0; 256];
        let mut at = 0;
        while at < 256 {
            all[at] = at as u8;
            at += 1;
        }
        all
    };
    for bytes in [&b""[..], b"\0", b"\r\n", &ALL] {
        ask(world, &key(), set(bytes, 60_000));
        assert_eq!(ask(world, &key(), Deed::Get), found(bytes));
    }
}

fn nothing_is_seen_of_another_feature(world: &World) {
    ask(world, &named(Feature::Value, "same"), set(b"a", 60_000));
    assert_eq!(ask(world, &named(Feature::Token, "same"), Deed::Take), Answer::Absent);
}
