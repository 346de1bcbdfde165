//! An attempt to get the lease of a key, while the request to the store is open.

use std::sync::Arc;

use crate::entry::Entry;
use crate::generation::leases::Lease;
use crate::generation::limits::{COLD_LEASE_SLACK_MS, RECHECK_US, SEEN_LEADER_US, STALE_LEASE_MS};
use crate::key::{AppId, Class, Hash128, KeyRef};
use crate::store::Address;
use crate::tags::{Tag, Verdict};

/// What a get can serve until a generation is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fallback {
    /// Nothing.
    None,
    /// Something stale.
    Stale,
    /// Something fresh that expires soon.
    Fresh,
}

/// A get that wants its key to be generated.
pub struct Claimant<'a> {
    /// The entry it holds.
    pub held: Option<&'a Arc<Entry>>,
    /// What it can serve meanwhile.
    pub fallback: Fallback,
    /// How long it waits for a leader if there is nothing to serve, in ms.
    pub wait_ms: u32,
}

/// A request for a lease.
#[derive(Clone)]
pub struct LeaseAttempt {
    class: Class,
    app: AppId,
    units: Box<[u16]>,
    /// The hash of the key.
    pub hash: Hash128,
    /// The address of its entry in the store.
    pub address: Address,
    /// Tags of the first get that asked.
    pub asked: Vec<Tag>,
    /// The entry to regenerate.
    pub held: Option<Arc<Entry>>,
    /// Whether any entry in the store makes it moot.
    pub only_absent: bool,
    /// What it can serve meanwhile.
    pub fallback: Fallback,
    wait_ms: u32,
    /// Whether this is a repeat, which does not count a broken entry again.
    pub is_again: bool,
}

/// How long an attempt makes others wait.
pub struct Spans {
    /// How long others believe in the leader and wait for it, in ms.
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

    /// The key to generate.
    pub fn key(&self) -> KeyRef<'_> {
        KeyRef { class: self.class, app: self.app, units: &self.units, hash: self.hash }
    }

    /// The same attempt, repeated.
    #[must_use]
    pub fn again(self) -> Self {
        Self { is_again: true, ..self }
    }

    /// The same attempt, repeated because the entry in the store is not fresh, or cannot be read:
    /// the leader regenerates whatever is there.
    #[must_use]
    pub fn for_found(self, held: Option<Arc<Entry>>, verdict: Option<Verdict>) -> Self {
        let is_stale = verdict == Some(Verdict::Stale);
        let fallback = if is_stale { Fallback::Stale } else { self.fallback };
        Self { only_absent: false, held, fallback, ..self.again() }
    }

    /// If there is something to serve, the lease is short at first and renewed while its leader is
    /// seen to generate.
    pub fn spans(&self) -> Spans {
        match self.fallback {
            Fallback::None => {
                Spans { patience_ms: self.wait_ms, life_ms: self.wait_ms + COLD_LEASE_SLACK_MS }
            }
            Fallback::Stale | Fallback::Fresh => {
                Spans { patience_ms: (SEEN_LEADER_US / 1_000) as u32, life_ms: STALE_LEASE_MS }
            }
        }
    }

    /// Whether the get waits for a leader in another process.
    pub fn follows(&self) -> bool {
        self.fallback == Fallback::None && self.wait_ms > 0
    }

    /// The lease if granted; `found` is the verdict on the entry at the address.
    pub fn lease(&self, found: Option<Verdict>) -> Lease {
        let is_cold = self.fallback == Fallback::None && found != Some(Verdict::Stale);
        // A shorter wait would end before a get could use it.
        let cold_us = is_cold.then(|| (u64::from(self.wait_ms) * 1_000).max(RECHECK_US));
        Lease { address: Some(self.address), cold_us }
    }
}
