//! Entries: reads that travel together, and writes that wait in line.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use fred::clients::Client;
use fred::interfaces::KeysInterface;
use fred::types::{Expiration, Key, RespVersion, Value};
use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::connect::{Link, within};
use super::failure::Failure;
use super::health::Backoff;
use super::session::Session;
use crate::guard::guard;
use crate::store::{
    Address, Claim, Claimed, Ending, Health, Make, Receive, ReceiveClaim, Unavailable, Woken,
};

/// Entries in one call: more would let the first wait for the last.
const TOGETHER: usize = 16;
/// Bytes of answers after which those who wait are woken: waking costs more than reading a small
/// entry, and less than reading a large one.
const WAKE_BYTES: usize = 64 << 10;
/// Writes under way at once.
const MOST_WRITES: usize = 4;
/// Limit of one write; nobody waits for it.
const WRITE_LIMIT: Duration = Duration::from_secs(2);

/// A read that somebody waits for. It is answered whatever happens to it.
pub(super) struct Read {
    pub(super) address: Address,
    /// The claim that goes with it.
    pub(super) claim: Option<Claim>,
    receive: Option<ReceiveClaim>,
}

impl Read {
    pub(super) fn new(address: Address, receive: Receive) -> Self {
        let receive: ReceiveClaim = Box::new(|_, result| receive(result));
        Self { address, claim: None, receive: Some(receive) }
    }

    pub(super) fn with_claim(address: Address, claim: Claim, receive: ReceiveClaim) -> Self {
        Self { address, claim: Some(claim), receive: Some(receive) }
    }

    fn answer(mut self, claimed: Claimed, result: Result<Option<Bytes>, Unavailable>) -> Woken {
        let receive = self.receive.take();
        receive.and_then(|receive| guard(|| receive(claimed, result))).unwrap_or_default()
    }
}

impl Drop for Read {
    fn drop(&mut self) {
        if let Some(receive) = self.receive.take() {
            drop(guard(|| receive(Claimed::Unavailable, Err(Unavailable))));
        }
    }
}

impl Session {
    /// Reads entries. Without a connection all are answered at once.
    pub(super) fn read(self: &Arc<Self>, reads: Vec<Read>) {
        let Some(link) = self.link() else { return drop(reads) };
        // The entries of a cluster lie on different servers.
        let together = if link.is_of_cluster { 1 } else { TOGETHER };
        let mut left = reads.into_iter();
        loop {
            let some: Vec<Read> = left.by_ref().take(together).collect();
            if some.is_empty() {
                return;
            }
            let (session, link) = (self.clone(), link.clone());
            tokio::spawn(async move { session.read_some(&link, some).await });
        }
    }

    async fn read_some(self: Arc<Self>, link: &Arc<Link>, reads: Vec<Read>) {
        let keys: Vec<Key> = reads.iter().map(|read| self.keys.entry(read.address)).collect();
        // A shard that is lost loses its keys, and nothing else.
        let elsewhere = keys.first().filter(|key| !link.client.is_with_table(key)).cloned();
        let found = within(self.command_timeout, async {
            match <[Key; 1]>::try_from(keys) {
                Ok([key]) => {
                    let get = |client: Client| {
                        let key = key.clone();
                        async move { client.get(key).await }
                    };
                    link.client.at(&key, get).await.map(|value| vec![value])
                }
                Err(keys) => link.client.mget(keys).await,
            }
        });
        // The claims leave first: what is stored after one was refused is then found.
        let claims = self.claim_all(link, &reads);
        let (claimed, found): (_, Result<Vec<Value>, Failure>) = tokio::join!(claims, found);
        match &elsewhere {
            Some(key) => link.client.note(key, &found),
            None => self.note(link, &found),
        }
        // A reply of another length says nothing of what lies where.
        let found = found.ok().filter(|found| found.len() == reads.len());
        if found.is_none() {
            // Who asked is told of no lease.
            let taken = reads.iter().zip(&claimed).filter(|(_, one)| **one == Claimed::Taken);
            taken.for_each(|(read, _)| self.end_lease(read.address, Ending::Released));
        }
        let (mut woken, mut bytes) = (Woken::default(), 0);
        let answers = claimed.into_iter().zip(found.into_iter().flatten());
        for (read, (claimed, value)) in reads.into_iter().zip(answers) {
            let entry = entry(value);
            bytes += entry.as_ref().map_or(0, |bytes| bytes.as_ref().map_or(0, Bytes::len));
            woken.join(read.answer(claimed, entry));
            if bytes >= WAKE_BYTES {
                // Those so far are dropped, which wakes them.
                (woken, bytes) = (Woken::default(), 0);
            }
        }
    }

    /// Writes what waits, for as long as the store lives.
    pub(super) async fn write(self: Arc<Self>) {
        let mut backoff = Backoff::default();
        loop {
            if let Ok(mut life) = self.connector.open(RespVersion::RESP2).await {
                let link = life.link().clone();
                let was_of_use = tokio::select! {
                    was_of_use = life.watch() => was_of_use,
                    () = self.write_to(&link) => true,
                };
                if was_of_use {
                    backoff.reset();
                }
            }
            sleep(backoff.next()).await;
        }
    }

    /// Writes, for as long as the connection holds. What is under way when it is lost, is lost too.
    async fn write_to(self: &Arc<Self>, link: &Arc<Link>) {
        let mut under_way = JoinSet::new();
        loop {
            if under_way.len() >= MOST_WRITES {
                under_way.join_next().await;
            }
            let Some(write) = self.writes.take() else {
                self.writes.added.notified().await;
                continue;
            };
            let Write { address, make, pending, ends, .. } = write;
            let Some(Some((bytes, life_ms))) = guard(make) else {
                if ends {
                    self.end_lease(address, Ending::Released);
                }
                continue;
            };
            let (session, link) = (self.clone(), link.clone());
            let expires = Some(Expiration::PX(life_ms.clamp(1, i64::MAX as u64) as i64));
            let writing = Writing { queue: self.writes.clone(), is_written: false };
            under_way.spawn(async move {
                let (key, bytes) = (session.keys.entry(address), Value::Bytes(bytes.into()));
                let set = |client: Client| {
                    let (key, bytes, expires) = (key.clone(), bytes.clone(), expires.clone());
                    async move { client.set::<Value, _, _>(key, bytes, expires, None, false).await }
                };
                let call = Box::pin(link.client.at(&key, set));
                let is_written = within(WRITE_LIMIT, call).await.is_ok();
                writing.end(is_written);
                if ends {
                    let ending = if is_written { Ending::Stored } else { Ending::Released };
                    session.end_lease(address, ending);
                }
                drop(pending);
            });
        }
    }
}

/// What lies at an address, if it is a string at all.
fn entry(value: Value) -> Result<Option<Bytes>, Unavailable> {
    match value {
        Value::Null => Ok(None),
        Value::Bytes(bytes) => Ok(Some(bytes)),
        Value::String(text) => Ok(Some(text.into_inner())),
        _ => Err(Unavailable),
    }
}

/// Writes that wait, bounded in bytes.
pub(super) struct WriteQueue {
    most_bytes: usize,
    waiting: Mutex<Waiting>,
    dropped: AtomicU64,
    added: Notify,
    drains: Arc<Drains>,
}

#[derive(Default)]
struct Waiting {
    writes: VecDeque<Write>,
    bytes: usize,
}

struct Write {
    address: Address,
    weight: usize,
    make: Make,
    pending: Pending,
    /// Whether a lease ends with it.
    ends: bool,
}

/// A write that is neither stored nor dropped yet. The last of them tells who waits for that.
struct Pending(Arc<Drains>);

#[derive(Default)]
struct Drains {
    pending: AtomicU64,
    waiting: Mutex<Vec<Box<dyn FnOnce() + Send>>>,
}

impl Pending {
    fn new(drains: &Arc<Drains>) -> Self {
        drains.pending.fetch_add(1, Ordering::AcqRel);
        Self(drains.clone())
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        if self.0.pending.fetch_sub(1, Ordering::AcqRel) == 1 {
            let waiting = std::mem::take(&mut *self.0.waiting.lock());
            for done in waiting {
                guard(done);
            }
        }
    }
}

impl WriteQueue {
    pub(super) fn new(most_bytes: usize) -> Self {
        let (waiting, dropped) = (Mutex::default(), AtomicU64::default());
        Self { most_bytes, waiting, dropped, added: Notify::new(), drains: Arc::default() }
    }

    /// Calls `done` once everything added so far is stored or dropped.
    pub(super) fn drain(&self, done: Box<dyn FnOnce() + Send>) {
        // What is pending until here keeps the others from being told before `done` is with them.
        let _pending = Pending::new(&self.drains);
        self.drains.waiting.lock().push(done);
    }

    /// Adds a write. Where there is no room, the oldest go: they are the nearest to being of no use.
    /// Returns the leases that were to end with those.
    pub(super) fn add(
        &self,
        address: Address,
        weight: usize,
        ends: bool,
        make: Make,
    ) -> Vec<Address> {
        let mut surplus = Vec::new();
        let mut waiting = self.waiting.lock();
        let pending = Pending::new(&self.drains);
        waiting.writes.push_back(Write { address, weight, make, pending, ends });
        waiting.bytes += weight;
        while waiting.bytes > self.most_bytes {
            let Some(oldest) = waiting.writes.pop_front() else { break };
            waiting.bytes -= oldest.weight;
            surplus.push(oldest);
        }
        drop(waiting);
        self.dropped.fetch_add(surplus.len() as u64, Ordering::Relaxed);
        self.added.notify_one();
        leases_of(&surplus)
    }

    /// Drops all that wait. Returns the leases that were to end with it.
    pub(super) fn clear(&self) -> Vec<Address> {
        // Freed after the lock is: what a write holds may be large.
        let freed = std::mem::take(&mut *self.waiting.lock());
        leases_of(&freed.writes)
    }

    pub(super) fn add_to(&self, health: &mut Health) {
        let waiting = self.waiting.lock();
        health.queued_writes = waiting.writes.len() as u64;
        health.queued_bytes = waiting.bytes as u64;
        health.dropped_writes = self.dropped.load(Ordering::Relaxed);
    }

    fn take(&self) -> Option<Write> {
        let mut waiting = self.waiting.lock();
        let write = waiting.writes.pop_front()?;
        waiting.bytes -= write.weight;
        Some(write)
    }
}

fn leases_of<'a>(writes: impl IntoIterator<Item = &'a Write>) -> Vec<Address> {
    writes.into_iter().filter(|write| write.ends).map(|write| write.address).collect()
}

/// A write under way. Unless it comes to its end, it is one that was dropped.
struct Writing {
    queue: Arc<WriteQueue>,
    is_written: bool,
}

impl Writing {
    fn end(mut self, is_written: bool) {
        self.is_written = is_written;
    }
}

impl Drop for Writing {
    fn drop(&mut self) {
        if !self.is_written {
            self.queue.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn beyond_the_bound_the_oldest_writes_are_dropped() {
        let queue = WriteQueue::new(10);
        let ended: Vec<_> =
            (0..4).flat_map(|nth| queue.add([nth; 16], 4, nth != 0, Box::new(|| None))).collect();
        assert_eq!(ended, [[1; 16]], "a lease does not outlive the write that was to end it");
        let mut health = Health::default();
        queue.add_to(&mut health);
        let told = (health.queued_writes, health.queued_bytes, health.dropped_writes);
        assert_eq!(told, (2, 8, 2));
        assert_eq!(queue.take().map(|write| write.address), Some([2; 16]));
        assert_eq!(queue.add([9; 16], 11, true, Box::new(|| None)), [[3; 16], [9; 16]]);
        assert!(queue.take().is_none());
        assert_eq!(queue.add([7; 16], 1, true, Box::new(|| None)).len(), 0);
        assert_eq!(queue.clear(), [[7; 16]]);
    }
}
