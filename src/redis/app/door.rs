//! The connection of what the app's own code asks for. It is opened when something first is.

use std::sync::Arc;
use std::time::Duration;

use fred::types::RespVersion;
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use super::super::connect::{Connection, ConnectionGuard};
use super::super::failure::Failure;
use super::super::health::{Backoff, Late};
use super::super::session::Session;
use super::lane::{Driven, Lane};
use crate::clock::stopwatch_ns;

/// How it stands.
#[derive(Clone)]
enum State {
    /// Nobody has asked for anything.
    Unused,
    /// It is being opened for the first time: who asks waits.
    Opening,
    Open(Arc<Way>),
    /// It could not be opened, or was lost: who asks is told at once.
    Away,
}

/// The way to the server, the same for all that is asked for while it is open.
pub(super) struct Way {
    pub(super) link: Arc<Connection>,
    /// What carries everything, if there is one; otherwise the client of the link does.
    pub(super) lane: Option<Arc<Lane>>,
    late: Late,
}

/// The connection, or what is instead of it.
pub(in super::super) struct Door {
    state: watch::Sender<State>,
    /// How long the first to ask may wait for it.
    open_limit: Duration,
}

impl Door {
    pub(in super::super) fn new(open_limit: Duration) -> Self {
        Self { state: watch::Sender::new(State::Unused), open_limit }
    }

    /// The connection; `None` while there is none.
    pub(super) async fn way(&self) -> Option<Arc<Way>> {
        if let State::Open(way) = &*self.state.borrow() {
            return Some(way.clone());
        }
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
            State::Open(way) => Some(way.clone()),
            _ => None,
        }
    }

    /// Notes how a call on it went. It is given up as the others are.
    pub(super) fn note<T>(&self, way: &Arc<Way>, result: &Result<T, Failure>) {
        let is_over = match result {
            Err(Failure::Lost(_) | Failure::Unauthenticated(_)) => true,
            Err(Failure::TimedOut) => way.late.late(stopwatch_ns()),
            Ok(_) | Err(Failure::Denied(_) | Failure::BadReply(_)) => {
                way.late.in_time();
                false
            }
        };
        if is_over {
            self.close(way);
        }
    }

    /// Gives a connection up, if it is still the one in use.
    fn close(&self, way: &Arc<Way>) {
        self.state.send_if_modified(|state| {
            let is_used = matches!(state, State::Open(used) if Arc::ptr_eq(used, way));
            if is_used {
                *state = State::Away;
            }
            is_used
        });
        way.link.give_up();
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
                    let driven = self.open_lane(life.link()).await;
                    let mut opened = Opened::new(&self.door, life, driven);
                    if opened.watch().await {
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
    way: Arc<Way>,
    life: ConnectionGuard,
    driven: Option<Driven>,
}

impl<'a> Opened<'a> {
    fn new(door: &'a Door, life: ConnectionGuard, driven: Option<Driven>) -> Self {
        let lane = driven.as_ref().map(|driven| driven.lane.clone());
        let way = Arc::new(Way { link: life.link().clone(), lane, late: Late::default() });
        door.state.send_replace(State::Open(way.clone()));
        Self { door, way, life, driven }
    }

    /// Waits until it is lost, or its lane is: what is under way on one of two connections could be
    /// overtaken on the other. True if it was of use.
    async fn watch(&mut self) -> bool {
        let Some(driven) = &mut self.driven else { return self.life.watch().await };
        tokio::select! {
            was_of_use = self.life.watch() => was_of_use,
            was_of_use = driven.ended() => was_of_use,
        }
    }
}

impl Drop for Opened<'_> {
    fn drop(&mut self) {
        self.door.close(&self.way);
    }
}
