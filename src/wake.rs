//! Wakes waits. A JavaScript thread holds many of them, and knows each by its token.
//!
//! [`bells`] has a thread look. No wait is woken under a lock: tickets are collected, and dropping the collection wakes them.

pub mod bells;

use std::mem;
use std::sync::Arc;

use crate::coherence::event::Outcome;
use crate::entry::Entry;

/// A thread that holds waits.
pub trait Wake: Send + Sync {
    /// Ends the wait with this `token`.
    fn wake(&self, token: u32, notice: Notice);

    /// The same for several waits, which may be cheaper than one by one.
    fn wake_many(&self, many: Vec<(u32, Notice)>) {
        for (token, notice) in many {
            self.wake(token, notice);
        }
    }
}

/// What a wait ends with.
#[derive(Debug, Clone)]
pub enum Notice {
    /// A generation ended, or the store replied: look again.
    LookAgain,
    /// An entry was found.
    Delivered(Arc<Entry>),
    /// An invalidation ended.
    Invalidated(Outcome),
}

/// One wait: the thread that holds it, and the token by which that thread knows it.
#[derive(Clone)]
pub struct Ticket {
    waker: Arc<dyn Wake>,
    token: u32,
}

impl Ticket {
    /// The wait that `waker` knows as `token`.
    pub fn new(waker: Arc<dyn Wake>, token: u32) -> Self {
        Self { waker, token }
    }

    /// Ends the wait.
    pub fn wake(self, notice: Notice) {
        self.waker.wake(self.token, notice);
    }
}

impl std::fmt::Debug for Ticket {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ticket").field("token", &self.token).finish_non_exhaustive()
    }
}

/// Whether a wait has begun with the ticket passed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use = "a wait that is pending ends with a notice"]
pub enum Wait {
    /// It has, and ends with a notice.
    Pending,
    /// There is nothing to wait for.
    Needless,
}

/// Waits that end when this is dropped, so that none is forgotten; those of a thread end together.
#[derive(Default)]
#[must_use = "dropping it wakes; it must not be dropped under a lock"]
pub struct WakeOnDrop(Vec<(Arc<dyn Wake>, Notices)>);

/// Tokens of one thread, and what each wait ends with.
type Notices = Vec<(u32, Notice)>;

impl WakeOnDrop {
    /// Waits that all end with the same notice.
    pub fn all(tickets: impl IntoIterator<Item = Ticket>, notice: &Notice) -> Self {
        let mut woken = Self::default();
        for ticket in tickets {
            woken.add(ticket, notice.clone());
        }
        woken
    }

    /// Adds one.
    pub fn add(&mut self, Ticket { waker, token }: Ticket, notice: Notice) {
        // One waker per JavaScript thread: a few.
        match self.0.iter_mut().find(|(other, _)| Arc::ptr_eq(other, &waker)) {
            Some((_, many)) => many.push((token, notice)),
            None => self.0.push((waker, vec![(token, notice)])),
        }
    }

    /// Adds those of `other`.
    pub fn join(&mut self, mut other: Self) {
        for (waker, many) in mem::take(&mut other.0) {
            for (token, notice) in many {
                self.add(Ticket::new(waker.clone(), token), notice);
            }
        }
    }
}

impl Drop for WakeOnDrop {
    fn drop(&mut self) {
        for (waker, many) in mem::take(&mut self.0) {
            waker.wake_many(many);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sync::Mutex;

    /// Records how many waits were woken together.
    #[derive(Default)]
    struct Together(Mutex<Vec<usize>>);

    impl Wake for Together {
        fn wake(&self, _: u32, _: Notice) {
            self.0.lock().push(1);
        }

        fn wake_many(&self, many: Vec<(u32, Notice)>) {
            self.0.lock().push(many.len());
        }
    }

    #[test]
    fn those_of_one_waker_are_woken_together_and_nobody_is_forgotten() {
        let wakers = [Arc::new(Together::default()), Arc::new(Together::default())];
        let mut woken = WakeOnDrop::default();
        let mut more = WakeOnDrop::default();
        for token in 0..6 {
            let waker = wakers[usize::from(token == 3)].clone();
            let to = if token < 2 { &mut woken } else { &mut more };
            to.add(Ticket::new(waker, token), Notice::LookAgain);
        }
        woken.join(more);
        assert!(wakers.iter().all(|waker| waker.0.lock().is_empty()));
        drop(woken);
        assert_eq!(wakers.map(|waker| waker.0.lock().clone()), [vec![5], vec![1]]);
    }
}
