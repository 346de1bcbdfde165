//! Gets that find nothing, and claim: a turn of up to three commands, of which each may fail.
//!
//! A list counts as no entry for one who reads several keys, and as an entry for one who claims.

use std::sync::mpsc::channel;

use serde_json::json;
use tiercel::store::{Address, LeaseReply, SharedStore, Unavailable};
use tiercel::wake::WakeOnDrop;

use crate::leases::{ABSENT, Answer};
use crate::peer::{PATIENCE, Peer, resolved, shared, wait_until};
use crate::proxy::Proxy;
use crate::server;
use crate::server::Server;

const ONE: Address = [1; 16];
const TWO: Address = [2; 16];

/// The answers to claims that leave together, in the order of the addresses.
fn claim_both(peer: &Peer, addresses: [Address; 2]) -> [Answer; 2] {
    let answers = addresses.map(|address| {
        let (answer, answers) = channel();
        let receive = move |claimed, found| {
            let _ = answer.send((claimed, found));
            WakeOnDrop::default()
        };
        peer.store.claim(address, ABSENT, None, Box::new(receive));
        answers
    });
    peer.store.flush();
    answers.map(|answer| answer.recv_timeout(PATIENCE).unwrap())
}

fn push(server: &Server, digit: &str) {
    server.call(&["RPUSH", &format!("app:{{{}}}", digit.repeat(16)), "of another type"]);
}

#[test]
fn what_is_stored_meanwhile_and_cannot_be_read_is_not_there() {
    let server = server!();
    let peer = Peer::connected(&shared(server.port));
    push(&server, "01");
    let answers = || claim_both(&peer, [ONE, TWO]);
    wait_until("the lease", || answers()[1].0 == LeaseReply::Granted);
    // A single key of another type is an error.
    let [one, two] = answers();
    assert_eq!(one, (LeaseReply::Unavailable, Err(Unavailable)));
    assert_eq!(two, (LeaseReply::Granted, Ok(None)), "which fails nothing else");
}

#[test]
fn a_get_waits_for_two_commands_at_most() {
    let server = server!();
    let proxy = Proxy::before(server.port);
    let url = format!("redis://127.0.0.1:{}", proxy.port);
    let options = json!({ "redisUrl": url, "namespace": "app", "commandTimeoutMs": 600 });
    let peer = Peer::connected(&resolved(&options));
    push(&server, "01");
    push(&server, "02");
    let exists = (LeaseReply::EntryExists, Ok(None));
    let answers = || claim_both(&peer, [ONE, TWO]);
    wait_until("the scripts", || answers() == [exists.clone(), exists.clone()]);
    // A third one would be in time, too.
    proxy.delay(450);
    let nothing = (LeaseReply::Unavailable, Err(Unavailable));
    assert_eq!(answers(), [nothing.clone(), nothing]);
}
