//! What an operator asks all instances.

use std::time::Duration;

use tiercel::account::{MOST_QUESTION, MOST_READ};
use tiercel::coherence::event::Event;
use tiercel::operate::account::Accounts;
use tiercel::operate::server::{Answered, Server as _};
use tiercel::options::SharedOptions;
use tiercel::redis::RedisOperator;

use crate::peer::{Peer, measured, nothing, shared, shared_at, wait_until};
use crate::server;
use crate::server::Server;

/// An instance that answers this.
fn answering(shared: &SharedOptions, account: Option<&[u8]>) -> Peer {
    let peer = Peer::connected(shared);
    peer.heard.account.lock().0 = account.map(<[u8]>::to_vec);
    peer.register();
    // The reason to poll that comes with the subscription.
    peer.heard.take("a message", |event| matches!(event, Event::Heard(_)).then_some(()));
    peer
}

/// Waits until so many instances hear what is published.
fn heard_by(server: &Server, count: usize) {
    let count = count.to_string();
    let subscribed = || server.call(&["PUBSUB", "NUMSUB", "{app}:m0"]);
    wait_until("the subscriptions", || subscribed().ends_with(&count));
}

/// What was answered, in no order.
fn texts(answered: &[Answered]) -> Vec<Option<String>> {
    let text = |bytes: &bytes::Bytes| String::from_utf8_lossy(bytes).into_owned();
    let mut all: Vec<_> = answered.iter().map(|one| one.account.as_ref().map(text)).collect();
    all.sort();
    all
}

#[test]
fn each_instance_answers_and_polls_no_sooner_for_it() {
    let server = server!();
    let shared = shared(server.port);
    let peers = ["one", "two", "three"].map(|text| answering(&shared, Some(text.as_bytes())));
    heard_by(&server, 3);
    let operator = RedisOperator::new(&shared).unwrap();
    let before: Vec<_> = peers.iter().map(|peer| peer.heard.rest()).collect();
    let asked = operator.ask("/blog/größe, and more").unwrap();
    assert_eq!(texts(&asked), ["one", "three", "two"].map(|text| Some(text.to_owned())));
    for (peer, before) in peers.iter().zip(before) {
        assert_eq!(*peer.heard.questions.lock(), ["/blog/größe, and more"]);
        assert_eq!(peer.heard.rest(), before, "a question is no message to follow");
    }
    let names = server.call(&["KEYS", "{app}:a:*"]);
    assert_eq!(names.split(' ').count(), 3);
    for name in names.split(' ') {
        let life: i64 = server.call(&["PTTL", name]).parse().unwrap();
        assert!((1..=10_000).contains(&life), "{life}");
    }
}

#[test]
fn who_does_not_answer_in_time_is_named_and_waited_for_no_longer() {
    let server = server!();
    let shared = SharedOptions { snapshot_every: Duration::from_secs(1), ..shared(server.port) };
    let (_one, slow, silent) = (
        answering(&shared, Some(b"one")),
        answering(&shared, Some(b"two")),
        answering(&shared, None),
    );
    slow.heard.account.lock().1 = Duration::from_secs(3);
    *silent.heard.snapshot.lock() = Some(br#"{"host":"web-3","pid":8}"#.to_vec());
    wait_until("it tells", || !server.call(&["KEYS", "{app}:s:*"]).is_empty());
    heard_by(&server, 3);
    let operator = RedisOperator::new(&shared).unwrap();
    let (asked, took) = measured(|| operator.ask("a").unwrap());
    assert_eq!(texts(&asked), [None, None, Some("one".to_owned())]);
    assert!((Duration::from_millis(900)..Duration::from_secs(3)).contains(&took), "{took:?}");
    let silent = Accounts::of(&asked).silent;
    assert!(silent.contains(&"web-3:8".to_owned()), "{silent:?}");
}

#[test]
fn nobody_is_asked_where_nobody_is() {
    let server = server!();
    let operator = RedisOperator::new(&shared(server.port)).unwrap();
    let (asked, took) = measured(|| operator.ask("a").unwrap().len());
    assert_eq!(asked, 0);
    assert!(took < Duration::from_millis(900), "{took:?}");
}

#[test]
fn a_flood_of_questions_is_not_answered_and_nothing_else_waits() {
    let server = server!();
    let shared = shared(server.port);
    let peer = answering(&shared, Some(b"one"));
    peer.heard.account.lock().1 = Duration::from_millis(50);
    heard_by(&server, 1);
    for n in 0..300 {
        server.call(&["PUBLISH", "{app}:m0", &format!("why {n:016x} a")]);
    }
    let (_, took) = measured(|| peer.poll(&nothing()));
    assert!(took < Duration::from_secs(2), "{took:?}");
    // Each takes its time and a pause after it, and eight wait.
    let asked = peer.heard.questions.lock().len();
    assert!((1..60).contains(&asked), "{asked}");
    wait_until("somebody is answered again", || {
        let operator = RedisOperator::new(&shared).unwrap();
        texts(&operator.ask("b").unwrap()) == [Some("one".to_owned())]
    });
}

#[test]
fn of_what_an_instance_answers_so_much_is_read() {
    let server = server!();
    let shared = shared(server.port);
    let _peer = answering(&shared, Some(&vec![b'x'; 5 << 20]));
    heard_by(&server, 1);
    let operator = RedisOperator::new(&shared).unwrap();
    let asked = operator.ask("a").unwrap();
    let read = asked[0].account.as_ref().map(bytes::Bytes::len);
    assert_eq!(read, Some(MOST_READ + 1), "one byte more than an account has");
    assert_eq!(Accounts::of(&asked).silent.len(), 1);
}

#[test]
fn a_long_question_is_asked_by_its_beginning() {
    let server = server!();
    let shared = shared(server.port);
    let peer = answering(&shared, Some(b"one"));
    heard_by(&server, 1);
    let operator = RedisOperator::new(&shared).unwrap();
    assert_eq!(texts(&operator.ask(&"ü".repeat(9_000)).unwrap()).len(), 1);
    assert_eq!(*peer.heard.questions.lock(), ["ü".repeat(MOST_QUESTION / 2)]);
}

#[test]
fn the_rights_of_an_app_are_enough_and_without_one_nobody_is_asked() {
    let server = server!();
    let user = ["ACL", "SETUSER", "app", "reset", "on", ">pw", "~app:*", "~{app}:*", "&*", "+@all"];
    server.call(&[&user[..], &["-getrange"]].concat());
    let shared = shared_at(&format!("redis://app:pw@127.0.0.1:{}", server.port));
    let _peer = answering(&shared, Some(b"one"));
    heard_by(&server, 1);
    let ask = || RedisOperator::new(&shared).unwrap().ask("a");
    assert_eq!(texts(&ask().unwrap()), [Some("one".to_owned())]);
    server.call(&["ACL", "SETUSER", "app", "-publish"]);
    assert_eq!(ask().unwrap_err().kind, "denied");
    // One that never answers, whose name may not be read, costs the other's answer as little.
    server.call(&["ACL", "SETUSER", "app", "+publish", "-mget"]);
    server.call(&["ZADD", "{app}:i", "9000000000000000", "00000000deadbeef"]);
    assert_eq!(texts(&ask().unwrap()), [None, Some("one".to_owned())]);
    server.call(&["ACL", "SETUSER", "app", "-get"]);
    assert_eq!(ask().unwrap_err().kind, "denied", "nobody is silent for want of rights");
    let nothing = RedisOperator::new(&shared).unwrap().ask("").unwrap_err();
    assert_eq!(nothing.detail, "nothing is asked for");
}
