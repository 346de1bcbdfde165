//! What each step does.

use std::collections::{BTreeMap, BTreeSet};
use std::mem;

use super::config::{Config, OmittedByEngine};
use super::promise::Promise;
use super::store::Store;
use super::world::{Entry, Generation, Key, Seen, Step, TAGS, TICK, World, tag};
use crate::coherence::event::*;
use crate::tags::{Epoch, Point, Position, Stamp, Verdict};

impl World {
    pub(super) fn step(&mut self, config: &Config, step: Step) {
        match step {
            Step::Tick => self.now = self.now.after_us(TICK),
            Step::Timer(n) => self.tell(config, n, Event::Tick),
            Step::Execute(n) => self.execute_next(config, n),
            Step::ExecuteStray(n) => {
                let command = self.nodes[n].stray.remove(0);
                self.execute(config, n, command);
            }
            Step::Answer(n, k) => {
                let (request, answer) = self.nodes[n].answers.remove(k);
                self.nodes[n].under_way.retain(|other| *other != request);
                self.note(&answer);
                self.tell(config, n, Event::Answered(request, answer));
            }
            Step::Fail(n) => {
                self.left.failures = self.left.failures.saturating_sub(1);
                let request = self.nodes[n].under_way.remove(0);
                self.tell(config, n, Event::Failed(request));
            }
            Step::Deny(n) => {
                self.left.denials = self.left.denials.saturating_sub(1);
                let request = self.nodes[n].under_way.remove(0);
                self.seen.insert(Seen::Denied);
                self.tell(config, n, Event::Denied(request));
            }
            Step::Hear(n, k) => {
                let message = self.nodes[n].inbox.remove(k);
                if message.previous > self.nodes[n].state.revisions().stamp().at.position {
                    self.seen.insert(Seen::Gap);
                }
                self.tell(config, n, Event::Heard(message));
            }
            Step::Lose(n, k) => {
                self.left.losses = self.left.losses.saturating_sub(1);
                self.nodes[n].inbox.remove(k);
            }
            Step::Link(n) => {
                self.close(n);
                (self.nodes[n].is_linked, self.nodes[n].is_dead) = (true, false);
                self.tell(config, n, Event::Connected);
            }
            Step::Cut(n) => {
                self.left.cuts = self.left.cuts.saturating_sub(u8::from(!self.nodes[n].is_dead));
                self.close(n);
                (self.nodes[n].is_linked, self.nodes[n].is_dead) = (false, false);
                self.tell(config, n, Event::Disconnected);
            }
            Step::Get(..)
            | Step::Begin(..)
            | Step::Join(_)
            | Step::ReadInner(_)
            | Step::End(_)
            | Step::Write(..)
            | Step::Invalidate(..) => self.use_cache(config, step),
            _ => self.fault(config, step),
        }
    }

    /// What users do.
    fn use_cache(&mut self, config: &Config, step: Step) {
        match step {
            Step::Get(n, key) => self.get(config, n, key),
            Step::Begin(n, key) => {
                self.left.generations = self.left.generations.saturating_sub(1);
                let mut stamp = self.nodes[n].state.revisions().stamp();
                if config.omitted_by_engine == Some(OmittedByEngine::StampByStore) {
                    stamp.at = self.last().into();
                }
                let saw = self.ghost.begun[key.tag()];
                self.nodes[n].generation = Some(Generation { key, stamp, saw, joined: Vec::new() });
            }
            Step::Join(n) => {
                self.left.gets = self.left.gets.saturating_sub(1);
                let promise = self.ghost.promise(self.now);
                let is_leased = self.is_leased(n);
                if let Some(generation) = self.nodes[n].generation.as_mut().filter(|_| is_leased) {
                    generation.joined.push(promise);
                }
            }
            Step::ReadInner(n) => self.read_inner(config, n),
            Step::End(n) => self.end(config, n),
            Step::Write(n, k) => {
                let (key, mut entry) = self.nodes[n].writes.remove(k);
                entry.stamp.at.local = 0;
                self.entries.insert(key, entry);
            }
            Step::Invalidate(n, number, lifetime) => {
                let is_hard = lifetime == Lifetime::None;
                let left = if is_hard { &mut self.left.hard } else { &mut self.left.soft };
                *left = left.saturating_sub(1);
                let call = u64::from(self.ghost.begun.iter().sum::<u32>());
                self.ghost.begin(call, number, lifetime, self.now);
                self.tell(config, n, Event::Invalidate(call, vec![tag(number)], lifetime));
            }
            _ => {}
        }
    }

    /// What goes wrong.
    fn fault(&mut self, config: &Config, step: Step) {
        match step {
            Step::RegisterLater => self.store.register_later(),
            Step::Flush => {
                self.left.flushes = self.left.flushes.saturating_sub(1);
                self.lose_table();
                self.entries.clear();
                (self.store.born_us, self.store.applied, self.store.polled) = Default::default();
            }
            Step::EvictTable => {
                self.left.evictions = self.left.evictions.saturating_sub(1);
                self.lose_table();
            }
            Step::EvictInstances => {
                self.left.evictions = self.left.evictions.saturating_sub(1);
                (self.store.born_us, self.store.applied) = Default::default();
            }
            Step::EvictPolls => {
                self.left.evictions = self.left.evictions.saturating_sub(1);
                self.store.polled.clear();
            }
            Step::EvictHistory => {
                self.left.evictions = self.left.evictions.saturating_sub(1);
                self.store.listed.clear();
            }
            Step::Calm { ticks, but } => {
                for _ in 0..ticks {
                    self.calm(config, but);
                    self.now = self.now.after_us(TICK);
                }
                self.calm(config, but);
            }
            Step::FailOver(k) => {
                self.left.fail_overs = self.left.fail_overs.saturating_sub(1);
                self.fail_over(k);
            }
            Step::Demote(k) => {
                self.left.demotions = self.left.demotions.saturating_sub(1);
                let demoted = Box::new(self.store.clone());
                if k >= self.before.len() {
                    self.before.push_back((self.store.clone(), self.ghost.clone()));
                }
                self.fail_over(k);
                self.demoted = Some(demoted);
            }
            Step::Restart(n) => {
                self.left.restarts = self.left.restarts.saturating_sub(1);
                self.restart(config, n);
            }
            Step::Leave(n) => {
                self.left.leaves = self.left.leaves.saturating_sub(1);
                let id = self.nodes[n].id;
                self.store.applied.remove(&id);
                self.store.polled.remove(&id);
                self.restart(config, n);
            }
            _ => {}
        }
    }

    fn restart(&mut self, config: &Config, n: usize) {
        let id = self.nodes.iter().map(|node| node.id).max().unwrap_or(0) + 1;
        self.nodes[n] = config.node(id);
    }

    /// Commands sent on it get no answer any more; the store may still carry them out.
    fn close(&mut self, n: usize) {
        let node = &mut self.nodes[n];
        let wire = mem::take(&mut node.wire);
        if !node.is_dead {
            node.stray.extend(wire.into_iter().map(|(_, command)| command).take(1));
        }
        node.half = None;
        node.under_way.clear();
    }

    fn lose_table(&mut self) {
        let epoch = self.store.next_epoch.0 + 1;
        self.store = Store {
            epoch: None,
            last: Position(0),
            floor: Position(0),
            rows: BTreeMap::new(),
            listed: BTreeSet::new(),
            next_epoch: Epoch(epoch),
            ..mem::take(&mut self.store)
        };
        self.before.clear();
    }

    /// A replica that lacks the latest writes takes over.
    fn fail_over(&mut self, k: usize) {
        self.demoted = None;
        let lost: [Point; TAGS] = std::array::from_fn(|n| {
            let row = self.store.rows.get(&tag(n));
            row.map_or(Position(0), |row| row.hard.max(row.soft)).into()
        });
        let given = self.store.last;
        let Some((store, ghost)) = self.before.get(k).or(self.before.back()).cloned() else {
            return;
        };
        self.store = store;
        self.before.clear();
        self.ghost.rewind(ghost.written, lost, self.now);
        // Its clock is not behind the last position given.
        self.ahead_us = self.ahead_us.max(given.0.saturating_sub(self.now.0) + 1);
        for node in &mut self.nodes {
            node.is_dead = node.is_linked;
            node.stray.clear();
        }
    }

    fn is_leased(&self, n: usize) -> bool {
        self.now < self.nodes[n].state.lease_until() && self.has_seen_table(n)
    }

    /// An instance that never has may decide alone, and its answers carry no promise.
    pub(super) fn has_seen_table(&self, n: usize) -> bool {
        self.nodes[n].state.table().epoch() != Epoch::default()
    }

    fn get(&mut self, config: &Config, n: usize, key: Key) {
        self.left.gets = self.left.gets.saturating_sub(1);
        let promise = self.ghost.promise(self.now);
        if self.is_leased(n) || config.omitted_by_engine == Some(OmittedByEngine::JudgeUnleased) {
            self.answer(config, n, key, &promise);
            return;
        }
        let node = &mut self.nodes[n];
        node.next_ask += 1;
        let ask = node.next_ask;
        node.asks.insert(ask, (key, promise));
        self.tell(config, n, Event::Ask(ask));
    }

    /// Whether every get that could be answered without asking would keep its promise. Reads
    /// without changing anything.
    pub(super) fn keeps_promises(&self, config: &Config) -> bool {
        let promise = self.ghost.promise(self.now);
        if promise.is_void() {
            return true;
        }
        let mut probe = self.clone();
        for n in (0..self.nodes.len()).filter(|n| self.is_leased(*n)) {
            for key in Key::ALL {
                probe.answer(config, n, key, &promise);
            }
        }
        probe.ghost.broken.is_none()
    }

    /// Answers a get from memory, else with what others have stored.
    pub(super) fn answer(&mut self, config: &Config, n: usize, key: Key, promise: &Promise) {
        if let Some((entry, verdict)) = self.read(config, n, key) {
            self.ghost.answer(promise, key.tag(), entry.saw, verdict, &mut self.seen);
        }
    }

    fn read(&mut self, config: &Config, n: usize, key: Key) -> Option<(Entry, Verdict)> {
        let held = self.nodes[n].memory.get(&key).copied();
        if let Some(entry) = held {
            let verdict = self.judge(config, n, key, entry.stamp);
            if verdict != Verdict::Gone {
                return Some((entry, verdict));
            }
        }
        let entry = *self.entries.get(&key)?;
        let verdict = self.judge(config, n, key, entry.stamp);
        if verdict == Verdict::Gone {
            return None;
        }
        self.seen.insert(Seen::SharedHit);
        self.nodes[n].memory.insert(key, entry);
        Some((entry, verdict))
    }

    fn judge(&self, config: &Config, n: usize, key: Key, mut stamp: Stamp) -> Verdict {
        let tag = tag(key.tag());
        if config.omitted_by_engine == Some(OmittedByEngine::MixEpochs) {
            stamp.epoch = self.nodes[n].state.table().epoch();
        }
        self.nodes[n].state.table().judge(stamp, [tag.as_bytes()], self.now).0
    }

    fn read_inner(&mut self, config: &Config, n: usize) {
        let Some((inner, verdict)) = self.read(config, n, Key::Plain(0)) else { return };
        let soft = self.nodes[n].state.table().of(tag(0).as_bytes()).soft();
        if let Some(generation) = &mut self.nodes[n].generation {
            generation.saw = generation.saw.min(inner.saw);
            // A generation that read something stale is no fresher itself.
            if verdict == Verdict::Stale {
                generation.stamp.at = generation.stamp.at.min(soft.before());
            }
        }
    }

    fn end(&mut self, config: &Config, n: usize) {
        let Some(Generation { key, mut stamp, saw, joined }) = self.nodes[n].generation.take()
        else {
            return;
        };
        if config.omitted_by_engine == Some(OmittedByEngine::StampAtEnd) {
            stamp = self.nodes[n].state.revisions().stamp();
        }
        let entry = Entry { stamp, saw };
        let verdict = match config.omitted_by_engine {
            Some(OmittedByEngine::TrustFlights) => Verdict::Fresh,
            _ => self.judge(config, n, key, stamp),
        };
        for promise in joined {
            self.ghost.answer(&promise, key.tag(), saw, verdict, &mut self.seen);
        }
        self.nodes[n].memory.insert(key, entry);
        self.nodes[n].writes.push((key, entry));
    }
}
