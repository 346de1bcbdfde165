//! Remembered decisions, in the shape in which they are shown.

use std::collections::HashMap;
use std::sync::Arc;

use serde::Serialize;

use super::Handler;
use super::decision::{CallName, Decided, Decision, Facts, Outcome, Reach, TierName, Why};
use crate::account::Statement;
use crate::clock::Timestamp;
use crate::engine::{Engine, Former, Heard};
use crate::generation::leases::Role;
use crate::journal::{Journal, Remembered, Since, What};
use crate::next::tags::{KEY_TAG, KIND_TAG, OWN_TAG};
use crate::next::value::ValueKind;
use crate::tags::Tag;

/// How many decisions may come between two looks, where the options remember none.
const MOST_TOLD: usize = 4_096;

/// The journal of a thread.
pub type Decisions = Journal<Arc<Decided>>;

impl Statement {
    /// A decision made at `at`.
    pub fn new(at: Timestamp, decided: &Decided) -> Self {
        let Decided { call, kind, key, decision } = decided;
        let Decision { tier, outcome, why, facts, role, waits, took_us } = decision;
        let secs = |us: Option<u64>| us.map(|us| us as f64 / 1e6);
        let facts = facts.as_ref();
        let (tag, position) = match why {
            Why::Tagged(tag, at) => (Some(tag.to_string()), Some(at.position)),
            Why::InEffect(Reach::From { position, .. }) => (None, Some(*position)),
            _ => (None, None),
        };
        let reason = why.to_string();
        Self {
            time: (at.0 / 1_000) as f64,
            call: call.as_str().into(),
            kind: kind.map_or("TAG", ValueKind::as_str).into(),
            key: String::from_utf16_lossy(key),
            subject: None,
            tier: tier.as_str().into(),
            outcome: outcome.as_str().into(),
            reason: match outcome {
                Outcome::Meanwhile => format!("another generates: {reason}"),
                _ => reason,
            },
            tag,
            position: position.map(|position| position as f64),
            age_secs: facts.map(|facts| at.since_us(facts.created) as f64 / 1e6),
            revalidate_secs: secs(facts.and_then(|facts| facts.revalidate_us)),
            expire_secs: secs(facts.and_then(|facts| facts.expire_us)),
            bytes: facts.map(|facts| facts.bytes as f64),
            tags: facts.map(tags_of),
            lease: role.and_then(leased).map(Into::into),
            waited_for: waits.iter().map(|wait| (*wait).into()).collect(),
            ms: took_us.map(|us| us as f64 / 1e3),
        }
    }
}

/// The tags of a value. Those that every entry has of its own say no more than key and kind.
fn tags_of(facts: &Facts) -> Vec<String> {
    let tags = facts.tags.iter().filter(|tag| !is_own(tag));
    tags.map(|tag| String::from_utf8_lossy(tag).into_owned()).collect()
}

/// Whether an entry has this tag of its own.
pub(super) fn is_own(tag: &[u8]) -> bool {
    [KEY_TAG, KIND_TAG, OWN_TAG].iter().any(|own| tag.starts_with(own))
}

fn leased(role: Role) -> Option<&'static str> {
    match role {
        Role::Leader => Some("leader"),
        Role::Follower => Some("follower"),
        Role::Uncoordinated | Role::Unknown => None,
    }
}

/// The last `most` decisions in these journals, and invalidations that came from other processes,
/// the newest first.
pub fn recall(engine: &Engine, journals: &[Arc<Decisions>], most: usize) -> Vec<Statement> {
    let most = most.min(engine.options.decisions);
    let mut all: Vec<_> = journals.iter().flat_map(|journal| journal.last(most)).collect();
    let heard = engine.heard(most, |_| true);
    all.extend(
        heard
            .into_iter()
            .map(|(at, heard)| Remembered { at, what: What::Detailed(Arc::new(told(&heard))) }),
    );
    // Stable, and a journal dates no decision before earlier ones of its thread: those stay in order.
    all.sort_by_key(|one| std::cmp::Reverse(one.at));
    all.truncate(most);
    let named = named(engine, &all);
    shown(all, &named)
}

/// `named` are the entries that were hit; a hit of another is left out.
fn shown(all: Vec<Remembered<Arc<Decided>>>, named: &HashMap<u64, Former>) -> Vec<Statement> {
    all.into_iter()
        .filter_map(|Remembered { at, what }| match what {
            What::Detailed(decided) => Some(Statement::new(at, &decided)),
            What::Hit(entry) => {
                named.get(&entry).map(|former| Statement::new(at, &hit(at, former)))
            }
        })
        .collect()
}

/// What a thread has decided since it was last looked at.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Look {
    /// For the next look.
    pub end: f64,
    /// How many decisions were overwritten before this look, or are about entries that nobody has
    /// noted.
    pub lost: f64,
    /// The others, the oldest first.
    pub decisions: Vec<Statement>,
}

impl Handler<'_> {
    /// What this thread has decided after its first `after` decisions. From the first call on they
    /// are remembered for this, whatever the options say, and it is noted what was hit, until
    /// [`Handler::hush`].
    pub fn told(self, after: u64) -> Option<Look> {
        self.engine.watch();
        self.thread.open_journal(MOST_TOLD);
        let named = self.thread.take_hits();
        let Since { end, lost, decisions } = self.thread.journal()?.since(after);
        let found = decisions.len();
        let decisions = shown(decisions, &named);
        let lost = lost + (found - decisions.len()) as u64;
        Some(Look { end: end as f64, lost: lost as f64, decisions })
    }

    /// Nobody calls [`Handler::told`] any more.
    pub fn hush(self) {
        self.thread.hush(self.engine.options.decisions > 0);
    }
}

/// Invalidations by other processes after a position, the oldest first.
pub fn heard(engine: &Engine, after: f64) -> Vec<Statement> {
    let heard = engine.heard(usize::MAX, |heard| heard.position as f64 > after);
    heard.iter().rev().map(|(at, heard)| Statement::new(*at, &told(heard))).collect()
}

/// The entries that were hit, by number.
fn named<D>(engine: &Engine, all: &[Remembered<D>]) -> HashMap<u64, Former> {
    let hits = all.iter().filter_map(|one| match one.what {
        What::Hit(entry) => Some(entry),
        What::Detailed(_) => None,
    });
    let wanted: std::collections::HashSet<u64> = hits.collect();
    if wanted.is_empty() {
        return HashMap::new();
    }
    let found = engine.entries_by_number(|id| wanted.contains(&id));
    found.into_iter().map(|former| (former.id, former)).collect()
}

fn hit(at: Timestamp, former: &Former) -> Decided {
    let why = Why::Aged(at.since_us(former.meta.created) / 1_000_000);
    Decided {
        call: CallName::Get,
        kind: ValueKind::from_number(u32::from(former.meta.format)),
        key: former.key.clone(),
        decision: Decision::new(TierName::Memory, Outcome::Fresh, why).about(former),
    }
}

fn told(heard: &Heard) -> Decided {
    let outcome = if heard.is_soft { Outcome::Soft } else { Outcome::Hard };
    let from = Reach::From { process: heard.from.clone(), position: heard.position };
    let why = Why::InEffect(from);
    let decision = Decision::new(TierName::None, outcome, why);
    let key = joined(&heard.tags);
    Decided { call: CallName::Invalidate, kind: None, key, decision }
}

/// Tags as they are shown.
pub(super) fn joined(tags: &[Tag]) -> Box<[u16]> {
    let tags: Vec<String> = tags.iter().map(ToString::to_string).collect();
    tags.join(", ").encode_utf16().collect()
}
