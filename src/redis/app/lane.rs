//! A lean connection beside that of the door, over which everything goes, in order: the client has a
//! task, a timer and two messages for each command.
//!
//! What is late keeps its place, so that the command that is to undo it comes after it. For the same
//! reason nothing takes another way as long as there is a lane; without one, the client carries all.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use fred::error::{Error, ErrorKind};
use fred::interfaces::ClientLike;
use fred::types::{InfoKind, Key, Value};
use tokio::sync::oneshot::{Receiver, Sender, channel};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::super::connect::Connection;
use super::super::dial::{PROBE, command_of, dial};
use super::super::health::Counters;
use super::super::pipeline::{Frame, Pipeline, Takes};
use super::super::reply::{bytes, value};
use super::super::scripts::Script;
use super::super::session::Session;
use crate::clock::stopwatch_ns;

/// Silence is not the end of a lane for twice as long: probes of the link find a dead server sooner, and
/// who waits has a limit of his own.
const LEAST_LIMIT: Duration = Duration::from_secs(1);
/// Callers end first, and nobody takes what one of them gave up for the end of the lane.
const SLACK: Duration = Duration::from_millis(100);
/// How long opening one may take: somebody waits.
const OPEN_LIMIT: Duration = Duration::from_millis(800);
/// One that ends sooner was of no use, whatever it answered: the next has to wait.
const LEAST_LIFE: Duration = Duration::from_millis(500);

/// Commands under way, each with who waits for its answer, or did.
pub(super) struct Lane(Pipeline<Sender<Frame>>);

/// A lane in use. Whatever ends its use, those who wait learn that there is no answer.
pub(super) struct Driven {
    pub(super) lane: Arc<Lane>,
    counters: Arc<Counters>,
    driving: JoinHandle<()>,
    /// On the stopwatch.
    opened_ns: u64,
}

impl Session {
    /// Opens a lane to the server that a link leads to; `None` where that cannot be had.
    pub(super) async fn open_lane(&self, link: &Connection) -> Option<Driven> {
        let server = self.connector.only_server(link)?;
        let (config, limit) = self.connector.login();
        let begun_ns = stopwatch_ns();
        let stream = dial(config, &server, limit.min(OPEN_LIMIT)).await?;
        let limit = self.command_timeout.max(LEAST_LIMIT) + SLACK;
        let lane = Arc::new(Lane(Pipeline::new(limit, PROBE)));
        let driven = lane.clone();
        // On its own: nothing else is looked at when an answer comes.
        let driving = tokio::spawn(async move { driven.0.drive(stream, &ToThoseWhoWait).await });
        self.counters.connections.fetch_add(1, Ordering::Relaxed);
        let counters = self.counters.clone();
        let opened_ns = stopwatch_ns();
        let driven = Driven { lane, counters, driving, opened_ns };
        let took = Duration::from_nanos(opened_ns.saturating_sub(begun_ns));
        let is_same = is_same_server(link, &driven.lane);
        let is_same = timeout(OPEN_LIMIT.saturating_sub(took), is_same);
        is_same.await.ok().filter(|is_same| *is_same).map(|_| driven)
    }
}

/// Whether a lane leads where the link does, which takes writes. The name of a server may have several
/// addresses. A user who may not ask has to trust it.
async fn is_same_server(link: &Connection, lane: &Lane) -> bool {
    let of_link = link.client.info::<String>(Some(InfoKind::Server)).await;
    let of_lane = answer(lane.send([b"INFO".as_slice(), b"server"].into_iter())).await;
    let of_lane = of_lane.ok().and_then(|info| info.as_string());
    let (Ok(of_link), Some(of_lane)) = (of_link, of_lane) else { return true };
    run_id(&of_link) == run_id(&of_lane)
}

fn run_id(info: &str) -> Option<&str> {
    info.lines().find_map(|line| line.strip_prefix("run_id:")).map(str::trim)
}

impl Driven {
    /// Waits until it ends. True if it was of use.
    pub(super) async fn ended(&mut self) -> bool {
        let _ = (&mut self.driving).await;
        stopwatch_ns().saturating_sub(self.opened_ns) >= LEAST_LIFE.as_nanos() as u64
    }
}

impl Drop for Driven {
    fn drop(&mut self) {
        self.driving.abort();
        self.counters.connections.fetch_sub(1, Ordering::Relaxed);
        drop(self.lane.0.left());
    }
}

struct ToThoseWhoWait;

impl Takes<Sender<Frame>> for ToThoseWhoWait {
    fn take(&self, answers: Vec<(Sender<Frame>, Frame)>, _: u64) {
        for (waiter, frame) in answers {
            // Whose time is over does not wait any more.
            let _ = waiter.send(frame);
        }
    }

    fn give_up(&self, late: Vec<Sender<Frame>>) {
        drop(late);
    }
}

impl Lane {
    /// Runs a script: by hash, or by source if the server does not know it yet.
    pub(super) async fn run(
        &self,
        script: &Script,
        keys: &[Key],
        args: &[Value],
    ) -> Result<Value, Error> {
        debug_assert!(args.iter().all(|arg| bytes(arg).is_some()), "arguments are text or bytes");
        let count = keys.len().to_string();
        let run = |name: &[u8], script: &str| {
            let head = [name, script.as_bytes(), count.as_bytes()].into_iter();
            let args = args.iter().filter_map(bytes);
            self.send(head.chain(keys.iter().map(Key::as_bytes)).chain(args))
        };
        match answer(run(b"EVALSHA", script.hash())).await {
            Err(error) if error.details().starts_with("NOSCRIPT") => {
                answer(run(b"EVAL", script.source())).await
            }
            result => result,
        }
    }

    /// Sends a command about a key.
    pub(super) async fn command(
        &self,
        name: &'static str,
        key: &Key,
        rest: &[Value],
    ) -> Result<Value, Error> {
        debug_assert!(rest.iter().all(|arg| bytes(arg).is_some()), "arguments are text or bytes");
        let head = [name.as_bytes(), key.as_bytes()].into_iter();
        answer(self.send(head.chain(rest.iter().filter_map(bytes)))).await
    }

    fn send<'a>(&self, words: impl Iterator<Item = &'a [u8]>) -> Receiver<Frame> {
        let (waiter, answer) = channel();
        self.0.send_in_turn(waiter, |out| command_of(out, words));
        answer
    }
}

async fn answer(answer: Receiver<Frame>) -> Result<Value, Error> {
    match answer.await {
        Ok(Frame::Error(text)) => Err(Error::new(ErrorKind::Unknown, text.to_string())),
        Ok(frame) => Ok(value(frame)),
        Err(_) => Err(Error::new(ErrorKind::Canceled, "the lane has ended")),
    }
}
