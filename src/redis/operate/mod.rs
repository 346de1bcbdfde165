//! What an operator asks of a server; see [`crate::operate`].
//!
//! `steps` are the way to the server, `rights` what its user may do there, `facts` what it says of
//! itself; `scan` lists entries, `look` reads one, and the table; `ask` asks all instances. Calls block, and drive the
//! connections meanwhile: between two calls nothing happens on them.

pub(super) mod ask;
mod facts;
mod look;
mod rights;
mod scan;
mod steps;

use std::sync::Arc;

use bytes::Bytes;
use fred::clients::Client;
use fred::error::{Error as ClientError, ErrorKind};
use fred::interfaces::ClientLike;
use fred::types::config::Server as ServerAt;
use fred::types::{ClusterHash, CustomCommand, RespVersion, Value};
use parking_lot::Mutex;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::watch;

use super::RedisStore;
use super::connect::{Connection, ConnectionGuard, Connector};
use super::failure::Failure;
use super::health::Counters;
use super::keys::Keys;
use super::scripts::Script;
use super::servers::Servers;
use crate::error::Error;
use crate::operate::server::{
    Answered, Distance, Facts, Freed, Instance, Known, Minutes, Node, Published, Right, Scan,
    Server, Setup, Step, Stored, Table, Trouble,
};
use crate::options::{Secret, SharedOptions, Topology};
use crate::store::{Address, Listener, SharedStore};
use crate::tags::Tag;

/// The kind of a trouble with a server that does not answer.
const UNREACHABLE: &str = "unreachable";

/// Looks at a server.
pub struct RedisOperator {
    inner: Arc<Inner>,
}

/// What calls share.
struct Inner {
    runtime: Runtime,
    shared: SharedOptions,
    keys: Keys,
    connector: Connector,
    free: Script,
    /// The connection that the calls use, once one has opened it.
    guard: Mutex<Option<ConnectionGuard>>,
    /// Whether nobody waits for an answer any more.
    is_over: watch::Sender<bool>,
}

impl RedisOperator {
    /// Looks at the server of these options. Connects when something is asked.
    ///
    /// # Errors
    /// The files for TLS cannot be used.
    pub fn new(shared: &SharedOptions) -> Result<Self, Error> {
        let namespace = shared.namespace.as_deref().unwrap_or_default();
        let keys = Keys::new(namespace, shared.server.database);
        let connector = Connector::new(shared, keys.table(), Arc::new(Counters::default()))?
            .answering_within(shared.connect_timeout);
        let runtime = Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|_| Error::NoThread)?;
        let (shared, guard) = (shared.clone(), Mutex::default());
        let free = Script::of(include_str!("../scripts/free.lua").into());
        let is_over = watch::Sender::new(false);
        let inner = Inner { runtime, shared, keys, connector, free, guard, is_over };
        Ok(Self { inner: Arc::new(inner) })
    }
}

impl Inner {
    /// A server, with the name that its certificate is for: a cluster reports addresses.
    fn certified(&self, server: ServerAt) -> ServerAt {
        let host = match &self.shared.server.topology {
            Topology::Cluster { hosts } => hosts.first(),
            _ => None,
        };
        let name = host.map(|host| host.name.as_str().into());
        let server =
            ServerAt { tls_server_name: name.or(server.tls_server_name.clone()), ..server };
        self.connector.opener().certified(server)
    }

    /// The words of a server without the passwords that it was sent, in case it repeats them.
    fn hidden(&self, words: &str) -> String {
        let server = &self.shared.server;
        let of_sentinels = match &server.topology {
            Topology::Sentinel { password, .. } => password.as_ref(),
            _ => None,
        };
        let secrets = [server.password.as_ref(), of_sentinels].into_iter().flatten();
        let secrets = secrets.map(Secret::expose).filter(|secret| !secret.is_empty());
        secrets.fold(words.to_owned(), |words, secret| words.replace(secret, "***"))
    }

    fn discreet(&self, Trouble { kind, detail }: &Trouble) -> Trouble {
        Trouble { kind, detail: short(&self.hidden(detail)) }
    }

    /// Runs to its end, or until nobody waits for it any more.
    fn unless_over<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        let mut is_over = self.is_over.subscribe();
        self.runtime.block_on(async {
            tokio::select! {
                biased;
                _ = is_over.wait_for(|is_over| *is_over) => None,
                done = work => Some(done),
            }
        })
    }

    /// Runs to its end; what failed is told without a secret. The next call does not wait on a
    /// connection that does not answer.
    fn run<T>(&self, work: impl Future<Output = Result<T, Trouble>>) -> Result<T, Trouble> {
        let done = self.unless_over(work);
        let done = done.unwrap_or_else(|| Err(Trouble::failed("nobody waits for it any more")));
        if done.as_ref().is_err_and(|trouble| trouble.kind == UNREACHABLE) {
            drop(self.guard.lock().take());
        }
        done.map_err(|trouble| self.discreet(&trouble))
    }

    /// The connection, opened unless it is.
    async fn link(&self) -> Result<Arc<Connection>, Trouble> {
        // What a connection has received since the last call is seen first.
        tokio::task::yield_now().await;
        if let Some(guard) = self.guard.lock().as_ref().filter(|guard| guard.is_open()) {
            return Ok(guard.link().clone());
        }
        let guard = self.connector.open(RespVersion::RESP2).await.map_err(unreached)?;
        let link = guard.link().clone();
        *self.guard.lock() = Some(guard);
        Ok(link)
    }
}

impl RedisOperator {
    /// Runs to its end; what failed is told without a secret.
    fn run<T>(&self, work: impl Future<Output = Result<T, Trouble>>) -> Result<T, Trouble> {
        self.inner.run(work)
    }
}

impl Server for RedisOperator {
    fn steps(&self) -> Vec<Step> {
        self.inner.unless_over(steps::steps(&self.inner)).unwrap_or_default()
    }

    fn rights(&self) -> Result<Vec<Right>, Trouble> {
        self.run(rights::rights(&self.inner))
    }

    fn facts(&self) -> Result<Facts, Trouble> {
        self.run(facts::facts(&self.inner))
    }

    fn setup(&self) -> Result<Setup, Trouble> {
        self.run(facts::setup(&self.inner))
    }

    fn distance(&self, rounds: usize) -> Result<Distance, Trouble> {
        self.run(facts::distance(&self.inner, rounds))
    }

    fn nodes(&self) -> Result<Vec<Node>, Trouble> {
        self.run(facts::nodes(&self.inner))
    }

    fn table(&self, tags: &[Tag]) -> Result<Table, Trouble> {
        self.run(look::table(&self.inner, tags))
    }

    fn table_rows(&self) -> Result<u64, Trouble> {
        self.run(look::table_rows(&self.inner))
    }

    fn instances(&self) -> Result<Vec<Instance>, Trouble> {
        self.run(look::instances(&self.inner))
    }

    fn published(&self) -> Result<Published, Trouble> {
        self.run(look::published(&self.inner))
    }

    fn ask(&self, about: &str) -> Result<Vec<Answered>, Trouble> {
        self.run(async {
            let (link, within) = (self.inner.link().await?, self.inner.shared.connect_timeout);
            ask::ask(&link, &self.inner.keys, within, about).await
        })
    }

    fn history(&self) -> Result<Minutes, Trouble> {
        self.run(look::history(&self.inner))
    }

    fn close(&self) {
        let guard = self.inner.guard.lock().take();
        self.inner.runtime.block_on(async {
            drop(guard);
            // What drove the connection ends, and lets go of it.
            for _ in 0..8 {
                tokio::task::yield_now().await;
            }
        });
    }

    fn read(&self, address: Address) -> Result<Stored, Trouble> {
        self.run(look::read(&self.inner, address))
    }

    fn scan(&self, rate: u32) -> Result<Box<dyn Scan>, Trouble> {
        let nodes = self.run(scan::nodes(&self.inner))?;
        Ok(Box::new(scan::Walk::new(self.inner.clone(), nodes, rate)))
    }

    fn remove(&self, entries: &[Known]) -> Result<Freed, Trouble> {
        self.run(look::remove(&self.inner, entries))
    }

    fn end(&self) {
        self.inner.is_over.send_replace(true);
    }

    fn join(
        &self,
        listener: Arc<dyn Listener>,
        most_rows: usize,
    ) -> Result<Arc<dyn SharedStore>, Error> {
        Ok(Arc::new(RedisStore::start(&self.inner.shared, most_rows, listener)?))
    }
}

/// Runs a command of whatever name.
pub(super) async fn call(
    client: &Client,
    name: &'static str,
    args: Vec<Value>,
) -> Result<Value, ClientError> {
    client.custom(CustomCommand::new_static(name, ClusterHash::FirstKey, false), args).await
}

/// Runs a command where a key lies, which is its first argument.
pub(super) async fn call_at(
    servers: &Servers,
    name: &'static str,
    key: &fred::types::Key,
    more: &[Value],
) -> Result<Value, ClientError> {
    let args: Vec<Value> =
        std::iter::once(Value::from(key.clone())).chain(more.iter().cloned()).collect();
    let run = |client: Client| {
        let args = args.clone();
        async move { call(&client, name, args).await }
    };
    servers.at(key, run).await
}

/// What lies at a key; none if nothing does.
pub(super) fn content(value: Value) -> Option<Bytes> {
    match value {
        Value::Bytes(bytes) => Some(bytes),
        Value::String(text) => Some(text.into_inner()),
        _ => None,
    }
}

/// Why a command failed, for the one who runs it.
fn trouble(error: &ClientError) -> Trouble {
    let kind = match Failure::of(error) {
        Failure::TimedOut | Failure::Lost(_) => UNREACHABLE,
        Failure::Unauthenticated(_) => "login",
        Failure::Denied(_) => "denied",
        Failure::BadReply(_) => "failed",
    };
    Trouble { kind, detail: words(error) }
}

/// Why no connection came about, or no answer.
pub(super) fn unreached(failure: Failure) -> Trouble {
    let (kind, detail) = match failure {
        Failure::TimedOut => (UNREACHABLE, "no answer in time".to_owned()),
        Failure::Lost(reason) => (UNREACHABLE, reason.words().to_owned()),
        Failure::Unauthenticated(reason) => ("login", reason.words().to_owned()),
        Failure::Denied(refusal) | Failure::BadReply(refusal) => {
            ("denied", format!("the server refuses: {}", refusal.as_str()))
        }
    };
    Trouble { kind, detail }
}

/// The words of an error: those of a server, or of this machine. A server may repeat a part of what
/// it was sent, which is left out; see also [`Inner::hidden`].
fn words(error: &ClientError) -> String {
    if *error.kind() == ErrorKind::Timeout {
        return "no answer in time".to_owned();
    }
    let words = error.details().split(", with args beginning with").next().unwrap_or_default();
    if words.trim().is_empty() { "the connection was closed".into() } else { words.into() }
}

/// Words that fit into a line or two.
fn short(words: &str) -> String {
    let plain = words.chars().map(|one| if one.is_control() { ' ' } else { one });
    plain.take(200).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::options::Options;

    fn operator(given: &Value) -> RedisOperator {
        let options = Options::resolve(given, &Value::Null).unwrap();
        RedisOperator::new(options.shared.as_ref().unwrap()).unwrap()
    }

    #[test]
    fn a_certificate_is_for_the_name_that_was_given_whoever_named_the_server() {
        let named = |url: &str, name: Option<&str>| {
            let operator = operator(&json!({ "redisUrl": url, "redisTlsServerName": name }));
            let server = operator.inner.certified(ServerAt::new("10.0.0.7", 6_379));
            server.tls_server_name.map(|name| name.to_string())
        };
        let given = Some("cache.example");
        for url in ["rediss://a", "rediss+sentinel://a,b/main", "rediss+cluster://a,b"] {
            assert_eq!(named(url, given).as_deref(), given, "{url}");
        }
        assert_eq!(named("rediss+cluster://a,b", None).as_deref(), Some("a"));
        assert_eq!(named("rediss+sentinel://a,b/main", None), None);
    }
}
