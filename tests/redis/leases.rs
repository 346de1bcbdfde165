//! The promises of the lease scripts.

use std::sync::mpsc::{Receiver, channel};
use std::thread::sleep;
use std::time::Duration;

use bytes::Bytes;
use tiercel::store::{
    Address, LeaseEnd, LeaseReply, LeaseRequest, Part, Refusal, SharedStore, Unavailable,
};
use tiercel::wake::WakeOnDrop;

use crate::entries::read_one;
use crate::peer::{PATIENCE, Peer, measured, shared, shared_at, wait_until};
use crate::server;
use crate::server::Server;

pub(crate) const ADDRESS: Address = [7; 16];
/// The claim of an instance that has no entry, and knows position 50.
pub(crate) const ABSENT: LeaseRequest = LeaseRequest {
    epoch: 7,
    position: 50,
    outdated: 0,
    only_absent: true,
    patience_ms: 60_000,
    life_ms: 3_000,
    follows: false,
};
/// The claim of an instance that has a stale entry.
const STALE: LeaseRequest = LeaseRequest { only_absent: false, ..ABSENT };

pub(crate) type Answer = (LeaseReply, Result<Option<Bytes>, Unavailable>);

pub(crate) fn name(kind: &str) -> String {
    format!("app:{{{}}}{kind}", "07".repeat(16))
}

pub(crate) fn claims(peer: &Peer, claim: LeaseRequest) -> Receiver<Answer> {
    let (answer, answers) = channel();
    let receive = move |claimed, found| {
        let _ = answer.send((claimed, found));
        WakeOnDrop::default()
    };
    peer.store.claim(ADDRESS, claim, None, Box::new(receive));
    answers
}

/// Claims until a reply comes: on a busy machine it may be late.
pub(crate) fn claim(peer: &Peer, claim: LeaseRequest) -> LeaseReply {
    let once = || {
        let answers = claims(peer, claim);
        peer.store.flush();
        answers.recv_timeout(PATIENCE).unwrap()
    };
    let answered = (0..20).map(|_| once()).find(|(claimed, _)| *claimed != LeaseReply::Unavailable);
    answered.expect("no answer").0
}

pub(crate) fn end(peer: &Peer, ending: LeaseEnd) {
    peer.store.end(ADDRESS, ending);
}

/// Stores an entry; the lease ends with the write.
pub(crate) fn write(peer: &Peer) {
    peer.store.write(ADDRESS, 1, true, Box::new(|| Some((b"entry".to_vec(), 60_000))));
}

fn two(server: &Server) -> [Peer; 2] {
    [(); 2].map(|()| Peer::connected(&shared(server.port)))
}

fn life_ms(server: &Server, kind: &str) -> i64 {
    server.call(&["PTTL", &name(kind)]).parse().unwrap()
}

#[test]
fn of_many_who_claim_at_once_one_gets_the_lease() {
    let server = server!();
    let peers = [(); 6].map(|()| Peer::connected(&shared(server.port)));
    for round in 0..5 {
        let answers: Vec<_> = peers.iter().map(|peer| claims(peer, ABSENT)).collect();
        for peer in &peers {
            peer.store.flush();
        }
        let answers: Vec<_> =
            answers.iter().map(|answer| answer.recv_timeout(PATIENCE).unwrap().0).collect();
        let taken = answers.iter().filter(|claimed| **claimed == LeaseReply::Granted).count();
        let held = answers.iter().filter(|claimed| **claimed == LeaseReply::HeldElsewhere).count();
        let late = answers.iter().filter(|claimed| **claimed == LeaseReply::Unavailable).count();
        assert!(taken + held + late == 6 && taken <= 1 && late < 6, "{round}: {answers:?}");
        assert!(taken == 1 || late > 0, "{round}: {answers:?}");
        for peer in &peers {
            end(peer, LeaseEnd::Released);
        }
        wait_until("the end", || life_ms(&server, ":l") == -2);
    }
}

#[test]
fn a_lease_names_its_holder_and_what_it_knew_and_ends_by_itself() {
    let server = server!();
    let [one, two] = two(&server);
    let huge = LeaseRequest { epoch: u64::MAX, position: (1 << 52) - 1, ..ABSENT };
    assert_eq!(
        (claim(&one, huge), claim(&two, huge)),
        (LeaseReply::Granted, LeaseReply::HeldElsewhere)
    );
    let lease = server.call(&["GET", &name(":l")]);
    let (instance, rest) = lease.split_once(' ').unwrap();
    assert!(instance.len() == 16 && instance.bytes().all(|byte| byte.is_ascii_hexdigit()));
    let (known, since) =
        rest.rsplit_once(" 0").map(|(rest, _)| rest.rsplit_once(' ').unwrap()).unwrap();
    assert_eq!(known, "18446744073709551615 4503599627370495");
    let now_s = server.call(&["EVAL", "return redis.call('TIME')[1]", "0"]);
    let age_s = now_s.parse::<i64>().unwrap() - since.parse::<i64>().unwrap() / 1_000;
    assert!((0..=10).contains(&age_s), "{since} in ms at {now_s} in s");
    let life_ms = life_ms(&server, ":l");
    assert!((1..=3_000).contains(&life_ms), "{life_ms}");
    server.call(&["PEXPIRE", &name(":l"), "1"]);
    wait_until("the lease", || claim(&two, huge) == LeaseReply::Granted);
}

#[test]
fn what_is_there_is_not_claimed_by_who_has_nothing() {
    let server = server!();
    let [one, two] = two(&server);
    write(&one);
    wait_until("the entry", || read_one(&two, ADDRESS) == Ok(Some("entry".into())));
    assert_eq!(claim(&two, ABSENT), LeaseReply::EntryExists);
    assert_eq!(life_ms(&server, ":l"), -2);
    let answers = claims(&two, ABSENT);
    two.store.flush();
    let found = answers.recv_timeout(PATIENCE).unwrap();
    assert_eq!(
        found,
        (LeaseReply::EntryExists, Ok(Some("entry".into()))),
        "it comes with the answer"
    );
    assert_eq!(
        (claim(&one, STALE), claim(&two, STALE)),
        (LeaseReply::Granted, LeaseReply::HeldElsewhere)
    );
    assert_eq!(claim(&two, ABSENT), LeaseReply::EntryExists, "whoever generates");
}

#[test]
fn a_lease_that_brings_what_is_outdated_is_taken_over() {
    let server = server!();
    let [one, two] = two(&server);
    assert_eq!(claim(&one, ABSENT), LeaseReply::Granted);
    let knowing = |outdated| LeaseRequest { position: 60, outdated, ..STALE };
    assert_eq!([49, 50].map(|at| claim(&two, knowing(at))), [LeaseReply::HeldElsewhere; 2]);
    assert_eq!(claim(&two, knowing(51)), LeaseReply::Granted);
    assert_eq!(claim(&one, ABSENT), LeaseReply::HeldElsewhere, "it is the lease of the other now");
    assert_eq!(claim(&one, knowing(60)), LeaseReply::HeldElsewhere, "which is from no earlier");
}

#[test]
fn a_lease_of_another_history_is_taken_over() {
    let server = server!();
    let [one, two] = two(&server);
    assert_eq!(claim(&one, ABSENT), LeaseReply::Granted);
    assert_eq!(claim(&two, LeaseRequest { epoch: 8, position: 1, ..ABSENT }), LeaseReply::Granted);
    assert_eq!(claim(&one, ABSENT), LeaseReply::Granted);
}

#[test]
fn its_holder_may_claim_again() {
    let server = server!();
    let [one, two] = two(&server);
    assert_eq!(
        (claim(&one, ABSENT), claim(&one, STALE)),
        (LeaseReply::Granted, LeaseReply::Granted)
    );
    assert_eq!(claim(&two, ABSENT), LeaseReply::HeldElsewhere);
}

#[test]
fn while_a_key_is_passed_nobody_gets_a_lease_until_something_is_stored() {
    let server = server!();
    let [one, two] = two(&server);
    assert_eq!(claim(&one, ABSENT), LeaseReply::Granted);
    end(&one, LeaseEnd::Uncacheable);
    wait_until("the pass", || life_ms(&server, ":p") > 0);
    for peer in [&one, &two] {
        assert!((1..=10_000).contains(&passed_ms(peer)));
    }
    assert_eq!(life_ms(&server, ":l"), -2);
    write(&two);
    // An instance that stores without a lease knows of the pass, and ends it.
    wait_until("the end", || life_ms(&server, ":p") == -2);
    assert_eq!(claim(&two, ABSENT), LeaseReply::EntryExists);
}

#[test]
fn each_failure_passes_a_key_for_longer() {
    let server = server!();
    let peer = Peer::connected(&shared(server.port));
    for secs in [10, 20, 40, 80, 160, 320, 600, 600] {
        assert_eq!(claim(&peer, ABSENT), LeaseReply::Granted);
        end(&peer, LeaseEnd::Uncacheable);
        wait_until("the pass", || life_ms(&server, ":p") > 0);
        let left_ms = passed_ms(&peer);
        let most_ms = secs * 1_000;
        assert!((most_ms - 5_000..=most_ms).contains(&left_ms), "{left_ms} of {secs} s");
        end(&peer, LeaseEnd::Uncacheable);
        assert!(passed_ms(&peer) <= most_ms, "those that fail at once are one failure");
        // The time is over, but the count is not forgotten.
        let pass = server.call(&["GET", &name(":p")]);
        let (_, failures) = pass.split_once(' ').unwrap();
        server.call(&["SET", &name(":p"), &format!("1 {failures}"), "KEEPTTL"]);
    }
    end(&peer, LeaseEnd::Stored);
    wait_until("the end", || life_ms(&server, ":p") == -2);
}

#[test]
fn a_leader_that_takes_too_long_is_taken_over_by_one_and_after_three_nobody_waits() {
    let server = server!();
    let [one, two] = two(&server);
    let impatient = LeaseRequest { patience_ms: 300, life_ms: 60_000, ..ABSENT };
    assert_eq!(
        (claim(&one, impatient), claim(&two, ABSENT)),
        (LeaseReply::Granted, LeaseReply::HeldElsewhere)
    );
    for _ in 0..2 {
        sleep(Duration::from_millis(300));
        assert_eq!(claim(&two, impatient), LeaseReply::Granted, "it is late, and leads");
        assert_eq!(claim(&one, ABSENT), LeaseReply::HeldElsewhere, "the others wait on");
        hand_over(&server);
    }
    sleep(Duration::from_millis(300));
    assert!((1..=10_000).contains(&passed_ms_of(claim(&two, impatient))));
    server.call(&["SET", &name(":p"), "1 1", "PX", "60000"]);
    hand_over(&server);
    sleep(Duration::from_millis(300));
    let left_ms = passed_ms_of(claim(&two, impatient));
    assert!((10_001..=20_000).contains(&left_ms), "of a key that failed, one wait is enough");
}

#[test]
fn a_lease_that_has_ended_was_not_waited_for_in_vain() {
    let server = server!();
    let [one, two] = two(&server);
    let short = LeaseRequest { patience_ms: 10, life_ms: 30, ..ABSENT };
    for peer in [&one, &two].repeat(4) {
        assert_eq!(claim(peer, short), LeaseReply::Granted);
        wait_until("the end", || life_ms(&server, ":l") == -2);
    }
    assert_eq!(life_ms(&server, ":p"), -2);
}

#[test]
fn what_fails_while_another_has_taken_over_passes_nothing() {
    let server = server!();
    let [one, two] = two(&server);
    assert_eq!(claim(&one, ABSENT), LeaseReply::Granted);
    end(&two, LeaseEnd::Uncacheable);
    assert_eq!(claim(&two, ABSENT), LeaseReply::HeldElsewhere);
    assert_eq!(life_ms(&server, ":p"), -2);
}

#[test]
fn a_lease_from_the_future_is_one_that_has_just_begun() {
    let server = server!();
    let peer = Peer::connected(&shared(server.port));
    server.call(&["SET", &name(":l"), "0123 7 50 99999999999999 0"]);
    assert_eq!(claim(&peer, LeaseRequest { patience_ms: 1, ..ABSENT }), LeaseReply::HeldElsewhere);
}

fn passed_ms(peer: &Peer) -> u32 {
    passed_ms_of(claim(peer, STALE))
}

fn passed_ms_of(claimed: LeaseReply) -> u32 {
    let LeaseReply::HitForMiss(left_ms) = claimed else { panic!("it is not passed: {claimed:?}") };
    left_ms
}

/// Makes the lease that of an absent instance.
fn hand_over(server: &Server) {
    let lease = server.call(&["GET", &name(":l")]);
    let (_, rest) = lease.split_once(' ').unwrap();
    server.call(&["SET", &name(":l"), &format!("{} {rest}", "0".repeat(16)), "KEEPTTL"]);
}

#[test]
fn a_lease_whose_taker_is_not_told_what_lies_there_is_given_back() {
    let server = server!();
    let [one, two] = two(&server);
    server.call(&["RPUSH", &name(""), "of another type"]);
    let answers = claims(&one, STALE);
    one.store.flush();
    assert_eq!(answers.recv_timeout(PATIENCE).unwrap().0, LeaseReply::Unavailable);
    let ends = || wait_until("the end", || life_ms(&server, ":l") == -2);
    let ((), took) = measured(ends);
    assert!(took < Duration::from_secs(2), "it ended by itself");
    server.call(&["DEL", &name("")]);
    assert_eq!(claim(&two, ABSENT), LeaseReply::Granted);
}

#[test]
fn a_lease_that_is_released_leaves_a_pass_as_it_was() {
    let server = server!();
    let [one, two] = two(&server);
    assert_eq!(claim(&one, ABSENT), LeaseReply::Granted);
    server.call(&["SET", &name(":p"), "1 2", "PX", "60000"]);
    end(&two, LeaseEnd::Released);
    end(&one, LeaseEnd::Released);
    wait_until("the end", || life_ms(&server, ":l") == -2);
    assert!(life_ms(&server, ":p") > 0);
}

#[test]
fn a_lease_ends_by_the_word_of_its_holder_alone() {
    let server = server!();
    let [one, two] = two(&server);
    assert_eq!(claim(&one, ABSENT), LeaseReply::Granted);
    end(&two, LeaseEnd::Released);
    // Both take the same path, one after the other.
    assert_eq!(
        (claim(&two, ABSENT), claim(&one, ABSENT)),
        (LeaseReply::HeldElsewhere, LeaseReply::Granted)
    );
    write(&two);
    wait_until("the entry", || read_one(&two, ADDRESS) == Ok(Some("entry".into())));
    assert_eq!(claim(&two, STALE), LeaseReply::HeldElsewhere);
    end(&one, LeaseEnd::Released);
    wait_until("the end", || claim(&two, STALE) == LeaseReply::Granted);
}

#[test]
fn a_lease_ends_after_the_write_and_not_before() {
    let server = server!();
    let [one, two] = two(&server);
    for _ in 0..20 {
        assert_eq!(claim(&one, ABSENT), LeaseReply::Granted);
        write(&one);
        wait_until("the entry", || match claim(&two, ABSENT) {
            LeaseReply::HeldElsewhere => false,
            LeaseReply::EntryExists => true,
            other => panic!("{other:?}"),
        });
        wait_until("the lease", || claim(&two, STALE) == LeaseReply::Granted);
        end(&two, LeaseEnd::Released);
        wait_until("the end", || life_ms(&server, ":l") == -2);
        server.call(&["DEL", &name("")]);
    }
}

#[test]
fn a_write_that_is_not_to_be_stored_any_more_gives_the_lease_back() {
    let server = server!();
    let [one, two] = two(&server);
    assert_eq!(claim(&one, ABSENT), LeaseReply::Granted);
    one.store.write(ADDRESS, 1, true, Box::new(|| None));
    wait_until("the lease", || claim(&two, ABSENT) == LeaseReply::Granted);
    end(&two, LeaseEnd::Released);
    // A write dropped before its turn ends the lease too.
    wait_until("the end", || claim(&one, ABSENT) == LeaseReply::Granted);
    one.store.write(ADDRESS, usize::MAX / 2, true, Box::new(|| Some((b"entry".to_vec(), 60_000))));
    wait_until("the lease", || claim(&two, ABSENT) == LeaseReply::Granted);
}

#[test]
fn a_lease_lives_as_long_as_its_holder_renews_it() {
    let server = server!();
    let [one, two] = two(&server);
    assert_eq!(claim(&one, ABSENT), LeaseReply::Granted);
    *one.heard.leases.lock() = vec![ADDRESS];
    // An instance cannot renew the lease of another.
    *two.heard.leases.lock() = vec![ADDRESS];
    sleep(Duration::from_millis(3_500));
    assert_eq!(claim(&two, ABSENT), LeaseReply::HeldElsewhere);
    one.heard.leases.lock().clear();
    sleep(Duration::from_millis(1_200));
    wait_until("the lease", || claim(&two, ABSENT) == LeaseReply::Granted);
}

#[test]
fn what_somebody_else_left_in_its_place_is_no_lease() {
    let server = server!();
    let peer = Peer::connected(&shared(server.port));
    let huge = "9".repeat(4 << 20);
    let leases = [
        "",
        "of somebody else",
        "0123 7",
        "0123 7 50",
        "0123 7 50 9",
        "0123 7 50 9 0 0",
        "xyz 7 50 9 0",
        "0123 7 5e1 9 0",
        "0123 -7 50 9 0",
        "0123 7 -50 9 0",
        "0123 7 50 -9 0",
        huge.as_str(),
    ];
    for lease in leases {
        server.call(&["SET", &name(":l"), lease]);
        assert_eq!(claim(&peer, ABSENT), LeaseReply::Granted, "{lease:.20}");
        assert!(life_ms(&server, ":l") > 0, "and it is a lease again");
    }
    server.call_bytes(&[b"SET", name(":l").as_bytes(), b"\xff\0 7 50 9 0"]);
    assert_eq!(claim(&peer, ABSENT), LeaseReply::Granted);
}

#[test]
fn what_is_no_string_is_no_lease() {
    let server = server!();
    let peer = Peer::connected(&shared(server.port));
    for ending in [LeaseEnd::Released, LeaseEnd::Stored, LeaseEnd::Uncacheable] {
        server.call(&["DEL", &name(":l"), &name(":p")]);
        server.call(&["LPUSH", &name(":l"), "of somebody else"]);
        end(&peer, ending);
        *peer.heard.leases.lock() = vec![ADDRESS];
        if ending == LeaseEnd::Uncacheable {
            wait_until("the pass", || life_ms(&server, ":p") > 0);
            server.call(&["DEL", &name(":p")]);
        }
        assert_eq!(claim(&peer, ABSENT), LeaseReply::Granted, "{ending:?}");
    }
    server.call(&["HSET", &name(":p"), "of", "somebody else"]);
    assert_eq!(claim(&peer, ABSENT), LeaseReply::Granted, "a pass that never ends is none");
    end(&peer, LeaseEnd::Stored);
    wait_until("the end", || life_ms(&server, ":p") == -2);
}

#[test]
fn who_may_not_have_leases_is_told_once_and_all_else_works() {
    let server = server!();
    let entries_and_table = ["~app:{*}", "~{app}:*"];
    for allowed in [entries_and_table, ["~*", "-del"]] {
        let user = ["ACL", "SETUSER", "app", "reset", "on", ">pw", "&*", "+@all"];
        server.call(&[&user[..], &allowed].concat());
        let peer =
            Peer::connected(&shared_at(&format!("redis://app:pw@127.0.0.1:{}", server.port)));
        let once = || {
            let answers = claims(&peer, ABSENT);
            peer.store.flush();
            answers.recv_timeout(PATIENCE).unwrap()
        };
        let first = once().0;
        assert!(first == LeaseReply::Unavailable || allowed != entries_and_table);
        end(&peer, LeaseEnd::Released);
        wait_until("the word", || !peer.heard.refused.lock().is_empty());
        let told = peer.heard.refused.lock()[0];
        let is_meant = |refusal| match refusal {
            Refusal::Keys => allowed == entries_and_table,
            Refusal::Command(_) | Refusal::Commands => allowed != entries_and_table,
            Refusal::Error(_) => false,
        };
        assert!(matches!(told, Some((refusal, Part::Leases)) if is_meant(refusal)), "{told:?}");
        assert_eq!([once().0, once().0], [LeaseReply::Unavailable; 2]);
        write(&peer);
        wait_until("the entry", || read_one(&peer, ADDRESS) == Ok(Some("entry".into())));
        assert_eq!(once(), (LeaseReply::EntryExists, Ok(Some("entry".into()))));
        let known = peer.register();
        assert_eq!(peer.hard("a").previous, known.applied);
        peer.heard.was_refused(&[told]);
        assert!(!peer.store.health().is_broken);
        // It is tried again after a pause.
        server.call(&["ACL", "SETUSER", "app", "allkeys", "+@all"]);
        server.call(&["DEL", &name(""), &name(":l")]);
        wait_until("a lease", || once().0 == LeaseReply::Granted);
        end(&peer, LeaseEnd::Released);
        peer.heard.was_refused(&[told, None]);
        server.call(&["DEL", &name(""), &name(":l")]);
    }
}

/// Leases where each server has a part of the keys: entry, lease and pass lie on the same one.
pub(crate) fn are_beside_their_entries(one: &Peer, two: &Peer) {
    assert_eq!(
        (claim(one, ABSENT), claim(two, ABSENT)),
        (LeaseReply::Granted, LeaseReply::HeldElsewhere)
    );
    end(one, LeaseEnd::Uncacheable);
    wait_until("the pass", || matches!(claim(two, ABSENT), LeaseReply::HitForMiss(_)));
    write(one);
    wait_until("the entry", || claim(two, ABSENT) == LeaseReply::EntryExists);
    // The pass ends after the entry is there.
    wait_until("a lease", || claim(two, STALE) == LeaseReply::Granted);
    assert_eq!(claim(one, STALE), LeaseReply::HeldElsewhere);
    end(two, LeaseEnd::Released);
    wait_until("the lease", || claim(one, STALE) == LeaseReply::Granted);
    // Nothing is left for the next test.
    one.store.write(ADDRESS, 1, true, Box::new(|| Some((b"short".to_vec(), 1))));
    wait_until("the end", || claim(two, ABSENT) == LeaseReply::Granted);
    end(two, LeaseEnd::Released);
}
