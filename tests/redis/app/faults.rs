//! What the store says while its server is away.

use std::time::Duration;

use bytes::Bytes;
use tiercel::app::label::Feature;
use tiercel::app::store::{Answer, Deed, Failure, Store};
use tiercel::app::value;

use super::{named, patient, send};
use crate::peer::{PATIENCE, Peer, measured, shared, wait_until};
use crate::server;
use crate::server::{Server, free_port};

fn get(store: &dyn Store) -> Result<Answer, Failure> {
    let deed = Deed::Value(value::Deed::Get);
    send(store, &named(Feature::Value, "key"), deed).recv_timeout(PATIENCE).unwrap()
}

fn set() -> Deed {
    let (bytes, ttl_ms, only_absent) = (Bytes::from_static(b"x"), 60_000, false);
    Deed::Value(value::Deed::Set { bytes, ttl_ms, only_absent })
}

#[test]
fn the_first_to_ask_waits_for_the_connection_and_nobody_opens_one_before() {
    let server = server!();
    let peer = Peer::connected(&patient(&server));
    wait_until("all connections", || tiercel_connections(&server) == 4);
    assert!(get(&peer.store).is_ok());
    assert_eq!(tiercel_connections(&server), 6);
}

/// Connections of the process to a server, without ours.
pub(super) fn tiercel_connections(server: &Server) -> usize {
    server.call(&["CLIENT", "LIST"]).lines().filter(|line| !line.contains("cmd=client")).count()
}

#[test]
fn without_a_server_it_is_said_at_once() {
    let peer = Peer::start(&shared(free_port()));
    assert_eq!(get(&peer.store), Err(Failure::Away));
    let (result, took) = measured(|| get(&peer.store));
    assert_eq!(result, Err(Failure::Away));
    assert!(took < Duration::from_secs(1), "{took:?}");
}

#[test]
fn a_server_that_stands_still_may_have_done_it_and_is_left_after_a_while() {
    let server = server!();
    let peer = Peer::connected(&shared(server.port));
    wait_until("an answer", || get(&peer.store).is_ok());
    server.signal("-STOP");
    assert_eq!(get(&peer.store), Err(Failure::Unknown));
    wait_until("it is left", || get(&peer.store) == Err(Failure::Away));
    server.signal("-CONT");
    wait_until("an answer", || get(&peer.store).is_ok());
}

#[test]
fn a_server_that_is_gone_and_back_is_used_again() {
    let mut server = server!();
    let peer = Peer::connected(&patient(&server));
    assert!(get(&peer.store).is_ok());
    server.kill();
    wait_until("it is missed", || get(&peer.store) == Err(Failure::Away));
    server.restart();
    wait_until("an answer", || get(&peer.store).is_ok());
}

#[test]
fn a_server_that_is_full_refuses_by_name() {
    let server = server!("--maxmemory", "1mb", "--maxmemory-policy", "noeviction");
    let peer = Peer::connected(&patient(&server));
    let result = send(&peer.store, &named(Feature::Value, "key"), set()).recv_timeout(PATIENCE);
    assert_eq!(result.unwrap(), Err(Failure::Refused("OOM")));
}

#[test]
fn what_lies_there_of_another_type_is_refused_and_left() {
    let server = server!();
    let peer = Peer::connected(&patient(&server));
    server.call(&["SADD", "app:{kv:group:key}", "x"]);
    assert_eq!(get(&peer.store), Err(Failure::Refused("WRONGTYPE")));
    assert_eq!(server.call(&["SMEMBERS", "app:{kv:group:key}"]), "x");
}

#[test]
fn many_orders_of_which_none_is_answered_do_not_pile_up() {
    let server = server!();
    let peer = Peer::connected(&patient(&server));
    assert!(get(&peer.store).is_ok());
    server.signal("-STOP");
    let label = named(Feature::Value, "key");
    let all: Vec<_> =
        (0..10_000).map(|_| send(&peer.store, &label, Deed::Value(value::Deed::Get))).collect();
    let answers = all.iter().map(|one| one.recv_timeout(PATIENCE).unwrap());
    let busy = answers.filter(|answer| *answer == Err(Failure::Busy)).count();
    assert!(busy >= 10_000 - 8_192, "{busy}");
    server.signal("-CONT");
    wait_until("an answer", || get(&peer.store).is_ok());
}

#[test]
fn everything_that_lies_there_ends_by_itself() {
    let server = server!();
    let peer = Peer::connected(&patient(&server));
    let owner = tiercel::app::lock::Owner::parse(&"a".repeat(32)).unwrap();
    let other = tiercel::app::lock::Owner::parse(&"b".repeat(32)).unwrap();
    let digest = tiercel::app::digest::Digest::of("a", &[]);
    let window = tiercel::app::limit::Window {
        algorithm: tiercel::app::limit::Algorithm::Sliding,
        limit: 5,
        span_ms: 60_000,
        burst: 5,
    };
    let code = tiercel::app::code::Rules {
        ttl_ms: 1_000,
        attempts: 3,
        pause_ms: 1_000,
        most: 3,
        span_ms: 9_000,
    };
    let session = tiercel::app::session::Rules { ttl_ms: 1_000, absolute_ms: 9_000, most: 3 };
    let acquire = |owner: &tiercel::app::lock::Owner| {
        let (owner, ttl_ms, waits) = (owner.clone(), 1_000, true);
        Deed::Lock(tiercel::app::lock::Deed::Acquire { owner, ttl_ms, waits })
    };
    let own = || tiercel::app::label::Own::parse("id").unwrap();
    let counted = tiercel::app::count::Deed::Add {
        adds: vec![tiercel::app::count::Added { own: own(), sum: 1, age_ms: 0 }],
        members: vec![(own(), vec![1])],
        batch: Some(tiercel::app::count::Sent { sender: "a".into(), number: 1 }),
        rules: tiercel::app::count::Rules { ttl_ms: 9_000, bucket_ms: 1_000, history_ms: 9_000 },
    };
    let seat = tiercel::app::seat::Deed::Acquire { owner: owner.clone(), ttl_ms: 1_000, limit: 1 };
    let bytes = Bytes::from_static(b"x");
    for (feature, deed) in [
        (Feature::Value, set()),
        (Feature::Token, Deed::Value(value::Deed::Increment { by: 1, ttl_ms: 1_000 })),
        (Feature::Code, Deed::Code(tiercel::app::code::Deed::Issue { digest, rules: code })),
        (Feature::Code, Deed::Code(tiercel::app::code::Deed::Verify { digest })),
        (Feature::Lock, acquire(&owner)),
        (Feature::Lock, acquire(&other)),
        (
            Feature::Limit,
            Deed::Limit(tiercel::app::limit::Deed::Take {
                cost: 1,
                ahead: 0,
                windows: vec![window],
            }),
        ),
        (Feature::Limit, Deed::Limit(tiercel::app::limit::Deed::Block { for_ms: 1_000 })),
        (Feature::Seat, Deed::Seat(seat)),
        (Feature::Count, Deed::Count(counted)),
        (
            Feature::Session,
            Deed::Session(tiercel::app::session::Deed::Create {
                id: digest,
                bytes,
                rules: session,
            }),
        ),
    ] {
        let answer = send(&peer.store, &named(feature, "thing"), deed).recv_timeout(PATIENCE);
        assert!(answer.unwrap().is_ok(), "{feature:?}");
    }
    let keys = server.call(&["KEYS", "app:{*"]);
    let keys: Vec<_> = keys.split_whitespace().collect();
    assert_eq!(keys.len(), 14, "{keys:?}");
    for key in keys {
        let life: i64 = server.call(&["PTTL", key]).parse().unwrap();
        assert!(life > 0, "{key} {life}");
    }
}
