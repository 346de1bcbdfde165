//! What a set of Next.js means, and a generation that ends without one.

use super::Handler;
use super::apps::Listed;
use super::dating::{Began, Begun};
use super::decision::{CallName, Decision, Outcome, TierName, Why};
use super::request::Scope;
use crate::engine::{Placed, Stored};
use crate::entry::{Meta, Source};
use crate::key::KeyRef;
use crate::next::signal::Version;
use crate::next::trace;
use crate::next::value::ValueKind;
use crate::tags::Tag;

/// A value to be stored.
#[derive(Debug)]
pub struct Value {
    /// Its tags, and the traces of what it was made of.
    pub tags: Vec<Tag>,
    /// The age past which it is stale, in seconds. Never for `None`, or if this is no duration.
    pub revalidate_secs: Option<f64>,
    /// The age past which it is not served any more, likewise.
    pub expire_secs: Option<f64>,
    /// Laid out as `next/value.rs` says.
    pub body: Box<[u8]>,
    /// How far it is shared.
    pub scope: Scope,
}

impl Handler<'_> {
    /// Stores a value of the singular interface. `None` if there is no value, or if it cannot be
    /// dated: then its generation counts as failed.
    pub fn put(
        self,
        key: &KeyRef<'_>,
        kind: ValueKind,
        value: Option<Value>,
        began: Option<Began>,
    ) -> Option<Stored> {
        let origin = began.and_then(|began| self.began(began));
        self.store_or_abandon(key, kind, value, origin)
    }

    /// Stores a `'use cache'` entry, whose generation began at `timestamp_ms` of Next's clock. As
    /// [`Handler::put`].
    pub fn put_use(
        self,
        key: &KeyRef<'_>,
        value: Option<Value>,
        timestamp_ms: Option<f64>,
    ) -> Option<Stored> {
        let begun = self.began_at(timestamp_ms.filter(|ms| ms.is_finite()));
        self.store_or_abandon(key, ValueKind::UseCache, value, begun)
    }

    /// Notes that a set of `key` is under way.
    pub fn begin(self, key: &KeyRef<'_>) {
        self.engine.begin(key);
    }

    /// A generation of `key` ended without storing a value.
    pub fn abandon(self, kind: ValueKind, key: &KeyRef<'_>) {
        if self.is_watched() {
            let decision = Decision::new(TierName::None, Outcome::Dropped, Why::NoValue);
            self.remember(CallName::Set, Some(kind), key.units, decision);
        }
        // Next.js joins those of `'use cache'` itself from 16.3 on.
        let is_joined = kind != ValueKind::UseCache || self.apps.version() < Version::V16_3;
        self.engine.abandon(key, is_joined);
    }

    /// The regeneration of a stale entry shows progress.
    pub fn see(self, key: &KeyRef<'_>) {
        self.engine.note_progress(key);
    }

    /// The leader of `key` ended without storing a value.
    pub fn idle(self, key: &KeyRef<'_>) {
        self.engine.end_empty(key);
    }

    fn store_or_abandon(
        self,
        key: &KeyRef<'_>,
        kind: ValueKind,
        value: Option<Value>,
        begun: Option<Begun>,
    ) -> Option<Stored> {
        let stored =
            value.zip(begun).and_then(|(value, begun)| self.store(key, kind, value, begun));
        if stored.is_none() {
            self.abandon(kind, key);
        }
        stored
    }

    fn store(
        self,
        key: &KeyRef<'_>,
        kind: ValueKind,
        value: Value,
        begun: Begun,
    ) -> Option<Stored> {
        let Value { mut tags, body, scope, .. } = value;
        let traces = trace::take(&mut tags);
        let meta = Meta {
            stamp: begun.origin.stamp,
            since: begun.origin.since,
            created: begun.created,
            held_from: begun.created,
            told_ms: begun.told_ms,
            revalidate_us: micros(value.revalidate_secs),
            expire_us: micros(value.expire_secs),
            tags: tags.into_iter().chain(self.apps.own_tags(kind, key)).collect(),
            format: kind as u8,
            source: Source::Generated,
        };
        let meta = begun.origin.date(self.engine, key, meta, traces)?;
        match self.apps.lists(key) {
            Listed::No => {}
            listed => self.engine.supersede(key, listed == Listed::Yes),
        }
        let (entry, placed) = self.engine.set(key, meta, body, scope == Scope::Process);
        if self.is_watched() {
            let from = begun.origin.began.unwrap_or_else(|| self.engine.clock.uptime());
            let mut decision = decision_of(placed).about(&*entry);
            decision.took_us = Some(self.engine.clock.uptime().since_us(from));
            self.remember(CallName::Set, Some(kind), key.units, decision);
        }
        Some(placed.stored)
    }
}

fn decision_of(placed: Placed) -> Decision {
    let tier = match placed {
        Placed { is_held: true, is_shared: true, .. } => TierName::Both,
        Placed { is_held: true, .. } => TierName::Memory,
        Placed { is_shared: true, .. } => TierName::Shared,
        _ => TierName::None,
    };
    let outcome = if placed.stored.is_held() { Outcome::Stored } else { Outcome::Dropped };
    Decision::new(tier, outcome, Why::Set(placed.stored))
}

/// Whether a set has left its value somewhere.
pub fn is_held(stored: Option<Stored>) -> bool {
    stored.is_some_and(Stored::is_held)
}

/// Seconds as microseconds; `None` if they are negative or without end.
fn micros(secs: Option<f64>) -> Option<u64> {
    let secs = secs.filter(|secs| *secs >= 0.0 && secs.is_finite())?;
    Some((secs * 1e6) as u64)
}
