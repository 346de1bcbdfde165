//! What is wrong with the server, and what the operator is told of it.

use super::fake::{PLAIN, instance, store};
use super::*;
use crate::coherence::event::Event;
use crate::engine::notices::Notices;
use crate::notice::{self, Ear, Notice as Line};
use crate::store::{Listener, Part, Refusal, Trouble};

fn code(engine: &Engine) -> Option<String> {
    engine.trouble().map(|wrong| wrong.code)
}

/// Hears the lines about one place.
struct About(&'static str, Mutex<Vec<String>>);

impl Ear for About {
    fn hear(&self, line: &Line) -> bool {
        let is_mine = line.text.contains(self.0);
        if is_mine {
            self.1.lock().push(line.text.clone());
        }
        is_mine
    }
}

/// The lines about `place` that come of `work`.
fn told(place: &'static str, work: impl FnOnce(Notices)) -> Vec<String> {
    let ear = Arc::new(About(place, Mutex::default()));
    let heard: Arc<dyn Ear> = ear.clone();
    notice::attach(heard.clone());
    work(Notices::of(place.into()));
    notice::detach(&heard);
    std::mem::take(&mut *ear.1.lock())
}

#[test]
fn what_a_server_is_like_is_over_with_its_connection() {
    for end in [Event::Disconnected, Event::Unreachable] {
        let engine = instance(&store(), &PLAIN()).engine;
        engine.is_old("5.0.0");
        engine.on(Event::Connected);
        assert_eq!(code(&engine).as_deref(), Some("old-server"));
        engine.lacks("ZADD");
        assert_eq!(code(&engine).as_deref(), Some("commands-missing"));
        engine.on(end);
        engine.on(Event::Connected);
        assert_eq!(code(&engine), None);
    }
}

#[test]
fn a_server_is_away_for_the_reason_that_was_found_later() {
    let said = told("redis of away", |notices| {
        let at = |secs: u64| Timestamp(secs * 1_000_000);
        notices.say_of(&Event::Unreachable, at(20));
        assert_eq!(notices.troubles.now(), None);
        notices.say_away(Trouble::TlsExpected, at(21));
        notices.say_of(&Event::Unreachable, at(40));
        notices.say_away(Trouble::TlsExpected, at(41));
        notices.say_of(&Event::Connected, at(42));
        assert_eq!(notices.troubles.now(), None);
    });
    assert_eq!(said.len(), 2, "{said:?}");
    assert!(said[0].contains(Trouble::TlsExpected.words()) && said[1].contains("is back"));
}

#[test]
fn a_refusal_is_told_unless_the_server_lacks_commands() {
    let refused = Some((Refusal::Command("ZADD"), Part::Invalidations));
    let said = told("redis of lacking", |notices| {
        let now = Timestamp(1);
        notices.say_lacking("ZADD", now);
        notices.say_refusal(refused, "app", now);
        notices.say_of(&Event::Disconnected, now);
        notices.say_of(&Event::Connected, now);
        notices.say_refusal(refused, "app", now);
    });
    assert_eq!(said.len(), 2, "{said:?}");
    assert!(said[0].contains("has no ZADD") && said[1].contains("forbids this user ZADD"));
}
