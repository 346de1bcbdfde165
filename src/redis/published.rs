//! What the listed instances tell of themselves, for whoever asks: over the connection of the protocol,
//! which is there anyway, and never longer than one may take to open.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use fred::types::Value;
use parking_lot::Mutex;
use tokio::task::spawn_blocking;

use super::connect::{Connection, within};
use super::failure::Failure;
use super::keys::Keys;
use super::operate::{call, call_at, content, unreached};
use super::reply::{number, parts};
use super::servers::Servers;
use super::session::Session;
use crate::clock::Timestamp;
use crate::guard::guard;
use crate::operate::server::{Published, Trouble};
use crate::store::Trouble as Reason;

/// Snapshots read together: the server would serve nobody else during one call for all of them.
pub(super) const TOGETHER: usize = 200;

/// Called once with what they tell.
pub type ReceivePublished = Box<dyn FnOnce(Result<Published, Trouble>) + Send>;

/// What instances published. Each is listed, whether or not it is alive. Each command may take `limit`.
pub(super) async fn published(
    servers: &Servers,
    keys: &Keys,
    limit: Duration,
) -> Result<Published, Failure> {
    let ids = ids(servers, keys, limit).await?;
    let found = snapshots(servers, keys, limit, &ids).await?;
    let now = within(limit, Box::pin(call(servers, "TIME", Vec::new()))).await?;
    let instances = ids.into_iter().zip(found).collect();
    Ok(Published { now: moment(&now).ok_or(Failure::NONSENSE)?, instances })
}

/// The names of the instances that are listed.
pub(super) async fn ids(
    servers: &Servers,
    keys: &Keys,
    limit: Duration,
) -> Result<Vec<String>, Failure> {
    let (list, range) = (keys.instances(), ["0", "-1"].map(Value::from));
    let listed = call_at(servers, "ZRANGE", &list, &range);
    let listed = within(limit, Box::pin(listed)).await?;
    let ids = parts(&listed).unwrap_or_default().iter().filter_map(Value::as_string);
    Ok(ids.filter(|id| !id.starts_with("born:")).collect())
}

/// The snapshots of these instances.
pub(super) async fn snapshots(
    servers: &Servers,
    keys: &Keys,
    limit: Duration,
    ids: &[String],
) -> Result<Vec<Option<Bytes>>, Failure> {
    let mut all = Vec::with_capacity(ids.len());
    // All lie in one slot.
    for some in ids.chunks(TOGETHER) {
        let mut names = some.iter().map(|id| keys.snapshot(id));
        let Some(first) = names.next() else { continue };
        let more: Vec<Value> = names.map(Value::from).collect();
        let read = call_at(servers, "MGET", &first, &more);
        match within(limit, Box::pin(read)).await? {
            Value::Array(found) if found.len() == some.len() => {
                all.extend(found.into_iter().map(content));
            }
            _ => return Err(Failure::NONSENSE),
        }
    }
    Ok(all)
}

/// What `TIME` answers.
pub(super) fn moment(told: &Value) -> Option<Timestamp> {
    let [secs, us] = parts(told)? else { return None };
    Some(Timestamp(number(secs)?.checked_mul(1_000_000)?.checked_add(number(us)?)?))
}

/// A question that somebody waits for. It is answered whatever happens to it.
pub(super) struct Question(Option<ReceivePublished>);

impl Question {
    pub(super) fn new(receive: ReceivePublished) -> Self {
        Self(Some(receive))
    }

    fn answer(mut self, told: Result<Published, Trouble>) {
        if let Some(receive) = self.0.take() {
            guard(|| receive(told));
        }
    }
}

impl Drop for Question {
    fn drop(&mut self) {
        if let Some(receive) = self.0.take() {
            guard(|| receive(Err(because(Reason::Closed))));
        }
    }
}

/// Those whose questions wait for a connection, which is on its way.
pub(super) struct Askers {
    waiting: Mutex<Vec<Question>>,
    /// Why no connection could be opened the last time.
    away: Mutex<Option<Reason>>,
    /// How long a command may take.
    limit: Duration,
}

impl Askers {
    pub(super) fn new(limit: Duration) -> Self {
        Self { waiting: Mutex::default(), away: Mutex::default(), limit }
    }
}

impl Session {
    /// Answers a question: over the connection, or once it is known whether there will be one.
    pub(super) fn tell_published(self: &Arc<Self>, question: Question) {
        if let Some(link) = self.link() {
            tokio::spawn(answer(self.clone(), link, question));
            return;
        }
        let away = *self.askers.away.lock();
        match away {
            Some(reason) => question.answer(Err(because(reason))),
            None => self.askers.waiting.lock().push(question),
        }
    }

    /// There is a connection.
    pub(super) fn answer_askers(self: &Arc<Self>, link: &Arc<Connection>) {
        *self.askers.away.lock() = None;
        let waiting = std::mem::take(&mut *self.askers.waiting.lock());
        for question in waiting {
            tokio::spawn(answer(self.clone(), link.clone(), question));
        }
    }

    /// No connection could be opened.
    pub(super) fn refuse_askers(&self, reason: Reason) {
        *self.askers.away.lock() = Some(reason);
        let waiting = std::mem::take(&mut *self.askers.waiting.lock());
        for question in waiting {
            question.answer(Err(because(reason)));
        }
    }
}

async fn answer(session: Arc<Session>, link: Arc<Connection>, question: Question) {
    let told = published(&link.client, &session.keys, session.askers.limit).await;
    // Not here: reading what hundreds tell takes milliseconds, and polls do not wait for it.
    spawn_blocking(move || question.answer(told.map_err(unreached)));
}

fn because(reason: Reason) -> Trouble {
    let kind = if reason.is_of_login() { "login" } else { "unreachable" };
    Trouble { kind, detail: reason.words().to_owned() }
}
