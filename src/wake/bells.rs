//! Bells of threads of JavaScript. A thread that answers many calls in a row holds the bells back and
//! rings them once it has nothing more to do: each ring costs both threads more than an answer.

use std::cell::RefCell;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use crate::clock::stopwatch_ns;

/// Has a thread look into its inbox.
pub trait Bell: Send + Sync {
    /// Rings, if the thread still runs.
    fn ring(&self);
}

/// So many calls are held back at most, and for so long: the other thread may go on with them
/// meanwhile.
const MOST_CALLS: u32 = 16;
const LONGEST: Duration = Duration::from_micros(200);

thread_local! {
    static HELD: RefCell<Option<Held>> = const { RefCell::new(None) };
}

#[derive(Default)]
struct Held {
    bells: Vec<Arc<dyn Bell>>,
    calls: u32,
    /// When the first of them came, on the stopwatch.
    since_ns: u64,
}

impl Held {
    fn is_late(&self) -> bool {
        let held_ns = stopwatch_ns().saturating_sub(self.since_ns);
        self.calls > 0 && u128::from(held_ns) >= LONGEST.as_nanos()
    }

    fn take(&mut self) -> Vec<Arc<dyn Bell>> {
        self.calls = 0;
        std::mem::take(&mut self.bells)
    }
}

/// A thread that holds bells back until it calls [`release`], for as long as this lives.
pub struct Holding {
    /// It belongs to its thread.
    _thread: PhantomData<*const ()>,
}

/// From now on this thread holds bells back.
#[must_use]
pub fn hold() -> Holding {
    HELD.set(Some(Held::default()));
    Holding { _thread: PhantomData }
}

impl Drop for Holding {
    fn drop(&mut self) {
        ring_all(HELD.take().map(|held| held.bells));
    }
}

/// Rings those that were held back.
pub fn release() {
    ring_all(HELD.with_borrow_mut(|held| held.as_mut().map(Held::take)));
}

/// The same, if the first of them has waited for long: before something that may take a while.
pub fn release_late() {
    ring_all(
        HELD.with_borrow_mut(|held| held.as_mut().filter(|held| held.is_late()).map(Held::take)),
    );
}

/// Not while they are borrowed: who rings may do anything.
fn ring_all(bells: Option<Vec<Arc<dyn Bell>>>) {
    for bell in bells.unwrap_or_default() {
        bell.ring();
    }
}

/// Rings a bell, now or on release; `None` if it rings already, and more has come for its thread.
pub fn ring<B: Bell + 'static>(bell: Option<&Arc<B>>) {
    let waits = HELD.with_borrow_mut(|held| {
        let held = held.as_mut()?;
        held.bells.extend(bell.map(|bell| bell.clone() as Arc<dyn Bell>));
        let is_late = held.is_late();
        if held.calls == 0 {
            held.since_ns = stopwatch_ns();
        }
        held.calls += 1;
        Some(!is_late && held.calls < MOST_CALLS)
    });
    match waits {
        Some(true) => {}
        Some(false) => release(),
        None => bell.into_iter().for_each(|bell| bell.ring()),
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::thread;

    use super::*;

    #[derive(Default)]
    pub(crate) struct Counted(AtomicU32);

    impl Counted {
        pub(crate) fn rings(&self) -> u32 {
            self.0.load(Ordering::Relaxed)
        }
    }

    impl Bell for Counted {
        fn ring(&self) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// However slowly this thread runs, the first call has just come.
    fn stop_the_clock() {
        HELD.with_borrow_mut(|held| held.as_mut().unwrap().since_ns = u64::MAX);
    }

    fn age(by: Duration) {
        let then = stopwatch_ns() - by.as_nanos() as u64;
        HELD.with_borrow_mut(|held| held.as_mut().unwrap().since_ns = then);
    }

    #[test]
    fn a_bell_rings_at_once_unless_its_thread_holds_bells_back() {
        let bell = Arc::new(Counted::default());
        let rings = || bell.rings();
        ring(Some(&bell));
        assert_eq!(rings(), 1);
        thread::scope(|scope| {
            scope.spawn(|| {
                let holding = hold();
                ring(Some(&bell));
                stop_the_clock();
                ring::<Counted>(None);
                assert_eq!(rings(), 1);
                release();
                release();
                assert_eq!(rings(), 2);
                ring(Some(&bell));
                drop(holding);
                assert_eq!(rings(), 3);
                ring(Some(&bell));
                assert_eq!(rings(), 4);
            });
        });
    }

    #[test]
    fn many_calls_are_not_held_back() {
        let bell = Arc::new(Counted::default());
        let rings = || bell.rings();
        thread::scope(|scope| {
            scope.spawn(|| {
                let _holding = hold();
                ring(Some(&bell));
                stop_the_clock();
                for _ in 2..MOST_CALLS {
                    ring::<Counted>(None);
                }
                assert_eq!(rings(), 0);
                ring::<Counted>(None);
                assert_eq!(rings(), 1);
            });
        });
    }

    #[test]
    fn a_call_is_not_held_back_for_long() {
        let bell = Arc::new(Counted::default());
        let rings = || bell.rings();
        thread::scope(|scope| {
            scope.spawn(|| {
                let _holding = hold();
                release_late();
                ring(Some(&bell));
                stop_the_clock();
                release_late();
                assert_eq!(rings(), 0);
                age(LONGEST);
                release_late();
                assert_eq!(rings(), 1);
                ring(Some(&bell));
                age(LONGEST);
                ring::<Counted>(None);
                assert_eq!(rings(), 2);
            });
        });
    }
}
