//! Why a call ended as it did: data here, words at the edge.

use std::fmt;

use super::Handler;
use crate::account::FROM;
use crate::clock::Timestamp;
use crate::engine::{Absence, Former, Reason, Stored};
use crate::entry::{Entry, Meta};
use crate::generation::leases::Role;
use crate::next::value::ValueKind;
use crate::tags::TagList;

/// Of a longer key only this many units are remembered.
const MOST_UNITS: usize = 1_024;

/// What became of a call.
#[derive(Debug, Clone, PartialEq)]
pub struct Decision {
    /// The tier it ended in.
    pub tier: TierName,
    /// How.
    pub outcome: Outcome,
    /// Why.
    pub why: Why,
    /// The entry it is about.
    pub facts: Option<Facts>,
    /// Who generates, if that was asked.
    pub role: Option<Role>,
    /// What the call waited for.
    pub waits: Vec<&'static str>,
    /// How long the call took in microseconds, if that is known: of a get, its wait; of a set, the
    /// generation before it; of an invalidation, until it was in effect everywhere.
    pub took_us: Option<u64>,
}

/// What a decision says about an entry.
#[derive(Debug, Clone, PartialEq)]
pub struct Facts {
    /// When its generation began.
    pub created: Timestamp,
    /// Age past which it is stale, in microseconds.
    pub revalidate_us: Option<u64>,
    /// Age past which it is not served, in microseconds.
    pub expire_us: Option<u64>,
    /// The bytes of its body.
    pub bytes: usize,
    /// Its own tags.
    pub tags: TagList,
}

/// The call that a decision ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallName {
    /// A get.
    Get,
    /// A set, or a generation that ended without one.
    Set,
    /// An invalidation.
    Invalidate,
}

/// A decision with the key it is about.
#[derive(Debug, Clone, PartialEq)]
pub struct Decided {
    /// The call.
    pub call: CallName,
    /// The kind of value; none for tags.
    pub kind: Option<ValueKind>,
    /// The key, or the tags.
    pub key: Box<[u16]>,
    /// What became of it.
    pub decision: Decision,
}

/// A tier, as it is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TierName {
    /// The memory of this process.
    Memory,
    /// The store that all processes see.
    Shared,
    /// Both of them: a value was written to both.
    Both,
    /// The output of `next build`.
    Prerendered,
    /// None.
    None,
}

/// How a call ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Something fresh was found.
    Fresh,
    /// Something stale was found, and the caller regenerates it.
    Stale,
    /// Something stale was found, and another get regenerates it.
    Meanwhile,
    /// Nothing was found.
    Miss,
    /// A value is stored.
    Stored,
    /// A value is not stored.
    Dropped,
    /// Tags are invalidated: entries are gone.
    Hard,
    /// Tags are invalidated: entries are stale.
    Soft,
}

/// Why a call ended so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Why {
    /// The age of the entry, in seconds.
    Aged(u64),
    /// The entry was judged.
    Judged(Reason),
    /// It was judged by this tag, which was invalidated at this position.
    Tagged(Box<str>, Invalidated),
    /// There is nothing.
    Absent(Absence),
    /// A set had this result.
    Set(Stored),
    /// A generation brought no value.
    NoValue,
    /// An invalidation is in effect.
    InEffect(Reach),
}

/// How a tag was last invalidated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Invalidated {
    /// Where.
    pub position: u64,
    /// Whether entries were stale only.
    pub is_soft: bool,
}

/// How far an invalidation has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reach {
    /// It is in effect in every process.
    Everywhere,
    /// It is in effect here, and will be recorded later.
    Here,
    /// It came from another process.
    From {
        /// As that calls itself.
        process: Box<str>,
        /// Its position.
        position: u64,
    },
}

impl TierName {
    /// Its name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Memory => "memory",
            Self::Shared => "shared",
            Self::Both => "memory+shared",
            Self::Prerendered => "prerendered",
            Self::None => "none",
        }
    }
}

impl Outcome {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Fresh => "fresh",
            Self::Stale | Self::Meanwhile => "stale",
            Self::Miss => "miss",
            Self::Stored => "stored",
            Self::Dropped => "dropped",
            Self::Hard => "hard",
            Self::Soft => "soft",
        }
    }
}

impl CallName {
    /// Its name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Get => "get",
            Self::Set => "set",
            Self::Invalidate => "invalidate",
        }
    }
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Aged(secs) => write!(f, "{secs} s old"),
            Self::Judged(Reason::Age) => f.write_str("by age"),
            Self::Judged(Reason::Superseded) => f.write_str("older than what was stored since"),
            Self::Judged(Reason::Ahead) => f.write_str("before it turns stale"),
            Self::Judged(Reason::Unsure) => f.write_str("unknown whether it is current"),
            Self::Judged(Reason::Tag(Some(tag))) => write!(f, "tag {tag}"),
            Self::Judged(Reason::Tag(None)) => f.write_str("older than the tags remembered"),
            Self::Tagged(tag, Invalidated { position, is_soft }) => {
                let how = if *is_soft { "soft" } else { "hard" };
                write!(f, "tag {tag}, {how} at position {position}")
            }
            Self::Absent(Absence::Evicted(us)) => {
                write!(f, "absent: evicted for room {} s ago", us / 1_000_000)
            }
            Self::Absent(absence) => write!(f, "absent: {}", absence.as_str()),
            Self::Set(Stored::Yes) | Self::InEffect(Reach::Everywhere) => Ok(()),
            Self::Set(stored) => f.write_str(stored.as_str()),
            Self::NoValue => f.write_str("the generation brought no value to store"),
            Self::InEffect(Reach::Here) => f.write_str("here only, to be recorded later"),
            Self::InEffect(Reach::From { process, .. }) => write!(f, "{FROM}{process}"),
        }
    }
}

impl From<&Entry> for Facts {
    fn from(entry: &Entry) -> Self {
        Self::of(&entry.meta, entry.body.len())
    }
}

impl From<&Former> for Facts {
    fn from(former: &Former) -> Self {
        Self::of(&former.meta, former.bytes)
    }
}

impl Facts {
    fn of(meta: &Meta, bytes: usize) -> Self {
        let Meta { created, revalidate_us, expire_us, ref tags, .. } = *meta;
        Self { created, revalidate_us, expire_us, bytes, tags: tags.clone() }
    }
}

impl Decision {
    /// A decision about nothing in particular.
    pub fn new(tier: TierName, outcome: Outcome, why: Why) -> Self {
        Self { tier, outcome, why, facts: None, role: None, waits: Vec::new(), took_us: None }
    }

    /// About this entry.
    #[must_use]
    pub fn about(mut self, facts: impl Into<Facts>) -> Self {
        self.facts = Some(facts.into());
        self
    }
}

impl Handler<'_> {
    /// Whether anybody asks for decisions.
    #[inline]
    pub(super) fn is_watched(self) -> bool {
        self.engine.options.debug || self.thread.is_told() || self.thread.journal().is_some()
    }

    /// From now on the last decision is told to JavaScript, whatever the options say, or no longer.
    pub fn tell(self, is_told: bool) {
        if is_told {
            self.engine.watch();
        }
        self.thread.tell(is_told);
    }

    /// Remembers what became of a call.
    pub(super) fn remember(
        self,
        call: CallName,
        kind: Option<ValueKind>,
        key: &[u16],
        decision: Decision,
    ) {
        let key = key.get(..MOST_UNITS).unwrap_or(key).into();
        let decided = Decided { call, kind, key, decision };
        self.thread.decide(self.engine.clock.now(), decided, self.engine.options.debug);
    }

    /// Why an entry was judged so, with the invalidation that decided it.
    pub(super) fn why(self, reason: &Reason) -> Why {
        let Reason::Tag(Some(tag)) = reason else { return Why::Judged(reason.clone()) };
        let facts = self.engine.ledger.table().of(tag.as_bytes());
        let position = facts.latest().position.0;
        let is_soft = facts.soft() > facts.hard();
        Why::Tagged(tag.to_string().into(), Invalidated { position, is_soft })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_is_a_sentence() {
        let soft = Invalidated { position: 7, is_soft: true };
        let from = Reach::From { process: "web-7f:12".into(), position: 9 };
        let of = [
            (Why::Aged(7), "7 s old"),
            (Why::Tagged("posts".into(), soft), "tag posts, soft at position 7"),
            (Why::Absent(Absence::NeverStored), "absent: never stored"),
            (Why::Absent(Absence::Evicted(3_000_000)), "absent: evicted for room 3 s ago"),
            (Why::Judged(Reason::Age), "by age"),
            (Why::InEffect(from), "from web-7f:12"),
        ];
        for (why, expected) in of {
            assert_eq!(why.to_string(), expected);
        }
    }
}
