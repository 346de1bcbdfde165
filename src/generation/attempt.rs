//! An attempt to get the lease of a key, as long as the store is asked for it.

use std::sync::Arc;

use crate::entry::Entry;
use crate::generation::leases::Lease;
use crate::generation::limits::{LEASE_SLACK_MS, RECHECK_US, SEEN_LEADER_US, STALE_LEASE_MS};
use crate::key::{AppId, Class, Hash128, KeyRef};
use crate::store::Address;
use crate::tags::{Tag, Verdict};

/// What there is to serve as long as nobody has generated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fallback {
    /// Nothing.
    None,
    /// Something stale.
    Stale,
    /// Something fresh, whose end is near.
    Fresh,
}

/// A get that wants its key to be generated.
pub struct Claimant<'a> {
    /// The entry it holds.
    pub held: Option<&'a Arc<Entry>>,
    /// What there is to serve meanwhile.
    pub fallback: Fallback,
    /// How long a leader is waited for if there is nothing to serve, in ms.
    pub wait_ms: u32,
}

/// What a lease is asked for.
#[derive(Clone)]
pub struct LeaseAttempt {
    class: Class,
    app: AppId,
    units: Box<[u16]>,
    /// The hash of the key.
    pub hash: Hash128,
    /// Where its entry lies.
    pub address: Address,
    /// Tags of the first who asked.
    pub asked: Vec<Tag>,
    /// The entry that is to be generated again.
    pub held: Option<Arc<Entry>>,
    /// Whether it is moot if there is any entry.
    pub only_absent: bool,
    /// What there is to serve meanwhile.
    pub fallback: Fallback,
    wait_ms: u32,
    /// Whether the store was asked before: what lies there was counted then.
    pub is_again: bool,
}

/// How long an attempt makes others wait.
pub struct Spans {
    /// How long the leader is believed in and waited for, in ms.
    pub patience_ms: u32,
    /// How long its lease lives without a renewal, in ms.
    pub life_ms: u32,
}

impl LeaseAttempt {
    /// The attempt of a `claimant` that brings the tags `asked`.
    pub fn new(
        key: &KeyRef<'_>,
        address: Address,
        Claimant { held, fallback, wait_ms }: Claimant<'_>,
        asked: Vec<Tag>,
    ) -> Self {
        Self {
            class: key.class,
            app: key.app,
            units: key.units.into(),
            hash: key.hash,
            address,
            only_absent: held.is_none(),
            held: held.cloned(),
            fallback,
            wait_ms,
            asked,
            is_again: false,
        }
    }

    /// The key to be generated.
    pub fn key(&self) -> KeyRef<'_> {
        KeyRef { class: self.class, app: self.app, units: &self.units, hash: self.hash }
    }

    /// The same once more.
    #[must_use]
    pub fn again(self) -> Self {
        Self { is_again: true, ..self }
    }

    /// The same for an entry that was found to be in the way, and how good it is: whatever lies there
    /// is to be generated again.
    #[must_use]
    pub fn for_found(self, held: Option<Arc<Entry>>, verdict: Option<Verdict>) -> Self {
        let is_stale = verdict == Some(Verdict::Stale);
        let fallback = if is_stale { Fallback::Stale } else { self.fallback };
        Self { only_absent: false, held, fallback, ..self.again() }
    }

    /// With something to serve the lease is short at first, and renewed for a leader that is seen to
    /// generate.
    pub fn spans(&self) -> Spans {
        match self.fallback {
            Fallback::None => {
                Spans { patience_ms: self.wait_ms, life_ms: self.wait_ms + LEASE_SLACK_MS }
            }
            Fallback::Stale | Fallback::Fresh => {
                Spans { patience_ms: (SEEN_LEADER_US / 1_000) as u32, life_ms: STALE_LEASE_MS }
            }
        }
    }

    /// The lease that is granted, if `found` is how good what lies at the address is.
    pub fn lease(&self, found: Option<Verdict>) -> Lease {
        let is_cold = self.fallback == Fallback::None && found != Some(Verdict::Stale);
        // Less would be over before a get could make use of it.
        let cold_us = is_cold.then(|| (u64::from(self.wait_ms) * 1_000).max(RECHECK_US));
        Lease { address: Some(self.address), cold_us }
    }
}
