//! What an operator asks of the shared tier from outside: the commands of `tiercel`.
//!
//! [`server`] is the server as an operator sees it, step by step and node by node; [`judge`] says
//! what a get would answer with an entry; [`fleet`] what instances tell of themselves, [`account`] what
//! they remember, and [`history`] what they counted in the last hour; [`purge`] invalidates as an
//! instance of the fleet. An [`Operator`] takes one [`order`](orders) after the other and answers in
//! JSON, which programs read as it is.
//!
//! Nothing here changes an entry, except where the order says so.

pub mod account;
pub mod fleet;
pub mod history;
pub mod judge;
pub mod orders;
pub mod purge;
pub mod server;

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use parking_lot::Mutex;
use serde_json::{Value, json};

use self::judge::AgingOf;
use self::orders::{Order, Place};
use self::server::{Known, Listed, Scan, Server, Stored, Trouble};
use crate::clock::Clock;
use crate::codec::{Broken, Codec, Frame};
use crate::engine::Tier;
use crate::key::Class;
use crate::options::{Options, SharedOptions};
use crate::store::{self, Address};
use crate::tags::{MAX_LIFE_US, TagList};

/// Looks at one namespace of one server.
pub struct Operator {
    server: Arc<dyn Server>,
    options: Options,
    namespace: String,
    codec: Codec,
    aging_of: AgingOf,
    scan: Mutex<Option<Scanning>>,
    clock: Clock,
}

/// A scan under way.
struct Scanning {
    scan: Box<dyn Scan>,
    /// The first bytes of the entries on its last page.
    heads: HashMap<Address, Bytes>,
}

impl std::fmt::Debug for Operator {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Operator").field("namespace", &self.namespace).finish_non_exhaustive()
    }
}

/// An entry that was read and decoded, with what is known of it.
#[derive(Debug)]
pub struct Inspected {
    /// All but the body.
    pub about: Value,
    /// What the body is, by the number of its kind.
    pub format: u8,
    /// When it was generated, in ms since the epoch, on the server's clock.
    pub created_ms: f64,
    /// The bytes; see `next/value.rs`.
    pub body: Box<[u8]>,
}

impl Inspected {
    fn without_value(about: Value) -> Self {
        Self { about, format: u8::MAX, created_ms: 0.0, body: Box::default() }
    }
}

impl Operator {
    /// An operator of `server`. None without options of a shared tier.
    pub fn new(server: Arc<dyn Server>, options: Options, aging_of: AgingOf) -> Option<Self> {
        let shared = options.shared.as_ref()?;
        let codec = Tier::codec(shared, options.shared_entry_bytes());
        let namespace = shared.namespace.clone().unwrap_or_default();
        let (scan, clock) = (Mutex::default(), Clock::system());
        Some(Self { server, options, namespace, codec, aging_of, scan, clock })
    }

    /// What is known without the server.
    pub fn about(&self) -> Value {
        let shared = self.options.shared.as_ref();
        json!({
            "namespace": self.namespace,
            "place": shared.map(SharedOptions::place),
            "buildName": shared.and_then(|shared| shared.build_name.clone()),
            "hasSecret": shared.is_some_and(|shared| shared.secret.is_some()),
            "maxTags": self.options.max_tags,
            "memoryMb": self.options.memory_bytes >> 20,
            "commandTimeoutMs": shared.map(|shared| shared.command_timeout.as_millis() as u64),
            "invalidationGraceMs": shared.map(|shared| shared.invalidation_grace.as_millis() as u64),
        })
    }

    /// Ends the connections, until something is asked again.
    pub fn close(&self) {
        // It may have connections of its own.
        *self.scan.lock() = None;
        self.server.close();
    }

    /// Carries an order out, and blocks until that is done.
    ///
    /// # Errors
    /// The server cannot be used, or not for this.
    pub fn carry_out(&self, order: Order) -> Result<Value, Trouble> {
        match order {
            Order::Reach => Ok(json!(self.server.steps())),
            Order::Rights => Ok(json!(self.server.rights()?)),
            Order::Facts => Ok(json!(self.server.facts()?)),
            Order::Setup => Ok(json!(self.server.setup()?)),
            Order::Distance { rounds } => Ok(json!(self.server.distance(rounds.clamp(1, 100))?)),
            Order::Nodes => Ok(json!(self.server.nodes()?)),
            Order::Instances => Ok(json!(self.server.instances()?)),
            Order::Snapshots => Ok(json!(fleet::fleet(&self.server.published()?))),
            Order::Accounts { of } => Ok(json!(account::Accounts::of(&self.server.ask(&of)?))),
            Order::History => Ok(history::shown(&self.server.history()?)),
            Order::Table { tags } => Ok(judge::shown(&self.server.table(&orders::tags(&tags))?)),
            Order::Scan { rate } => {
                let scan = self.server.scan(rate.clamp(1, 1_000_000))?;
                let about = json!({ "total": scan.total(), "nodes": scan.nodes() });
                *self.scan.lock() = Some(Scanning { scan, heads: HashMap::new() });
                Ok(about)
            }
            Order::Page { build } => self.page(build.as_deref()),
            Order::Remove { addresses } => self.remove(&addresses),
            Order::Purge { tags, expire_secs, all } => {
                let what = purge::What::new(&tags, expire_secs, all);
                Ok(json!(purge::purge(&self.server, &self.options, &self.clock, &what)?))
            }
        }
    }

    /// Nobody waits for an answer any more: what blocks returns, so that the process can end.
    pub fn end(&self) {
        self.server.end();
    }

    /// The next entries of the scan under way. `build` tells entries of the present build from
    /// those of others.
    fn page(&self, build: Option<&str>) -> Result<Value, Trouble> {
        let mut scan = self.scan.lock();
        let Some(Scanning { scan, heads }) = scan.as_mut() else {
            return Err(Trouble::failed("no scan is under way"));
        };
        let page = scan.page()?;
        *heads = page.entries.iter().map(|one| (one.address, one.head.clone())).collect();
        let rows: Vec<Value> = page.entries.iter().map(|listed| self.row(listed, build)).collect();
        Ok(json!({
            "scanned": page.scanned,
            "isDone": page.is_done,
            "entries": rows,
        }))
    }

    /// Removes entries of the last page, as they were there: what was stored since stays.
    fn remove(&self, addresses: &[String]) -> Result<Value, Trouble> {
        let scan = self.scan.lock();
        let known = addresses.iter().filter_map(|text| {
            let address = store::address_of(text)?;
            let head = scan.as_ref()?.heads.get(&address)?.clone();
            Some(Known { address, head })
        });
        let known: Vec<Known> = known.collect();
        Ok(json!(self.server.remove(&known)?))
    }

    fn row(&self, listed: &Listed, build: Option<&str>) -> Value {
        let mut row = json!({
            "address": store::digits(listed.address),
            "bytes": listed.bytes,
            "ttlMs": listed.ttl_ms,
        });
        let more = match &listed.glance {
            Ok(glance) => {
                let here = self.address(glance.head.class, &glance.key, build);
                json!({
                    "kind": glance.head.format,
                    "key": String::from_utf16_lossy(&glance.key),
                    "tags": texts(&glance.tags),
                    "createdMs": glance.head.created.0 as f64 / 1e3,
                    "revalidateSecs": secs(glance.head.revalidate_us),
                    "expireSecs": secs(glance.head.expire_us),
                    "epoch": glance.head.epoch.to_string(),
                    "position": glance.head.position.0,
                    "rawBytes": glance.raw_bytes,
                    "isCompressed": glance.is_zipped,
                    "isSigned": glance.is_signed,
                    // Without a build nothing is known of those that have one.
                    "isOfBuild": here.map(|here| here == listed.address),
                })
            }
            Err(broken) => json!({ "broken": word(*broken) }),
        };
        merge(&mut row, more);
        row
    }

    /// Where the entry of a key lies; `None` if that depends on the build, and none is known.
    fn address(&self, class: Class, units: &[u16], build: Option<&str>) -> Option<Address> {
        let isolates = self.options.shared.as_ref().is_some_and(|shared| shared.isolate_fetch);
        let build =
            if store::is_of_build(class, isolates) { Some(build?.as_bytes()) } else { None };
        store::address(class, units, build)
    }

    /// Reads an entry, judges it, and decodes it. `None` if nobody can say where it lies.
    ///
    /// # Errors
    /// The server cannot be used.
    pub fn inspect(&self, place: &Place) -> Result<Option<Inspected>, Trouble> {
        let address = match place {
            Place::Address { address } => store::address_of(address),
            Place::Key { class, key, build } => {
                let units: Vec<u16> = key.encode_utf16().collect();
                self.address(*class, &units, build.as_deref())
            }
        };
        let Some(address) = address else { return Ok(None) };
        let Stored { bytes, ttl_ms, lease, pass_ms } = self.server.read(address)?;
        let address_text = store::digits(address);
        let mut about = json!({ "address": address_text, "lease": lease, "passMs": pass_ms });
        let Some(bytes) = bytes else { return Ok(Some(Inspected::without_value(about))) };
        merge(&mut about, json!({ "bytes": bytes.len(), "ttlMs": ttl_ms }));
        match self.codec.decode(&address, &bytes) {
            Ok(frame) => self.judged(about, frame).map(Some),
            Err(broken) => {
                merge(&mut about, json!({ "broken": word(broken) }));
                Ok(Some(Inspected::without_value(about)))
            }
        }
    }

    /// The entry of a frame, and what a get would answer now.
    fn judged(&self, mut about: Value, frame: Frame) -> Result<Inspected, Trouble> {
        let tags: Vec<String> = texts(&frame.tags);
        let table = self.server.table(&orders::tags(&tags))?;
        let head = frame.head;
        let aging = (self.aging_of)(self.options.spread, head.format, &frame.body);
        let judged = judge::judge(&frame, &table, aging);
        merge(
            &mut about,
            json!({
                "kind": head.format,
                "key": String::from_utf16_lossy(&frame.key),
                "tags": tags,
                "createdMs": head.created.0 as f64 / 1e3,
                "revalidateSecs": secs(head.revalidate_us),
                "expireSecs": secs(head.expire_us),
                "epoch": head.epoch.to_string(),
                "position": head.position.0,
                "rawBytes": frame.body.len(),
                "longestLifeSecs": MAX_LIFE_US / 1_000_000,
                "table": judge::shown(&table),
                "judged": judged,
            }),
        );
        let created_ms = head.created.0 as f64 / 1e3;
        Ok(Inspected { about, format: head.format, created_ms, body: frame.body })
    }
}

/// Why bytes are no entry, in a word.
fn word(broken: Broken) -> &'static str {
    match broken {
        Broken::Magic => "not an entry",
        Broken::Version => "written by a newer version",
        Broken::Flags => "written by a newer version, in a way that this one does not know",
        Broken::Length | Broken::Tags | Broken::Class => "damaged",
        Broken::TooLarge => "larger than maxEntryMb allows",
        Broken::Checksum => "damaged: the checksum differs",
        Broken::Unsigned => "not signed, and there is a secret",
        Broken::Mac => "signed with another secret, or at another place",
        Broken::Compression => "damaged: it does not decompress",
    }
}

fn texts(tags: &TagList) -> Vec<String> {
    tags.iter().map(|tag| String::from_utf8_lossy(tag).into_owned()).collect()
}

fn secs(us: Option<u64>) -> Option<f64> {
    us.map(|us| us as f64 / 1e6)
}

fn merge(into: &mut Value, more: Value) {
    if let (Value::Object(into), Value::Object(more)) = (into, more) {
        into.extend(more);
    }
}
