//! What is told of who generates.

use crate::flight::Woken;
use crate::store::Address;

/// Who generates a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// This process. `is_first` once: who is told so generates, if the others need not.
    Here {
        /// Whether nobody was told so before.
        is_first: bool,
    },
    /// Another process.
    Elsewhere,
    /// Whoever wants it: it is not worth waiting for each other.
    Anybody,
    /// Nobody knows yet.
    Unknown,
}

/// What to do about a question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    /// It is known already.
    Known(Standing),
    /// The store is to be asked; whoever asks is woken.
    Ask,
    /// The store is being asked; whoever asks is woken.
    Wait,
}

/// What to do for who would wait for another process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Following {
    /// None is known to generate: there is nothing to wait for.
    Nobody,
    /// The store is to be asked in so many ms; whoever waits is woken.
    Look(u32),
    /// The store is being asked; whoever waits is woken.
    Wait,
}

/// What a lease was taken for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Held {
    /// Where its entry lies; `None` if the store knows nothing of it.
    pub address: Option<Address>,
    /// Whether nothing could be served meanwhile.
    pub is_cold: bool,
}

/// What follows from an answer of the store.
#[derive(Default)]
#[must_use]
pub struct Answered {
    /// Who waited for it; they are woken when this is dropped.
    pub woken: Woken,
    /// In how many ms the store is to be asked again, if it is.
    pub look_ms: Option<u32>,
    /// Whether a lease was taken that nobody here has a use for any more.
    pub is_unwanted: bool,
}
