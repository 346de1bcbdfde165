//! Connections: how one is opened, watched and found dead.
//!
//! The client never reconnects by itself. A lost [`Link`] is gone for good, with all that was under
//! way on it, and another one is opened: so nothing sent on one can be answered on the next.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use fred::clients::Client;
use fred::error::Error as ClientError;
use fred::interfaces::{ClientLike, ClusterInterface, KeysInterface};
use fred::types::cluster::ClusterRouting;
use fred::types::config::{
    ClusterDiscoveryPolicy, Config, ConnectionConfig, PerformanceConfig, Server, ServerConfig,
    TcpConfig, TlsConfig, TlsConnector, TlsHostMapping,
};
use fred::types::{ConnectHandle, Key, RespVersion, Value};
use tokio::sync::Notify;
use tokio::time::timeout;

use super::failure::Failure;
use super::health::{Counters, MOST_MISSED, PROBE_EVERY, PROBE_LIMIT};
use super::tls;
use crate::error::Error;
use crate::options::{self, Host, Secret, Shared, Topology};

/// Limit of each step of setting a connection up, once it is made: login, choice of database.
const SETUP_LIMIT: Duration = Duration::from_millis(800);

/// Opens connections to one server.
pub(super) struct Connector {
    config: Config,
    connection: ConnectionConfig,
    performance: PerformanceConfig,
    probe: Key,
    counters: Arc<Counters>,
}

/// An open connection; in a cluster, one to each of its primaries.
pub(super) struct Link {
    pub(super) client: Client,
    pub(super) is_of_cluster: bool,
    /// The primary of a cluster that has the slot of the protocol.
    owner: Option<Server>,
    probe: Key,
    given_up: Notify,
}

/// What keeps a link alive. It closes when this is dropped.
pub(super) struct Life {
    link: Arc<Link>,
    task: Task,
    counters: Arc<Counters>,
}

struct Task(ConnectHandle);

impl Connector {
    /// `probe` lies in the slot of the protocol.
    ///
    /// # Errors
    /// Files for encryption that are of no use.
    pub(super) fn new(shared: &Shared, probe: Key, counters: Arc<Counters>) -> Result<Self, Error> {
        Ok(Self {
            config: config(&shared.server)?,
            connection: ConnectionConfig {
                connection_timeout: shared.connect_timeout,
                internal_command_timeout: SETUP_LIMIT.min(shared.connect_timeout),
                // A command is sent once; it is repeated only where another server has its slot.
                max_command_attempts: 3,
                tcp: TcpConfig { nodelay: Some(true), ..TcpConfig::default() },
                ..ConnectionConfig::default()
            },
            // The callers have limits of their own. This one frees what they gave up.
            performance: PerformanceConfig {
                default_command_timeout: Duration::from_secs(10),
                broadcast_channel_capacity: 1_024,
                ..PerformanceConfig::default()
            },
            probe,
            counters,
        })
    }

    /// Opens a connection, and asks whether it answers.
    pub(super) async fn open(&self, version: RespVersion) -> Result<Life, Failure> {
        let config = Config { version, ..self.config.clone() };
        let (performance, connection) = (self.performance.clone(), self.connection.clone());
        let client = Client::new(config, Some(performance), Some(connection), None);
        // Its end closes everything, also when this is dropped half-way.
        let task = Task(client.connect());
        let limit = 2 * self.connection.connection_timeout + SETUP_LIMIT;
        within(limit, client.wait_for_connect()).await?;
        let (probe, given_up) = (self.probe.clone(), Notify::new());
        let owner = owner(&client, &probe);
        let is_of_cluster = self.config.server.is_clustered();
        let link = Arc::new(Link { client, is_of_cluster, owner, probe, given_up });
        link.answers().await?;
        self.counters.connections.fetch_add(1, Ordering::Relaxed);
        Ok(Life { link, task, counters: self.counters.clone() })
    }
}

impl Link {
    /// Gives it up: it answers too late.
    pub(super) fn give_up(&self) {
        self.given_up.notify_one();
    }

    /// Whether the slot of the protocol has gone to another server of the cluster. What that one
    /// answers is as of another connection.
    pub(super) fn is_moved(&self) -> bool {
        self.is_of_cluster && owner(&self.client, &self.probe) != self.owner
    }

    /// Whether all servers of it answer. An error is an answer too, unless it says that nothing can
    /// be had there.
    async fn answers(&self) -> Result<(), Failure> {
        is_answer(within(PROBE_LIMIT, self.client.exists::<u64, _>(self.probe.clone())).await)?;
        let routing = self.client.cached_cluster_state().filter(|_| self.is_of_cluster);
        for server in routing.iter().flat_map(ClusterRouting::unique_primary_nodes) {
            // A server that stands still keeps its connection, also when another has its slots.
            let one = self.client.with_cluster_node(server);
            is_answer(within(PROBE_LIMIT, one.ping::<Value>(None)).await)?;
        }
        Ok(())
    }
}

impl Life {
    pub(super) fn link(&self) -> &Arc<Link> {
        &self.link
    }

    /// Waits until the link is lost, given up, or does not answer. True if it was of use.
    pub(super) async fn watch(&mut self) -> bool {
        let (mut probes, mut missed) = (0, 0);
        loop {
            tokio::select! {
                _ = &mut self.task.0 => return probes > 0,
                () = self.link.given_up.notified() => return probes > 0,
                () = tokio::time::sleep(PROBE_EVERY) => {}
            }
            match self.link.answers().await {
                Ok(()) => (probes, missed) = (probes + 1, 0),
                Err(Failure::Late) => missed += 1,
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

impl Drop for Life {
    fn drop(&mut self) {
        self.counters.connections.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Drop for Task {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// What a call comes to within `limit`.
pub(super) async fn within<T>(
    limit: Duration,
    call: impl Future<Output = Result<T, ClientError>>,
) -> Result<T, Failure> {
    match timeout(limit, call).await {
        Ok(result) => result.map_err(|error| Failure::of(&error)),
        Err(_) => Err(Failure::Late),
    }
}

fn is_answer<T>(result: Result<T, Failure>) -> Result<(), Failure> {
    result.map(drop).or_else(|failure| match failure {
        Failure::Refused(_) | Failure::Denied(_) => Ok(()),
        lost => Err(lost),
    })
}

fn owner(client: &Client, key: &Key) -> Option<Server> {
    let routing = client.cached_cluster_state()?;
    routing.get_server(key.cluster_hash()).cloned()
}

pub(super) fn config(server: &options::Server) -> Result<Config, Error> {
    let tls = server.tls.as_ref().map(tls::config).transpose()?;
    let name = server.tls.as_ref().and_then(|tls| tls.server_name.as_deref());
    let tls = tls.map(|config| TlsConfig {
        connector: TlsConnector::from(config),
        // A cluster tells addresses of its servers; certificates are mostly for names.
        hostnames: TlsHostMapping::DefaultHost,
    });
    Ok(Config {
        fail_fast: true,
        username: server.username.clone(),
        password: server.password.as_ref().map(exposed),
        server: reached_by(&server.topology, name),
        database: (server.database != 0).then_some(server.database),
        tls,
        ..Config::default()
    })
}

fn reached_by(topology: &Topology, name: Option<&str>) -> ServerConfig {
    let host = |host: &Host| match name {
        Some(name) => Server::new_with_tls(host.name.clone(), host.port, Some(name.to_owned())),
        None => Server::new(host.name.clone(), host.port),
    };
    match topology {
        Topology::Single(one) => ServerConfig::Centralized { server: host(one) },
        Topology::Unix(path) => ServerConfig::Unix { path: path.clone() },
        Topology::Sentinel { hosts, primary, username, password } => ServerConfig::Sentinel {
            hosts: hosts.iter().map(host).collect(),
            service_name: primary.clone(),
            username: username.clone(),
            password: password.as_ref().map(exposed),
        },
        Topology::Cluster { hosts } => ServerConfig::Clustered {
            hosts: hosts.iter().map(host).collect(),
            policy: ClusterDiscoveryPolicy::ConfigEndpoint,
        },
    }
}

fn exposed(secret: &Secret) -> String {
    secret.expose().clone()
}
