//! Counts.

use std::sync::Arc;
use std::sync::mpsc::channel;

use tiercel::app::count::counts::{Action, Amount, Counts};
use tiercel::app::count::{Added, Answer, Counter, Deed, Rules, Sent};
use tiercel::app::digest::Digest;
use tiercel::app::label::{Feature, Group, Label, Own};
use tiercel::app::memory::Memory;
use tiercel::app::store::{Answer as Any, Deed as AnyDeed, Failure};
use tiercel::clock::Clock;

use super::{World, complies, patient};
use crate::peer::{PATIENCE, Peer, shared, wait_until};
use crate::server;
use crate::server::Server;

complies!(
    an_id_adds_up_and_ids_are_apart,
    a_batch_is_added_once_however_often_it_is_sent,
    buckets_tell_when,
    what_is_late_is_counted_when_it_was,
    an_id_is_forgotten_to_which_nothing_is_added,
    buckets_are_forgotten_with_their_id,
    what_is_added_keeps_the_members_too,
    the_largest_come_first,
    members_are_counted_once,
    what_is_removed_is_read_once_and_begins_anew,
    groups_are_apart,
);

const RULES: Rules = Rules { ttl_ms: 60_000, bucket_ms: 200, history_ms: 10_000 };

fn group(name: &str) -> Label {
    Label::whole(Feature::Count, &Group::parse(name).unwrap())
}

fn own(name: &str) -> Own {
    Own::parse(name).unwrap()
}

fn ask(world: &World, deed: Deed) -> Answer {
    match world.ask(&group("views"), AnyDeed::Count(deed)) {
        Any::Count(answer) => answer,
        other => panic!("{other:?}"),
    }
}

fn adds(all: &[(&str, i64)], age_ms: u64, batch: u64, rules: Rules) -> Deed {
    let added = |(name, sum): &(&str, i64)| Added { own: own(name), sum: *sum, age_ms };
    let batch = (batch > 0).then(|| Sent { sender: "a".into(), number: batch });
    Deed::Add { adds: all.iter().map(added).collect(), members: Vec::new(), batch, rules }
}

fn add(world: &World, all: &[(&str, i64)]) {
    assert_eq!(ask(world, adds(all, 0, 0, RULES)), Answer::Added);
}

fn read(world: &World, name: &str, sender: &str, rules: Rules) -> (i64, u64) {
    match ask(world, Deed::Get { own: own(name), rules, sender: sender.into() }) {
        Answer::Sum { sum, batch } => (sum, batch),
        other => panic!("{other:?}"),
    }
}

fn sum(world: &World, name: &str) -> i64 {
    read(world, name, "a", RULES).0
}

fn series(world: &World, name: &str, span_ms: u64) -> Vec<(u64, i64)> {
    let deed = Deed::Series { own: own(name), span_ms, rules: RULES, sender: "a".into() };
    match ask(world, deed) {
        Answer::Series { buckets, now_ms, .. } => {
            assert!(buckets.windows(2).all(|two| two[1].0 - two[0].0 == RULES.bucket_ms));
            assert_eq!(buckets[0].0, (now_ms - span_ms) / RULES.bucket_ms * RULES.bucket_ms);
            assert_eq!(buckets.last().unwrap().0, now_ms / RULES.bucket_ms * RULES.bucket_ms);
            buckets
        }
        other => panic!("{other:?}"),
    }
}

fn within(world: &World, name: &str, span_ms: u64) -> i64 {
    series(world, name, span_ms).iter().map(|(_, sum)| sum).sum()
}

fn top(world: &World, most: u64) -> Vec<(String, i64)> {
    match ask(world, Deed::Top { most, rules: RULES }) {
        Answer::Top(all) => all,
        other => panic!("{other:?}"),
    }
}

fn an_id_adds_up_and_ids_are_apart(world: &World) {
    assert_eq!(sum(world, "one"), 0);
    let odd = "é }{: \u{1f600}";
    add(world, &[("one", 5), (odd, 1), ("one", -7)]);
    add(world, &[("one", 1_000_000_000_000), (odd, 2)]);
    assert_eq!((sum(world, "one"), sum(world, odd)), (999_999_999_998, 3));
    assert_eq!(top(world, 9)[1], (odd.to_owned(), 3));
}

fn a_batch_is_added_once_however_often_it_is_sent(world: &World) {
    for _ in 0..3 {
        ask(world, adds(&[("one", 5)], 0, 1, RULES));
    }
    assert_eq!(read(world, "one", "a", RULES), (5, 1));
    ask(world, adds(&[("one", 5)], 0, 2, RULES));
    ask(world, adds(&[("one", 5)], 0, 1, RULES));
    assert_eq!(read(world, "one", "a", RULES), (10, 2));
    assert_eq!(read(world, "one", "b", RULES), (10, 0), "of somebody else");
}

fn buckets_tell_when(world: &World) {
    add(world, &[("one", 1)]);
    world.pass_ms(420);
    add(world, &[("one", 2)]);
    let buckets = series(world, "one", 5_000);
    assert_eq!(buckets.len(), 26);
    let counted: Vec<_> = buckets.iter().filter(|(_, sum)| *sum > 0).collect();
    assert_eq!(counted.iter().map(|(_, sum)| *sum).collect::<Vec<_>>(), [1, 2]);
    let apart_ms = counted[1].0 - counted[0].0;
    assert!((400..2_000).contains(&apart_ms), "{apart_ms}");
    assert_eq!(within(world, "none", 5_000), 0);
    world.pass_ms(810);
    assert_eq!(within(world, "one", 5_000), 3);
    assert_eq!(within(world, "one", 400), 0, "a span of 400 ms reaches back 600 at most");
    assert_eq!(sum(world, "one"), 3);
}

fn what_is_late_is_counted_when_it_was(world: &World) {
    ask(world, adds(&[("one", 1)], 5_000, 0, RULES));
    ask(world, adds(&[("one", 1)], 20_000, 0, RULES));
    assert_eq!(within(world, "one", 4_000), 0);
    assert_eq!(within(world, "one", 10_000), 1, "what is older than all buckets is in none");
    assert_eq!(sum(world, "one"), 2);
}

fn an_id_is_forgotten_to_which_nothing_is_added(world: &World) {
    let brief = Rules { ttl_ms: 600, ..RULES };
    let of = |name| read(world, name, "a", brief).0;
    ask(world, adds(&[("one", 1), ("two", 1)], 0, 0, brief));
    world.pass_ms(400);
    ask(world, adds(&[("one", 1)], 0, 0, brief));
    world.pass_ms(300);
    assert_eq!((of("one"), of("two")), (2, 0));
    assert_eq!(
        ask(world, Deed::Top { most: 9, rules: brief }),
        Answer::Top(vec![("one".into(), 2)])
    );
    ask(world, adds(&[("two", 5)], 0, 0, brief));
    assert_eq!(of("two"), 5);
}

fn buckets_are_forgotten_with_their_id(world: &World) {
    let brief = Rules { ttl_ms: 600, bucket_ms: 600, history_ms: 600 };
    let add = || ask(world, adds(&[("one", 1)], 0, 0, brief));
    add();
    world.pass_ms(650);
    add();
    let deed = Deed::Series { own: own("one"), span_ms: 600, rules: brief, sender: String::new() };
    let Answer::Series { buckets, .. } = ask(world, deed) else { panic!() };
    assert_eq!(buckets.iter().map(|(_, sum)| sum).sum::<i64>(), 1, "{buckets:?}");
}

fn what_is_added_keeps_the_members_too(world: &World) {
    let brief = Rules { ttl_ms: 600, ..RULES };
    let members = vec![(own("one"), vec![1, 2])];
    ask(world, Deed::Add { adds: Vec::new(), members, batch: None, rules: brief });
    world.pass_ms(400);
    ask(world, adds(&[("one", 1)], 0, 0, brief));
    world.pass_ms(300);
    assert_eq!(ask(world, Deed::Distinct { own: own("one") }), Answer::Distinct(2));
    world.pass_ms(400);
    assert_eq!(ask(world, Deed::Distinct { own: own("one") }), Answer::Distinct(0));
}

fn the_largest_come_first(world: &World) {
    let names: Vec<String> = (0..20).map(|n| format!("id-{n}")).collect();
    let all: Vec<_> = names.iter().zip(1..).map(|(name, sum)| (name.as_str(), sum)).collect();
    add(world, &all);
    add(world, &[("id-3", 100), ("none", 0)]);
    let first: Vec<_> = top(world, 3).into_iter().collect();
    assert_eq!(first, [("id-3".into(), 104), ("id-19".into(), 20), ("id-18".into(), 19)]);
    add(world, &[("less", -5)]);
    assert_eq!(top(world, 1_000).len(), 21);
    assert_eq!(
        top(world, 21).last(),
        Some(&("less".into(), -5)),
        "what adds up to 0 takes no place"
    );
}

fn members_are_counted_once(world: &World) {
    let distinct = || match ask(world, Deed::Distinct { own: own("one") }) {
        Answer::Distinct(count) => count,
        other => panic!("{other:?}"),
    };
    assert_eq!(distinct(), 0);
    let spread = |n: u128| Digest::of("test", &[&n.to_le_bytes()]).number();
    let see = |from: u128, to: u128| {
        let members = vec![(own("one"), (from..to).map(spread).collect())];
        ask(world, Deed::Add { adds: Vec::new(), members, batch: None, rules: RULES });
    };
    see(1, 11);
    see(6, 16);
    assert_eq!(distinct(), 15);
    (0..10).for_each(|n| see(n * 500, n * 500 + 1_000));
    let count = distinct();
    assert!((5_300..5_700).contains(&count), "{count}");
    assert_eq!((sum(world, "one"), top(world, 9)), (0, Vec::new()));
}

fn what_is_removed_is_read_once_and_begins_anew(world: &World) {
    let remove = || ask(world, Deed::Remove { own: own("one"), rules: RULES });
    assert_eq!(remove(), Answer::Removed(None));
    let members = vec![(own("one"), vec![1, 2])];
    ask(world, Deed::Add { adds: Vec::new(), members, batch: None, rules: RULES });
    add(world, &[("one", 5), ("two", 1)]);
    assert_eq!(remove(), Answer::Removed(Some(5)));
    assert_eq!(remove(), Answer::Removed(None));
    assert_eq!(ask(world, Deed::Distinct { own: own("one") }), Answer::Distinct(0));
    add(world, &[("one", 1)]);
    assert_eq!((sum(world, "one"), within(world, "one", 9_000), sum(world, "two")), (1, 1, 1));
}

fn groups_are_apart(world: &World) {
    add(world, &[("one", 5)]);
    let get = Deed::Get { own: own("one"), rules: RULES, sender: "a".into() };
    let other = world.ask(&group("view"), AnyDeed::Count(get));
    assert_eq!(other, Any::Count(Answer::Sum { sum: 0, batch: 0 }));
}

#[test]
fn more_ids_than_arrive_are_forgotten() {
    let server = server!();
    let world = World::redis(&server);
    let brief = Rules { ttl_ms: 50, bucket_ms: 50, history_ms: 50 };
    for round in 0..12 {
        let names: Vec<String> = (0..500).map(|n| format!("{round}-{n}")).collect();
        let all: Vec<_> = names.iter().map(|name| (name.as_str(), 1)).collect();
        ask(&world, adds(&all, 0, 0, brief));
        // Another lives for longer, and so the keys do.
        ask(&world, adds(&[("long", 1)], 0, 0, RULES));
        world.pass_ms(60);
    }
    let held: u32 = server.call(&["ZCARD", "app:{count:views}"]).parse().unwrap();
    assert!(held <= 501, "{held}");
}

/// How often a command was called; connecting tries some, without arguments.
fn calls_of(server: &Server, command: &str) -> u32 {
    let stats = server.call(&["INFO", "commandstats"]);
    let name = format!("cmdstat_{command}:calls=");
    let line = stats.lines().find_map(|line| line.strip_prefix(name.as_str()));
    line.and_then(|line| line.split(',').next()).map_or(0, |calls| calls.parse().unwrap())
}

#[test]
fn the_largest_are_found_with_few_looks() {
    let server = server!();
    let world = World::redis(&server);
    let names: Vec<String> = (0..2_000).map(|n| format!("id-{n}")).collect();
    let all: Vec<_> = names.iter().zip(1..).map(|(name, n)| (name.as_str(), n)).collect();
    all.chunks(500).for_each(|part| add(&world, part));
    let looks = |most| {
        let before = calls_of(&server, "zscore");
        (top(&world, most), calls_of(&server, "zscore") - before)
    };
    let (first, calls) = looks(10);
    assert_eq!(
        (first.len(), &first[0], &first[9].0),
        (10, &("id-1999".into(), 2_000), &"id-1990".into())
    );
    assert_eq!(calls, 10, "one for each that is answered");
    let (first, calls) = looks(1_000);
    assert_eq!((first.len(), &first[999].0, calls), (1_000, &"id-1000".into(), 1_000));
}

#[test]
fn what_is_over_is_passed_over_in_parts() {
    let server = server!();
    let world = World::redis(&server);
    let brief = Rules { ttl_ms: 300, bucket_ms: 300, history_ms: 300 };
    let names: Vec<String> = (0..1_400).map(|n| format!("id-{n}")).collect();
    let all: Vec<_> = names.iter().map(|name| (name.as_str(), 100)).collect();
    all.chunks(500).for_each(|part| add(&world, part));
    world.pass_ms(310);
    add(&world, &[("one", 2), ("two", 1)]);
    // A thousand are forgotten by each question, and the others stand in front.
    let answer = ask(&world, Deed::Top { most: 10, rules: brief });
    assert_eq!(answer, Answer::Top(vec![("one".into(), 2), ("two".into(), 1)]));
    assert_eq!(server.call(&["ZCARD", "app:{count:views}"]), "402");
}

/// A process that counts.
struct Process {
    counts: Counts,
    counter: Arc<Counter>,
}

impl Process {
    fn behind(peer: Peer, flush_ms: u64) -> Self {
        let clock = Clock::system();
        let here = Arc::new(Memory::new(clock.clone()));
        let counts = Counts::new(clock, here, Some(Arc::new(peer.store)));
        // An hour may end meanwhile, and not more.
        let day_ms = 86_400_000;
        let rules = Rules { ttl_ms: day_ms, bucket_ms: 3_600_000, history_ms: day_ms };
        let counter = Counter::new(Group::parse("views").unwrap(), rules, flush_ms).unwrap();
        Self { counts, counter: Arc::new(counter) }
    }

    fn add(&self, name: &str, sum: i64) -> Result<(), Failure> {
        self.counts.add((0, &self.counter), &own(name), Amount::Sum(sum))
    }

    fn ask(&self, name: &str, action: Action) -> Result<Answer, Failure> {
        let (tell, told) = channel();
        let receive = move |answer| drop(tell.send(answer));
        self.counts.ask((0, &self.counter), &own(name), action, receive);
        told.recv_timeout(PATIENCE).unwrap()
    }

    fn get(&self, name: &str) -> Result<i64, Failure> {
        self.ask(name, Action::Get).map(|answer| match answer {
            Answer::Sum { sum, .. } => sum,
            other => panic!("{other:?}"),
        })
    }
}

#[test]
fn many_adds_leave_in_one_command_and_are_read_before_they_do() {
    let server = server!();
    let process = Process::behind(Peer::connected(&patient(&server)), 60_000);
    assert_eq!(process.get("one"), Ok(0));
    let adds = || calls_of(&server, "zadd");
    for n in 0..10_000 {
        process.add(&format!("id-{}", n % 100), 1).unwrap();
    }
    assert_eq!((process.get("id-7"), adds()), (Ok(100), 0), "nothing was sent");
    process.ask("-", Action::Flush).unwrap();
    assert_eq!(process.get("id-7"), Ok(100));
    // Of each id its sum, a bucket or some, and when.
    let calls = adds();
    assert!((300..=500).contains(&calls), "{calls}");
    let marks = server.call(&["KEYS", "app:{count:views}:b:*"]);
    assert_eq!(server.call(&["GET", marks.trim()]), "1", "one batch");
}

#[test]
fn counts_outlive_an_outage_and_are_counted_once() {
    let mut server = server!("--appendonly", "yes", "--appendfsync", "always");
    let process = Process::behind(Peer::connected(&patient(&server)), 50);
    process.add("one", 1).unwrap();
    wait_until("it arrives", || server.call(&["ZSCORE", "app:{count:views}", "one"]) == "1");
    server.kill();
    wait_until("it is missed", || process.get("one").is_err());
    for _ in 0..5_000 {
        process.add("one", 1).unwrap();
    }
    server.restart();
    wait_until("all arrive", || server.call(&["ZSCORE", "app:{count:views}", "one"]) == "5001");
    wait_until("it is read", || process.get("one") == Ok(5_001));
}

#[test]
fn a_batch_of_which_nobody_knows_whether_it_arrived_is_counted_once() {
    let server = server!();
    let process = Process::behind(Peer::connected(&shared(server.port)), 60_000);
    wait_until("an answer", || process.get("one") == Ok(0));
    // The server carries out what it was sent when it goes on, long after the answer was due.
    let mut unknown = 0;
    for n in 1..=5 {
        process.add("one", 1).unwrap();
        server.signal("-STOP");
        let told = process.ask("-", Action::Flush);
        unknown += u32::from(told == Err(Failure::Unknown));
        assert!(told.is_err(), "{told:?}");
        server.signal("-CONT");
        wait_until("it is there", || process.ask("-", Action::Flush).is_ok());
        assert_eq!(process.get("one"), Ok(n));
    }
    assert!(unknown > 0);
    assert_eq!(server.call(&["ZSCORE", "app:{count:views}", "one"]), "5");
}

#[test]
fn a_server_that_is_full_takes_counts_when_it_has_room_and_memory_is_bounded() {
    let server = server!("--maxmemory", "1mb", "--maxmemory-policy", "noeviction");
    let process = Process::behind(Peer::connected(&patient(&server)), 50);
    process.add("one", 1).unwrap();
    assert_eq!(process.ask("-", Action::Flush), Err(Failure::Refused("OOM")));
    let long = "x".repeat(500);
    let refused = (0..100_000).find(|n| process.add(&format!("{n}{long}"), 1).is_err());
    let kept = refused.expect("it is bounded");
    assert!((15_000..40_000).contains(&kept), "{kept}");
    let last = format!("{}{long}", kept - 1);
    assert_eq!(process.add(&last, 1), Ok(()), "what is there grows");
    server.call(&["CONFIG", "SET", "maxmemory", "200mb"]);
    wait_until("there is room", || process.ask("-", Action::Flush).is_ok());
    assert_eq!((process.get("one"), process.get(&last)), (Ok(1), Ok(2)));
    assert_eq!(server.call(&["ZCARD", "app:{count:views}"]), (kept + 1).to_string());
}
