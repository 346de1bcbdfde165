//! One process without a store: flights and memory.

use std::time::Duration;

use super::*;
use crate::sync::explored::{explore, is_found_out};

type Act = fn(&Arc<Engine>, &KeyRef<'_>);
type Join = fn(&Arc<Engine>, &KeyRef<'_>, &Arc<Mailbox>, u32) -> Joined;

/// How things are done.
#[derive(Clone, Copy)]
struct Ways {
    join: Join,
    set: Act,
}

const RIGHT: Ways = Ways {
    join: |engine, key, mailbox, token| engine.join(key, WAIT_MS, mailbox.ticket(token)),
    set: |engine, key| {
        engine.set(key, present(engine), [1].into(), false);
    },
};

fn engine() -> Arc<Engine> {
    let options = serde_json::json!({ "memoryMb": 1 });
    let options = Options::resolve(&options, &Value::Null).unwrap();
    Builder::new(options, Clock::manual(Timestamp(1_000_000)), Coherence::alone(10)).build()
}

/// A get that generates what it misses, or waits for it.
fn get(engine: &Arc<Engine>, generations: &Generations, ways: Ways) {
    let mailbox = Mailbox::new(engine);
    if is_fresh(engine) {
        return;
    }
    let token = mailbox.token();
    match with_key(engine, |key| (ways.join)(engine, key, &mailbox, token)) {
        Joined::Lead => {
            generations.run();
            with_key(engine, |key| (ways.set)(engine, key));
        }
        Joined::Follow(_) => drop(mailbox.wait(token)),
        Joined::Bypass => panic!("nothing has failed"),
    }
    assert!(is_fresh(engine), "who was woken finds the value");
    assert!(mailbox.is_empty(), "told once, and only who waits");
}

/// Three gets miss at once. Who waits finds the value when woken, and no two generate at once.
fn miss_together(ways: Ways) {
    let (engine, generations) = (engine(), Generations::default());
    join_all((0..3).map(|_| {
        let (engine, generations) = (engine.clone(), generations.clone());
        spawn(move || get(&engine, &generations, ways))
    }));
    assert!(engine.flights.is_empty() && generations.count() >= 1);
}

#[test]
fn of_those_who_miss_one_generates_and_the_others_find_its_value() {
    explore(|| miss_together(RIGHT));
}

#[test]
fn it_is_found_out_if_waiters_are_woken_before_memory_holds_the_value() {
    let set: Act = |engine, key| {
        engine.flights.land(key.hash, End::Done, engine.clock.now());
        let entry = Arc::new(Entry::new(key, present(engine), [1].into()));
        engine.hold(key, &entry);
    };
    assert!(is_found_out("finds the value", move || miss_together(Ways { set, ..RIGHT })));
}

#[test]
fn it_is_found_out_if_who_waits_is_noted_later_than_told_to_wait() {
    let join: Join = |engine, key, mailbox, token| {
        let nobody = Ticket::new(Arc::new(Nobody), 0);
        let joined = engine.join(key, WAIT_MS, nobody);
        if matches!(joined, Joined::Follow(_)) {
            engine.follow_here(key, WAIT_MS, mailbox.ticket(token));
        }
        joined
    };
    assert!(is_found_out("deadlock", move || miss_together(Ways { join, ..RIGHT })));
}

#[test]
fn it_is_found_out_if_two_generate() {
    let join: Join = |_, _, _, _| Joined::Lead;
    assert!(is_found_out("two generate at once", move || miss_together(Ways { join, ..RIGHT })));
}

/// Generations that fail, one that takes too long, and a value that somebody else sets.
fn fail_together() {
    let engine = engine();
    let threads: [Act; 5] = [
        fail,
        fail,
        fail,
        |engine, key| {
            // It comes so late that it leads in the place of another.
            if engine.join(key, 0, Mailbox::new(engine).ticket(1)) == Joined::Lead {
                engine.abandon(key, true);
            }
        },
        |engine, key| (RIGHT.set)(engine, key),
    ];
    join_all(threads.map(|act| {
        let engine = engine.clone();
        spawn(move || with_key(&engine, |key| act(&engine, key)))
    }));
}

fn fail(engine: &Arc<Engine>, key: &KeyRef<'_>) {
    let mailbox = Mailbox::new(engine);
    let token = mailbox.token();
    match (RIGHT.join)(engine, key, &mailbox, token) {
        Joined::Lead => engine.abandon(key, true),
        Joined::Follow(_) => drop(mailbox.wait(token)),
        Joined::Bypass => {}
    }
    assert!(mailbox.is_empty(), "told once, and only who waits");
}

#[test]
fn nobody_waits_for_ever_for_what_fails_or_takes_too_long() {
    explore(fail_together);
}

/// Build output is read in the background for who wants it, while an earlier reading ends and
/// somebody else sets the value.
fn read_output(join: Join) {
    let engine = engine();
    let mailbox = Mailbox::new(&engine);
    let acts: [Act; 2] =
        [|engine, key| (RIGHT.set)(engine, key), |engine, key| engine.land_output(key)];
    let others = acts.map(|act| {
        let engine = engine.clone();
        spawn(move || with_key(&engine, |key| act(&engine, key)))
    });
    let token = mailbox.token();
    if with_key(&engine, |key| join(&engine, key, &mailbox, token)) == Joined::Lead {
        let engine = engine.clone();
        spawn(move || with_key(&engine, |key| engine.land_output(key)));
    }
    mailbox.wait(token);
    join_all(others);
    assert!(mailbox.is_empty() && engine.flights.is_empty());
}

#[test]
fn who_has_build_output_read_is_woken_whatever_is_set_meanwhile() {
    explore(|| {
        read_output(|engine, key, mailbox, token| {
            engine.join_output(key, WAIT_MS, mailbox.ticket(token))
        });
    });
}

#[test]
fn it_is_found_out_if_who_opens_a_flight_waits_for_it_only_later() {
    let join: Join = |engine, key, mailbox, token| {
        let (now, patience) = (engine.clock.now(), Duration::from_secs(1));
        let ticket = || mailbox.ticket(token);
        let joined = engine.outputs.join(key.hash, now, patience, ticket());
        if joined == Joined::Lead {
            engine.outputs.follow(key.hash, now, patience, ticket());
        }
        joined
    };
    assert!(is_found_out("deadlock", move || read_output(join)));
}
