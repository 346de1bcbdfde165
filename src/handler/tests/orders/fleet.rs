//! Two processes that share a store: leases, what ends them, and who waits for another process.

use super::carrier::{Fault, Process, Server};
use super::*;
use crate::generation::leases::Role;
use crate::store::Listener;
use crate::sync::explored::{explore, is_found_out};

type Get = fn(&Script, &Generations);

/// A fleet of two processes. When every get has its answer and every job is done, no lease is left
/// and no get waits.
struct Fleet {
    processes: [Process; 2],
    server: Arc<Mutex<Server>>,
    generations: Generations,
}

impl Fleet {
    fn new(fault: Fault) -> Self {
        let server = Arc::new(Mutex::new(Server::default()));
        let processes = [0, 1].map(|instance| Process::new(instance, &server, fault));
        Self { processes, server, generations: Generations::default() }
    }

    /// One where both have something stale.
    fn stale(fault: Fault) -> Self {
        let fleet = Self::new(fault);
        for Process { engine, carrier } in &fleet.processes {
            Script::new(engine).set_with(1e-6);
            engine.clock.advance_us(10);
            carrier.work_off();
        }
        fleet
    }

    /// One where several may generate concurrently.
    fn overlapping(mut self) -> Self {
        self.generations.may_overlap = true;
        self
    }

    /// Runs what each process is to do, each on a thread of its own.
    fn run(self, gets: [&[Get]; 2]) {
        let carriers = self.processes.each_ref().map(|process| {
            let carrier = process.carrier.clone();
            spawn(move || carrier.work())
        });
        let threads = self.processes.iter().zip(gets).flat_map(|(process, gets)| {
            gets.iter().map(|get| {
                let (get, engine) = (*get, process.engine.clone());
                let generations = self.generations.clone();
                spawn(move || get(&Script::new(&engine), &generations))
            })
        });
        join_all(threads.collect::<Vec<_>>());
        self.processes.iter().for_each(|process| process.carrier.end());
        join_all(carriers);
        assert!(self.server.lock().leases.is_empty(), "a lease is left");
        for Process { engine, .. } in &self.processes {
            assert!(Listener::leases(&**engine).is_empty(), "a lease is renewed");
            assert!(
                engine.flights().is_empty() || self.generations.may_overlap,
                "a flight is open"
            );
            // No lease is believed for longer than this.
            engine.clock.advance_us(60_000_000);
            Listener::leases(&**engine);
            assert!(engine.known_leases().is_empty(), "a leader is waited for");
        }
    }
}

/// A get with nothing to serve: it generates, or waits for who does.
fn cold(script: &Script, generations: &Generations) {
    if let Answer::Miss { .. } = script.get() {
        generations.run();
        script.set();
    }
    assert!(script.is_fresh() && script.is_undisturbed());
}

/// The same, but that nothing comes of it.
fn fails(script: &Script, generations: &Generations) {
    if let Answer::Miss { .. } = script.get() {
        generations.run();
        script.abandon();
    }
    assert!(script.is_undisturbed());
}

/// A get with something stale: it does not wait, and generates if it takes the lead.
fn stale(script: &Script, generations: &Generations) {
    match script.get() {
        Answer::Stale { .. } => {
            generations.run();
            script.set();
        }
        Answer::Fresh(_) | Answer::Meanwhile { .. } => {}
        Answer::Miss { .. } | Answer::Remains { .. } => panic!("there is something"),
    }
    assert!(script.is_undisturbed());
}

/// A get so late that it leads in the place of another.
fn comes_late(script: &Script, generations: &Generations) {
    script.with_key(|handler, key| handler.engine.join(key, 0, script.ticket(0)));
    generations.run();
    script.set();
}

#[test]
fn of_a_fleet_that_misses_one_generates_at_once_and_all_get_its_value() {
    explore(|| Fleet::new(Fault::None).run([&[cold, cold], &[cold, cold]]));
}

#[test]
fn of_a_fleet_with_something_stale_one_generates_at_once() {
    explore(|| {
        let fleet = Fleet::stale(Fault::None);
        let generations = fleet.generations.clone();
        fleet.run([&[stale, stale], &[stale, stale]]);
        assert!(generations.count() >= 1, "no get generates");
    });
}

#[test]
fn of_two_processes_one_generates_and_the_other_never_does() {
    for (fleet, get) in [(Fleet::new as fn(Fault) -> Fleet, cold as Get), (Fleet::stale, stale)] {
        explore(move || {
            let fleet = fleet(Fault::None);
            let generations = fleet.generations.clone();
            fleet.run([&[get], &[get]]);
            assert_eq!(generations.count(), 1);
        });
    }
}

#[test]
fn nobody_waits_for_a_generation_that_fails_or_takes_too_long() {
    explore(|| Fleet::new(Fault::None).overlapping().run([&[fails, cold], &[fails, cold]]));
    explore(|| {
        Fleet::new(Fault::None).overlapping().run([&[cold, comes_late], &[cold, comes_late]]);
    });
}

#[test]
fn nobody_waits_for_a_store_that_is_away_at_times() {
    let away = Fault::IsAwayAtTimes;
    explore(move || Fleet::new(away).overlapping().run([&[cold, cold], &[cold]]));
    explore(move || Fleet::stale(away).overlapping().run([&[stale, stale], &[stale]]));
}

#[test]
fn a_server_that_gives_a_lease_to_all_is_found_out() {
    let scenario = || Fleet::new(Fault::GivesToAll).run([&[cold], &[cold]]);
    assert!(is_found_out("two generate at once", scenario));
}

#[test]
fn a_lease_that_is_not_taken_back_is_found_out() {
    let scenario = || Fleet::new(Fault::TakesNothingBack).run([&[cold], &[cold]]);
    assert!(is_found_out("a lease is left", scenario));
}

#[test]
fn it_is_found_out_if_who_follows_nobody_waits() {
    let waits: Get = |script, _| {
        if let Step::Wait(asks) = script.step(Progress::default()) {
            script.wait(asks.token);
        }
        if script.with_key(|handler, key| handler.engine.role(key)) == Role::Follower {
            let token = script.thread.token();
            let ticket = script.ticket(token);
            script.with_key(|handler, key| {
                let _ = handler.engine.follow_elsewhere(key, None, Vec::new, 2_000, ticket);
            });
            script.wait(token);
        }
    };
    assert!(is_found_out("deadlock", move || {
        Fleet::new(Fault::None).run([&[waits, cold], &[cold]]);
    }));
}
