//! What instances tell each other of themselves: every few seconds a snapshot, in a key of its own
//! for each instance, which expires.
//!
//! One SET does it. A field of a common hash would outlive its instance: fields have no time to live
//! before Redis 7.4, so somebody would have to remove it, and until then every reader to tell the
//! dead from the living by a clock. The key lies in the slot of the protocol, so that one command
//! reads all of them, in a cluster too; the list of instances says which there are. SET, UNLINK and
//! MGET are commands that entries need anyway, and the name fits the patterns that the protocol needs.
//!
//! It travels with a poll, in one packet: most of what a rare command costs a server is to wake up.
//!
//! Nothing depends on a snapshot: a lost one is not repeated, and no answer or silence about one says
//! anything of the connection.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use fred::interfaces::KeysInterface;
use fred::types::{Expiration, Value};
use tokio::task::spawn_blocking;
use tokio::time::sleep;

use super::connect::{Connection, within};
use super::failure::Failure;
use super::session::Session;
use crate::guard::guard;

/// Intervals that a snapshot lives: two may be lost before an instance seems to be gone.
const LIVES: u32 = 3;
/// Within this time there is a poll, as a rule. Shorter than any interval.
const POLLED: Duration = Duration::from_millis(600);

impl Session {
    /// Publishes snapshots, for as long as the store lives.
    pub(super) async fn keep_snapshots(self: Arc<Self>) {
        // Instances that are deployed together do not publish together.
        sleep(self.snapshot_every.mul_f64(random_share())).await;
        loop {
            self.publish().await;
            self.publish_minutes().await;
            let pause = self.snapshot_every.mul_f64(0.9 + 0.2 * random_share());
            sleep(pause.saturating_sub(POLLED)).await;
        }
    }

    async fn publish(&self) {
        let is_refused = self.snapshotless.is_on(self.listener.now());
        if !is_refused && self.link().is_some() {
            // Not here: counting decisions takes milliseconds, and polls do not wait for it.
            let listener = self.listener.clone();
            let made = spawn_blocking(move || guard(|| listener.snapshot()).flatten()).await;
            *self.snapshot.lock() = made.ok().flatten().map(Bytes::from);
        }
        sleep(POLLED).await;
        // One that must not poll may still tell so.
        let left = self.snapshot.lock().take();
        if let (Some(bytes), Some(link)) = (left, self.link()) {
            self.send_snapshot(&link, bytes).await;
        }
    }

    /// Sends the snapshot that is ready, if any, right behind a poll: it wakes no server and costs no
    /// packet of its own.
    pub(super) fn send_snapshot_along(self: &Arc<Self>, link: Arc<Connection>) {
        if let Some(bytes) = self.snapshot.lock().take() {
            let session = self.clone();
            tokio::spawn(async move { session.send_snapshot(&link, bytes).await });
        }
    }

    async fn send_snapshot(&self, link: &Connection, bytes: Bytes) {
        let life: Duration = self.snapshot_every * LIVES;
        let expires = Some(Expiration::PX(life.as_millis() as i64));
        let (key, bytes) = (self.keys.snapshot(&self.instance), Value::Bytes(bytes));
        let set = link.client.set::<Value, _, _>(key, bytes, expires, None, false);
        if let Err(Failure::Denied(_)) = within(self.command_timeout, Box::pin(set)).await {
            // A server that logs what it refuses is not to log this every few seconds.
            self.snapshotless.begin(self.listener.now());
        }
    }
}

/// From 0 to 1.
fn random_share() -> f64 {
    (super::random() >> 11) as f64 / (1_u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instances_that_begin_together_are_spread_over_the_interval() {
        let shares: Vec<f64> = (0..1_000).map(|_| random_share()).collect();
        assert!(shares.iter().all(|share| (0.0..1.0).contains(share)));
        for tenth in 0..10 {
            let of_tenth = |share: &&f64| (**share * 10.0) as u32 == tenth;
            let count = shares.iter().filter(of_tenth).count();
            assert!((50..=200).contains(&count), "{count} of 1000 in tenth {tenth}");
        }
    }
}
