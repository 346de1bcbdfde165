//! Bells of threads of JavaScript. A thread that answers many calls in a row holds the bells back and
//! rings them once it has nothing more to do: each ring costs both threads more than an answer.

use std::cell::RefCell;
use std::mem;
use std::sync::Arc;

/// Has a thread look into its inbox.
pub trait Bell: Send + Sync {
    /// Rings, if the thread still runs.
    fn ring(&self);
}

/// So many calls are held back at most: the other thread may go on with them meanwhile.
const MOST_CALLS: u32 = 16;

thread_local! {
    static HELD: RefCell<Option<Held>> = const { RefCell::new(None) };
}

#[derive(Default)]
struct Held {
    bells: Vec<Arc<dyn Bell>>,
    calls: u32,
}

/// From now on this thread holds bells back until it calls [`release`].
pub fn hold() {
    HELD.with_borrow_mut(|held| _ = held.get_or_insert_default());
}

/// Rings those that were held back.
pub fn release() {
    // Not while it is borrowed: who rings may do anything.
    let bells = HELD.with_borrow_mut(|held| held.as_mut().map(mem::take));
    for bell in bells.unwrap_or_default().bells {
        bell.ring();
    }
}

/// Rings a bell, now or on release; `None` if it rings already, and more has come for its thread.
pub fn ring<B: Bell + 'static>(bell: Option<&Arc<B>>) {
    let waits = HELD.with_borrow_mut(|held| {
        let held = held.as_mut()?;
        held.bells.extend(bell.map(|bell| bell.clone() as Arc<dyn Bell>));
        held.calls += 1;
        Some(held.calls < MOST_CALLS)
    });
    match waits {
        Some(true) => {}
        Some(false) => release(),
        None => bell.into_iter().for_each(|bell| bell.ring()),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::thread;

    use super::*;

    #[derive(Default)]
    struct Counted(AtomicU32);

    impl Bell for Counted {
        fn ring(&self) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[test]
    fn a_bell_rings_at_once_unless_its_thread_holds_bells_back() {
        let bell = Arc::new(Counted::default());
        let rings = || bell.0.load(Ordering::Relaxed);
        ring(Some(&bell));
        assert_eq!(rings(), 1);
        thread::scope(|scope| {
            scope.spawn(|| {
                hold();
                ring(Some(&bell));
                ring::<Counted>(None);
                assert_eq!(rings(), 1);
                release();
                release();
                assert_eq!(rings(), 2);
            });
        });
        ring(Some(&bell));
        assert_eq!(rings(), 3);
    }

    #[test]
    fn many_calls_are_not_held_back_for_long() {
        let bell = Arc::new(Counted::default());
        thread::scope(|scope| {
            scope.spawn(|| {
                hold();
                ring(Some(&bell));
                for _ in 2..MOST_CALLS {
                    ring::<Counted>(None);
                }
                assert_eq!(bell.0.load(Ordering::Relaxed), 0);
                ring::<Counted>(None);
                assert_eq!(bell.0.load(Ordering::Relaxed), 1);
            });
        });
    }
}
