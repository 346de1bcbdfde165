//! Servers that are slow, away or dead, or that forbid things.

use std::io::Read;
use std::net::TcpListener;
use std::sync::atomic::Ordering;
use std::thread::sleep;
use std::time::Duration;

use serde_json::json;
use tiercel::coherence::event::{Command, Event};
use tiercel::store::{Listener, Part, Refusal, Room, SharedStore, Unavailable};
use tiercel::tags::{Epoch, Position};

use crate::entries::read_one;
use crate::peer::{Peer, measured, nothing, resolved, shared, shared_at, wait_until};
use crate::proxy::Proxy;
use crate::server;
use crate::server::{Server, free_port};

/// A command takes at most 100 ms; a busy machine gets some more.
const ANSWERED: Duration = Duration::from_millis(400);
/// The promised time, and the time that a test machine may lose.
const RECOVERED: Duration = Duration::from_millis(2_500);

fn poll_once(peer: &Peer) -> bool {
    peer.try_ask(Command::Poll(nothing())).is_some()
}

/// Reads until the store is given up; each read is answered in time.
fn is_given_up(peer: &Peer) {
    wait_until("the end", || {
        let (found, took) = measured(|| read_one(peer, [1; 16]));
        assert!(took < ANSWERED, "{took:?}");
        if found == Err(Unavailable) && peer.store.health().is_broken {
            let (_, took) = measured(|| read_one(peer, [1; 16]));
            assert!(took < Duration::from_millis(50), "a read of a broken store took {took:?}");
            return true;
        }
        false
    });
}

#[test]
fn a_server_that_is_down_at_first_is_found_once_it_is_up() {
    let mut server = server!();
    server.kill();
    let peer = Peer::start(&shared(server.port));
    peer.heard.wait_for(&Event::Unreachable);
    assert!(!poll_once(&peer));
    assert_eq!(read_one(&peer, [1; 16]), Err(Unavailable));
    server.restart();
    let ((), took) = measured(|| peer.heard.wait_for(&Event::Connected));
    assert!(took < RECOVERED, "{took:?}");
    assert!(poll_once(&peer));
}

#[test]
fn a_lost_connection_is_told_and_made_anew() {
    let mut server = server!();
    let peer = Peer::connected(&shared(server.port));
    peer.register();
    wait_until("all connections", || peer.store.health().connections == 4);
    server.kill();
    peer.heard.wait_for(&Event::Disconnected);
    assert!(peer.store.health().is_broken);
    server.restart();
    let ((), took) = measured(|| peer.heard.wait_for(&Event::Connected));
    assert!(took < RECOVERED, "{took:?}");
    peer.register();
    wait_until("all connections", || peer.store.health().connections == 4);
    assert_eq!(peer.store.health().breaks, 1);
}

#[test]
fn a_server_that_stands_still_is_given_up_and_found_again() {
    let server = server!();
    let peer = Peer::connected(&shared(server.port));
    peer.register();
    server.signal("-STOP");
    let (is_answered, took) = measured(|| poll_once(&peer));
    assert!(!is_answered && took < ANSWERED, "{took:?}");
    is_given_up(&peer);
    peer.heard.wait_for(&Event::Disconnected);
    sleep(Duration::from_millis(700));
    server.signal("-CONT");
    let ((), took) = measured(|| peer.heard.wait_for(&Event::Connected));
    assert!(took < RECOVERED, "{took:?}");
    assert!(poll_once(&peer));
}

#[test]
fn a_half_open_connection_is_replaced_under_load() {
    let server = server!();
    let proxy = Proxy::before(server.port);
    let peer = Peer::connected(&shared(proxy.port));
    peer.register();
    proxy.swallow_present();
    let ((), took) = measured(|| {
        is_given_up(&peer);
        peer.heard.wait_for(&Event::Connected);
    });
    assert!(took < RECOVERED, "{took:?}");
    assert!(poll_once(&peer));
}

#[test]
fn an_idle_half_open_connection_is_replaced() {
    let server = server!();
    let proxy = Proxy::before(server.port);
    let peer = Peer::connected(&shared(proxy.port));
    wait_until("all connections", || peer.store.health().connections == 4);
    proxy.swallow_present();
    // Two probes of 500 ms and their limits, then a new connection.
    let ((), took) = measured(|| {
        peer.heard.wait_for(&Event::Disconnected);
        peer.heard.wait_for(&Event::Connected);
    });
    assert!(took < Duration::from_millis(2_500), "{took:?}");
    wait_until("three replacements", || peer.store.health().replaced == 3);
    assert!(poll_once(&peer));
}

#[test]
fn a_wire_that_swallows_everything_is_found_to_work_again() {
    let server = server!();
    let proxy = Proxy::before(server.port);
    let peer = Peer::connected(&shared(proxy.port));
    proxy.swallow_all();
    is_given_up(&peer);
    sleep(Duration::from_millis(1_500));
    proxy.swallow_present();
    let ((), took) = measured(|| peer.heard.wait_for(&Event::Connected));
    assert!(took < RECOVERED, "{took:?}");
}

#[test]
fn what_is_under_way_fails_before_the_next_connection_is_told() {
    let server = server!();
    let proxy = Proxy::before(server.port);
    let mut shared = shared(proxy.port);
    shared.command_timeout = Duration::from_secs(5);
    let peer = Peer::connected(&shared);
    proxy.swallow_present();
    let requests: Vec<_> = (0..3).map(|_| peer.send(Command::Poll(nothing()))).collect();
    wait_until("the next connection", || peer.heard.rest().contains(&Event::Connected));
    let events = peer.heard.rest();
    let place = |wanted: &Event| events.iter().position(|event| event == wanted).unwrap();
    for request in requests {
        assert!(place(&Event::Failed(request)) < place(&Event::Disconnected));
    }
    assert!(place(&Event::Disconnected) < place(&Event::Connected));
    sleep(Duration::from_millis(50));
    let is_answer = |event: &Event| matches!(event, Event::Answered(..));
    assert!(!peer.heard.rest().iter().any(is_answer));
}

/// A user with all rights but `less`, and a process that logs in as that user.
fn restricted(server: &Server, less: &[&str]) -> Peer {
    let user = ["ACL", "SETUSER", "app", "reset", "on", ">pw", "~*", "&*", "+@all"];
    server.call(&[&user, less].concat());
    Peer::connected(&shared_at(&format!("redis://app:pw@127.0.0.1:{}", server.port)))
}

/// Polls until a poll is denied.
fn is_denied(peer: &Peer) {
    let request = peer.send(Command::Poll(nothing()));
    peer.heard.wait_for(&Event::Denied(request));
}

#[test]
fn who_may_not_run_scripts_is_told_once_and_reads_and_writes_on() {
    let server = server!();
    let peer = restricted(&server, &["-@scripting"]);
    let told = Some((Refusal::Command("EVALSHA"), Part::Invalidations));
    is_denied(&peer);
    is_denied(&peer);
    peer.heard.was_refused(&[told]);
    assert_eq!(peer.store.health().refuses, "EVALSHA");
    peer.store.write([1; 16], 1, false, Box::new(|| Some((b"entry".to_vec(), 60_000))));
    wait_until("the entry", || read_one(&peer, [1; 16]) == Ok(Some("entry".into())));
    assert!(!peer.store.health().is_broken);
    server.call(&["ACL", "SETUSER", "app", "+@scripting"]);
    peer.register();
    peer.heard.was_refused(&[told, None]);
    assert_eq!(peer.store.health().refuses, "");
}

#[test]
fn what_a_user_may_not_do_is_told_by_its_name() {
    let server = server!();
    for (less, refusal) in [
        (["-eval"].as_slice(), [Refusal::Command("EVAL"); 2]),
        // Servers before version 7.2 do not say which command.
        (&["-zadd"], [Refusal::Command("ZADD"), Refusal::Commands]),
        (&["resetkeys", "~app:*", "~other:*"], [Refusal::Keys; 2]),
    ] {
        server.call(&["SCRIPT", "FLUSH"]);
        let peer = restricted(&server, less);
        is_denied(&peer);
        wait_until("the word", || !peer.heard.refused.lock().is_empty());
        let told = peer.heard.refused.lock().clone();
        let is_it = |refusal| told == [Some((refusal, Part::Invalidations))];
        assert!(refusal.into_iter().any(is_it), "{less:?} {told:?}");
    }
}

#[test]
fn who_may_touch_no_keys_here_is_told_so() {
    let server = server!();
    let peer = restricted(&server, &["resetkeys", "~other:*"]);
    assert_eq!(read_one(&peer, [1; 16]), Err(Unavailable));
    peer.heard.was_refused(&[Some((Refusal::Keys, Part::Entries))]);
    peer.store.write([1; 16], 1, false, Box::new(|| Some((b"entry".to_vec(), 60_000))));
    wait_until("the count", || peer.store.health().dropped_writes == 1);
    is_denied(&peer);
    peer.heard.was_refused(&[Some((Refusal::Keys, Part::Entries))]);
}

#[test]
fn who_may_touch_entries_only_reads_and_writes_on() {
    let server = server!();
    let peer = restricted(&server, &["resetkeys", "~app:*"]);
    is_denied(&peer);
    peer.store.write([1; 16], 1, false, Box::new(|| Some((b"entry".to_vec(), 60_000))));
    wait_until("the entry", || read_one(&peer, [1; 16]) == Ok(Some("entry".into())));
}

#[test]
fn what_room_the_server_gives_is_told_once_and_needs_no_right() {
    let server = server!("--maxmemory", "100mb", "--maxmemory-policy", "noeviction");
    let peer = restricted(&server, &["-config"]);
    wait_until("the room", || !peer.heard.rooms.lock().is_empty());
    let room = peer.heard.rooms.lock()[0];
    assert_eq!(room, Room { most_bytes: 100 << 20, policy: "noeviction" });
    assert!(room.fault().is_some());
    assert!(Room { most_bytes: 0, policy: "volatile-lru" }.fault().is_some());
    assert_eq!(Room { policy: "volatile-lru", ..room }.fault(), None);
    let deaf = restricted(&server, &["-info"]);
    deaf.register();
    server.call(&["CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"]);
    peer.heard.wait_for(&Event::Connected);
    peer.register();
    assert!(deaf.heard.rooms.lock().is_empty() && peer.heard.rooms.lock().len() == 1);
}

#[test]
fn every_process_is_told_why_a_server_takes_no_writes() {
    let server = server!();
    let peers = [(); 2].map(|()| Peer::connected(&shared(server.port)));
    for peer in &peers {
        peer.register();
    }
    server.call(&["CONFIG", "SET", "min-replicas-to-write", "1"]);
    let told = Some((Refusal::Error("NOREPLICAS"), Part::Invalidations));
    for peer in &peers {
        assert!(!poll_once(peer));
        peer.heard.was_refused(&[told]);
    }
    server.call(&["CONFIG", "SET", "min-replicas-to-write", "0"]);
    for peer in &peers {
        peer.register();
        peer.heard.was_refused(&[told, None]);
    }
}

#[test]
fn a_write_that_the_server_refuses_is_counted() {
    let server = server!("--maxmemory-policy", "noeviction");
    let peer = Peer::connected(&shared(server.port));
    server.call(&["CONFIG", "SET", "maxmemory", "1"]);
    peer.store.write([1; 16], 1, false, Box::new(|| Some((b"entry".to_vec(), 60_000))));
    wait_until("the count", || peer.store.health().dropped_writes == 1);
}

#[test]
fn a_listener_or_a_receiver_that_panics_harms_nobody_else() {
    let server = server!();
    let peer = Peer::connected(&shared(server.port));
    peer.heard.panics.store(true, Ordering::SeqCst);
    peer.send(Command::Poll(nothing()));
    peer.store.read([1; 16], Box::new(|_| panic!("made to")));
    peer.store.flush();
    wait_until("the panic", || !peer.heard.panics.load(Ordering::SeqCst));
    assert_eq!(read_one(&peer, [1; 16]), Ok(None));
    assert!(poll_once(&peer));
    assert_eq!(peer.store.health().breaks, 0);
}

#[test]
fn who_may_not_publish_or_subscribe_polls() {
    let server = server!();
    server.call(&["ACL", "SETUSER", "app", "on", ">pw", "~*", "resetchannels", "+@all"]);
    let shared = shared_at(&format!("redis://app:pw@127.0.0.1:{}", server.port));
    let (one, two) = (Peer::connected(&shared), Peer::connected(&shared));
    let known = one.register();
    let written = two.hard("a");
    assert_eq!(one.poll(&known).last, written.position);
    let is_told = |event: &Event| matches!(event, Event::Heard(told) if told.epoch != Epoch(0));
    assert!(!one.heard.rest().iter().any(is_told));
}

#[test]
fn a_wrong_password_is_a_store_that_is_away() {
    let server = server!("--requirepass", "right");
    let with =
        |password: &str| shared_at(&format!("redis://:{password}@127.0.0.1:{}", server.port));
    let peer = Peer::start(&with("wrong"));
    peer.heard.wait_for(&Event::Unreachable);
    assert!(poll_once(&Peer::connected(&with("right"))));
}

#[test]
fn no_get_waits_while_a_failure_is_looked_into() {
    let silent = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = silent.local_addr().unwrap().port();
    let url = format!("redis://127.0.0.1:{port}");
    let peer = Peer::start(&resolved(&json!({ "redisUrl": url, "connectTimeoutMs": 100 })));
    // Whoever looks into it says hello as clients of TLS do, and then waits for an answer.
    let mut held = Vec::new();
    let is_looked_into = silent.incoming().map_while(Result::ok).any(|mut stream| {
        let mut first = [0];
        let is_hello = stream.read_exact(&mut first).is_ok() && first == [0x16];
        held.push(stream);
        is_hello
    });
    assert!(is_looked_into && peer.heard.rest().contains(&Event::Unreachable));
    assert!(peer.store.health().is_broken);
}

#[test]
fn a_replica_is_left() {
    let server = server!();
    let peer = Peer::connected(&shared(server.port));
    peer.register();
    server.call(&["REPLICAOF", "127.0.0.1", &free_port().to_string()]);
    assert!(!poll_once(&peer));
    peer.heard.wait_for(&Event::Disconnected);
    server.call(&["REPLICAOF", "NO", "ONE"]);
    wait_until("a primary", || poll_once(&peer));
}

#[test]
fn who_leaves_is_waited_for_no_longer() {
    let server = server!();
    let (one, two) = (Peer::connected(&shared(server.port)), Peer::connected(&shared(server.port)));
    let _registered = (one.register(), two.register());
    assert_eq!(one.look().0, Some(Position(0)));
    let ((), took) = measured(|| two.store.leave());
    assert!(took < Duration::from_millis(100), "{took:?}");
    assert_eq!(one.look().0, None);
    assert_eq!(server.call(&["HLEN", "{app}:p"]), "1");
    two.heard.wait_for(&Event::Disconnected);
    assert_eq!(read_one(&two, [1; 16]), Err(Unavailable));
    server.signal("-STOP");
    let ((), took) = measured(|| one.store.leave());
    server.signal("-CONT");
    assert!(took < Duration::from_millis(150), "{took:?}");
}

#[test]
fn the_timer_of_the_listener_is_kept_and_can_be_set_anew() {
    let peer = Peer::start(&shared(free_port()));
    let set = |after_us: i64| {
        *peer.heard.timer.lock() = Some(peer.heard.now().shifted_us(after_us));
        peer.store.exchange(Vec::new());
    };
    set(60_000_000);
    sleep(Duration::from_millis(50));
    assert!(!peer.heard.rest().contains(&Event::Tick));
    set(50_000);
    let ((), took) = measured(|| peer.heard.wait_for(&Event::Tick));
    assert!((Duration::from_millis(30)..Duration::from_millis(400)).contains(&took), "{took:?}");
}
