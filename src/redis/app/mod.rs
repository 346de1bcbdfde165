//! What the app's own code asks for: over a connection of its own, so that no page waits behind it,
//! with the same limits, watched as the others are.
//!
//! [`door`] is that connection, [`lane`] what carries everything where there is one, and `scripts` what
//! is run; `value`, `code`, `lock`, `limit`, `seat`, `session` and `count` make calls of orders and
//! answers of replies.

mod code;
mod count;
mod door;
mod lane;
mod limit;
mod lock;
mod scripts;
mod seat;
mod session;
mod value;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use fred::clients::Client;
use fred::interfaces::ClientLike;
use fred::types::{ClusterHash, CustomCommand, Key, Value};

pub(super) use crate::app::store::{Order, Receive, Store};
pub(super) use door::Door;
pub(super) use scripts::Scripts;

use self::door::Way;
use super::connect::within;
use super::failure::Failure;
use super::reply::{bytes, number, parts};
use super::scripts::Script;
use super::session::Session;
use crate::app::store::{Answer, Deed, Failure as AppFailure};
use crate::guard::guard;

/// Orders that may wait for an answer at once.
const MOST_ASKED: usize = 8_192;

/// An order that somebody waits for. It is answered whatever happens to it.
pub(super) struct Asked {
    order: Option<Order>,
    receive: Option<Receive>,
    all: Arc<AtomicUsize>,
    /// Whether it may have been done.
    is_sent: bool,
}

impl Asked {
    /// `None` if too many wait already: then it is answered.
    pub(super) fn new(order: Order, receive: Receive, all: &Arc<AtomicUsize>) -> Option<Self> {
        let asked = all.fetch_add(1, Ordering::Relaxed);
        let (order, receive) = (Some(order), Some(receive));
        let new = Self { order, receive, all: all.clone(), is_sent: false };
        if asked < MOST_ASKED {
            return Some(new);
        }
        new.answer(Err(AppFailure::Busy));
        None
    }

    fn answer(mut self, answer: Result<Answer, AppFailure>) {
        if let Some(receive) = self.receive.take() {
            guard(|| receive(answer));
        }
    }
}

impl Drop for Asked {
    fn drop(&mut self) {
        self.all.fetch_sub(1, Ordering::Relaxed);
        if let Some(receive) = self.receive.take() {
            let failure = if self.is_sent { AppFailure::Unknown } else { AppFailure::Away };
            guard(|| receive(Err(failure)));
        }
    }
}

impl Session {
    /// Carries out an order.
    pub(super) fn carry_out(self: &Arc<Self>, mut asked: Asked) {
        let Some(order) = asked.order.take() else { return };
        let session = self.clone();
        tokio::spawn(async move {
            let Some(way) = session.door.way().await else { return drop(asked) };
            asked.is_sent = true;
            let call = Call { session: &session, way: &way, order: &order };
            let answer = call.make().await;
            if matches!(answer, Err(Failure::Denied(_) | Failure::BadReply(_))) {
                session.counters.app_refusals.fetch_add(1, Ordering::Relaxed);
            }
            asked.answer(answer.map_err(told));
        });
    }
}

fn told(failure: Failure) -> AppFailure {
    match failure {
        Failure::TimedOut | Failure::Lost(_) => AppFailure::Unknown,
        Failure::Unauthenticated(_) => AppFailure::Away,
        Failure::Denied(refusal) | Failure::BadReply(refusal) => {
            AppFailure::Refused(refusal.as_str())
        }
    }
}

/// An order on its way.
struct Call<'a> {
    session: &'a Session,
    way: &'a Arc<Way>,
    order: &'a Order,
}

impl Call<'_> {
    async fn make(&self) -> Result<Answer, Failure> {
        match &self.order.deed {
            Deed::Value(deed) => value::carry_out(self, deed).await.map(Answer::Value),
            Deed::Code(deed) => code::carry_out(self, deed).await.map(Answer::Code),
            Deed::Lock(deed) => lock::carry_out(self, deed).await.map(Answer::Lock),
            Deed::Limit(deed) => limit::carry_out(self, deed).await.map(Answer::Limit),
            Deed::Session(deed) => session::carry_out(self, deed).await.map(Answer::Session),
            Deed::Seat(deed) => seat::carry_out(self, deed).await.map(Answer::Seat),
            Deed::Count(deed) => count::carry_out(self, deed).await.map(Answer::Count),
        }
    }

    fn scripts(&self) -> &Scripts {
        &self.session.app_scripts
    }

    /// What it is about.
    fn key(&self) -> Key {
        self.session.keys.labelled(&self.order.label)
    }

    /// Runs a script on that.
    async fn run(&self, script: &Script, args: Vec<Value>) -> Result<Value, Failure> {
        self.run_on(script, &[self.key()], args).await
    }

    async fn run_on(
        &self,
        script: &Script,
        keys: &[Key],
        args: Vec<Value>,
    ) -> Result<Value, Failure> {
        match &self.way.lane {
            Some(lane) => self.noted(lane.run(script, keys, &args)).await,
            None => self.noted(script.run(&self.way.link.client, keys, args)).await,
        }
    }

    /// A command about that: its name, and what comes after the key.
    async fn command(&self, name: &'static str, rest: Vec<Value>) -> Result<Value, Failure> {
        let key = self.key();
        if let Some(lane) = &self.way.lane {
            return self.noted(lane.command(name, &key, &rest)).await;
        }
        let call = |client: Client| {
            let command = CustomCommand::new_static(name, ClusterHash::FirstKey, false);
            let args: Vec<Value> = [key.clone().into()].into_iter().chain(rest.clone()).collect();
            async move { client.custom(command, args).await }
        };
        self.noted(self.way.link.client.at(&key, call)).await
    }

    /// The result of a call within its time. It tells what is to be thought of the connection.
    async fn noted(
        &self,
        call: impl Future<Output = Result<Value, fred::error::Error>>,
    ) -> Result<Value, Failure> {
        let result = within(self.session.command_timeout, Box::pin(call)).await;
        let link = &self.way.link;
        if !link.is_of_cluster || link.client.is_with_table(&self.key()) {
            self.session.door.note(self.way, &result);
        } else {
            // A shard that is lost loses its keys, and nothing else.
            link.client.note(&self.key(), &result);
        }
        result
    }
}

/// Whether a script that answers 0 or 1 says 1.
fn is_one(reply: &Value) -> Result<bool, Failure> {
    number(reply).map(|number| number == 1).ok_or(Failure::NONSENSE)
}

/// A word, and a number.
fn word(reply: &Value) -> Option<(&[u8], u64)> {
    let [word, detail, ..] = parts(reply)? else { return None };
    Some((bytes(word)?, number(detail)?))
}
