//! Histories that were lost.

use super::*;
use Step::{Answer, Calm, Demote, Execute, FailOver, Hear, Invalidate, Link, Lose, Restart};

/// An invalidation of the first instance resolves without the second, and is lost.
const LOST: &[Step] =
    &[Invalidate(0, 0, HARD), Calm { ticks: LEASE, but: 1 }, Lose(1, 0), FailOver(usize::MAX)];

#[test]
fn what_a_fail_over_has_lost_is_written_again() {
    needs_rule(Omitted::SkipRepair, Config { prelude: LOST, ..pair(invalidations(1)) }, 3_000);
}

#[test]
fn a_history_that_is_longer_is_not_the_same_for_that() {
    let allowed = Budget { restarts: 1, ..invalidations(2) };
    needs_script(OmittedByStore::KnowByLength, Config { prelude: LOST, ..pair(allowed) }, 3_000);
}

#[test]
fn what_was_lost_is_written_at_new_positions() {
    let prelude: &[Step] = &[
        Invalidate(0, 0, HARD),
        Calm { ticks: LEASE, but: 1 },
        Lose(1, 0),
        FailOver(usize::MAX),
        Link(1),
        Calm { ticks: 1, but: 0 },
        Invalidate(1, 1, HARD),
        Calm { ticks: 1, but: 0 },
    ];
    needs_script(
        OmittedByStore::RepairInPlace,
        Config { prelude, ..pair(invalidations(0)) },
        3_000,
    );
}

#[test]
fn a_poll_overtaken_by_a_message_raises_nothing() {
    let prelude: &[Step] = &[
        // An invalidation resolves, and is lost; its instance dies.
        Invalidate(0, 0, HARD),
        Execute(0),
        Answer(0, 0),
        Lose(2, 0),
        FailOver(usize::MAX),
        Calm { ticks: LEASE, but: 1 },
        Restart(0),
        // Others go on in the new history; the second instance hears of that first, and then of the
        // lost invalidation.
        Link(2),
        Calm { ticks: 1, but: 1 },
        Invalidate(2, 1, HARD),
        Calm { ticks: 1, but: 1 },
        Link(1),
        Execute(1),
        Hear(1, 0),
    ];
    needs_rule(Omitted::TrustOvertakenPoll, Config { prelude, ..three(invalidations(0)) }, 3_000);
}

#[test]
fn an_own_position_that_was_overtaken_is_checked_until_it_is_found() {
    let allowed = Budget { fail_overs: 1, ..invalidations(3) };
    needs_rule(Omitted::ForgetOpen, three(allowed), 6_000);
}

#[test]
fn an_own_position_below_the_applied_one_is_checked_unless_it_was_passed() {
    let prelude: &[Step] = &[
        // An invalidation is lost, and nobody has heard of it.
        Invalidate(0, 0, HARD),
        Execute(0),
        Lose(0, 0),
        Lose(1, 0),
        FailOver(usize::MAX),
        // Its instance hears of a later one in the new history, and then the answer comes.
        Link(1),
        Calm { ticks: 1, but: 0 },
        Invalidate(1, 1, HARD),
        Calm { ticks: 1, but: 0 },
        Hear(0, 0),
        Answer(0, 0),
        Link(0),
    ];
    needs_rule(Omitted::TrustPassed, Config { prelude, ..pair(invalidations(0)) }, 3_000);
}

/// A server that lacks nothing takes over, and the first instance has found it.
const DEMOTED: &[Step] = &[Demote(usize::MAX), Link(0), Calm { ticks: 2, but: 1 }];

#[test]
fn a_demoted_primary_gives_no_lease() {
    let config = Config { prelude: DEMOTED, ..pair(invalidations(1)) };
    needs_script(OmittedByStore::PollDemoted, config, 3_000);
}

#[test]
fn what_a_demoted_primary_has_written_is_not_written() {
    let config = Config { prelude: DEMOTED, ..pair(invalidations(1)) };
    needs_script(OmittedByStore::WriteDemoted, config, 3_000);
}
