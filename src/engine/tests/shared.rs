//! The shared tier from the engine's side, over a store in this process.

use std::collections::HashMap;

use super::*;
use crate::coherence::event::{Answer, Command, Event, Message, Polled, Request, Row};
use crate::coherence::timing::Timing;
use crate::ledger::License;
use crate::store::{
    Address, Claim, Ending, Health, Listener, Make, Receive, ReceiveClaim, SharedStore,
};
use crate::tags::{Epoch, Position};

type Queue<T> = Mutex<Vec<T>>;

/// A store that answers when told to.
#[derive(Default)]
struct Fake {
    entries: Mutex<HashMap<Address, Vec<u8>>>,
    reads: Queue<(Address, Receive)>,
    claims: Queue<(Address, Claim, ReceiveClaim)>,
    ends: Queue<(Address, Ending)>,
    writes: Queue<(Address, Make)>,
    commands: Queue<(Request, Command)>,
}

impl SharedStore for Fake {
    fn read(&self, address: Address, receive: Receive) {
        self.reads.lock().push((address, receive));
    }

    fn flush(&self) {}

    fn claim(&self, address: Address, claim: Claim, _: Option<u32>, receive: ReceiveClaim) {
        self.claims.lock().push((address, claim, receive));
    }

    fn end(&self, address: Address, ending: Ending) {
        self.ends.lock().push((address, ending));
    }

    fn write(&self, address: Address, _: usize, _: bool, make: Make) {
        self.writes.lock().push((address, make));
    }

    fn drain(&self, done: Box<dyn FnOnce() + Send>) {
        done();
    }

    fn exchange(&self, commands: Vec<(Request, Command)>) {
        self.commands.lock().extend(commands);
    }

    fn leave(&self) {}

    fn forget_writes(&self) {
        self.writes.lock().clear();
    }

    fn health(&self) -> Health {
        Health::default()
    }
}

impl Fake {
    fn answer_reads(&self) -> usize {
        let reads = std::mem::take(&mut *self.reads.lock());
        let count = reads.len();
        for (address, receive) in reads {
            let found = self.entries.lock().get(&address).cloned();
            drop(receive(Ok(found.map(Into::into))));
        }
        count
    }

    /// Carries writes out; the lives of what was stored, in ms.
    fn carry_out_writes(&self) -> Vec<u64> {
        let writes = std::mem::take(&mut *self.writes.lock());
        let made = writes.into_iter().filter_map(|(address, make)| {
            let (bytes, life_ms) = make()?;
            self.entries.lock().insert(address, bytes);
            Some(life_ms)
        });
        made.collect()
    }
}

/// Who was woken, and with what.
#[derive(Default)]
struct Woken(Mutex<Vec<(u32, News)>>);

impl Wake for Woken {
    fn wake(&self, token: u32, news: News) {
        self.0.lock().push((token, news));
    }
}

struct Fixture {
    engine: Arc<Engine>,
    woken: Arc<Woken>,
    waker: Arc<dyn Wake>,
}

/// An instance that leads its own life of the table, or with `store` that of another instance.
fn instance(store: &Arc<Fake>, options: &Value) -> Fixture {
    let given = serde_json::json!({ "redisUrl": "redis://cache.example" });
    let mut given = given.as_object().unwrap().clone();
    given.extend(options.as_object().unwrap().clone());
    let options = Options::resolve(&Value::Object(given), &Value::Null).unwrap();
    let shared = options.shared.clone().unwrap();
    let coherence = Coherence::fleet(options.max_tags, Timing::default());
    let engine = Engine::new(options, Clock::manual(Timestamp(1_000_000)), coherence);
    engine.share_through(Tier::new(store.clone(), &shared, 1 << 20, true));
    let woken = Arc::new(Woken::default());
    let fixture = Fixture { engine, waker: woken.clone(), woken };
    fixture.engine.on(Event::Connected).into_iter().for_each(|(request, _)| {
        let polled = Polled {
            epoch: Epoch(7),
            last: Position(50),
            known: true,
            now_us: 1_000_000,
            floor: Position(0),
            rows: None,
        };
        let next = fixture.engine.on(Event::Answered(request, Answer::Polled(polled.clone())));
        settle(&fixture.engine, next, &polled);
    });
    assert_eq!(fixture.engine.ledger.license(Timestamp(1_000_000)), License::All);
    fixture
}

/// Answers loads and polls until nothing is asked any more.
fn settle(engine: &Engine, commands: Vec<(Request, Command)>, polled: &Polled) {
    for (request, command) in commands {
        let answer = match command {
            Command::Load => Answer::Loaded { rows: Vec::new(), floor: Position(0) },
            Command::Poll(_) => Answer::Polled(Polled { rows: Some(Vec::new()), ..polled.clone() }),
            _ => Answer::Done,
        };
        let next = engine.on(Event::Answered(request, answer));
        settle(engine, next, polled);
    }
}

impl Fixture {
    fn set(&self, name: u16, more: impl FnOnce(Meta) -> Meta) -> Stored {
        let (since, stamp) = self.engine.ledger.present();
        let meta = more(Meta { stamp, since, ..meta() });
        let units = [name];
        let key = self.engine.hasher().key(Class::Fetch, &units);
        self.engine.set(&key, meta, [1, 2, 3].into(), false)
    }

    fn read(&self, class: Class, name: u16, token: u32) -> bool {
        let units = [name];
        let key = self.engine.hasher().key(class, &units);
        self.engine.read(&key, &self.waker, token)
    }

    /// What those who waited got: their tokens, and whether an entry was brought.
    fn got(&self) -> Vec<(u32, bool)> {
        let woken = std::mem::take(&mut *self.woken.0.lock());
        woken.iter().map(|(token, news)| (*token, matches!(news, News::Brought(_)))).collect()
    }
}

fn store() -> Arc<Fake> {
    Arc::new(Fake::default())
}

const NO_MEMORY: fn() -> Value = || serde_json::json!({ "memoryMb": 0 });
const PLAIN: fn() -> Value = || serde_json::json!({});

#[test]
fn what_one_instance_generated_another_finds() {
    let store = store();
    let (a, b) = (instance(&store, &PLAIN()), instance(&store, &PLAIN()));
    assert_eq!(a.set(1, |meta| meta), Stored::Yes);
    assert_eq!(store.carry_out_writes(), [5_000]);
    assert_eq!(verdict(&b.engine, 1, &[]), None);
    assert!(b.read(Class::Fetch, 1, 9));
    store.answer_reads();
    assert_eq!(b.got(), [(9, true)]);
    assert_eq!(verdict(&b.engine, 1, &[]), Some(Verdict::Fresh));
}

#[test]
fn gets_of_one_key_share_one_read() {
    let store = store();
    let b = instance(&store, &PLAIN());
    assert!(b.read(Class::Fetch, 1, 1) && b.read(Class::Fetch, 1, 2) && b.read(Class::Fetch, 3, 3));
    assert_eq!(store.answer_reads(), 2);
    assert_eq!(b.got(), [(1, false), (2, false), (3, false)]);
    assert!(b.read(Class::Fetch, 1, 4));
    assert_eq!(store.answer_reads(), 1);
}

#[test]
fn what_a_read_brings_is_judged_when_it_comes() {
    let store = store();
    let (a, b) = (instance(&store, &PLAIN()), instance(&store, &PLAIN()));
    a.set(1, |meta| Meta { tags: [Tag::from("a")].into_iter().collect(), ..meta });
    store.carry_out_writes();
    assert!(b.read(Class::Fetch, 1, 1));
    b.engine.invalidate(&[Tag::from("a")], Lifetime::None, &b.waker, 2);
    store.answer_reads();
    assert_eq!(b.got(), [(1, false)]);
    assert_eq!(verdict(&b.engine, 1, &[]), None);
}

#[test]
fn without_a_memory_tier_what_is_read_is_handed_over() {
    let store = store();
    let (a, b) = (instance(&store, &NO_MEMORY()), instance(&store, &NO_MEMORY()));
    assert_eq!(a.set(1, |meta| meta), Stored::Yes);
    store.carry_out_writes();
    assert!(b.read(Class::Fetch, 1, 1));
    store.answer_reads();
    {
        // Nothing would retire it when it is replaced.
        let woken = b.woken.0.lock();
        assert!(matches!(&woken[..], [(1, News::Brought(entry))] if entry.is_retired()));
    }
    assert_eq!(b.got(), [(1, true)]);
}

#[test]
fn a_write_that_was_invalidated_while_it_waited_is_not_carried_out() {
    let store = store();
    let a = instance(&store, &PLAIN());
    a.set(1, |meta| Meta { tags: [Tag::from("a")].into_iter().collect(), ..meta });
    a.engine.invalidate(&[Tag::from("a")], Lifetime::None, &a.waker, 1);
    assert!(store.carry_out_writes().is_empty());
}

#[test]
fn a_write_lives_shorter_by_the_time_it_waited() {
    let store = store();
    let a = instance(&store, &PLAIN());
    a.set(1, |meta| meta);
    a.engine.clock.advance_us(2_000_000);
    assert_eq!(store.carry_out_writes(), [3_000]);
    a.set(2, |meta| meta);
    a.engine.clock.advance_us(4_000_000);
    assert!(store.carry_out_writes().is_empty());
}

#[test]
fn foreign_bytes_are_a_miss_and_counted() {
    let store = store();
    let (a, b) = (instance(&store, &PLAIN()), instance(&store, &PLAIN()));
    a.set(1, |meta| meta);
    a.set(2, |meta| meta);
    store.carry_out_writes();
    let mut swapped: Vec<Vec<u8>> = store.entries.lock().values().cloned().collect();
    store
        .entries
        .lock()
        .values_mut()
        .zip(swapped.drain(..).rev())
        .for_each(|(to, from)| *to = from);
    assert!(b.read(Class::Fetch, 1, 1) && b.read(Class::Fetch, 2, 2));
    store.answer_reads();
    assert_eq!(b.got(), [(1, false), (2, false)]);
    assert_eq!(b.engine.stats.broken.load(std::sync::atomic::Ordering::Relaxed), 2);
}

#[test]
fn pages_are_shared_within_a_build_only() {
    let store = store();
    let a = instance(&store, &PLAIN());
    assert!(!a.read(Class::Response, 1, 1));
    a.engine.tier().unwrap().set_build(b"one");
    assert!(a.read(Class::Response, 1, 1));
    a.engine.tier().unwrap().set_build(b"two");
    assert!(a.read(Class::Response, 2, 2));
    let addresses: Vec<Address> = store.reads.lock().iter().map(|(address, _)| *address).collect();
    assert_ne!(addresses[0], addresses[1]);
}

#[test]
fn a_better_value_in_memory_is_kept() {
    let store = store();
    let (a, b) = (instance(&store, &PLAIN()), instance(&store, &PLAIN()));
    a.set(1, |meta| Meta { revalidate_us: Some(1), ..meta });
    store.carry_out_writes();
    b.set(1, |meta| meta);
    assert!(b.read(Class::Fetch, 1, 1));
    b.engine.clock.advance_us(100);
    store.answer_reads();
    assert_eq!(b.got(), [(1, false)]);
    assert_eq!(verdict(&b.engine, 1, &[]), Some(Verdict::Fresh));
}

#[test]
fn an_outer_generation_that_began_while_a_message_was_taken_in_is_dated_before_it() {
    let store = store();
    let a = instance(&store, &PLAIN());
    let tag = || Tag::from("a");
    a.set(1, |meta| Meta { tags: [tag()].into_iter().collect(), ..meta });
    let began = a.engine.clock.uptime();
    assert_eq!(verdict(&a.engine, 1, &[]), Some(Verdict::Fresh));
    a.engine.clock.advance_us(50);
    let row = Row { tag: tag(), hard: Position(60), soft: Position(0), deadline_us: None };
    let (epoch, previous, position) = (Epoch(7), Position(50), Position(60));
    a.engine.on(Event::Heard(Message { epoch, previous, position, rows: vec![row] }));
    let stamp = a.engine.ledger.revision_at(began).and_then(|at| a.engine.ledger.stamp_of(at));
    let judged = a.engine.ledger.table().judge(stamp.unwrap(), [&b"a"[..]], a.engine.clock.now());
    assert_eq!(judged.0, Verdict::Gone);
}

#[test]
fn while_the_store_is_away_memory_answers_for_a_while() {
    assert!(License::All.covers(Timestamp(0)) && !License::Nothing.covers(Timestamp(9)));
    let a = instance(&store(), &serde_json::json!({ "outageServeMs": 1_000 }));
    let at = |us| a.engine.ledger.license(Timestamp(us));
    assert_eq!(at(5_000_000), License::Nothing);
    // The lease is over at two seconds, or a little sooner.
    a.engine.on(Event::Unreachable);
    assert_eq!(at(2_900_000), License::GeneratedSince(Timestamp(0)));
    assert_eq!(at(5_000_000), License::GeneratedSince(Timestamp(4_000_000)));
}

#[test]
fn without_a_lease_memory_says_nothing_until_the_store_was_asked() {
    let store = store();
    let a = instance(&store, &PLAIN());
    a.set(1, |meta| meta);
    a.engine.clock.advance_us(2_000_000);
    assert_eq!(verdict(&a.engine, 1, &[]), None);
    assert!(matches!(found(&a.engine, 1), Found::Unsure));
    // The store is away: what was generated lately is served for a while.
    a.engine.on(Event::Unreachable);
    assert_eq!(verdict(&a.engine, 1, &[]), Some(Verdict::Fresh));
}

#[test]
fn an_instance_is_connected_while_it_has_a_lease() {
    let store = store();
    let a = instance(&store, &PLAIN());
    assert_eq!(a.engine.link(), Link::Connected);
    a.engine.clock.advance_us(2_000_000);
    assert_eq!(a.engine.link(), Link::Connecting);
    a.engine.on(Event::Unreachable);
    assert_eq!(a.engine.link(), Link::Away);
    a.engine.ledger.on(&a.engine.clock, Event::Denied);
    assert_eq!(a.engine.link(), Link::Connected);
}
