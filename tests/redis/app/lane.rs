//! The lean connection of what the app's own code asks for.

use bytes::Bytes;
use tiercel::app::label::{Feature, Label};
use tiercel::app::lock::{self, Owner};
use tiercel::app::store::{Answer, Deed, Failure, Order, Store};
use tiercel::app::{limit, value};
use tiercel::store::SharedStore;

use super::faults::tiercel_connections;
use super::{named, patient, send};
use crate::peer::{PATIENCE, Peer, shared, wait_until};
use crate::proxy::Proxy;
use crate::server;
use crate::server::Server;

const GET: Deed = Deed::Value(value::Deed::Get);

fn key(own: &str) -> Label {
    named(Feature::Value, own)
}

fn ask(peer: &Peer, label: &Label, deed: Deed) -> Result<Answer, Failure> {
    send(&peer.store, label, deed).recv_timeout(PATIENCE).unwrap()
}

fn set() -> Deed {
    let (bytes, ttl_ms, only_absent) = (Bytes::from_static(b"x"), 60_000, false);
    Deed::Value(value::Deed::Set { bytes, ttl_ms, only_absent })
}

/// A peer that has its lane.
fn connected(server: &Server) -> Peer {
    let peer = Peer::connected(&patient(server));
    wait_until("an answer", || {
        ask(&peer, &key("key"), GET) == Ok(Answer::Value(value::Answer::Absent))
    });
    wait_until("it has a lane", || peer.store.health().connections == 6);
    peer
}

#[test]
fn what_undoes_a_late_command_is_done_after_it() {
    let server = server!();
    let proxy = Proxy::before(server.port);
    let peer = Peer::connected(&shared(proxy.port));
    wait_until("an answer", || ask(&peer, &key("key"), GET).is_ok());
    let (lock, owner) = (named(Feature::Lock, "lock"), Owner::parse(&"a".repeat(32)).unwrap());
    let acquire = || {
        let owner = owner.clone();
        Deed::Lock(lock::Deed::Acquire { owner, ttl_ms: 600_000, waits: false })
    };
    let release = || Deed::Lock(lock::Deed::Release { owner: owner.clone() });
    wait_until("it has a lane", || peer.store.health().connections == 6);
    // The server has to know the scripts.
    let other = named(Feature::Lock, "other");
    wait_until("it is taken", || ask(&peer, &other, acquire()).is_ok());
    wait_until("it is given back", || ask(&peer, &other, release()).is_ok());
    proxy.hold("{lock:group:lock}");
    assert_eq!(ask(&peer, &lock, acquire()), Err(Failure::Unknown));
    wait_until("it is held up", || proxy.holds());
    let _ = ask(&peer, &lock, release());
    proxy.let_go();
    wait_until("it was taken", || server.call(&["EXISTS", "app:{lock:group:lock}:n"]) == "1");
    wait_until("it is given back", || server.call(&["EXISTS", "app:{lock:group:lock}"]) == "0");
}

#[test]
fn a_lane_that_is_killed_takes_what_is_under_way_with_it_and_is_replaced() {
    let server = server!();
    let peer = connected(&server);
    server.call(&["CLIENT", "PAUSE", "60000", "WRITE"]);
    let under_way = send(&peer.store, &key("key"), set());
    let lane = || {
        let all = server.call(&["CLIENT", "LIST"]);
        let line = all.lines().find(|line| line.contains("cmd=set"))?;
        Some(line.split(' ').next().unwrap().trim_start_matches("id=").to_owned())
    };
    wait_until("it is under way", || lane().is_some());
    server.call(&["CLIENT", "KILL", "ID", &lane().unwrap()]);
    assert_eq!(under_way.recv_timeout(PATIENCE).unwrap(), Err(Failure::Unknown));
    server.call(&["CLIENT", "UNPAUSE"]);
    // Nobody has to ask for it.
    wait_until("all connections", || tiercel_connections(&server) == 6);
    wait_until("an answer", || ask(&peer, &key("key"), set()).is_ok());
}

#[test]
fn a_server_that_has_forgotten_a_script_is_told_it_again() {
    let server = server!();
    let peer = connected(&server);
    let block = || Deed::Limit(limit::Deed::Block { for_ms: 60_000 });
    for _ in 0..2 {
        assert!(ask(&peer, &named(Feature::Limit, "id"), block()).is_ok());
        server.call(&["SCRIPT", "FLUSH"]);
    }
    assert_eq!(server.call(&["EXISTS", "app:{limit:group:id}"]), "1");
    assert_eq!(tiercel_connections(&server), 6, "nothing was lost over it");
}

#[test]
fn an_error_among_many_answers_is_that_of_its_command() {
    let server = server!();
    let peer = connected(&server);
    server.call(&["SADD", "app:{kv:group:2}", "x"]);
    let asked = |own: &str| {
        let (answer, answers) = std::sync::mpsc::channel();
        let order = Order { label: key(own), deed: GET };
        peer.store.gather(order, Box::new(move |result| drop(answer.send(result))));
        answers
    };
    server.call(&["SET", "app:{kv:group:3}", "three"]);
    let all = ["1", "2", "3", "4"].map(asked);
    peer.store.flush();
    let absent = Ok(Answer::Value(value::Answer::Absent));
    let three = Ok(Answer::Value(value::Answer::Found(Bytes::from_static(b"three"))));
    let wrong = Err(Failure::Refused("WRONGTYPE"));
    let told = all.map(|answers| answers.recv_timeout(PATIENCE).unwrap());
    assert_eq!(told, [absent.clone(), wrong, three, absent]);
}

#[test]
fn without_room_for_a_lane_everything_goes_over_the_link() {
    let server = server!();
    let peer = Peer::connected(&patient(&server));
    wait_until("all connections", || tiercel_connections(&server) == 4);
    server.call(&["CONFIG", "SET", "maxclients", "5"]);
    wait_until("an answer", || ask(&peer, &key("key"), set()).is_ok());
    let block = Deed::Limit(limit::Deed::Block { for_ms: 60_000 });
    assert!(ask(&peer, &named(Feature::Limit, "id"), block).is_ok());
    let number = Deed::Value(value::Deed::Increment { by: 1, ttl_ms: 60_000 });
    assert!(ask(&peer, &key("number"), number).is_ok());
    assert!(ask(&peer, &key("key"), Deed::Value(value::Deed::Expire { ttl_ms: 9_000 })).is_ok());
    assert!(ask(&peer, &key("key"), Deed::Value(value::Deed::Delete)).is_ok());
    assert_eq!(peer.store.health().connections, 5);
}
