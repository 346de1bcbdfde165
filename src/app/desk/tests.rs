//! A desk in front of a store that fails when the test wants it to.

use std::time::Duration;

use parking_lot::Mutex;

use super::*;
use crate::app::label::Group;
use crate::app::limit::Algorithm;
use crate::clock::Timestamp;

/// Fails, or carries out, and counts.
struct Fake {
    memory: Memory,
    failure: Mutex<Option<Failure>>,
    /// Resets wait here, if they are to.
    resets: Mutex<Option<Vec<(Order, Receive)>>>,
    asked: Mutex<u32>,
}

impl Store for Fake {
    fn carry_out(&self, order: Order, receive: Receive) {
        *self.asked.lock() += 1;
        let is_reset = matches!(order.deed, Deed::Limit(Limiting::Reset));
        if let Some(resets) = self.resets.lock().as_mut().filter(|_| is_reset) {
            return resets.push((order, receive));
        }
        match *self.failure.lock() {
            Some(failure) => receive(Err(failure)),
            None => self.memory.carry_out(order, receive),
        }
    }

    fn later(&self, _: Duration, _: Box<dyn FnOnce() + Send>) {}
}

struct World {
    clock: Clock,
    fake: Arc<Fake>,
    desk: Desk,
}

fn world() -> World {
    let clock = Clock::manual(Timestamp(1_000_000_000));
    let memory = Memory::new(clock.clone());
    let (failure, resets, asked) = (Mutex::default(), Mutex::default(), Mutex::default());
    let fake = Arc::new(Fake { memory, failure, resets, asked });
    let desk = Desk::new(clock.clone(), Some(fake.clone()));
    World { clock, fake, desk }
}

type Ruling = Result<(Verdict, Source), Failure>;

impl World {
    fn ask(&self, action: Action, on_error: OnError) -> Ruling {
        self.begin_to(action, on_error, 3).lock().take().unwrap()
    }

    fn begin_to(
        &self,
        action: Action,
        on_error: OnError,
        limit: u64,
    ) -> Arc<Mutex<Option<Ruling>>> {
        let told = Arc::new(Mutex::new(None));
        let tell = told.clone();
        let (algorithm, burst) = (Algorithm::Fixed, limit);
        let windows = vec![Window { algorithm, limit, span_ms: 1_000, burst }];
        let limiter =
            Limiter::new(Group::parse("g").unwrap(), windows, on_error, Mode::Exact).unwrap();
        let receive = move |ruling| *tell.lock() = Some(ruling);
        let id = Own::parse("id").unwrap();
        self.desk.limit(&Arc::new(limiter), &id, action, Box::new(receive));
        told
    }

    fn take(&self, on_error: OnError) -> (bool, Source) {
        let (verdict, source) = self.ask(Action::Take(1), on_error).unwrap();
        (verdict.is_admitted, source)
    }

    fn asked(&self) -> u32 {
        std::mem::take(&mut *self.fake.asked.lock())
    }
}

#[test]
fn a_seat_without_the_store_is_one_of_this_process_or_as_it_was_told() {
    let world = world();
    *world.fake.failure.lock() = Some(Failure::Unknown);
    let (group, own) = (Group::parse("g").unwrap(), Own::parse("id").unwrap());
    let label = Label::of(crate::app::label::Feature::Seat, &group, &own);
    let ask = |name: u8, on_error| {
        let told = Arc::new(Mutex::new(None));
        let tell = told.clone();
        let owner = crate::app::lock::Owner::parse(&format!("{name:032x}")).unwrap();
        let deed = seat::Deed::Acquire { owner, ttl_ms: 1_000, limit: 1 };
        let receive = Box::new(move |answer| *tell.lock() = Some(answer));
        world.desk.seat(&label, deed, on_error, receive);
        let answer = told.lock().take();
        answer.unwrap().unwrap()
    };
    assert_eq!(ask(1, OnError::Local), (seat::Answer::Taken(1, 1_000), Source::Local));
    assert_eq!(ask(2, OnError::Local), (seat::Answer::Held(1, 1_000), Source::Local));
    assert_eq!(ask(3, OnError::Open), (seat::Answer::Taken(0, 0), Source::Nobody));
    assert_eq!(ask(4, OnError::Closed), (seat::Answer::Held(0, AWAY_MS), Source::Nobody));
    let owner = crate::app::lock::Owner::parse(&format!("{:032x}", 1)).unwrap();
    let release = seat::Deed::Release { owner };
    world.desk.seat_here(label.clone(), release, Box::new(|_| {}));
    assert_eq!(ask(2, OnError::Local), (seat::Answer::Taken(1, 1_000), Source::Local));
}

#[test]
fn an_id_over_its_limit_costs_no_question_until_it_may_go_on() {
    let world = world();
    for admitted in [true, true, true, false] {
        assert_eq!(world.take(OnError::Local), (admitted, Source::Store));
    }
    assert_eq!(world.asked(), 4);
    for _ in 0..1_000 {
        assert_eq!(world.take(OnError::Local), (false, Source::Known));
    }
    assert_eq!(world.asked(), 0);
    world.clock.advance_us(1_000_000);
    assert_eq!(world.take(OnError::Local), (true, Source::Store));
}

#[test]
fn a_reset_is_seen_at_once_where_it_is_asked_for() {
    let world = world();
    for _ in 0..4 {
        world.take(OnError::Local);
    }
    world.ask(Action::Reset, OnError::Local).unwrap();
    assert_eq!(world.take(OnError::Local), (true, Source::Store));
    world.ask(Action::Block(5_000), OnError::Local).unwrap();
    assert_eq!(world.take(OnError::Local), (false, Source::Known));
}

#[test]
fn without_the_store_each_does_as_it_was_told() {
    let world = world();
    *world.fake.failure.lock() = Some(Failure::Away);
    for admitted in [true, true, true, false, false] {
        assert_eq!(world.take(OnError::Local), (admitted, Source::Local));
        assert_eq!(world.take(OnError::Open), (true, Source::Nobody));
        assert_eq!(world.take(OnError::Closed), (false, Source::Nobody));
    }
    assert_eq!(world.ask(Action::Block(5_000), OnError::Local), Err(Failure::Away));
    assert_eq!(world.ask(Action::Reset, OnError::Open), Err(Failure::Away));
    *world.fake.failure.lock() = None;
    assert_eq!(world.take(OnError::Local), (true, Source::Store), "nothing is kept of it");
}

#[test]
fn what_was_refused_while_a_reset_was_under_way_is_forgotten_with_it() {
    let world = world();
    (0..3).for_each(|_| assert!(world.take(OnError::Local).0));
    *world.fake.resets.lock() = Some(Vec::new());
    let told = world.begin_to(Action::Reset, OnError::Local, 3);
    assert_eq!(world.take(OnError::Local), (false, Source::Store));
    assert_eq!(world.take(OnError::Local), (false, Source::Known));
    let resets = world.fake.resets.lock().take().unwrap();
    assert!(told.lock().is_none());
    for (order, receive) in resets {
        world.fake.memory.carry_out(order, receive);
    }
    assert!(told.lock().is_some());
    assert_eq!(world.take(OnError::Local), (true, Source::Store));
}

#[test]
fn what_one_limit_refuses_another_of_the_same_name_may_admit() {
    let world = world();
    (0..4).for_each(|_| assert_eq!(world.take(OnError::Local).1, Source::Store));
    assert_eq!(world.take(OnError::Local), (false, Source::Known));
    let larger = world.begin_to(Action::Take(1), OnError::Local, 5).lock().take().unwrap();
    assert!(larger.unwrap().0.is_admitted);
}
