//! What the command line asks of a server.

use std::sync::Arc;

use serde_json::{Value, json};
use tiercel::clock::Timestamp;
use tiercel::codec::{Codec, FrameRef, Head};
use tiercel::key::Class;
use tiercel::operate::Operator;
use tiercel::options::Options;
use tiercel::redis::RedisOperator;
use tiercel::tags::{Position, TagList};

use crate::server;
use crate::server::Server;

fn operator(url: &str) -> Operator {
    let given = json!({ "redisUrl": url, "namespace": "app" });
    let options = Options::resolve(&given, &Value::Null).unwrap();
    let shared = options.shared.as_ref().unwrap();
    let server = RedisOperator::new(shared, options.max_tags).unwrap();
    Operator::new(Arc::new(server), options).unwrap()
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
