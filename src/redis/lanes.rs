//! Lean connections beside a link, one to each server that it leads to: for what there is most of.
//!
//! They only make it faster: while a lane is away, owes an answer for long, or its answer may be one that the client has
//! an answer to, the link is asked, which finds out what is wrong.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use fred::types::Key;
use fred::types::config::{Server, ServerConfig};
use parking_lot::Mutex;
use tokio::sync::oneshot;
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::sleep;

use super::connect::Connection;
use super::dial::{PROBE, dial};
use super::entries::Read;
use super::failure::Failure;
use super::health::{Backoff, PROBE_EVERY};
use super::pipeline::{Frame, Pipeline, Takes};
use super::session::Session;

/// One who waits for an answer.
pub(super) enum Waiter {
    Read(Read),
    Reply(oneshot::Sender<Result<Frame, Failure>>),
}

pub(super) type Lane = Pipeline<Waiter>;

/// Where a lane leads: to a shard of a cluster, or `None` for the only server.
type Place = Option<Server>;

/// The open lanes of a link.
#[derive(Default)]
pub(super) struct Lanes(Mutex<HashMap<Place, Arc<Lane>>>);

impl Connection {
    /// The lane to the only server.
    pub(super) fn lane(&self) -> Option<Arc<Lane>> {
        self.lanes.0.lock().get(&None).cloned()
    }

    /// The lane to the server that has a key.
    pub(super) fn lane_of(&self, key: &Key) -> Option<Arc<Lane>> {
        if !self.is_of_cluster {
            return self.lane();
        }
        let server = self.client.server_of(key)?;
        self.lanes.0.lock().get(&Some(server)).cloned()
    }
}

impl Session {
    /// Keeps the lanes of a link, for as long as it is open.
    pub(super) async fn keep_lanes(self: Arc<Self>, link: Arc<Connection>) {
        if let Some(server) = self.connector.only_server(&link) {
            return self.keep_lane(&link, None, server).await;
        }
        let mut tasks = JoinSet::new();
        let mut kept: HashMap<Server, AbortHandle> = HashMap::new();
        loop {
            while tasks.try_join_next().is_some() {}
            let shards = link.client.shards();
            kept.retain(|shard, task| {
                let is_shard = shards.iter().any(|(other, _)| other == shard);
                if !is_shard {
                    task.abort();
                }
                is_shard
            });
            for (shard, server) in shards {
                kept.entry(shard.clone()).or_insert_with(|| {
                    let (session, link) = (self.clone(), link.clone());
                    let server = ServerConfig::Centralized { server };
                    tasks.spawn(async move {
                        session.keep_lane(&link, Some(shard), server).await;
                    })
                });
            }
            sleep(PROBE_EVERY).await;
        }
    }

    async fn keep_lane(
        self: &Arc<Self>,
        link: &Arc<Connection>,
        place: Place,
        server: ServerConfig,
    ) {
        let (config, limit) = self.connector.login();
        let mut backoff = Backoff::default();
        loop {
            if let Some(stream) = dial(config, &server, limit).await {
                let opened = Opened::new(self, link, &place);
                opened.lane.drive(stream, &opened).await;
                if opened.lane.was_of_use() {
                    backoff.reset();
                }
            }
            sleep(backoff.next()).await;
        }
    }
}

/// A lane in use. However that ends, the link sends the reads that wait; whoever waits for a reply
/// learns that it is lost, since what was asked for may have been done.
struct Opened<'a> {
    session: &'a Arc<Session>,
    link: &'a Arc<Connection>,
    place: &'a Place,
    lane: Arc<Lane>,
}

impl<'a> Opened<'a> {
    fn new(session: &'a Arc<Session>, link: &'a Arc<Connection>, place: &'a Place) -> Self {
        let lane = Arc::new(Lane::new(session.command_timeout, PROBE));
        link.lanes.0.lock().insert(place.clone(), lane.clone());
        session.counters.connections.fetch_add(1, Ordering::Relaxed);
        Self { session, link, place, lane }
    }
}

impl Drop for Opened<'_> {
    fn drop(&mut self) {
        self.session.counters.connections.fetch_sub(1, Ordering::Relaxed);
        self.link.lanes.0.lock().remove(self.place);
        let left = self.lane.left();
        if self.session.link().is_some_and(|link| Arc::ptr_eq(&link, self.link)) {
            self.session.read_by_link(self.link, reads(left));
        }
    }
}

impl Takes<Waiter> for Opened<'_> {
    fn take(&self, answers: Vec<(Waiter, Frame)>, sent_ns: u64) {
        let mut read = Vec::with_capacity(answers.len());
        for (waiter, frame) in answers {
            match waiter {
                Waiter::Read(one) => read.push((one, frame)),
                Waiter::Reply(reply) => drop(reply.send(Ok(frame))),
            }
        }
        self.session.take_reads(self.link, read, sent_ns);
    }

    fn give_up(&self, late: Vec<Waiter>) {
        let mut read = Vec::new();
        for waiter in late {
            match waiter {
                Waiter::Read(one) => read.push(one),
                Waiter::Reply(reply) => drop(reply.send(Err(Failure::TimedOut))),
            }
        }
        self.session.give_up_reads(self.link, read);
    }
}

/// Those who wait for entries.
pub(super) fn reads(waiters: Vec<Waiter>) -> Vec<Read> {
    let read = |waiter| match waiter {
        Waiter::Read(read) => Some(read),
        Waiter::Reply(_) => None,
    };
    waiters.into_iter().filter_map(read).collect()
}
