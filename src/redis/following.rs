//! What this process waits for: the ends of generations in other instances.
//!
//! # Format
//! Each instance subscribes to a channel of its own. A claim that finds another instance leading
//! leaves this one's name beside the lease, in one step, and whoever ends that lease publishes the
//! 32 hexadecimal digits of the address on the channel of each name. So nobody asks in vain, nothing
//! is sent where nobody follows, and no message can pass between the claim and a subscription.
//!
//! A message may still be lost, and a user may lack the right to it. An instance follows only once
//! it has heard itself say `hello` on its channel, asks at once when it loses the connection, and
//! asks in any case after a while.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use crate::bounded::Bounded;
use crate::generation::limits::MOST_KEYS;
use crate::key::Hash128;
use crate::store::{self, Address};

/// What an instance says to itself.
pub(super) const HELLO: &str = "hello";

/// The generations of other instances that gets wait for.
pub(super) struct Following {
    /// Whether what others publish arrives.
    hears: AtomicBool,
    /// By address: whether the end has been told. Whoever waits for it has a receiver.
    awaited: Mutex<Bounded<watch::Sender<bool>>>,
}

impl Default for Following {
    fn default() -> Self {
        let awaited = Mutex::new(Bounded::new(MOST_KEYS));
        Self { hears: AtomicBool::new(false), awaited }
    }
}

impl Following {
    /// Whether what others publish arrives.
    pub(super) fn hears(&self) -> bool {
        self.hears.load(Ordering::Relaxed)
    }

    /// Prepares for the end of a generation, which may be told before anybody waits for it. False if
    /// it cannot be told, or if too many are waited for.
    pub(super) fn expect(&self, address: Address) -> bool {
        if !self.hears() {
            return false;
        }
        let new = || watch::Sender::new(false);
        let mut awaited = self.awaited.lock();
        let Some(one) = awaited.get_or_insert(hash(address), new, |one| !is_awaited(one)) else {
            return false;
        };
        if !is_awaited(one) {
            // That was of an earlier generation.
            one.send_replace(false);
        }
        true
    }

    /// Nothing will be told, unless somebody waits.
    pub(super) fn forget(&self, address: Address) {
        let mut awaited = self.awaited.lock();
        if awaited.get(hash(address)).is_some_and(|one| !is_awaited(one)) {
            awaited.remove(hash(address));
        }
    }

    /// Waits until a generation has ended, or for this long.
    pub(super) async fn wait(&self, address: Address, at_most: Duration) {
        let told = self.awaited.lock().get(hash(address)).map(watch::Sender::subscribe);
        match told {
            Some(mut told) => drop(timeout(at_most, told.wait_for(|is_told| *is_told)).await),
            None => sleep(at_most).await,
        }
        self.forget(address);
    }

    /// Takes in what was published on the channel of this instance.
    pub(super) fn hear(&self, published: &[u8]) {
        if published == HELLO.as_bytes() {
            self.hears.store(true, Ordering::Relaxed);
            return;
        }
        let address = std::str::from_utf8(published).ok().and_then(store::address_of);
        let awaited = self.awaited.lock();
        if let Some(one) = address.and_then(|address| awaited.get(hash(address))) {
            tell(one);
        }
    }

    /// The connection is lost, and messages with it: whoever waits asks.
    pub(super) fn lose(&self) {
        self.hears.store(false, Ordering::Relaxed);
        self.look();
    }

    /// Whoever waits asks now.
    pub(super) fn look(&self) {
        self.awaited.lock().values().for_each(tell);
    }
}

fn is_awaited(one: &watch::Sender<bool>) -> bool {
    one.receiver_count() > 0
}

fn tell(one: &watch::Sender<bool>) {
    one.send_replace(true);
}

fn hash(address: Address) -> Hash128 {
    Hash128::from_be_bytes(address)
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;
    use futures_util::future::join;
    use tokio::runtime::Builder;

    use super::*;

    const ADDRESS: Address = [7; 16];
    const FOR_EVER: Duration = Duration::from_hours(1);

    fn hearing() -> Following {
        let following = Following::default();
        following.hear(HELLO.as_bytes());
        following
    }

    fn told(following: &Following, address: Address) {
        following.hear(store::digits(address).as_bytes());
    }

    fn run<T>(work: impl Future<Output = T>) -> T {
        let runtime = Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(work)
    }

    /// Whether a wait ends at once.
    fn is_over(wait: impl Future) -> bool {
        run(async { std::pin::pin!(wait).now_or_never().is_some() })
    }

    #[test]
    fn who_does_not_hear_itself_is_not_told() {
        let following = Following::default();
        assert!(!following.expect(ADDRESS));
        following.hear(b"hello, world");
        assert!(!following.expect(ADDRESS));
        following.hear(HELLO.as_bytes());
        assert!(following.expect(ADDRESS));
        following.lose();
        assert!(!following.expect(ADDRESS));
    }

    #[test]
    fn what_is_told_ends_the_wait_for_it_before_and_after_it_begins() {
        let following = hearing();
        following.expect(ADDRESS);
        assert!(!is_over(following.wait(ADDRESS, FOR_EVER)), "nobody has told it");
        following.expect(ADDRESS);
        following.expect([8; 16]);
        told(&following, ADDRESS);
        assert!(!is_over(following.wait([8; 16], FOR_EVER)), "that is another one");
        assert!(is_over(following.wait(ADDRESS, FOR_EVER)));
        following.expect(ADDRESS);
        let waits = join(following.wait(ADDRESS, FOR_EVER), following.wait(ADDRESS, FOR_EVER));
        let both = join(waits, async { told(&following, ADDRESS) });
        assert!(run(async { timeout(Duration::from_secs(10), both).await }).is_ok());
    }

    #[test]
    fn what_was_told_of_one_generation_ends_no_wait_for_the_next() {
        let following = hearing();
        following.expect(ADDRESS);
        told(&following, ADDRESS);
        following.expect(ADDRESS);
        assert!(!is_over(following.wait(ADDRESS, FOR_EVER)));
    }

    #[test]
    fn with_the_connection_every_wait_ends() {
        let following = hearing();
        for nth in 0..3 {
            following.expect([nth; 16]);
        }
        following.lose();
        assert!((0..3).all(|nth| is_over(following.wait([nth; 16], FOR_EVER))));
    }

    #[test]
    fn nothing_is_kept_of_what_nobody_waits_for() {
        let following = hearing();
        for nth in 0..2 * MOST_KEYS as u128 {
            assert!(following.expect(nth.to_be_bytes()));
        }
        assert_eq!(following.awaited.lock().len(), MOST_KEYS);
        following.forget((2 * MOST_KEYS as u128 - 1).to_be_bytes());
        assert_eq!(following.awaited.lock().len(), MOST_KEYS - 1);
        let last = 2 * MOST_KEYS as u128 - 2;
        assert!(!is_over(following.wait(last.to_be_bytes(), FOR_EVER)));
    }
}
