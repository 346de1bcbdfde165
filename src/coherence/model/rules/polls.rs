//! Polls, leases, and lives of the table.

use super::*;
use Step::{Answer, Calm, Cut, Deny, EvictTable, Execute, Invalidate, Leave, Link, Lose, Timer};

#[test]
fn a_lease_counts_from_the_sending_of_its_poll() {
    needs_rule(Omitted::LeaseFromArrival, pair(invalidations(2)), 4_000);
}

#[test]
fn a_message_gives_no_lease() {
    needs_rule(Omitted::LeaseFromMessage, pair(invalidations(2)), 4_000);
}

#[test]
fn who_has_followed_a_table_never_decides_alone_again() {
    let prelude: &[Step] = &[Calm { ticks: 4, but: 1 }, Timer(1), Deny(1)];
    let config = Config { prelude, ..pair(invalidations(2)) };
    needs_rule(Omitted::DecideAloneAgain, config, 3_000);
}

/// The second instance has sent a poll that was carried out; then the first one's invalidation
/// resolves without it.
const OLD_ANSWER: &[Step] = &[
    Calm { ticks: 4, but: 1 },
    Timer(1),
    Execute(1),
    Invalidate(0, 0, HARD),
    Calm { ticks: LEASE, but: 1 },
];

#[test]
fn a_get_shares_only_a_poll_sent_after_it_or_with_a_standing_lease() {
    let config = Config { prelude: OLD_ANSWER, ..pair(invalidations(0)) };
    needs_rule(Omitted::ShareAnyPoll, config, 2_000);
}

/// The answer to a poll of the second instance is late; it reconnects, and meanwhile the table is
/// lost.
const LATE_ANSWER: &[Step] = &[
    Invalidate(0, 0, HARD),
    Execute(0),
    Answer(0, 0),
    Calm { ticks: 4, but: 1 },
    Timer(1),
    Execute(1),
    Calm { ticks: LEASE, but: 1 },
    Cut(1),
    EvictTable,
    Link(1),
    Execute(1),
    Answer(1, 1),
    Execute(1),
    Execute(1),
    Answer(1, 1),
    Execute(1),
    Answer(1, 1),
];

#[test]
fn answers_of_a_closed_connection_switch_no_epoch() {
    let config = Config { prelude: LATE_ANSWER, ..pair(invalidations(1)) };
    needs_rule(Omitted::TakeLateAnswers, config, 3_000);
}

#[test]
fn registering_and_reading_are_one_step() {
    let prelude: &[Step] = &[
        Leave(1),
        Link(1),
        Execute(1),
        Answer(1, 0),
        Execute(1),
        Execute(1),
        Answer(1, 0),
        Execute(1),
    ];
    let config = Config { prelude, ..pair(invalidations(1)) };
    needs_script(OmittedByStore::RegisterLater, config, 6_000);
}

#[test]
fn a_soft_row_is_told_with_the_hard_one_of_its_tag() {
    let prelude: &[Step] = &[
        Invalidate(0, 0, HARD),
        Calm { ticks: LEASE, but: 1 },
        Invalidate(0, 0, Lifetime::Unlimited),
        Calm { ticks: LEASE, but: 1 },
    ];
    let config = Config { prelude, ..pair(invalidations(0)) };
    needs_script(OmittedByStore::TellSoftAlone, config, 2_000);
}

/// An invalidation of the first instance resolves without the second.
const MISSED: &[Step] = &[Invalidate(0, 0, HARD), Calm { ticks: LEASE, but: 1 }, Lose(1, 0)];

#[test]
fn a_table_made_anew_has_a_new_epoch() {
    let allowed = Budget { evictions: 1, ..Budget::default() };
    needs_script(OmittedByStore::KeepEpoch, Config { prelude: MISSED, ..pair(allowed) }, 3_000);
}

#[test]
fn in_a_new_epoch_no_older_entry_lives() {
    let allowed = Budget { evictions: 1, ..Budget::default() };
    needs_engine(OmittedByEngine::MixEpochs, Config { prelude: MISSED, ..pair(allowed) }, 3_000);
}
