//! Locks for tests: with `shuttle`, a test tries thread orders that hardly ever occur on a real
//! machine, and detects deadlocks.

use std::cell::Cell;
use std::ops::{Deref, DerefMut};
use std::panic::{AssertUnwindSafe, catch_unwind};

use shuttle::Runner;
use shuttle::scheduler::{PctScheduler, RandomScheduler, Scheduler};
use shuttle::sync as turns;

/// Orders tried per scenario.
const ORDERS: usize = 600;
/// The same with `TIERCEL_SHUTTLE=long`.
const MANY_ORDERS: usize = 60_000;
/// Orders within which a scenario that must fail does; usually it takes far fewer.
const FAILING_ORDERS: usize = 50_000;
/// Half of the orders target bugs that need at most this number of thread switches, and find them
/// more often than chance would.
const CHANGES: usize = 3;

thread_local! {
    /// Whether this thread explores orders. All threads of a scenario are coroutines on it.
    static EXPLORES: Cell<bool> = const { Cell::new(false) };
}

/// Runs a scenario repeatedly, each time in another thread order. Panics, and reports the order, if
/// the scenario panics or deadlocks.
pub(crate) fn explore(scenario: impl Fn() + Send + Sync + Clone + 'static) {
    let is_long = std::env::var("TIERCEL_SHUTTLE").is_ok_and(|how| how == "long");
    explore_in(if is_long { MANY_ORDERS } else { ORDERS }, scenario);
}

fn explore_in(orders: usize, scenario: impl Fn() + Send + Sync + Clone + 'static) {
    run(RandomScheduler::new(orders / 2), scenario.clone());
    run(PctScheduler::new(CHANGES, orders / 2), scenario);
}

/// Whether some order makes the scenario panic with a message that contains `word`.
pub(crate) fn is_found_out(
    word: &str,
    scenario: impl Fn() + Send + Sync + Clone + 'static,
) -> bool {
    let explored = catch_unwind(AssertUnwindSafe(|| explore_in(FAILING_ORDERS, scenario)));
    let Err(panic) = explored else { return false };
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    text.is_some_and(|text| text.contains(word))
}

fn run(orders: impl Scheduler + 'static, scenario: impl Fn() + Send + Sync + 'static) {
    struct Exploring;
    impl Drop for Exploring {
        fn drop(&mut self) {
            EXPLORES.set(false);
        }
    }
    EXPLORES.set(true);
    let _exploring = Exploring;
    Runner::new(orders, shuttle::Config::default()).run(scenario);
}

/// A lock at which other threads may run first.
pub(crate) struct Mutex<T> {
    value: parking_lot::Mutex<T>,
    /// The lock of `shuttle`, where orders are explored.
    turn: Option<turns::Mutex<()>>,
}

impl<T> Mutex<T> {
    pub(crate) fn new(value: T) -> Self {
        let turn = EXPLORES.get().then(|| turns::Mutex::new(()));
        Self { value: parking_lot::Mutex::new(value), turn }
    }

    pub(crate) fn lock(&self) -> Guard<'_, T> {
        // The holder of the turn gets the value without waiting.
        let turn = self.turn.as_ref().map(|turn| turn.lock().unwrap());
        Guard { value: self.value.lock(), _turn: turn }
    }
}

impl<T: Default> Default for Mutex<T> {
    fn default() -> Self {
        Self::new(T::default())
    }
}

/// Fields drop in this order: the value is unlocked before the turn ends and another thread may
/// run.
pub(crate) struct Guard<'a, T> {
    value: parking_lot::MutexGuard<'a, T>,
    _turn: Option<turns::MutexGuard<'a, ()>>,
}

impl<T> Deref for Guard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T> DerefMut for Guard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.value
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use shuttle::thread::spawn;

    use super::*;

    #[test]
    fn threads_that_wait_for_each_other_are_found_out() {
        let scenario = || {
            let locks = Arc::new([Mutex::new(0), Mutex::new(0)]);
            let crosswise = [(0, 1), (1, 0)].map(|(first, second)| {
                let locks = locks.clone();
                spawn(move || {
                    let _first = locks[first].lock();
                    *locks[second].lock() += 1;
                })
            });
            for thread in crosswise {
                thread.join().unwrap();
            }
        };
        assert!(is_found_out("deadlock", scenario));
    }

    #[test]
    fn who_waits_for_a_lock_of_its_own_is_found_out() {
        let scenario = || {
            let lock = Mutex::new(0);
            let _held = lock.lock();
            lock.lock();
        };
        assert!(is_found_out("already holds", scenario));
    }

    #[test]
    fn an_update_that_is_lost_in_some_order_is_found_out() {
        let add = |counter: &Mutex<u32>, is_one_step| {
            if is_one_step {
                *counter.lock() += 1;
            } else {
                let before = *counter.lock();
                *counter.lock() = before + 1;
            }
        };
        let scenario = move |is_one_step| {
            let counter = Arc::new(Mutex::new(0));
            let threads = [(); 2].map(|()| {
                let counter = counter.clone();
                spawn(move || add(&counter, is_one_step))
            });
            for thread in threads {
                thread.join().unwrap();
            }
            assert_eq!(*counter.lock(), 2, "an update is lost");
        };
        explore(move || scenario(true));
        assert!(is_found_out("an update is lost", move || scenario(false)));
    }

    #[test]
    fn where_nothing_is_tried_it_is_a_lock() {
        let lock = Mutex::new(1);
        *lock.lock() += 1;
        assert_eq!(*lock.lock(), 2);
    }
}
