//! A connection to one more server, kept open: to a Sentinel, or to another shard of a cluster. Its
//! loss says nothing about the server that has the table.

use std::sync::Arc;
use std::time::Duration;

use fred::clients::Client;
use fred::interfaces::ClientLike;
use fred::types::Value;
use fred::types::config::Server;
use parking_lot::Mutex;
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use super::connect::{Opener, within};
use super::failure::Failure;
use super::health::{Backoff, Late, MOST_MISSED, PROBE_EVERY, PROBE_LIMIT};
use crate::clock::stopwatch_ns;

/// A kept connection. It closes when this is dropped.
pub(super) struct Kept {
    state: Arc<State>,
    keeping: JoinHandle<()>,
}

struct State {
    opener: Opener,
    server: Server,
    client: Mutex<Option<Client>>,
    late: Late,
    given_up: Notify,
    /// Whether an attempt to open it has ended, successfully or not.
    is_tried: watch::Sender<bool>,
}

impl Kept {
    pub(super) fn start(opener: Opener, server: Server) -> Self {
        let state = Arc::new(State {
            opener,
            server,
            client: Mutex::default(),
            late: Late::default(),
            given_up: Notify::new(),
            is_tried: watch::Sender::new(false),
        });
        let keeping = tokio::spawn(keep(state.clone()));
        Self { state, keeping }
    }

    /// The connection, while there is one.
    pub(super) fn client(&self) -> Option<Client> {
        self.state.client.lock().clone()
    }

    /// Records how a call on it went. Late answers end it as they end the connection to the table.
    pub(super) fn note<T>(&self, result: &Result<T, Failure>) {
        if !matches!(result, Err(Failure::TimedOut)) {
            return self.state.late.in_time();
        }
        if self.state.late.late(stopwatch_ns()) {
            self.state.client.lock().take();
            self.state.given_up.notify_one();
        }
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        self.keeping.abort();
    }
}

/// Waits until each is open or has failed to open, but no longer than `limit`.
pub(super) async fn tried(all: impl Iterator<Item = &Kept>, limit: Duration) {
    let all: Vec<_> = all.map(|kept| kept.state.is_tried.subscribe()).collect();
    let waiting = async {
        for mut is_tried in all {
            let _ = is_tried.wait_for(|is_tried| *is_tried).await;
        }
    };
    let _ = timeout(limit, waiting).await;
}

async fn keep(state: Arc<State>) {
    let mut backoff = Backoff::default();
    loop {
        if let Ok((client, mut task)) = state.opener.open(state.server.clone()).await {
            state.late.in_time();
            *state.client.lock() = Some(client.clone());
            state.is_tried.send_replace(true);
            let was_of_use = tokio::select! {
                _ = &mut task.0 => false,
                () = state.given_up.notified() => false,
                was_of_use = answers(&client) => was_of_use,
            };
            state.client.lock().take();
            if was_of_use {
                backoff.reset();
            }
        }
        state.is_tried.send_replace(true);
        sleep(backoff.next()).await;
    }
}

/// Returns once the server stops answering. True if it ever answered.
async fn answers(client: &Client) -> bool {
    let (mut probes, mut missed) = (0, 0);
    while missed < MOST_MISSED {
        sleep(PROBE_EVERY).await;
        match within(PROBE_LIMIT, client.ping::<Value>(None)).await {
            Err(Failure::TimedOut) => missed += 1,
            Err(Failure::Lost(_) | Failure::Unauthenticated(_)) => break,
            Ok(_) | Err(Failure::Denied(_) | Failure::BadReply(_)) => {
                (probes, missed) = (probes + 1, 0);
            }
        }
    }
    probes > 0
}
