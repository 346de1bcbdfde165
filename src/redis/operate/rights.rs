//! Which commands the user may run: asked from the server where it says so, else tried.
//!
//! What is tried changes nothing: the keys are made for it, and live for a second at most.

use fred::clients::Client;
use fred::types::{Key, Value};
use tokio::time::timeout;

use super::steps::SUBSCRIBED;
use super::{Inner, call};
use crate::operate::server::{Right, Trouble};
use crate::redis::failure::Failure;
use crate::store::{Refusal, Trouble as Reason};

/// What a command needs to be tried.
#[derive(Clone, Copy, PartialEq)]
enum On {
    /// These words.
    Words(&'static [&'static str]),
    /// A key of the protocol, and these words.
    Table(&'static [&'static str]),
    /// The key of an entry, and these words.
    Entry(&'static [&'static str]),
    /// A script on a key of the protocol.
    Script(&'static str),
    /// The channel, and a word.
    Channel,
    /// The channel, to hear.
    Subscribe,
}

use On::{Channel, Entry, Script, Subscribe, Table, Words};

/// Parts that suffer without a command.
const INVALIDATIONS: &str = "invalidations";
const ENTRIES: &str = "entries";
const LEASES: &str = "leases";
const APP: &str = "app";
const SPEED: &str = "speed of invalidations";
const OPERATOR: &str = "command line";

/// Every command needed, as access lists spell it; the part that needs it; how to try it.
const NEEDED: [(&str, &str, On); 41] = [
    ("ping", ENTRIES, Words(&["PING"])),
    ("get", ENTRIES, Entry(&["GET"])),
    ("mget", ENTRIES, Entry(&["MGET"])),
    ("set", ENTRIES, Entry(&["SET", "", "PX", "1000"])),
    ("exists", ENTRIES, Table(&["EXISTS"])),
    ("info", ENTRIES, Words(&["INFO", "replication"])),
    ("client|id", ENTRIES, Words(&["CLIENT", "ID"])),
    ("eval", INVALIDATIONS, Script("EVAL")),
    ("evalsha", INVALIDATIONS, Script("EVALSHA")),
    ("time", INVALIDATIONS, Words(&["TIME"])),
    ("pttl", LEASES, Entry(&["PTTL"])),
    ("del", LEASES, Entry(&["DEL"])),
    ("unlink", INVALIDATIONS, Table(&["UNLINK"])),
    ("zadd", INVALIDATIONS, Table(&["ZADD", "1", "a"])),
    ("zscore", INVALIDATIONS, Table(&["ZSCORE", "a"])),
    ("zmscore", INVALIDATIONS, Table(&["ZMSCORE", "a"])),
    ("zrem", INVALIDATIONS, Table(&["ZREM", "a"])),
    ("zcount", INVALIDATIONS, Table(&["ZCOUNT", "0", "1"])),
    ("zrange", INVALIDATIONS, Table(&["ZRANGE", "0", "0"])),
    ("zrevrange", INVALIDATIONS, Table(&["ZREVRANGE", "0", "0"])),
    ("zrangebyscore", INVALIDATIONS, Table(&["ZRANGEBYSCORE", "0", "1"])),
    ("zremrangebyrank", INVALIDATIONS, Table(&["ZREMRANGEBYRANK", "0", "0"])),
    ("hset", INVALIDATIONS, Table(&["HSET", "a", "1"])),
    ("pfadd", APP, Table(&["PFADD"])),
    ("pfcount", APP, Table(&["PFCOUNT"])),
    // What was made above to try it out goes by itself, if the user may not remove it.
    ("pexpire", INVALIDATIONS, Table(&["PEXPIRE", "1000"])),
    ("hget", INVALIDATIONS, Table(&["HGET", "a"])),
    ("hdel", INVALIDATIONS, Table(&["HDEL", "a"])),
    ("hgetall", APP, Table(&["HGETALL"])),
    ("publish", SPEED, Channel),
    ("subscribe", SPEED, Subscribe),
    ("spublish", SPEED, Channel),
    ("ssubscribe", SPEED, Subscribe),
    ("cluster|slots", ENTRIES, Words(&["CLUSTER", "SLOTS"])),
    ("scan", OPERATOR, Words(&["SCAN", "0", "COUNT", "1"])),
    ("dbsize", OPERATOR, Words(&["DBSIZE"])),
    ("getrange", OPERATOR, Entry(&["GETRANGE", "0", "0"])),
    ("strlen", OPERATOR, Entry(&["STRLEN"])),
    ("type", OPERATOR, Table(&["TYPE"])),
    ("config|get", OPERATOR, Words(&["CONFIG", "GET", "maxmemory-policy"])),
    ("readonly", OPERATOR, Words(&["READONLY"])),
];

/// Those that only a cluster needs.
const OF_CLUSTER: [&str; 4] = ["spublish", "ssubscribe", "cluster|slots", "readonly"];

pub(super) async fn rights(inner: &Inner) -> Result<Vec<Right>, Trouble> {
    let link = inner.link().await?;
    let user = user(&link.client, inner).await;
    let mut all = Vec::new();
    for (command, part, on) in NEEDED {
        if OF_CLUSTER.contains(&command) && !link.is_of_cluster {
            continue;
        }
        // In a cluster the entry may lie on another node: a redirection means that it may.
        let state = Box::pin(state(inner, &link.client, user.as_deref(), command, on)).await;
        all.push(Right { command, part, state });
    }
    let [table, entry] = inner.keys.scratch();
    let _ = super::call_at(&link.client, "UNLINK", &table, &[]).await;
    let _ = super::call_at(&link.client, "UNLINK", &entry, &[]).await;
    Ok(all)
}

/// The name of the user, if the server says what that user may do.
async fn user(client: &Client, inner: &Inner) -> Option<String> {
    let user = inner.shared.server.username.clone().unwrap_or_else(|| "default".into());
    let args = ["DRYRUN", &user, "PING"].map(Value::from).to_vec();
    call(client, "ACL", args).await.ok().map(|_| user)
}

async fn state(
    inner: &Inner,
    client: &Client,
    user: Option<&str>,
    command: &'static str,
    on: On,
) -> &'static str {
    let Some(words) = words(inner, command, on) else { return "unknown" };
    if let Some(user) = user {
        let dry = ["DRYRUN", user].map(Value::from).into_iter().chain(words).collect();
        return match call(client, "ACL", dry).await {
            Ok(told) => said(&told.as_string().unwrap_or_default()),
            Err(error) => failed(Failure::of(&error), error.details()),
        };
    }
    let result = match on {
        Subscribe if command == "subscribe" => return subscribes(inner, "SUBSCRIBE").await,
        Subscribe => return subscribes(inner, "SSUBSCRIBE").await,
        _ => {
            let mut words = words.into_iter();
            let Some(name) = words.next().and_then(|name| name.as_string()) else {
                return "unknown";
            };
            let Some(name) = known(&name) else { return "unknown" };
            call(client, name, words.collect()).await
        }
    };
    result.map_or_else(|error| failed(Failure::of(&error), error.details()), |_| "allowed")
}

/// The name of a command, for as long as the client needs it.
fn known(name: &str) -> Option<&'static str> {
    let first = |on: On, command: &'static str| match on {
        Words(words) | Table(words) | Entry(words) => words.first().copied(),
        Script(name) => Some(name),
        Channel if command == "publish" => Some("PUBLISH"),
        Channel => Some("SPUBLISH"),
        Subscribe => None,
    };
    NEEDED.iter().filter_map(|(command, _, on)| first(*on, command)).find(|first| *first == name)
}

/// A command with its arguments.
fn words(inner: &Inner, command: &str, on: On) -> Option<Vec<Value>> {
    let [table, entry] = inner.keys.scratch();
    let with = |key: Key, words: &[&'static str]| {
        let (name, more) = words.split_first()?;
        let more = more.iter().map(|word| Value::from(*word));
        Some([Value::from(*name), key.into()].into_iter().chain(more).collect::<Vec<_>>())
    };
    let channel = || Value::from(inner.keys.channel.as_str());
    match on {
        Words(words) => Some(words.iter().map(|word| Value::from(*word)).collect()),
        Table(words) => with(table, words),
        Entry(words) => with(entry, words),
        Script(name) => {
            // No server knows a script by this hash; one that is allowed to look says so.
            let script = if name == "EVAL" { "return 1".to_owned() } else { "0".repeat(40) };
            Some(vec![Value::from(name), script.into(), Value::from("1"), table.into()])
        }
        // Nothing that instances can read: they ignore it.
        Channel => Some(vec![Value::from(command.to_uppercase()), channel(), Value::from("")]),
        Subscribe => Some(vec![Value::from(command.to_uppercase()), channel()]),
    }
}

/// What `ACL DRYRUN` answers.
fn said(told: &str) -> &'static str {
    match told {
        "OK" => "allowed",
        told if told.contains("access the") => "keys",
        told if told.contains("unknown command") || told.contains("not found") => "missing",
        _ => "denied",
    }
}

fn failed(failure: Failure, details: &str) -> &'static str {
    match failure {
        Failure::Denied(Refusal::Keys) => "keys",
        _ if details.to_ascii_lowercase().contains("unknown command")
            || details.contains("not found") =>
        {
            "missing"
        }
        Failure::Denied(_) => "denied",
        // It was let through, and failed for another reason.
        Failure::Lost(Reason::Replica | Reason::Loading | Reason::Cluster)
        | Failure::BadReply(_) => "allowed",
        Failure::Lost(_) | Failure::TimedOut | Failure::Unauthenticated(_) => "unknown",
    }
}

/// Tried on a connection of its own, which then hears nothing. A subscription has no reply of its
/// own there, only a refusal has: what comes first otherwise is the reply to the ping behind it.
async fn subscribes(inner: &Inner, name: &'static str) -> &'static str {
    let opened = Box::pin(inner.connector.open(SUBSCRIBED)).await;
    let Ok(guard) = opened else { return "unknown" };
    let link = guard.link();
    let channel = vec![Value::from(inner.keys.channel.as_str())];
    let asked = async {
        tokio::select! {
            biased;
            answer = call(&link.client, name, channel) => answer.map(drop),
            answer = call(&link.client, "PING", Vec::new()) => answer.map(drop),
        }
    };
    match timeout(inner.shared.command_timeout, Box::pin(asked)).await {
        Ok(Ok(())) => "allowed",
        Ok(Err(error)) => failed(Failure::of(&error), error.details()),
        Err(_) => "unknown",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::redis::failure::COMMANDS;

    #[test]
    fn what_a_server_says_of_a_right_is_told_apart() {
        assert_eq!(said("OK"), "allowed");
        assert_eq!(said("User app has no permissions to run the 'get' command"), "denied");
        assert_eq!(said("User app has no permissions to access the 'x' key"), "keys");
        assert_eq!(failed(Failure::Denied(Refusal::Keys), ""), "keys");
        let unknown = "ERR unknown command 'ZMSCORE', with args";
        assert_eq!(failed(Failure::Denied(Refusal::Command("ZMSCORE")), unknown), "missing");
        assert_eq!(failed(Failure::BadReply(Refusal::Error("NOSCRIPT")), "NOSCRIPT"), "allowed");
        assert_eq!(failed(Failure::Lost(Reason::Cluster), "MOVED 1 10.0.0.1:6379"), "allowed");
        for lost in [Reason::Closed, Reason::Refused, Reason::TimedOut] {
            assert_eq!(failed(Failure::Lost(lost), ""), "unknown", "{lost:?}");
        }
    }

    /// The sources of all scripts below a folder.
    fn scripts(folder: &std::path::Path) -> String {
        let paths = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        let text = |path: &std::path::Path| std::fs::read_to_string(path).unwrap();
        paths.map(|path| if path.is_dir() { scripts(&path) } else { text(&path) }).collect()
    }

    #[test]
    fn every_command_of_a_script_is_looked_at_and_can_be_named() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/redis/scripts");
        let sources = scripts(std::path::Path::new(folder));
        let calls = sources.split("call('").skip(1);
        let named: std::collections::BTreeSet<&str> =
            calls.filter_map(|call| call.split('\'').next()).collect();
        assert!(named.len() > 20, "{named:?}");
        for name in named {
            let command = name.to_ascii_lowercase();
            assert!(NEEDED.iter().any(|(needed, ..)| *needed == command), "{name} is not tried");
            assert!(COMMANDS.contains(&name), "a refusal of {name} is not named");
        }
    }

    #[test]
    fn every_command_can_be_tried() {
        for (command, _, on) in NEEDED {
            let (Words(words) | Table(words) | Entry(words)) = on else { continue };
            assert_eq!(known(words[0]), Some(words[0]), "{command}");
        }
        assert_eq!(known("PUBLISH"), Some("PUBLISH"));
    }
}
