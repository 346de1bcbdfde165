//! Two processes that share a store: leases, what ends them, and who waits for another process.

use super::carrier::{Fault, Process, Server};
use super::*;
use crate::generation::End;
use crate::generation::leases::{Ask, Role};
use crate::sync::explored::{explore, is_found_out};

type Get = fn(&Arc<Engine>, &Generations);

/// A fleet of two processes. When every get has its answer and every job is done, no lease is left
/// and nobody waits.
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
            let meta = Meta { revalidate_us: Some(1), ..present(engine) };
            with_key(engine, |key| engine.set(key, meta, [1].into(), false));
            engine.clock.advance_us(10);
            carrier.work_off();
        }
        fleet
    }

    /// One where several may generate at once.
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
                spawn(move || get(&engine, &generations))
            })
        });
        join_all(threads.collect::<Vec<_>>());
        self.processes.iter().for_each(|process| process.carrier.end());
        join_all(carriers);
        assert!(self.server.lock().leases.is_empty(), "a lease is left");
        for Process { engine, .. } in &self.processes {
            assert!(engine.renewed().is_empty(), "a lease is renewed");
            assert!(engine.flights.is_empty() || self.generations.may_overlap, "a flight is open");
            // Nothing is believed for any longer than this.
            engine.clock.advance_us(60_000_000);
            engine.renewed();
            assert!(engine.leases.is_empty(), "somebody is waited for");
        }
    }
}

/// Asks who generates, until that is known; `None` once there is something fresh.
fn role(engine: &Arc<Engine>, mailbox: &Arc<Mailbox>) -> Option<Role> {
    loop {
        if is_fresh(engine) {
            return None;
        }
        let stale = with_key(engine, |key| engine.held(key));
        let token = mailbox.token();
        let fallback = if stale.is_none() { Fallback::None } else { Fallback::Stale };
        let claimant = Claimant { held: stale.as_ref(), fallback, wait_ms: WAIT_MS };
        let ticket = mailbox.ticket(token);
        let asked = with_key(engine, |key| engine.claim(key, claimant, Vec::new, ticket));
        let role = match asked {
            Ask::Known(role) => role,
            Ask::NoRoom => Role::Uncoordinated,
            Ask::Send | Ask::Pending => {
                mailbox.wait(token);
                if is_fresh(engine) {
                    // As a get does that finds what it asked for.
                    with_key(engine, |key| engine.end_lead(key, End::Done));
                    return None;
                }
                with_key(engine, |key| engine.role(key))
            }
        };
        if role != Role::Unknown {
            return Some(role);
        }
    }
}

fn set(engine: &Arc<Engine>) {
    with_key(engine, |key| engine.set(key, present(engine), [2].into(), false));
}

/// A get with nothing to serve: it generates, or waits for who does. True once it has generated.
fn leads(engine: &Arc<Engine>, mailbox: &Arc<Mailbox>) -> bool {
    loop {
        match role(engine, mailbox) {
            None => return false,
            Some(Role::Follower) => {
                let token = mailbox.token();
                let ticket = mailbox.ticket(token);
                let follows = with_key(engine, |key| {
                    engine.follow_elsewhere(key, None, Vec::new, 2_000, ticket)
                });
                if follows == Wait::Pending {
                    mailbox.wait(token);
                }
            }
            Some(_) if is_fresh(engine) => return false,
            Some(_) => {
                let token = mailbox.token();
                let ticket = mailbox.ticket(token);
                match with_key(engine, |key| engine.join(key, WAIT_MS, ticket)) {
                    Joined::Lead | Joined::Bypass => return true,
                    Joined::Follow(_) => drop(mailbox.wait(token)),
                }
            }
        }
    }
}

fn cold(engine: &Arc<Engine>, generations: &Generations) {
    let mailbox = Mailbox::new(engine);
    if leads(engine, &mailbox) {
        generations.run();
        set(engine);
    }
    assert!(is_fresh(engine) && mailbox.is_empty());
}

/// The same, but that nothing comes of it.
fn fails(engine: &Arc<Engine>, generations: &Generations) {
    let mailbox = Mailbox::new(engine);
    if leads(engine, &mailbox) {
        generations.run();
        with_key(engine, |key| engine.abandon(key, true));
    }
    assert!(mailbox.is_empty());
}

/// A get with something stale: it waits for nobody, and generates if it is the first to be told so.
fn stale(engine: &Arc<Engine>, generations: &Generations) {
    let mailbox = Mailbox::new(engine);
    let role = role(engine, &mailbox);
    let may_lead = role.is_some_and(|role| role != Role::Follower);
    if may_lead && with_key(engine, |key| engine.take_lead(key)).is_some() {
        generations.run();
        set(engine);
    }
    assert!(mailbox.is_empty());
}

/// Somebody who comes so late that it leads in the place of another.
fn comes_late(engine: &Arc<Engine>, generations: &Generations) {
    let mailbox = Mailbox::new(engine);
    with_key(engine, |key| engine.join(key, 0, mailbox.ticket(1)));
    generations.run();
    set(engine);
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
        assert!(generations.count() >= 1, "nobody generates");
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
    let waits: Get = |engine, _| {
        let mailbox = Mailbox::new(engine);
        if role(engine, &mailbox) == Some(Role::Follower) {
            let token = mailbox.token();
            let ticket = mailbox.ticket(token);
            let _ =
                with_key(engine, |key| engine.follow_elsewhere(key, None, Vec::new, 2_000, ticket));
            mailbox.wait(token);
        }
    };
    assert!(is_found_out("deadlock", move || {
        Fleet::new(Fault::None).run([&[waits, cold], &[cold]]);
    }));
}
