//! The connection of what the app's own code asks for. It is opened when something first is.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use fred::types::RespVersion;
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use super::super::connect::{Connection, ConnectionGuard};
use super::super::failure::Failure;
use super::super::health::{Backoff, MOST_LATE};
use super::super::session::Session;

/// How it stands.
#[derive(Clone)]
enum State {
    /// Nobody has asked for anything.
    Unused,
    /// It is being opened for the first time: who asks waits.
    Opening,
    Open(Arc<Connection>),
    /// It could not be opened, or was lost: who asks is told at once.
    Away,
}

/// The connection, or what is instead of it.
pub(in super::super) struct Door {
    state: watch::Sender<State>,
    late_in_a_row: AtomicU32,
    /// How long the first to ask may wait for it.
    open_limit: Duration,
}

impl Door {
    pub(in super::super) fn new(open_limit: Duration) -> Self {
        Self {
            state: watch::Sender::new(State::Unused),
            late_in_a_row: AtomicU32::new(0),
            open_limit,
        }
    }

    /// The connection; `None` while there is none.
    pub(super) async fn link(&self) -> Option<Arc<Connection>> {
        self.state.send_if_modified(|state| {
            let is_first = matches!(state, State::Unused);
            if is_first {
                *state = State::Opening;
            }
            is_first
        });
        let mut state = self.state.subscribe();
        let is_decided = |state: &State| !matches!(state, State::Unused | State::Opening);
        let decided = timeout(self.open_limit, state.wait_for(is_decided)).await.ok()?.ok()?;
        match &*decided {
            State::Open(link) => Some(link.clone()),
            _ => None,
        }
    }

    /// Notes how a call on it went. It is given up as the others are.
    pub(super) fn note<T>(&self, link: &Arc<Connection>, result: &Result<T, Failure>) {
        let is_over = match result {
            Err(Failure::Lost(_) | Failure::Unauthenticated(_)) => true,
            Err(Failure::TimedOut) => {
                self.late_in_a_row.fetch_add(1, Ordering::Relaxed) + 1 >= MOST_LATE
            }
            Ok(_) | Err(Failure::Denied(_) | Failure::BadReply(_)) => {
                self.late_in_a_row.store(0, Ordering::Relaxed);
                false
            }
        };
        if is_over {
            self.close(link);
        }
    }

    fn open(&self, link: &Arc<Connection>) {
        self.late_in_a_row.store(0, Ordering::Relaxed);
        self.state.send_replace(State::Open(link.clone()));
    }

    /// Gives a connection up, if it is still the one in use.
    fn close(&self, link: &Arc<Connection>) {
        self.state.send_if_modified(|state| {
            let is_used = matches!(state, State::Open(used) if Arc::ptr_eq(used, link));
            if is_used {
                *state = State::Away;
            }
            is_used
        });
        link.give_up();
    }
}

impl Session {
    /// Keeps the connection once somebody has asked for something, for as long as the store lives.
    pub(in super::super) async fn keep_door(self: Arc<Self>) {
        let mut state = self.door.state.subscribe();
        if state.wait_for(|state| !matches!(state, State::Unused)).await.is_err() {
            return;
        }
        let mut backoff = Backoff::default();
        loop {
            match self.connector.open(RespVersion::RESP2).await {
                Ok(life) => {
                    let mut opened = Opened::new(&self.door, life);
                    if opened.life.watch().await {
                        backoff.reset();
                        // Somebody may wait, and not for long.
                        continue;
                    }
                }
                Err(_) => drop(self.door.state.send_replace(State::Away)),
            }
            sleep(backoff.next()).await;
        }
    }
}

/// The connection in use. Whatever ends its use, it is given up.
struct Opened<'a> {
    door: &'a Door,
    life: ConnectionGuard,
}

impl<'a> Opened<'a> {
    fn new(door: &'a Door, life: ConnectionGuard) -> Self {
        door.open(life.link());
        Self { door, life }
    }
}

impl Drop for Opened<'_> {
    fn drop(&mut self) {
        self.door.close(self.life.link());
    }
}
