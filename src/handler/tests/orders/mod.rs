//! Threads in every order: who missed, who generates, who waits. `process` has those of one process
//! without a store, `fleet` those of two that share one.
//!
//! Each scenario also runs with something done the wrong way, which it has to detect.

mod carrier;
mod fleet;
mod process;

use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, Ordering};

use parking_lot::Mutex;
use shuttle::sync::{Condvar, Mutex as Turns};
use shuttle::thread::{JoinHandle, spawn, yield_now};

use super::*;
use crate::engine::Found;
use crate::generation::flights::Joined;
use crate::tags::Verdict;
use crate::wake::Ticket;

/// How long gets wait for a leader, in ms.
const WAIT_MS: u32 = 1_200;

/// The notices that a JavaScript thread received while it waited.
struct Mailbox {
    engine: Arc<Engine>,
    told: Turns<Vec<(u32, Notice)>>,
    added: Condvar,
}

impl Wake for Mailbox {
    fn wake(&self, token: u32, notice: Notice) {
        // The thread that wakes may hold neither of these locks.
        self.engine.flights().len();
        self.engine.known_leases().len();
        self.told.lock().unwrap().push((token, notice));
        self.added.notify_all();
    }
}

impl Mailbox {
    /// Waits without a timeout: a lost wake-up is a deadlock, which the scheduler detects.
    fn wait(&self, token: u32) -> Notice {
        let mut told = self.told.lock().unwrap();
        loop {
            if let Some(nth) = told.iter().position(|(to, _)| *to == token) {
                return told.remove(nth).1;
            }
            told = self.added.wait(told).unwrap();
        }
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
    /// Generates, which takes a while. No other generation may run meanwhile, unless they may
    /// overlap.
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

/// A JavaScript thread, which asks for a `fetch` unless a scenario sets another kind.
struct Script {
    engine: Arc<Engine>,
    apps: Apps,
    mailbox: Arc<Mailbox>,
    thread: Thread,
    kind: ValueKind,
    has_waited: Cell<bool>,
}

impl Caller for Script {
    fn tags(&self) -> Vec<Tag> {
        Vec::new()
    }

    /// Reads on another thread, and finds none.
    fn read_output(&self, _: Job) -> bool {
        let engine = self.engine.clone();
        spawn(move || with_key(&engine, ValueKind::AppPage, |key| engine.land_output(key)));
        true
    }
}

impl Script {
    fn new(engine: &Arc<Engine>) -> Self {
        let (told, added) = (Turns::new(Vec::new()), Condvar::new());
        let mailbox = Arc::new(Mailbox { engine: engine.clone(), told, added });
        let thread = Thread::new(mailbox.clone());
        let (engine, apps) = (engine.clone(), Apps::new());
        let (kind, has_waited) = (ValueKind::Fetch, Cell::new(false));
        Self { engine, apps, mailbox, thread, kind, has_waited }
    }

    fn handler(&self) -> Handler<'_> {
        Handler { engine: &self.engine, apps: &self.apps, thread: &self.thread }
    }

    fn with_key<T>(&self, act: impl FnOnce(Handler<'_>, &KeyRef<'_>) -> T) -> T {
        with_key(&self.engine, self.kind, |key| act(self.handler(), key))
    }

    fn ticket(&self, token: u32) -> Ticket {
        Ticket::new(self.mailbox.clone(), token)
    }

    fn step(&self, progress: Progress) -> Step {
        self.with_key(|handler, key| {
            let request = Request { kind: self.kind, key: *key, asker: Asker::default() };
            Lookup { handler, request, progress, waited: Waited::InTime, caller: self }.step()
        })
    }

    /// A get, as it ships: it waits and begins again as often as its steps say.
    fn get(&self) -> Answer {
        let mut step = self.step(Progress::default());
        loop {
            match step {
                Step::Answer(answer) => return answer,
                Step::Wait(wait) => {
                    self.wait(wait.token);
                    step = self.step(Progress::unpack(wait.progress.pack()));
                }
            }
        }
    }

    fn wait(&self, token: u32) {
        self.has_waited.set(true);
        self.thread.begin_round();
        self.handler().take_in(token, self.mailbox.wait(token));
    }

    fn set_with(&self, revalidate_secs: f64) {
        let value = Value {
            tags: Vec::new(),
            revalidate_secs: Some(revalidate_secs),
            expire_secs: None,
            body: encode(&[ValuePart::Bytes(&[1])]).unwrap(),
            scope: Scope::Fleet,
        };
        let began = Began::At(self.engine.revision());
        self.with_key(|handler, key| handler.put(key, self.kind, Some(value), Some(began)));
    }

    fn set(&self) {
        self.set_with(1e6);
    }

    /// A generation of it fails.
    fn abandon(&self) {
        self.with_key(|handler, key| handler.abandon(self.kind, key));
    }

    fn is_fresh(&self) -> bool {
        let found = self.with_key(|handler, key| {
            handler.engine.get(key, handler.engine.clock.now_coarse(), Vec::new)
        });
        matches!(found, Found::Entry(_, Verdict::Fresh, _))
    }

    /// Whether each notice had a get that waited for it.
    fn is_undisturbed(&self) -> bool {
        self.mailbox.told.lock().unwrap().is_empty()
    }
}

fn with_key<T>(engine: &Engine, kind: ValueKind, act: impl FnOnce(&KeyRef<'_>) -> T) -> T {
    act(&engine.hasher().key(kind.class(), &[1]))
}

fn join_all(threads: impl IntoIterator<Item = JoinHandle<()>>) {
    for thread in threads.into_iter().collect::<Vec<_>>() {
        thread.join().unwrap();
    }
}
