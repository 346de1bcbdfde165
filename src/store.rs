//! The shared tier, as the engine sees it: a store of opaque bytes that other processes see too,
//! and the exchanges of the coherence protocol.
//!
//! No call blocks. The store answers a request later, on a thread of its own.

mod trouble;

use bytes::Bytes;

use crate::clock::Timestamp;
use crate::coherence::event::{Command, Event, Message, Request};
use crate::history::Row;
use crate::key::Class;
use crate::stats::Counted;
use crate::wake::WakeOnDrop;

pub use self::trouble::Trouble;

/// Where an entry lies: a hash of its class, scope and key. The full key is checked in the entry.
pub type Address = [u8; 16];

/// Whether an entry of this class belongs to one build, which its address then names.
pub fn is_of_build(class: Class, isolates_fetch: bool) -> bool {
    match class {
        // The key of an image is a digest of its URL, and the file behind that may belong to the
        // build, as those of `public` do.
        Class::Response | Class::Image => true,
        Class::Fetch => isolates_fetch,
        // Their keys name the build themselves, or are meant to survive it.
        Class::UseCache | Class::Own => false,
    }
}

/// Where the entry of a key lies, and of a build if it belongs to one.
pub fn address(class: Class, units: &[u16], build: Option<&[u8]>) -> Option<Address> {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&[class as u8]);
    if let Some(build) = build {
        hasher.update(&(build.len() as u64).to_le_bytes());
        hasher.update(build);
    }
    for units in units.chunks(256) {
        let mut bytes = [0; 512];
        for (to, unit) in bytes.chunks_exact_mut(2).zip(units) {
            to.copy_from_slice(&unit.to_le_bytes());
        }
        hasher.update(bytes.get(..units.len() * 2)?);
    }
    hasher.finalize().as_bytes().first_chunk().copied()
}

/// An address in 32 hexadecimal digits.
pub fn digits(address: Address) -> String {
    format!("{:032x}", u128::from_be_bytes(address))
}

/// The address that these digits spell.
pub fn address_of(digits: &str) -> Option<Address> {
    let is_whole = digits.len() == 32 && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    let number = is_whole.then(|| u128::from_str_radix(digits, 16).ok()).flatten()?;
    Some(number.to_be_bytes())
}

/// The store did not answer, in time or at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unavailable;

/// Called once with what lies at an address. Dropping the result wakes the waiter: a store that has
/// several answers drops their results together.
pub type Receive = Box<dyn FnOnce(Result<Option<Bytes>, Unavailable>) -> WakeOnDrop + Send>;

/// The request for the lease of an address: to generate its entry, while no other instance does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LeaseRequest {
    /// The life of the table that this process follows.
    pub epoch: u64,
    /// The position applied now: a generation that begins from here on is dated by it.
    pub position: u64,
    /// A lease from before this position is useless: the entry that it brings is outdated already.
    pub outdated: u64,
    /// Whether to take no lease if an entry lies at the address.
    pub only_absent: bool,
    /// Age in ms at which a leader has timed out: its lease is taken over.
    pub patience_ms: u32,
    /// How long the lease lives without a renewal, in ms.
    pub life_ms: u32,
    /// Whether this process waits, and wants to be told, if another instance has the lease.
    pub follows: bool,
}

/// The answer to a [`LeaseRequest`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LeaseReply {
    /// No other instance generates it until the lease ends.
    Granted,
    /// Another instance does.
    HeldElsewhere,
    /// Another instance does, and this one is told when that ends: there is no need to ask within
    /// this number of ms.
    Followed(u32),
    /// Hit-for-miss, for this number of ms: the last generations were not stored, so no get waits.
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
    /// Something was stored, so waiting for each other pays again.
    Stored,
    /// Nothing was stored, and will not be soon: a hit-for-miss, longer each time.
    Uncacheable,
}

/// Called once with the reply to the lease request, and with what lies at the address; see
/// [`Receive`].
pub type ReceiveLease =
    Box<dyn FnOnce(LeaseReply, Result<Option<Bytes>, Unavailable>) -> WakeOnDrop + Send>;

/// Makes the bytes to store, and their lifetime in milliseconds. `None` if they should not be
/// stored any more.
pub type Make = Box<dyn FnOnce() -> Option<(Vec<u8>, u64)> + Send>;

/// A store that other processes see too.
pub trait SharedStore: Send + Sync {
    /// Asks for the entry at an address. It leaves with the next [`SharedStore::flush`].
    fn read(&self, address: Address, receive: Receive);

    /// Reads the entry at an address and claims it: with the read or, if the claim is for an absent
    /// entry only, after a read that found none. The request leaves with the next
    /// [`SharedStore::flush`], or by itself after a pause in ms: earlier if the reply before was
    /// [`LeaseReply::Followed`], once this process is told.
    fn claim(
        &self,
        address: Address,
        claim: LeaseRequest,
        pause_ms: Option<u32>,
        receive: ReceiveLease,
    );

    /// Ends a lease, if this process still holds it.
    fn end(&self, address: Address, ending: LeaseEnd);

    /// Sends the requests made since the last call: the requests of one tick travel together.
    fn flush(&self);

    /// Stores an entry in the background, made on the store's thread. `weight` is its approximate
    /// size in bytes: the queue is bounded, and beyond that the oldest write is dropped. With
    /// `ends`, the lease ends after the write.
    fn write(&self, address: Address, weight: usize, ends: bool, make: Make);

    /// Calls `done` once every write so far is stored or dropped.
    fn drain(&self, done: Box<dyn FnOnce() + Send>);

    /// Exchanges commands of the protocol; the answers go to the [`Listener`].
    fn exchange(&self, commands: Vec<(Request, Command)>);

    /// Reports that this process ends, so that no other waits for it. Takes 60 ms at most.
    fn leave(&self);

    /// Drops the queued writes.
    fn forget_writes(&self);

    /// The state of the store.
    fn health(&self) -> Health;
}

/// Receives the events of the store.
pub trait Listener: Send + Sync {
    /// Handles an event; returns commands to exchange with the store.
    fn on(&self, event: Event) -> Vec<(Request, Command)>;

    /// When [`Event::Tick`] is due next.
    fn next_timer(&self) -> Option<Timestamp>;

    /// The leases to renew, asked for twice a second.
    fn leases(&self) -> Vec<Address> {
        Vec::new()
    }

    /// The server answers, but refuses what some part needs; `None` once it does it again.
    fn refuses(&self, _: Option<(Refusal, Part)>) {}

    /// The room that the server gives: reported once.
    fn has_room(&self, _: Room) {}

    /// Processes of the same build use this other namespace.
    fn has_kin(&self, _namespace: &str) {}

    /// The server has this version, which is older than the oldest supported.
    fn is_old(&self, _version: &str) {}

    /// The server lacks these commands, which the protocol needs.
    fn lacks(&self, _commands: &str) {}

    /// A message is about to be handed over that came from this other process, as that calls itself.
    fn hears(&self, _from: &str, _message: &Message) {}

    /// The server cannot be used, for this reason: told after [`Event::Unreachable`], since finding
    /// it may take a while.
    fn fails(&self, _: Trouble) {}

    /// What this process tells the others of itself, asked for every few seconds on a thread that may
    /// take its time; `None` if it keeps to itself.
    fn snapshot(&self) -> Option<Vec<u8>> {
        None
    }

    /// What this process remembers about something, when somebody asks all instances, on a thread
    /// that may take its time; `None` if it keeps that to itself.
    fn account(&self, _of: &str) -> Option<Vec<u8>> {
        None
    }

    /// The next minute of its history that is over and was not asked for before: see
    /// [`crate::history`].
    fn minute(&self) -> Option<Row> {
        None
    }

    /// The present moment on the engine's clock.
    fn now(&self) -> Timestamp;
}

/// Why a server that answers refuses a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// The user may not touch the keys.
    Keys,
    /// The user may not run this command, or the server lacks it.
    Command(&'static str),
    /// The user may not run some command of a script; the server does not say which.
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

/// How much room a server gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Room {
    /// Its bound in bytes; 0 = none.
    pub most_bytes: u64,
    /// Its policy at the bound; one of [`POLICIES`].
    pub policy: &'static str,
}

/// The policies that servers have at their bound.
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
    /// Why it does not suit a cache; `None` if it does.
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

/// The part that suffers from a refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// The agreement on invalidations.
    Invalidations,
    /// Entries that other instances see.
    Entries,
    /// Which instance generates.
    Leases,
}

/// The state of the store, for statistics.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Health {
    /// Connections open now.
    pub connections: u32,
    /// Whether it is given up for now: only probes are sent.
    pub is_broken: bool,
    /// How often it was given up.
    pub breaks: u64,
    /// Connections replaced because no answer came back.
    pub replaced: u64,
    /// Exchanges and reads that timed out.
    pub timeouts: u64,
    /// Queued writes, and their bytes.
    pub queued_writes: u64,
    /// See above.
    pub queued_bytes: u64,
    /// Writes dropped because too many were queued.
    pub dropped_writes: u64,
    /// A current refusal: see [`Refusal::as_str`]; empty if there is none.
    pub refuses: &'static str,
    /// Orders of the app's own code that the server refused.
    pub app_refusals: u64,
    /// How long reads and exchanges took that were answered, in microseconds.
    pub round_trips_us: Counted,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_spelled_and_read() {
        let place = [0xAB; 16];
        assert_eq!(address_of(&digits(place)), Some(place));
        for other in
            ["", "ab", &"g".repeat(32), &"a".repeat(33), "+0000000000000000000000000000000"]
        {
            assert_eq!(address_of(other), None, "{other}");
        }
    }
}
