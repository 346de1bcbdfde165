//! Hears what other instances publish, and questions of operators. Messages make invalidations
//! fast; polls make them certain.
//! Nothing depends on the messages: a user who may not subscribe only waits longer.

use std::sync::Arc;
use std::time::Duration;

use fred::interfaces::{EventInterface, PubsubInterface};
use fred::types::{Message as Published, RespVersion};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::sleep;

use super::connect::{Connection, within};
use super::failure::Failure;
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

/// Keeps a subscribed connection, for as long as the store lives.
pub(super) async fn listen(session: Arc<Session>) {
    let mut backoff = Backoff::default();
    loop {
        // RESP3 lets a subscribed connection answer probes.
        if let Ok(mut life) = session.connector.open(RespVersion::RESP3).await {
            let published = life.link().client.message_rx();
            if subscribe(&session, life.link()).await.is_ok() {
                // Messages published before this are missed.
                session.tell(missed());
                let was_of_use = tokio::select! {
                    was_of_use = life.watch() => was_of_use,
                    () = hear(&session, published) => false,
                };
                if was_of_use {
                    backoff.reset();
                }
            }
        }
        sleep(backoff.next()).await;
    }
}

/// The call succeeds for a user who may not subscribe too: the client waits for no reply.
async fn subscribe(session: &Session, link: &Connection) -> Result<(), Failure> {
    let channel = session.keys.channel.as_str();
    if link.is_of_cluster {
        let sharded = within(SUBSCRIBE_LIMIT, link.client.ssubscribe(channel)).await;
        // Servers before version 7 lack it, and do not publish that way either.
        if !matches!(sharded, Err(Failure::Denied(_))) {
            return sharded;
        }
    }
    within(SUBSCRIBE_LIMIT, link.client.subscribe(channel)).await
}

async fn hear(session: &Arc<Session>, mut published: Receiver<Published>) {
    loop {
        let published = match published.recv().await {
            Ok(published) => Some(published.value),
            Err(RecvError::Lagged(_)) => None,
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
