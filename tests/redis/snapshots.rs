//! What instances tell each other of themselves.

use std::sync::mpsc::channel;
use std::time::Duration;

use tiercel::history::{Row, Values};
use tiercel::operate::server::{Published, Server as _, Trouble};
use tiercel::options::SharedOptions;
use tiercel::redis::{RedisOperator, RedisStore};
use tiercel::store::SharedStore;

use crate::peer::{PATIENCE, Peer, nothing, shared, shared_at, wait_until};
use crate::proxy::Proxy;
use crate::server;
use crate::server::{Server, free_port};

fn every_second(shared: SharedOptions) -> SharedOptions {
    SharedOptions { snapshot_every: Duration::from_secs(1), ..shared }
}

/// An instance that tells this of itself.
fn telling(shared: &SharedOptions, text: &str) -> Peer {
    let peer = Peer::connected(shared);
    *peer.heard.snapshot.lock() = Some(text.into());
    peer.register();
    peer
}

fn names(server: &Server) -> String {
    server.call(&["KEYS", "{app}:s:*"])
}

/// What the listed instances told, in no order.
fn told(operator: &RedisOperator) -> Vec<Option<String>> {
    let published = operator.published().unwrap();
    let text = |bytes: bytes::Bytes| String::from_utf8(bytes.to_vec()).unwrap();
    let mut told: Vec<_> =
        published.instances.into_iter().map(|(_, bytes)| bytes.map(text)).collect();
    told.sort();
    told
}

#[test]
fn each_instance_tells_and_whoever_asks_is_told_by_all() {
    let server = server!();
    let shared = every_second(shared(server.port));
    let operator = RedisOperator::new(&shared).unwrap();
    let (_one, _two) = (telling(&shared, "one"), telling(&shared, "two"));
    let silent = Peer::connected(&shared);
    silent.register();
    let all = [None, Some("one".to_owned()), Some("two".to_owned())];
    wait_until("what they tell", || told(&operator) == all);
    // The next one replaces it.
    *_one.heard.snapshot.lock() = Some("later".into());
    let all = [None, Some("later".to_owned()), Some("two".to_owned())];
    wait_until("the next", || told(&operator) == all);
}

#[test]
fn what_an_instance_told_goes_with_it_and_soon_after_its_death() {
    let server = server!();
    let shared = every_second(shared(server.port));
    let peer = telling(&shared, "one");
    wait_until("what it tells", || names(&server).starts_with("{app}:s:"));
    let life: i64 = server.call(&["PTTL", &names(&server)]).parse().unwrap();
    assert!((1..=3_000).contains(&life), "{life}");
    peer.store.leave();
    assert_eq!(names(&server), "");
}

#[test]
fn who_is_not_to_tell_or_has_nothing_to_tell_stores_nothing() {
    let server = server!();
    let off = SharedOptions { snapshot_every: Duration::ZERO, ..shared(server.port) };
    let (quiet, empty) = (telling(&off, "one"), Peer::connected(&every_second(off.clone())));
    let speaking = telling(&every_second(off), "two");
    wait_until("three rounds of the one that tells", || speaking.heard.asked() >= 3);
    wait_until("three rounds of the one that has nothing", || empty.heard.asked() >= 3);
    assert_eq!((quiet.heard.asked(), names(&server).split(' ').count()), (0, 1));
}

/// The answer to a question that goes through the store of an instance.
fn asked(store: &RedisStore) -> Result<Published, Trouble> {
    let (answer, answered) = channel();
    store.published(Box::new(move |told| answer.send(told).unwrap()));
    answered.recv_timeout(PATIENCE).unwrap()
}

#[test]
fn an_instance_asks_over_the_connection_that_it_has() {
    let server = server!();
    let shared = every_second(shared(server.port));
    let one = telling(&shared, "one");
    let operator = RedisOperator::new(&shared).unwrap();
    wait_until("what it tells", || told(&operator) == [Some("one".to_owned())]);
    drop(operator);
    wait_until("all connections", || one.store.health().connections == 4);
    // The look itself is a connection.
    let before = server.connections();
    let published = asked(&one.store).unwrap();
    let texts: Vec<_> = published.instances.into_iter().map(|(_, bytes)| bytes.unwrap()).collect();
    assert_eq!(texts, ["one"]);
    assert!(published.now.0 > 0);
    assert_eq!(server.connections(), before + 1);
}

#[test]
fn a_question_is_answered_without_a_server_and_by_one_that_hangs_or_forbids_it() {
    let away = Peer::start(&shared(free_port()));
    // The first waits for the first attempt to connect, the second for nothing.
    for _ in 0..2 {
        assert_eq!(asked(&away.store).unwrap_err().kind, "unreachable");
    }
    away.store.leave();
    assert_eq!(asked(&away.store).unwrap_err().kind, "unreachable");

    let server = server!();
    let proxy = Proxy::before(server.port);
    let quick = SharedOptions { connect_timeout: Duration::from_millis(500), ..shared(proxy.port) };
    let hangs = Peer::connected(&quick);
    proxy.swallow_all();
    assert_eq!(asked(&hangs.store).unwrap_err().kind, "unreachable");

    let user = ["ACL", "SETUSER", "app", "on", ">pw", "~*", "&*", "+@all", "-mget"];
    server.call(&user);
    let url = format!("redis://app:pw@127.0.0.1:{}", server.port);
    let forbidden = Peer::connected(&shared_at(&url));
    forbidden.register();
    assert_eq!(asked(&forbidden.store).unwrap_err().kind, "denied");
}

#[test]
fn where_it_is_forbidden_all_else_works_and_nobody_is_told() {
    let server = server!();
    let user = ["ACL", "SETUSER", "app", "reset", "on", ">pw", "~app:*", "&*", "+@all"];
    let keys = ["~{app}:t", "~{app}:h", "~{app}:i", "~{app}:p"];
    server.call(&[&user[..], &keys].concat());
    let url = format!("redis://app:pw@127.0.0.1:{}", server.port);
    let peer = telling(&every_second(shared_at(&url)), "one");
    wait_until("the refusal", || server.call(&["INFO", "commandstats"]).contains("cmdstat_set:"));
    let known = peer.register();
    assert_eq!(peer.hard("a").previous, known.applied);
    assert_eq!(peer.heard.refused.lock().len(), 0, "nobody suffers from it");
    assert!(peer.store.health().refuses.is_empty() && !peer.store.health().is_broken);
    peer.poll(&nothing());
}

/// Minutes that one has to tell.
fn minutes(peer: &Peer, all: std::ops::Range<u64>) {
    let values = Values::from([("sets".to_owned(), 1)]);
    peer.heard.minutes.lock().extend(all.map(|minute| Row { minute, values: values.clone() }));
}

#[test]
fn the_minutes_of_all_are_added_up_and_those_that_are_refused_stay() {
    let server = server!();
    let (one, other) = (
        telling(&every_second(shared(server.port)), "one"),
        telling(&every_second(shared(server.port)), "two"),
    );
    minutes(&one, 100..103);
    minutes(&other, 101..102);
    wait_until("the sum", || server.call(&["GET", "{app}:c:101"]) == r#"{"sets":2}"#);
    wait_until("the last", || server.call(&["GET", "{app}:c:102"]) == r#"{"sets":1}"#);
    let user = ["ACL", "SETUSER", "app", "on", ">pw", "~*", "&*", "+@all"];
    server.call(&user);
    let url = format!("redis://app:pw@127.0.0.1:{}", server.port);
    let refused = telling(&every_second(shared_at(&url)), "three");
    wait_until("what it tells", || names(&server).split(' ').count() == 3);
    server.call(
        &[
            &user[..],
            &["resetkeys", "~app:*", "~{app}:t", "~{app}:h", "~{app}:i", "~{app}:p", "~{app}:s:*"],
        ]
        .concat(),
    );
    minutes(&refused, 200..220);
    wait_until("a try", || refused.heard.minutes.lock().len() < 20);
    std::thread::sleep(Duration::from_millis(1_500));
    let left = refused.heard.minutes.lock().len();
    assert!(left >= 15, "one is tried at a time, less and less often: {left}");
}
