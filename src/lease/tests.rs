use super::*;

const KEY: Hash128 = 7;
const ADDRESS: Address = [7; 16];
const COLD: Held = Held { address: Some(ADDRESS), is_cold: true };
const WARM: Held = Held { is_cold: false, ..COLD };
const FIRST: Standing = Standing::Here { is_first: true };
const NOT_FIRST: Standing = Standing::Here { is_first: false };

/// So many ms after the beginning.
fn at(ms: i64) -> Timestamp {
    Timestamp(1_000_000).shifted_us(ms * 1_000)
}

/// Who was woken, and whether with an entry.
#[derive(Default)]
struct Seen(Mutex<Vec<(u32, bool)>>);

impl Wake for Seen {
    fn wake(&self, token: u32, news: News) {
        self.0.lock().push((token, matches!(news, News::Brought(_))));
    }
}

struct Fixture {
    leases: Leases,
    seen: Arc<Seen>,
    waker: Arc<dyn Wake>,
}

fn fixture() -> Fixture {
    let seen = Arc::new(Seen::default());
    Fixture { leases: Leases::default(), waker: seen.clone(), seen }
}

impl Fixture {
    fn ask(&self, ms: i64, token: u32) -> Asked {
        self.leases.ask(KEY, at(ms), &self.waker, token)
    }

    fn follow(&self, ms: i64, until_ms: i64, token: u32) -> Following {
        self.leases.follow(KEY, (at(ms), at(until_ms)), &self.waker, token)
    }

    fn answer(&self, ms: i64, claimed: Claimed, held: Held) -> Answered {
        self.leases.answer(KEY, at(ms), claimed, held, &News::Landed)
    }

    /// The pause after an answer; who is woken by it is noted.
    fn look_after(&self, ms: i64, claimed: Claimed) -> Option<u32> {
        self.answer(ms, claimed, COLD).look_ms
    }

    fn standing(&self, ms: i64) -> Standing {
        self.leases.standing(KEY, at(ms))
    }

    /// The tokens of those woken since the last time.
    fn woken(&self) -> Vec<u32> {
        mem::take(&mut *self.seen.0.lock()).into_iter().map(|(token, _)| token).collect()
    }
}

/// Where another process leads, as far as is known at 0 ms.
fn led_elsewhere() -> Fixture {
    let f = fixture();
    f.ask(0, 1);
    assert_eq!(f.look_after(0, Claimed::Held), None);
    assert_eq!(f.woken(), [1]);
    f
}

/// Where this process took the lease at 0 ms.
fn led_here(held: Held) -> Fixture {
    let f = fixture();
    f.ask(0, 1);
    drop(f.answer(0, Claimed::Taken, held));
    assert_eq!(f.woken(), [1]);
    f
}

#[test]
fn the_store_is_asked_once_for_all_and_all_are_woken_by_its_answer() {
    let f = fixture();
    assert_eq!(f.standing(0), Standing::Unknown);
    assert_eq!([1, 2, 3].map(|token| f.ask(0, token)), [Asked::Ask, Asked::Wait, Asked::Wait]);
    let answered = f.answer(1, Claimed::Taken, COLD);
    assert_eq!((answered.look_ms, answered.is_unwanted), (None, false));
    assert!(f.woken().is_empty(), "before the result is dropped");
    drop(answered);
    assert_eq!(f.woken(), [1, 2, 3]);
}

#[test]
fn one_alone_is_told_that_it_is_the_first_here() {
    let f = led_here(COLD);
    assert_eq!([1, 1, 9_999].map(|ms| f.standing(ms)), [FIRST, NOT_FIRST, NOT_FIRST]);
    assert_eq!(f.ask(1, 2), Asked::Known(NOT_FIRST));
    assert_eq!(f.leases.lead_here(KEY, at(1)), NOT_FIRST);
    let other = led_here(COLD);
    assert_eq!(other.ask(1, 2), Asked::Known(FIRST));
}

#[test]
fn a_process_never_waits_for_itself() {
    let f = led_here(COLD);
    assert_eq!(f.follow(1, 2_000, 2), Following::Nobody);
    let f = fixture();
    assert_eq!(f.leases.lead_here(KEY, at(0)), FIRST);
    assert_eq!((f.follow(1, 2_000, 2), f.ask(1, 3)), (Following::Nobody, Asked::Known(NOT_FIRST)));
}

#[test]
fn that_another_process_leads_is_believed_for_200_ms_and_longer_by_who_has_asked() {
    let f = led_elsewhere();
    assert_eq!(f.ask(199, 2), Asked::Known(Standing::Elsewhere));
    assert_eq!(f.ask(200, 3), Asked::Ask);
    let f = led_elsewhere();
    f.leases.renew(at(2_199));
    assert_eq!(f.standing(2_199), Standing::Elsewhere);
    assert_eq!(f.standing(2_200), Standing::Unknown);
    assert_eq!(f.follow(2_200, 4_000, 3), Following::Nobody);
}

#[test]
fn while_the_store_is_asked_again_another_process_leads() {
    let f = led_elsewhere();
    assert_eq!(f.follow(0, 2_000, 2), Following::Look(10));
    assert_eq!(f.standing(1_000), Standing::Elsewhere);
    assert_eq!(f.ask(1_000, 3), Asked::Known(Standing::Elsewhere));
}

#[test]
fn the_store_is_asked_again_at_growing_pauses_for_all_who_wait() {
    let f = led_elsewhere();
    assert_eq!(f.follow(0, 2_000, 2), Following::Look(10));
    assert_eq!(f.follow(0, 2_000, 3), Following::Wait);
    let looks = [10, 30, 70, 150, 230].map(|ms| f.look_after(ms, Claimed::Held));
    assert_eq!(looks, [Some(20), Some(40), Some(80), Some(80), Some(80)]);
    assert!(f.woken().is_empty());
    assert_eq!(f.look_after(310, Claimed::Present), None);
    assert_eq!(f.woken(), [2, 3]);
    assert!(f.leases.is_empty());
}

#[test]
fn the_pauses_begin_anew_with_the_next_question() {
    let f = led_elsewhere();
    f.follow(0, 20, 2);
    f.look_after(10, Claimed::Held);
    f.look_after(30, Claimed::Held);
    f.ask(300, 3);
    f.look_after(300, Claimed::Held);
    assert_eq!(f.follow(300, 2_000, 4), Following::Look(10));
}

#[test]
fn who_has_waited_long_enough_is_let_go_and_alone_nobody_looks_for_them() {
    let f = led_elsewhere();
    f.follow(0, 100, 2);
    f.follow(0, 101, 3);
    assert_eq!(f.look_after(99, Claimed::Held), Some(20));
    assert_eq!(f.look_after(100, Claimed::Held), Some(40));
    assert_eq!(f.woken(), [2]);
    assert_eq!(f.look_after(140, Claimed::Held), None);
    assert_eq!(f.woken(), [3]);
    assert_eq!(
        f.follow(150, 2_000, 4),
        Following::Look(80),
        "the belief holds, nobody was looking"
    );
}

#[test]
fn who_wants_an_answer_is_not_kept_by_those_who_wait_for_the_fill() {
    let f = led_elsewhere();
    f.follow(0, 2_000, 2);
    drop(f.leases.land(KEY));
    assert_eq!(f.woken(), [2]);
    assert_eq!(f.ask(1, 3), Asked::Wait, "the look is under way");
    assert_eq!(f.look_after(10, Claimed::Held), None);
    assert_eq!(f.woken(), [3]);
}

#[test]
fn an_entry_that_is_found_goes_to_all_who_wait() {
    use crate::entry::tests::meta;
    use crate::key::{Class, Hasher};
    let f = led_elsewhere();
    f.follow(0, 2_000, 2);
    let key = Hasher::default().key(Class::Fetch, &[1]);
    let entry = Arc::new(crate::entry::Entry::new(&key, meta(), Box::default()));
    let news = News::Brought(entry);
    let look_ms = f.leases.answer(KEY, at(10), Claimed::Held, COLD, &news).look_ms;
    assert_eq!((look_ms, f.seen.0.lock().clone()), (None, vec![(2, true)]));
}

#[test]
fn while_a_key_is_passed_it_is_asked_for_each_time() {
    let f = fixture();
    f.ask(0, 1);
    f.look_after(0, Claimed::Passed(5_000));
    assert_eq!(f.standing(4_999), Standing::Anybody);
    assert_eq!(f.follow(1, 2_000, 2), Following::Nobody);
    assert_eq!((f.ask(1, 3), f.ask(1, 4)), (Asked::Ask, Asked::Wait));
    assert_eq!(f.standing(5_000), Standing::Unknown);
}

#[test]
fn what_is_set_while_a_key_is_passed_is_told_to_the_store() {
    let f = fixture();
    f.ask(0, 1);
    f.look_after(0, Claimed::Passed(5_000));
    assert_eq!(f.leases.land(KEY).1, Some(COLD));
    assert!(f.leases.is_empty());
}

#[test]
fn who_leads_while_a_key_is_passed_tells_the_store_of_the_set() {
    let f = fixture();
    f.ask(0, 1);
    f.look_after(0, Claimed::Passed(5_000));
    assert_eq!([f.leases.lead_here(KEY, at(1)), f.standing(1)], [FIRST, NOT_FIRST]);
    assert_eq!(f.leases.land(KEY).1, Some(WARM));
}

#[test]
fn what_is_present_needs_nobody() {
    let f = fixture();
    f.ask(0, 1);
    f.look_after(0, Claimed::Present);
    assert_eq!((f.woken(), f.leases.len(), f.leases.land(KEY).1), (vec![1], 0, None));
}

#[test]
fn without_leases_one_leads_where_there_is_something_to_serve_and_else_everybody() {
    let f = fixture();
    f.ask(0, 1);
    drop(f.answer(0, Claimed::Unavailable, WARM));
    assert_eq!([0, 0].map(|ms| f.standing(ms)), [FIRST, NOT_FIRST]);
    assert_eq!(f.leases.land(KEY).1, Some(Held { address: None, is_cold: false }));
    f.ask(0, 2);
    drop(f.answer(0, Claimed::Unavailable, COLD));
    assert_eq!([0, 199].map(|ms| f.standing(ms)), [Standing::Anybody; 2]);
    assert_eq!(f.leases.land(KEY).1, Some(Held { address: None, is_cold: true }));
    assert!(f.leases.is_empty());
}

#[test]
fn a_generation_that_ends_is_told_once_and_forgotten() {
    let f = led_here(WARM);
    assert_eq!(f.leases.land(KEY).1, Some(WARM));
    assert_eq!(f.leases.land(KEY).1, None);
    assert!(f.leases.is_empty());
}

#[test]
fn a_value_that_is_set_here_wakes_who_waits_for_another_process() {
    let f = led_elsewhere();
    f.follow(0, 2_000, 2);
    let (woken, held) = f.leases.land(KEY);
    assert_eq!((held, f.woken()), (None, Vec::new()));
    drop(woken);
    assert_eq!(f.woken(), [2]);
    assert_eq!(f.look_after(10, Claimed::Held), None, "nobody waits any more");
}

#[test]
fn a_lease_that_comes_when_nobody_waits_any_more_is_given_back() {
    let f = fixture();
    f.ask(0, 1);
    drop(f.leases.land(KEY));
    assert_eq!(f.woken(), [1]);
    assert!(f.answer(1, Claimed::Taken, COLD).is_unwanted);
    assert!(f.leases.is_empty());
    // The same of one for who has waited for too long.
    let f = led_elsewhere();
    f.follow(0, 100, 2);
    assert!(f.answer(100, Claimed::Taken, COLD).is_unwanted);
    assert_eq!((f.woken(), f.leases.len()), (vec![2], 0));
}

#[test]
fn a_lease_that_comes_after_the_generation_began_here_ends_with_it() {
    let f = fixture();
    f.ask(0, 1);
    assert_eq!(f.leases.lead_here(KEY, at(0)), FIRST);
    assert!(!f.answer(1, Claimed::Taken, COLD).is_unwanted);
    assert_eq!(f.standing(1), NOT_FIRST, "it has begun");
    assert_eq!(f.leases.renew(at(1)).0, [ADDRESS]);
    assert_eq!(f.leases.land(KEY).1.and_then(|held| held.address), Some(ADDRESS));
}

#[test]
fn what_began_here_is_not_undone_by_an_answer() {
    for claimed in [Claimed::Held, Claimed::Passed(9), Claimed::Unavailable, Claimed::Present] {
        let f = fixture();
        f.ask(0, 1);
        f.leases.lead_here(KEY, at(0));
        assert!(!f.answer(1, claimed, COLD).is_unwanted);
        assert_eq!((f.woken(), f.standing(1)), (vec![1], NOT_FIRST), "{claimed:?}");
    }
}

#[test]
fn who_waited_in_vain_leads_and_who_waited_with_them_is_woken() {
    let f = led_elsewhere();
    f.follow(0, 100, 2);
    f.follow(50, 150, 3);
    let woken = f.leases.overtake(KEY, at(100), COLD);
    assert!(woken.is_some() && f.woken().is_empty());
    drop(woken);
    assert_eq!((f.woken(), f.standing(100)), (vec![2, 3], FIRST));
    assert!(f.leases.overtake(KEY, at(100), COLD).is_none(), "it leads already");
    // The look that was under way changes nothing.
    assert_eq!(f.look_after(110, Claimed::Held), None);
    assert_eq!((f.standing(110), f.leases.land(KEY).1), (NOT_FIRST, Some(COLD)));
}

#[test]
fn there_is_nobody_to_overtake_where_nobody_else_leads() {
    let f = fixture();
    assert!(f.leases.overtake(KEY, at(0), COLD).is_none());
    assert!(led_elsewhere().leases.overtake(KEY, at(2_200), COLD).is_none());
}

#[test]
fn leases_go_on_until_their_generation_ends_and_for_ten_seconds_at_most() {
    for held in [COLD, WARM] {
        let f = led_here(held);
        assert_eq!(f.leases.renew(at(9_999)), (vec![ADDRESS], vec![]));
        assert_eq!(f.leases.renew(at(10_000)), (vec![], vec![held]));
        assert_eq!(f.leases.renew(at(10_000)), (vec![], vec![]));
        let late = (held == COLD).then_some(COLD);
        assert_eq!(f.leases.land(KEY).1, late, "what is set after all ends that nobody waits");
        assert!(f.leases.is_empty());
    }
    let f = led_here(COLD);
    assert_eq!(f.ask(10_000, 2), Asked::Ask, "the leader is gone");
    assert_eq!(f.leases.renew(at(10_000)), (vec![], vec![]), "it is asked anew");
}

#[test]
fn what_is_set_after_ten_seconds_after_all_is_told_to_the_store() {
    let f = led_here(COLD);
    assert_eq!(f.leases.renew(at(10_000)).1, [COLD]);
    assert_eq!(f.leases.land(KEY).1, Some(COLD));
}

#[test]
fn only_what_the_store_knows_is_renewed() {
    let f = fixture();
    f.leases.lead_here(KEY, at(0));
    assert_eq!(f.leases.renew(at(1)), (vec![], vec![]));
    let f = led_elsewhere();
    assert_eq!(f.leases.renew(at(1)), (vec![], vec![]));
    assert_eq!(f.leases.renew(at(2_199)), (vec![], vec![]));
    assert_eq!(
        (f.leases.len(), f.leases.renew(at(2_200)), f.leases.len()),
        (1, (vec![], vec![]), 0)
    );
}

#[test]
fn who_is_waited_for_is_not_forgotten_by_a_renewal() {
    let f = led_elsewhere();
    f.follow(0, 2_000, 2);
    f.leases.renew(at(1_000));
    assert_eq!(f.look_after(1_000, Claimed::Present), None);
    assert_eq!(f.woken(), [2]);
}

#[test]
fn beyond_the_bound_everybody_generates_until_there_is_room() {
    let f = fixture();
    for key in 0..MOST as u128 {
        f.leases.lead_here(key, at(0));
    }
    let (key, waker) = (u128::MAX, &f.waker);
    assert_eq!(f.leases.ask(key, at(1), waker, 1), Asked::Known(Standing::Anybody));
    assert_eq!(f.leases.lead_here(key, at(1)), Standing::Anybody);
    assert_eq!(f.leases.lead_here(0, at(1)), NOT_FIRST, "what is known stays known");
    assert_eq!(f.leases.ask(key, at(10_000), waker, 1), Asked::Ask);
    assert_eq!(f.leases.len(), 1);
}

#[test]
fn who_leads_looks_now_and_then_whether_another_has_stored() {
    let f = led_here(WARM);
    let looks = |ms| f.leases.looks(KEY, at(ms));
    assert_eq!([199, 200, 399, 400].map(looks), [false, true, false, true]);
    drop(f.leases.land(KEY));
    assert!(!looks(1_000));
    assert!(!led_elsewhere().leases.looks(KEY, at(1_000)));
}
