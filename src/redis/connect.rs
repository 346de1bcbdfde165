//! Connections: how one is opened, watched and found dead.
//!
//! The client never reconnects by itself. A lost [`Connection`] is gone for good, with every
//! command under way on it, and the store opens another: so no reply on one connection answers a
//! command sent on the one before.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use fred::clients::Client;
use fred::error::{Error as ClientError, ErrorKind};
use fred::interfaces::{ClientLike, KeysInterface};
use fred::types::config::{
    Config, ConnectionConfig, PerformanceConfig, Server, ServerConfig, TcpConfig,
};
use fred::types::{ConnectHandle, Key, RespVersion};
use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::time::timeout;

use super::client::{config, exposed};
use super::diagnosis;
use super::failure::Failure;
use super::health::{Counters, MOST_MISSED, PROBE_EVERY, PROBE_LIMIT};
use super::reads::Reads;
use super::role::{is_primary, takes_writes};
use super::sentinels::Sentinels;
use super::servers::{Servers, Shards};
use crate::coherence::event::Command;
use crate::error::Error;
use crate::options::{HostPort, Secret, SharedOptions, Topology};
use crate::store::Trouble;

/// Limit of each setup step after the connection is made: login, choice of database.
const SETUP_LIMIT: Duration = Duration::from_millis(800);

/// Opens connections to the server that has the table.
pub(super) struct Connector {
    opener: Opener,
    way: Way,
    probe: Key,
    /// How long the Sentinels may take to answer.
    vote_limit: Duration,
    counters: Arc<Counters>,
    /// Where a failure is looked into: the first host.
    first: Option<HostPort>,
    /// What became of the last failure when it was looked into.
    seen: Mutex<Option<(Trouble, Trouble)>>,
}

/// How the server that has the table is found.
enum Way {
    /// A configured server.
    To(ServerConfig),
    Sentinels(Arc<Sentinels>),
    /// The node of a cluster that has the slot. `hosts` know which; `known`: primaries found last
    /// time.
    Cluster {
        hosts: Vec<Server>,
        known: Mutex<Vec<Server>>,
    },
}

/// Opens a connection to one server.
#[derive(Clone)]
pub(super) struct Opener {
    config: Config,
    connection: ConnectionConfig,
    performance: PerformanceConfig,
    /// The name that certificates must carry, if one was given.
    tls_name: Option<String>,
}

/// An open connection; in a cluster, one to each of its primaries.
pub(super) struct Connection {
    pub(super) client: Servers,
    pub(super) is_of_cluster: bool,
    /// The Sentinels that confirm the primary, and the primary they named.
    sentinels: Option<(Arc<Sentinels>, Server)>,
    vote_limit: Duration,
    probe: Key,
    given_up: Notify,
    /// The connections beside it that read entries.
    pub(super) reads: Reads,
}

/// Keeps a link alive. Dropping it closes the link.
pub(super) struct ConnectionGuard {
    link: Arc<Connection>,
    task: Task,
    counters: Arc<Counters>,
}

/// The task that drives a connection. Dropping it closes the connection.
pub(super) struct Task(pub(super) ConnectHandle);

impl Connector {
    /// `probe` lies in the slot of the protocol.
    ///
    /// # Errors
    /// The files for TLS cannot be used.
    pub(super) fn new(
        shared: &SharedOptions,
        probe: Key,
        counters: Arc<Counters>,
    ) -> Result<Self, Error> {
        let opener = Opener {
            config: config(&shared.server)?,
            connection: ConnectionConfig {
                connection_timeout: shared.connect_timeout,
                internal_command_timeout: SETUP_LIMIT.min(shared.connect_timeout),
                // A command is sent once, without retries.
                max_command_attempts: 1,
                tcp: TcpConfig { nodelay: Some(true), ..TcpConfig::default() },
                ..ConnectionConfig::default()
            },
            // Callers have limits of their own. This one frees the commands they gave up.
            performance: PerformanceConfig {
                default_command_timeout: Duration::from_secs(10),
                broadcast_channel_capacity: 1_024,
                ..PerformanceConfig::default()
            },
            tls_name: shared.server.tls.as_ref().and_then(|tls| tls.server_name.clone()),
        };
        let way = way(&opener, &shared.server.topology);
        let (vote_limit, first) = (shared.command_timeout, shared.server.topology.first().cloned());
        Ok(Self { opener, way, probe, vote_limit, counters, first, seen: Mutex::default() })
    }

    /// Commands whose callers have no limit of their own end within this one.
    pub(super) fn answering_within(mut self, limit: Duration) -> Self {
        self.opener.performance.default_command_timeout = limit;
        self
    }

    /// Why no connection could be opened. Looked into once while it stays the same.
    pub(super) async fn trouble(&self, failure: Failure) -> Trouble {
        let trouble = failure.trouble(self.first.is_none());
        let known = self.seen.lock().filter(|(seen, _)| *seen == trouble);
        if let Some((_, closer)) = known {
            return closer;
        }
        let closer = match &self.first {
            Some(host) => diagnosis::closer(host, self.opener.config.tls.is_some(), trouble).await,
            None => trouble,
        };
        *self.seen.lock() = Some((trouble, closer));
        closer
    }

    /// Opens connections to single servers, with the same settings.
    pub(super) fn opener(&self) -> &Opener {
        &self.opener
    }

    /// The server that a link leads to; `None` in a cluster, which has several.
    pub(super) fn only_server(&self, link: &Connection) -> Option<ServerConfig> {
        match (&self.way, &link.sentinels) {
            (Way::To(server), _) => Some(server.clone()),
            (_, Some((_, server))) => {
                let server = self.opener.certified(server.clone());
                Some(ServerConfig::Centralized { server })
            }
            _ => None,
        }
    }

    /// How to log in to a server, and how long that may take.
    pub(super) fn login(&self) -> (&Config, Duration) {
        (&self.opener.config, self.opener.connection.connection_timeout + SETUP_LIMIT)
    }

    /// The primary that the Sentinels name; `None` without Sentinels.
    pub(super) async fn named(&self) -> Option<Result<Server, Failure>> {
        let Way::Sentinels(sentinels) = &self.way else { return None };
        Some(sentinels.primary(SETUP_LIMIT).await)
    }

    /// Opens a connection and checks that the server answers.
    pub(super) async fn open(&self, version: RespVersion) -> Result<ConnectionGuard, Failure> {
        let opener = self.opener.speaking(version.clone());
        let (client, task, sentinels) = match &self.way {
            Way::To(server) => {
                let (client, task) = opener.open_at(server.clone()).await?;
                takes_writes(&client).await?;
                (Servers::one(client), task, None)
            }
            Way::Sentinels(sentinels) => {
                let server = sentinels.primary(SETUP_LIMIT).await?;
                let (client, task) = opener.open(server.clone()).await?;
                is_primary(&client).await?;
                (Servers::one(client), task, Some((sentinels.clone(), server)))
            }
            Way::Cluster { hosts, known } => {
                // A subscribed connection does not need the other shards.
                let is_alone = version == RespVersion::RESP3;
                let hosts = [hosts.as_slice(), known.lock().as_slice()].concat();
                let (shards, client, task) =
                    Shards::open(opener, hosts, &self.probe, is_alone).await?;
                *known.lock() = shards.some();
                (Servers::of_cluster(client, shards), task, None)
            }
        };
        let link = Arc::new(Connection {
            is_of_cluster: client.is_of_cluster(),
            client,
            sentinels,
            vote_limit: self.vote_limit,
            probe: self.probe.clone(),
            given_up: Notify::new(),
            reads: Reads::default(),
        });
        link.answers().await?;
        *self.seen.lock() = None;
        self.counters.connections.fetch_add(1, Ordering::Relaxed);
        Ok(ConnectionGuard { link, task, counters: self.counters.clone() })
    }
}

impl Opener {
    fn speaking(&self, version: RespVersion) -> Self {
        let mut other = self.clone();
        other.config.version = version;
        other
    }

    /// The same opener for Sentinels, which have logins of their own and no databases.
    fn of_sentinels(&self, username: Option<String>, password: Option<&Secret>) -> Self {
        let mut other = self.clone();
        (other.config.username, other.config.password) = (username, password.map(exposed));
        other.config.database = None;
        other
    }

    /// Opens a connection to a server. It closes with the task, also when this is dropped half-way.
    pub(super) async fn open(&self, server: Server) -> Result<(Client, Task), Failure> {
        self.open_at(ServerConfig::Centralized { server: self.certified(server) }).await
    }

    /// A server with the name that its certificate must carry: one that was given counts first.
    pub(super) fn certified(&self, server: Server) -> Server {
        let name = self.tls_name.as_deref().map(Into::into);
        Server { tls_server_name: name.or(server.tls_server_name.clone()), ..server }
    }

    async fn open_at(&self, server: ServerConfig) -> Result<(Client, Task), Failure> {
        self.try_at(server).await.map_err(|error| Failure::of(&error))
    }

    /// The same, with the error as the client has it.
    pub(super) async fn try_at(&self, server: ServerConfig) -> Result<(Client, Task), ClientError> {
        let config = Config { server, ..self.config.clone() };
        let (performance, connection) = (self.performance.clone(), self.connection.clone());
        let client = Client::new(config, Some(performance), Some(connection), None);
        let task = Task(client.connect());
        let limit = self.connection.connection_timeout + SETUP_LIMIT;
        let late = |_| Err(ClientError::new(ErrorKind::Timeout, "no answer in time"));
        timeout(limit, client.wait_for_connect()).await.unwrap_or_else(late)?;
        Ok((client, task))
    }
}

impl Connection {
    /// Gives the connection up because it answers too late.
    pub(super) fn give_up(&self) {
        self.given_up.notify_one();
    }

    /// Whether another server has the table now. Replies of that server count as replies on another
    /// connection.
    fn is_moved(&self) -> bool {
        let other = |(sentinels, server): &(Arc<Sentinels>, Server)| sentinels.name_another(server);
        self.client.is_moved() || self.sentinels.as_ref().is_some_and(other)
    }

    /// The result of a command; a failure if the server is no longer the primary. A command that a
    /// lease depends on is confirmed while it runs. A write counts only if it is confirmed
    /// afterwards.
    pub(super) async fn confirmed<T>(
        &self,
        command: &Command,
        call: impl Future<Output = Result<T, Failure>>,
    ) -> Result<T, Failure> {
        let result = match command {
            Command::Poll(_) | Command::ReadPosition => {
                let (result, confirmed) = tokio::join!(call, self.confirm());
                result.and_then(|answer| confirmed.map(|()| answer))
            }
            Command::Invalidate { .. } | Command::RaiseFloor { .. } => {
                let answer = call.await?;
                self.confirm().await.map(|()| answer)
            }
            Command::Load | Command::Ack(_) | Command::ReadAcks | Command::Remove(_) => call.await,
        };
        // The next primary may already have answered. It does not know what this instance reported
        // to the one before.
        if self.is_moved() { Err(Failure::Lost(Trouble::Closed)) } else { result }
    }

    async fn confirm(&self) -> Result<(), Failure> {
        match &self.sentinels {
            Some((sentinels, server)) => sentinels.confirm(server, self.vote_limit).await,
            None => Ok(()),
        }
    }

    /// Whether the server that has the table answers. An error is an answer too, unless it means
    /// that the server cannot be used.
    async fn answers(&self) -> Result<(), Failure> {
        is_answer(within(PROBE_LIMIT, self.client.exists::<u64, _>(self.probe.clone())).await)
    }
}

impl ConnectionGuard {
    pub(super) fn link(&self) -> &Arc<Connection> {
        &self.link
    }

    /// Whether the link is not lost, as far as is known.
    pub(super) fn is_open(&self) -> bool {
        !self.task.0.is_finished()
    }

    /// Waits until the link is lost, given up or unresponsive. True if it ever answered a probe.
    pub(super) async fn watch(&mut self) -> bool {
        let (mut probes, mut missed) = (0, 0);
        loop {
            tokio::select! {
                _ = &mut self.task.0 => return probes > 0,
                () = self.link.given_up.notified() => return probes > 0,
                () = tokio::time::sleep(PROBE_EVERY) => {}
            }
            self.link.client.look_after().await;
            match self.link.answers().await {
                Ok(()) => (probes, missed) = (probes + 1, 0),
                Err(Failure::TimedOut) => missed += 1,
                Err(_) => return probes > 0,
            }
            if self.link.is_moved() {
                return probes > 0;
            }
            if missed >= MOST_MISSED {
                self.counters.replaced.fetch_add(1, Ordering::Relaxed);
                return probes > 0;
            }
        }
    }
}

impl Drop for ConnectionGuard {
    fn drop(&mut self) {
        self.counters.connections.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Drop for Task {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// The result of a call, or a timeout after `limit`.
pub(super) async fn within<T>(
    limit: Duration,
    call: impl Future<Output = Result<T, ClientError>>,
) -> Result<T, Failure> {
    match timeout(limit, call).await {
        Ok(result) => result.map_err(|error| Failure::of(&error)),
        Err(_) => Err(Failure::TimedOut),
    }
}

fn is_answer<T>(result: Result<T, Failure>) -> Result<(), Failure> {
    result.map(drop).or_else(|failure| match failure {
        Failure::BadReply(_) | Failure::Denied(_) => Ok(()),
        lost => Err(lost),
    })
}

fn way(opener: &Opener, topology: &Topology) -> Way {
    let at = |host: &HostPort| Server::new(host.name.clone(), host.port);
    match topology {
        Topology::Single(one) => {
            Way::To(ServerConfig::Centralized { server: opener.certified(at(one)) })
        }
        Topology::Unix(path) => Way::To(ServerConfig::Unix { path: path.clone() }),
        Topology::Sentinel { hosts, primary, username, password } => {
            let opener = opener.of_sentinels(username.clone(), password.as_ref());
            let hosts = hosts.iter().map(at).collect();
            Way::Sentinels(Arc::new(Sentinels::new(opener, hosts, primary.clone())))
        }
        Topology::Cluster { hosts } => {
            Way::Cluster { hosts: hosts.iter().map(at).collect(), known: Mutex::default() }
        }
    }
}
