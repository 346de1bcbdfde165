//! The shared tier, as the engine sees it: a store of opaque bytes that other processes see too, and
//! the exchanges of the coherence protocol.
//!
//! Nothing here waits. What is asked for is answered later, on a thread of the store.

use bytes::Bytes;

use crate::clock::Timestamp;
use crate::coherence::event::{Command, Event, Request};
use crate::wake::WakeOnDrop;

/// Where an entry lies: a hash of its class, scope and key. The full key is checked in the entry.
pub type Address = [u8; 16];

/// The store did not answer, in time or at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unavailable;

/// Called once with what lies at an address. Who waited for it is woken when the result is dropped:
/// a store that has several answers drops those together.
pub type Receive = Box<dyn FnOnce(Result<Option<Bytes>, Unavailable>) -> WakeOnDrop + Send>;

/// The request for the lease of an address: to generate it, so that no other instance does meanwhile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LeaseRequest {
    /// The life of the table that is followed.
    pub epoch: u64,
    /// What is known now of invalidations: what is generated from here on is dated by it.
    pub position: u64,
    /// A lease from before this position is of no use: what it brings is outdated already.
    pub outdated: u64,
    /// Whether it is of no interest if anything lies at the address.
    pub only_absent: bool,
    /// A leader that began longer ago than this number of ms is waited for no longer: its lease is
    /// taken over.
    pub patience_ms: u32,
    /// How long the lease lives without a renewal, in ms.
    pub life_ms: u32,
}

/// The answer to a [`LeaseRequest`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LeaseReply {
    /// No other instance generates it until the lease ends.
    Granted,
    /// Another instance does.
    HeldElsewhere,
    /// Hit-for-miss, for this number of ms: the last generations were not stored, so nobody waits.
    HitForMiss(u32),
    /// An entry lies there, and no lease was taken.
    EntryExists,
    /// There was no answer, or there are no leases here.
    Unavailable,
}

/// How a lease ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LeaseEnd {
    /// It is free again.
    Released,
    /// Something was stored, so that it pays again to wait for each other.
    Stored,
    /// Nothing was stored, and will not be soon: a hit-for-miss, longer each time.
    Uncacheable,
}

/// Called once with the answer to a claim, and with what lies at the address; as [`Receive`].
pub type ReceiveLease =
    Box<dyn FnOnce(LeaseReply, Result<Option<Bytes>, Unavailable>) -> WakeOnDrop + Send>;

/// Makes the bytes to be stored, and how long they live in milliseconds. `None` if they are not to
/// be stored any more.
pub type Make = Box<dyn FnOnce() -> Option<(Vec<u8>, u64)> + Send>;

/// A store other processes see.
pub trait SharedStore: Send + Sync {
    /// Asks for the entry at an address. It leaves with the next [`SharedStore::flush`].
    fn read(&self, address: Address, receive: Receive);

    /// Claims an address and asks for its entry, in one turn. It leaves with the next
    /// [`SharedStore::flush`], or by itself after a pause in ms.
    fn claim(
        &self,
        address: Address,
        claim: LeaseRequest,
        pause_ms: Option<u32>,
        receive: ReceiveLease,
    );

    /// Ends a lease of this process, if it still has it.
    fn end(&self, address: Address, ending: LeaseEnd);

    /// Sends what was asked for since the last time: the requests of one tick travel together.
    fn flush(&self);

    /// Stores an entry in the background, made on the store's thread. `weight` is its size in bytes,
    /// roughly: what waits is bounded, and beyond that the oldest is dropped.
    /// A lease that is to end ends after it.
    fn write(&self, address: Address, weight: usize, ends: bool, make: Make);

    /// Calls `done` once everything written so far is stored or dropped.
    fn drain(&self, done: Box<dyn FnOnce() + Send>);

    /// Exchanges commands of the protocol; the answers go to the [`Listener`].
    fn exchange(&self, commands: Vec<(Request, Command)>);

    /// This process ends: nobody need wait for it any more. Takes 60 ms at most.
    fn leave(&self);

    /// Drops the writes that wait.
    fn forget_writes(&self);

    /// How it is.
    fn health(&self) -> Health;
}

/// Who is told what the store hears.
pub trait Listener: Send + Sync {
    /// Takes an event in; what is returned is to be exchanged with the store.
    fn on(&self, event: Event) -> Vec<(Request, Command)>;

    /// When [`Event::Tick`] is due next.
    fn next_timer(&self) -> Option<Timestamp>;

    /// The leases that go on: asked for twice in a second.
    fn leases(&self) -> Vec<Address> {
        Vec::new()
    }

    /// The server answers, and does not do what some part needs; `None` once it does again.
    fn refuses(&self, _: Option<(Refusal, Part)>) {}

    /// The room the server gives: told once.
    fn has_room(&self, _: Room) {}

    /// The server is of this version, which is older than what is supported.
    fn is_old(&self, _version: &str) {}

    /// The server lacks these commands of those that the protocol needs.
    fn lacks(&self, _commands: &str) {}

    /// The server refuses the login: that is for whoever runs the process to know.
    fn refused(&self) {}

    /// The present moment on the engine's clock.
    fn now(&self) -> Timestamp;
}

/// Why a server that answers does not do what it is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// The user may not touch the keys.
    Keys,
    /// The user may not run this command, or the server does not have it.
    Command(&'static str),
    /// The user may not run some command that a script uses; the server does not say which.
    Commands,
    /// It answers with an error that begins with this.
    Error(&'static str),
}

impl Refusal {
    /// `keys`, a command, `commands`, or the code of an error.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Keys => "keys",
            Self::Commands => "commands",
            Self::Command(name) | Self::Error(name) => name,
        }
    }
}

/// The room a server gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Room {
    /// Its bound in bytes; 0 = none.
    pub most_bytes: u64,
    /// What it does at the bound; one of [`POLICIES`].
    pub policy: &'static str,
}

/// What servers may do at their bound.
pub const POLICIES: [&str; 8] = [
    "noeviction",
    "allkeys-lru",
    "allkeys-lfu",
    "allkeys-random",
    "volatile-lru",
    "volatile-lfu",
    "volatile-random",
    "volatile-ttl",
];

impl Room {
    /// What is wrong with it for a cache; `None` if nothing is.
    pub fn fault(self) -> Option<&'static str> {
        match self {
            Self { most_bytes: 0, .. } => {
                Some("it has no bound and grows until the machine is full")
            }
            Self { policy: "noeviction", .. } => Some("once it is full it refuses every write"),
            _ => None,
        }
    }
}

/// What suffers from a refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// The agreement on invalidations.
    Invalidations,
    /// Entries that others see.
    Entries,
    /// Who generates.
    Leases,
}

/// How the store is, for statistics.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Health {
    /// Connections open now.
    pub connections: u32,
    /// Whether it is given up for now: only probes are sent.
    pub is_broken: bool,
    /// How often it was given up.
    pub breaks: u64,
    /// Connections replaced because nothing came back.
    pub replaced: u64,
    /// Exchanges and reads that were not answered in time.
    pub timeouts: u64,
    /// Writes that wait, and their bytes.
    pub queued_writes: u64,
    /// See above.
    pub queued_bytes: u64,
    /// Writes dropped because too many waited.
    pub dropped_writes: u64,
    /// What the server refuses now: see [`Refusal::as_str`]; empty if nothing.
    pub refuses: &'static str,
}
