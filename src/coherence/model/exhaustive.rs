//! Every path of small configurations, with stateright: one instance does everything immediately,
//! the slow one does anything at any time.

use stateright::{Checker, Model, Property};

use super::config::{Budget, Config};
use super::world::{Seen, Step, TICK, World};
use crate::coherence::timing::Timing;

/// The instance that is as slow as can be; the other does everything immediately.
const SLOW: usize = 1;

struct Paths(Config);

impl Model for Paths {
    type State = World;
    type Action = Step;

    fn init_states(&self) -> Vec<World> {
        vec![self.0.world()]
    }

    fn actions(&self, world: &World, steps: &mut Vec<Step>) {
        steps.extend(world.steps(&self.0));
    }

    fn next_state(&self, world: &World, step: Step) -> Option<World> {
        let mut next = world.clone();
        next.seen.clear();
        next.step(&self.0, step);
        next.calm(&self.0, SLOW);
        Some(next)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always("a promise is kept", |paths: &Self, world: &World| {
                world.ghost.broken.is_none() && world.keeps_promises(&paths.0)
            }),
            Property::sometimes("resolved by acknowledgements", |_, world: &World| {
                world.seen.contains(&Seen::ResolvedByAcks)
            }),
            Property::sometimes("resolved by time", |_, world: &World| {
                world.seen.contains(&Seen::ResolvedByTime)
            }),
            Property::sometimes("leased", |_, world: &World| world.seen.contains(&Seen::Leased)),
        ]
    }
}

/// Two instances that follow a table, for a few ticks, and what may happen.
fn small(ticks: u64, allowed: Budget) -> Config {
    Config {
        nodes: 2,
        timing: Timing {
            lease_us: 3 * TICK,
            poll_us: 2 * TICK,
            grace_us: TICK,
            ask_us: 2 * TICK,
            budget_us: 20 * TICK,
            retry_us: TICK,
            gap_us: TICK,
            most_batch_rest_us: TICK,
            ack_poll_us: TICK,
            most_ack_poll_us: 16 * TICK,
            ack_rest_us: TICK,
            most_ack_rest_us: 2 * TICK,
        },
        ticks,
        allowed,
        most_listed: 4,
        most_rows: 2,
        begins_warm: true,
        outer: false,
        prelude: &[],
        omitted: None,
        omitted_by_store: None,
        omitted_by_engine: None,
    }
}

fn is_long() -> bool {
    std::env::var("TIERCEL_MODEL").is_ok_and(|length| length == "long")
}

/// Every path there is.
#[test]
fn while_a_message_is_late_or_lost() {
    let allowed = Budget { hard: 1, losses: 1, ..Budget::default() };
    let ticks = if is_long() { 5 } else { 3 };
    let checker = Paths(small(ticks, allowed)).checker().threads(2).spawn_bfs().join();
    checker.assert_properties();
    assert!(checker.is_done());
}

/// Paths up to a length: the shortest first, until a number of states was seen.
fn holds_for_long(allowed: Budget) {
    let states = if is_long() { 1_000_000 } else { 4_000 };
    let paths = Paths(small(4, allowed)).checker().threads(2).target_state_count(states);
    let checker = paths.spawn_bfs().join();
    checker.assert_no_discovery("a promise is kept");
    assert!(checker.state_count() >= states);
}

#[test]
fn while_a_key_is_evicted() {
    holds_for_long(Budget { hard: 1, evictions: 1, ..Budget::default() });
}

#[test]
fn while_a_replica_takes_over() {
    holds_for_long(Budget { hard: 1, fail_overs: 1, ..Budget::default() });
}

#[test]
fn while_a_connection_breaks() {
    holds_for_long(Budget { hard: 1, cuts: 1, ..Budget::default() });
}

#[test]
fn while_something_is_forbidden() {
    holds_for_long(Budget { hard: 1, denials: 1, ..Budget::default() });
}
