//! Threads in every order: who missed, who generates, who waits. `process` has those of one process
//! without a store, `fleet` those of two that share one.
//!
//! Each scenario is also tried with something done the wrong way, which has to be found out.

mod carrier;
mod fleet;
mod process;

use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, Ordering};

use shuttle::sync::{Condvar, Mutex as Turns};
use shuttle::thread::{JoinHandle, spawn, yield_now};

use super::fake::WAIT_MS;
use super::*;
use crate::generation::flights::Joined;

/// A thread of JavaScript: what it was told while it waited.
struct Mailbox {
    engine: Arc<Engine>,
    told: Turns<Vec<(u32, Notice)>>,
    added: Condvar,
    tokens: AtomicU32,
}

impl Wake for Mailbox {
    fn wake(&self, token: u32, notice: Notice) {
        // Whoever wakes may hold neither of these locks.
        self.engine.flights.len();
        self.engine.leases.len();
        self.told.lock().unwrap().push((token, notice));
        self.added.notify_all();
    }
}

impl Mailbox {
    fn new(engine: &Arc<Engine>) -> Arc<Self> {
        let (told, added, tokens) = (Turns::new(Vec::new()), Condvar::new(), AtomicU32::new(1));
        Arc::new(Self { engine: engine.clone(), told, added, tokens })
    }

    fn ticket(self: &Arc<Self>, token: u32) -> Ticket {
        Ticket::new(self.clone(), token)
    }

    fn token(&self) -> u32 {
        self.tokens.fetch_add(1, Ordering::Relaxed)
    }

    /// Waits without end: if nobody wakes it, nobody can go on, which is found out.
    fn wait(&self, token: u32) -> Notice {
        let mut told = self.told.lock().unwrap();
        loop {
            if let Some(nth) = told.iter().position(|(to, _)| *to == token) {
                return told.remove(nth).1;
            }
            told = self.added.wait(told).unwrap();
        }
    }

    /// Whether nobody was told what they do not wait for.
    fn is_empty(&self) -> bool {
        self.told.lock().unwrap().is_empty()
    }
}

/// Generations under way, and how many there were.
#[derive(Clone, Default)]
struct Generations {
    under_way: Arc<AtomicU32>,
    ended: Arc<AtomicU32>,
    may_overlap: bool,
}

impl Generations {
    /// Generates, which takes a while. Nobody else may meanwhile, unless they may overlap.
    fn run(&self) {
        let others = self.under_way.fetch_add(1, Ordering::SeqCst);
        assert!(others == 0 || self.may_overlap, "two generate at once");
        yield_now();
        self.under_way.fetch_sub(1, Ordering::SeqCst);
        self.ended.fetch_add(1, Ordering::SeqCst);
    }

    fn count(&self) -> u32 {
        self.ended.load(Ordering::SeqCst)
    }
}

fn with_key<T>(engine: &Engine, act: impl FnOnce(&KeyRef<'_>) -> T) -> T {
    let units = [1];
    act(&engine.hasher().key(Class::Fetch, &units))
}

fn is_fresh(engine: &Engine) -> bool {
    verdict(engine, 1, &[]) == Some(Verdict::Fresh)
}

fn present(engine: &Engine) -> Meta {
    let (since, stamp) = engine.ledger.present();
    Meta { stamp, since, ..meta() }
}

fn join_all(threads: impl IntoIterator<Item = JoinHandle<()>>) {
    for thread in threads.into_iter().collect::<Vec<_>>() {
        thread.join().unwrap();
    }
}
