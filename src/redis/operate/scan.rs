//! Lists all entries: node by node, from a replica where there is one, at a bounded rate.

use std::sync::Arc;
use std::time::Duration;

use fred::clients::Client;
use fred::interfaces::ClientLike;
use fred::types::config::Server;
use fred::types::{InfoKind, Value};
use futures_util::future::join_all;
use tokio::time::sleep;

use super::{Inner, call, content, trouble};
use crate::clock::stopwatch_ns;
use crate::codec::{Broken, glance};
use crate::operate::server::{Listed, Page, Scan, Trouble};
use crate::redis::connect::{Connection, Task};
use crate::redis::reply::{bytes, number, parts};
use crate::store::Address;

/// Keys looked at in one call. The server serves others between two of them.
const AT_ONCE: u32 = 250;
/// Bytes read of an entry first, and where its key and tags need more.
const FRONT: usize = 2_048;
const LONG_FRONT: usize = 256 << 10;
/// Bytes that tell an entry from others at its place: more than the fixed ones of any version.
const HEAD: usize = 64;

/// A node that is read.
pub(super) struct Node {
    pub(super) client: Client,
    /// Keeps a connection of its own open.
    _task: Option<Task>,
    name: String,
    keys: u64,
}

/// A scan under way.
pub(super) struct Walk {
    inner: Arc<Inner>,
    nodes: Vec<Node>,
    names: Vec<String>,
    total: u64,
    rate: u32,
    cursor: Vec<u8>,
    scanned: u64,
    /// When the next page may be asked for, on the stopwatch.
    next_ns: u64,
}

impl Walk {
    pub(super) fn new(inner: Arc<Inner>, mut nodes: Vec<Node>, rate: u32) -> Self {
        let names = nodes.iter().map(|node| node.name.clone()).collect();
        let total = nodes.iter().map(|node| node.keys).sum();
        // Taken from the end.
        nodes.reverse();
        let (cursor, scanned, next_ns) = (b"0".to_vec(), 0, 0);
        Self { inner, nodes, names, total, rate, cursor, scanned, next_ns }
    }

    async fn next_page(&mut self) -> Result<Page, Trouble> {
        let Some(node) = self.nodes.last() else {
            return Ok(Page { scanned: self.scanned, is_done: true, ..Page::default() });
        };
        sleep(Duration::from_nanos(self.next_ns.saturating_sub(stopwatch_ns()))).await;
        let count = AT_ONCE.min(self.rate);
        let pause = Duration::from_secs_f64(f64::from(count) / f64::from(self.rate));
        self.next_ns = stopwatch_ns().saturating_add(pause.as_nanos() as u64);
        let args = vec![
            Value::Bytes(self.cursor.clone().into()),
            Value::from("MATCH"),
            Value::from(self.inner.keys.pattern()),
            Value::from("COUNT"),
            Value::from(count.to_string()),
        ];
        let reply = call(&node.client, "SCAN", args).await.map_err(|error| trouble(&error))?;
        let told = parts(&reply).and_then(|told| match told {
            [cursor, keys] => Some((bytes(cursor)?.to_vec(), parts(keys)?)),
            _ => None,
        });
        let (cursor, keys) = told.ok_or_else(|| Trouble::failed("SCAN says nothing of use"))?;
        let names = keys.iter().filter_map(bytes);
        let addresses: Vec<_> = names.filter_map(|name| self.inner.keys.address(name)).collect();
        let entries = fronts(&self.inner, &node.client, &addresses).await?;
        // Where the user may not ask for it, the total is not known.
        let most = if self.total == 0 { u64::MAX } else { self.total };
        self.scanned = (self.scanned + u64::from(count)).min(most);
        self.cursor = cursor;
        if self.cursor == b"0" {
            self.nodes.pop();
        }
        let is_done = self.nodes.is_empty();
        let scanned = if is_done { self.total } else { self.scanned };
        Ok(Page { entries, scanned, is_done })
    }
}

impl Scan for Walk {
    fn total(&self) -> u64 {
        self.total
    }

    fn nodes(&self) -> Vec<String> {
        self.names.clone()
    }

    fn page(&mut self) -> Result<Page, Trouble> {
        let inner = self.inner.clone();
        inner.run(self.next_page())
    }
}

/// Reads the fronts of entries, together.
async fn fronts(
    inner: &Inner,
    client: &Client,
    addresses: &[Address],
) -> Result<Vec<Listed>, Trouble> {
    let all = addresses.iter().map(|address| front(inner, client, *address));
    let all: Result<Vec<_>, Trouble> = join_all(all).await.into_iter().collect();
    // Some have expired meanwhile.
    Ok(all?.into_iter().flatten().collect())
}

async fn front(
    inner: &Inner,
    client: &Client,
    address: Address,
) -> Result<Option<Listed>, Trouble> {
    let key = || Value::from(inner.keys.entry(address));
    let range = |end: usize| vec![key(), Value::from("0"), Value::from((end - 1).to_string())];
    let (found, length, ttl) = tokio::join!(
        Box::pin(call(client, "GETRANGE", range(FRONT))),
        Box::pin(call(client, "STRLEN", vec![key()])),
        Box::pin(call(client, "PTTL", vec![key()])),
    );
    let (found, length, ttl) = match (found, length, ttl) {
        (Ok(found), Ok(length), Ok(ttl)) => (found, length, ttl),
        // Something that is no string lies where an entry would.
        (Err(error), ..) if error.details().starts_with("WRONGTYPE") => return Ok(None),
        (Err(error), ..) | (_, Err(error), _) | (.., Err(error)) => return Err(trouble(&error)),
    };
    let length = number(&length).unwrap_or(0);
    let Some(mut front) = content(found).filter(|front| !front.is_empty()) else { return Ok(None) };
    let mut told = glance(&front);
    if told == Err(Broken::Length) && length > FRONT as u64 {
        let longer = call(client, "GETRANGE", range(LONG_FRONT)).await;
        front = longer.map_err(|error| trouble(&error)).map(content)?.unwrap_or_default();
        told = glance(&front);
    }
    let head = front.slice(..front.len().min(HEAD));
    let ttl_ms = ttl.as_i64().unwrap_or(-1);
    Ok(Some(Listed { address, bytes: length, ttl_ms, glance: told, head }))
}

/// A replica of each primary, or the primary itself.
pub(super) async fn nodes(inner: &Inner) -> Result<Vec<Node>, Trouble> {
    let link = inner.link().await?;
    let shards = if link.is_of_cluster {
        of_cluster(&link).await?
    } else {
        vec![(None, replicas_of(&link.client).await)]
    };
    let mut nodes = Vec::new();
    for (primary, replicas) in shards {
        let mut found = None;
        for replica in replicas {
            found = open(inner, replica, link.is_of_cluster, "replica").await.ok();
            if found.is_some() {
                break;
            }
        }
        nodes.push(match (found, primary) {
            (Some(node), _) => node,
            (None, Some(primary)) => open(inner, primary, false, "primary").await?,
            (None, None) => {
                let keys = size(&link.client).await?;
                let name = inner.shared.server.place();
                Node { client: (*link.client).clone(), _task: None, name, keys }
            }
        });
    }
    Ok(nodes)
}

async fn open(
    inner: &Inner,
    server: Server,
    is_to_tell: bool,
    role: &str,
) -> Result<Node, Trouble> {
    let name = format!("{server} ({role})");
    let server = inner.certified(server);
    let opened = inner.connector.opener().open(server).await;
    let (client, task) = opened.map_err(super::unreached)?;
    if is_to_tell {
        call(&client, "READONLY", Vec::new()).await.map_err(|error| trouble(&error))?;
    }
    let keys = size(&client).await?;
    Ok(Node { client, _task: Some(task), name, keys })
}

async fn size(client: &Client) -> Result<u64, Trouble> {
    match call(client, "DBSIZE", Vec::new()).await {
        Ok(size) => Ok(number(&size).unwrap_or(0)),
        // Only the bar of progress needs it.
        Err(error) if trouble(&error).kind == "denied" => Ok(0),
        Err(error) => Err(trouble(&error)),
    }
}

/// The replicas that a primary has, of those that follow it closely.
async fn replicas_of(client: &Client) -> Vec<Server> {
    let info = client.info::<String>(Some(InfoKind::Replication)).await.unwrap_or_default();
    replicas_in(&info).into_iter().map(|(host, port)| Server::new(host, port)).collect()
}

fn replicas_in(info: &str) -> Vec<(String, u16)> {
    let lines = info.lines().filter_map(|line| line.strip_prefix("slave")?.split_once(':'));
    let replicas = lines.filter_map(|(_, about)| {
        let field = |name: &str| {
            about.split(',').find_map(|field| field.trim().strip_prefix(name)?.strip_prefix('='))
        };
        let is_near = field("lag").and_then(|lag| lag.parse::<u64>().ok()).is_some_and(|s| s <= 2);
        let is_online = field("state") == Some("online") && is_near;
        let port = field("port")?.parse().ok()?;
        is_online.then_some((field("ip")?.to_owned(), port))
    });
    replicas.collect()
}

/// Each primary of a cluster, and its replicas.
async fn of_cluster(link: &Connection) -> Result<Vec<(Option<Server>, Vec<Server>)>, Trouble> {
    let told = call(&link.client, "CLUSTER", vec![Value::from("SLOTS")]).await;
    let told = told.map_err(|error| trouble(&error))?;
    let mut shards: Vec<(Option<Server>, Vec<Server>)> = Vec::new();
    for range in parts(&told).unwrap_or_default() {
        let servers = parts(range).unwrap_or_default().iter().skip(2).filter_map(server_of);
        let mut servers = servers.collect::<Vec<_>>().into_iter();
        let Some(primary) = servers.next() else { continue };
        if shards.iter().all(|(known, _)| known.as_ref() != Some(&primary)) {
            shards.push((Some(primary), servers.collect()));
        }
    }
    Ok(shards)
}

fn server_of(told: &Value) -> Option<Server> {
    let [host, port, ..] = parts(told)? else { return None };
    let port = u16::try_from(number(port)?).ok()?;
    Some(Server::new(host.as_string()?, port))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replicas_that_are_near_are_found() {
        let info = "role:master\r\nconnected_slaves:3\r\n\
            slave0:ip=10.0.0.2,port=6380,state=online,offset=98,lag=0\r\n\
            slave1:ip=10.0.0.3,port=6381,state=wait_bgsave,offset=0,lag=0\r\n\
            slave2:ip=10.0.0.4,port=6382,state=online,offset=9,lag=30\r\n\
            master_failover_state:no-failover\r\n";
        assert_eq!(replicas_in(info), [("10.0.0.2".to_owned(), 6380)]);
        assert_eq!(replicas_in("role:master"), []);
    }
}
