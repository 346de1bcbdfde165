//! What the engine answers.

use std::sync::Arc;

use crate::entry::Entry;
use crate::tags::{Tag, Verdict};

/// Why an entry is judged as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reason {
    /// By its age.
    Age,
    /// It is about to turn stale by age, and is popular.
    Ahead,
    /// It is build output, and a newer value was stored since.
    Superseded,
    /// Whether it is current is unknown.
    Unsure,
    /// By this tag; `None` is the floor of the tag table.
    Tag(Option<Tag>),
}

/// What a get finds.
#[derive(Debug)]
pub enum Found {
    /// An entry and its verdict. [`Verdict::Gone`] entries are returned too: the caller may have a
    /// use for them.
    Entry(Arc<Entry>, Verdict, Reason),
    /// Nothing.
    Nothing,
    /// Whether memory may answer is unknown: the caller has to ask the store first.
    Unsure,
}

/// What became of a set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stored {
    /// It is held.
    Yes,
    /// One of its tags was invalidated while it was generated.
    Invalidated,
    /// A value generated later is held already.
    Older,
    /// It is heavier than one entry may be.
    TooLarge,
    /// There is no memory tier.
    NoTier,
}

/// Where a set has left its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Placed {
    /// What became of it.
    pub stored: Stored,
    /// Whether memory holds it.
    pub is_held: bool,
    /// Whether it is on its way to the shared tier.
    pub is_shared: bool,
}

impl Stored {
    /// Whether it is held.
    pub fn is_held(self) -> bool {
        self == Self::Yes
    }

    /// The word for logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Yes => "stored",
            Self::Invalidated => "invalidated while generated",
            Self::Older => "older than what is held",
            Self::TooLarge => "too large",
            Self::NoTier => "no memory tier",
        }
    }
}

/// How this process is connected to the shared tier.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Connectivity {
    /// There is none.
    None,
    /// It holds a lease, so it knows every invalidation there was.
    Connected,
    /// It is not known yet whether the store is there, or its table of tags is being loaded.
    Connecting,
    /// The store does not answer.
    Offline,
    /// The store answers, but forbids commands that the agreement on invalidations needs.
    Denied,
}

impl Connectivity {
    /// The word that a readiness probe gets.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Connected => "connected",
            Self::Connecting => "connecting",
            Self::Offline => "away",
            Self::Denied => "denied",
        }
    }
}

/// What the engine holds, for statistics.
#[derive(Debug, Clone, Copy, Default)]
pub struct Holdings {
    /// Entries in memory.
    pub entries: u64,
    /// Their bytes.
    pub bytes: u64,
    /// The bound in bytes.
    pub capacity_bytes: u64,
    /// Entries evicted for room since the start.
    pub evictions: u64,
    /// Invalidated tags that the table remembers.
    pub tags: u64,
    /// Generations under way, and keys in hit-for-miss because theirs was not stored.
    pub flights: u64,
}
