//! Which get regenerates a stale entry.

use super::*;

#[test]
fn looking_takes_no_lead_and_one_alone_may_take_it() {
    for held in [COLD, WARM] {
        let f = led_here(held);
        assert_eq!([1, 1, 900].map(|ms| f.role(ms)), [Role::Leader; 3]);
        assert_eq!(f.ask(1, 2), Ask::Known(Role::Leader));
        assert_eq!([1, 1, 900].map(|ms| f.leads(ms)), [true, false, false]);
    }
}

#[test]
fn looking_when_it_is_over_changes_nothing_of_what_the_store_is_told() {
    for (lease, over_ms) in [(COLD, 2_200), (WARM, 1_000)] {
        let f = led_here(lease);
        assert_eq!([over_ms - 1, over_ms].map(|ms| f.role(ms)), [Role::Leader, Role::Unknown]);
        assert_eq!(f.land().1, Some(lease));
    }
}

#[test]
fn nobody_takes_the_lead_of_another_process() {
    assert!(!led_elsewhere().leads(1));
}

#[test]
fn a_lead_without_a_sign_of_life_is_over_after_a_second() {
    let f = fixture();
    assert_eq!([0, 999].map(|ms| f.leads(ms)), [true, false]);
    assert_eq!([1_000, 1_999].map(|ms| f.leads(ms)), [true, false]);

    let f = led_here(WARM);
    assert!(f.leads(500));
    assert_eq!(f.ask(1_499, 2), Ask::Known(Role::Leader));
    assert_eq!(f.ask(1_500, 2), Ask::Send, "another process may lead by now");
}

#[test]
fn who_is_seen_to_generate_leads_on_and_for_ten_seconds_at_most() {
    let f = led_here(WARM);
    f.leases.note_progress(KEY, at(0));
    assert!(f.leases.renew(at(1)).is_empty(), "no get has the permit yet");
    f.leads(0);
    for ms in (0..9_800).step_by(900) {
        assert_eq!((f.leads(ms), f.role(ms)), (false, Role::Leader));
        f.leases.note_progress(KEY, at(ms));
        assert_eq!(f.leases.renew(at(ms)), [ADDRESS]);
    }
    assert_eq!((f.role(10_000), f.leases.renew(at(10_000))), (Role::Unknown, vec![]));
    assert_eq!(f.land().1, Some(SINCE), "a late set is reported to the store");
}

#[test]
fn who_is_seen_no_longer_leads_no_longer() {
    let f = led_here(WARM);
    f.leads(0);
    f.leases.note_progress(KEY, at(800));
    assert_eq!([1_799, 1_800].map(|ms| f.role(ms)), [Role::Leader, Role::Unknown]);
    assert!(f.leases.renew(at(1_800)).is_empty());
}

#[test]
fn a_lead_that_is_left_is_free_and_one_that_was_taken_stays() {
    let f = led_here(COLD);
    assert_eq!(f.leases.leave(KEY, at(1)).1, Some(COLD));
    assert!(f.leases.is_empty());
    let f = led_here(COLD);
    f.leads(1);
    assert_eq!((f.leases.leave(KEY, at(1)).1, f.leads(1)), (None, false));
    assert_eq!(led_elsewhere().leases.leave(KEY, at(1)).1, None);
}
