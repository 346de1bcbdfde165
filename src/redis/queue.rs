//! Queued writes.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::guard::guard;
use crate::store::{Address, Health, Make};

/// Queued writes, bounded in bytes.
pub(super) struct WriteQueue {
    most_bytes: usize,
    waiting: Mutex<Waiting>,
    dropped: AtomicU64,
    pub(super) added: Notify,
    drains: Arc<Mutex<Drains>>,
}

#[derive(Default)]
struct Waiting {
    writes: VecDeque<Write>,
    bytes: usize,
}

pub(super) struct Write {
    pub(super) address: Address,
    weight: usize,
    pub(super) make: Make,
    pub(super) pending: Pending,
    /// Whether the lease ends with it.
    pub(super) ends: bool,
}

/// A write that is neither stored nor dropped yet, by its number.
pub(super) struct Pending {
    drains: Arc<Mutex<Drains>>,
    number: u64,
}

/// Callers that wait until every earlier write is stored or dropped.
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

/// Calls back every drain with no write pending any more.
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

    /// Calls `done` once every write added so far is stored or dropped; later writes do not delay
    /// it.
    pub(super) fn drain(&self, done: Box<dyn FnOnce() + Send>) {
        let mut drains = self.drains.lock();
        let next = drains.next;
        drains.waiting.push_back((next, done));
        drop(drains);
        tell_drained(&self.drains);
    }

    /// Adds a write. Without room, the oldest writes are dropped: they are closest to being
    /// useless. Returns the leases that were to end with them.
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

    /// Drops all queued writes. Returns the leases that were to end with them.
    pub(super) fn clear(&self) -> Vec<Address> {
        // Freed after the lock is released: a write may hold a lot.
        let freed = std::mem::take(&mut *self.waiting.lock());
        leases_of(&freed.writes)
    }

    pub(super) fn add_to(&self, health: &mut Health) {
        let waiting = self.waiting.lock();
        health.queued_writes = waiting.writes.len() as u64;
        health.queued_bytes = waiting.bytes as u64;
        health.dropped_writes = self.dropped.load(Ordering::Relaxed);
    }

    pub(super) fn take(&self) -> Option<Write> {
        let mut waiting = self.waiting.lock();
        let write = waiting.writes.pop_front()?;
        waiting.bytes -= write.weight;
        Some(write)
    }
}

fn leases_of<'a>(writes: impl IntoIterator<Item = &'a Write>) -> Vec<Address> {
    writes.into_iter().filter(|write| write.ends).map(|write| write.address).collect()
}

/// A write under way. Unless it finishes, it counts as dropped.
pub(super) struct Writing {
    queue: Arc<WriteQueue>,
    is_written: bool,
}

impl Writing {
    pub(super) fn new(queue: &Arc<WriteQueue>) -> Self {
        Self { queue: queue.clone(), is_written: false }
    }

    pub(super) fn end(mut self, is_written: bool) {
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

    /// Begins a drain; returns the number of times it was called back.
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
        let add = |nth| drop(queue.add([nth; 16], 1, false, Box::new(|| None)));
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
