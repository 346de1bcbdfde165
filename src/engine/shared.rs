//! The tier other processes see: reads, fills and writes of entries, and their waiters.
//!
//! A read never blocks: it wakes its waiters. Its entry is held in memory if there is room, and
//! each waiter judges it at delivery: an older read must not answer a newer get.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use bytes::Bytes;

use super::{Absence, Connectivity, Engine, Stored, Tier, Wrong};
use crate::clock::Timestamp;
use crate::codec::{Broken, Frame, FrameRef, Head};
use crate::coherence::event::{Command, Event, Lifetime, Message, Request};
use crate::coherence::revisions::Revision;
use crate::entry::{Entry, Meta, Source};
use crate::guard::guard;
use crate::history::Row;
use crate::key::{KeyRef, share};
use crate::ledger::MemoryAccess;
use crate::memory::Inserted;
use crate::stats::bump;
use crate::store::{Address, Listener, Part, Refusal, Room, Trouble, Unavailable};
use crate::tags::{Epoch, MAX_LIFE_US, Point, Stamp, Tag, Verdict};
use crate::wake::{Notice, Ticket, Wait, WakeOnDrop};

/// What a read may take beyond the time limit of the store, in ms.
const READ_SLACK_MS: u32 = 50;

/// What an entry of the shared tier is good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Filled {
    /// It may answer its waiters.
    Usable,
    /// It is dead, or memory has one as good.
    NotNeeded,
}

impl Engine {
    /// The shared tier, if there is one.
    #[inline]
    pub fn tier(&self) -> Option<&Tier> {
        self.tier.as_ref()
    }

    /// How this process is connected to the shared tier now.
    pub fn connectivity(&self) -> Connectivity {
        if self.tier().is_none() {
            return Connectivity::None;
        }
        if self.ledger.is_denied() {
            return Connectivity::Denied;
        }
        match self.ledger.memory_access(self.clock.now_coarse()) {
            MemoryAccess::Any => Connectivity::Connected,
            MemoryAccess::GeneratedSince(_) => Connectivity::Offline,
            MemoryAccess::None => Connectivity::Connecting,
        }
    }

    /// What is wrong with the shared tier now.
    pub fn trouble(&self) -> Option<Wrong> {
        self.tier()?.notices.troubles.now()
    }

    /// Longest wait for a read, in ms: the store answers sooner.
    pub fn read_wait_ms(&self) -> u32 {
        let timeout = self.options.shared.as_ref().map_or(0, |s| s.command_timeout.as_millis());
        timeout as u32 + READ_SLACK_MS
    }

    /// Ends a wait once everything shared so far is stored or dropped.
    pub fn drain(&self, ticket: Ticket) -> Wait {
        let Some(tier) = self.tier() else { return Wait::Needless };
        tier.store.drain(Box::new(move || ticket.wake(Notice::LookAgain)));
        Wait::Pending
    }

    /// Sends the requests made since the last call.
    pub fn flush(&self) {
        if let Some(tier) = self.tier() {
            tier.store.flush();
        }
    }

    /// Asks the store whether memory may answer, and wakes the ticket when that is known.
    pub fn ask(&self, ticket: Ticket) {
        if let Some(tier) = self.tier() {
            let ask = tier.enlist(ticket);
            self.tell(Event::Ask(ask));
        }
    }

    /// Applies an event and performs the actions that follow from it.
    fn tell(&self, event: Event) {
        let actions = self.ledger.on(&self.clock, event);
        if let Some(tier) = self.tier() {
            // Also without commands: the timer may have changed.
            tier.store.exchange(tier.perform(actions, &self.stats));
        }
    }

    /// Invalidates `tags`, in effect here when this returns. The wait ends when it is in effect
    /// everywhere.
    pub fn invalidate(&self, tags: &[Tag], lifetime: Lifetime, ticket: Ticket) -> Wait {
        bump(&self.stats.invalidations);
        let call = self.tier().map_or(0, |tier| tier.enlist(ticket));
        self.tell(Event::Invalidate(call, tags.to_vec(), lifetime));
        if call == 0 { Wait::Needless } else { Wait::Pending }
    }

    /// Looks `key` up in the shared tier. The wait ends with what it holds.
    pub fn read(self: &Arc<Self>, key: &KeyRef<'_>, ticket: Ticket) -> Wait {
        let Some(tier) = self.tier() else { return Wait::Needless };
        if !tier.is_read || self.ledger.is_offline() {
            return Wait::Needless;
        }
        let Some(address) = tier.address(key) else { return Wait::Needless };
        let mut reads = tier.reads.lock();
        if let Some(waiters) = reads.get_mut(&key.hash) {
            waiters.push(ticket);
            return Wait::Pending;
        }
        reads.insert(key.hash, vec![ticket]);
        drop(reads);
        let engine = self.clone();
        let KeyRef { class, app, hash, .. } = *key;
        let units = Box::<[u16]>::from(key.units);
        let receive = move |answer| {
            engine.receive(&KeyRef { class, app, units: &units, hash }, &address, answer)
        };
        tier.store.read(address, Box::new(receive));
        Wait::Pending
    }

    /// Takes the answer to a read, on a thread of the store.
    fn receive(
        &self,
        key: &KeyRef<'_>,
        address: &Address,
        answer: Result<Option<Bytes>, Unavailable>,
    ) -> WakeOnDrop {
        let Some(tier) = self.tier() else { return WakeOnDrop::default() };
        // Even if these bytes cause a panic, the waiters are woken.
        let found = guard(|| {
            let bytes = answer.ok().flatten()?;
            let entry = self.decoded(tier, key, address, &bytes).map(Arc::new);
            if entry.is_none() {
                bump(&self.stats.broken);
            }
            entry.filter(|entry| self.fill(key, entry) == Filled::Usable)
        });
        let held = found.flatten();
        let waiters = tier.reads.lock().remove(&key.hash).unwrap_or_default();
        WakeOnDrop::all(waiters, &held.map_or(Notice::LookAgain, Notice::Delivered))
    }

    /// The entry in bytes from the store; `None` if they are not the one asked for.
    pub(super) fn decoded(
        &self,
        tier: &Tier,
        key: &KeyRef<'_>,
        address: &Address,
        bytes: &[u8],
    ) -> Option<Entry> {
        bump(&self.stats.read);
        self.stats.read_bytes.fetch_add(bytes.len() as u64, Ordering::Relaxed);
        let frame = tier.codec.decode(address, bytes);
        let frame = frame.inspect_err(|broken| {
            self.note_secret(tier, *broken);
            self.note_unreadable(key, Absence::from(*broken));
        });
        let frame = frame.ok()?;
        if !frame.is_of(key) || !self.is_sound(&frame) {
            self.note_unreadable(key, Absence::Broken);
            return None;
        }
        let offset = self.ledger.store_offset_us();
        let created = frame.head.created.shifted_us(-offset).min(self.clock.now());
        let meta = Meta {
            stamp: self.stamp_of_stored(&frame.head, created),
            since: Revision(0),
            created,
            told_ms: self.told_ms(created),
            held_from: created,
            revalidate_us: frame.head.revalidate_us,
            expire_us: frame.head.expire_us,
            tags: frame.tags,
            format: frame.head.format,
            source: Source::Shared,
        };
        let spread = self.spread_of(meta.format, &frame.body);
        Some(Entry::new(key, meta, frame.body).spread_by(spread))
    }

    /// Reports an entry that another secret protects, or none.
    fn note_secret(&self, tier: &Tier, broken: Broken) {
        let how = match broken {
            Broken::Mac => "the signature of another secret",
            Broken::Unsigned => "no signature of a secret",
            _ => return,
        };
        tier.notices.say_other_secret(how, self.clock.now());
    }

    /// Whether the value in a frame makes sense to its readers.
    fn is_sound(&self, frame: &Frame) -> bool {
        let Head { class, format, .. } = frame.head;
        self.host.as_ref().is_none_or(|host| (host.check)(class, format, &frame.body))
    }

    /// The stamp of a stored entry. Without a table in the store its position says nothing, and the
    /// clock has to do.
    fn stamp_of_stored(&self, head: &Head, created: Timestamp) -> Stamp {
        if self.ledger.is_alone() {
            let age_us = self.clock.now().since_us(created) as i64;
            let began = self.ledger.revision_at(self.clock.uptime().shifted_us(-age_us));
            return began.and_then(|at| self.ledger.stamp_of(at)).unwrap_or_default();
        }
        Stamp { epoch: Epoch(head.epoch), at: Point::from(head.position) }
    }

    /// Holds an entry of the shared tier, unless memory has one as good.
    pub(super) fn fill(&self, key: &KeyRef<'_>, entry: &Arc<Entry>) -> Filled {
        let revision = self.ledger.revision();
        let now = self.clock.now_coarse();
        let verdict = self.judge(entry, revision, now, Vec::new).0;
        if verdict == Verdict::Gone {
            return Filled::NotNeeded;
        }
        let Some(memory) = &self.memory else {
            // Nothing would retire it later: it is for its waiters only.
            entry.retire();
            self.note_present(key.hash);
            return Filled::Usable;
        };
        if let Some(held) = memory.peek(key) {
            let is_worse = self.judge(&held, revision, now, Vec::new).0 > verdict;
            if !is_worse && !entry.meta.is_younger(&held.meta) {
                return Filled::NotNeeded;
            }
        }
        if self.insert(memory, entry) != Inserted::Yes {
            entry.retire();
        }
        Filled::Usable
    }

    /// Writes an entry to the shared tier in the background, unless it is too large or other
    /// processes could not tell how old it is. With `ends`, the write also ends the lease.
    pub(super) fn share(
        self: &Arc<Self>,
        key: &KeyRef<'_>,
        entry: &Arc<Entry>,
        ends: bool,
    ) -> Option<Stored> {
        let tier = self.tier()?;
        let address = tier.address(key)?;
        let is_dated = entry.meta.stamp.epoch == self.ledger.epoch() && self.ledger.may_share();
        if !is_dated || !tier.codec.fits(entry.key(), &entry.meta.tags, &entry.body) {
            return None;
        }
        let (engine, entry) = (self.clone(), entry.clone());
        let weight = entry.weight();
        let make = move || engine.encoded(&address, &entry);
        tier.store.write(address, weight, ends, Box::new(make));
        Some(Stored::Yes)
    }

    /// The bytes of an entry and the milliseconds it may still live, if it is still worth storing.
    fn encoded(&self, address: &Address, entry: &Entry) -> Option<(Vec<u8>, u64)> {
        let tier = self.tier()?;
        let meta = &entry.meta;
        if self.judge_now(entry, Vec::new).0 == Verdict::Gone {
            return None;
        }
        let age = self.clock.now().since_us(meta.created);
        let life = meta.expire_us.unwrap_or(MAX_LIFE_US).min(MAX_LIFE_US);
        // Entries that were stored together do not all expire together.
        let spread = self.spread_of(meta.format, &entry.body);
        let life = spread.shorten(share(entry.key()), life);
        let left_ms = life.saturating_sub(age) / 1_000;
        if left_ms == 0 {
            return None;
        }
        let head = Head {
            epoch: meta.stamp.epoch.0,
            position: meta.stamp.at.position,
            created: meta.created.shifted_us(self.ledger.store_offset_us()),
            revalidate_us: meta.revalidate_us,
            expire_us: meta.expire_us,
            class: entry.class(),
            format: meta.format,
        };
        let frame = FrameRef { head, key: entry.key(), tags: &meta.tags, body: &entry.body };
        let bytes = tier.codec.encode(address, &frame).ok()?;
        bump(&self.stats.written);
        self.stats.raw_bytes.fetch_add(entry.body.len() as u64, Ordering::Relaxed);
        self.stats.written_bytes.fetch_add(bytes.len() as u64, Ordering::Relaxed);
        Some((bytes, left_ms))
    }
}

impl Listener for Engine {
    fn on(&self, event: Event) -> Vec<(Request, Command)> {
        let Some(tier) = self.tier() else { return Vec::new() };
        tier.notices.say_of(&event, self.clock.now());
        let actions = self.ledger.on(&self.clock, event);
        tier.perform(actions, &self.stats)
    }

    fn next_timer(&self) -> Option<Timestamp> {
        self.ledger.next_timer()
    }

    fn leases(&self) -> Vec<Address> {
        self.renewed()
    }

    fn refuses(&self, what: Option<(Refusal, Part)>) {
        if let Some(tier) = self.tier() {
            tier.notices.say_refusal(what, &tier.namespace, self.clock.now());
        }
    }

    fn has_room(&self, room: Room) {
        if let Some(tier) = self.tier() {
            tier.notices.say_room(room);
        }
    }

    fn has_kin(&self, namespace: &str) {
        if let Some(tier) = self.tier() {
            tier.notices.say_kin(&tier.namespace, namespace);
        }
    }

    fn is_old(&self, version: &str) {
        if let Some(tier) = self.tier() {
            tier.notices.say_old(version, self.clock.now());
        }
    }

    fn lacks(&self, commands: &str) {
        if let Some(tier) = self.tier() {
            tier.notices.say_lacking(commands, self.clock.now());
        }
    }

    fn hears(&self, from: &str, message: &Message) {
        self.note_heard(from, message);
    }

    fn fails(&self, trouble: Trouble) {
        if let Some(tier) = self.tier() {
            tier.notices.say_away(trouble, self.clock.now());
        }
    }

    fn snapshot(&self) -> Option<Vec<u8>> {
        self.host.as_ref().and_then(|host| (host.snapshot)(self))
    }

    fn account(&self, of: &str) -> Option<Vec<u8>> {
        self.host.as_ref().and_then(|host| (host.account)(self, of))
    }

    fn minute(&self) -> Option<Row> {
        self.history.next_unpublished()
    }

    fn now(&self) -> Timestamp {
        self.clock.now()
    }
}
