//! What the engine answers.

use std::sync::Arc;

use crate::entry::Entry;
use crate::tags::{Tag, Verdict};

/// Why an entry is judged as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reason {
    /// By its age.
    Age,
    /// By its age soon, and many ask for it.
    Ahead,
    /// It is build output, and a newer value was stored since.
    Superseded,
    /// Nobody can tell whether it is current.
    Unsure,
    /// By this tag; `None` is the floor of the tag table.
    Tag(Option<Tag>),
}

/// What a get finds.
#[derive(Debug)]
pub enum Found {
    /// An entry and what may be done with it. [`Verdict::Gone`] entries are handed out too: who
    /// asked may know a use for them.
    Entry(Arc<Entry>, Verdict, Reason),
    /// Nothing.
    Nothing,
    /// Whether what is held may be served is not known: the store has to be asked first.
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
    /// The store answers, and forbids what the agreement on invalidations needs.
    Denied,
}

impl Connectivity {
    /// The word in what a readiness probe is told.
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
    /// Tags ever invalidated that are remembered.
    pub tags: u64,
    /// Generations under way, and keys that are passed because theirs was never stored.
    pub flights: u64,
}
