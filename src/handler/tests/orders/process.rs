//! One process without a store: flights and memory.

use std::time::Duration;

use super::*;
use crate::entry::Meta;
use crate::entry::tests::meta;
use crate::generation::End;
use crate::sync::explored::{explore, is_found_out};

type Get = fn(&Script) -> Answer;
type Act = fn(&Script);
type Join = fn(&Script, &KeyRef<'_>, u32) -> Joined;

/// How a scenario gets and sets.
#[derive(Clone, Copy)]
struct Ways {
    get: Get,
    set: Act,
}

const RIGHT: Ways = Ways { get: Script::get, set: Script::set };

fn engine() -> Arc<Engine> {
    let options = json!({ "memoryMb": 1 });
    let options = Options::resolve(&options, &Json::Null).unwrap();
    Builder::new(options, Clock::manual(Timestamp(1_000_000)), Coherence::alone(10)).build()
}

/// A get that joins the generation of its key in a wrong way.
fn get_wrongly(script: &Script, join: Join) -> Answer {
    let token = script.thread.token();
    let since = script.engine.revision();
    if script.is_fresh() {
        return script.get();
    }
    match script.with_key(|_, key| join(script, key, token)) {
        Joined::Lead | Joined::Bypass => Answer::Miss { since },
        Joined::Follow(_) => {
            script.wait(token);
            script.get()
        }
    }
}

/// A get that generates what it misses, or waits for it.
fn get(script: &Script, generations: &Generations, ways: Ways) {
    if let Answer::Miss { .. } = (ways.get)(script) {
        assert!(!script.has_waited.get(), "who was woken finds the value");
        generations.run();
        (ways.set)(script);
    }
    assert!(script.is_fresh());
    assert!(script.is_undisturbed(), "told once, and only who waits");
}

/// Three gets miss together. A waiter finds the value when woken, and no two generate concurrently.
fn miss_together(ways: Ways) {
    let (engine, generations) = (engine(), Generations::default());
    join_all((0..3).map(|_| {
        let (engine, generations) = (engine.clone(), generations.clone());
        spawn(move || get(&Script::new(&engine), &generations, ways))
    }));
    assert!(engine.flights().is_empty() && generations.count() >= 1);
}

#[test]
fn of_those_who_miss_one_generates_and_the_others_find_its_value() {
    explore(|| miss_together(RIGHT));
}

#[test]
fn it_is_found_out_if_waiters_are_woken_before_memory_holds_the_value() {
    let set: Act = |script| {
        script.with_key(|Handler { engine, .. }, key| {
            engine.flights().land(key.hash, End::Done, engine.clock.now());
            let (since, stamp) = engine.ledger.present();
            let meta = Meta { stamp, since, format: ValueKind::Fetch as u8, ..meta() };
            engine.hold_silently(key, &Arc::new(Entry::new(key, meta, [1].into())));
        });
    };
    assert!(is_found_out("finds the value", move || miss_together(Ways { set, ..RIGHT })));
}

#[test]
fn it_is_found_out_if_who_waits_is_noted_later_than_told_to_wait() {
    let get: Get = |script| {
        get_wrongly(script, |script, key, token| {
            let nobody = Ticket::new(Arc::new(Nobody), 0);
            let joined = script.engine.join(key, WAIT_MS, nobody);
            if matches!(joined, Joined::Follow(_)) {
                script.engine.follow_here(key, WAIT_MS, script.ticket(token));
            }
            joined
        })
    };
    assert!(is_found_out("deadlock", move || miss_together(Ways { get, ..RIGHT })));
}

#[test]
fn it_is_found_out_if_two_generate() {
    let get: Get = |script| get_wrongly(script, |_, _, _| Joined::Lead);
    assert!(is_found_out("two generate at once", move || miss_together(Ways { get, ..RIGHT })));
}

/// Generations that fail, one that takes too long, and a value that another thread sets.
fn fail_together() {
    let engine = engine();
    let threads: [Act; 5] = [
        fail,
        fail,
        fail,
        |script| {
            // So late that it leads in the place of another.
            let join = |handler: Handler<'_>, key: &KeyRef<'_>| {
                handler.engine.join(key, 0, script.ticket(0))
            };
            if script.with_key(join) == Joined::Lead {
                script.abandon();
            }
        },
        Script::set,
    ];
    join_all(threads.map(|act| {
        let engine = engine.clone();
        spawn(move || act(&Script::new(&engine)))
    }));
}

fn fail(script: &Script) {
    if let Answer::Miss { .. } = script.get() {
        script.abandon();
    }
    assert!(script.is_undisturbed(), "told once, and only who waits");
}

#[test]
fn nobody_waits_for_ever_for_what_fails_or_takes_too_long() {
    explore(fail_together);
}

/// Build output is read in the background for a get, while an earlier reading ends and another
/// thread sets the value.
fn read_output(get: Act) {
    let page = |engine: &Arc<Engine>| {
        let script = Script { kind: ValueKind::AppPage, ..Script::new(engine) };
        script.apps.learn("/nowhere/.next/server".into(), "", Some(Timestamp(0)));
        script
    };
    let engine = engine();
    let acts: [Act; 2] =
        [Script::set, |script| script.with_key(|handler, key| handler.engine.land_output(key))];
    let others = acts.map(|act| {
        let engine = engine.clone();
        spawn(move || act(&page(&engine)))
    });
    let script = page(&engine);
    get(&script);
    join_all(others);
    assert!(script.is_undisturbed() && engine.flights().is_empty());
}

#[test]
fn who_has_build_output_read_is_woken_whatever_is_set_meanwhile() {
    explore(|| read_output(|script| drop(script.get())));
}

#[test]
fn it_is_found_out_if_who_opens_a_flight_waits_for_it_only_later() {
    let get: Act = |script| {
        let (now, patience) = (script.engine.clock.now(), Duration::from_secs(1));
        let token = script.thread.token();
        let joined = script.with_key(|Handler { engine, .. }, key| {
            let joined = engine.outputs().join(key.hash, now, patience, script.ticket(token));
            if joined == Joined::Lead {
                let engine = (*engine).clone();
                spawn(move || {
                    with_key(&engine, ValueKind::AppPage, |key| engine.land_output(key));
                });
            }
            joined
        });
        if joined == Joined::Lead {
            script.with_key(|Handler { engine, .. }, key| {
                engine.outputs().follow(key.hash, now, patience, script.ticket(token))
            });
        }
        script.wait(token);
    };
    assert!(is_found_out("deadlock", move || read_output(get)));
}
