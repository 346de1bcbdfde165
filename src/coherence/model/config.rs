//! What a fleet consists of, what may happen to it, and how it begins.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::promise::Ghost;
use super::store::{Id, OmittedByStore, Store};
use super::world::{AHEAD_US, Entry, Key, Node, Step, TICK, World};
use crate::clock::Timestamp;
use crate::coherence::Coherence;
use crate::coherence::omitted::Omitted;
use crate::coherence::timing::Timing;
use crate::tags::Epoch;

/// A rule of the engine left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum OmittedByEngine {
    /// A get without a lease is judged immediately.
    JudgeUnleased,
    /// A generation is dated when it ends.
    StampAtEnd,
    /// A generation is dated by the position of the store at its start.
    StampByStore,
    /// Entries of another life of the table are judged by their position.
    MixEpochs,
    /// A waiter does not judge what its flight brings.
    TrustFlights,
}

/// What may happen, and how often.
#[derive(Debug, Clone)]
pub(super) struct Config {
    pub(super) nodes: usize,
    pub(super) timing: Timing,
    /// The model's time ends here.
    pub(super) ticks: u64,
    pub(super) allowed: Budget,
    pub(super) most_listed: usize,
    pub(super) most_rows: usize,
    /// Whether instances begin connected to a table they follow.
    pub(super) begins_warm: bool,
    pub(super) outer: bool,
    /// What happens first in any case.
    pub(super) prelude: &'static [Step],
    pub(super) omitted: Option<Omitted>,
    pub(super) omitted_by_store: Option<OmittedByStore>,
    pub(super) omitted_by_engine: Option<OmittedByEngine>,
}

/// How often something may still happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub(super) struct Budget {
    pub(super) hard: u8,
    pub(super) soft: u8,
    pub(super) gets: u8,
    pub(super) generations: u8,
    pub(super) flushes: u8,
    pub(super) evictions: u8,
    pub(super) fail_overs: u8,
    pub(super) demotions: u8,
    pub(super) restarts: u8,
    pub(super) leaves: u8,
    pub(super) cuts: u8,
    pub(super) losses: u8,
    pub(super) failures: u8,
    pub(super) denials: u8,
}

impl Config {
    pub(super) fn world(&self) -> World {
        let store = Store {
            most_listed: self.most_listed,
            most_rows: self.most_rows,
            next_epoch: Epoch(1),
            lease_us: self.timing.lease_us,
            omitted: self.omitted_by_store,
            ..Store::default()
        };
        let mut world = World {
            now: Timestamp(1_000 * TICK),
            store,
            demoted: None,
            ahead_us: AHEAD_US,
            steps: 0,
            before: VecDeque::new(),
            entries: BTreeMap::new(),
            nodes: Vec::new(),
            left: self.allowed,
            ghost: Ghost::default(),
            seen: BTreeSet::new(),
        };
        world.nodes = (0..self.nodes).map(|n| self.node(n as Id)).collect();
        if self.begins_warm {
            self.warm_up(&mut world);
        }
        world
    }

    pub(super) fn node(&self, id: Id) -> Node {
        let mut state = Coherence::fleet(100, self.timing);
        state.omit(self.omitted);
        Node {
            id,
            state,
            is_linked: false,
            is_dead: false,
            half: None,
            wire: VecDeque::new(),
            stray: Vec::new(),
            answers: Vec::new(),
            under_way: Vec::new(),
            inbox: Vec::new(),
            memory: BTreeMap::new(),
            generation: None,
            asks: BTreeMap::new(),
            next_ask: 0,
            writes: Vec::new(),
            polls: VecDeque::new(),
        }
    }

    /// Runs until every instance has been connected for long and nothing is under way.
    fn warm_up(&self, world: &mut World) {
        for node in 0..self.nodes {
            world.step(self, Step::Link(node));
        }
        for _ in 0..2 * self.timing.lease_us / TICK {
            world.calm(self, usize::MAX);
            world.now = world.now.after_us(TICK);
        }
        world.calm(self, usize::MAX);
        for key in Key::ALL {
            let stamp = world.nodes[0].state.revisions().stamp();
            let entry = Entry { stamp, saw: 0 };
            world.entries.insert(key, entry);
            for node in &mut world.nodes {
                node.memory.insert(key, entry);
            }
        }
        world.seen.clear();
        for step in self.prelude {
            world.step(self, *step);
        }
    }

    pub(super) fn end(&self) -> Timestamp {
        Timestamp(1_000 * TICK).after_us(2 * self.timing.lease_us + self.ticks * TICK)
    }
}
