//! Why a call ended as it did, for debug output: data here, words at the edge.

use std::fmt;

use crate::engine::{Reason, Stored};

/// What became of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// The tier it ended in.
    pub tier: TierName,
    /// How.
    pub outcome: Outcome,
    /// Why.
    pub why: Why,
}

/// A tier, as it is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TierName {
    /// The memory of this process.
    Memory,
    /// The store that all processes see.
    Shared,
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
}

/// Why a call ended so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Why {
    /// The age of the entry, in seconds.
    Aged(u64),
    /// The entry was judged.
    Judged(Reason),
    /// There is nothing.
    Absent,
    /// A set had this result.
    Set(Stored),
}

impl TierName {
    /// Its name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Memory => "memory",
            Self::Shared => "shared",
            Self::Prerendered => "prerendered",
            Self::None => "none",
        }
    }
}

impl Outcome {
    /// The words for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Fresh => "fresh",
            Self::Stale => "stale",
            Self::Meanwhile => "stale, another generates:",
            Self::Miss => "miss",
            Self::Stored => "stored",
            Self::Dropped => "dropped",
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
            Self::Absent => f.write_str("absent"),
            Self::Set(stored) => f.write_str(stored.as_str()),
        }
    }
}

/// Tier, outcome and reason, in the format that `js/debug.js` parses.
impl fmt::Display for Decision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.tier.as_str(), self.outcome.as_str(), self.why)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tags::Tag;

    #[test]
    fn a_decision_reads_as_tier_outcome_and_reason() {
        let said = |tier, outcome, why| Decision { tier, outcome, why }.to_string();
        let tag = Why::Judged(Reason::Tag(Some(Tag::from("posts"))));
        let of = [
            (said(TierName::Memory, Outcome::Fresh, Why::Aged(7)), "memory fresh 7 s old"),
            (said(TierName::Shared, Outcome::Stale, tag), "shared stale tag posts"),
            (said(TierName::None, Outcome::Miss, Why::Absent), "none miss absent"),
            (
                said(TierName::Memory, Outcome::Meanwhile, Why::Judged(Reason::Age)),
                "memory stale, another generates: by age",
            ),
        ];
        for (said, expected) in of {
            assert_eq!(said, expected);
        }
    }
}
