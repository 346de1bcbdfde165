//! Gets and sets of the app's own code.

use super::*;
use crate::coherence::event::Event;
use crate::store::Listener;

const OWN: ValueKind = ValueKind::Own;

impl Next {
    /// Stores a value that is fresh for 10 s, served for 20 and kept for 30.
    fn keep(&self, tags: &[&str]) -> bool {
        let head: Vec<u16> = "j - - 20000 10000 []".encode_utf16().collect();
        let body = encode(&[ValuePart::Text(&head), ValuePart::Bytes(&[1])]).unwrap();
        let value = Value { body, expire_secs: Some(30.0), ..self.value(tags) };
        let began = Began::At(self.engine.revision());
        let put = |handler: Handler<'_>, key: &KeyRef<'_>| {
            handler.put(key, OWN, Some(value), Some(began))
        };
        super::super::set::is_held(self.with_key(put))
    }
}

fn remains(step: Step) -> bool {
    matches!(answer(step), Answer::Remains { .. })
}

#[test]
fn a_value_is_fresh_then_stale_then_only_for_generations_that_fail_then_gone() {
    let next = Next::alone(OWN, json!({}));
    assert!(next.keep(&[]));
    next.pass_secs(10);
    assert!(is_fresh(next.get()));
    next.pass_secs(1);
    assert!(is_led(next.get()));
    next.pass_secs(10);
    assert!(remains(next.get()));
    next.pass_secs(10);
    assert!(is_miss(next.get()));
}

#[test]
fn what_a_tag_has_ended_does_not_remain() {
    let next = Next::alone(OWN, json!({}));
    next.keep(&["a"]);
    next.pass_secs(21);
    next.invalidate("a", None);
    assert!(is_miss(next.get()));
}

#[test]
fn a_key_is_ended_by_its_own_tag_alone() {
    let next = Next::alone(OWN, json!({}));
    next.keep(&[]);
    next.invalidate("tiercel:own:/b", None);
    assert!(is_fresh(next.get()));
    next.invalidate("tiercel:own:/a", Some(f64::INFINITY));
    assert!(is_led(next.get()));
    next.invalidate("tiercel:own:/a", None);
    assert!(is_miss(next.get()));
}

#[test]
fn a_get_waits_as_long_as_it_says_for_what_this_process_generates() {
    let waits = |wait_ms| {
        let next = Next::alone(OWN, json!({})).asked_by(Asker { wait_ms, ..Asker::default() });
        assert!(is_miss(next.get()));
        match next.get() {
            Step::Wait(wait) => Some((wait.on, wait.at_most_ms)),
            Step::Answer(_) => None,
        }
    };
    assert_eq!(waits(Some(9_000)), Some((WaitFor::Flight, 9_000)));
    assert_eq!(waits(Some(0)), None);
    assert!(waits(None).is_some());
}

#[test]
fn a_get_that_only_looks_leaves_no_generation_to_wait_for() {
    let looks = Asker { part: Part::Aside, wait_ms: Some(0), ..Asker::default() };
    let next = Next::alone(OWN, json!({})).asked_by(looks);
    assert!(is_miss(next.get()));
    assert!(is_miss(next.asked_by(Asker::default()).get()));
}

#[test]
fn a_generation_is_joined_while_memory_may_answer_and_nothing_was_invalidated() {
    let next = Next::sharing(&store(), OWN);
    let now_ms = || next.thread.clock().now_ms(&next.engine.clock);
    let began = Began::AtTime(next.engine.revision(), now_ms());
    let is_current = |began| next.handler().is_current(began);
    assert!(is_current(began));
    // Another process may have invalidated meanwhile.
    next.pass_secs(2);
    assert!(!is_current(began));
    next.engine.on(Event::Unreachable);
    assert!(is_current(began));
    next.invalidate("a", None);
    assert!(!is_current(began));
    let again = Began::AtTime(next.engine.revision(), now_ms());
    assert!(is_current(again));
    next.pass_secs(40);
    assert!(!is_current(again));
}
