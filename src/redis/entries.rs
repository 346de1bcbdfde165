//! Entries: reads that travel together, and queued writes.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use fred::clients::Client;
use fred::interfaces::KeysInterface;
use fred::types::{Expiration, Key, RespVersion, Value};
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::connect::{Connection, within};
use super::failure::Failure;
use super::health::Backoff;
use super::queue::{Write, Writing};
use super::refusals::Deed;
use super::session::Session;
use crate::clock::stopwatch_ns;
use crate::guard::guard;
use crate::store::{
    Address, LeaseEnd, LeaseReply, LeaseRequest, Receive, ReceiveLease, Unavailable,
};
use crate::wake::WakeOnDrop;
use crate::wake::bells;

/// Entries in one call: with more, the first would wait for the last.
const TOGETHER: usize = 16;
/// Bytes of answers after which waiting gets are woken: waking costs more than reading a small
/// entry, and less than reading a large one.
const WAKE_BYTES: usize = 64 << 10;
/// Writes under way together.
const MOST_WRITES: usize = 4;
/// Commands for which a turn may wait: what lies there, and then who generates it. A look at what
/// was stored in the meantime gets what is left of that time.
const MOST_WAITS: u32 = 2;
/// Limit of one write; no get waits for it.
const WRITE_LIMIT: Duration = Duration::from_secs(2);

/// An address, and the request for its lease that goes with the read or follows it.
pub(super) type Claim = (Address, Option<LeaseRequest>);
/// The reply to a claim, and what lies at its address.
pub(super) type Finding = (LeaseReply, Found);
/// What lies at an address.
pub(super) type Found = Result<Option<Bytes>, Unavailable>;

/// A read that a get waits for. It is always answered: dropping it answers too.
pub(super) struct Read {
    pub(super) address: Address,
    /// The lease request that goes with it, or follows it.
    pub(super) claim: Option<LeaseRequest>,
    receive: Option<ReceiveLease>,
}

impl Read {
    pub(super) fn new(address: Address, receive: Receive) -> Self {
        let receive: ReceiveLease = Box::new(|_, result| receive(result));
        Self { address, claim: None, receive: Some(receive) }
    }

    pub(super) fn with_claim(address: Address, claim: LeaseRequest, receive: ReceiveLease) -> Self {
        Self { address, claim: Some(claim), receive: Some(receive) }
    }

    fn answer(
        mut self,
        claimed: LeaseReply,
        result: Result<Option<Bytes>, Unavailable>,
    ) -> WakeOnDrop {
        let receive = self.receive.take();
        receive.and_then(|receive| guard(|| receive(claimed, result))).unwrap_or_default()
    }
}

impl Drop for Read {
    fn drop(&mut self) {
        if let Some(receive) = self.receive.take() {
            drop(guard(|| receive(LeaseReply::Unavailable, Err(Unavailable))));
        }
    }
}

impl Session {
    /// Reads entries. Without a connection all are answered immediately.
    pub(super) fn read(self: &Arc<Self>, reads: Vec<Read>) {
        let Some(link) = self.link() else { return drop(reads) };
        let left = self.read_ahead(&link, reads);
        self.read_by_link(&link, left);
    }

    /// Reads entries over the link.
    pub(super) fn read_by_link(self: &Arc<Self>, link: &Arc<Connection>, reads: Vec<Read>) {
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

    /// A get that has nothing claims only where it finds nothing: most of the time it finds an
    /// entry, and needs no lease. One that has a stale entry needs a lease whatever it finds: its
    /// claim leaves first, so that an entry stored after a claim was refused is found.
    async fn read_some(self: Arc<Self>, link: &Arc<Connection>, reads: Vec<Read>) {
        let began = stopwatch_ns();
        let asked: Vec<Claim> = reads.iter().map(|read| (read.address, read.claim)).collect();
        let Some(told) = self.look(link, &asked).await else { return };
        self.answer_reads(link, reads.into_iter().zip(told), began);
    }

    /// Answers reads with what lies there. Those that found nothing claim first, if they want to. The
    /// turn began at `began` of the stopwatch.
    pub(super) fn answer_reads(
        self: &Arc<Self>,
        link: &Arc<Connection>,
        told: impl IntoIterator<Item = (Read, Finding)>,
        began: u64,
    ) {
        let (mut found, mut missing) = (Vec::new(), Vec::new());
        for (read, (reply, entry)) in told {
            let claims_later = read.claim.filter(|claim| claim.only_absent);
            match (claims_later, &entry) {
                (Some(claim), Ok(None)) => missing.push((read, claim)),
                (Some(_), _) => found.push((read, (LeaseReply::EntryExists, entry))),
                (None, _) => found.push((read, (reply, entry))),
            }
        }
        deliver(found);
        // With more in one call, the first would wait for the last.
        while !missing.is_empty() {
            let some: Vec<(Read, LeaseRequest)> =
                missing.drain(..missing.len().min(TOGETHER)).collect();
            let (session, link) = (self.clone(), link.clone());
            tokio::spawn(async move {
                let asked: Vec<Claim> =
                    some.iter().map(|(read, claim)| (read.address, Some(*claim))).collect();
                let told = session.claim_absent(&link, &asked, began).await;
                deliver(some.into_iter().map(|(read, _)| read).zip(told));
            });
        }
    }

    /// Reads, and makes the claims that leave with the reads; `None` if the server does not answer.
    async fn look(
        self: &Arc<Self>,
        link: &Arc<Connection>,
        asked: &[Claim],
    ) -> Option<Vec<Finding>> {
        let early = |claim: &LeaseRequest| !claim.only_absent;
        let early: Vec<Claim> =
            asked.iter().map(|(at, claim)| (*at, claim.filter(early))).collect();
        let addresses = asked.iter().map(|(address, _)| *address).collect();
        let (claimed, found) = tokio::join!(
            self.claim_all(link, &early),
            self.find(link, addresses, self.command_timeout)
        );
        if found.is_none() {
            // The gets will not learn of their leases.
            let taken = early.iter().zip(&claimed).filter(|(_, one)| **one == LeaseReply::Granted);
            taken.for_each(|((address, _), _)| self.end_lease(*address, LeaseEnd::Released));
        }
        Some(claimed.into_iter().zip(found?).collect())
    }

    /// Claims addresses where nothing lay, and finds what was stored there in the meantime. The
    /// turn began at `began` of the stopwatch.
    async fn claim_absent(
        self: &Arc<Self>,
        link: &Arc<Connection>,
        claims: &[Claim],
        began: u64,
    ) -> Vec<Finding> {
        let replies = self.claim_all(link, claims).await;
        let mut told: Vec<Finding> = replies.into_iter().map(|reply| (reply, Ok(None))).collect();
        let (addresses, stored): (Vec<_>, Vec<_>) = claims
            .iter()
            .zip(&mut told)
            .filter(|(_, (reply, _))| *reply == LeaseReply::EntryExists)
            .map(|((address, _), finding)| (*address, finding))
            .unzip();
        if addresses.is_empty() {
            return told;
        }
        let spent = Duration::from_nanos(stopwatch_ns().saturating_sub(began));
        let left = (self.command_timeout * MOST_WAITS).saturating_sub(spent);
        let again = match left.min(self.command_timeout) {
            Duration::ZERO => None,
            limit => self.find(link, addresses, limit).await,
        };
        match again {
            Some(again) => {
                stored.into_iter().zip(again).for_each(|((_, found), entry)| *found = entry);
            }
            // The caller asks no more questions then.
            None => stored
                .into_iter()
                .for_each(|finding| *finding = (LeaseReply::Unavailable, Err(Unavailable))),
        }
        told
    }

    /// What lies at each of the addresses, in order; `None` if the server does not say that in time.
    async fn find(
        self: &Arc<Self>,
        link: &Arc<Connection>,
        addresses: Vec<Address>,
        limit: Duration,
    ) -> Option<Vec<Found>> {
        let count = addresses.len();
        let keys: Vec<Key> = addresses.into_iter().map(|one| self.keys.entry(one)).collect();
        // Losing a shard loses its keys, and nothing else.
        let elsewhere = keys.first().filter(|key| !link.client.is_with_table(key)).cloned();
        let found = within(limit, async {
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
        let sent = stopwatch_ns();
        let found: Result<Vec<Value>, Failure> = found.await;
        if found.is_ok() {
            self.counters.answered(sent);
        }
        // With less time than a command has, a late answer says nothing of the server.
        let is_hurried = limit < self.command_timeout;
        if is_hurried && matches!(found, Err(Failure::TimedOut)) {
            return None;
        }
        if let Some(key) = &elsewhere {
            link.client.note(key, &found);
        } else {
            self.note(link, &found);
            self.mind(Deed::Read, &found);
        }
        // A reply of another length cannot be matched to the addresses.
        let found = found.ok().filter(|found| found.len() == count)?;
        Some(found.into_iter().map(entry).collect())
    }

    /// Writes queued entries, for as long as the store lives.
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

    /// Writes while the connection holds. A write under way when it is lost is lost too.
    async fn write_to(self: &Arc<Self>, link: &Arc<Connection>) {
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
            // It may take long.
            bells::release();
            let Some(Some((bytes, life_ms))) = guard(make) else {
                if ends {
                    self.end_lease(address, LeaseEnd::Released);
                }
                continue;
            };
            let (session, link) = (self.clone(), link.clone());
            let expires = Some(Expiration::PX(life_ms.clamp(1, i64::MAX as u64) as i64));
            let writing = Writing::new(&self.writes);
            under_way.spawn(async move {
                let (key, bytes) = (session.keys.entry(address), Value::Bytes(bytes.into()));
                let set = |client: Client| {
                    let (key, bytes, expires) = (key.clone(), bytes.clone(), expires.clone());
                    async move { client.set::<Value, _, _>(key, bytes, expires, None, false).await }
                };
                let call = Box::pin(link.client.at(&key, set));
                let written = within(WRITE_LIMIT, call).await;
                session.mind(Deed::Write, &written);
                let is_written = written.is_ok();
                writing.end(is_written);
                if ends {
                    let ending = if is_written { LeaseEnd::Stored } else { LeaseEnd::Released };
                    session.end_lease(address, ending);
                }
                drop(pending);
            });
        }
    }
}

/// Answers reads, and wakes their gets together.
fn deliver(answers: impl IntoIterator<Item = (Read, Finding)>) {
    let (mut woken, mut bytes) = (WakeOnDrop::default(), 0);
    for (read, (reply, entry)) in answers {
        let weight = entry.as_ref().map_or(0, |bytes| bytes.as_ref().map_or(0, Bytes::len));
        // Those before a large one do not wait until it is read either.
        if weight >= WAKE_BYTES {
            wake(&mut woken);
        }
        woken.join(read.answer(reply, entry));
        bytes += weight;
        if bytes >= WAKE_BYTES {
            wake(&mut woken);
            bytes = 0;
        }
    }
}

/// Wakes the waiters of a batch, however long this thread goes on.
fn wake(batch: &mut WakeOnDrop) {
    drop(std::mem::take(batch));
    bells::release();
}

/// What lies at an address, if it is a string at all.
fn entry(value: Value) -> Found {
    match value {
        Value::Null => Ok(None),
        Value::Bytes(bytes) => Ok(Some(bytes)),
        Value::String(text) => Ok(Some(text.into_inner())),
        _ => Err(Unavailable),
    }
}

#[cfg(test)]
mod tests {
    use parking_lot::Mutex;

    use super::*;
    use crate::wake::bells::tests::Counted;

    /// How often a waiter has been rung for each time an entry of these sizes is read, on a thread
    /// that holds bells back.
    fn rings_before(sizes: [usize; 3]) -> Vec<u32> {
        let (bell, seen) = (Arc::new(Counted::default()), Arc::new(Mutex::new(Vec::new())));
        let answers = sizes.map(|size| {
            let (bell, seen) = (bell.clone(), seen.clone());
            let receive = Box::new(move |_| {
                seen.lock().push(bell.rings());
                bells::ring(Some(&bell));
                WakeOnDrop::default()
            });
            let read = Read::new([0; 16], receive);
            (read, (LeaseReply::Unavailable, Ok(Some(Bytes::from(vec![0; size])))))
        });
        let on_a_thread = std::thread::spawn(move || {
            let _holding = bells::hold();
            deliver(answers);
        });
        on_a_thread.join().unwrap();
        Arc::try_unwrap(seen).unwrap().into_inner()
    }

    #[test]
    fn nobody_waits_for_a_large_entry_of_somebody_else() {
        assert_eq!(rings_before([1, WAKE_BYTES, 1]), [0, 1, 2]);
        assert_eq!(rings_before([WAKE_BYTES / 2, WAKE_BYTES / 2, 1]), [0, 0, 2]);
    }
}
