//! Who is to generate what is stale.

use super::*;

#[test]
fn looking_takes_no_lead_and_one_alone_may_take_it() {
    for held in [COLD, WARM] {
        let f = led_here(held);
        assert_eq!([1, 1, 900].map(|ms| f.standing(ms)), [Standing::Here; 3]);
        assert_eq!(f.ask(1, 2), Asked::Known(Standing::Here));
        assert_eq!([1, 1, 900].map(|ms| f.take_lead(ms)), [Lead::Yours, ANOTHERS, ANOTHERS]);
    }
}

#[test]
fn nobody_takes_the_lead_of_another_process() {
    assert_eq!(led_elsewhere().take_lead(1), Lead::Anothers);
}

#[test]
fn a_lead_without_a_sign_of_life_is_over_after_a_second() {
    let f = fixture();
    assert_eq!([0, 999].map(|ms| f.take_lead(ms)), [Lead::Yours, Lead::Anothers]);
    assert_eq!([1_000, 1_999].map(|ms| f.take_lead(ms)), [Lead::Yours, Lead::Anothers]);

    let f = led_here(WARM);
    f.take_lead(500);
    assert_eq!(f.ask(1_499, 2), Asked::Known(Standing::Here));
    assert_eq!(f.ask(1_500, 2), Asked::Ask, "another process may lead by now");
}

#[test]
fn who_is_seen_to_generate_leads_on_and_for_ten_seconds_at_most() {
    let f = led_here(WARM);
    f.leases.see(KEY, at(0));
    assert!(f.leases.renew(at(1)).is_empty(), "nobody was told to generate yet");
    f.take_lead(0);
    for ms in (0..9_800).step_by(900) {
        assert_eq!((f.take_lead(ms), f.standing(ms)), (Lead::Anothers, Standing::Here));
        f.leases.see(KEY, at(ms));
        assert_eq!(f.leases.renew(at(ms)), [ADDRESS]);
    }
    assert_eq!((f.standing(10_000), f.leases.renew(at(10_000))), (Standing::Unknown, vec![]));
    assert_eq!(f.land().1, Some(SINCE), "what is set after all is told to the store");
}

#[test]
fn who_is_seen_no_longer_leads_no_longer() {
    let f = led_here(WARM);
    f.take_lead(0);
    f.leases.see(KEY, at(800));
    assert_eq!([1_799, 1_800].map(|ms| f.standing(ms)), [Standing::Here, Standing::Unknown]);
    assert!(f.leases.renew(at(1_800)).is_empty());
}

#[test]
fn a_lead_that_is_left_is_free_and_one_that_was_taken_stays() {
    let f = led_here(COLD);
    assert_eq!(f.leases.leave(KEY, at(1)).1, Some(COLD));
    assert!(f.leases.is_empty());
    let f = led_here(COLD);
    f.take_lead(1);
    assert_eq!((f.leases.leave(KEY, at(1)).1, f.take_lead(1)), (None, Lead::Anothers));
    assert_eq!(led_elsewhere().leases.leave(KEY, at(1)).1, None);
}
