//! What the server says of itself: how it is set up, how full and how far away it is.

use std::collections::BTreeMap;

use fred::clients::Client;
use fred::types::Value;
use futures_util::future::join_all;

use super::{Inner, call, trouble, unreached};
use crate::clock::{Clock, stopwatch_ns};
use crate::operate::server::{Distance, Facts, Node, Setup, Trouble};
use crate::redis::failure::Failure;
use crate::redis::reply::{bytes, number, parts};
use crate::redis::room;
use crate::store::Trouble as Reason;

/// Fields of `INFO` that are passed on.
const FIELDS: [&str; 20] = [
    "run_id",
    "redis_version",
    "valkey_version",
    "connected_clients",
    "used_memory",
    "maxmemory",
    "maxmemory_policy",
    "rdb_last_bgsave_status",
    "aof_enabled",
    "aof_last_write_status",
    "aof_last_bgrewrite_status",
    "instantaneous_ops_per_sec",
    "keyspace_hits",
    "keyspace_misses",
    "evicted_keys",
    "expired_keys",
    "connected_slaves",
    "min_slaves_good_slaves",
    "used_cpu_sys",
    "used_cpu_user",
];

/// Settings that are asked for one by one: older servers take one pattern in a call.
const SETTINGS: [&str; 1] = ["cluster-require-full-coverage"];

pub(super) async fn facts(inner: &Inner) -> Result<Facts, Trouble> {
    let nodes = nodes(inner).await?;
    let table_rows = match super::look::table_rows(inner).await {
        Ok(rows) => Some(rows),
        Err(trouble) if trouble.kind == "denied" => None,
        Err(trouble) => return Err(trouble),
    };
    Ok(Facts { nodes, table_rows })
}

pub(super) async fn setup(inner: &Inner) -> Result<Setup, Trouble> {
    let link = inner.link().await?;
    Ok(Setup {
        is_cluster: link.is_of_cluster,
        settings: Box::pin(settings(&link.client)).await,
        strangers: Box::pin(strangers(inner, &link.client)).await,
    })
}

/// What each primary says of itself, over connections that stay. Only if none says anything it fails.
pub(super) async fn nodes(inner: &Inner) -> Result<Vec<Node>, Trouble> {
    let link = inner.link().await?;
    if !link.is_of_cluster {
        return Ok(vec![node(&link.client, inner.shared.server.place()).await?]);
    }
    let asked = link.client.primaries().await.into_iter().map(|(server, client)| async move {
        let told = match client {
            Some(client) => node(&client, server.to_string()).await,
            None => Err(unreached(Failure::Lost(Reason::Closed))),
        };
        told.map_err(|trouble| (server.to_string(), trouble))
    });
    let asked = join_all(asked).await;
    if asked.iter().all(Result::is_err) {
        let first = asked.into_iter().find_map(Result::err);
        return first.map_or(Ok(Vec::new()), |(_, trouble)| Err(trouble));
    }
    let shown = |(server, trouble)| Node {
        server,
        trouble: Some(inner.discreet(&trouble).detail),
        ..Node::default()
    };
    Ok(asked.into_iter().map(|told| told.unwrap_or_else(shown)).collect())
}

async fn node(client: &Client, server: String) -> Result<Node, Trouble> {
    let told = call(client, "INFO", Vec::new()).await.map_err(|error| trouble(&error))?;
    let text = String::from_utf8_lossy(bytes(&told).unwrap_or_default()).into_owned();
    let pairs = text.lines().filter_map(|line| line.split_once(':'));
    let wanted = pairs.filter(|(name, _)| FIELDS.contains(name));
    let info: BTreeMap<String, String> =
        wanted.map(|(name, value)| (name.to_owned(), value.trim().to_owned())).collect();
    let fault = room::room(text.as_bytes()).and_then(crate::store::Room::fault);
    Ok(Node { server, info, fault, trouble: None })
}

/// Round trips, and the server's clock against this one's.
pub(super) async fn distance(inner: &Inner, rounds: usize) -> Result<Distance, Trouble> {
    let link = inner.link().await?;
    let (clock, mut round_trips_ms, mut offset) = (Clock::system(), Vec::new(), (f64::MAX, 0.0));
    for _ in 0..rounds {
        let began = stopwatch_ns();
        let told = call(&link.client, "TIME", Vec::new()).await.map_err(|error| trouble(&error))?;
        let ms = stopwatch_ns().saturating_sub(began) as f64 / 1e6;
        round_trips_ms.push(ms);
        let Some([secs, us]) = parts(&told) else { continue };
        let us = number(secs).unwrap_or(0) * 1_000_000 + number(us).unwrap_or(0);
        // The shortest round trip says it best.
        if ms < offset.0 {
            let here = clock.now().0 as f64 / 1e3 - ms / 2.0;
            offset = (ms, us as f64 / 1e3 - here);
        }
    }
    round_trips_ms.sort_by(f64::total_cmp);
    Ok(Distance { round_trips_ms, clock_ms: offset.1 })
}

async fn settings(client: &Client) -> BTreeMap<String, String> {
    let mut all = BTreeMap::new();
    for name in SETTINGS {
        let told = call(client, "CONFIG", vec![Value::from("GET"), Value::from(name)]).await;
        let told = match told {
            Ok(Value::Map(map)) => map.inner().into_values().next().and_then(|it| it.as_string()),
            Ok(flat) => parts(&flat).and_then(|pair| pair.get(1)).and_then(Value::as_string),
            Err(_) => None,
        };
        if let Some(value) = told {
            all.insert(name.to_owned(), value);
        }
    }
    all
}

/// Keys of the protocol that something else has taken.
async fn strangers(inner: &Inner, client: &Client) -> Vec<String> {
    let mut all = Vec::new();
    for (key, expected) in inner.keys.scripts.iter().zip(["zset", "zset", "zset", "hash"]) {
        let told = call(client, "TYPE", vec![Value::from(key.clone())]).await;
        let kind = told.ok().and_then(|told| told.as_string()).unwrap_or_default();
        if !["none", "", expected].contains(&kind.as_str()) {
            let name = key.as_str_lossy().into_owned();
            all.push(format!("{name} is a {kind} and should be a {expected}"));
        }
    }
    all
}
