//! A process as the store sees it: it sends what the test wants, and records what it hears.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};
use serde_json::{Value, json};
use tiercel::clock::{Clock, Timestamp};
use tiercel::coherence::event::{
    Answer, Command, Event, Invalidated, Known, Lifetime, Polled, Request, Row,
};
use tiercel::history;
use tiercel::options::{Options, SharedOptions};
use tiercel::redis::RedisStore;
use tiercel::store::{Address, Listener, Part, Refusal, Room, SharedStore};
use tiercel::tags::{Epoch, Position, Tag};

/// Longer than any operation may take.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

pub(crate) struct Peer {
    pub(crate) store: RedisStore,
    pub(crate) heard: Arc<Heard>,
    next: AtomicU64,
}

pub(crate) struct Heard {
    events: Mutex<Vec<Event>>,
    added: Condvar,
    clock: Clock,
    pub(crate) timer: Mutex<Option<Timestamp>>,
    /// Whether it panics at the next event.
    pub(crate) panics: AtomicBool,
    /// The leases it wants renewed.
    pub(crate) leases: Mutex<Vec<Address>>,
    /// The refusals reported to it; `None` where they ended.
    pub(crate) refused: Mutex<Vec<Option<(Refusal, Part)>>>,
    /// The reports of the server's room.
    pub(crate) rooms: Mutex<Vec<Room>>,
    /// What it tells of itself.
    pub(crate) snapshot: Mutex<Option<Vec<u8>>>,
    pub(crate) minutes: Mutex<VecDeque<history::Row>>,
    /// How often it was asked for that.
    asked: AtomicU64,
    /// What it answers to questions, and how long that takes it.
    pub(crate) account: Mutex<(Option<Vec<u8>>, Duration)>,
    /// What it was asked.
    pub(crate) questions: Mutex<Vec<String>>,
}

impl Listener for Heard {
    fn on(&self, event: Event) -> Vec<(Request, Command)> {
        assert!(!self.panics.swap(false, Ordering::SeqCst), "made to panic");
        if event == Event::Tick {
            *self.timer.lock() = None;
        }
        self.events.lock().push(event);
        self.added.notify_all();
        Vec::new()
    }

    fn next_timer(&self) -> Option<Timestamp> {
        *self.timer.lock()
    }

    fn leases(&self) -> Vec<Address> {
        self.leases.lock().clone()
    }

    fn refuses(&self, what: Option<(Refusal, Part)>) {
        self.refused.lock().push(what);
    }

    fn has_room(&self, room: Room) {
        self.rooms.lock().push(room);
    }

    fn snapshot(&self) -> Option<Vec<u8>> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        self.snapshot.lock().clone()
    }

    fn minute(&self) -> Option<history::Row> {
        self.minutes.lock().pop_front()
    }

    fn account(&self, of: &str) -> Option<Vec<u8>> {
        self.questions.lock().push(of.to_owned());
        let (account, takes) = self.account.lock().clone();
        std::thread::sleep(takes);
        account
    }

    fn now(&self) -> Timestamp {
        self.clock.now()
    }
}

impl Heard {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            events: Mutex::default(),
            added: Condvar::new(),
            clock: Clock::system(),
            timer: Mutex::default(),
            panics: AtomicBool::new(false),
            leases: Mutex::default(),
            refused: Mutex::default(),
            rooms: Mutex::default(),
            snapshot: Mutex::default(),
            minutes: Mutex::default(),
            asked: AtomicU64::new(0),
            account: Mutex::default(),
            questions: Mutex::default(),
        })
    }

    /// Waits for the first event, of those not taken yet, that `pick` takes; earlier ones stay.
    pub(crate) fn take<T>(&self, what: &str, pick: impl Fn(&Event) -> Option<T>) -> T {
        let until = deadline(PATIENCE);
        let mut events = self.events.lock();
        loop {
            if let Some(at) = events.iter().position(|event| pick(event).is_some()) {
                return pick(&events.remove(at)).unwrap();
            }
            let is_late = self.added.wait_until(&mut events, until).timed_out();
            assert!(!is_late, "{what} does not come; there is {events:?}");
        }
    }

    pub(crate) fn wait_for(&self, event: &Event) {
        self.take(&format!("{event:?}"), |heard| (heard == event).then_some(()));
    }

    /// Waits until exactly these refusals were reported, in this order.
    pub(crate) fn was_refused(&self, what: &[Option<(Refusal, Part)>]) {
        wait_until("the word", || self.refused.lock().len() >= what.len());
        assert_eq!(*self.refused.lock(), what);
    }

    /// How often it was asked what it tells of itself.
    pub(crate) fn asked(&self) -> u64 {
        self.asked.load(Ordering::SeqCst)
    }

    /// The events heard and not taken.
    pub(crate) fn rest(&self) -> Vec<Event> {
        self.events.lock().clone()
    }
}

#[expect(clippy::disallowed_methods, reason = "a bound for a test")]
pub(crate) fn deadline(after: Duration) -> Instant {
    Instant::now() + after
}

#[expect(clippy::disallowed_methods, reason = "a stopwatch for a test")]
pub(crate) fn measured<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let start = Instant::now();
    (work(), start.elapsed())
}

/// The options of the shared tier, resolved.
pub(crate) fn resolved(options: &Value) -> SharedOptions {
    Options::resolve(options, &Value::Null).unwrap().shared.unwrap()
}

pub(crate) fn shared_at(url: &str) -> SharedOptions {
    resolved(&json!({ "redisUrl": url, "namespace": "app", "writeQueueMb": 1 }))
}

pub(crate) fn shared(port: u16) -> SharedOptions {
    shared_at(&format!("redis://127.0.0.1:{port}"))
}

impl Peer {
    pub(crate) fn start(shared: &SharedOptions) -> Self {
        Self::keeping(100_000, shared)
    }

    /// A peer whose server keeps this number of rows of tags.
    pub(crate) fn keeping(most_tags: usize, shared: &SharedOptions) -> Self {
        let heard = Heard::new();
        let store = RedisStore::start(shared, most_tags, heard.clone()).unwrap();
        Self { store, heard, next: AtomicU64::new(1) }
    }

    /// A connected peer.
    pub(crate) fn connected(shared: &SharedOptions) -> Self {
        let peer = Self::start(shared);
        peer.heard.wait_for(&Event::Connected);
        peer
    }

    pub(crate) fn send(&self, command: Command) -> Request {
        let request = self.next.fetch_add(1, Ordering::Relaxed);
        self.store.exchange(vec![(request, command)]);
        request
    }

    /// The answer to a command; `None` if it failed.
    pub(crate) fn try_ask(&self, command: Command) -> Option<Answer> {
        let request = self.send(command);
        self.heard.take("an answer", |event| match event {
            Event::Answered(to, answer) if *to == request => Some(Some(answer.clone())),
            Event::Failed(to) | Event::Denied(to) if *to == request => Some(None),
            _ => None,
        })
    }

    /// The answer to a command, asked for again if it is late: the machine may be busy.
    pub(crate) fn ask(&self, command: &Command) -> Answer {
        let mut tries = (0..20).filter_map(|_| self.try_ask(command.clone()));
        tries.next().expect("no answer")
    }

    pub(crate) fn poll(&self, known: &Known) -> Polled {
        match self.ask(&Command::Poll(known.clone())) {
            Answer::Polled(polled) => polled,
            other => panic!("{other:?}"),
        }
    }

    /// A first poll; returns what the next poll sends along.
    pub(crate) fn register(&self) -> Known {
        let polled = self.poll(&nothing());
        Known { epoch: polled.epoch, applied: polled.last, open: Vec::new() }
    }

    pub(crate) fn invalidate(&self, tags: &[(&[u8], Lifetime)]) -> Invalidated {
        let tags = tags.iter().map(|(tag, lifetime)| (Tag::from(*tag), *lifetime)).collect();
        match self.ask(&Command::Invalidate { known: None, tags }) {
            Answer::Invalidated(written) => written,
            other => panic!("{other:?}"),
        }
    }

    pub(crate) fn hard(&self, tag: &str) -> Invalidated {
        self.invalidate(&[(tag.as_bytes(), Lifetime::None)])
    }

    pub(crate) fn load(&self) -> (Vec<Row>, Position) {
        match self.ask(&Command::Load) {
            Answer::Loaded { mut rows, floor } => {
                rows.sort();
                (rows, floor)
            }
            other => panic!("{other:?}"),
        }
    }

    pub(crate) fn look(&self) -> (Option<Position>, Option<u64>) {
        match self.ask(&Command::ReadAcks) {
            Answer::Acks { lowest, born_us } => (lowest, born_us),
            other => panic!("{other:?}"),
        }
    }
}

pub(crate) fn nothing() -> Known {
    Known { epoch: Epoch(0), applied: Position(0), open: Vec::new() }
}

pub(crate) fn hard_row(tag: &str, at: Position) -> Row {
    Row { tag: Tag::from(tag), hard: at, soft: Position(0), deadline_us: None }
}

/// Waits until a condition holds.
pub(crate) fn wait_until(what: &str, is_so: impl Fn() -> bool) {
    let until = deadline(PATIENCE);
    while !is_so() {
        #[expect(clippy::disallowed_methods, reason = "a bound for a test")]
        let is_late = Instant::now() > until;
        assert!(!is_late, "{what} does not come about");
        std::thread::sleep(Duration::from_millis(5));
    }
}
