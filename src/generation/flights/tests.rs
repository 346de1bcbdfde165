use super::*;
use crate::wake::Wake;

#[derive(Default)]
struct Woken(Mutex<Vec<u32>>);

impl Wake for Woken {
    fn wake(&self, token: u32, _: Notice) {
        self.0.lock().push(token);
    }
}

struct Fixture {
    flights: Flights,
    woken: Arc<Woken>,
    waker: Arc<dyn Wake>,
}

fn fixture() -> Fixture {
    let woken = Arc::new(Woken::default());
    Fixture { flights: Flights::default(), waker: woken.clone(), woken }
}

impl Fixture {
    fn ticket(&self, token: u32) -> Ticket {
        Ticket::new(self.waker.clone(), token)
    }

    /// Joins at `ms` after the start, with a patience of 1.2 s.
    fn join(&self, key: Hash128, ms: i64, token: u32) -> Joined {
        self.flights.join(key, at(ms), PATIENCE, self.ticket(token))
    }

    fn wait(&self, key: Hash128, ms: i64, token: u32) -> Option<u32> {
        self.flights.follow(key, at(ms), PATIENCE, self.ticket(token))
    }

    fn woken(&self) -> Vec<u32> {
        mem::take(&mut *self.woken.0.lock())
    }
}

const T0: Timestamp = Timestamp(1_000_000);
const PATIENCE: Duration = Duration::from_millis(1_200);

fn at(ms: i64) -> Timestamp {
    T0.shifted_us(ms * 1_000)
}

#[test]
fn one_leads_and_the_others_are_woken_when_it_stores() {
    let f = fixture();
    assert_eq!(f.join(1, 0, 1), Joined::Lead);
    assert_eq!(f.join(1, 0, 2), Joined::Follow(1_200));
    assert_eq!(f.join(2, 0, 3), Joined::Lead);
    assert_eq!(f.wait(1, 200, 4), Some(1_000));
    f.flights.land(1, End::Done, T0);
    assert_eq!(f.woken(), [2, 4]);
    assert_eq!(f.join(1, 0, 5), Joined::Lead);
}

#[test]
fn what_counts_is_how_long_ago_the_leader_began() {
    let f = fixture();
    f.join(1, 0, 1);
    // Without waiters no wait times out, however often.
    for nth in 1..10 {
        assert_eq!(f.wait(1, nth * 3_000, 2), None);
        assert_eq!(f.join(1, nth * 3_000, 2), Joined::Lead);
    }
}

#[test]
fn who_is_late_leads_and_the_others_wait_on() {
    let f = fixture();
    f.join(1, 0, 1);
    for token in [2, 3] {
        assert_eq!(f.join(1, 100, token), Joined::Follow(1_100));
    }
    assert_eq!(f.join(1, 1_200, 2), Joined::Lead);
    assert_eq!(f.join(1, 1_200, 3), Joined::Follow(1_200));
    assert_eq!(f.join(1, 1_500, 4), Joined::Follow(900));
    f.flights.land(1, End::Done, at(2_000));
    assert!(f.woken().ends_with(&[3, 4]));
}

#[test]
fn three_waits_in_vain_pass_a_key_and_later_one_passes_it_for_longer() {
    let f = fixture();
    f.join(1, 0, 1);
    for begin in [0, 1_200] {
        f.join(1, begin + 1, 2);
        assert_eq!(f.join(1, begin + 1_200, 2), Joined::Lead);
    }
    f.join(1, 2_401, 3);
    assert_eq!(f.join(1, 3_600, 3), Joined::Bypass);
    assert!(f.woken().contains(&3), "the waiter is let go");
    assert_eq!(f.join(1, 13_599, 4), Joined::Bypass);
    assert_eq!(f.join(1, 13_600, 4), Joined::Lead);
    f.join(1, 13_700, 5);
    assert_eq!(f.join(1, 14_800, 5), Joined::Bypass, "for 20 s");
    assert_eq!(f.join(1, 34_799, 6), Joined::Bypass);
    assert_eq!(f.join(1, 34_800, 6), Joined::Lead);
    f.flights.land(1, End::Done, at(34_900));
    f.join(1, 35_000, 7);
    f.join(1, 35_100, 8);
    assert_eq!(f.join(1, 36_200, 8), Joined::Lead, "a set ends all that");
}

#[test]
fn a_key_that_was_not_stored_is_passed_longer_each_time() {
    let f = fixture();
    f.join(1, 0, 1);
    f.join(1, 0, 2);
    for ms in [0, 10, 5_000] {
        f.flights.land(1, End::Uncacheable, at(ms));
    }
    assert_eq!(f.woken(), [2], "concurrent failures count as one");
    assert_eq!(f.join(1, 9_999, 3), Joined::Bypass);
    assert_eq!(f.join(1, 10_000, 4), Joined::Lead);
    f.flights.land(1, End::Uncacheable, at(10_000));
    assert_eq!((f.join(1, 29_999, 3), f.join(1, 30_000, 4)), (Joined::Bypass, Joined::Lead));
}

#[test]
fn what_memory_does_not_hold_is_brought_to_those_who_wait() {
    use crate::entry::tests::meta;
    use crate::key::{Class, Hasher};
    let f = fixture();
    f.join(1, 0, 1);
    f.join(1, 0, 2);
    let key = Hasher::default().key(Class::Fetch, &[1]);
    let entry = Arc::new(Entry::new(&key, meta(), Box::default()));
    f.flights.bring(1, End::Done, &entry, T0);
    assert_eq!(*f.woken.0.lock(), [2]);
    assert!(f.flights.is_empty());
}

#[test]
fn a_store_ends_the_passing() {
    let f = fixture();
    f.join(1, 0, 1);
    f.flights.land(1, End::Uncacheable, T0);
    f.flights.land(1, End::Done, T0);
    assert_eq!(f.join(1, 0, 2), Joined::Lead);
}

#[test]
fn who_ends_without_a_word_twice_in_a_row_passes_its_key() {
    let f = fixture();
    f.join(1, 0, 1);
    f.join(1, 0, 2);
    assert!(f.flights.end_empty(1, at(100)) == End::Done);
    assert_eq!(f.woken(), [2]);
    assert_eq!((f.join(1, 100, 3), f.join(1, 100, 4)), (Joined::Lead, Joined::Follow(1_200)));
    assert!(f.flights.end_empty(1, at(200)) == End::Uncacheable);
    assert_eq!((f.join(1, 10_199, 5), f.join(1, 10_200, 5)), (Joined::Bypass, Joined::Lead));
    f.flights.land(1, End::Done, at(10_300));
    assert!(f.flights.end_empty(1, at(10_400)) == End::Done, "a set ends all that");
}

#[test]
fn who_leads_for_others_waits_with_them() {
    let f = fixture();
    assert_eq!(f.flights.join_as_follower(1, T0, PATIENCE, f.ticket(1)), Joined::Lead);
    f.flights.land(1, End::Done, T0);
    assert_eq!(f.woken(), [1]);
}

#[test]
fn beyond_the_bound_the_oldest_give_way_but_for_those_that_are_waited_for() {
    let f = fixture();
    for key in 0..MOST_KEYS as u128 {
        assert_eq!(f.join(key, 0, 0), Joined::Lead);
    }
    f.join(0, 1, 1);
    assert_eq!(f.join(u128::MAX, 1, 0), Joined::Lead);
    assert_eq!((f.flights.len(), f.wait(0, 2, 2)), (MOST_KEYS, Some(1_198)));
    for key in 0..MOST_KEYS as u128 {
        f.join(key, 3, 1);
    }
    assert_eq!(f.join(u128::MAX - 1, 3, 0), Joined::Bypass, "all are waited for");
    assert_eq!(f.join(u128::MAX - 1, 10_003, 0), Joined::Lead, "not any more");
}
