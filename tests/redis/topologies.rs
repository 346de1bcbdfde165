//! Clusters, Sentinels, sockets and encryption: the same promises on each.

use std::process::Command as Program;
use std::time::Duration;

use bytes::Bytes;
use serde_json::json;
use tiercel::coherence::event::{Command, Event};
use tiercel::operate::server::{Node, Server as _};
use tiercel::options::{SharedOptions, Tls, Topology};
use tiercel::redis::{RedisOperator, RedisStore};
use tiercel::store::SharedStore;
use tiercel::tags::{Epoch, Position};

use crate::entries::read_one;
use crate::followers;
use crate::leases;
use crate::peer::{Peer, nothing, resolved, shared_at, wait_until};
use crate::server;
use crate::server::{Folder, Server, free_port};

/// Servers of this machine, as a URL lists them.
fn hosts(ports: impl IntoIterator<Item = u16>) -> String {
    ports.into_iter().map(|port| format!("127.0.0.1:{port}")).collect::<Vec<_>>().join(",")
}

/// Stores and finds entries, hears an invalidation, and leaves.
fn serves(shared: &SharedOptions) {
    let (one, two) = (Peer::connected(shared), Peer::connected(shared));
    two.heard.take("a subscription", |event| {
        matches!(event, Event::Heard(message) if message.epoch == Epoch(0)).then_some(())
    });
    let (known, _) = (one.register(), two.register());
    let is_cluster = matches!(shared.server.topology, Topology::Cluster { .. });
    let shards = if is_cluster { 3 } else { 1 };
    wait_until("the connections for reads", || two.store.health().connections == 3 + shards);
    let written = one.hard("a");
    let heard = two.heard.take("the message", |event| match event {
        Event::Heard(message) => Some(message.clone()),
        _ => None,
    });
    assert_eq!((heard.position, &heard.rows), (written.position, &written.rows));
    assert_eq!(one.poll(&known).rows.as_ref(), Some(&written.rows));
    assert_eq!(one.load().0, written.rows);
    two.ask(&Command::Ack(written.position));
    assert_eq!(one.look().0, Some(written.position));
    for nth in 20..40 {
        one.store.write([nth; 16], 1, false, Box::new(move || Some((vec![nth], 60_000))));
    }
    for nth in 20..40 {
        let entry = Ok(Some(Bytes::from(vec![nth])));
        wait_until("an entry", || read_one(&two, [nth; 16]) == entry);
    }
    leases::are_beside_their_entries(&one, &two);
    followers::are_told(&one, &two);
    two.store.leave();
    assert_eq!(one.look().0, None);
}

#[test]
fn a_socket_of_this_machine_serves() {
    let folder = Folder::new();
    let path = folder.0.join("redis.sock");
    let _server = server!("--unixsocket", path.to_str().unwrap());
    serves(&shared_at(&format!("unix://{}", path.display())));
}

struct Cluster {
    servers: Vec<Server>,
}

impl Cluster {
    fn start() -> Option<Self> {
        let timing = ["--cluster-node-timeout", "1000", "--cluster-replica-validity-factor", "0"];
        // Otherwise a lost shard stops all shards.
        let partial = ["--cluster-require-full-coverage", "no"];
        let options = [&["--cluster-enabled", "yes"][..], &timing, &partial].concat();
        let servers = (0..6).map(|_| Server::start(&options)).collect::<Option<Vec<_>>>()?;
        let cluster = Self { servers };
        let ports: Vec<String> =
            cluster.servers.iter().map(|server| format!("127.0.0.1:{}", server.port)).collect();
        let made = Program::new("redis-cli")
            .args(["--cluster", "create"])
            .args(ports)
            .args(["--cluster-replicas", "1", "--cluster-yes"])
            .output()
            .unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stdout));
        for server in &cluster.servers {
            wait_until("the cluster", || is_ready(server));
        }
        wait_until("replicas", || cluster.servers.iter().filter(|s| is_replica(s)).count() == 3);
        Some(cluster)
    }

    fn shared(&self) -> SharedOptions {
        let hosts = hosts(self.servers.iter().map(|server| server.port));
        shared_at(&format!("redis+cluster://{hosts}"))
    }

    /// The index of the primary that has the table.
    fn owner(&self) -> usize {
        let slot = self.servers[0].call(&["CLUSTER", "KEYSLOT", "{app}:t"]);
        let has = |server: &Server| {
            let answer = server.call(&["GET", "{app}:none"]);
            answer == "nil"
        };
        self.servers.iter().position(has).unwrap_or_else(|| panic!("no server has slot {slot}"))
    }
}

fn is_ready(server: &Server) -> bool {
    server.call(&["CLUSTER", "INFO"]).contains("cluster_state:ok")
}

fn is_replica(server: &Server) -> bool {
    let role = server.call(&["INFO", "replication"]);
    role.contains("role:slave") && role.contains("master_link_status:up")
}

#[test]
fn a_cluster_serves_and_survives_the_loss_of_a_primary() {
    let Some(mut cluster) = Cluster::start() else { return };
    let shared = cluster.shared();
    serves(&shared);
    let peer = Peer::connected(&shared);
    let known = peer.register();
    let owner = cluster.owner();
    wait_until("a subscription where the table is", || {
        let channels = cluster.servers[owner].call(&["PUBSUB", "SHARDCHANNELS"]);
        channels.contains("{app}:m0") || channels.starts_with("ERR")
    });
    peer.heard.account.lock().0 = Some(b"one".to_vec());
    let asked = RedisOperator::new(&shared).unwrap().ask("a").unwrap();
    let answered = asked.iter().filter(|one| one.account.as_deref() == Some(b"one"));
    assert_eq!(answered.count(), 1, "a question goes where the subscriptions are");
    cluster.servers[owner].kill();
    peer.heard.wait_for(&Event::Disconnected);
    peer.heard.wait_for(&Event::Connected);
    let polled = peer.poll(&known);
    assert_eq!((polled.epoch, polled.known), (known.epoch, true));
    peer.hard("b");
}

#[test]
fn a_shard_that_stands_still_takes_nothing_with_it_and_is_left_once_another_has_its_slots() {
    let Some(cluster) = Cluster::start() else { return };
    let peer = Peer::connected(&cluster.shared());
    let known = peer.register();
    let owner = cluster.owner();
    // Another shard: the protocol does not notice its loss.
    let is_primary = |server: &Server| !is_replica(server);
    let servers = || cluster.servers.iter().enumerate();
    let (_, still) = servers().find(|(nth, one)| *nth != owner && is_primary(one)).unwrap();
    let address = (0..=255).map(|nth| [nth; 16]).find(|address| {
        let key = format!("app:{{{:032x}}}", u128::from_be_bytes(*address));
        still.call(&["GET", &key]) == "nil"
    });
    let address = address.unwrap();
    wait_until("an answer", || read_one(&peer, address) == Ok(None));
    still.signal("-STOP");
    wait_until("a miss", || read_one(&peer, address).is_err());
    assert!(peer.poll(&known).known);
    wait_until("an answer of the next", || read_one(&peer, address) == Ok(None));
    assert!(!peer.heard.rest().contains(&Event::Disconnected));
    assert_eq!(peer.store.health().breaks, 0);
}

/// What each primary says to somebody who asks from outside.
fn nodes(operator: &RedisOperator) -> Vec<Node> {
    operator.nodes().unwrap()
}

#[test]
fn an_operator_keeps_its_connections_and_a_shard_that_is_away_hides_no_other() {
    let Some(mut cluster) = Cluster::start() else { return };
    let operator = RedisOperator::new(&cluster.shared()).unwrap();
    let all = nodes(&operator);
    assert!(all.len() == 3 && all.iter().all(|one| one.trouble.is_none()), "{all:?}");
    assert!(all.iter().all(|one| one.info["run_id"].len() == 40), "{all:?}");
    // The look itself is a connection.
    let before: Vec<_> = cluster.servers.iter().map(Server::connections).collect();
    assert_eq!(nodes(&operator).len(), 3);
    for (server, before) in cluster.servers.iter().zip(before) {
        assert_eq!(server.connections(), before + 1);
        assert!(!server.call(&["INFO", "commandstats"]).contains("cmdstat_dbsize"));
    }
    let owner = cluster.owner();
    let is_other = |(nth, one): (usize, &Server)| (nth != owner && !is_replica(one)).then_some(nth);
    let lost = cluster.servers.iter().enumerate().find_map(is_other).unwrap();
    let port = cluster.servers[lost].port;
    let of = format!("master_port:{port}");
    let replica = |one: &Server| one.call(&["INFO", "replication"]).contains(&of);
    let replica = cluster.servers.iter().position(replica).unwrap();
    for nth in [replica, lost] {
        cluster.servers[nth].kill();
    }
    for _ in 0..3 {
        let all = nodes(&operator);
        let away: Vec<_> = all.iter().filter(|one| one.trouble.is_some()).collect();
        assert!(all.len() == 3 && away.len() == 1, "{all:?}");
        assert_eq!(away[0].server, format!("127.0.0.1:{port}"));
        assert!(operator.published().is_ok());
    }
}

#[test]
fn a_primary_that_hands_over_is_another_connection() {
    let Some(cluster) = Cluster::start() else { return };
    let peer = Peer::connected(&cluster.shared());
    let known = peer.register();
    let owner = cluster.owner();
    let port = cluster.servers[owner].port.to_string();
    let is_its = |server: &&Server| {
        let role = server.call(&["INFO", "replication"]);
        role.contains("role:slave") && role.contains(&format!("master_port:{port}"))
    };
    let replica = cluster.servers.iter().find(is_its).unwrap();
    assert_eq!(replica.call(&["CLUSTER", "FAILOVER"]), "OK");
    wait_until("the new primary", || replica.call(&["GET", "{app}:none"]) == "nil");
    // The first command to the new primary fails, and is not answered as if nothing had happened.
    wait_until("the loss", || {
        peer.try_ask(Command::Poll(known.clone()));
        peer.heard.rest().contains(&Event::Disconnected)
    });
    peer.heard.wait_for(&Event::Disconnected);
    peer.heard.wait_for(&Event::Connected);
    assert!(peer.poll(&known).known);
}

struct Sentinel {
    primary: Server,
    replica: Server,
    sentinels: Vec<Server>,
    _folder: Folder,
}

impl Sentinel {
    fn start() -> Option<Self> {
        let folder = Folder::new();
        let primary = Server::start(&[])?;
        let port = primary.port.to_string();
        let replica = Server::start(&["--replicaof", "127.0.0.1", &port])?;
        wait_until("the replica", || is_replica(&replica));
        let sentinels = (0..3)
            .map(|nth| {
                let file = folder.0.join(format!("sentinel-{nth}.conf"));
                let text = format!(
                    "sentinel monitor main 127.0.0.1 {port} 2\n\
                     sentinel down-after-milliseconds main 1000\n\
                     sentinel failover-timeout main 5000\n"
                );
                std::fs::write(&file, text).unwrap();
                Server::start_with(&[file.to_str().unwrap(), "--sentinel"])
            })
            .collect::<Option<Vec<_>>>()?;
        for sentinel in &sentinels {
            wait_until("the sentinels", || {
                let state = sentinel.call(&["INFO", "sentinel"]);
                state.contains("sentinels=3") && state.contains("slaves=1")
            });
        }
        Some(Self { primary, replica, sentinels, _folder: folder })
    }
}

#[test]
fn sentinels_lead_to_the_primary_and_to_the_next() {
    let Some(mut sentinel) = Sentinel::start() else { return };
    // The first Sentinel is away.
    let hosts = hosts([free_port()].into_iter().chain(sentinel.sentinels.iter().map(|s| s.port)));
    let shared = shared_at(&format!("redis+sentinel://{hosts}/main"));
    serves(&shared);
    let peer = Peer::connected(&shared);
    let known = peer.register();
    wait_until("replication", || {
        sentinel.replica.call(&["ZSCORE", "{app}:t", "c"]) == known.applied.0.to_string()
    });
    sentinel.primary.kill();
    peer.heard.wait_for(&Event::Disconnected);
    peer.heard.wait_for(&Event::Connected);
    assert!(peer.poll(&known).known);
    assert!(peer.hard("b").position > Position(known.applied.0));
}

#[test]
fn who_is_the_primary_is_not_known_for_seconds_while_most_sentinels_are_away() {
    let Some(mut sentinel) = Sentinel::start() else { return };
    let hosts = hosts(sentinel.sentinels.iter().map(|s| s.port));
    let shared = shared_at(&format!("redis+sentinel://{hosts}/main"));
    let peer = Peer::connected(&shared);
    let known = peer.register();
    sentinel.sentinels[0].kill();
    assert!(peer.poll(&known).known);
    sentinel.sentinels[1].kill();
    let poll = || peer.try_ask(Command::Poll(known.clone()));
    assert_eq!(poll(), None);
    assert_eq!(peer.try_ask(Command::RaiseFloor { known: None }), None);
    // A command that gives no lease needs no confirmation.
    assert!(peer.try_ask(Command::ReadAcks).is_some());
    // Then the remaining one decides, and with none left the primary stays.
    wait_until("the last one counts", || poll().is_some());
    sentinel.sentinels[2].kill();
    assert_eq!(poll(), None);
    wait_until("no Sentinel counts", || poll().is_some());
    // Once the Sentinels are back, they count again.
    sentinel.sentinels.iter_mut().for_each(Server::restart);
    wait_until("they answer", || {
        sentinel.sentinels.iter().all(|one| one.call(&["INFO", "sentinel"]).contains("sentinels=3"))
    });
    assert!(!peer.heard.rest().contains(&Event::Disconnected));
    sentinel.primary.kill();
    peer.heard.wait_for(&Event::Disconnected);
    peer.heard.wait_for(&Event::Connected);
}

struct Certificates(Folder);

impl Certificates {
    fn make() -> Option<Self> {
        let made = Self(Folder::new());
        made.openssl(
            "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 \
             -subj /CN=authority -keyout ca.key -out ca.crt",
        )?;
        for name in ["server", "client"] {
            made.openssl(&format!(
                "req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN={name} \
                 -keyout {name}.key -out {name}.csr"
            ))?;
            std::fs::write(made.0.0.join("names"), "subjectAltName=DNS:cache.internal").unwrap();
            made.openssl(&format!(
                "x509 -req -in {name}.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 2 \
                 -extfile names -out {name}.crt"
            ))?;
        }
        Some(made)
    }

    fn openssl(&self, arguments: &str) -> Option<()> {
        let output = Program::new("openssl")
            .args(arguments.split_whitespace())
            .current_dir(&self.0.0)
            .output();
        let Ok(output) = output else {
            assert!(std::env::var_os("CI").is_none(), "no openssl in CI");
            return None;
        };
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        Some(())
    }

    fn path(&self, name: &str) -> String {
        self.0.0.join(name).to_str().unwrap().into()
    }

    /// A server that accepts encrypted connections from clients with a certificate.
    fn server(&self) -> Option<(Server, u16)> {
        let port = free_port();
        let (ca, crt, key) =
            (self.path("ca.crt"), self.path("server.crt"), self.path("server.key"));
        let text = port.to_string();
        let options = ["--tls-port", &text, "--tls-ca-cert-file", &ca, "--tls-cert-file", &crt];
        let options = [&options[..], &["--tls-key-file", &key]].concat();
        Some((Server::start(&options)?, port))
    }
}

#[test]
fn encryption_trusts_the_own_authority_and_proves_itself() {
    let Some(certificates) = Certificates::make() else { return };
    let Some((_server, port)) = certificates.server() else { return };
    let mut shared = resolved(&json!({
        "redisUrl": format!("rediss://127.0.0.1:{port}"),
        "namespace": "app",
        "redisTlsCaFile": certificates.path("ca.crt"),
        "redisTlsCertFile": certificates.path("client.crt"),
        "redisTlsKeyFile": certificates.path("client.key"),
        "redisTlsServerName": "cache.internal",
    }));
    serves(&shared);
    let tls = shared.server.tls.clone().unwrap();
    let refused = [
        Tls { ca: None, ..tls.clone() },
        Tls { server_name: Some("other.internal".into()), ..tls.clone() },
        Tls { server_name: None, ..tls.clone() },
        Tls { client: None, ..tls.clone() },
    ];
    for (nth, tls) in refused.into_iter().enumerate() {
        shared.server.tls = Some(tls);
        let peer = Peer::start(&shared);
        peer.heard.wait_for(&Event::Unreachable);
        std::thread::sleep(Duration::from_millis(200));
        assert!(!peer.heard.rest().contains(&Event::Connected), "{nth}");
        assert!(peer.try_ask(Command::Poll(nothing())).is_none());
    }
    // Without verification any server is trusted.
    shared.server.tls = Some(Tls { ca: None, server_name: None, verify: false, ..tls });
    shared.namespace = Some("trusting".into());
    serves(&shared);
}

#[test]
fn files_that_are_no_certificates_are_refused_by_name() {
    let Some(certificates) = Certificates::make() else { return };
    std::fs::write(certificates.path("junk"), "-----BEGIN JUNK").unwrap();
    let (ca, crt, key) = ("redisTlsCaFile", "redisTlsCertFile", "redisTlsKeyFile");
    let wrong = [
        (ca, json!({ ca: certificates.path("client.key") })),
        (ca, json!({ ca: certificates.path("junk") })),
        (crt, json!({ crt: certificates.path("junk"), key: certificates.path("client.key") })),
        (key, json!({ crt: certificates.path("client.crt"), key: certificates.path("junk") })),
        (
            key,
            json!({ crt: certificates.path("client.crt"), key: certificates.path("server.key") }),
        ),
    ];
    for (option, mut options) in wrong {
        options["redisUrl"] = json!("rediss://cache");
        let refused = RedisStore::check(&resolved(&options).server).unwrap_err();
        assert_eq!(refused.code(), "TIERCEL_INVALID_OPTION");
        assert!(refused.to_string().contains("a file with"), "{refused}");
        assert!(refused.to_string().contains(option), "{options}: {refused}");
    }
}
