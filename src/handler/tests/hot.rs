//! Objects that are ready.

use super::*;
use crate::handler::hot::Checked;
use crate::stats;

/// A thread with a ready object of an entry with the tag `a`.
fn ready() -> (Next, u64, Arc<Entry>) {
    let next = Next::alone(ValueKind::UseCache, PLAIN());
    assert!(next.set(&["a"]));
    let Answer::Fresh(entry) = answer(next.get()) else { panic!("it is fresh") };
    let handle = next.thread.keep(&entry, &next.engine).unwrap();
    (next, handle, entry)
}

#[test]
fn an_object_is_returned_until_its_entry_is_not_fresh() {
    let (next, handle, entry) = ready();
    assert_eq!(next.thread.handle(&entry), Some(handle));
    assert_eq!(next.handler().check(handle), Checked::Fresh);
    next.pass_secs(11);
    assert_eq!(next.handler().check(handle), Checked::LookUp);
    assert_eq!(next.handler().check(handle + 1), Checked::LookUp);
}

#[test]
fn an_object_whose_tag_is_invalidated_is_looked_up() {
    let (next, handle, _) = ready();
    next.invalidate("a", None);
    assert_eq!(next.handler().check(handle), Checked::LookUp);
}

#[test]
fn the_tags_of_who_asks_are_asked_for_once_something_was_invalidated() {
    let (next, handle, _) = ready();
    next.invalidate("b", None);
    assert_eq!(next.handler().check(handle), Checked::Asked(next.engine.revision()));
    let asked = |tag: &str| next.handler().check_asked(handle, || vec![Tag::from(tag)]);
    let fresh = || next.engine.stats.answered(stats::Kind::UseCache, stats::Answer::MemoryFresh);
    let before = fresh();
    assert_eq!((asked("c"), fresh()), (Checked::Fresh, before));
    // The check had counted too early.
    assert_eq!((asked("b"), fresh()), (Checked::LookUp, before - 1));
}

#[test]
fn an_entry_that_left_memory_has_no_object() {
    let (next, handle, entry) = ready();
    next.thread.release(entry.hash, entry.id);
    assert_eq!(next.thread.take_dropped(), [handle]);
    assert_eq!(next.handler().check(handle), Checked::LookUp);
    entry.retire();
    assert_eq!(next.thread.keep(&entry, &next.engine), None);
}

#[test]
fn the_object_that_was_used_outlives_the_one_that_was_not() {
    let next = Next::alone(ValueKind::Fetch, json!({ "hotEntries": 2 }));
    let entry = |name: u16| {
        let units = [name];
        let key = next.engine.hasher().key(next.kind.class(), &units);
        Arc::new(Entry::new(&key, crate::entry::tests::meta(), [1].into()))
    };
    let entries = [1, 2, 3].map(entry);
    let [first, second] = [0, 1].map(|nth| next.thread.keep(&entries[nth], &next.engine).unwrap());
    assert_eq!(next.handler().check(first), Checked::Fresh);
    next.thread.keep(&entries[2], &next.engine).unwrap();
    assert_eq!(next.thread.take_dropped(), [second]);
    assert_eq!(next.handler().check(first), Checked::Fresh);
}

#[test]
fn after_a_sleep_of_the_machine_nothing_is_ready() {
    let (next, handle, _) = ready();
    let clock = next.thread.clock();
    next.thread.notice_sleep(&next.engine);
    assert_eq!(next.handler().check(handle), Checked::Fresh);
    next.thread.set_clock(NextClock { drift_us: clock.drift_us - 2_000_000, ..clock });
    next.thread.notice_sleep(&next.engine);
    assert_eq!(
        (next.handler().check(handle), next.thread.take_dropped()),
        (Checked::LookUp, vec![handle])
    );
}
