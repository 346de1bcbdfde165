//! Whoever waits for another instance is told once that has ended.

use std::sync::mpsc::{Receiver, channel};

use tiercel::coherence::event::Event;
use tiercel::store::{LeaseEnd, LeaseReply, LeaseRequest, SharedStore};
use tiercel::wake::WakeOnDrop;

use crate::leases::{ABSENT, ADDRESS, Answer, claim, end, name, write};
use crate::peer::{PATIENCE, Peer, shared, shared_at, wait_until};
use crate::server;
use crate::server::Server;

/// The claim of an instance whose get waits if another one leads.
pub(crate) const FOLLOWS: LeaseRequest = LeaseRequest { follows: true, ..ABSENT };
/// Longer than a test: whoever waits for as long is told, or the test fails.
const FOR_EVER_MS: u32 = 600_000;

/// Claims after a pause, or once it is told.
fn claims_later(peer: &Peer, pause_ms: u32) -> Receiver<Answer> {
    let (answer, answers) = channel();
    let receive = move |claimed, found| {
        let _ = answer.send((claimed, found));
        WakeOnDrop::default()
    };
    peer.store.claim(ADDRESS, FOLLOWS, Some(pause_ms), Box::new(receive));
    answers
}

/// Follows: on a new connection it may take a moment until it can be told.
fn follows(peer: &Peer) {
    wait_until("it follows", || match claim(peer, FOLLOWS) {
        LeaseReply::Followed(_) => true,
        LeaseReply::HeldElsewhere => false,
        other => panic!("{other:?}"),
    });
}

/// One that leads, and one that follows.
fn led(server: &Server) -> [Peer; 2] {
    let [one, two] = [(); 2].map(|()| Peer::connected(&shared(server.port)));
    assert_eq!(claim(&one, ABSENT), LeaseReply::Granted);
    follows(&two);
    [one, two]
}

fn followers(server: &Server) -> String {
    server.call(&["ZRANGE", &name(":f"), "0", "-1"])
}

/// How often the server was called by this name.
fn calls(server: &Server, command: &str) -> u64 {
    let told = server.call(&["INFO", "commandstats"]);
    let line =
        told.lines().find_map(|line| line.strip_prefix(&format!("cmdstat_{command}:calls=")));
    line.map_or(0, |line| line.split(',').next().unwrap().parse().unwrap())
}

/// What comes to those who wait: an entry, or nothing.
fn found(answers: &Receiver<Answer>) -> Option<Vec<u8>> {
    let (_, found) = answers.recv_timeout(PATIENCE).expect("nobody told it");
    found.unwrap().map(Vec::from)
}

/// A follower is told, and finds what was stored.
pub(crate) fn are_told(one: &Peer, two: &Peer) {
    // A lease of before may be on its way out.
    wait_until("the lease", || claim(one, ABSENT) == LeaseReply::Granted);
    follows(two);
    let answers = claims_later(two, FOR_EVER_MS);
    write(one);
    assert_eq!(found(&answers), Some(b"entry".to_vec()));
}

#[test]
fn who_follows_has_what_is_stored_without_a_look_in_vain() {
    let server = server!();
    let peers = [(); 6].map(|()| Peer::connected(&shared(server.port)));
    let [one, others @ ..] = &peers;
    assert_eq!(claim(one, ABSENT), LeaseReply::Granted);
    others.iter().for_each(follows);
    let waiting: Vec<_> = others.iter().map(|other| claims_later(other, FOR_EVER_MS)).collect();
    let before = ["get", "evalsha", "mget", "eval"].map(|name| calls(&server, name));
    write(one);
    for answers in &waiting {
        assert_eq!(found(answers), Some(b"entry".to_vec()));
    }
    let after = ["get", "evalsha", "mget", "eval"].map(|name| calls(&server, name));
    // Each reads once. What the scripts do themselves counts too: the end reads its lease.
    assert_eq!(after[0] - before[0], 5 + 1);
    assert_eq!(after[2], before[2]);
    assert_eq!(followers(&server), "");
}

#[test]
fn an_end_that_is_told_before_anybody_waits_is_not_missed() {
    let server = server!();
    let [one, two] = led(&server);
    let hears = || {
        two.heard.take("a message", |event| matches!(event, Event::Heard(_)).then_some(()));
    };
    // The word that it is subscribed.
    hears();
    write(&one);
    wait_until("the end", || followers(&server).is_empty());
    // What is published after that arrives after that.
    server.call(&["PUBLISH", "{app}:m0", "nonsense"]);
    hears();
    assert_eq!(found(&claims_later(&two, FOR_EVER_MS)), Some(b"entry".to_vec()));
}

#[test]
fn however_a_generation_ends_its_followers_are_told_and_one_of_them_leads() {
    let server = server!();
    let [one, two] = led(&server);
    let answers = claims_later(&two, FOR_EVER_MS);
    end(&one, LeaseEnd::Released);
    let (claimed, _) = answers.recv_timeout(PATIENCE).expect("nobody told it");
    assert_eq!(claimed, LeaseReply::Granted);
    follows(&one);
    let answers = claims_later(&one, FOR_EVER_MS);
    end(&two, LeaseEnd::Uncacheable);
    let (claimed, _) = answers.recv_timeout(PATIENCE).expect("nobody told it");
    assert!(matches!(claimed, LeaseReply::HitForMiss(_)), "{claimed:?}");
}

#[test]
fn an_end_that_is_not_that_of_the_leader_tells_nobody_until_something_is_stored() {
    let server = server!();
    let [one, two] = led(&server);
    let three = Peer::connected(&shared(server.port));
    let instance = followers(&server);
    for ending in [LeaseEnd::Released, LeaseEnd::Uncacheable] {
        end(&three, ending);
        // It takes the same path.
        assert_eq!(claim(&three, ABSENT), LeaseReply::HeldElsewhere);
        assert_eq!(followers(&server), instance);
    }
    let answers = claims_later(&two, FOR_EVER_MS);
    write(&three);
    assert_eq!(found(&answers), Some(b"entry".to_vec()), "it serves whoever stored it");
    drop(one);
}

#[test]
fn an_end_that_nobody_tells_is_found_after_the_pause() {
    let server = server!();
    let [one, two] = led(&server);
    server.call(&["DEL", &name(":f")]);
    let answers = claims_later(&two, 300);
    write(&one);
    assert_eq!(found(&answers), Some(b"entry".to_vec()));
}

#[test]
fn who_cannot_be_told_any_more_asks_at_once_and_follows_again_once_that_is_over() {
    let server = server!();
    let [_one, two] = led(&server);
    let answers = claims_later(&two, FOR_EVER_MS);
    server.call(&["CLIENT", "KILL", "TYPE", "pubsub"]);
    let (claimed, _) = answers.recv_timeout(PATIENCE).expect("it waits for a lost message");
    assert!(matches!(claimed, LeaseReply::HeldElsewhere | LeaseReply::Followed(_)), "{claimed:?}");
    follows(&two);
}

#[test]
fn who_loses_the_server_does_not_wait_for_its_message() {
    let mut server = server!();
    let [_one, two] = led(&server);
    let answers = claims_later(&two, FOR_EVER_MS);
    server.kill();
    let (claimed, found) = answers.recv_timeout(PATIENCE).expect("it waits for a lost message");
    assert_eq!((claimed, found.is_err()), (LeaseReply::Unavailable, true));
}

#[test]
fn who_may_not_be_told_asks_as_often_as_before() {
    let server = server!();
    for (nth, right) in ["-publish", "-subscribe"].into_iter().enumerate() {
        let user = format!("some{nth}");
        let rules = ["on", ">secret", "~*", "&*", "+@all", right];
        server.call(&[&["ACL", "SETUSER", &user][..], &rules].concat());
        let options = shared_at(&format!("redis://{user}:secret@127.0.0.1:{}", server.port));
        let [one, two] = [(); 2].map(|()| Peer::connected(&options));
        assert_eq!(claim(&one, ABSENT), LeaseReply::Granted);
        let denied = || server.call(&["ACL", "LOG"]).matches(&*user).count() >= 2;
        wait_until("both are refused", denied);
        assert_eq!(claim(&two, FOLLOWS), LeaseReply::HeldElsewhere, "{right}");
        assert_eq!(followers(&server), "");
        end(&one, LeaseEnd::Released);
        wait_until("the end", || server.call(&["EXISTS", &name(":l")]) == "0");
    }
}

#[test]
fn something_else_in_place_of_the_followers_is_replaced() {
    let server = server!();
    let [_one, two] = led(&server);
    server.call(&["DEL", &name(":f")]);
    server.call(&["SET", &name(":f"), "of another type"]);
    assert_eq!(claim(&two, FOLLOWS), LeaseReply::HeldElsewhere);
    follows(&two);
    server.call(&["DEL", &name(":f")]);
    server.call(&["SET", &name(":f"), "of another type"]);
    write(&two);
    wait_until("the entry", || claim(&two, FOLLOWS) == LeaseReply::EntryExists);
}

#[test]
fn who_follows_asks_when_the_leader_has_timed_out_or_its_lease_is_over() {
    let server = server!();
    let [_one, two] = led(&server);
    let now = server.call(&["EVAL", "return redis.call('TIME')[1] * 1000", "0"]);
    let lease = format!("0123 7 50 {now} 0");
    let ms = |life_ms: &str, patience_ms| {
        server.call(&["SET", &name(":l"), &lease, "PX", life_ms]);
        match claim(&two, LeaseRequest { patience_ms, ..FOLLOWS }) {
            LeaseReply::Followed(ms) => ms,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(ms("600000", FOR_EVER_MS), 500, "now and then in any case");
    assert!((1..=400).contains(&ms("400", FOR_EVER_MS)), "no longer than the lease lives");
    // The lease is a minute old, give or take what the test takes.
    let began: u64 = now.parse().unwrap();
    let old = format!("0123 7 50 {} 0", began - 60_000);
    // If it has timed out, the claim takes it over.
    let ask = |n: u32| {
        server.call(&["SET", &name(":l"), &old, "PX", "600000"]);
        claim(&two, LeaseRequest { patience_ms: 60_000 + n * 300, ..FOLLOWS })
    };
    let left_ms = (0..100).find_map(|n| match ask(n) {
        LeaseReply::Followed(ms) => Some(ms),
        _ => None,
    });
    assert!((1..=300).contains(&left_ms.unwrap()), "{left_ms:?}");
}
