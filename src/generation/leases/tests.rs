mod permits;
mod told;

use std::sync::Arc;

use super::*;
use crate::wake::Wake;

const KEY: Hash128 = 7;
const ADDRESS: Address = [7; 16];
/// Followers wait 2.2 s for a leader.
const COLD: Lease = Lease { address: Some(ADDRESS), cold_us: Some(2_200_000) };
const WARM: Lease = Lease { cold_us: None, ..COLD };
const HERE: Ask = Ask::Known(Role::Leader);
/// Of a key whose leader is no longer believed in, or that every caller generates.
const SINCE: Lease = Lease { cold_us: Some(0), ..COLD };

/// `ms` after the start.
fn at(ms: i64) -> Timestamp {
    Timestamp(1_000_000).shifted_us(ms * 1_000)
}

/// Tokens woken, and whether with an entry.
#[derive(Default)]
struct Seen(Mutex<Vec<(u32, bool)>>);

impl Wake for Seen {
    fn wake(&self, token: u32, notice: Notice) {
        self.0.lock().push((token, matches!(notice, Notice::Delivered(_))));
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
    fn ticket(&self, token: u32) -> Ticket {
        Ticket::new(self.waker.clone(), token)
    }

    fn ask(&self, ms: i64, token: u32) -> Ask {
        self.leases.ask(KEY, at(ms), self.ticket(token))
    }

    fn follow(&self, ms: i64, until_ms: i64, token: u32) -> Follow {
        self.leases.follow(KEY, at(ms), at(until_ms), self.ticket(token))
    }

    fn answer(&self, ms: i64, claimed: LeaseReply, held: Lease) -> Answered {
        self.leases.answer(KEY, at(ms), claimed, held, &Notice::LookAgain)
    }

    /// The pause after an answer; records the tokens that it wakes.
    fn check_after(&self, ms: i64, claimed: LeaseReply) -> Option<u32> {
        self.answer(ms, claimed, COLD).check_ms
    }

    fn role(&self, ms: i64) -> Role {
        self.leases.role(KEY, at(ms))
    }

    /// Whether a get is given the permit.
    fn leads(&self, ms: i64) -> bool {
        self.leases.take_lead(KEY, at(ms)).is_some()
    }

    fn land(&self) -> (WakeOnDrop, Option<Lease>) {
        self.leases.land(KEY, at(0), End::Done)
    }

    /// The tokens woken since the last call.
    fn woken(&self) -> Vec<u32> {
        mem::take(&mut *self.seen.0.lock()).into_iter().map(|(token, _)| token).collect()
    }
}

/// Another process leads, as known at 0 ms.
fn led_elsewhere() -> Fixture {
    let f = fixture();
    f.ask(0, 1);
    assert_eq!(f.check_after(0, LeaseReply::HeldElsewhere), None);
    assert_eq!(f.woken(), [1]);
    f
}

/// This process took the lease at 0 ms.
fn led_here(held: Lease) -> Fixture {
    let f = fixture();
    f.ask(0, 1);
    drop(f.answer(0, LeaseReply::Granted, held));
    assert_eq!(f.woken(), [1]);
    f
}

#[test]
fn the_store_is_asked_once_for_all_and_all_are_woken_by_its_answer() {
    let f = fixture();
    assert_eq!(f.role(0), Role::Unknown);
    assert_eq!([1, 2, 3].map(|token| f.ask(0, token)), [Ask::Send, Ask::Pending, Ask::Pending]);
    let answered = f.answer(1, LeaseReply::Granted, COLD);
    assert_eq!((answered.check_ms, answered.is_unwanted), (None, false));
    assert!(f.woken().is_empty(), "before the result is dropped");
    drop(answered);
    assert_eq!(f.woken(), [1, 2, 3]);
}

#[test]
fn a_process_never_waits_for_itself() {
    let f = led_here(COLD);
    assert_eq!(f.follow(1, 2_000, 2), Follow::NoLeader);
    let f = fixture();
    f.leads(0);
    assert_eq!((f.follow(1, 2_000, 2), f.ask(1, 3)), (Follow::NoLeader, HERE));
}

#[test]
fn that_another_process_leads_is_believed_for_200_ms_and_longer_by_who_has_asked() {
    let f = led_elsewhere();
    assert_eq!(f.ask(199, 2), Ask::Known(Role::Follower));
    assert_eq!(f.ask(200, 3), Ask::Send);
    let f = led_elsewhere();
    f.leases.renew(at(2_199));
    assert_eq!(f.role(2_199), Role::Follower);
    assert_eq!(f.role(2_200), Role::Unknown);
    assert_eq!(f.follow(2_200, 4_000, 3), Follow::NoLeader);
}

#[test]
fn while_the_store_is_asked_again_another_process_leads() {
    let f = led_elsewhere();
    assert_eq!(f.follow(0, 2_000, 2), Follow::CheckIn(10));
    assert_eq!(f.role(1_000), Role::Follower);
    assert_eq!(f.ask(1_000, 3), Ask::Known(Role::Follower));
}

#[test]
fn the_store_is_asked_again_at_growing_pauses_for_all_who_wait() {
    let f = led_elsewhere();
    assert_eq!(f.follow(0, 2_000, 2), Follow::CheckIn(10));
    assert_eq!(f.follow(0, 2_000, 3), Follow::Pending);
    let looks = [10, 30, 70, 150, 230].map(|ms| f.check_after(ms, LeaseReply::HeldElsewhere));
    assert_eq!(looks, [Some(20), Some(40), Some(80), Some(80), Some(80)]);
    assert!(f.woken().is_empty());
    assert_eq!(f.check_after(310, LeaseReply::EntryExists), None);
    assert_eq!(f.woken(), [2, 3]);
    assert!(f.leases.is_empty());
}

#[test]
fn the_pauses_begin_anew_with_the_next_question() {
    let f = led_elsewhere();
    f.follow(0, 20, 2);
    f.check_after(10, LeaseReply::HeldElsewhere);
    f.check_after(30, LeaseReply::HeldElsewhere);
    f.ask(300, 3);
    f.check_after(300, LeaseReply::HeldElsewhere);
    assert_eq!(f.follow(300, 2_000, 4), Follow::CheckIn(10));
}

#[test]
fn who_has_waited_long_enough_is_let_go_and_alone_nobody_looks_for_them() {
    let f = led_elsewhere();
    f.follow(0, 100, 2);
    f.follow(0, 101, 3);
    assert_eq!(f.check_after(99, LeaseReply::HeldElsewhere), Some(20));
    assert_eq!(f.check_after(100, LeaseReply::HeldElsewhere), Some(40));
    assert_eq!(f.woken(), [2]);
    assert_eq!(f.check_after(140, LeaseReply::HeldElsewhere), None);
    assert_eq!(f.woken(), [3]);
    assert_eq!(
        f.follow(150, 2_000, 4),
        Follow::CheckIn(80),
        "the belief holds, no check was under way"
    );
}

#[test]
fn who_wants_an_answer_is_not_kept_by_those_who_wait_for_the_fill() {
    let f = led_elsewhere();
    f.follow(0, 2_000, 2);
    drop(f.land());
    assert_eq!(f.woken(), [2]);
    assert_eq!((f.ask(1, 3), f.ask(1, 4)), (Ask::Send, Ask::Pending), "a look is only scheduled");
    assert_eq!(f.check_after(2, LeaseReply::HeldElsewhere), None);
    assert_eq!(f.woken(), [3, 4]);
    // The look is answered, too, and is still the only one.
    assert_eq!(f.follow(3, 2_000, 5), Follow::Pending);
    assert_eq!(f.check_after(10, LeaseReply::HeldElsewhere), Some(10));
    assert_eq!(f.check_after(20, LeaseReply::EntryExists), None);
    assert_eq!((f.woken(), f.leases.len()), (vec![5], 0));
}

#[test]
fn an_entry_that_is_found_goes_to_all_who_wait() {
    use crate::entry::tests::meta;
    use crate::key::{Class, Hasher};
    let f = led_elsewhere();
    f.follow(0, 2_000, 2);
    let key = Hasher::default().key(Class::Fetch, &[1]);
    let entry = Arc::new(crate::entry::Entry::new(&key, meta(), Box::default()));
    let notice = Notice::Delivered(entry);
    let check_ms = f.leases.answer(KEY, at(10), LeaseReply::HeldElsewhere, COLD, &notice).check_ms;
    assert_eq!((check_ms, f.seen.0.lock().clone()), (None, vec![(2, true)]));
}

#[test]
fn while_a_key_is_passed_it_is_asked_for_each_time() {
    let f = fixture();
    f.ask(0, 1);
    f.check_after(0, LeaseReply::HitForMiss(5_000));
    assert_eq!(f.role(4_999), Role::Uncoordinated);
    assert_eq!(f.follow(1, 2_000, 2), Follow::NoLeader);
    assert_eq!((f.ask(1, 3), f.ask(1, 4)), (Ask::Send, Ask::Pending));
    assert_eq!(f.role(5_000), Role::Unknown);
}

#[test]
fn what_is_set_while_a_key_is_passed_is_told_to_the_store() {
    let f = fixture();
    f.ask(0, 1);
    f.check_after(0, LeaseReply::HitForMiss(5_000));
    assert_eq!(f.land().1, Some(SINCE));
    assert!(f.leases.is_empty());
}

#[test]
fn who_leads_while_a_key_is_passed_tells_the_store_of_the_set() {
    let f = fixture();
    f.ask(0, 1);
    f.check_after(0, LeaseReply::HitForMiss(5_000));
    assert_eq!((f.leads(1), f.role(1)), (true, Role::Leader));
    assert_eq!(f.land().1, Some(WARM));
}

#[test]
fn what_is_present_needs_nobody() {
    let f = fixture();
    f.ask(0, 1);
    f.check_after(0, LeaseReply::EntryExists);
    assert_eq!((f.woken(), f.leases.len(), f.land().1), (vec![1], 0, None));
}

#[test]
fn without_leases_one_leads_where_there_is_something_to_serve_and_else_everybody() {
    let f = fixture();
    f.ask(0, 1);
    drop(f.answer(0, LeaseReply::Unavailable, COLD));
    assert_eq!([0, 199].map(|ms| f.role(ms)), [Role::Uncoordinated; 2]);
    assert_eq!([0, 1].map(|ms| f.leads(ms)), [true, false]);
    assert_eq!(f.land().1, Some(Lease { address: None, cold_us: None }));
    assert!(f.leases.is_empty());
}

#[test]
fn a_generation_that_ends_is_told_once_and_forgotten() {
    let f = led_here(WARM);
    assert_eq!(f.land().1, Some(WARM));
    assert_eq!(f.land().1, None);
    assert!(f.leases.is_empty());
}

#[test]
fn a_value_that_is_set_here_wakes_who_waits_for_another_process() {
    let f = led_elsewhere();
    f.follow(0, 2_000, 2);
    let (woken, held) = f.land();
    assert_eq!((held, f.woken()), (None, Vec::new()));
    drop(woken);
    assert_eq!(f.woken(), [2]);
    assert_eq!(f.check_after(10, LeaseReply::HeldElsewhere), None, "no get waits any more");
}

#[test]
fn a_lease_that_comes_when_nobody_waits_any_more_is_given_back() {
    let f = fixture();
    f.ask(0, 1);
    drop(f.land());
    assert_eq!(f.woken(), [1]);
    assert!(f.answer(1, LeaseReply::Granted, COLD).is_unwanted);
    assert!(f.leases.is_empty());
    // The same for a get whose wait is over.
    let f = led_elsewhere();
    f.follow(0, 100, 2);
    assert!(f.answer(100, LeaseReply::Granted, COLD).is_unwanted);
    assert_eq!((f.woken(), f.leases.len()), (vec![2], 0));
}

#[test]
fn a_lease_that_comes_after_the_generation_began_here_ends_with_it() {
    let f = fixture();
    f.ask(0, 1);
    assert!(f.leads(0));
    assert!(!f.answer(1, LeaseReply::Granted, COLD).is_unwanted);
    assert!(!f.leads(1), "it has begun");
    f.leases.note_progress(KEY, at(1));
    assert_eq!(f.leases.renew(at(1)), [ADDRESS]);
    assert_eq!(f.land().1.and_then(|held| held.address), Some(ADDRESS));
}

#[test]
fn what_began_here_is_not_undone_by_an_answer() {
    for claimed in [
        LeaseReply::HeldElsewhere,
        LeaseReply::HitForMiss(9),
        LeaseReply::Unavailable,
        LeaseReply::EntryExists,
    ] {
        let f = fixture();
        f.ask(0, 1);
        f.leads(0);
        assert!(!f.answer(1, claimed, COLD).is_unwanted);
        assert_eq!((f.woken(), f.leads(1)), (vec![1], false), "{claimed:?}");
    }
}

#[test]
fn who_generates_what_nobody_has_is_believed_for_as_long_as_it_is_waited_for() {
    let f = led_here(COLD);
    assert_eq!([2_199, 2_200].map(|ms| f.role(ms)), [Role::Leader, Role::Unknown]);
    assert!(f.leases.renew(at(2_199)).is_empty(), "its lease is as long");
    assert_eq!(f.ask(2_200, 2), Ask::Send);
}

#[test]
fn of_what_was_not_stored_a_later_set_is_told_to_the_store() {
    let f = led_here(COLD);
    assert_eq!(f.leases.land(KEY, at(1), End::Uncacheable).1, Some(COLD));
    assert_eq!(f.role(1), Role::Uncoordinated);
    assert_eq!(f.land().1, Some(SINCE));
    let f = led_here(WARM);
    assert_eq!(f.leases.land(KEY, at(1), End::Uncacheable).1, Some(WARM));
    assert!(f.leases.is_empty(), "something stale is there still");
}

#[test]
fn what_is_set_long_after_is_told_to_the_store() {
    let f = led_here(COLD);
    f.leases.renew(at(60_000));
    assert_eq!(f.land().1, Some(SINCE));
    let f = led_here(COLD);
    f.leases.renew(at(60_000));
    f.leases.renew(at(700_000));
    assert!(f.leases.is_empty());
}

#[test]
fn only_what_the_store_knows_is_renewed() {
    let f = fixture();
    f.leads(0);
    f.leases.note_progress(KEY, at(0));
    assert!(f.leases.renew(at(1)).is_empty());
    let f = led_elsewhere();
    assert_eq!((f.leases.renew(at(1)), f.leases.renew(at(2_199))), (vec![], vec![]));
    assert_eq!((f.leases.len(), f.leases.renew(at(2_200)), f.leases.len()), (1, vec![], 0));
}

#[test]
fn who_is_waited_for_is_not_forgotten_by_a_renewal() {
    let f = led_elsewhere();
    f.follow(0, 2_000, 2);
    f.leases.renew(at(1_000));
    assert_eq!(f.check_after(1_000, LeaseReply::EntryExists), None);
    assert_eq!(f.woken(), [2]);
}

#[test]
fn beyond_the_bound_the_oldest_give_way_and_without_room_nobody_is_kept_from_generating() {
    let f = fixture();
    for key in 0..MOST_KEYS as u128 {
        assert!(f.leases.take_lead(key, at(0)).is_some());
    }
    let key = u128::MAX;
    assert_eq!(f.leases.ask(key, at(1), f.ticket(1)), Ask::Send);
    assert_eq!(f.leases.len(), MOST_KEYS);
    for key in 0..MOST_KEYS as u128 {
        f.leases.ask(key, at(2_000), f.ticket(1));
    }
    assert_eq!(f.leases.ask(key - 1, at(2_000), f.ticket(1)), Ask::NoRoom);
    assert!(f.leases.take_lead(key - 1, at(2_000)).is_some());
}

#[test]
fn who_leads_looks_now_and_then_whether_another_has_stored() {
    let f = led_here(WARM);
    let looks = |ms| f.leases.take_check(KEY, at(ms));
    assert_eq!([199, 200, 399, 400].map(looks), [false, true, false, true]);
    drop(f.land());
    assert!(!looks(1_000));
    assert!(!led_elsewhere().leases.take_check(KEY, at(1_000)));
}
