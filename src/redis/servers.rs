//! The servers of a link: the one that has the table, and in a cluster the others, each of which
//! has some of the entries.
//!
//! Only the first decides about the link. The connection to another shard reconnects by itself, or
//! is replaced when the cluster reports another shard; until then its keys are missing. A key that
//! is moving from one shard to another is missing too.

use std::collections::HashMap;
use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use fred::clients::Client;
use fred::error::{Error as ClientError, ErrorKind};
use fred::interfaces::ClientLike;
use fred::types::cluster::ClusterRouting;
use fred::types::config::Server;
use fred::types::{ClusterHash, CustomCommand, Key, Value};
use parking_lot::Mutex;
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::connect::{Opener, Task, within};
use super::failure::Failure;
use super::health::PROBE_LIMIT;
use super::kept::{Kept, tried};
use crate::store::Trouble;

/// Most primaries to ask in addition to the hosts of the configuration.
const MOST_KNOWN: usize = 5;
/// Looks after which the shards are asked for again although nothing is wrong: ten seconds.
const CALM_LOOKS: u32 = 20;

/// The servers that a link leads to. It dereferences to the one that has the table.
pub(super) struct Servers {
    table: Client,
    shards: Option<Shards>,
}

/// The primaries of a cluster.
pub(super) struct Shards {
    opener: Opener,
    /// The name that certificates are for: a cluster reports addresses.
    name: String,
    /// The server that has the table, and the table's slot.
    owner: Server,
    slot: u16,
    /// Whether the other shards are not needed.
    is_alone: bool,
    routing: Mutex<Routing>,
    others: Mutex<HashMap<Server, Arc<Kept>>>,
    asking: tokio::sync::Mutex<()>,
}

/// Which server has which slots.
struct Routing {
    map: ClusterRouting,
    /// Number of times it was read.
    version: u64,
    /// Looks since then.
    looks: u32,
}

impl Deref for Servers {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.table
    }
}

impl Servers {
    pub(super) fn one(table: Client) -> Self {
        Self { table, shards: None }
    }

    pub(super) fn of_cluster(table: Client, shards: Shards) -> Self {
        Self { table, shards: Some(shards) }
    }

    pub(super) fn is_of_cluster(&self) -> bool {
        self.shards.is_some()
    }

    /// Whether another server has the table now.
    pub(super) fn is_moved(&self) -> bool {
        self.shards
            .as_ref()
            .is_some_and(|shards| shards.at(shards.slot).as_ref() != Some(&shards.owner))
    }

    /// Whether a key lies where the table does.
    pub(super) fn is_with_table(&self, key: &Key) -> bool {
        let is_of = |shards: &Shards| shards.at(key.cluster_hash()).as_ref() == Some(&shards.owner);
        self.shards.as_ref().is_none_or(is_of)
    }

    /// The server that has a key of a cluster.
    pub(super) fn server_of(&self, key: &Key) -> Option<Server> {
        self.shards.as_ref()?.at(key.cluster_hash())
    }

    /// Each shard of a cluster, and how to reach it.
    pub(super) fn shards(&self) -> Vec<(Server, Server)> {
        let Some(shards) = &self.shards else { return Vec::new() };
        let others: Vec<_> = shards.others.lock().keys().cloned().collect();
        let all = others.into_iter().chain([shards.owner.clone()]);
        let reached = |server: &Server| shards.opener.certified(shards.named(server));
        all.map(|server| (server.clone(), reached(&server))).collect()
    }

    /// Each primary, and the connection to it while there is one. Waits a moment for those on their way.
    pub(super) async fn primaries(&self) -> Vec<(Server, Option<Client>)> {
        let Some(shards) = &self.shards else { return Vec::new() };
        self.look_after().await;
        let others: Vec<_> = shards.others.lock().values().cloned().collect();
        tried(others.iter().map(|kept| &**kept), PROBE_LIMIT).await;
        let mut primaries = shards.routing.lock().map.unique_primary_nodes();
        primaries.sort();
        let others = shards.others.lock();
        let client = |server: &Server| {
            let is_owner = *server == shards.owner;
            if is_owner { Some(self.table.clone()) } else { others.get(server)?.client() }
        };
        primaries.into_iter().map(|server| (server.clone(), client(&server))).collect()
    }

    /// Records how a call for a key on another shard went.
    pub(super) fn note<T>(&self, key: &Key, result: &Result<T, Failure>) {
        let Some(shards) = &self.shards else { return };
        let server = shards.at(key.cluster_hash());
        if let Some(kept) = server.and_then(|server| shards.others.lock().get(&server).cloned()) {
            kept.note(result);
        }
    }

    /// Calls the server that has a key, and the key's new server if it has moved.
    pub(super) async fn at<T, F>(
        &self,
        key: &Key,
        call: impl Fn(Client) -> F,
    ) -> Result<T, ClientError>
    where
        F: Future<Output = Result<T, ClientError>>,
    {
        let Some(shards) = &self.shards else { return call(self.table.clone()).await };
        let version = shards.routing.lock().version;
        match call(self.client(shards, key)?).await {
            Err(error) if error.is_moved() => {
                Box::pin(shards.ask_again(&self.table, version)).await;
                call(self.client(shards, key)?).await
            }
            result => result,
        }
    }

    fn client(&self, shards: &Shards, key: &Key) -> Result<Client, ClientError> {
        let away = || ClientError::new(ErrorKind::Routing, "the shard is away");
        let server = shards.at(key.cluster_hash()).ok_or_else(away)?;
        if server == shards.owner {
            return Ok(self.table.clone());
        }
        let others = shards.others.lock();
        others.get(&server).and_then(|kept| kept.client()).ok_or_else(away)
    }

    /// Asks for the shards again if one is away, and from time to time.
    pub(super) async fn look_after(&self) {
        let Some(shards) = &self.shards else { return };
        let is_whole = shards.others.lock().values().all(|kept| kept.client().is_some());
        let version = {
            let mut routing = shards.routing.lock();
            routing.looks += 1;
            (!is_whole || routing.looks >= CALM_LOOKS).then_some(routing.version)
        };
        if let Some(version) = version {
            Box::pin(shards.ask_again(&self.table, version)).await;
        }
    }
}

impl Shards {
    /// Finds the shards through `hosts`, and connects to the one that has a key.
    pub(super) async fn open(
        opener: Opener,
        hosts: Vec<Server>,
        key: &Key,
        is_alone: bool,
    ) -> Result<(Self, Client, Task), Failure> {
        let slot = key.cluster_hash();
        let (map, host) = discover(&opener, hosts, slot).await?;
        let owner = map.get_server(slot).cloned().ok_or(Failure::Lost(Trouble::Cluster))?;
        let shards = Self {
            opener,
            name: host.tls_server_name.unwrap_or(host.host).to_string(),
            owner,
            slot,
            is_alone,
            routing: Mutex::new(Routing { map: ClusterRouting::new(), version: 0, looks: 0 }),
            others: Mutex::default(),
            asking: tokio::sync::Mutex::default(),
        };
        shards.follow(map);
        let (client, task) = shards.opener.open(shards.named(&shards.owner)).await?;
        let others: Vec<_> = shards.others.lock().values().cloned().collect();
        tried(others.iter().map(|kept| &**kept), PROBE_LIMIT).await;
        Ok((shards, client, task))
    }

    /// Some of the primaries: they know the others when the hosts of the configuration are lost.
    pub(super) fn some(&self) -> Vec<Server> {
        let primaries = self.routing.lock().map.unique_primary_nodes();
        primaries.iter().take(MOST_KNOWN).map(|server| self.named(server)).collect()
    }

    /// The server that has a slot.
    fn at(&self, slot: u16) -> Option<Server> {
        self.routing.lock().map.get_server(slot).cloned()
    }

    fn named(&self, server: &Server) -> Server {
        Server { tls_server_name: Some(self.name.as_str().into()), ..server.clone() }
    }

    /// Asks which server has which slots, unless another call has done so since `version`.
    async fn ask_again(&self, table: &Client, version: u64) {
        let _asking = self.asking.lock().await;
        if self.routing.lock().version != version {
            return;
        }
        if let Ok(map) = slots(table, &self.owner).await {
            self.follow(map);
        }
    }

    /// Keeps connections to all servers that have slots, and to no other.
    fn follow(&self, map: ClusterRouting) {
        let primaries = if self.is_alone { Vec::new() } else { map.unique_primary_nodes() };
        let mut others = self.others.lock();
        others.retain(|server, _| primaries.contains(server));
        for server in primaries.into_iter().filter(|server| *server != self.owner) {
            let kept = || Arc::new(Kept::start(self.opener.clone(), self.named(&server)));
            others.entry(server.clone()).or_insert_with(kept);
        }
        let mut routing = self.routing.lock();
        *routing = Routing { map, version: routing.version + 1, looks: 0 };
    }
}

/// Which server has which slots, as most of the answering hosts report it, and one of these hosts:
/// a server that was suspended may not know that it has lost its slots.
async fn discover(
    opener: &Opener,
    hosts: Vec<Server>,
    slot: u16,
) -> Result<(ClusterRouting, Server), Failure> {
    let mut asked = JoinSet::new();
    for host in hosts {
        let opener = opener.clone();
        asked.spawn(async move {
            let (client, _task) = opener.open(host.clone()).await?;
            Ok::<_, Failure>((slots(&client, &host).await?, host))
        });
    }
    let (mut told, mut failure) = (Vec::new(), Failure::Lost(Trouble::Closed));
    loop {
        let limit = if told.is_empty() { Duration::MAX } else { PROBE_LIMIT };
        match timeout(limit, asked.join_next()).await {
            Ok(Some(Ok(Ok(one)))) => told.push(one),
            Ok(Some(Ok(Err(other)))) => failure = other,
            Ok(Some(Err(_))) => {}
            Ok(None) | Err(_) => break,
        }
    }
    let mut votes = HashMap::<Option<Server>, usize>::new();
    for (map, _) in &told {
        *votes.entry(map.get_server(slot).cloned()).or_default() += 1;
    }
    let count = |map: &ClusterRouting| votes.get(&map.get_server(slot).cloned()).copied();
    told.into_iter().max_by_key(|(map, _)| count(map)).ok_or(failure)
}

/// Which server has which slots, as one server reports it.
async fn slots(client: &Client, server: &Server) -> Result<ClusterRouting, Failure> {
    let command = CustomCommand::new_static("CLUSTER", ClusterHash::FirstKey, false);
    let call = client.custom::<Value, _>(command, vec!["SLOTS"]);
    let told = within(PROBE_LIMIT, call).await?;
    ClusterRouting::from_cluster_slots(told, server.host.clone()).map_err(|_| Failure::NONSENSE)
}
