//! Codes.

use tiercel::app::code::{Answer, Deed, Rules};
use tiercel::app::digest::Digest;
use tiercel::app::label::{Feature, Label};
use tiercel::app::store::{Answer as Any, Deed as AnyDeed};

use super::{World, complies, named};

complies!(
    a_right_code_is_right_once,
    a_code_is_of_no_use_after_so_many_wrong_ones,
    the_newest_code_is_the_one,
    a_code_ends,
    codes_are_not_sent_too_often,
    a_revoked_code_is_none,
    of_many_who_type_the_right_code_one_is_let_in,
);

const RULES: Rules = Rules { ttl_ms: 60_000, attempts: 3, pause_ms: 0, most: 100, span_ms: 60_000 };

fn subject() -> Label {
    named(Feature::Code, "subject")
}

fn digest(code: &str) -> Digest {
    Digest::of("test", &[code.as_bytes()])
}

fn ask(world: &World, deed: Deed) -> Answer {
    match world.ask(&subject(), AnyDeed::Code(deed)) {
        Any::Code(answer) => answer,
        other => panic!("{other:?}"),
    }
}

fn issue(world: &World, code: &str, rules: Rules) -> Answer {
    ask(world, Deed::Issue { digest: digest(code), rules })
}

fn verify(world: &World, code: &str) -> Answer {
    ask(world, Deed::Verify { digest: digest(code) })
}

fn a_right_code_is_right_once(world: &World) {
    assert_eq!(verify(world, "123456"), Answer::NoCode);
    assert_eq!(issue(world, "123456", RULES), Answer::Issued);
    assert_eq!(verify(world, "000000"), Answer::Wrong(2));
    assert_eq!(verify(world, "123456"), Answer::Right);
    assert_eq!(verify(world, "123456"), Answer::NoCode);
}

fn a_code_is_of_no_use_after_so_many_wrong_ones(world: &World) {
    issue(world, "123456", RULES);
    for left in [2, 1, 0] {
        assert_eq!(verify(world, "000000"), Answer::Wrong(left));
    }
    assert_eq!(verify(world, "123456"), Answer::NoCode);
}

fn the_newest_code_is_the_one(world: &World) {
    issue(world, "111111", RULES);
    verify(world, "000000");
    issue(world, "222222", RULES);
    assert_eq!(verify(world, "111111"), Answer::Wrong(2));
    assert_eq!(verify(world, "222222"), Answer::Right);
}

fn a_code_ends(world: &World) {
    issue(world, "123456", Rules { ttl_ms: 200, ..RULES });
    world.pass_ms(200);
    assert_eq!(verify(world, "123456"), Answer::NoCode);
}

fn codes_are_not_sent_too_often(world: &World) {
    let rules = Rules { pause_ms: 150, most: 2, span_ms: 800, ttl_ms: 100, ..RULES };
    let too_soon = |least, most| match issue(world, "2", rules) {
        Answer::TooSoon(ms) => assert!((least..=most).contains(&ms), "{ms}"),
        other => panic!("{other:?}"),
    };
    assert_eq!(issue(world, "1", rules), Answer::Issued);
    too_soon(1, 150);
    world.pass_ms(160);
    assert_eq!(issue(world, "1", rules), Answer::Issued);
    world.pass_ms(160);
    too_soon(151, 640);
    // That it was used gives no right to another one.
    verify(world, "1");
    too_soon(100, 640);
    world.pass_ms(500);
    assert_eq!(issue(world, "1", rules), Answer::Issued);
}

fn a_revoked_code_is_none(world: &World) {
    assert_eq!(ask(world, Deed::Revoke), Answer::Revoked);
    issue(world, "123456", RULES);
    assert_eq!(ask(world, Deed::Revoke), Answer::Revoked);
    assert_eq!(verify(world, "123456"), Answer::NoCode);
}

fn of_many_who_type_the_right_code_one_is_let_in(world: &World) {
    for _ in 0..10 {
        issue(world, "123456", RULES);
        let verify = AnyDeed::Code(Deed::Verify { digest: digest("123456") });
        let all: Vec<_> = (0..20).map(|_| world.send(&subject(), verify.clone())).collect();
        let is_right = |answer: &Any| *answer == Any::Code(Answer::Right);
        let right = all.iter().map(|one| one.recv().unwrap().unwrap()).filter(is_right);
        assert_eq!(right.count(), 1);
    }
}
