//! What one who listens is told, where the options remember nothing.

use super::*;
use crate::handler::recall::Look;

fn forgetful() -> Next {
    let next = Next::alone(ValueKind::Fetch, json!({ "decisions": 0, "memoryMb": 1 }));
    assert!(next.thread.journal().is_none());
    next
}

fn look(next: &Next, after: f64) -> Look {
    next.handler().told(after as u64).unwrap()
}

/// Listens from now on.
fn listen(next: &Next) -> f64 {
    next.handler().told(u64::MAX).unwrap().end
}

fn words(look: &Look) -> Vec<String> {
    let words = |one: &crate::account::Statement| {
        format!("{} {} {} {}", one.call, one.key, one.outcome, one.reason)
    };
    look.decisions.iter().map(words).collect()
}

const EVICTED: &str = "absent: evicted for room 0 s ago";

/// Stores more than memory holds. Which of them go is up to the memory tier.
fn flood(next: &Next) {
    for name in 0..1_000 {
        let body = encode(&[ValuePart::Bytes(&[1; 2_000])]).unwrap();
        let value = Value { body, ..next.value(&[]) };
        with_key(next, name, |handler, key| {
            handler.put(key, next.kind, Some(value), Some(Began::At(next.engine.revision())))
        });
    }
}

/// Asks for one that has left memory.
fn get_evicted(next: &Next) {
    let is_gone = |name: &u16| with_key(next, *name, |_, key| next.engine.held(key).is_none());
    let name = (0..1_000).find(is_gone).unwrap();
    let step = with_key(next, name, |handler, key| {
        let request = Request { kind: next.kind, key: *key, asker: next.asker };
        let (progress, waited) = (Progress::default(), Waited::InTime);
        Lookup { handler, request, progress, waited, caller: &next.asking }.step()
    });
    assert!(is_miss(step));
}

fn with_key<T>(next: &Next, name: u16, act: impl FnOnce(Handler<'_>, &KeyRef<'_>) -> T) -> T {
    act(next.handler(), &next.engine.hasher().key(next.kind.class(), &[name]))
}

#[test]
fn a_hit_is_told_though_its_entry_has_left_memory_since() {
    let next = forgetful();
    next.set(&["a"]);
    let end = listen(&next);
    next.get();
    // Another takes its place.
    next.set(&["a"]);
    let look = look(&next, end);
    assert_eq!((words(&look)[0].as_str(), look.lost), ("get /a fresh 0 s old", 0.0));
}

#[test]
fn who_listens_is_told_why_an_entry_has_left() {
    let next = forgetful();
    let end = listen(&next);
    flood(&next);
    get_evicted(&next);
    let told = look(&next, end).decisions;
    assert_eq!(told.last().unwrap().reason, EVICTED);
}

#[test]
fn so_is_who_asks_for_the_last_decision() {
    let next = forgetful();
    next.handler().tell(true);
    flood(&next);
    get_evicted(&next);
    assert_eq!(why(&next), format!("none miss {EVICTED}"));
}

#[test]
fn the_last_decision_is_none_of_an_earlier_call() {
    let next = forgetful();
    next.handler().tell(true);
    next.get();
    next.handler().tell(true);
    assert_eq!(next.thread.last_decision(), None);
}

#[test]
fn a_hit_that_nobody_has_noted_is_counted() {
    let next = Next::alone(ValueKind::Fetch, json!({ "decisions": 16 }));
    next.thread.open_journal(16);
    let end = listen(&next);
    next.set(&["a"]);
    next.handler().hush();
    next.get();
    let end = {
        let look = look(&next, end);
        assert_eq!((words(&look), look.lost), (vec!["set /a stored ".to_owned()], 1.0));
        look.end
    };
    next.get();
    let look = look(&next, end);
    assert_eq!((words(&look), look.lost), (vec!["get /a fresh 0 s old".to_owned()], 0.0));
}

#[test]
fn once_nobody_listens_nothing_is_remembered_for_that() {
    let next = forgetful();
    let end = listen(&next);
    next.set(&["a"]);
    next.handler().hush();
    assert!(next.thread.journal().is_none());
    next.get();
    // Whoever listens then is told of what comes.
    let again = listen(&next);
    next.get();
    assert_eq!((again - end, words(&look(&next, again)).len()), (1.0, 1));
}

#[test]
fn decisions_are_remembered_on_when_another_side_of_javascript_takes_over() {
    let next = Next::alone(ValueKind::Fetch, json!({ "decisions": 16 }));
    next.thread.open_journal(16);
    listen(&next);
    next.thread.clear();
    next.set(&["a"]);
    let journal = next.thread.journal().unwrap();
    assert_eq!(journal.last(16).len(), 1);
}
