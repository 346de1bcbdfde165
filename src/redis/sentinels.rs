//! Sentinels: which server a majority of them names as the primary.
//!
//! A primary that was suspended still considers itself the primary when it resumes, until a
//! Sentinel demotes it, which takes ten seconds. So its answers count only with a confirmation: a
//! majority of the Sentinels, asked no earlier, names it. No instance connects to another primary
//! before a majority names that one; a Sentinel does not change its mind back, and two majorities
//! have a Sentinel in common. So an instance that got a lease from the old primary asked before any
//! instance connected to the new one, and that lease is over when an invalidation there has waited
//! for leases.
//!
//! Sentinels that have not answered for [`SILENT`] no longer count, and if none is left, the last
//! primary stays: an outage of all Sentinels stops the tier for that long only. From then on a
//! network partition may hide another primary.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use fred::interfaces::ClientLike;
use fred::types::config::Server;
use fred::types::{ClusterHash, CustomCommand, Value};
use parking_lot::Mutex;
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::connect::{Opener, within};
use super::failure::Failure;
use super::kept::{Kept, tried};
use super::reply::bytes;
use super::wire;
use crate::clock::stopwatch_ns;
use crate::store::Trouble;

/// How long a Sentinel that does not answer still counts in votes.
const SILENT: Duration = Duration::from_secs(5);

const NO_PRIMARY: Failure = Failure::Lost(Trouble::NoPrimary);

/// All Sentinels of the configuration.
pub(super) struct Sentinels {
    all: Mutex<Vec<Arc<Sentinel>>>,
    opener: Opener,
    hosts: Vec<Server>,
    /// Their name for the primary.
    name: String,
    /// The primary they named last.
    latest: Mutex<Option<Server>>,
}

struct Sentinel {
    kept: Kept,
    /// Since when it has not answered.
    silent_since_ns: Mutex<Option<u64>>,
}

/// The outcome of a vote.
#[derive(Debug, PartialEq, Eq)]
enum Vote {
    /// A majority names this server.
    For(Server),
    /// No majority names the same server, or too few answer.
    Open,
    /// None of them has answered for a long time.
    Silent,
}

impl Sentinels {
    /// The Sentinels at `hosts`, which know the primary by `name`.
    pub(super) fn new(opener: Opener, hosts: Vec<Server>, name: String) -> Self {
        Self { all: Mutex::default(), opener, hosts, name, latest: Mutex::default() }
    }

    /// The primary, by vote.
    pub(super) async fn primary(&self, limit: Duration) -> Result<Server, Failure> {
        let all = self.all();
        tried(all.iter().map(|sentinel| &sentinel.kept), limit).await;
        match self.vote(limit).await {
            Vote::For(server) => Ok(server),
            Vote::Open => Err(NO_PRIMARY),
            Vote::Silent => self.latest.lock().clone().ok_or(NO_PRIMARY),
        }
    }

    /// Whether the Sentinels, asked now, still name a server as the primary.
    pub(super) async fn confirm(&self, server: &Server, limit: Duration) -> Result<(), Failure> {
        match self.vote(limit).await {
            Vote::For(other) if is_same(&other, server) => Ok(()),
            Vote::For(_) => Err(NO_PRIMARY),
            Vote::Open => Err(Failure::NONSENSE),
            Vote::Silent => Ok(()),
        }
    }

    /// Whether they last named another server.
    pub(super) fn name_another(&self, server: &Server) -> bool {
        self.latest.lock().as_ref().is_some_and(|latest| !is_same(latest, server))
    }

    /// All of them. The first call connects to them, on the store's thread.
    fn all(&self) -> Vec<Arc<Sentinel>> {
        let mut all = self.all.lock();
        if all.is_empty() {
            all.extend(self.hosts.iter().map(|host| {
                let kept = Kept::start(self.opener.clone(), host.clone());
                Arc::new(Sentinel { kept, silent_since_ns: Mutex::default() })
            }));
        }
        all.clone()
    }

    /// Asks all of them, and waits until the vote is decided.
    async fn vote(&self, limit: Duration) -> Vote {
        let all = self.all();
        let mut asked = JoinSet::new();
        for sentinel in &all {
            let (sentinel, name) = (sentinel.clone(), self.name.clone());
            asked.spawn(async move { sentinel.ask(name, limit).await });
        }
        let mut votes = HashMap::<(String, u16), usize>::new();
        let counting = async {
            while let Some(answered) = asked.join_next().await {
                let Ok(Some(Some(named))) = answered else { continue };
                let count = votes.entry(named).or_default();
                *count += 1;
                if is_majority(*count, all.len()) {
                    return;
                }
            }
        };
        let _ = timeout(2 * limit, counting).await;
        let counted = all.iter().filter(|one| one.counts()).count();
        let most = votes.into_iter().max_by_key(|(_, count)| *count);
        match most.filter(|(_, count)| is_majority(*count, counted)) {
            Some(((host, port), _)) => {
                let server = Server::new(host, port);
                *self.latest.lock() = Some(server.clone());
                Vote::For(server)
            }
            None if counted == 0 => Vote::Silent,
            None => Vote::Open,
        }
    }
}

impl Sentinel {
    /// The primary it names: `None` if it does not answer, `Some(None)` if it knows none by that
    /// name.
    async fn ask(&self, name: String, limit: Duration) -> Option<Option<(String, u16)>> {
        let answer = match self.kept.client() {
            Some(client) => {
                let command = CustomCommand::new_static("SENTINEL", ClusterHash::FirstKey, false);
                let args = vec!["GET-MASTER-ADDR-BY-NAME".to_owned(), name];
                within(limit, client.custom::<Value, _>(command, args)).await
            }
            None => Err(NO_PRIMARY),
        };
        self.kept.note(&answer);
        let mut silent_since_ns = self.silent_since_ns.lock();
        if answer.is_ok() {
            *silent_since_ns = None;
        } else {
            silent_since_ns.get_or_insert_with(stopwatch_ns);
        }
        answer.ok().map(|value| address(&value))
    }

    /// Whether it has answered lately, or may still answer.
    fn counts(&self) -> bool {
        let since = *self.silent_since_ns.lock();
        since.is_none_or(|since| {
            u128::from(stopwatch_ns().saturating_sub(since)) < SILENT.as_nanos()
        })
    }
}

fn is_majority(count: usize, of: usize) -> bool {
    2 * count > of
}

/// Whether both have the same address; the names in their certificates may differ.
fn is_same(one: &Server, other: &Server) -> bool {
    (&one.host, one.port) == (&other.host, other.port)
}

/// Host and port, as Sentinels report them.
fn address(value: &Value) -> Option<(String, u16)> {
    let Value::Array(parts) = value else { return None };
    let [host, port] = parts.as_slice() else { return None };
    let host = String::from_utf8(bytes(host)?.to_vec()).ok()?;
    let port = match port {
        Value::Integer(port) => u64::try_from(*port).ok()?,
        text => wire::number(bytes(text)?)?,
    };
    Some((host, u16::try_from(port).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_of_them_is_no_majority() {
        let two_of = |of| is_majority(2, of);
        assert_eq!([2, 3, 4, 5].map(two_of), [true, true, false, false]);
        assert!(!is_majority(0, 0));
    }

    #[test]
    fn what_is_no_address_names_nobody() {
        let text = |text: &str| Value::from(text);
        let told = Value::Array(vec![text("10.0.0.7"), text("6379")]);
        assert_eq!(address(&told), Some(("10.0.0.7".into(), 6379)));
        for other in [
            Value::Null,
            Value::Array(vec![text("10.0.0.7")]),
            Value::Array(vec![text("10.0.0.7"), text("70000")]),
            Value::Array(vec![text("10.0.0.7"), text("-1")]),
        ] {
            assert_eq!(address(&other), None);
        }
    }
}
