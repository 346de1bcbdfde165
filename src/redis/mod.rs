//! The shared tier on a Redis or Valkey server, a pair watched by Sentinel, or a cluster.
//!
//! One thread does everything, over four connections: one for the protocol of coherence, one
//! for reads, one for writes, one that is subscribed. `connect` opens, with the configuration of `client`,
//! and watches them, `tls` encrypts them, `diagnosis` says why that fails, `health` counts,
//! `refusals` tracks what the server refuses, `room` asks how much it holds, `role` whether it is a
//! primary; `sentinels` name the primary, `servers` finds the shard of a cluster that has a key, over
//! connections that are `kept`; `session` ties them to the listener, and `thread` runs it. `exchange`
//! carries out one command of the protocol with `scripts` and reads the `reply` with `wire`;
//! `invalidations` hears what other instances publish; `timer` waits for the listener's next moment;
//! `entries` reads and writes entries, which wait in a `queue`; most `reads` go over a `pipeline`, which
//! `dial` connects;
//! `leases` agrees on which instance generates them, `following` hears when it has; `snapshots` tell
//! the others how it does, `published` is what they tell, and `questions` answers what operators ask
//! all of them; `kin` finds processes of the same build elsewhere; `app` serves the app's own code, over
//! connections of its own that its first call opens; `operate` answers the one who runs it. `keys` names
//! what lies on the server.

mod app;
mod client;
mod connect;
mod diagnosis;
mod dial;
mod entries;
mod exchange;
mod failure;
mod following;
mod health;
mod history;
mod invalidations;
mod kept;
mod keys;
mod kin;
mod leases;
mod operate;
mod pipeline;
mod published;
mod questions;
mod queue;
mod reads;
mod refusals;
mod reply;
mod role;
mod room;
mod scripts;
mod sentinels;
mod servers;
mod session;
mod snapshots;
mod thread;
mod timer;
mod tls;
mod wire;

use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::mpsc::sync_channel;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::runtime::{Builder, Handle};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use app::Asked;
use connect::Connector;
use entries::Read;
use health::Counters;
use keys::Keys;
use kin::Kin;
pub use operate::RedisOperator;
pub use published::ReceivePublished;
use published::{Asker, Question};
use queue::WriteQueue;
use session::Session;
use thread::{Order, run, serve};
use timer::Timer;

use crate::coherence::event::{Command, Request};
use crate::error::Error;
use crate::guard::guard;
use crate::operate::server::{Answered, Published};
use crate::options::{Server, SharedOptions};
use crate::store::{
    Address, Health, LeaseEnd, LeaseRequest, Listener, Make, Receive, ReceiveLease, SharedStore,
};
use crate::wake::bells;

/// Longest time that leaving may take.
const LEAVE_LIMIT: Duration = Duration::from_millis(60);

/// A running store. Dropping it leaves.
pub struct RedisStore {
    orders: UnboundedSender<Order>,
    /// Reads of the present tick, not sent yet.
    reads: Mutex<Vec<Read>>,
    /// Orders of the app's own code of the present tick, not sent yet.
    own: Mutex<Vec<Asked>>,
    writes: Arc<WriteQueue>,
    counters: Arc<Counters>,
    listener: Arc<dyn Listener>,
    timer: Arc<Timer>,
    /// Orders of the app's own code that are not answered yet.
    asked: Arc<AtomicUsize>,
}

impl RedisStore {
    /// Starts the thread, which connects. An unreachable server is no error. The server keeps
    /// `most_tags` rows of tags.
    ///
    /// # Errors
    /// The files for TLS cannot be used, or the thread cannot be started.
    pub fn start(
        shared: &SharedOptions,
        most_tags: usize,
        listener: Arc<dyn Listener>,
    ) -> Result<Self, Error> {
        let (store, session, wanted) = Self::prepare(shared, most_tags, listener)?;
        let runtime =
            Builder::new_current_thread().enable_all().on_thread_park(bells::release).build();
        let started = runtime.and_then(|runtime| {
            let run = move || run(runtime, session, wanted);
            std::thread::Builder::new().name("tiercel".into()).spawn(run)
        });
        started.map_err(|_| Error::NoThread)?;
        Ok(store)
    }

    /// The same on a thread that drives many stores, as in a bench of a fleet. Their tasks end with
    /// its runtime.
    ///
    /// # Errors
    /// The files for TLS cannot be used.
    pub fn start_on(
        runtime: &Handle,
        shared: &SharedOptions,
        most_tags: usize,
        listener: Arc<dyn Listener>,
    ) -> Result<Self, Error> {
        let (store, session, wanted) = Self::prepare(shared, most_tags, listener)?;
        runtime.spawn(async move {
            let session = Arc::new(session);
            let done = serve(&session, wanted).await;
            guard(|| session.end());
            done.map(|done| done.send(()))
        });
        Ok(store)
    }

    fn prepare(
        shared: &SharedOptions,
        most_tags: usize,
        listener: Arc<dyn Listener>,
    ) -> Result<(Self, Session, UnboundedReceiver<Order>), Error> {
        let namespace = shared.namespace.as_deref().unwrap_or_default();
        let keys = Keys::new(namespace, shared.server.database);
        let counters = Arc::new(Counters::default());
        let writes = Arc::new(WriteQueue::new(shared.write_queue_bytes));
        let connector = Connector::new(shared, keys.table(), counters.clone())?;
        let (orders, wanted) = unbounded_channel();
        let session = Session::new(
            shared,
            most_tags,
            keys,
            connector,
            counters.clone(),
            writes.clone(),
            listener.clone(),
        );
        let timer = session.timer.clone();
        let (reads, own, asked) = (Mutex::default(), Mutex::default(), Arc::default());
        let store = Self { orders, reads, own, writes, counters, listener, timer, asked };
        Ok((store, session, wanted))
    }

    /// Finds out whether processes of the same build, by its name, use another namespace. `is_given`:
    /// whether an option names the one here.
    pub fn find_kin(&self, build: String, is_given: bool) {
        let _ = self.orders.send(Order::Kin(Kin { build, is_given }));
    }

    /// Asks what the listed instances tell of themselves. It is answered in any case, on another
    /// thread, within the time that a connection may take.
    pub fn published(&self, receive: ReceivePublished<Published>) {
        self.ask(Question::Published(Asker::new(receive)));
    }

    /// Asks the listed instances what they remember about something. It is answered likewise, a second
    /// later at most.
    pub fn accounts(&self, of: String, receive: ReceivePublished<Vec<Answered>>) {
        self.ask(Question::Accounts(of, Asker::new(receive)));
    }

    fn ask(&self, question: Question) {
        // Without a thread it comes back here, and is answered by being dropped.
        let _ = self.orders.send(Order::Ask(question));
    }

    /// Checks options as far as possible without the server.
    ///
    /// # Errors
    /// The files for TLS cannot be used.
    pub fn check(server: &Server) -> Result<(), Error> {
        client::config(server).map(drop)
    }
}

impl RedisStore {
    /// Releases leases whose writes were dropped, so that other instances may generate.
    fn release(&self, leases: Vec<Address>) {
        for address in leases {
            self.end(address, LeaseEnd::Released);
        }
    }
}

impl SharedStore for RedisStore {
    fn read(&self, address: Address, receive: Receive) {
        self.reads.lock().push(Read::new(address, receive));
    }

    fn claim(
        &self,
        address: Address,
        claim: LeaseRequest,
        pause_ms: Option<u32>,
        receive: ReceiveLease,
    ) {
        let read = Read::with_claim(address, claim, receive);
        match pause_ms {
            None => self.reads.lock().push(read),
            Some(ms) => {
                let _ = self.orders.send(Order::Later(Duration::from_millis(ms.into()), read));
            }
        }
    }

    fn end(&self, address: Address, ending: LeaseEnd) {
        let _ = self.orders.send(Order::End(address, ending));
    }

    fn flush(&self) {
        let reads = std::mem::take(&mut *self.reads.lock());
        if !reads.is_empty() {
            // Without a thread the reads come back here, and dropping them answers them.
            let _ = self.orders.send(Order::Read(reads));
        }
        let own = std::mem::take(&mut *self.own.lock());
        if !own.is_empty() {
            let _ = self.orders.send(Order::Own(own));
        }
    }

    fn write(&self, address: Address, weight: usize, ends: bool, make: Make) {
        self.release(self.writes.add(address, weight, ends, make));
    }

    fn drain(&self, done: Box<dyn FnOnce() + Send>) {
        self.writes.drain(done);
    }

    fn exchange(&self, commands: Vec<(Request, Command)>) {
        // Without commands, only the listener's timer may have changed.
        if !commands.is_empty() || self.timer.is_late(self.listener.next_timer()) {
            let _ = self.orders.send(Order::Exchange(commands));
        }
    }

    /// Removes this process from the list that an invalidation waits for, and stops.
    fn leave(&self) {
        // What this tick asked for comes before that.
        self.flush();
        let (done, left) = sync_channel(1);
        if self.orders.send(Order::Leave(done)).is_ok() {
            let _ = left.recv_timeout(LEAVE_LIMIT);
        }
    }

    fn forget_writes(&self) {
        self.release(self.writes.clear());
    }

    fn health(&self) -> Health {
        let mut health = self.counters.health();
        self.writes.add_to(&mut health);
        health
    }
}

impl app::Store for RedisStore {
    fn carry_out(&self, order: app::Order, receive: app::Receive) {
        if let Some(asked) = Asked::new(order, receive, &self.asked) {
            // Without a thread it comes back here, and is answered by being dropped.
            let _ = self.orders.send(Order::Own(vec![asked]));
        }
    }

    fn gather(&self, order: app::Order, receive: app::Receive) {
        if let Some(asked) = Asked::new(order, receive, &self.asked) {
            self.own.lock().push(asked);
        }
    }

    fn later(&self, after: Duration, call: Box<dyn FnOnce() + Send>) {
        let _ = self.orders.send(Order::After(after, call));
    }
}

impl Drop for RedisStore {
    fn drop(&mut self) {
        self.leave();
    }
}

/// The name of this machine, as far as it has one.
pub(crate) fn host() -> String {
    #[cfg(unix)]
    let name = rustix::system::uname().nodename().to_string_lossy().into_owned();
    #[cfg(not(unix))]
    let name = std::env::var("COMPUTERNAME").unwrap_or_default();
    name
}

/// An unguessable number.
fn random() -> u64 {
    RandomState::new().hash_one(0_u8)
}
