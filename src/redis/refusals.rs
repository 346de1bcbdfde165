//! What the server answers but refuses to do, remembered until it does it. The operator gets a
//! message when a refusal begins and when all have ended.

use std::collections::BTreeMap;

use parking_lot::Mutex;

use super::failure::Failure;
use crate::clock::Timestamp;
use crate::coherence::event::Command;
use crate::store::{Part, Refusal};

/// The first pause before leases are tried again, and the longest.
const PAUSE_US: u64 = 1_000_000;
const MOST_PAUSE_US: u64 = 60_000_000;

/// An operation that the server may refuse.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Deed {
    Poll,
    Load,
    Invalidate,
    Ack,
    ReadAcks,
    Remove,
    Read,
    Write,
    /// One of the scripts of leases, by the number of its hash.
    Lease(u64),
}

impl Deed {
    pub(super) fn of(command: &Command) -> Self {
        match command {
            Command::Poll(_) | Command::ReadPosition => Self::Poll,
            Command::Load => Self::Load,
            Command::Invalidate { .. } | Command::RaiseFloor { .. } => Self::Invalidate,
            Command::Ack(_) => Self::Ack,
            Command::ReadAcks => Self::ReadAcks,
            Command::Remove(_) => Self::Remove,
        }
    }

    fn part(self) -> Part {
        match self {
            Self::Read | Self::Write => Part::Entries,
            Self::Lease(_) => Part::Leases,
            _ => Part::Invalidations,
        }
    }
}

/// The operations refused now, and why.
#[derive(Default)]
pub(super) struct Refusals(Mutex<BTreeMap<Deed, Refusal>>);

/// A change to report to the operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum News {
    Begun(Refusal, Part),
    Over,
}

impl Refusals {
    /// Records the result of an operation. When one operation succeeds again, all that were refused
    /// for the same reason count as possible again.
    pub(super) fn note<T>(&self, deed: Deed, result: &Result<T, Failure>) -> Option<News> {
        let mut held = self.0.lock();
        match result {
            // Not the server's decision: a useless answer, or Sentinels that disagree.
            Err(failure) if *failure == Failure::NONSENSE => None,
            Err(Failure::Denied(refusal) | Failure::BadReply(refusal)) => {
                let is_known = held.values().any(|other| other == refusal);
                held.insert(deed, *refusal);
                (!is_known).then_some(News::Begun(*refusal, deed.part()))
            }
            Ok(_) if !held.is_empty() => {
                let refusal = held.remove(&deed)?;
                held.retain(|_, other| *other != refusal);
                held.is_empty().then_some(News::Over)
            }
            Ok(_) | Err(_) => None,
        }
    }

    /// One current refusal, in a word; empty if there is none.
    pub(super) fn word(&self) -> &'static str {
        self.0.lock().values().next().map_or("", |refusal| refusal.as_str())
    }
}

/// A pause that doubles each time the next attempt fails too.
#[derive(Default)]
pub(super) struct Pause(Mutex<(u64, Timestamp)>);

impl Pause {
    pub(super) fn begin(&self, now: Timestamp) {
        let mut held = self.0.lock();
        let (pause_us, until) = *held;
        let is_in_vain = now < until.after_us(pause_us);
        let pause_us = if is_in_vain { (pause_us * 2).min(MOST_PAUSE_US) } else { PAUSE_US };
        if now >= until {
            *held = (pause_us, now.after_us(pause_us));
        }
    }

    pub(super) fn is_on(&self, now: Timestamp) -> bool {
        now < self.0.lock().1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    use crate::store::Trouble;

    const NO_SCRIPTS: Result<(), Failure> = Err(Failure::Denied(Refusal::Command("EVALSHA")));
    const NO_DISK: Result<(), Failure> = Err(Failure::BadReply(Refusal::Error("MISCONF")));
    const DONE: Result<(), Failure> = Ok(());

    #[test]
    fn a_refusal_is_news_once_until_it_is_over() {
        let refusals = Refusals::default();
        let begun = Some(News::Begun(Refusal::Command("EVALSHA"), Part::Invalidations));
        assert_eq!(refusals.note(Deed::Poll, &DONE), None);
        assert_eq!(refusals.note(Deed::Poll, &NO_SCRIPTS), begun);
        assert_eq!(refusals.note(Deed::Poll, &NO_SCRIPTS), None);
        assert_eq!(refusals.note(Deed::Lease(1), &NO_SCRIPTS), None);
        assert_eq!(refusals.note(Deed::Read, &DONE), None);
        assert_eq!(refusals.note(Deed::ReadAcks, &Err::<(), _>(Failure::NONSENSE)), None);
        assert_eq!(refusals.word(), "EVALSHA");
        assert_eq!(refusals.note(Deed::Poll, &DONE), Some(News::Over));
        assert_eq!(refusals.word(), "");
    }

    #[test]
    fn as_long_as_anything_is_refused_it_is_not_over() {
        let refusals = Refusals::default();
        refusals.note(Deed::Poll, &NO_DISK);
        refusals.note(Deed::Lease(1), &NO_SCRIPTS);
        assert_eq!(refusals.note(Deed::Poll, &DONE), None);
        assert_eq!(refusals.note(Deed::Lease(2), &DONE), None);
        assert_eq!(
            refusals.note(Deed::Lease(1), &Err::<(), _>(Failure::Lost(Trouble::Closed))),
            None
        );
        assert_eq!(refusals.note(Deed::Lease(1), &DONE), Some(News::Over));
    }

    #[test]
    fn a_pause_grows_while_it_is_in_vain() {
        let pause = Pause::default();
        let mut now = Timestamp(1_000_000_000);
        let mut lasted = Vec::new();
        for _ in 0..8 {
            let begun = now;
            pause.begin(now);
            pause.begin(now);
            while pause.is_on(now) {
                now = now.after_us(PAUSE_US);
            }
            lasted.push(now.since_us(begun) / PAUSE_US);
        }
        assert_eq!(lasted, [1, 2, 4, 8, 16, 32, 60, 60]);
        now = now.after_us(MOST_PAUSE_US);
        pause.begin(now);
        assert!(!pause.is_on(now.after_us(PAUSE_US)));
    }
}
