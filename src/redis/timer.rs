//! The moment that the store's thread waits for: told of a change only if that is earlier, since being
//! told costs both threads more than most events do.

use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::Notify;
use tokio::time::timeout;

use std::time::Duration;

use crate::clock::Timestamp;

/// The thread is about to look, and will see what was changed before.
const LOOKS: u64 = 0;

/// See the module.
pub(super) struct Timer {
    due: AtomicU64,
    changed: Notify,
}

impl Timer {
    pub(super) fn new() -> Self {
        Self { due: AtomicU64::new(LOOKS), changed: Notify::new() }
    }

    /// Whether the thread would come too late for a listener with this next moment. Asked after the
    /// moment was changed.
    pub(super) fn is_late(&self, next: Option<Timestamp>) -> bool {
        micros(next) < self.due.load(Ordering::SeqCst)
    }

    /// The moment may have changed.
    pub(super) fn rearm(&self) {
        self.changed.notify_one();
    }

    /// Waits for the next moment, which `look` tells, or for a change of it. Returns whether it has
    /// come.
    pub(super) async fn wait(
        &self,
        look: impl Fn() -> Option<Timestamp>,
        now: impl FnOnce() -> Timestamp,
    ) -> bool {
        self.due.store(LOOKS, Ordering::SeqCst);
        let next = look();
        self.due.store(micros(next), Ordering::SeqCst);
        // Who changed it in between has seen that the thread looks, and told nobody.
        if self.is_late(look()) {
            return false;
        }
        let Some(due) = next else {
            self.changed.notified().await;
            return false;
        };
        let wait = Duration::from_micros(due.since_us(now()));
        wait.is_zero() || timeout(wait, self.changed.notified()).await.is_err()
    }
}

fn micros(next: Option<Timestamp>) -> u64 {
    next.map_or(u64::MAX, |next| next.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    fn runtime() -> tokio::runtime::Runtime {
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
    }

    #[test]
    fn only_an_earlier_moment_is_told() {
        let timer = Timer::new();
        assert!(!timer.is_late(Some(Timestamp(1))), "it looks before it waits");
        runtime().block_on(async {
            let waits = timer.wait(|| Some(Timestamp(1_000_000)), || Timestamp(0));
            let waits = timeout(Duration::from_millis(10), waits);
            assert!(waits.await.is_err());
        });
        assert!(!timer.is_late(Some(Timestamp(1_000_001))) && !timer.is_late(None));
        assert!(timer.is_late(Some(Timestamp(999_999))));
    }

    #[test]
    fn a_change_while_it_looks_is_seen() {
        let (timer, looks) = (Timer::new(), Cell::new(0));
        let look = || {
            looks.set(looks.get() + 1);
            // Between the two looks another thread changes it, and is told that nobody waits.
            (looks.get() > 1).then_some(Timestamp(5))
        };
        runtime().block_on(async {
            assert!(!timer.wait(look, || Timestamp(0)).await);
            assert!(timer.wait(look, || Timestamp(5)).await);
        });
    }

    #[test]
    fn a_change_that_is_told_ends_the_wait() {
        let timer = Timer::new();
        timer.rearm();
        runtime().block_on(async { assert!(!timer.wait(|| None, || Timestamp(0)).await) });
    }
}
