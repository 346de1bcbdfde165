//! Hears what other instances publish: invalidations, ends of generations, and questions of operators.
//! Messages make invalidations fast; polls make them certain.
//! Nothing depends on the messages: a user who may not subscribe only waits longer.

use std::sync::Arc;
use std::time::Duration;

use fred::interfaces::{EventInterface, PubsubInterface};
use fred::types::{Message as Published, RespVersion, Value};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::sleep;

use super::connect::{Connection, within};
use super::failure::Failure;
use super::following::{Following, HELLO};
use super::health::Backoff;
use super::questions::Question;
use super::reply::bytes;
use super::session::Session;
use super::wire;
use crate::coherence::event::{Event, Message};
use crate::guard::guard;
use crate::tags::{Epoch, Position};

/// How long subscribing may take.
const SUBSCRIBE_LIMIT: Duration = Duration::from_secs(1);
/// How often an instance tries to hear itself: a server may be late, or a slot on its way.
const MOST_GREETINGS: usize = 8;

/// Keeps a subscribed connection, for as long as the store lives.
pub(super) async fn listen(session: Arc<Session>) {
    let mut backoff = Backoff::default();
    loop {
        // RESP3 lets a subscribed connection answer probes.
        if let Ok(mut life) = session.connector.open(RespVersion::RESP3).await {
            let published = life.link().client.message_rx();
            let link = life.link().clone();
            if subscribe_to(&link, &session.keys.channel).await.is_ok() {
                // Messages published before this are missed.
                session.tell(missed());
                let was_of_use = tokio::select! {
                    was_of_use = life.watch() => was_of_use,
                    () = follow(&session, &link, published) => false,
                };
                if was_of_use {
                    backoff.reset();
                }
            }
        }
        sleep(backoff.next()).await;
    }
}

/// Hears what is published, and whether that includes what this instance says to itself.
async fn follow(session: &Arc<Session>, link: &Connection, published: Receiver<Published>) {
    let _hearing = Hearing(&session.following);
    let own = format!("{}{}", session.keys.followers(), session.instance);
    tokio::join!(introduce(session, link, &own), hear(session, &own, published));
}

/// Has this instance hear itself. A user who may not do it is not told of ends.
async fn introduce(session: &Session, link: &Connection, own: &str) {
    let mut backoff = Backoff::default();
    for _ in 0..MOST_GREETINGS {
        let greeted = match subscribe_to(link, own).await {
            Ok(()) => greet(link, own).await,
            failed => failed,
        };
        if matches!(greeted, Err(Failure::Denied(_))) {
            return;
        }
        sleep(backoff.next()).await;
        if session.following.hears() {
            return;
        }
    }
}

/// The connection on which this instance is told of ends. However it goes, gets that wait are told.
struct Hearing<'a>(&'a Following);

impl Drop for Hearing<'_> {
    fn drop(&mut self) {
        self.0.lose();
    }
}

async fn greet(link: &Connection, own: &str) -> Result<(), Failure> {
    if link.is_of_cluster {
        let sharded = link.client.spublish::<Value, _, _>(own, HELLO);
        if within(SUBSCRIBE_LIMIT, Box::pin(sharded)).await.is_ok() {
            return Ok(());
        }
    }
    let plain = link.client.publish::<Value, _, _>(own, HELLO);
    within(SUBSCRIBE_LIMIT, Box::pin(plain)).await.map(drop)
}

/// The call succeeds for a user who may not subscribe too: the client waits for no reply.
async fn subscribe_to(link: &Connection, channel: &str) -> Result<(), Failure> {
    if link.is_of_cluster {
        let sharded = within(SUBSCRIBE_LIMIT, link.client.ssubscribe(channel)).await;
        // Servers before version 7 lack it, and do not publish that way either.
        if !matches!(sharded, Err(Failure::Denied(_))) {
            return sharded;
        }
    }
    within(SUBSCRIBE_LIMIT, link.client.subscribe(channel)).await
}

async fn hear(session: &Arc<Session>, own: &str, mut published: Receiver<Published>) {
    loop {
        let published = match published.recv().await {
            Ok(published) if *published.channel == *own => {
                session.following.hear(bytes(&published.value).unwrap_or_default());
                continue;
            }
            Ok(published) => Some(published.value),
            Err(RecvError::Lagged(_)) => {
                session.following.look();
                None
            }
            Err(RecvError::Closed) => return,
        };
        let told = published.as_ref().and_then(bytes);
        if let Some(question) = told.and_then(Question::parse) {
            session.questions.add(question);
            continue;
        }
        let message = told.and_then(wire::message);
        if let Some((message, Some(process))) = &message
            && *process != session.process
        {
            guard(|| session.listener.hears(process, message));
        }
        session.tell(message.map_or_else(missed, |(message, _)| Event::Heard(message)));
    }
}

/// A message of no life of the table: it makes the listener poll.
fn missed() -> Event {
    let (epoch, position) = (Epoch::default(), Position::default());
    Event::Heard(Message { epoch, previous: position, position, rows: Vec::new() })
}
