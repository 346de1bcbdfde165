//! Messages, published and heard.

use tiercel::coherence::event::{Event, Lifetime, Message};
use tiercel::tags::Epoch;

use crate::peer::{Peer, shared};
use crate::server;

fn heard(peer: &Peer) -> Message {
    peer.heard.take("a message", |event| match event {
        Event::Heard(message) if message.epoch != Epoch(0) => Some(message.clone()),
        _ => None,
    })
}

/// Waits for the message that makes a listener poll.
fn is_made_to_ask(peer: &Peer) {
    peer.heard.take("a reason to ask", |event| {
        matches!(event, Event::Heard(message) if message.epoch == Epoch(0)).then_some(())
    });
}

#[test]
fn everybody_hears_what_one_invalidates() {
    let server = server!();
    let (one, two) = (Peer::connected(&shared(server.port)), Peer::connected(&shared(server.port)));
    is_made_to_ask(&one);
    is_made_to_ask(&two);
    let known = one.register();
    let written = one.invalidate(&[
        (b"a", Lifetime::None),
        (b"\xff\0", Lifetime::Micros(5_000_000)),
        (b"c", Lifetime::Unlimited),
    ]);
    for peer in [&one, &two] {
        let message = heard(peer);
        assert_eq!((message.epoch, message.previous), (known.epoch, known.applied));
        assert_eq!((message.position, &message.rows), (written.position, &written.rows));
    }
}

#[test]
fn other_databases_and_namespaces_are_not_heard() {
    let server = server!();
    let (mut elsewhere, mut other) = (shared(server.port), shared(server.port));
    elsewhere.server.database = 1;
    other.namespace = Some("other".into());
    let (one, two) = (Peer::connected(&elsewhere), Peer::connected(&other));
    let here = Peer::connected(&shared(server.port));
    [&one, &two, &here].into_iter().for_each(is_made_to_ask);
    let epochs = [&one, &two, &here].map(|peer| peer.register().epoch);
    for peer in [&one, &two, &here] {
        peer.hard("a");
    }
    assert_eq!([&one, &two, &here].map(|peer| heard(peer).epoch), epochs);
    for peer in [&one, &two, &here] {
        let is_message = |event: &Event| matches!(event, Event::Heard(_));
        assert!(!peer.heard.rest().iter().any(is_message), "one message each");
    }
}

#[test]
fn a_message_that_cannot_be_read_makes_the_listener_ask() {
    let server = server!();
    let peer = Peer::connected(&shared(server.port));
    is_made_to_ask(&peer);
    for forged in [&b"1 77 5"[..], b"", b"\xff\xff", b"1 77 5 9 9 0 0 4000000000:a"] {
        server.call_bytes(&[b"PUBLISH", b"{app}:m0", forged]);
        is_made_to_ask(&peer);
    }
}
