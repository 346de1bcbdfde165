//! What is told of who generates.

use crate::store::Address;
use crate::wake::WakeOnDrop;

/// Who generates a key. Looking changes nothing: a lead is taken by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// This process.
    Here,
    /// Another process.
    Elsewhere,
    /// Whoever wants it: it is not worth waiting for each other.
    Anybody,
    /// Nobody knows yet.
    Unknown,
}

/// Whether a get that has something stale is to generate it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lead {
    /// It is.
    Yours,
    /// Another get of this process, or another process, does.
    Anothers,
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
    /// There is no room to remember the answer: the store may be read, and nobody waited for.
    NoRoom,
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

/// How a generation ended here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// Its value is stored, or was found.
    Done,
    /// Nothing was stored. What is set later tells the store so.
    Unset,
}

/// What a lease was taken for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Held {
    /// Where its entry lies; `None` if the store knows nothing of it.
    pub address: Option<Address>,
    /// How long a leader is waited for that generates while nothing can be served, in us; `None` if
    /// something stale is.
    pub cold_us: Option<u64>,
}

/// What follows from an answer of the store.
#[derive(Default)]
#[must_use]
pub struct Answered {
    /// Who waited for it; they are woken when this is dropped.
    pub woken: WakeOnDrop,
    /// In how many ms the store is to be asked again, if it is.
    pub look_ms: Option<u32>,
    /// Whether a lease was taken that nobody here has a use for any more.
    pub is_unwanted: bool,
}
