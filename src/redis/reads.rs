//! Reads of entries over a connection of their own, one for each shard of a cluster: they are what there
//! are most of, and large ones hold up no command of the protocol.
//!
//! It only makes reads faster: while it is away, owes an answer for long, or answers with an error, the
//! link reads, which finds out what is wrong. An entry says itself whether it is valid, so it does not
//! matter over which connection it came.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use bytes::BytesMut;
use fred::types::config::{Server, ServerConfig};
use parking_lot::Mutex;
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::sleep;

use super::connect::Connection;
use super::dial::{PROBE, command, dial};
use super::entries::{Found, Read};
use super::failure::Failure;
use super::health::{Backoff, PROBE_EVERY};
use super::pipeline::{Frame, Pipeline, Takes};
use super::refusals::Deed;
use super::session::Session;
use crate::store::LeaseReply;

/// Where entries are read: a shard of a cluster, or `None` for the only server.
type Place = Option<Server>;

/// The open connections for reads.
#[derive(Default)]
pub(super) struct Reads(Mutex<HashMap<Place, Arc<Pipeline<Read>>>>);

impl Reads {
    fn at(&self, place: &Place) -> Option<Arc<Pipeline<Read>>> {
        self.0.lock().get(place).cloned()
    }
}

impl Session {
    /// Sends reads over the connections for them. Returns those that the link has to send.
    pub(super) fn read_ahead(&self, link: &Connection, reads: Vec<Read>) -> Vec<Read> {
        // A claim of one who has a stale entry leaves first.
        let is_plain = |read: &Read| read.claim.is_none_or(|claim| claim.only_absent);
        let (plain, mut others): (Vec<_>, Vec<_>) = reads.into_iter().partition(is_plain);
        let add = |read: &Read, out: &mut BytesMut| {
            command(out, [b"GET", self.keys.entry_name(read.address).as_bytes()]);
        };
        let mut send = |pipeline: Option<Arc<Pipeline<Read>>>, reads| match pipeline {
            Some(pipeline) => others.extend(pipeline.send(reads, add)),
            None => others.extend(reads),
        };
        if link.is_of_cluster {
            for read in plain {
                let server = link.client.server_of(&self.keys.entry(read.address));
                send(server.and_then(|server| link.reads.at(&Some(server))), vec![read]);
            }
        } else if !plain.is_empty() {
            send(link.reads.at(&None), plain);
        }
        others
    }

    /// Keeps the connections for reads, for as long as the link is open.
    pub(super) async fn keep_reads(self: Arc<Self>, link: Arc<Connection>) {
        if let Some(server) = self.connector.only_server(&link) {
            return self.keep_reads_from(&link, None, server).await;
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
                        session.keep_reads_from(&link, Some(shard), server).await;
                    })
                });
            }
            sleep(PROBE_EVERY).await;
        }
    }

    async fn keep_reads_from(
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
                opened.pipeline.drive(stream, &opened).await;
                if opened.pipeline.was_of_use() {
                    backoff.reset();
                }
            }
            sleep(backoff.next()).await;
        }
    }
}

/// A connection in use. However that ends, the link sends what waits.
struct Opened<'a> {
    session: &'a Arc<Session>,
    link: &'a Arc<Connection>,
    place: &'a Place,
    pipeline: Arc<Pipeline<Read>>,
}

impl<'a> Opened<'a> {
    fn new(session: &'a Arc<Session>, link: &'a Arc<Connection>, place: &'a Place) -> Self {
        let pipeline = Arc::new(Pipeline::new(session.command_timeout, PROBE));
        link.reads.0.lock().insert(place.clone(), pipeline.clone());
        session.counters.connections.fetch_add(1, Ordering::Relaxed);
        Self { session, link, place, pipeline }
    }
}

impl Drop for Opened<'_> {
    fn drop(&mut self) {
        self.session.counters.connections.fetch_sub(1, Ordering::Relaxed);
        self.link.reads.0.lock().remove(self.place);
        let left = self.pipeline.left();
        let is_linked = self.session.link().is_some_and(|link| Arc::ptr_eq(&link, self.link));
        if is_linked {
            self.session.read_by_link(self.link, left);
        }
    }
}

impl Takes<Read> for Opened<'_> {
    fn take(&self, answers: Vec<(Read, Frame)>, sent_ns: u64) {
        let (mut told, mut again) = (Vec::with_capacity(answers.len()), Vec::new());
        for (read, frame) in answers {
            match found(frame) {
                Some(found) => told.push((read, (LeaseReply::Unavailable, found))),
                None => again.push(read),
            }
        }
        if !told.is_empty() {
            self.session.counters.answered(sent_ns);
            self.session.mind(Deed::Read, &Ok::<(), Failure>(()));
            self.session.answer_reads(self.link, told, sent_ns);
        }
        self.session.read_by_link(self.link, again);
    }

    fn give_up(&self, late: Vec<Read>) {
        let key = late.first().map(|read| self.session.keys.entry(read.address));
        drop(late);
        let result = Err::<(), _>(Failure::TimedOut);
        // Losing a shard loses its keys, and nothing else.
        match key.filter(|key| !self.link.client.is_with_table(key)) {
            Some(key) => self.link.client.note(&key, &result),
            None => self.session.note(self.link, &result),
        }
    }
}

/// What lies there; `None` if the answer is something else.
fn found(frame: Frame) -> Option<Found> {
    match frame {
        Frame::Null => Some(Ok(None)),
        Frame::BulkString(bytes) => Some(Ok(Some(bytes))),
        // A key of another type, which one who reads several keys is not told of either.
        Frame::Error(text) if text.starts_with("WRONGTYPE") => Some(Ok(None)),
        _ => None,
    }
}
