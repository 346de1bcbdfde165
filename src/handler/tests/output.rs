//! Build output.

use super::*;
use crate::handler::hot::Checked;
use crate::next::prerendered::Output;
use crate::stats;
use crate::tags::TagList;

const NONE: fn(&Next) = |next| {
    let job = next.asking.jobs.borrow_mut().remove(0);
    next.handler().receive_output(&job, None);
};

/// A page of an app with a build.
fn built() -> Next {
    let next = Next::alone(ValueKind::AppPage, PLAIN());
    let began = Some(Timestamp(500_000));
    next.apps.learn("/nowhere/.next/server".into(), "", began);
    next
}

#[test]
fn build_output_is_read_once_for_all_who_want_it() {
    let next = built();
    let waits = [next.get(), next.get()].map(|step| wait(step, WaitFor::Output));
    assert_eq!(next.asking.jobs.borrow().len(), 1);
    NONE(&next);
    for waited in waits {
        assert!(waited.progress.output && is_miss(next.resumed(waited.progress, Waited::InTime)));
    }
}

#[test]
fn a_page_that_was_generated_is_not_shown_as_it_was_built() {
    let next = built();
    assert!(next.set(&["a"]));
    next.invalidate("a", None);
    assert!(is_miss(next.get()));
    assert!(next.asking.jobs.borrow().is_empty());
}

#[test]
fn what_cannot_be_read_is_not_waited_for() {
    let next = built();
    next.asking.refuses_jobs.set(true);
    assert!(is_miss(next.get()) && is_miss(next.get()));
}

#[test]
fn without_a_build_nothing_is_read() {
    let next = Next::alone(ValueKind::AppPage, PLAIN());
    next.apps.learn("/nowhere/.next/server".into(), "", None);
    assert!(is_miss(next.get()));
}

/// A page that was written a second after the epoch of the manual clock, for 10 s.
fn read(next: &Next) {
    let waited = wait(next.get(), WaitFor::Output);
    let job = next.asking.jobs.borrow_mut().remove(0);
    let output = Output {
        kind: ValueKind::AppPage,
        body: encode(&[ValuePart::Bytes(&[1, 2, 3])]).unwrap(),
        tags: TagList::default(),
        modified_ms: 1_000.0,
        revalidate_secs: Some(10),
    };
    next.handler().receive_output(&job, Some(output));
    assert!(is_fresh(next.resumed(waited.progress, Waited::InTime)));
}

#[test]
fn build_output_that_next_takes_for_stale_is_counted_and_told_as_stale() {
    let next = built();
    next.thread.open_journal(16);
    // By its file it turns stale sooner than by when it was read.
    next.pass_secs(6);
    read(&next);
    let answered = |answer| next.engine.stats.answered(stats::Kind::AppPage, answer);
    assert_eq!(answered(stats::Answer::PrerenderedFresh), 1);
    next.pass_secs(8);
    // Next.js judges it by itself: the answer is what it was.
    assert!(is_fresh(next.get()));
    assert_eq!(answered(stats::Answer::MemoryStale), 1);
    let told = recall(&next);
    assert_eq!(told[0], "get memory stale by age");
    assert_eq!(told[1], "get prerendered fresh 0 s old");
}

#[test]
fn a_ready_object_of_build_output_is_looked_up_once_next_takes_it_for_stale() {
    let next = built();
    read(&next);
    let Answer::Fresh(entry) = answer(next.get()) else { panic!("it is fresh") };
    let handle = next.thread.keep(&entry, &next.engine).unwrap();
    assert_eq!(next.handler().check(handle), Checked::Fresh);
    next.pass_secs(11);
    assert_eq!(next.handler().check(handle), Checked::LookUp);
}
