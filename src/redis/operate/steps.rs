//! The way to the server, each step apart, up to the first that fails.
//!
//! The client makes one step of encryption, login and database; its error says which of them failed.

use std::net::SocketAddr;
use std::path::Path;

use fred::clients::Client;
use fred::error::{Error as ClientError, ErrorKind};
use fred::types::config::{Server, ServerConfig};
use fred::types::{RespVersion, Value};
use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;

use super::{Inner, call, call_at, short, unreached, words};
use crate::clock::stopwatch_ns;
use crate::operate::server::Step;
use crate::options::{HostPort, Topology};
use crate::redis::connect::Task;
use crate::redis::failure::Failure;
use crate::redis::reply::{number, parts};
use crate::redis::role::Role;
use crate::store::Trouble;

/// How long what is written to try it out lives, in ms.
const SCRATCH_MS: &str = "1000";
const SLOTS: u64 = 16_384;

/// The steps made so far.
struct Steps {
    all: Vec<Step>,
    since_ns: u64,
}

impl Steps {
    fn add(&mut self, name: &'static str, target: &str, result: Result<String, String>) -> bool {
        let now = stopwatch_ns();
        let ms = now.saturating_sub(self.since_ns) as f64 / 1e6;
        self.since_ns = now;
        let is_fine = result.is_ok();
        let (Ok(detail) | Err(detail)) = result;
        self.all.push(Step { name, target: target.into(), is_fine, detail, ms });
        is_fine
    }
}

pub(super) async fn steps(inner: &Inner) -> Vec<Step> {
    let mut steps = Steps { all: Vec::new(), since_ns: stopwatch_ns() };
    Box::pin(walk(inner, &mut steps)).await;
    for step in steps.all.iter_mut().filter(|step| !step.is_fine) {
        step.detail = short(&inner.hidden(&step.detail));
    }
    steps.all
}

async fn walk(inner: &Inner, steps: &mut Steps) -> Option<()> {
    let topology = &inner.shared.server.topology;
    let server = match topology {
        Topology::Single(host) => {
            reached(inner, steps, std::slice::from_ref(host)).await?;
            let server = Server::new(host.name.clone(), host.port);
            ServerConfig::Centralized { server: inner.certified(server) }
        }
        Topology::Unix(path) => {
            let target = path.display().to_string();
            steps.add("socket", &target, socket(inner, path).await).then_some(())?;
            ServerConfig::Unix { path: path.clone() }
        }
        Topology::Cluster { hosts } => {
            let first = reached(inner, steps, hosts).await?;
            let server = Server::new(first.name.clone(), first.port);
            ServerConfig::Centralized { server: inner.certified(server) }
        }
        Topology::Sentinel { hosts, .. } => {
            reached(inner, steps, hosts).await?;
            let server = named(inner, steps).await?;
            let host = HostPort { name: server.host.to_string(), port: server.port };
            reached(inner, steps, &[host]).await?;
            ServerConfig::Centralized { server: inner.certified(server) }
        }
    };
    let target = target(&server);
    let (client, _task) = opened(inner, steps, server, &target).await?;
    if let Topology::Cluster { .. } = topology {
        cluster(&client, steps, &target).await?;
    } else {
        let must_say = matches!(topology, Topology::Sentinel { .. });
        let role = role(&client, must_say).await;
        steps.add("primary", &target, role).then_some(())?;
    }
    write(inner, steps).await
}

fn target(server: &ServerConfig) -> String {
    match server {
        ServerConfig::Centralized { server } => {
            HostPort { name: server.host.to_string(), port: server.port }.to_string()
        }
        ServerConfig::Unix { path } => path.display().to_string(),
        _ => String::new(),
    }
}

/// Names and connections of hosts; returns the first that is reached.
async fn reached<'h>(
    inner: &Inner,
    steps: &mut Steps,
    hosts: &'h [HostPort],
) -> Option<&'h HostPort> {
    let mut first = None;
    for host in hosts {
        let found = resolved(inner, steps, host).await;
        let Some(addresses) = found else { continue };
        let connected = connected(inner, &addresses).await;
        if steps.add("tcp", &host.to_string(), connected) {
            first = first.or(Some(host));
        }
    }
    first
}

/// The addresses of a host; no step where it is an address itself.
async fn resolved(inner: &Inner, steps: &mut Steps, host: &HostPort) -> Option<Vec<SocketAddr>> {
    if let Ok(address) = host.name.parse() {
        return Some(vec![SocketAddr::new(address, host.port)]);
    }
    let lookup = lookup_host((host.name.as_str(), host.port));
    let found: Result<Vec<SocketAddr>, String> =
        match timeout(inner.shared.connect_timeout, lookup).await {
            Ok(Ok(addresses)) => Ok(addresses.collect()),
            Ok(Err(error)) => Err(error.to_string()),
            Err(_) => Err("no answer in time".into()),
        };
    let shown = found.clone().map(|addresses| {
        let shown: Vec<_> = addresses.iter().map(|address| address.ip().to_string()).collect();
        shown.join(", ")
    });
    steps.add("dns", &host.name, shown).then_some(found.ok()).flatten()
}

async fn connected(inner: &Inner, addresses: &[SocketAddr]) -> Result<String, String> {
    let mut failed = "the name has no address".to_owned();
    for address in addresses {
        match timeout(inner.shared.connect_timeout, TcpStream::connect(address)).await {
            Ok(Ok(_)) => return Ok("connected".into()),
            Ok(Err(error)) => failed = error.to_string(),
            Err(_) => failed = "no answer in time: a firewall may drop what is sent there".into(),
        }
    }
    Err(failed)
}

#[cfg(unix)]
async fn socket(inner: &Inner, path: &Path) -> Result<String, String> {
    let connecting = tokio::net::UnixStream::connect(path);
    match timeout(inner.shared.connect_timeout, connecting).await {
        Ok(Ok(_)) => Ok("connected".into()),
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err("no answer in time".into()),
    }
}

#[cfg(not(unix))]
async fn socket(_: &Inner, _: &Path) -> Result<String, String> {
    Err("this system has no such sockets".into())
}

async fn named(inner: &Inner, steps: &mut Steps) -> Option<Server> {
    let Topology::Sentinel { primary, .. } = &inner.shared.server.topology else { return None };
    match inner.connector.named().await? {
        Ok(server) => {
            let shown = format!("a majority names {}:{}", server.host, server.port);
            steps.add("sentinel", primary, Ok(shown));
            Some(server)
        }
        Err(Failure::Lost(Trouble::NoPrimary)) => {
            let why = "no majority of the Sentinels names a primary of this name".into();
            steps.add("sentinel", primary, Err(why));
            None
        }
        Err(failure) => {
            steps.add("sentinel", primary, Err(unreached(failure).detail));
            None
        }
    }
}

/// Encryption, login and database, which the client makes one of.
async fn opened(
    inner: &Inner,
    steps: &mut Steps,
    server: ServerConfig,
    target: &str,
) -> Option<(Client, Task)> {
    let options = &inner.shared.server;
    let result = Box::pin(inner.connector.opener().try_at(server)).await;
    let failed = result.as_ref().err().map(|error| (stage(error, options.tls.is_some()), error));
    let database = (options.database != 0).then_some("database");
    let stages = [options.tls.as_ref().map(|_| "tls"), Some("answer"), Some("login"), database];
    let user = options.username.as_deref().unwrap_or("default");
    for name in stages.into_iter().flatten() {
        let fine = match name {
            "tls" => "encrypted, and the certificate is trusted".into(),
            "answer" => "it speaks the protocol of Redis".into(),
            "login" if options.password.is_some() => format!("user {user}"),
            "login" => "without a password".into(),
            _ => format!("database {}", options.database),
        };
        match failed {
            Some((stage, error)) if stage == name => {
                steps.add(name, target, Err(words(error)));
                return None;
            }
            _ => steps.add(name, target, Ok(fine)),
        };
    }
    result.ok()
}

/// The stage at which opening a connection failed.
fn stage(error: &ClientError, is_tls: bool) -> &'static str {
    let says = |words: &[&str]| words.iter().any(|word| error.details().contains(word));
    if *error.kind() == ErrorKind::Auth || matches!(Failure::of(error), Failure::Unauthenticated(_))
    {
        return "login";
    }
    if says(&["DB index", "SELECT is not allowed", "'select' command"]) {
        return "database";
    }
    if matches!(Failure::of(error), Failure::Denied(_)) {
        return "login";
    }
    let is_of_tls = *error.kind() == ErrorKind::Tls
        || says(&["certificate", "InvalidContentType", "HandshakeFailure", "corrupt message"]);
    if is_tls && (is_of_tls || *error.kind() == ErrorKind::IO) { "tls" } else { "answer" }
}

/// Whether a connection that is opened there stays. `must_say`: Sentinels named it, so it has to say
/// itself that it is the primary.
async fn role(client: &Client, must_say: bool) -> Result<String, String> {
    let unsaid = "it does not say whether it is a primary";
    match Role::ask(client).await {
        Ok(Role::Primary) => Ok("it is a primary".into()),
        Ok(Role::Replica { of, takes_writes: true }) if !must_say => {
            Ok(format!("it is a replica of {of} that takes writes"))
        }
        Ok(Role::Replica { of, .. }) => Err(format!("it is a replica of {of}")),
        Ok(Role::Unsaid) if must_say => Err(unsaid.into()),
        Ok(Role::Unsaid) => Ok(unsaid.into()),
        Err(error) => match Failure::of(&error) {
            Failure::Denied(_) | Failure::BadReply(_) if !must_say => Ok(unsaid.into()),
            _ => Err(words(&error)),
        },
    }
}

async fn cluster(client: &Client, steps: &mut Steps, target: &str) -> Option<()> {
    let told = call(client, "CLUSTER", vec![Value::from("SLOTS")]).await;
    let result = told.map_err(|error| words(&error)).and_then(|told| {
        let ranges = parts(&told).unwrap_or_default();
        let covered = |range: &Value| match parts(range) {
            Some([first, last, ..]) => Some(number(last)?.checked_sub(number(first)?)? + 1),
            _ => None,
        };
        let covered: u64 = ranges.iter().filter_map(covered).sum();
        match covered {
            SLOTS => Ok("every slot has a primary".into()),
            some => Err(format!("{} of {SLOTS} slots have no primary", SLOTS - some.min(SLOTS))),
        }
    });
    steps.add("cluster", target, result).then_some(())
}

/// Whether an entry can be written now.
async fn write(inner: &Inner, steps: &mut Steps) -> Option<()> {
    let [_, key] = inner.keys.scratch();
    let link = match Box::pin(inner.link()).await {
        Ok(link) => link,
        Err(trouble) => {
            steps.add("answer", &inner.shared.server.place(), Err(trouble.detail));
            return None;
        }
    };
    let args = ["", "PX", SCRATCH_MS].map(Value::from);
    let written = call_at(&link.client, "SET", &key, &args).await;
    let written = written.map(|_| "an entry can be written".to_owned());
    let target = inner.shared.server.place();
    steps.add("write", &target, written.map_err(|error| words(&error))).then_some(())
}

/// Whether a user may subscribe is found out on a connection that can.
pub(super) const SUBSCRIBED: RespVersion = RespVersion::RESP3;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_of_the_client_names_the_stage() {
        let of = |kind, text: &'static str, is_tls| stage(&ClientError::new(kind, text), is_tls);
        let auth = "WRONGPASS invalid username-password pair or user is disabled.";
        assert_eq!(of(ErrorKind::Auth, auth, false), "login");
        assert_eq!(of(ErrorKind::Unknown, "NOAUTH Authentication required.", true), "login");
        assert_eq!(of(ErrorKind::Unknown, "ERR DB index is out of range", false), "database");
        assert_eq!(of(ErrorKind::IO, "invalid peer certificate: UnknownIssuer", true), "tls");
        assert_eq!(of(ErrorKind::IO, "connection reset", false), "answer");
        assert_eq!(of(ErrorKind::Timeout, "", false), "answer");
    }
}
