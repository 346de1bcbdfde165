//! Each rule left out once: then a walk must break a promise.
//!
//! A walk begins shortly before that, so that few walks are needed.

mod calls;
mod histories;
mod polls;
mod promises;
mod stamps;

use std::collections::BTreeSet;
use std::ops::Range;

use super::config::{Budget, Config, OmittedByEngine};
use super::store::OmittedByStore;
use super::walk::{retold, walk};
use super::world::{Seen, Step, TICK};
use crate::coherence::event::Lifetime;
use crate::coherence::omitted::Omitted;
use crate::coherence::timing::Timing;

const HARD: Lifetime = Lifetime::None;
/// A lease and its grace, in ticks, and one more.
const LEASE: u64 = 10;

/// Two instances, messages that get lost, and what else is allowed.
fn pair(allowed: Budget) -> Config {
    Config {
        nodes: 2,
        timing: Timing {
            lease_us: 8 * TICK,
            poll_us: 4 * TICK,
            grace_us: TICK,
            ask_us: 3 * TICK,
            budget_us: 20 * TICK,
            retry_us: TICK,
            gap_us: TICK,
            most_batch_rest_us: TICK,
            ack_poll_us: TICK,
            most_ack_poll_us: 16 * TICK,
            ack_rest_us: TICK,
            most_ack_rest_us: 2 * TICK,
        },
        ticks: 40,
        allowed: Budget { gets: 30, losses: 3, ..allowed },
        most_listed: 6,
        most_rows: 2,
        begins_warm: true,
        outer: false,
        prelude: &[],
        omitted: None,
        omitted_by_store: None,
        omitted_by_engine: None,
    }
}

fn three(allowed: Budget) -> Config {
    Config { nodes: 3, ..pair(allowed) }
}

fn invalidations(hard: u8) -> Budget {
    Budget { hard, ..Budget::default() }
}

/// Asserts that some walk breaks a promise, and that none does with nothing left out.
fn needs(config: &Config, walks: Range<u64>) {
    let (broken, _) = walk(config, walks.clone());
    assert!(broken.is_some(), "no walk misses the rule");
    let whole =
        Config { omitted: None, omitted_by_store: None, omitted_by_engine: None, ..config.clone() };
    let few = walks.start..walks.end.min(walks.start + 200);
    keeps(&whole, few);
}

/// Asserts that no walk breaks a promise; returns what was seen.
fn keeps(config: &Config, walks: Range<u64>) -> BTreeSet<Seen> {
    let (broken, seen) = walk(config, walks);
    if let Some(broken) = broken {
        panic!("walk {}: {}\n{}", broken.walk, broken.what, retold(config, &broken.steps));
    }
    seen
}

fn needs_rule(omitted: Omitted, mut config: Config, walks: u64) {
    config.omitted = Some(omitted);
    needs(&config, 0..walks);
}

fn needs_script(omitted_by_store: OmittedByStore, mut config: Config, walks: u64) {
    config.omitted_by_store = Some(omitted_by_store);
    needs(&config, 0..walks);
}

fn needs_engine(omitted_by_engine: OmittedByEngine, mut config: Config, walks: u64) {
    config.omitted_by_engine = Some(omitted_by_engine);
    needs(&config, 0..walks);
}
