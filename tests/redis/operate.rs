//! What the command line asks of a server.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tiercel::clock::Timestamp;
use tiercel::codec::{Codec, FrameRef, Head};
use tiercel::coherence::event::Lifetime;
use tiercel::key::Class;
use tiercel::operate::Operator;
use tiercel::operate::judge::Aging;
use tiercel::options::Options;
use tiercel::redis::RedisOperator;
use tiercel::tags::{Position, TagList};

use crate::peer::{Peer, measured, shared, wait_until};
use crate::proxy::Proxy;
use crate::server;
use crate::server::Server;

fn operator(url: &str) -> Operator {
    operator_with(&json!({ "redisUrl": url, "namespace": "app" }))
}

fn operator_with(given: &Value) -> Operator {
    let options = Options::resolve(given, &Value::Null).unwrap();
    let shared = options.shared.as_ref().unwrap();
    let server = RedisOperator::new(shared).unwrap();
    let plain = |spread, _, _: &[u8]| Aging { spread, served_us: None };
    Operator::new(Arc::new(server), options, plain).unwrap()
}

/// The answer to an order.
fn told(operator: &Operator, order: &Value) -> Value {
    operator.carry_out(serde_json::from_value(order.clone()).unwrap()).unwrap()
}

/// Stores an entry whose generation began at this moment; returns its size.
fn store(server: &Server, address: [u8; 16], created: u64) -> usize {
    let head = Head {
        epoch: 7,
        position: Position(1),
        created: Timestamp(created),
        revalidate_us: None,
        expire_us: None,
        class: Class::Fetch,
        format: 3,
    };
    let tags = TagList::default();
    let frame = FrameRef { head, key: &[97], tags: &tags, body: b"body" };
    let bytes = Codec::new(None, 1 << 20).encode(&address, &frame).unwrap();
    server.call_bytes(&[b"SET", name(address).as_bytes(), &bytes]);
    bytes.len()
}

fn name(address: [u8; 16]) -> String {
    format!("app:{{{}}}", digits(address))
}

fn digits(address: [u8; 16]) -> String {
    format!("{:032x}", u128::from_be_bytes(address))
}

#[test]
fn an_entry_that_was_stored_after_the_listing_is_not_removed() {
    let server = server!();
    let operator = operator(&format!("redis://127.0.0.1:{}", server.port));
    let (stays, goes, never_listed) = ([1; 16], [2; 16], [3; 16]);
    store(&server, stays, 100);
    let bytes = store(&server, goes, 100);
    told(&operator, &json!({ "do": "scan", "rate": 1_000 }));
    let page = told(&operator, &json!({ "do": "page", "build": null }));
    assert_eq!(page["entries"].as_array().unwrap().len(), 2, "{page}");
    store(&server, stays, 200);
    store(&server, never_listed, 100);
    let all = [stays, goes, never_listed].map(digits);
    let freed = told(&operator, &json!({ "do": "remove", "addresses": all }));
    assert_eq!(freed, json!({ "removed": 1, "bytes": bytes }));
    let is_there = |address| server.call(&["EXISTS", &name(address)]) == "1";
    assert_eq!([stays, goes, never_listed].map(is_there), [true, false, true]);
}

/// The steps of the way to a server that failed, and what they say.
fn failed(url: &str) -> Vec<(String, String)> {
    let steps = told(&operator(url), &json!({ "do": "reach" }));
    let steps = steps.as_array().unwrap();
    let text = |step: &Value, field: &str| step[field].as_str().unwrap().to_owned();
    let wrong = steps.iter().filter(|step| step["isFine"] == false);
    wrong.map(|step| (text(step, "name"), text(step, "detail"))).collect()
}

#[test]
fn a_user_who_may_not_ask_for_the_role_is_no_problem() {
    let server = server!();
    let user = ["ACL", "SETUSER", "app", "on", ">pw", "~*", "&*", "+@all", "-info"];
    assert_eq!(server.call(&user), "OK");
    assert_eq!(failed(&format!("redis://app:pw@127.0.0.1:{}", server.port)), []);
}

#[test]
fn a_replica_that_takes_writes_is_no_problem_and_another_is() {
    let primary = server!();
    let replica = |read_only| {
        let of = format!("127.0.0.1 {}", primary.port);
        Server::start(&["--replicaof", &of, "--replica-read-only", read_only]).unwrap()
    };
    let (writable, other) = (replica("no"), replica("yes"));
    let url = |server: &Server| format!("redis://127.0.0.1:{}", server.port);
    wait_until("its data", || writable.call(&["SET", "a", "b"]) == "OK");
    assert_eq!(failed(&url(&writable)), []);
    let of = format!("it is a replica of 127.0.0.1:{}", primary.port);
    assert_eq!(failed(&url(&other)), [("primary".to_owned(), of)]);
}

/// A server that answers every command with this error; returns its port.
fn refusing(error: &'static str) -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            std::thread::spawn(move || {
                let mut some = [0; 4_096];
                while stream.read(&mut some).is_ok_and(|read| read > 0) {
                    let _ = stream.write_all(error.as_bytes());
                }
            });
        }
    });
    port
}

#[test]
fn what_a_server_repeats_of_a_login_is_not_shown() {
    let long = "s3cret-".repeat(30);
    for (error, password) in [
        ("-ERR unknown command `AUTH`, with args beginning with: `app`, `s3cret`, \r\n", "s3cret"),
        ("-ERR unknown command 'AUTH', with args beginning with: 's3cret-s3cret-' \r\n", &long),
        ("-ERR this proxy knows no login `s3cret` of app\r\n", "s3cret"),
    ] {
        let url = format!("redis://app:{password}@127.0.0.1:{}", refusing(error));
        let steps = told(&operator(&url), &json!({ "do": "reach" })).to_string();
        assert!(steps.contains("\"isFine\":false"), "{steps}");
        assert!(!steps.contains("s3cret"), "{steps}");
        let order = serde_json::from_value(json!({ "do": "instances" })).unwrap();
        let trouble = operator(&url).carry_out(order).unwrap_err();
        assert!(!trouble.detail.contains("s3cret"), "{trouble:?}");
    }
}

/// A purge with a low bound, by a user who may do all but this.
fn purges_without(right: &str) {
    let server = server!();
    let user = ["ACL", "SETUSER", "app", "on", ">pw", "~*", "&*", "+@all", right];
    assert_eq!(server.call(&user), "OK");
    let peer = Peer::connected(&shared(server.port));
    peer.register();
    let tags: Vec<String> = (0..150).map(|nth| format!("tag-{nth}")).collect();
    for some in tags.chunks(50) {
        let some: Vec<_> = some.iter().map(|tag| (tag.as_bytes(), Lifetime::None)).collect();
        peer.invalidate(&some);
    }
    let operator = operator_with(&json!({
        "redisUrl": format!("redis://app:pw@127.0.0.1:{}", server.port),
        "namespace": "app",
        "maxTags": 100,
    }));
    let purged = told(&operator, &json!({ "do": "purge", "tags": ["more"] }));
    assert_eq!(purged["isEverywhere"], true, "{purged}");
    // Epoch and last position are members, too.
    assert_eq!(server.call(&["ZCARD", "{app}:t"]), "153");
}

#[test]
fn a_purge_with_a_low_bound_drops_no_rows_of_the_fleet() {
    purges_without("-flushall");
}

#[test]
fn a_purge_needs_no_more_rights_than_an_instance_to_know_that() {
    purges_without("-zcard");
}

#[test]
fn rows_that_may_not_be_counted_are_unknown_and_not_none() {
    let server = server!();
    let user = ["ACL", "SETUSER", "app", "on", ">pw", "~*", "&*", "+@all", "-zcount"];
    assert_eq!(server.call(&user), "OK");
    let rows = |login: &str| {
        let operator = operator(&format!("redis://{login}127.0.0.1:{}", server.port));
        told(&operator, &json!({ "do": "facts" }))["tableRows"].clone()
    };
    assert_eq!((rows("app:pw@"), rows("")), (Value::Null, json!(0)));
}

#[test]
fn a_server_that_hangs_is_told_of_in_the_time_of_a_connection_and_left() {
    let server = server!();
    let proxy = Proxy::before(server.port);
    let operator = operator_with(&json!({
        "redisUrl": format!("redis://127.0.0.1:{}", proxy.port),
        "namespace": "app",
        "connectTimeoutMs": 500,
    }));
    let order = || serde_json::from_value(json!({ "do": "instances" })).unwrap();
    assert!(operator.carry_out(order()).is_ok());
    proxy.swallow_present();
    let (trouble, took) = measured(|| operator.carry_out(order()).unwrap_err());
    assert_eq!((trouble.kind, trouble.detail.as_str()), ("unreachable", "no answer in time"));
    assert!(took < Duration::from_secs(8), "{took:?}");
    // Not on that connection any more.
    assert!(operator.carry_out(order()).is_ok());
}

#[test]
fn who_is_not_waited_for_any_more_returns_at_once() {
    let server = server!();
    let proxy = Proxy::before(server.port);
    let operator = operator_with(&json!({
        "redisUrl": format!("redis://127.0.0.1:{}", proxy.port),
        "namespace": "app",
        "connectTimeoutMs": 30_000,
    }));
    let order = || serde_json::from_value(json!({ "do": "instances" })).unwrap();
    assert!(operator.carry_out(order()).is_ok());
    proxy.swallow_present();
    let ((), took) = measured(|| {
        std::thread::scope(|scope| {
            let asked = scope.spawn(|| operator.carry_out(order()).unwrap_err());
            // Before it asks, while it waits, or after: it ends.
            std::thread::sleep(Duration::from_millis(100));
            operator.end();
            assert_eq!(asked.join().unwrap().kind, "failed");
        });
    });
    assert!(took < Duration::from_secs(10), "{took:?}");
}

#[test]
fn a_lost_connection_is_opened_anew() {
    let mut server = server!();
    let operator = operator(&format!("redis://127.0.0.1:{}", server.port));
    let order = || serde_json::from_value(json!({ "do": "instances" })).unwrap();
    assert!(operator.carry_out(order()).is_ok());
    server.restart();
    wait_until("an answer", || operator.carry_out(order()).is_ok());
}
