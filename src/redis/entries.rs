//! Entries: reads that travel together, and writes that wait in line.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use fred::interfaces::KeysInterface;
use fred::types::{Expiration, Key, RespVersion, Value};
use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::connect::{Link, within};
use super::failure::Failure;
use super::health::Backoff;
use super::refusals::Deed;
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
        let found = within(self.command_timeout, async {
            match <[Key; 1]>::try_from(keys) {
                Ok([key]) => link.client.get(key).await.map(|value| vec![value]),
                Err(keys) => link.client.mget(keys).await,
            }
        });
        // The claims leave first: what is stored after one was refused is then found.
        let claims = self.claim_all(link, &reads);
        let (claimed, found): (_, Result<Vec<Value>, Failure>) = tokio::join!(claims, found);
        self.note(link, &found);
        self.mind(Deed::Read, &found);
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
                let call = link.client.set::<Value, _, _>(key, bytes, expires, None, false);
                let written = within(WRITE_LIMIT, call).await;
                session.mind(Deed::Write, &written);
                writing.end(written.is_ok());
                if ends {
                    session.end_lease(address, Ending::Stored);
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
    drains: Arc<Mutex<Drains>>,
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

/// A write that is neither stored nor dropped yet, by its number.
struct Pending {
    drains: Arc<Mutex<Drains>>,
    number: u64,
}

/// Who waits until everything written before is stored or dropped.
#[derive(Default)]
struct Drains {
    next: u64,
    pending: BTreeSet<u64>,
    /// Each with the number of the first write it does not wait for.
    waiting: VecDeque<(u64, Box<dyn FnOnce() + Send>)>,
}

impl Pending {
    fn new(drains: &Arc<Mutex<Drains>>) -> Self {
        let mut held = drains.lock();
        let number = held.next;
        held.next += 1;
        held.pending.insert(number);
        Self { drains: drains.clone(), number }
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        self.drains.lock().pending.remove(&self.number);
        tell_drained(&self.drains);
    }
}

/// Tells those for whom nothing is pending any more.
fn tell_drained(drains: &Mutex<Drains>) {
    loop {
        let mut held = drains.lock();
        let first = held.pending.first().copied().unwrap_or(u64::MAX);
        let Some((_, done)) = held.waiting.pop_front_if(|(before, _)| *before <= first) else {
            return;
        };
        drop(held);
        guard(done);
    }
}

impl WriteQueue {
    pub(super) fn new(most_bytes: usize) -> Self {
        let (waiting, dropped) = (Mutex::default(), AtomicU64::default());
        Self { most_bytes, waiting, dropped, added: Notify::new(), drains: Arc::default() }
    }

    /// Calls `done` once everything added so far is stored or dropped; what is added later is not
    /// waited for.
    pub(super) fn drain(&self, done: Box<dyn FnOnce() + Send>) {
        let mut drains = self.drains.lock();
        let next = drains.next;
        drains.waiting.push_back((next, done));
        drop(drains);
        tell_drained(&self.drains);
    }

    /// Adds a write. Where there is no room, the oldest go: they are the nearest to being of no use.
    pub(super) fn add(&self, address: Address, weight: usize, ends: bool, make: Make) {
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
    }

    /// Drops all that wait.
    pub(super) fn clear(&self) {
        // Freed after the lock is: what a write holds may be large.
        let _freed = std::mem::take(&mut *self.waiting.lock());
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
        for nth in 0..4 {
            queue.add([nth; 16], 4, false, Box::new(|| None));
        }
        let mut health = Health::default();
        queue.add_to(&mut health);
        let told = (health.queued_writes, health.queued_bytes, health.dropped_writes);
        assert_eq!(told, (2, 8, 2));
        assert_eq!(queue.take().map(|write| write.address), Some([2; 16]));
        queue.add([9; 16], 11, false, Box::new(|| None));
        assert!(queue.take().is_none());
    }

    /// How often a drain that begins now was told to be over.
    fn drained(queue: &WriteQueue) -> Arc<AtomicU64> {
        let told = Arc::new(AtomicU64::new(0));
        let tell = told.clone();
        queue.drain(Box::new(move || {
            tell.fetch_add(1, Ordering::Relaxed);
        }));
        told
    }

    #[test]
    fn a_drain_waits_for_what_was_added_before_it_only() {
        let queue = WriteQueue::new(100);
        let add = |nth| queue.add([nth; 16], 1, false, Box::new(|| None));
        add(1);
        let first = drained(&queue);
        add(2);
        let second = drained(&queue);
        add(3);
        let told = || (first.load(Ordering::Relaxed), second.load(Ordering::Relaxed));
        let (one, two) = (queue.take(), queue.take());
        assert_eq!(told(), (0, 0));
        // They may end in any order.
        drop(two);
        assert_eq!(told(), (0, 0));
        drop(one);
        assert_eq!(told(), (1, 1));
        assert_eq!(drained(&queue).load(Ordering::Relaxed), 0);
        queue.clear();
        assert_eq!(drained(&queue).load(Ordering::Relaxed), 1);
    }
}
