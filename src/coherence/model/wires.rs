//! What passes between an instance and the store.

use std::mem;

use super::config::Config;
use super::store::OmittedByStore;
use super::world::{Seen, TAGS, World, tag};
use crate::coherence::event::*;

/// States of the store that a replica may still be in.
const MOST_BEFORE: usize = 3;

impl World {
    /// Gives an event to an instance, and carries out its actions.
    pub(super) fn tell(&mut self, config: &Config, n: usize, event: Event) {
        let before = self.nodes[n].state.lease_until();
        for action in self.nodes[n].state.on(self.now, event) {
            match action {
                Action::Send(request, command) => {
                    if matches!(command, Command::Poll(_)) {
                        self.note_poll(n);
                    }
                    self.nodes[n].wire.push_back((request, command));
                    self.nodes[n].under_way.push(request);
                }
                Action::Wake(ask) => {
                    self.seen.insert(Seen::Woken);
                    if let Some((key, promise)) = self.nodes[n].asks.remove(&ask)
                        && !self.nodes[n].state.is_offline()
                        && self.has_seen_table(n)
                    {
                        self.answer(config, n, key, &promise);
                    }
                }
                Action::Resolve(call, outcome) => {
                    let seen = self.ghost.resolve(call, outcome, self.now, config.timing.lease_us);
                    self.seen.insert(seen);
                }
                Action::NewEpoch => {
                    self.seen.insert(Seen::NewEpoch);
                    self.nodes[n].writes.clear();
                }
                Action::Queued(_) | Action::Overflowed => {}
            }
        }
        if self.nodes[n].state.lease_until() > before {
            self.seen.insert(Seen::Leased);
            self.note_lease(config, n);
        }
    }

    fn note_poll(&mut self, n: usize) {
        let node = &mut self.nodes[n];
        let table = node.state.table();
        let knows = std::array::from_fn(|number| table.of(tag(number).as_bytes()).latest());
        node.polls.push_front((self.now, knows));
        node.polls.truncate(3);
    }

    /// The store knows what an instance knew when it sent the poll that granted its lease.
    fn note_lease(&mut self, config: &Config, n: usize) {
        let lease = config.timing.lease_us;
        let until = self.nodes[n].state.lease_until();
        let sent = self.nodes[n].polls.iter().rfind(|(sent, _)| sent.after_us(lease) == until);
        let Some((_, knows)) = sent else { return };
        for (number, point) in knows.iter().enumerate() {
            self.ghost.lease(number, *point, until, self.now, lease);
        }
    }

    pub(super) fn note(&mut self, answer: &Answer) {
        if matches!(answer, Answer::Polled(polled) if !polled.known) {
            self.seen.insert(Seen::Rewound);
        }
    }

    pub(super) fn execute_next(&mut self, config: &Config, n: usize) {
        if self.nodes[n].is_dead {
            if let Some((request, command)) = self.nodes[n].wire.pop_front() {
                self.ask_demoted(config, n, request, command);
            }
            return;
        }
        // A table is read in pages, lowest positions first.
        if matches!(self.nodes[n].wire.front(), Some((_, Command::Load)))
            && self.nodes[n].half.is_none()
        {
            let mut at: Vec<_> =
                self.store.rows.values().map(|row| row.hard.max(row.soft)).collect();
            at.sort();
            let middle = at.get(at.len() / 2).copied().unwrap_or_default();
            let low = self.store.rows.values().filter(|row| row.hard.max(row.soft) < middle);
            self.nodes[n].half = Some((middle, low.cloned().collect()));
            return;
        }
        let Some((request, command)) = self.nodes[n].wire.pop_front() else { return };
        let answer = self.execute(config, n, command);
        self.nodes[n].answers.push((request, answer));
    }

    /// A demoted primary answers as if it were still the primary. Its leases and writes are not
    /// confirmed, so they fail.
    fn ask_demoted(&mut self, config: &Config, n: usize, request: Request, command: Command) {
        let (now_us, id) = (self.store_us(), self.nodes[n].id);
        let Some(demoted) = &mut self.demoted else { return };
        let is_confirmed = match command {
            Command::Poll(_) | Command::ReadPosition => {
                config.omitted_by_store == Some(OmittedByStore::PollDemoted)
            }
            Command::Invalidate { .. } | Command::RaiseFloor { .. } => {
                config.omitted_by_store == Some(OmittedByStore::WriteDemoted)
            }
            _ => true,
        };
        self.steps += 1;
        let answer = demoted.execute(now_us, id, self.steps, command);
        let published = mem::take(&mut demoted.published);
        for node in self.nodes.iter_mut().filter(|node| node.is_dead) {
            node.inbox.extend(published.iter().cloned());
        }
        self.seen.insert(Seen::AskedDemoted);
        if is_confirmed {
            self.nodes[n].answers.push((request, answer));
        }
    }

    pub(super) fn execute(&mut self, config: &Config, n: usize, command: Command) -> Answer {
        let id = self.nodes[n].id;
        let epoch = self.store.epoch;
        let is_news = match &command {
            Command::Poll(_) => !self.store.applied.contains_key(&id),
            Command::Invalidate { .. } | Command::RaiseFloor { .. } => true,
            _ => false,
        };
        if is_news && epoch.is_some() {
            self.before.push_back((self.store.clone(), self.ghost.clone()));
            if self.before.len() > MOST_BEFORE {
                self.before.pop_front();
            }
        }
        self.steps += 1;
        let tags = match &command {
            Command::Invalidate { tags, .. } => tags.clone(),
            _ => Vec::new(),
        };
        if matches!(command, Command::Remove(_)) {
            self.seen.insert(Seen::Removed);
        }
        let is_load = command == Command::Load;
        if let Command::Invalidate { known: None, tags } = &command
            && config.omitted_by_store == Some(OmittedByStore::RepairInPlace)
        {
            let (told, _) = &tags[0];
            let at = self.nodes[n].state.table().of(told.as_bytes()).latest().position;
            return self.store.write_back(told, at);
        }
        let mut answer = self.store.execute(self.store_us(), id, self.steps, command);
        if let (true, Answer::Loaded { rows, .. }) = (is_load, &mut answer)
            && let Some((middle, low)) = self.nodes[n].half.take()
        {
            rows.retain(|row| row.hard.max(row.soft) >= middle);
            rows.splice(0..0, low);
        }
        let lease = config.timing.lease_us;
        if matches!(answer, Answer::Invalidated(_)) {
            for (told, lifetime) in tags {
                let Some(number) = (0..TAGS).find(|n| told == tag(*n)) else { continue };
                self.ghost.write(number, self.now, lease);
                if matches!(lifetime, Lifetime::Micros(_)) {
                    self.ghost.write_deadline(number, self.now);
                }
            }
        }
        if self.store.epoch != epoch {
            self.before.clear();
            self.ghost.write_all(self.now, lease);
        }
        for message in mem::take(&mut self.store.published) {
            for node in self.nodes.iter_mut().filter(|node| node.is_linked) {
                node.inbox.push(message.clone());
            }
        }
        answer
    }
}
