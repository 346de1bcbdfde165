//! Invalidations, messages, and waiting for the others.

use super::*;
use crate::coherence::model::world::Key;
use Step::{
    Answer, Begin, Calm, End, EvictInstances, EvictPolls, Execute, FailOver, Invalidate, Link,
    Lose, Timer, Write,
};

#[test]
fn what_is_applied_does_not_jump_to_an_own_invalidation() {
    needs_rule(Omitted::JumpToOwn, pair(invalidations(2)), 3_000);
}

#[test]
fn a_message_is_not_applied_over_a_gap() {
    needs_rule(Omitted::ApplyOverGap, pair(invalidations(2)), 3_000);
}

#[test]
fn a_position_is_acknowledged_after_it_is_applied() {
    needs_rule(Omitted::AckUnapplied, three(invalidations(2)), 4_000);
}

#[test]
fn leases_are_waited_for_from_the_answer_on() {
    needs_rule(Omitted::WaitFromSending, pair(invalidations(2)), 3_000);
}

/// The list of instances is lost, and an invalidation creates it again; the other still has a
/// lease.
const YOUNG: &[Step] = &[
    Calm { ticks: 7, but: 1 },
    Timer(1),
    Execute(1),
    Answer(1, 0),
    EvictInstances,
    Calm { ticks: 2, but: 1 },
    Invalidate(0, 0, HARD),
    Execute(0),
    Answer(0, 0),
];

#[test]
fn a_young_list_of_instances_proves_nothing() {
    let config = Config { prelude: YOUNG, ..pair(invalidations(0)) };
    needs_rule(Omitted::TrustYoungList, config, 3_000);
}

#[test]
fn a_list_of_instances_tells_when_it_was_made() {
    let config = Config { prelude: YOUNG, ..pair(invalidations(0)) };
    needs_script(OmittedByStore::HideBirth, config, 3_000);
}

#[test]
fn a_list_of_instances_that_was_lost_since_proves_nothing() {
    let allowed = Budget { evictions: 1, ..invalidations(2) };
    needs_rule(Omitted::TrustChangedList, pair(allowed), 6_000);
}

#[test]
fn a_young_connection_proves_nothing() {
    let allowed = Budget { fail_overs: 1, ..invalidations(3) };
    needs_rule(Omitted::TrustYoungConnection, three(allowed), 6_000);
}

#[test]
fn an_instance_is_not_passed_over_because_its_lease_seems_to_be_over() {
    let allowed = Budget { evictions: 1, ..invalidations(2) };
    needs_script(OmittedByStore::PassOverSilent, pair(allowed), 6_000);
}

/// The second instance polls late and acknowledges nothing, so that an invalidation waits in full
/// and removes the silent instance.
const LATE_POLL: &[Step] = &[
    Invalidate(0, 1, HARD),
    Calm { ticks: 8, but: 1 },
    Timer(1),
    Execute(1),
    Answer(1, 0),
    Calm { ticks: 2, but: 1 },
    Invalidate(0, 0, HARD),
    Execute(0),
    Answer(0, 0),
];

#[test]
fn who_has_polled_since_is_not_removed() {
    let config = Config { prelude: LATE_POLL, ..pair(invalidations(0)) };
    needs_script(OmittedByStore::RemovePolled, config, 3_000);
}

#[test]
fn of_whom_no_poll_is_known_is_not_removed() {
    let prelude: &[Step] = &[
        Invalidate(0, 1, HARD),
        Calm { ticks: 8, but: 1 },
        Timer(1),
        Execute(1),
        Answer(1, 0),
        EvictPolls,
        Calm { ticks: 2, but: 1 },
        Invalidate(0, 0, HARD),
        Execute(0),
        Answer(0, 0),
    ];
    let config = Config { prelude, ..pair(invalidations(0)) };
    needs_script(OmittedByStore::RemoveUnheard, config, 3_000);
}

#[test]
fn nobody_is_removed_for_a_position_that_was_lost() {
    let prelude: &[Step] = &[
        Invalidate(0, 1, HARD),
        Execute(0),
        Answer(0, 0),
        Lose(1, 0),
        FailOver(usize::MAX),
        Link(0),
        Link(1),
        Calm { ticks: 10, but: 0 },
        Timer(0),
        Execute(0),
        Execute(0),
        Calm { ticks: 0, but: 1 },
        Invalidate(0, 0, HARD),
        Execute(0),
        Answer(0, 0),
    ];
    let config = Config { prelude, ..pair(invalidations(1)) };
    needs_script(OmittedByStore::RemoveUnlisted, config, 6_000);
}

#[test]
fn an_invalidation_does_not_resolve_before_it_is_known_here() {
    let prelude: &[Step] = &[
        // The second instance generates after an invalidation the first one does not hear of, and
        // before one of the first.
        Invalidate(1, 1, HARD),
        Execute(1),
        Answer(1, 0),
        Begin(1, Key::Plain(0)),
        Lose(0, 0),
        Invalidate(0, 0, HARD),
        Execute(0),
        Answer(0, 0),
        End(1),
        Write(1, 0),
    ];
    let config = Config { prelude, ..pair(invalidations(0)) };
    needs_rule(Omitted::ResolveUnapplied, config, 3_000);
}
