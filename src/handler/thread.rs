//! The state of one JavaScript thread between calls.

use std::cell::{Cell, OnceCell, RefCell};
use std::collections::HashMap;
use std::sync::Arc;

use super::decision::Decided;
use super::hits::Hits;
use super::invalidate::Invalidating;
use super::next_clock::NextClock;
use super::ready::{Handle, ReadyObjects};
use super::recall::Decisions;
use crate::account::Statement;
use crate::clock::Timestamp;
use crate::engine::{Engine, Former};
use crate::entry::Entry;
use crate::key::Hash128;
use crate::stats::SAMPLE;
use crate::wake::{Ticket, Wake};

/// A thread of JavaScript, touched by that thread only.
pub struct Thread {
    /// Wakes what waits on this thread.
    waker: Arc<dyn Wake>,
    /// Which entries have an object ready here.
    pub(super) ready: RefCell<ReadyObjects>,
    /// Next's clock here.
    clock: Cell<NextClock>,
    /// Entries that were read for waiting gets, and in which round: memory may have no room.
    delivered: RefCell<HashMap<Hash128, (Arc<Entry>, u64)>>,
    /// Looks into the inbox so far.
    rounds: Cell<u64>,
    /// What became of the last call, while decisions are printed.
    decision: RefCell<Option<Statement>>,
    /// Whether JavaScript asks what became of calls, in addition to what is printed.
    is_told: Cell<bool>,
    /// The last decisions, if any are to be remembered.
    journal: OnceCell<Arc<Decisions>>,
    /// What was hit since the last look, while somebody looks.
    hits: RefCell<Hits>,
    /// Whether somebody does.
    is_heard: Cell<bool>,
    /// Whether the journal is written.
    is_noting: Cell<bool>,
    /// How long the present get has waited, in microseconds.
    waited_us: Cell<u64>,
    /// Invalidations that are not in effect everywhere yet, by token.
    pub(super) invalidating: RefCell<HashMap<u32, Invalidating>>,
    next_token: Cell<u32>,
    calls: Cell<u64>,
    /// How long the machine had slept when the ready objects were made, in ms.
    slept_ms: Cell<f64>,
}

impl std::fmt::Debug for Thread {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Thread").finish_non_exhaustive()
    }
}

impl Thread {
    /// A thread whose waits `waker` ends.
    pub fn new(waker: Arc<dyn Wake>) -> Self {
        Self {
            waker,
            ready: RefCell::default(),
            clock: Cell::default(),
            delivered: RefCell::default(),
            rounds: Cell::new(0),
            decision: RefCell::default(),
            is_told: Cell::new(false),
            journal: OnceCell::new(),
            hits: RefCell::default(),
            is_heard: Cell::new(false),
            is_noting: Cell::new(false),
            waited_us: Cell::new(0),
            invalidating: RefCell::default(),
            next_token: Cell::new(1),
            calls: Cell::new(0),
            slept_ms: Cell::new(0.0),
        }
    }

    /// Notes the offset of Next's clock.
    pub fn set_clock(&self, clock: NextClock) {
        self.clock.set(clock);
    }

    /// Next's clock.
    pub fn clock(&self) -> NextClock {
        self.clock.get()
    }

    /// A number for a call that has to wait.
    pub fn token(&self) -> u32 {
        let token = self.next_token.get();
        self.next_token.set(token.checked_add(1).unwrap_or(1));
        token
    }

    /// The wait of this thread that it knows as `token`.
    pub(super) fn ticket(&self, token: u32) -> Ticket {
        Ticket::new(self.waker.clone(), token)
    }

    /// Whether this call is one of those that are timed.
    #[inline]
    pub fn is_timed(&self) -> bool {
        let calls = self.calls.get().wrapping_add(1);
        self.calls.set(calls);
        calls.is_multiple_of(SAMPLE)
    }

    /// Drops the ready objects after the machine has slept: the timestamps in them are off.
    #[cold]
    pub fn notice_sleep(&self, engine: &Engine) {
        let slept = self.clock.get().slept_ms(&engine.clock);
        if (slept - self.slept_ms.replace(slept)).abs() > 1_000.0 {
            self.ready.borrow_mut().clear();
        }
    }

    /// The name of the object of `entry`, if one is ready.
    #[inline]
    pub fn handle(&self, entry: &Entry) -> Option<Handle> {
        self.ready.borrow_mut().handle(entry)
    }

    /// A name for the object just made of `entry`. None if the entry is not in memory: the object
    /// would pin bytes in addition to those of memory, and never be a hit.
    pub fn keep(&self, entry: &Arc<Entry>, engine: &Engine) -> Option<Handle> {
        if entry.is_retired() {
            return None;
        }
        let handle = self.ready.borrow_mut().bind(entry, &engine.options)?;
        entry.bind();
        if entry.is_retired() {
            // It left memory meanwhile, perhaps before it was bound: then no release follows.
            self.release(entry.hash, entry.id);
            return None;
        }
        Some(handle)
    }

    /// Entry `id` left memory: its object goes too.
    pub fn release(&self, hash: Hash128, id: u64) {
        self.ready.borrow_mut().release(hash, id);
    }

    /// Names of objects that JavaScript is to let go of, since the last call.
    pub fn take_dropped(&self) -> Vec<Handle> {
        self.ready.borrow_mut().take_dropped()
    }

    /// Forgets the state of a JavaScript side that is gone.
    pub fn clear(&self) {
        self.delivered.borrow_mut().clear();
        self.ready.borrow_mut().clear();
        // That side lets go of its objects by itself.
        self.take_dropped();
        self.let_hits_go();
    }

    /// Hands an entry to the gets that wait for it: they run right after the next look into the
    /// inbox, and the look after that lets go of it. Looks go on until nothing is left to let go
    /// of: the thread may be idle from then on.
    pub fn deliver(&self, hash: Hash128, entry: Arc<Entry>) {
        self.delivered.borrow_mut().insert(hash, (entry, self.rounds.get()));
    }

    /// The entry handed over under `hash`.
    pub fn delivered(&self, hash: Hash128) -> Option<Arc<Entry>> {
        self.delivered.borrow().get(&hash).map(|(entry, _)| entry.clone())
    }

    /// A look into the inbox begins.
    pub fn begin_round(&self) {
        let round = self.rounds.get();
        self.delivered.borrow_mut().retain(|_, (_, delivered)| *delivered >= round);
        self.rounds.set(round + 1);
    }

    /// Whether another look has to follow, to let go of delivered entries.
    pub fn has_delivered(&self) -> bool {
        !self.delivered.borrow().is_empty()
    }

    /// Begins to remember the last `most` decisions, unless that has begun. The result is the new
    /// journal.
    pub fn open_journal(&self, most: usize) -> Option<Arc<Decisions>> {
        if most == 0 || self.journal.get().is_some() {
            return None;
        }
        self.is_noting.set(true);
        Some(self.journal.get_or_init(|| Arc::new(Decisions::new(most))).clone())
    }

    /// The last decisions, if any are remembered now.
    #[inline]
    pub fn journal(&self) -> Option<&Arc<Decisions>> {
        self.journal.get().filter(|_| self.is_noting.get())
    }

    /// Remembers a plain hit.
    #[inline]
    pub(super) fn hit(&self, now: Timestamp, entry: &Entry) {
        let Some(journal) = self.journal() else { return };
        journal.hit(now, entry.id);
        if self.is_heard.get() {
            self.hits.borrow_mut().note(entry, journal.room());
        }
    }

    /// What was hit since the last look, by number; from the first look on.
    pub(super) fn take_hits(&self) -> HashMap<u64, Former> {
        self.is_heard.set(true);
        self.is_noting.set(true);
        self.hits.take().into_named()
    }

    /// Nobody looks any more. Decisions are noted on if they are remembered in any case.
    pub(super) fn hush(&self, is_remembering: bool) {
        self.is_noting.set(is_remembering);
        self.let_hits_go();
    }

    fn let_hits_go(&self) {
        self.is_heard.set(false);
        self.hits.take();
    }

    /// Notes how long the get that goes on has waited.
    pub fn note_wait(&self, us: u64) {
        self.waited_us.set(us);
    }

    /// How long the last get that went on has waited.
    pub(super) fn waited_us(&self) -> u64 {
        self.waited_us.get()
    }

    /// Notes what became of a call at `now`; `is_told` if JavaScript asks for it right after.
    pub(super) fn decide(&self, now: Timestamp, decided: Decided, is_told: bool) {
        if is_told || self.is_told.get() {
            *self.decision.borrow_mut() = Some(Statement::new(now, &decided));
        }
        if let Some(journal) = self.journal() {
            journal.note(now, Arc::new(decided));
        }
    }

    /// From now on [`Thread::last_decision`] has an answer, about calls from now on, or no longer.
    pub(super) fn tell(&self, is_told: bool) {
        self.is_told.set(is_told);
        self.decision.take();
    }

    /// Whether JavaScript asks what became of calls.
    pub(super) fn is_told(&self) -> bool {
        self.is_told.get()
    }

    /// What became of the last call, while decisions are told.
    pub fn last_decision(&self) -> Option<Statement> {
        self.decision.borrow_mut().take()
    }
}
