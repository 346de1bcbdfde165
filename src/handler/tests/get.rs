//! Gets: who generates, who waits, and the answers.

use std::convert::Infallible;

use super::*;
use crate::coherence::timing::Timing;
use crate::engine::Tier;
use crate::generation::limits::RECHECK_US;
use crate::next::trace::Trace;
use crate::store::LeaseReply;

const LEASE: WaitFor = WaitFor::Lease { is_ahead: false };
const KEPT: Asker = Asker {
    kept: Kept::Fresh,
    ..Asker {
        scope: Scope::Fleet,
        part: Part::Shared,
        kept: Kept::No,
        is_fallback: false,
        is_ppr: false,
        wait_ms: None,
    }
};

/// One that holds something stale by age.
fn stale(kind: ValueKind) -> Next {
    let next = Next::alone(kind, PLAIN());
    assert!(next.set(&["a"]));
    next.pass_secs(11);
    next
}

#[test]
fn what_is_stored_is_found_and_what_is_not_is_a_miss_with_what_is_known() {
    let next = Next::alone(ValueKind::Fetch, PLAIN());
    next.invalidate("a", None);
    let Answer::Miss { since } = answer(next.get()) else { panic!("there is something") };
    assert_eq!(since, next.engine.revision());
    assert!(next.set(&["a"]) && is_fresh(next.get()));
}

#[test]
fn a_value_of_another_kind_is_a_miss() {
    let mut next = Next::alone(ValueKind::AppPage, PLAIN());
    assert!(next.set(&[]));
    next.kind = ValueKind::AppRoute;
    assert!(is_miss(next.get()));
}

#[test]
fn of_those_who_find_something_stale_one_generates() {
    let next = stale(ValueKind::Fetch);
    assert!(is_led(next.get()) && is_meanwhile(next.get()) && is_meanwhile(next.get()));
    // The leader shows no progress.
    next.pass_secs(1);
    assert!(is_led(next.get()) && is_meanwhile(next.get()));
    assert_eq!(next.read_counter(|stats| &stats.stale_meanwhile), 3);
}

#[test]
fn a_fetch_that_is_to_be_generated_for_all_is_told_so_though_it_is_stale_by_age() {
    let Answer::Stale { signal, .. } = answer(stale(ValueKind::Fetch).get()) else { panic!() };
    assert_eq!(signal, Signal::Modified(-1.0));
    let Answer::Stale { signal, .. } = answer(stale(ValueKind::AppPage).get()) else { panic!() };
    assert_eq!(signal, Signal::AsIs);
}

#[test]
fn for_what_is_kept_nothing_stale_looks_fresh() {
    let next = stale(ValueKind::Fetch).asked_by(KEPT);
    assert!(is_led(next.get()) && is_led(next.get()));
}

#[test]
fn a_prefetch_leads_nothing_that_is_stale() {
    let asker = Asker { part: Part::Prefetch, ..Asker::default() };
    let mut next = stale(ValueKind::AppPage).asked_by(asker);
    assert!(is_meanwhile(next.get()));
    next.asker = Asker::default();
    assert!(is_led(next.get()));
}

#[test]
fn a_soft_invalidation_is_stale_and_a_hard_one_is_a_miss() {
    let next = Next::alone(ValueKind::Fetch, PLAIN());
    assert!(next.set(&["a"]));
    next.invalidate("a", Some(60.0));
    assert!(is_led(next.get()));
    next.invalidate("a", None);
    assert!(is_miss(next.get()));
}

#[test]
fn of_those_who_miss_one_generates_and_the_others_wait_for_it() {
    let next = Next::alone(ValueKind::Fetch, PLAIN());
    assert!(is_miss(next.get()));
    let waits = [next.get(), next.get()].map(|step| wait(step, WaitFor::Flight));
    assert!(waits[0].token != waits[1].token && waits[0].progress.joined);
    assert!(next.set(&[]));
    assert!(is_fresh(next.resumed(waits[0].progress, Waited::InTime)));
    let counted = |stats: &crate::stats::Stats| {
        use std::sync::atomic::Ordering::Relaxed;
        (stats.joined.load(Relaxed), stats.saved.load(Relaxed))
    };
    assert_eq!(counted(&next.engine.stats), (1, 1));
}

#[test]
fn who_was_woken_and_finds_nothing_generates() {
    let next = Next::alone(ValueKind::Fetch, PLAIN());
    assert!(is_miss(next.get()));
    let joined = wait(next.get(), WaitFor::Flight);
    assert!(is_miss(next.resumed(joined.progress, Waited::InTime)));
}

#[test]
fn who_waited_too_long_goes_alone_and_is_counted() {
    let next = Next::alone(ValueKind::Fetch, PLAIN());
    assert!(is_miss(next.get()));
    let joined = wait(next.get(), WaitFor::Flight);
    assert!(joined.at_most_ms > 0 && joined.at_most_ms <= joined.budget_ms);
    assert!(is_miss(next.resumed(joined.progress, Waited::Over)));
    assert_eq!(next.read_counter(|stats| &stats.wait_timeouts), 1);
}

#[test]
fn however_short_its_waits_a_get_has_time_for_the_store() {
    let options = json!({ "waitMs": 20, "fetchWaitMs": 10 });
    let next = Next::alone(ValueKind::Fetch, options);
    assert!(is_miss(next.get()));
    let Wait { at_most_ms, budget_ms, .. } = wait(next.get(), WaitFor::Flight);
    assert_eq!((at_most_ms, budget_ms), (10, 500));
}

#[test]
fn whoever_asks_does_so_for_itself() {
    let next = Next::alone(ValueKind::UseCache, PLAIN());
    assert!(next.set(&["a"]));
    next.invalidate("/path", None);
    assert!(is_fresh(next.get()));
    next.asking.tags.replace(vec![Tag::from("/path")]);
    assert!(is_miss(next.get()));
    next.asking.tags.replace(vec![Tag::from("/other")]);
    assert!(is_fresh(next.get()));
}

#[test]
fn a_stale_use_cache_entry_comes_with_what_is_made_of_it() {
    let basis = |next: &Next| match answer(next.get()) {
        Answer::Stale { basis, .. } => basis,
        other => panic!("{other:?}"),
    };
    let next = Next::alone(ValueKind::UseCache, PLAIN());
    assert!(next.set(&["a"]));
    next.invalidate("a", Some(60.0));
    assert!(matches!(basis(&next), Basis::Trace(Some(Trace::Tag(_)))));
    // From 16.4 on Next.js regenerates an entry that is stale by age before it keeps a value made
    // of it.
    let by_age = |version| basis(&stale(ValueKind::UseCache).of_version(version));
    assert_eq!(by_age(Version::V16_3), Basis::Trace(None));
    assert_eq!(by_age(Version::V16_4), Basis::Trace(Some(Trace::Age)));
}

#[test]
fn a_popular_entry_is_generated_by_one_before_it_turns_stale() {
    let next = Next::alone(ValueKind::AppPage, json!({ "refreshAheadPercent": 50 }));
    assert!(next.set(&[]));
    next.pass_secs(6);
    let led = (0..16).filter(|_| is_led(next.get())).count();
    assert_eq!(led, 1);
}

#[test]
fn a_cold_get_asks_the_store_and_generates_if_it_is_given_the_lease() {
    let store = store();
    let next = Next::sharing(&store, ValueKind::Fetch);
    let first = wait(next.get(), LEASE);
    assert_eq!((first.progress.claims, first.progress.read), (1, true));
    store.answer_claim(LeaseReply::Granted);
    assert!(is_miss(next.woken(first)));
    let second = wait(next.get(), WaitFor::Flight);
    assert!(next.set(&[]) && is_fresh(next.woken(second)));
}

#[test]
fn a_get_follows_the_process_that_generates_and_gets_its_value() {
    let store = store();
    let [a, b] = [(); 2].map(|()| Next::sharing(&store, ValueKind::Fetch));
    let asks = wait(b.get(), LEASE);
    store.answer_claim(LeaseReply::HeldElsewhere);
    let follows = wait(b.woken(asks), WaitFor::Leader);
    assert!(a.set(&[]));
    assert_eq!(store.carry_out_writes().len(), 1);
    store.answer_claim(LeaseReply::EntryExists);
    assert!(is_fresh(b.woken(follows)));
    let [followed, saved] = [b.read_counter(|s| &s.followed), b.read_counter(|s| &s.saved)];
    assert_eq!((followed, saved), (1, 1));
}

#[test]
fn with_something_stale_nobody_waits_for_another_process() {
    let store = store();
    let next = Next::sharing(&store, ValueKind::Fetch);
    let short = Value { revalidate_secs: Some(1e-6), ..next.value(&[]) };
    let began = Began::At(next.engine.revision());
    next.with_key(|handler, key| handler.put(key, next.kind, Some(short), Some(began)));
    next.engine.clock.advance_us(10);
    let asks = wait(next.get(), LEASE);
    store.answer_claim(LeaseReply::HeldElsewhere);
    assert!(is_meanwhile(next.woken(asks)));
}

#[test]
fn what_stays_in_this_process_asks_no_other() {
    let store = store();
    let asker = Asker { scope: Scope::Process, ..Asker::default() };
    let next = Next::sharing(&store, ValueKind::Fetch).asked_by(asker);
    assert!(is_miss(next.get()));
    assert!(store.claims.lock().is_empty() && store.reads.lock().is_empty());
}

#[test]
fn who_generates_in_any_case_reads_and_claims_nothing() {
    let store = store();
    let asker = Asker { part: Part::Aside, ..Asker::default() };
    let next = Next::sharing(&store, ValueKind::Fetch).asked_by(asker);
    let read = wait(next.get(), WaitFor::Store);
    assert_eq!((store.answer_reads(), store.claims.lock().len()), (1, 0));
    assert!(is_miss(next.woken(read)));
}

#[test]
fn a_get_claims_four_times_at_most() {
    let store = store();
    let next = Next::sharing(&store, ValueKind::Fetch);
    let mut step = next.get();
    for claims in 1..=4 {
        let asks = wait(step, LEASE);
        assert_eq!(asks.progress.claims, claims);
        // There is an entry, which cannot be read.
        store.answer_claim(LeaseReply::EntryExists);
        store.answer_claim(LeaseReply::Unavailable);
        next.engine.clock.advance_us(RECHECK_US);
        step = next.woken(asks);
    }
    assert!(is_miss(step));
}

#[test]
fn where_it_is_not_known_what_is_current_the_store_is_asked_once() {
    let options = json!({ "redisUrl": "redis://cache.example", "debug": true });
    let options = Options::resolve(&options, &Json::Null).unwrap();
    let shared = options.shared.clone().unwrap();
    let coherence = Coherence::fleet(options.max_tags, Timing::default());
    let builder = Builder::new(options, Clock::manual(Timestamp(1_000_000)), coherence);
    let tier = Tier::new(store(), &shared, 1_000, true);
    let engine = builder.build_sharing(|_, _| Ok::<_, Infallible>(tier)).unwrap();
    let next = Next::over(engine, Arc::new(Nobody), None, ValueKind::Fetch);
    let asked = wait(next.get(), WaitFor::Agreement);
    assert!(is_miss(next.resumed(asked.progress, Waited::Late)));
    assert_eq!(why(&next), "none miss unknown whether it is current");
}

#[test]
fn what_became_of_a_call_is_told_where_it_is_wanted() {
    let next = Next::alone(ValueKind::AppPage, json!({ "debug": true }));
    let told = |step: Step| {
        drop(step);
        why(&next)
    };
    assert_eq!(told(next.get()), "none miss absent: never stored");
    assert!(next.set(&["a"]));
    assert_eq!(why(&next), "memory stored ");
    next.pass_secs(2);
    assert_eq!(told(next.get()), "memory fresh 2 s old");
    next.invalidate("a", Some(60.0));
    assert_eq!(told(next.get()), "memory stale tag a, soft at position 1");
    assert_eq!(told(next.get()), "memory stale another generates: tag a, soft at position 1");
}
