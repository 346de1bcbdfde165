//! Instances: shipped engines with their shipped carriers, all in this process.

use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::sleep;
use std::time::Duration;

use parking_lot::Mutex;
use serde_json::{Value, json};
use tiercel::clock::{Clock, stopwatch_ns};
use tiercel::coherence::Coherence;
use tiercel::coherence::event::{Lifetime, Outcome};
use tiercel::coherence::timing::Timing;
use tiercel::engine::{Builder, Engine, Tier};
use tiercel::ledger::MemoryAccess;
use tiercel::options::Options;
use tiercel::redis::RedisStore;
use tiercel::tags::Tag;
use tiercel::wake::{Notice, Ticket, Wait, Wake};
use tokio::runtime::{self, Handle};

/// How long a fleet may take to connect.
const MOST_STARTING_SECS: u64 = 60;

/// Threads that instances share. None: each has its own, as in a process of its own.
pub(crate) struct Threads(Vec<Handle>);

impl Threads {
    pub(crate) fn start(count: u64) -> Result<Self, String> {
        let one = |_| {
            let runtime = runtime::Builder::new_current_thread().enable_all().build();
            let runtime = runtime.map_err(|error| error.to_string())?;
            let handle = runtime.handle().clone();
            std::thread::spawn(move || runtime.block_on(pending::<()>()));
            Ok(handle)
        };
        (0..count).map(one).collect::<Result<_, String>>().map(Self)
    }

    fn of(&self, nth: usize) -> Option<&Handle> {
        self.0.get(nth % self.0.len().max(1))
    }
}

/// The `nth` instance, connected or about to be.
pub(crate) fn start(
    threads: &Threads,
    nth: usize,
    address: &str,
    most_tags: usize,
) -> Result<Arc<Engine>, String> {
    let given = json!({
        "redisUrl": format!("redis://{address}"),
        "namespace": "fleet",
        "memoryMb": 1,
        "maxTags": most_tags,
    });
    let options = Options::resolve(&given, &Value::Null).map_err(|error| error.to_string())?;
    let coherence = Coherence::fleet(options.max_tags, Timing::default());
    Builder::new(options, Clock::system(), coherence).build_sharing(|options, listener| {
        let shared = options.shared.as_ref().ok_or("no shared tier")?;
        let store = match threads.of(nth) {
            Some(runtime) => RedisStore::start_on(runtime, shared, options.max_tags, listener),
            None => RedisStore::start(shared, options.max_tags, listener),
        };
        let store = Arc::new(store.map_err(|error| error.to_string())?);
        Ok(Tier::new(store, shared, options.shared_entry_bytes(), true))
    })
}

/// Waits until all of them hold a lease.
pub(crate) fn settle(fleet: &[Arc<Engine>]) -> Result<(), String> {
    let until = stopwatch_ns() + MOST_STARTING_SECS * 1_000_000_000;
    let has_lease = |engine: &Arc<Engine>| {
        engine.ledger.memory_access(engine.clock.now_coarse()) == MemoryAccess::Any
    };
    while !fleet.iter().all(has_lease) {
        if stopwatch_ns() > until {
            return Err("the fleet does not come together".into());
        }
        sleep(Duration::from_millis(50));
    }
    Ok(())
}

/// Calls, and how long each took.
#[derive(Default)]
pub(crate) struct Calls {
    began: Mutex<Vec<u64>>,
    took_us: Mutex<Vec<u64>>,
    /// Calls that ended before all instances knew of them.
    alone: AtomicU64,
}

/// How the calls of a load ended.
pub(crate) struct Ended {
    pub(crate) calls: usize,
    pub(crate) open: usize,
    pub(crate) alone: u64,
    /// Sorted.
    took_us: Vec<u64>,
}

impl Calls {
    pub(crate) fn make(self: &Arc<Self>, engine: &Engine, tags: &[Tag]) {
        let token = {
            let mut began = self.began.lock();
            began.push(stopwatch_ns());
            began.len() - 1
        };
        let ticket = Ticket::new(self.clone(), token as u32);
        if engine.invalidate(tags, Lifetime::None, ticket) == Wait::Needless {
            self.alone.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn open(&self) -> usize {
        self.began.lock().len() - self.took_us.lock().len()
    }

    /// Waits until every call has ended, for the longest that one may take.
    pub(crate) fn ended(&self) -> Ended {
        let until = stopwatch_ns() + 3_000_000_000;
        while self.open() > 0 && stopwatch_ns() < until {
            sleep(Duration::from_millis(5));
        }
        let mut took_us = self.took_us.lock().clone();
        took_us.sort_unstable();
        let calls = self.began.lock().len();
        let open = calls.saturating_sub(took_us.len());
        Ended { calls, open, alone: self.alone.load(Ordering::Relaxed), took_us }
    }
}

impl Wake for Calls {
    fn wake(&self, token: u32, notice: Notice) {
        let now = stopwatch_ns();
        if !matches!(notice, Notice::Invalidated(Outcome::Everywhere)) {
            self.alone.fetch_add(1, Ordering::Relaxed);
        }
        let began = self.began.lock().get(token as usize).copied().unwrap_or(now);
        self.took_us.lock().push(now.saturating_sub(began) / 1_000);
    }
}

impl Ended {
    /// The time in ms within which this share of all calls had ended, if they did.
    pub(crate) fn within(&self, share: f64) -> Option<f64> {
        let nth = ((self.calls as f64 * share).ceil() as usize).max(1) - 1;
        self.took_us.get(nth).map(|us| *us as f64 / 1e3)
    }
}
