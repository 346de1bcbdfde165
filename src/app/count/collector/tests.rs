//! Adds on their way to a store that answers when the test wants it to.

use super::*;
use crate::app::count::counts::{Action, Counts};
use crate::app::count::{Rules, counter::Counter};
use crate::app::label::Group;
use crate::app::memory::Memory;
use crate::app::store::Receive;
use crate::clock::Timestamp;

type Call = Box<dyn FnOnce() + Send>;

/// How a store answers what is added.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Answers,
    /// Nothing is done.
    Away,
    /// It is done, and nobody is told.
    Silent,
    /// It is done, and told when the test wants it to.
    Later,
}

struct Server {
    memory: Memory,
    way: Mutex<Way>,
    later: Mutex<Vec<Call>>,
    held: Mutex<Vec<Call>>,
    /// How many ids each batch had.
    batches: Mutex<Vec<usize>>,
}

impl Store for Server {
    fn carry_out(&self, order: Order, receive: Receive) {
        let AnyDeed::Count(Deed::Add { adds, .. }) = &order.deed else {
            return receive(self.memory.answer(order));
        };
        let way = *self.way.lock();
        if way == Way::Away {
            return receive(Err(Failure::Away));
        }
        self.batches.lock().push(adds.len());
        let answer = self.memory.answer(order);
        match way {
            Way::Later => self.held.lock().push(Box::new(move || receive(answer))),
            Way::Silent => receive(Err(Failure::Unknown)),
            _ => receive(answer),
        }
    }

    fn later(&self, _: Duration, call: Call) {
        self.later.lock().push(call);
    }
}

struct World {
    clock: Clock,
    server: Arc<Server>,
    collector: Arc<Collector>,
    counter: Arc<Counter>,
}

const RULES: Rules = Rules { ttl_ms: 1 << 40, bucket_ms: 3_600_000, history_ms: 86_400_000 };

fn own(name: usize) -> Own {
    Own::parse(&format!("id-{name}")).unwrap()
}

impl World {
    fn new() -> Self {
        let clock = Clock::manual(Timestamp(1_700_000_000_000_000));
        let memory = Memory::new(clock.clone());
        let way = Mutex::new(Way::Answers);
        let (later, held, batches) = (Mutex::default(), Mutex::default(), Mutex::default());
        let server = Arc::new(Server { memory, way, later, held, batches });
        let collector = Collector::new(clock.clone(), server.clone());
        let counter = Counter::new(Group::parse("g").unwrap(), RULES, 1_000).unwrap();
        Self { clock, server, collector, counter: Arc::new(counter) }
    }

    fn set(&self, way: Way) {
        *self.server.way.lock() = way;
    }

    fn add(&self, name: usize, sum: i64) -> Result<(), Failure> {
        self.collector.add((0, &self.counter), &own(name), Amount::Sum(sum))
    }

    /// Lets the moments come that were set.
    fn pass(&self) {
        self.clock.advance_us(1_000_000);
        let due = std::mem::take(&mut *self.server.later.lock());
        for call in due {
            call();
        }
    }

    fn tell(&self) {
        let held = std::mem::take(&mut *self.server.held.lock());
        for call in held {
            call();
        }
    }

    fn flush(&self) -> Arc<Mutex<Option<Result<(), Failure>>>> {
        let told = Arc::new(Mutex::new(None));
        let tell = told.clone();
        self.collector.flush(0, Box::new(move |result| *tell.lock() = Some(result)));
        told
    }

    fn get(&self, name: usize) -> i64 {
        let told = Arc::new(Mutex::new(None));
        let tell = told.clone();
        let receive = move |answer| *tell.lock() = Some(answer);
        self.collector.read((0, &self.counter), &own(name), None, receive);
        let answer = told.lock().take();
        match answer.unwrap().unwrap() {
            Answer::Sum { sum, .. } => sum,
            other => panic!("{other:?}"),
        }
    }

    /// What the store has by itself.
    fn stored(&self, name: usize) -> i64 {
        let deed = Deed::Get { own: own(name), rules: RULES, sender: String::new() };
        let order = Order { label: self.counter.label(), deed: AnyDeed::Count(deed) };
        match self.server.memory.answer(order).unwrap() {
            Any::Count(Answer::Sum { sum, .. }) => sum,
            other => panic!("{other:?}"),
        }
    }

    fn batches(&self) -> Vec<usize> {
        std::mem::take(&mut *self.server.batches.lock())
    }
}

#[test]
fn adds_leave_together_and_are_read_whether_they_have_left_or_not() {
    let world = World::new();
    for n in 0..1_000 {
        world.add(n % 10, 1).unwrap();
    }
    assert_eq!((world.stored(3), world.get(3), world.batches()), (0, 100, vec![]));
    world.pass();
    assert_eq!((world.stored(3), world.get(3), world.batches()), (100, 100, vec![10]));
    world.pass();
    assert!(world.batches().is_empty() && world.server.later.lock().is_empty());
}

#[test]
fn what_is_not_known_to_have_arrived_is_counted_once() {
    let world = World::new();
    world.set(Way::Silent);
    world.add(1, 5).unwrap();
    for n in 0..20 {
        world.pass();
        assert_eq!((world.stored(1), world.get(1)), (5, 5 + n), "{n}");
        world.add(1, 1).unwrap();
    }
    world.set(Way::Answers);
    (0..3).for_each(|_| world.pass());
    assert_eq!((world.stored(1), world.get(1)), (25, 25));
    assert_eq!(world.collector.held.lock().bytes, 0);
}

#[test]
fn what_is_added_while_a_batch_is_under_way_is_read_and_leaves_after_it() {
    let world = World::new();
    world.set(Way::Later);
    world.add(1, 1).unwrap();
    world.pass();
    world.add(1, 2).unwrap();
    assert_eq!((world.stored(1), world.get(1)), (1, 3));
    let told = world.flush();
    world.add(1, 4).unwrap();
    world.tell();
    assert_eq!((world.stored(1), world.get(1), *told.lock()), (3, 7, None));
    world.tell();
    assert_eq!(*told.lock(), Some(Ok(())), "what came later is not waited for");
    assert_eq!(world.stored(1), 3);
    world.pass();
    world.tell();
    assert_eq!((world.stored(1), world.get(1)), (7, 7));
}

#[test]
fn an_outage_costs_room_by_ids_and_not_by_adds_and_who_flushes_is_told() {
    let world = World::new();
    world.set(Way::Away);
    for round in 0..50 {
        for n in 0..1_200 {
            world.add(n, 1).unwrap();
        }
        let told = world.flush();
        assert_eq!(*told.lock(), Some(Err(Failure::Away)));
        world.pass();
        let bytes = world.collector.held.lock().bytes;
        // The first batch was sent, and grows no more.
        assert!(bytes < 2_000 * 250, "{round} {bytes}");
    }
    assert_eq!(world.get(7), 50);
    world.set(Way::Answers);
    let told = world.flush();
    assert_eq!(*told.lock(), Some(Ok(())));
    assert!((0..1_200).all(|n| world.stored(n) == 50));
    assert!(world.batches().iter().all(|count| *count <= 500));
    assert_eq!(world.collector.held.lock().bytes, 0);
}

#[test]
fn what_has_no_room_is_refused_and_what_waits_already_grows() {
    let world = World::new();
    world.set(Way::Away);
    let refused = (0..1_000_000).find(|n| world.add(*n, 1).is_err()).unwrap();
    assert!((50_000..120_000).contains(&refused), "{refused}");
    assert_eq!(world.add(refused - 1, 1), Ok(()));
    assert_eq!((world.get(refused - 1), world.get(0), world.get(refused)), (2, 1, 0));
}

#[test]
fn many_ids_leave_before_their_time() {
    let world = World::new();
    (0..1_700).for_each(|n| world.add(n, 1).unwrap());
    assert_eq!(world.batches(), [500, 500, 500]);
    world.pass();
    assert_eq!(world.batches(), [200]);
}

#[test]
fn counts_of_a_day_ago_are_dropped_with_a_word() {
    let world = World::new();
    world.set(Way::Away);
    world.add(1, 1).unwrap();
    world.pass();
    world.clock.advance_us(KEEP_MS * 1_000);
    world.pass();
    assert_eq!(world.get(1), 0);
    world.add(1, 2).unwrap();
    world.set(Way::Answers);
    world.pass();
    assert_eq!(world.stored(1), 2);
}

#[test]
fn what_is_added_late_in_an_outage_outlives_what_was_added_first() {
    let world = World::new();
    world.set(Way::Away);
    world.add(1, 1).unwrap();
    world.pass();
    world.add(1, 10).unwrap();
    world.clock.advance_us((KEEP_MS - 60_000) * 1_000);
    world.add(1, 100).unwrap();
    assert_eq!(*world.flush().lock(), Some(Err(Failure::Away)));
    world.add(1, 1_000).unwrap();
    world.clock.advance_us(120_000_000);
    world.pass();
    assert_eq!(world.get(1), 1_100);
    world.set(Way::Answers);
    (0..5).for_each(|_| world.pass());
    assert_eq!((world.stored(1), world.collector.held.lock().bytes), (1_100, 0));
}

#[test]
fn what_a_long_outage_collects_is_kept_by_the_hour() {
    let world = World::new();
    world.set(Way::Away);
    for minute in 0..3 * 1_440 {
        world.add(1, 1).unwrap();
        world.clock.advance_us(59_000_000);
        world.pass();
        let held = world.collector.held.lock();
        assert!(held.counters[&0].batches.len() <= 27, "{minute}");
    }
    let kept = world.get(1);
    assert!((1_439..=1_439 + 120).contains(&kept), "{kept}");
    world.set(Way::Answers);
    world.pass();
    assert!(world.stored(1) >= kept - 120, "of what is closed each follows at once");
    world.pass();
    assert_eq!(world.stored(1), kept);
}

#[test]
fn what_there_is_no_room_for_leaves_no_batch_behind() {
    let world = World::new();
    world.set(Way::Away);
    (0..1_000_000).find(|n| world.add(*n, 1).is_err()).unwrap();
    world.pass();
    let _ = world.flush();
    world.set(Way::Answers);
    let before = world.collector.held.lock().counters[&0].batches.len();
    assert!(world.collector.add((1, &world.counter), &own(0), Amount::Sum(1)).is_err());
    assert_eq!(world.collector.unflushed(), [0]);
    assert_eq!(world.collector.held.lock().counters[&0].batches.len(), before);
}

#[test]
fn what_was_collected_is_as_old_as_the_middle_of_it() {
    let world = World::new();
    let rules = Rules { bucket_ms: 1_000, history_ms: 100_000, ..RULES };
    let counter = Arc::new(Counter::new(Group::parse("g").unwrap(), rules, 60_000).unwrap());
    let add = || world.collector.add((0, &counter), &own(1), Amount::Sum(1)).unwrap();
    add();
    world.clock.advance_us(900_000);
    add();
    let of = world.collector.unsent(0, &own(1)).adds;
    assert_eq!(of.iter().map(|(_, held)| held.at_ms()).collect::<Vec<_>>(), [1_700_000_000_450]);
}

#[test]
fn of_all_counters_one_answer_comes_when_each_has_arrived_or_failed() {
    let world = World::new();
    let here = Arc::new(Memory::new(world.clock.clone()));
    let counts = Counts::new(world.clock.clone(), here, Some(world.server.clone()));
    let told = Arc::new(Mutex::new(Vec::new()));
    let flush = || {
        let tell = told.clone();
        counts.flush_together(move |answer| tell.lock().push(answer));
        std::mem::take(&mut *told.lock())
    };
    assert_eq!(flush(), [Ok(Answer::Added)], "nothing is left");
    for number in 0..3 {
        counts.add((number, &world.counter), &own(number), Amount::Sum(1)).unwrap();
    }
    world.set(Way::Away);
    assert_eq!(flush(), [Err(Failure::Away)]);
    world.set(Way::Later);
    assert_eq!(flush(), []);
    world.tell();
    assert_eq!(std::mem::take(&mut *told.lock()), [Ok(Answer::Added)]);
    assert_eq!((0..3).map(|n| world.stored(n)).sum::<i64>(), 3);
    assert_eq!(flush(), [Ok(Answer::Added)]);
}

#[test]
fn a_span_reaches_back_no_further_than_buckets_are_kept() {
    let world = World::new();
    let here = Arc::new(Memory::new(world.clock.clone()));
    for shared in [None, Some(world.server.clone() as Arc<dyn Store>)] {
        let counts = Counts::new(world.clock.clone(), here.clone(), shared);
        let told = Arc::new(Mutex::new(None));
        let tell = told.clone();
        let receive = move |answer| *tell.lock() = Some(answer);
        counts.ask((0, &world.counter), &own(0), Action::Series(1 << 40), receive);
        match told.lock().take() {
            Some(Ok(Answer::Series { buckets, .. })) => assert_eq!(buckets.len(), 25),
            other => panic!("{other:?}"),
        }
    }
}
