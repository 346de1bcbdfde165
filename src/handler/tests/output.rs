//! Build output.

use super::*;

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
