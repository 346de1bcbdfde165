//! What whoever asks the instances is told, over the connection of the protocol, which is there anyway:
//! what those that are listed tell of themselves, and what they remember about something.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use fred::types::Value;
use parking_lot::Mutex;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use super::connect::Connection;
use super::failure::Failure;
use super::keys::Keys;
use super::operate::{ask, call, call_at, content, unreached};
use super::reply::{number, parts};
use super::servers::Servers;
use super::session::Session;
use crate::clock::Timestamp;
use crate::guard::guard;
use crate::operate::server::{Answered, Published, Trouble};
use crate::store::Trouble as Reason;

/// Snapshots read together: the server would serve nobody else during one call for all of them.
pub(super) const TOGETHER: usize = 200;

/// Called once with what came of a question.
pub type ReceivePublished<T> = Box<dyn FnOnce(Result<T, Trouble>) + Send>;

/// What instances published. Each is listed, whether or not it is alive. All of it may take `limit`.
pub(super) async fn published(
    servers: &Servers,
    keys: &Keys,
    limit: Duration,
) -> Result<Published, Failure> {
    let read = async {
        let ids = ids(servers, keys).await?;
        let found = snapshots(servers, keys, &ids).await?;
        let now = call(servers, "TIME", Vec::new()).await.map_err(|error| Failure::of(&error))?;
        let instances = ids.into_iter().zip(found).collect();
        let now = moment(&now).ok_or(Failure::NONSENSE)?;
        Ok(Published { now, instances })
    };
    timely(limit, read).await
}

/// What comes of it, unless that takes longer than `limit`.
pub(super) async fn timely<T>(
    limit: Duration,
    work: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Failure> {
    timeout(limit, Box::pin(work)).await.unwrap_or(Err(Failure::TimedOut))
}

/// The names of the instances that are listed.
pub(super) async fn ids(servers: &Servers, keys: &Keys) -> Result<Vec<String>, Failure> {
    let (list, range) = (keys.instances(), ["0", "-1"].map(Value::from));
    let listed = call_at(servers, "ZRANGE", &list, &range).await;
    let listed = listed.map_err(|error| Failure::of(&error))?;
    let ids = parts(&listed).unwrap_or_default().iter().filter_map(Value::as_string);
    Ok(ids.filter(|id| !id.starts_with("born:")).collect())
}

/// The snapshots of these instances.
pub(super) async fn snapshots(
    servers: &Servers,
    keys: &Keys,
    ids: &[String],
) -> Result<Vec<Option<Bytes>>, Failure> {
    let mut all = Vec::with_capacity(ids.len());
    // All lie in one slot.
    for some in ids.chunks(TOGETHER) {
        let mut names = some.iter().map(|id| keys.snapshot(id));
        let Some(first) = names.next() else { continue };
        let more: Vec<Value> = names.map(Value::from).collect();
        match call_at(servers, "MGET", &first, &more).await.map_err(|error| Failure::of(&error))? {
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

/// What somebody wants to know.
pub(super) enum Question {
    /// What instances tell of themselves.
    Published(Asker<Published>),
    /// What they remember about something.
    Accounts(String, Asker<Vec<Answered>>),
}

impl Question {
    fn refuse(self, reason: Reason) {
        match self {
            Self::Published(asker) => asker.tell(Err(because(reason))),
            Self::Accounts(_, asker) => asker.tell(Err(because(reason))),
        }
    }
}

/// One who waits. Whatever happens to the question, it is answered.
pub(super) struct Asker<T>(Option<ReceivePublished<T>>);

impl<T> Asker<T> {
    pub(super) fn new(receive: ReceivePublished<T>) -> Self {
        Self(Some(receive))
    }

    fn tell(mut self, told: Result<T, Trouble>) {
        if let Some(receive) = self.0.take() {
            guard(|| receive(told));
        }
    }
}

impl<T> Drop for Asker<T> {
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
    /// How long the server may take.
    limit: Duration,
}

impl Askers {
    pub(super) fn new(limit: Duration) -> Self {
        Self { waiting: Mutex::default(), away: Mutex::default(), limit }
    }
}

impl Session {
    /// Answers a question: over the connection, or once it is known whether there will be one.
    pub(super) fn tell_asker(self: &Arc<Self>, question: Question) {
        if let Some(link) = self.link() {
            tokio::spawn(answer(self.clone(), link, question));
            return;
        }
        let away = *self.askers.away.lock();
        match away {
            Some(reason) => question.refuse(reason),
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
            question.refuse(reason);
        }
    }
}

async fn answer(session: Arc<Session>, link: Arc<Connection>, question: Question) {
    let (keys, limit) = (&session.keys, session.askers.limit);
    // Not here: reading what hundreds tell takes milliseconds, and polls do not wait for it.
    match question {
        Question::Published(asker) => {
            let told = published(&link.client, keys, limit).await.map_err(unreached);
            spawn_blocking(move || asker.tell(told));
        }
        Question::Accounts(of, asker) => {
            let told = ask::ask(&link, keys, limit, &of).await;
            spawn_blocking(move || asker.tell(told));
        }
    }
}

fn because(reason: Reason) -> Trouble {
    let kind = if reason.is_of_login() { "login" } else { "unreachable" };
    Trouble { kind, detail: reason.words().to_owned() }
}
