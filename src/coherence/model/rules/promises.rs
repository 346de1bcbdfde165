//! With nothing left out, every promise is kept.

use super::*;

/// How many times as many walks as in the everyday run.
fn length() -> u64 {
    if std::env::var("TIERCEL_MODEL").is_ok_and(|length| length == "long") { 200 } else { 1 }
}

fn sees(config: &Config, walks: u64, expected: &[Seen]) {
    let seen = keeps(config, 0..walks * length());
    let missing: Vec<_> = expected.iter().filter(|one| !seen.contains(one)).collect();
    assert!(missing.is_empty(), "{missing:?} never happened");
}

#[test]
fn while_messages_are_late_or_lost() {
    let allowed = Budget { soft: 2, ..invalidations(2) };
    let expected = [
        Seen::Leased,
        Seen::Woken,
        Seen::Gap,
        Seen::ResolvedByAcks,
        Seen::ResolvedByTime,
        Seen::Removed,
        Seen::FreshAfterInvalidation,
        Seen::Stale,
    ];
    let generations = 6;
    let config = Config { outer: true, ..three(Budget { generations, ..allowed }) };
    sees(&config, 600, &expected);
}

#[test]
fn while_connections_break_and_commands_fail() {
    let allowed = Budget { cuts: 3, failures: 3, generations: 4, ..invalidations(3) };
    let config = Config { outer: true, ..pair(allowed) };
    sees(&config, 600, &[Seen::ResolvedHere, Seen::ResolvedByAcks, Seen::SharedHit]);
}

#[test]
fn while_the_store_forbids_things_for_a_time() {
    let allowed = Budget { denials: 3, restarts: 1, generations: 4, ..invalidations(3) };
    let config = Config { outer: true, ..three(allowed) };
    let expected = [Seen::Denied, Seen::ResolvedHere, Seen::ResolvedByAcks, Seen::NewEpoch];
    sees(&config, 600, &expected);
}

#[test]
fn while_instances_come_and_go() {
    let allowed = Budget { restarts: 2, leaves: 1, generations: 4, ..invalidations(3) };
    sees(&three(allowed), 600, &[Seen::ResolvedByAcks, Seen::Removed, Seen::NewEpoch]);
}

#[test]
fn while_the_store_loses_its_data() {
    let allowed = Budget { flushes: 1, evictions: 2, generations: 4, ..invalidations(3) };
    sees(&pair(allowed), 600, &[Seen::NewEpoch, Seen::Rewound, Seen::ResolvedByTime]);
}

#[test]
fn while_fail_overs_lose_writes() {
    let allowed = Budget { fail_overs: 2, restarts: 1, generations: 4, ..invalidations(4) };
    sees(&three(allowed), 600, &[Seen::Rewound, Seen::ResolvedByTime]);
}

#[test]
fn while_a_primary_goes_on_that_was_demoted() {
    let allowed = Budget { demotions: 2, cuts: 1, generations: 4, ..invalidations(4) };
    sees(&three(allowed), 600, &[Seen::AskedDemoted, Seen::ResolvedByTime, Seen::Rewound]);
}

#[test]
fn whatever_happens() {
    let allowed = Budget {
        soft: 1,
        generations: 6,
        flushes: 1,
        evictions: 1,
        fail_overs: 1,
        restarts: 1,
        leaves: 1,
        cuts: 2,
        failures: 2,
        denials: 1,
        ..invalidations(3)
    };
    sees(&Config { outer: true, ..three(allowed) }, 1_000, &[Seen::Leased, Seen::NewEpoch]);
}

#[test]
fn from_the_first_start_on() {
    let allowed = Budget { cuts: 1, failures: 1, denials: 1, generations: 4, ..invalidations(2) };
    let config = Config { begins_warm: false, ..three(allowed) };
    sees(&config, 600, &[Seen::NewEpoch, Seen::Leased, Seen::ResolvedByTime]);
}
