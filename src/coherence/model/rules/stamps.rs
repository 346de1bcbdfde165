//! Judging and dating entries.

use super::*;

#[test]
fn what_is_answered_without_asking_is_under_a_lease() {
    needs_engine(OmittedByEngine::JudgeUnleased, pair(invalidations(1)), 2_000);
}

fn generating(hard: u8) -> Config {
    let allowed = Budget { generations: 6, ..invalidations(hard) };
    Config { outer: true, ..pair(allowed) }
}

#[test]
fn a_generation_is_dated_when_it_begins() {
    needs_engine(OmittedByEngine::StampAtEnd, generating(2), 2_000);
}

#[test]
fn a_generation_is_dated_by_what_is_applied_and_not_by_the_store() {
    needs_engine(OmittedByEngine::StampByStore, generating(2), 6_000);
}

#[test]
fn who_waits_for_a_flight_judges_what_it_brings() {
    needs_engine(OmittedByEngine::TrustFlights, generating(2), 2_000);
}
