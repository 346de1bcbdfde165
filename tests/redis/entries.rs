//! Entries, read and written.

use std::sync::mpsc::{Receiver, channel};

use bytes::Bytes;
use tiercel::store::{Address, SharedStore, Unavailable};
use tiercel::wake::WakeOnDrop;

use crate::peer::{PATIENCE, Peer, shared, shared_at, wait_until};
use crate::server;
use crate::server::Server;

type Found = Result<Option<Bytes>, Unavailable>;

/// Asks for entries; they arrive in any order, each with its number.
fn read(peer: &Peer, addresses: &[Address]) -> Receiver<(usize, Found)> {
    let (found, receiver) = channel();
    for (nth, address) in addresses.iter().enumerate() {
        let found = found.clone();
        let receive = move |entry| {
            let _ = found.send((nth, entry));
            WakeOnDrop::default()
        };
        peer.store.read(*address, Box::new(receive));
    }
    peer.store.flush();
    receiver
}

pub(crate) fn read_one(peer: &Peer, address: Address) -> Found {
    read(peer, &[address]).recv_timeout(PATIENCE).unwrap().1
}

/// Reads until an answer comes: on a busy machine it may be late.
fn read_at_last(peer: &Peer, address: Address) -> Option<Bytes> {
    (0..20).find_map(|_| read_one(peer, address).ok()).expect("no answer")
}

fn write(peer: &Peer, address: Address, bytes: &[u8]) {
    let bytes = bytes.to_vec();
    peer.store.write(address, bytes.len(), false, Box::new(move || Some((bytes, 60_000))));
}

#[test]
fn what_one_writes_others_read() {
    let server = server!();
    let (one, two) = (Peer::connected(&shared(server.port)), Peer::connected(&shared(server.port)));
    let every: Vec<u8> = (0..=255).cycle().take(100_000).collect();
    write(&one, [7; 16], &every);
    wait_until("the entry", || read_at_last(&two, [7; 16]).is_some());
    assert_eq!(read_at_last(&two, [7; 16]).unwrap(), every);
    assert_eq!(read_at_last(&two, [8; 16]), None);
    let key = format!("app:{{{}}}", "07".repeat(16));
    let life_ms: u64 = server.call(&["PTTL", &key]).parse().unwrap();
    assert!((1..=60_000).contains(&life_ms));
}

#[test]
fn reads_of_one_tick_travel_together_and_find_each_its_own() {
    let server = server!();
    let peer = Peer::connected(&shared(server.port));
    let addresses: Vec<Address> = (0..40).map(|nth| [nth; 16]).collect();
    for address in addresses.iter().step_by(2) {
        write(&peer, *address, &address[..1]);
    }
    wait_until("the last", || read_at_last(&peer, [38; 16]).is_some());
    wait_until("all connections", || peer.store.health().connections == 4);
    let packets = || {
        let info = server.call(&["INFO", "stats"]);
        let line = info.lines().find_map(|line| line.strip_prefix("total_reads_processed:"));
        line.unwrap().parse::<u64>().unwrap()
    };
    server.call(&["CONFIG", "RESETSTAT"]);
    let before = packets();
    let found: Vec<_> = read(&peer, &addresses).iter().take(40).collect();
    for (nth, entry) in found {
        let expected = (nth % 2 == 0).then(|| Bytes::from(vec![nth as u8]));
        assert_eq!(entry, Ok(expected), "{nth}");
    }
    let calls = server.call(&["INFO", "commandstats"]);
    assert!(calls.contains("cmdstat_get:calls=40,") && !calls.contains("cmdstat_mget"), "{calls}");
    // Some are polls, and one asks for this.
    assert!(packets() - before < 20, "{} packets", packets() - before);
}

/// The connections that read entries, as `CLIENT KILL` takes them.
fn readers(server: &Server) -> Vec<String> {
    let list = server.call(&["CLIENT", "LIST"]);
    let lines = list.lines().filter(|line| line.contains(" cmd=get "));
    lines.map(|line| line.split([' ', '=']).nth(1).unwrap().to_owned()).collect()
}

#[test]
fn a_connection_for_reads_that_is_lost_costs_no_read() {
    let server = server!();
    let peer = Peer::connected(&shared(server.port));
    let is_whole = || peer.store.health().connections == 4;
    wait_until("all connections", is_whole);
    write(&peer, [7; 16], b"x");
    wait_until("the entry", || read_at_last(&peer, [7; 16]).is_some());
    let breaks = peer.store.health().breaks;
    for _ in 0..5 {
        assert_eq!(read_one(&peer, [7; 16]), Ok(Some("x".into())));
        let [reader] = readers(&server).try_into().unwrap();
        server.call(&["CLIENT", "KILL", "ID", &reader]);
        assert_eq!(read_one(&peer, [7; 16]), Ok(Some("x".into())), "by the link, if need be");
        wait_until("another one", || read_one(&peer, [7; 16]).is_ok() && is_whole());
        wait_until("its first read", || {
            read_one(&peer, [7; 16]).unwrap();
            readers(&server).len() == 1
        });
    }
    assert_eq!(peer.store.health().breaks, breaks, "the link is none of its business");
}

#[test]
fn who_may_not_read_that_way_reads_another_way() {
    let server = server!();
    server.call(&["ACL", "SETUSER", "app", "on", ">pw", "~*", "&*", "+@all"]);
    let peer = Peer::connected(&shared_at(&format!("redis://app:pw@127.0.0.1:{}", server.port)));
    wait_until("all connections", || peer.store.health().connections == 4);
    write(&peer, [7; 16], b"x");
    wait_until("the entry", || read_at_last(&peer, [7; 16]).is_some());
    server.call(&["ACL", "SETUSER", "app", "-get"]);
    let found: Vec<_> = read(&peer, &[[7; 16], [8; 16]]).iter().take(2).collect();
    assert_eq!(found, [(0, Ok(Some("x".into()))), (1, Ok(None))], "MGET is allowed");
}

#[test]
fn what_is_no_string_is_no_entry() {
    let server = server!();
    let peer = Peer::connected(&shared(server.port));
    server.call(&["LPUSH", &format!("app:{{{}}}", "07".repeat(16)), "of somebody else"]);
    // The link would say that one alone cannot be read, which is a miss, too.
    wait_until("all connections", || peer.store.health().connections == 4);
    assert_eq!(read_one(&peer, [7; 16]), Ok(None));
    let found = read(&peer, &[[7; 16], [8; 16]]);
    assert_eq!(found.iter().take(2).collect::<Vec<_>>(), [(0, Ok(None)), (1, Ok(None))]);
}

#[test]
fn a_write_that_is_not_to_be_stored_any_more_is_not() {
    let server = server!();
    let peer = Peer::connected(&shared(server.port));
    peer.store.write([7; 16], 1, false, Box::new(|| None));
    peer.store.write([7; 16], 1, false, Box::new(|| panic!("made to")));
    write(&peer, [8; 16], b"next");
    wait_until("the next", || read_at_last(&peer, [8; 16]).is_some());
    assert_eq!(read_at_last(&peer, [7; 16]), None);
}

#[test]
fn writes_wait_for_the_server_and_can_be_forgotten() {
    let mut server = server!();
    server.kill();
    let peer = Peer::start(&shared(server.port));
    write(&peer, [7; 16], b"forgotten");
    peer.store.forget_writes();
    write(&peer, [8; 16], b"kept");
    assert_eq!(peer.store.health().queued_writes, 1);
    server.restart();
    wait_until("the write", || read_one(&peer, [8; 16]) == Ok(Some("kept".into())));
    assert_eq!(read_at_last(&peer, [7; 16]), None);
    let health = peer.store.health();
    assert_eq!((health.queued_writes, health.queued_bytes, health.dropped_writes), (0, 0, 0));
}
