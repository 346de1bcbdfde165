//! What the tasks of a store share, and how its connections come and go.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use fred::interfaces::ClientLike;
use fred::types::RespVersion;
use parking_lot::Mutex;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use super::app::{self, Door};
use super::connect::{Connection, ConnectionGuard, Connector};
use super::exchange;
use super::failure::Failure;
use super::following::Following;
use super::health::{Backoff, Counters};
use super::keys::Keys;
use super::kin::{self, Kin};
use super::published::Askers;
use super::questions::Questions;
use super::queue::WriteQueue;
use super::refusals::{Deed, News, Pause};
use super::room;
use super::scripts::Scripts;
use super::timer::Timer;
use crate::account::process_name;
use crate::clock::stopwatch_ns;
use crate::coherence::event::{Command, Event, Request};
use crate::guard::guard;
use crate::options::SharedOptions;
use crate::store::{Listener, Trouble};
use crate::wake::bells;

/// How long leaving may delay the end of the process.
const LEAVE_LIMIT: Duration = Duration::from_millis(50);

/// Servers before this major version are too old.
const OLDEST: u64 = 6;

/// The state of a running store, used on the store's thread alone.
pub(super) struct Session {
    /// How long a read or an exchange may take.
    pub(super) command_timeout: Duration,
    /// Rows of tags the server keeps.
    pub(super) most_tags: usize,
    pub(super) keys: Keys,
    pub(super) scripts: Scripts,
    /// The identity of this process among the instances.
    pub(super) instance: String,
    /// What it calls itself in messages.
    pub(super) process: String,
    pub(super) connector: Connector,
    pub(super) counters: Arc<Counters>,
    pub(super) writes: Arc<WriteQueue>,
    pub(super) listener: Arc<dyn Listener>,
    /// The connection of the protocol.
    link: Mutex<Option<Arc<Connection>>>,
    /// Commands under way. One that is no longer here has been answered.
    under_way: Mutex<HashSet<Request>>,
    /// The connection of the app's own code, and its scripts.
    pub(super) door: Door,
    pub(super) app_scripts: app::Scripts,
    /// Set while the server forbids what leases need: no claim is sent.
    pub(super) leaseless: Pause,
    /// The generations of other instances that gets wait for.
    pub(super) following: Following,
    /// Set while the server forbids snapshots, and how often there is one.
    pub(super) snapshotless: Pause,
    pub(super) snapshot_every: Duration,
    /// The snapshot that leaves with the next poll.
    pub(super) snapshot: Mutex<Option<Bytes>>,
    /// What operators want to know.
    pub(super) questions: Questions,
    /// Builds whose processes are to be found once there is a connection, and those that are known.
    kin: Mutex<Vec<Kin>>,
    builds: Mutex<HashSet<String>>,
    /// Who wants to know what instances tell of themselves.
    pub(super) askers: Askers,
    /// Whether the server has been asked for its room.
    has_asked: AtomicBool,
    is_over: AtomicBool,
    pub(super) timer: Arc<Timer>,
}

impl Session {
    pub(super) fn new(
        shared: &SharedOptions,
        most_tags: usize,
        keys: Keys,
        connector: Connector,
        counters: Arc<Counters>,
        writes: Arc<WriteQueue>,
        listener: Arc<dyn Listener>,
    ) -> Self {
        Self {
            command_timeout: shared.command_timeout,
            most_tags,
            keys,
            scripts: Scripts::default(),
            instance: format!("{:016x}", super::random()),
            process: process_name(&super::host(), std::process::id()),
            connector,
            counters,
            writes,
            listener,
            link: Mutex::new(None),
            under_way: Mutex::new(HashSet::new()),
            door: Door::new(shared.connect_timeout),
            app_scripts: app::Scripts::default(),
            leaseless: Pause::default(),
            following: Following::default(),
            snapshotless: Pause::default(),
            snapshot_every: shared.snapshot_every,
            snapshot: Mutex::default(),
            questions: Questions::default(),
            kin: Mutex::default(),
            builds: Mutex::default(),
            askers: Askers::new(shared.connect_timeout),
            has_asked: AtomicBool::new(false),
            is_over: AtomicBool::new(false),
            timer: Arc::new(Timer::new()),
        }
    }

    /// The connection of the protocol; `None` while the store is away.
    pub(super) fn link(&self) -> Option<Arc<Connection>> {
        self.link.lock().clone()
    }

    /// Passes an event to the listener, and sends the commands it returns.
    pub(super) fn tell(self: &Arc<Self>, event: Event) {
        if self.is_over.load(Ordering::Relaxed) {
            return;
        }
        // A large table takes a while.
        bells::release_late();
        let commands = guard(|| self.listener.on(event)).unwrap_or_default();
        self.send(commands);
    }

    /// Sends commands. Each is answered later, by an event.
    pub(super) fn send(self: &Arc<Self>, commands: Vec<(Request, Command)>) {
        for (request, command) in commands {
            self.under_way.lock().insert(request);
            let waiting = Waiting { session: self.clone(), request };
            match self.link() {
                Some(link) => {
                    let is_poll = matches!(command, Command::Poll(_));
                    let carried = tokio::spawn(waiting.carry_out(link.clone(), command));
                    if is_poll {
                        self.send_snapshot_along(link);
                    }
                    carried
                }
                // Not immediately: the listener may be in the middle of an event.
                None => tokio::spawn(async move { drop(waiting) }),
            };
        }
        self.timer.rearm();
    }

    /// Keeps the connection of the protocol, for as long as the store lives.
    pub(super) async fn keep_link(self: Arc<Self>) {
        let mut backoff = Backoff::default();
        loop {
            match self.connector.open(RespVersion::RESP2).await {
                Ok(life) => {
                    self.check(life.link()).await;
                    if !self.has_asked.swap(true, Ordering::Relaxed) {
                        tokio::spawn(room::ask(self.clone(), life.link().clone()));
                    }
                    self.look_for_kin(life.link());
                    self.answer_askers(life.link());
                    let mut linked = Attached::new(&self, life);
                    if linked.life.watch().await {
                        backoff.reset();
                        // Reconnects without a pause: gets may be waiting.
                        continue;
                    }
                }
                Err(failure) => {
                    self.unreachable();
                    let trouble = self.connector.trouble(failure).await;
                    self.refuse_askers(trouble);
                    guard(|| self.listener.fails(trouble));
                }
            }
            sleep(backoff.next()).await;
        }
    }

    /// Finds processes of a build, now or once there is a connection.
    pub(super) fn find_kin(self: &Arc<Self>, kin: Kin) {
        // Every thread and every start of an app names it.
        if !self.builds.lock().insert(kin.build.clone()) {
            return;
        }
        self.kin.lock().push(kin);
        if let Some(link) = self.link() {
            self.look_for_kin(&link);
        }
    }

    fn look_for_kin(self: &Arc<Self>, link: &Arc<Connection>) {
        for kin in std::mem::take(&mut *self.kin.lock()) {
            tokio::spawn(kin::look(self.clone(), link.clone(), kin));
        }
    }

    /// Reports that the server is too old, or lacks commands: without a command of the protocol
    /// every poll would fail for no visible reason.
    async fn check(self: &Arc<Self>, link: &Connection) {
        if let Some(version) = link.client.server_version().filter(|version| version.major < OLDEST)
        {
            self.listener.is_old(&version.to_string());
        }
        let lacking = exchange::lacking(self, link).await.unwrap_or_default();
        if !lacking.is_empty() {
            self.listener.lacks(&lacking.join(", "));
        }
    }

    /// No connection could be opened: gets need not wait for one any more.
    fn unreachable(self: &Arc<Self>) {
        self.counters.set_broken(true);
        self.tell(Event::Unreachable);
    }

    /// Gives the connection up, if it is still the one in use. Every command under way on it fails,
    /// and the listener knows before anything is sent on another.
    pub(super) fn give_up(self: &Arc<Self>, link: &Arc<Connection>) {
        let is_used = self.link.lock().take_if(|used| Arc::ptr_eq(used, link)).is_some();
        link.give_up();
        if !is_used {
            return;
        }
        self.counters.set_broken(true);
        self.following.look();
        let under_way: Vec<Request> = self.under_way.lock().iter().copied().collect();
        for request in under_way {
            self.settle(request, Event::Failed(request));
        }
        self.tell(Event::Disconnected);
    }

    /// Records how a call on the link went. A lost connection is given up immediately, a slow one
    /// after the fifth late answer.
    pub(super) fn note<T>(self: &Arc<Self>, link: &Arc<Connection>, result: &Result<T, Failure>) {
        let is_over = match result {
            Err(Failure::Lost(_) | Failure::Unauthenticated(_)) => true,
            Err(Failure::TimedOut) => self.counters.late(stopwatch_ns()),
            Ok(_) | Err(Failure::Denied(_) | Failure::BadReply(_)) => {
                self.counters.in_time();
                false
            }
        };
        if is_over {
            self.give_up(link);
        }
    }

    /// Answers a command, unless it has been answered.
    fn settle(self: &Arc<Self>, request: Request, event: Event) {
        if self.under_way.lock().remove(&request) {
            self.tell(event);
        }
    }

    /// Records whether the server did what it was asked, and reports a change to the listener.
    pub(super) fn mind<T>(&self, deed: Deed, result: &Result<T, Failure>) {
        let news = self.counters.refusals.note(deed, result);
        let told = news.map(|news| match news {
            News::Begun(refusal, part) => Some((refusal, part)),
            News::Over => None,
        });
        if let Some(told) = told {
            guard(|| self.listener.refuses(told));
        }
    }

    /// Sends the listener its ticks when they are due.
    pub(super) async fn keep_time(self: Arc<Self>) {
        loop {
            let listener = &self.listener;
            if self.timer.wait(|| listener.next_timer(), || listener.now()).await {
                self.tell(Event::Tick);
                // A listener that is always due must not keep the thread to itself.
                tokio::task::yield_now().await;
            }
        }
    }

    /// Removes this process from the list of instances, so that no invalidation waits for it.
    pub(super) async fn leave(&self) {
        if let Some(link) = self.link() {
            let _ = timeout(LEAVE_LIMIT, Box::pin(exchange::leave(self, &link))).await;
        }
    }

    /// Answers every command under way, and reports to the listener that the store is away for
    /// good.
    pub(super) fn end(self: &Arc<Self>) {
        if let Some(link) = self.link() {
            self.give_up(&link);
        }
        self.unreachable();
        guard(|| self.listener.fails(Trouble::Closed));
        // Tasks dropped with the runtime have no listener left.
        self.is_over.store(true, Ordering::Relaxed);
    }
}

/// A connection in use. It is given up however its use ends.
struct Attached<'a> {
    session: &'a Arc<Session>,
    life: ConnectionGuard,
    reading: JoinHandle<()>,
}

impl<'a> Attached<'a> {
    fn new(session: &'a Arc<Session>, life: ConnectionGuard) -> Self {
        *session.link.lock() = Some(life.link().clone());
        session.counters.set_broken(false);
        session.tell(Event::Connected);
        let reading = tokio::spawn(session.clone().keep_reads(life.link().clone()));
        Self { session, life, reading }
    }
}

impl Drop for Attached<'_> {
    fn drop(&mut self) {
        self.session.give_up(self.life.link());
        self.reading.abort();
    }
}

/// A command under way. It is always answered: dropping it answers too.
struct Waiting {
    session: Arc<Session>,
    request: Request,
}

impl Waiting {
    async fn carry_out(self, link: Arc<Connection>, command: Command) {
        let deed = Deed::of(&command);
        let is_long = command == Command::Load;
        let sent = stopwatch_ns();
        let call = Box::pin(exchange::carry_out(&self.session, &link, command.clone()));
        let result = Box::pin(link.confirmed(&command, call)).await;
        // A table is loaded page by page.
        if result.is_ok() && !is_long {
            self.session.counters.answered(sent);
        }
        self.session.note(&link, &result);
        self.session.mind(deed, &result);
        match result {
            Ok(answer) => self.session.settle(self.request, Event::Answered(self.request, answer)),
            Err(Failure::Denied(_)) => {
                self.session.settle(self.request, Event::Denied(self.request));
            }
            Err(_) => {}
        }
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.session.settle(self.request, Event::Failed(self.request));
    }
}
