use super::*;

#[derive(Default)]
struct Woken(Mutex<Vec<u32>>);

impl Wake for Woken {
    fn wake(&self, token: u32, _: News) {
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

const T0: Timestamp = Timestamp(1_000_000);

#[test]
fn one_leads_and_the_others_are_woken_when_it_stores() {
    let f = fixture();
    assert_eq!(f.flights.join(1, T0, &f.waker, 1), Joined::Lead);
    assert_eq!(f.flights.join(1, T0, &f.waker, 2), Joined::Wait);
    assert_eq!(f.flights.join(2, T0, &f.waker, 3), Joined::Lead);
    assert!(f.flights.wait(1, T0, &f.waker, 4));
    f.flights.land(1, Landing::Stored, T0);
    assert_eq!(*f.woken.0.lock(), [2, 4]);
    assert_eq!(f.flights.join(1, T0, &f.waker, 5), Joined::Lead);
}

#[test]
fn a_key_that_was_not_stored_is_passed_for_a_minute() {
    let f = fixture();
    f.flights.join(1, T0, &f.waker, 1);
    f.flights.join(1, T0, &f.waker, 2);
    f.flights.land(1, Landing::Unset, T0);
    assert_eq!(*f.woken.0.lock(), [2]);
    assert_eq!(f.flights.join(1, Timestamp(60_999_999), &f.waker, 3), Joined::Pass);
    assert_eq!(f.flights.join(1, Timestamp(61_000_000), &f.waker, 4), Joined::Lead);
}

#[test]
fn what_memory_does_not_hold_is_brought_to_those_who_wait() {
    use crate::entry::tests::meta;
    use crate::key::{Class, Hasher};
    let f = fixture();
    f.flights.join(1, T0, &f.waker, 1);
    f.flights.join(1, T0, &f.waker, 2);
    let key = Hasher::default().key(Class::Fetch, &[1]);
    let entry = Arc::new(Entry::new(&key, meta(), Box::default()));
    f.flights.bring(1, Landing::Stored, &entry, T0);
    assert_eq!(*f.woken.0.lock(), [2]);
    assert!(f.flights.is_empty());
}

/// Notes how many came together.
#[derive(Default)]
struct Together(Mutex<Vec<usize>>);

impl Wake for Together {
    fn wake(&self, _: u32, _: News) {
        self.0.lock().push(1);
    }

    fn wake_many(&self, many: Vec<(u32, News)>) {
        self.0.lock().push(many.len());
    }
}

#[test]
fn those_of_one_waker_are_woken_together_and_nobody_is_forgotten() {
    let wakers = [Arc::new(Together::default()), Arc::new(Together::default())];
    let mut woken = super::Woken::default();
    let mut more = super::Woken::default();
    for token in 0..6 {
        let waker = wakers[usize::from(token == 3)].clone();
        let to = if token < 2 { &mut woken } else { &mut more };
        to.add(waker, token, News::Landed);
    }
    woken.join(more);
    assert!(wakers.iter().all(|waker| waker.0.lock().is_empty()));
    drop(woken);
    assert_eq!(wakers.map(|waker| waker.0.lock().clone()), [vec![5], vec![1]]);
}

#[test]
fn a_store_ends_the_passing() {
    let f = fixture();
    f.flights.join(1, T0, &f.waker, 1);
    f.flights.land(1, Landing::Unset, T0);
    f.flights.land(1, Landing::Stored, T0);
    assert_eq!(f.flights.join(1, T0, &f.waker, 2), Joined::Lead);
}

#[test]
fn a_wait_in_vain_spares_the_others() {
    let f = fixture();
    f.flights.join(1, T0, &f.waker, 1);
    f.flights.join(1, T0, &f.waker, 2);
    f.flights.join(1, T0, &f.waker, 3);
    f.flights.give_up(1, T0);
    assert_eq!(*f.woken.0.lock(), [2, 3]);
    assert_eq!(f.flights.join(1, T0, &f.waker, 4), Joined::Pass);
}

#[test]
fn a_leader_that_vanished_holds_nobody() {
    let f = fixture();
    f.flights.join(1, T0, &f.waker, 1);
    f.flights.join(1, T0, &f.waker, 2);
    let later = T0.shifted_us(LONGEST_US as i64);
    assert!(!f.flights.wait(1, later, &f.waker, 3));
    assert_eq!(f.flights.join(1, later, &f.waker, 4), Joined::Pass);
    assert_eq!(*f.woken.0.lock(), [2]);
}

#[test]
fn the_number_of_flights_is_bounded() {
    let f = fixture();
    for key in 0..MOST as u128 {
        assert_eq!(f.flights.join(key, T0, &f.waker, 0), Joined::Lead);
    }
    assert_eq!(f.flights.join(u128::MAX, T0, &f.waker, 0), Joined::Pass);
    let later = T0.shifted_us(LONGEST_US as i64);
    assert_eq!(f.flights.join(u128::MAX, later, &f.waker, 0), Joined::Lead);
    assert_eq!(f.flights.len(), 1);
}
