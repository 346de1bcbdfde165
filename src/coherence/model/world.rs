//! A small fleet: instances, a network that delays and loses, a store that forgets.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::config::{Budget, Config};
use super::promise::{Ghost, Promise};
use super::store::{Id, Store};
use crate::clock::Timestamp;
use crate::coherence::Coherence;
use crate::coherence::event::*;
use crate::tags::{Point, Position, Stamp, Tag};

/// One step of the model's time, in microseconds.
pub(super) const TICK: u64 = 1_000;
/// How far the store's clock is ahead.
pub(super) const AHEAD_US: u64 = 1_000_000;
pub(super) const TAGS: usize = 2;

/// The kind of an entry: of one tag, or generated from what it read of tag 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Key {
    Plain(usize),
    Outer,
}

impl Key {
    pub(super) const ALL: [Self; 3] = [Self::Plain(0), Self::Plain(1), Self::Outer];

    pub(super) fn tag(self) -> usize {
        match self {
            Self::Plain(tag) => tag,
            Self::Outer => 0,
        }
    }
}

/// An entry, with the age of its data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Entry {
    pub(super) stamp: Stamp,
    /// How many invalidations of its tag had begun when its data was read.
    pub(super) saw: u32,
}

/// A run of the user's function.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Generation {
    pub(super) key: Key,
    pub(super) stamp: Stamp,
    pub(super) saw: u32,
    /// Gets that wait for what it brings.
    pub(super) joined: Vec<Promise>,
}

/// One instance, as its process sees it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Node {
    pub(super) id: Id,
    pub(super) state: Coherence,
    pub(super) is_linked: bool,
    /// Its connection ends at a server that is gone, or demoted.
    pub(super) is_dead: bool,
    /// The first part of a table that is being read.
    pub(super) half: Option<(Position, Vec<Row>)>,
    /// Sent, and not carried out yet.
    pub(super) wire: VecDeque<(Request, Command)>,
    /// Sent on a connection that is closed; may still be carried out.
    pub(super) stray: Vec<Command>,
    pub(super) answers: Vec<(Request, Answer)>,
    pub(super) under_way: Vec<Request>,
    pub(super) inbox: Vec<Message>,
    pub(super) memory: BTreeMap<Key, Entry>,
    pub(super) generation: Option<Generation>,
    pub(super) asks: BTreeMap<Ask, (Key, Promise)>,
    pub(super) next_ask: Ask,
    pub(super) writes: Vec<(Key, Entry)>,
    /// Its latest polls: when sent, and what it knew of each tag then.
    pub(super) polls: VecDeque<(Timestamp, [Point; TAGS])>,
}

/// The whole model.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct World {
    pub(super) now: Timestamp,
    pub(super) store: Store,
    /// The former primary, which still takes itself for one. Dead connections end there.
    pub(super) demoted: Option<Box<Store>>,
    pub(super) ahead_us: u64,
    pub(super) steps: u64,
    /// What a replica may still hold, oldest first.
    pub(super) before: VecDeque<(Store, Ghost)>,
    pub(super) entries: BTreeMap<Key, Entry>,
    pub(super) nodes: Vec<Node>,
    pub(super) left: Budget,
    pub(super) ghost: Ghost,
    pub(super) seen: BTreeSet<Seen>,
}

/// What has happened, so that an uneventful run is not taken for a proof.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Seen {
    Leased,
    Woken,
    ResolvedByAcks,
    ResolvedByTime,
    ResolvedHere,
    FreshAfterInvalidation,
    Stale,
    SharedHit,
    Gap,
    Rewound,
    AskedDemoted,
    NewEpoch,
    Removed,
    Denied,
}

/// One thing that happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Step {
    Tick,
    Timer(usize),
    Execute(usize),
    ExecuteStray(usize),
    Answer(usize, usize),
    Fail(usize),
    /// The store forbids the command under way, which it may carry out, or a part of it.
    Deny(usize),
    Hear(usize, usize),
    Lose(usize, usize),
    Link(usize),
    Cut(usize),
    Get(usize, Key),
    Begin(usize, Key),
    Join(usize),
    ReadInner(usize),
    End(usize),
    Write(usize, usize),
    Invalidate(usize, usize, Lifetime),
    RegisterLater,
    Flush,
    EvictTable,
    EvictInstances,
    EvictPolls,
    EvictHistory,
    FailOver(usize),
    /// The same, and the former primary goes on. With an index beyond `before`, nothing is lost.
    Demote(usize),
    Restart(usize),
    Leave(usize),
    /// A number of ticks in which all but one instance do what is due.
    Calm {
        ticks: u64,
        but: usize,
    },
}

pub(super) fn tag(n: usize) -> Tag {
    Tag::from(["a", "b"][n])
}

impl World {
    /// Lets everything that is under way arrive, and all timers fire, but for one instance.
    pub(super) fn calm(&mut self, config: &Config, but: usize) {
        for _ in 0..200 {
            let mut is_calm = true;
            for node in (0..self.nodes.len()).filter(|n| *n != but) {
                let steps = [
                    Step::Timer(node),
                    Step::Execute(node),
                    Step::Answer(node, 0),
                    Step::Hear(node, 0),
                ];
                for step in
                    steps.into_iter().filter(|step| self.is_possible(*step)).collect::<Vec<_>>()
                {
                    if self.is_possible(step) {
                        self.step(config, step);
                        is_calm = false;
                    }
                }
            }
            self.store.register_later();
            if is_calm {
                return;
            }
        }
    }

    pub(super) fn store_us(&self) -> u64 {
        self.now.0 + self.ahead_us
    }

    /// Whether something that moves messages along can happen.
    fn is_possible(&self, step: Step) -> bool {
        match step {
            Step::Timer(n) => self.nodes[n].state.next_timer().is_some_and(|due| self.now >= due),
            Step::Execute(n) => !self.nodes[n].wire.is_empty(),
            Step::ExecuteStray(n) => !self.nodes[n].stray.is_empty(),
            Step::Answer(n, k) => k < self.nodes[n].answers.len(),
            Step::Hear(n, k) | Step::Lose(n, k) => k < self.nodes[n].inbox.len(),
            Step::Fail(n) | Step::Deny(n) => !self.nodes[n].under_way.is_empty(),
            _ => true,
        }
    }

    /// All that can happen next.
    pub(super) fn steps(&self, config: &Config) -> Vec<Step> {
        let mut steps = Vec::new();
        if self.now < config.end() {
            steps.push(Step::Tick);
        }
        for n in 0..self.nodes.len() {
            self.steps_of_wires(n, &mut steps);
            self.steps_of_users(config, n, &mut steps);
        }
        self.steps_of_faults(&mut steps);
        steps
    }

    fn steps_of_wires(&self, n: usize, steps: &mut Vec<Step>) {
        let node = &self.nodes[n];
        let ready = [Step::Timer(n), Step::Execute(n), Step::ExecuteStray(n)];
        steps.extend(ready.into_iter().filter(|step| self.is_possible(*step)));
        steps.extend((0..node.answers.len()).map(|k| Step::Answer(n, k)));
        steps.extend((0..node.inbox.len()).map(|k| Step::Hear(n, k)));
        steps.extend((0..node.writes.len()).map(|k| Step::Write(n, k)));
        if self.left.losses > 0 {
            steps.extend((0..node.inbox.len()).map(|k| Step::Lose(n, k)));
        }
        if self.left.failures > 0 && !node.under_way.is_empty() {
            steps.push(Step::Fail(n));
        }
        if self.left.denials > 0 && !node.under_way.is_empty() {
            steps.push(Step::Deny(n));
        }
        if !node.is_linked || node.is_dead {
            steps.push(Step::Link(n));
        }
        if node.is_linked && (node.is_dead || self.left.cuts > 0) {
            steps.push(Step::Cut(n));
        }
    }

    fn steps_of_users(&self, config: &Config, n: usize, steps: &mut Vec<Step>) {
        let node = &self.nodes[n];
        let keys = Key::ALL.into_iter().filter(|key| config.outer || *key != Key::Outer);
        if self.left.gets > 0 {
            steps.extend(keys.clone().map(|key| Step::Get(n, key)));
        }
        match &node.generation {
            None if self.left.generations > 0 => steps.extend(keys.map(|key| Step::Begin(n, key))),
            None => {}
            Some(generation) => {
                steps.push(Step::End(n));
                let can_read = self.now < node.state.lease_until() || node.state.is_offline();
                if generation.key == Key::Outer && can_read {
                    steps.push(Step::ReadInner(n));
                }
                if self.left.gets > 0 {
                    steps.push(Step::Join(n));
                }
            }
        }
        for tag in 0..TAGS {
            if self.left.hard > 0 {
                steps.push(Step::Invalidate(n, tag, Lifetime::None));
            }
            if self.left.soft > 0 {
                steps.push(Step::Invalidate(n, tag, Lifetime::Micros(3 * TICK)));
                steps.push(Step::Invalidate(n, tag, Lifetime::Unlimited));
            }
        }
        if self.left.restarts > 0 {
            steps.push(Step::Restart(n));
        }
        if self.left.leaves > 0 {
            steps.push(Step::Leave(n));
        }
    }

    fn steps_of_faults(&self, steps: &mut Vec<Step>) {
        if !self.store.later.is_empty() {
            steps.push(Step::RegisterLater);
        }
        if self.left.flushes > 0 {
            steps.push(Step::Flush);
        }
        if self.left.evictions > 0 {
            let lost =
                [Step::EvictTable, Step::EvictInstances, Step::EvictPolls, Step::EvictHistory];
            steps.extend(lost);
        }
        if self.left.fail_overs > 0 {
            steps.extend((0..self.before.len()).map(Step::FailOver));
        }
        if self.left.demotions > 0 {
            steps.extend((0..=self.before.len()).map(Step::Demote));
        }
    }

    /// The last position the store gave.
    pub(super) fn last(&self) -> Position {
        self.store.last
    }
}
