//! What other threads have for a thread of JavaScript: waits that end, entries that left memory, and
//! lines for the operator.

use std::mem;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;

use super::Handler;
use crate::coherence::event::Outcome;
use crate::entry::Entry;
use crate::key::Hash128;
use crate::notice::{Ear, Notice as Line};
use crate::options::SharedOptions;
use crate::wake::bells::{self, Bell};
use crate::wake::{Notice, Wake};

/// A thread of JavaScript, as other threads reach it.
pub trait Environment: Send + Sync {
    /// An entry left memory: its object goes too.
    fn release(&self, entry: &Entry);
}

/// The inbox of a thread.
#[derive(Debug, Default)]
pub struct Inbox<B> {
    letters: Mutex<Letters>,
    /// Whether the bell has rung and the thread has not looked yet.
    has_rung: AtomicBool,
    /// The bell of that thread.
    pub bell: Arc<B>,
}

/// The contents of an inbox.
#[derive(Debug, Default)]
pub struct Letters {
    /// Waits that end, by token.
    pub woken: Vec<(u32, Notice)>,
    /// Entries that left memory, by hash and number.
    pub released: Vec<(Hash128, u64)>,
    /// Lines for the operator.
    pub lines: Vec<Line>,
    /// Whether the thread ends: it takes no more lines.
    is_closed: bool,
}

/// How a wait ends for JavaScript.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WaitEnd {
    /// It is over.
    Done,
    /// An invalidation could not be recorded, and that is an error here.
    Failed,
}

impl<B: Bell + 'static> Inbox<B> {
    /// Has the thread look.
    pub fn call(&self) {
        let has_rung = self.has_rung.swap(true, Ordering::AcqRel);
        bells::ring((!has_rung).then_some(&self.bell));
    }

    /// What arrived since the last look.
    pub fn take(&self) -> Letters {
        self.has_rung.store(false, Ordering::Release);
        let mut letters = self.letters.lock();
        let is_closed = letters.is_closed;
        mem::replace(&mut *letters, Letters { is_closed, ..Letters::default() })
    }

    /// Lines since the last look.
    pub fn take_lines(&self) -> Vec<Line> {
        mem::take(&mut self.letters.lock().lines)
    }

    /// The thread ends. Returns the lines that it has not passed on; it takes no more.
    pub fn close(&self) -> Vec<Line> {
        let mut letters = self.letters.lock();
        letters.is_closed = true;
        mem::take(&mut letters.lines)
    }

    /// Entries that left memory since the last look.
    pub fn take_released(&self) -> Vec<(Hash128, u64)> {
        mem::take(&mut self.letters.lock().released)
    }
}

impl<B: Bell + 'static> Environment for Inbox<B> {
    fn release(&self, entry: &Entry) {
        self.letters.lock().released.push((entry.hash, entry.id));
        self.call();
    }
}

impl<B: Bell + 'static> Wake for Inbox<B> {
    fn wake(&self, token: u32, notice: Notice) {
        self.wake_many(vec![(token, notice)]);
    }

    fn wake_many(&self, many: Vec<(u32, Notice)>) {
        self.letters.lock().woken.extend(many);
        self.call();
    }
}

impl<B: Bell + 'static> Ear for Inbox<B> {
    fn hear(&self, line: &Line) -> bool {
        let mut letters = self.letters.lock();
        if letters.is_closed {
            return false;
        }
        letters.lines.push(line.clone());
        drop(letters);
        self.call();
        true
    }
}

impl Handler<'_> {
    /// Handles the notice that ended the wait of `token`.
    pub fn take_in(self, token: u32, notice: Notice) -> WaitEnd {
        if let Notice::Invalidated(outcome) = notice {
            self.invalidated(token, outcome);
        }
        match notice {
            Notice::Delivered(entry) => self.thread.deliver(entry.hash, entry),
            Notice::Invalidated(Outcome::Here) if self.must_record() => return WaitEnd::Failed,
            Notice::Invalidated(_) | Notice::LookAgain => {}
        }
        WaitEnd::Done
    }

    fn must_record(self) -> bool {
        self.engine.options.shared.as_ref().is_some_and(SharedOptions::must_record)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicU32;

    use super::*;
    use crate::notice::Code;

    impl Bell for AtomicU32 {
        fn ring(&self) {
            self.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[test]
    fn the_bell_rings_once_until_the_thread_looks() {
        let inbox: Inbox<AtomicU32> = Inbox::default();
        let rings = || inbox.bell.load(Ordering::Relaxed);
        inbox.wake(1, Notice::LookAgain);
        inbox.wake(2, Notice::LookAgain);
        assert_eq!((rings(), inbox.take().woken.len()), (1, 2));
        inbox.wake(3, Notice::LookAgain);
        assert_eq!((rings(), inbox.take().woken.len(), inbox.take().woken.len()), (2, 1, 0));
    }

    #[test]
    fn a_thread_that_ends_gives_back_the_lines_it_has_and_takes_no_more() {
        let inbox: Inbox<AtomicU32> = Inbox::default();
        let line = |text: &str| Line { code: Code::Back, text: text.into() };
        assert!(inbox.hear(&line("one")) && inbox.hear(&line("two")));
        assert_eq!(inbox.take_lines(), [line("one"), line("two")]);
        assert!(inbox.hear(&line("three")));
        assert_eq!(inbox.close(), [line("three")]);
        inbox.take();
        assert!(!inbox.hear(&line("four")));
        assert_eq!(inbox.close(), []);
    }
}
