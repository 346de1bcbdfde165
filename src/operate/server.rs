//! The server as an operator sees it. All calls block.

use std::sync::Arc;

use bytes::Bytes;
use serde::Serialize;

use crate::clock::Timestamp;
use crate::codec::{Broken, Glance};
use crate::coherence::event::Row;
use crate::error::Error;
use crate::store::{Address, Listener, SharedStore};
use crate::tags::{Epoch, Position, Tag};

/// A look at the shared tier from outside.
pub trait Server: Send + Sync {
    /// The way to the server, up to the first step that fails.
    fn steps(&self) -> Vec<Step>;

    /// Which of the needed commands the user may run.
    ///
    /// # Errors
    /// The server cannot be used; likewise below.
    fn rights(&self) -> Result<Vec<Right>, Trouble>;

    /// What the server says of itself.
    ///
    /// # Errors
    /// See above.
    fn facts(&self) -> Result<Facts, Trouble>;

    /// How it is set up, and what lies where its keys should.
    ///
    /// # Errors
    /// See above.
    fn setup(&self) -> Result<Setup, Trouble>;

    /// How far away it is, by so many round trips.
    ///
    /// # Errors
    /// See above.
    fn distance(&self, rounds: usize) -> Result<Distance, Trouble>;

    /// What each primary says of itself: the part of the facts that changes all the time.
    ///
    /// # Errors
    /// See above.
    fn nodes(&self) -> Result<Vec<Node>, Trouble>;

    /// What the table of invalidations says of these tags.
    ///
    /// # Errors
    /// See above.
    fn table(&self, tags: &[Tag]) -> Result<Table, Trouble>;

    /// The instances that are listed.
    ///
    /// # Errors
    /// See above.
    fn instances(&self) -> Result<Vec<Instance>, Trouble>;

    /// Members of the table of invalidations.
    ///
    /// # Errors
    /// See above.
    fn table_rows(&self) -> Result<u64, Trouble>;

    /// What the listed instances tell of themselves.
    ///
    /// # Errors
    /// See above.
    fn published(&self) -> Result<Published, Trouble>;

    /// Asks the listed instances about something, and waits for a second at most.
    ///
    /// # Errors
    /// See above.
    fn ask(&self, about: &str) -> Result<Vec<Answered>, Trouble>;

    /// What the instances counted together in the minutes of the last hour, the oldest first.
    ///
    /// # Errors
    /// See above.
    fn history(&self) -> Result<Minutes, Trouble>;

    /// Ends the connections. The next call opens new ones.
    fn close(&self);

    /// What lies at an address.
    ///
    /// # Errors
    /// See above.
    fn read(&self, address: Address) -> Result<Stored, Trouble>;

    /// Begins a scan of all entries, of at most `rate` keys a second.
    ///
    /// # Errors
    /// See above.
    fn scan(&self, rate: u32) -> Result<Box<dyn Scan>, Trouble>;

    /// Removes entries from the server, each only while it is the one that was listed.
    ///
    /// # Errors
    /// See above.
    fn remove(&self, entries: &[Known]) -> Result<Freed, Trouble>;

    /// Nobody waits for an answer any more: a call that blocks returns at once, with a trouble.
    fn end(&self);

    /// Joins the fleet: a store for one more instance, with this bound of the table.
    ///
    /// # Errors
    /// It cannot be started.
    fn join(
        &self,
        listener: Arc<dyn Listener>,
        most_rows: usize,
    ) -> Result<Arc<dyn SharedStore>, Error>;
}

/// A scan under way.
pub trait Scan: Send {
    /// Keys of all nodes, of whatever use.
    fn total(&self) -> u64;

    /// The nodes that are read, in words.
    fn nodes(&self) -> Vec<String>;

    /// The next entries. Waits as long as the rate requires.
    ///
    /// # Errors
    /// A node cannot be used.
    fn page(&mut self) -> Result<Page, Trouble>;
}

/// Some entries.
#[derive(Debug, Default)]
pub struct Page {
    /// The entries found.
    pub entries: Vec<Listed>,
    /// Keys looked at so far.
    pub scanned: u64,
    /// Whether that was the last page.
    pub is_done: bool,
}

/// An entry in a list.
#[derive(Debug)]
pub struct Listed {
    /// Where it lies.
    pub address: Address,
    /// Bytes it takes in the server.
    pub bytes: u64,
    /// How long it still lives.
    pub ttl_ms: i64,
    /// What its front claims.
    pub glance: Result<Glance, Broken>,
    /// Its first bytes: epoch, position and time of a generation are among them.
    pub head: Bytes,
}

/// An entry as it was listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    /// Where it lies.
    pub address: Address,
    /// Its first bytes.
    pub head: Bytes,
}

/// What was removed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Freed {
    /// Entries that were there still.
    pub removed: u64,
    /// The bytes that they took.
    pub bytes: u64,
}

/// What lies at an address.
#[derive(Debug, Default)]
pub struct Stored {
    /// The entry.
    pub bytes: Option<Bytes>,
    /// How long it still lives.
    pub ttl_ms: i64,
    /// The lease of its generation.
    pub lease: Option<Lease>,
    /// For how long no get waits for it, because the last generations stored nothing.
    pub pass_ms: Option<u64>,
}

/// The lease of a generation.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Lease {
    /// The instance that generates.
    pub instance: String,
    /// For how long it has.
    pub age_ms: u64,
    /// How long the lease lives without a renewal.
    pub left_ms: i64,
    /// Leaders before it that timed out.
    pub timed_out: u64,
}

/// One step on the way to the server.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Step {
    /// `dns`, `tcp`, `socket`, `tls`, `login`, `database`, `sentinel`, `cluster`, `primary`,
    /// `answer` or `write`.
    pub name: &'static str,
    /// What it was tried on.
    pub target: String,
    /// Whether it succeeded.
    pub is_fine: bool,
    /// What came of it, without a secret.
    pub detail: String,
    /// How long it took.
    pub ms: f64,
}

/// A command, and whether the user may run it.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Right {
    /// As access lists spell it.
    pub command: &'static str,
    /// `invalidations`, `entries`, `leases`, `app` or `command line`.
    pub part: &'static str,
    /// `allowed`, `denied`, `missing`, `keys` or `unknown`.
    pub state: &'static str,
}

/// What a server says of itself.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Facts {
    /// Each primary.
    pub nodes: Vec<Node>,
    /// Members of the table of invalidations; none where they may not be counted.
    pub table_rows: Option<u64>,
}

/// How a server is set up.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Setup {
    /// Whether the server is a cluster.
    pub is_cluster: bool,
    /// Settings that are read with `CONFIG GET`, by name; none where that is forbidden.
    pub settings: std::collections::BTreeMap<String, String>,
    /// Keys of the protocol that have another type than they should, with that type.
    pub strangers: Vec<String>,
}

/// How far away a server is.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Distance {
    /// Times of a round trip, in ms, shortest first.
    pub round_trips_ms: Vec<f64>,
    /// The server's clock minus that of this machine, in ms.
    pub clock_ms: f64,
}

/// One primary.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Node {
    /// Host and port.
    pub server: String,
    /// Fields of `INFO`, by name.
    pub info: std::collections::BTreeMap<String, String>,
    /// Why its memory does not suit a cache.
    pub fault: Option<&'static str>,
    /// Why it says nothing, if it does not.
    pub trouble: Option<String>,
}

/// The table of invalidations, as far as some tags are concerned.
#[derive(Debug, Clone, Default)]
pub struct Table {
    /// Its life; none if there is no table.
    pub epoch: Option<Epoch>,
    /// The last position given.
    pub last: Position,
    /// No entry below this is valid.
    pub floor: Position,
    /// The tags that were ever invalidated.
    pub rows: Vec<Row>,
    /// The server's clock.
    pub now: Timestamp,
}

/// An instance that is listed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Instance {
    /// Its random name.
    pub id: String,
    /// What it has applied.
    pub applied: u64,
}

/// What the listed instances tell of themselves.
#[derive(Debug, Clone, Default)]
pub struct Published {
    /// The server's clock.
    pub now: Timestamp,
    /// Each that is listed, and the bytes that it has published.
    pub instances: Vec<(String, Option<Bytes>)>,
}

/// An instance that was asked.
#[derive(Debug, Clone, Default)]
pub struct Answered {
    /// Its random name.
    pub id: String,
    /// What it answered in time.
    pub account: Option<Bytes>,
    /// The last snapshot of one that did not.
    pub snapshot: Option<Bytes>,
}

/// What the instances counted together.
#[derive(Debug, Clone, Default)]
pub struct Minutes {
    /// The server's clock.
    pub now: Timestamp,
    /// Minutes since the epoch, the oldest first, and what lies there.
    pub rows: Vec<(u64, Bytes)>,
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Trouble {
    /// `unreachable`, `login`, `denied` or `failed`.
    pub kind: &'static str,
    /// In words, without a secret.
    pub detail: String,
}

impl Trouble {
    /// Something else went wrong.
    pub fn failed(detail: impl Into<String>) -> Self {
        Self { kind: "failed", detail: detail.into() }
    }
}
