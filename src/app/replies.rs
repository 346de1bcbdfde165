//! Answers on their way to a thread of JavaScript.

use std::collections::HashMap;
use std::mem;
use std::sync::Arc;

use parking_lot::Mutex;

use super::cells::{Cell, Ruling};
use crate::wake::{Notice, Wake};

/// What came of an order.
#[derive(Debug, Clone, PartialEq)]
pub enum Reply {
    /// A row that begins with a word.
    Row(Vec<Cell>),
    /// What a limit says: there are many, so that these are numbers.
    Ruling(Ruling),
}

/// Answers that one thread waits for, by token; `None` as long as they have not come.
#[derive(Debug, Default)]
pub struct Replies(Mutex<HashMap<u32, Option<Reply>>>);

impl Replies {
    /// The answer for a token, if it has come. From then on nobody waits for it.
    pub fn take(&self, token: u32) -> Option<Reply> {
        self.0.lock().remove(&token).flatten()
    }

    fn expect(&self, token: u32) {
        self.0.lock().insert(token, None);
    }

    /// Whether anybody waits for it.
    fn put(&self, token: u32, reply: Reply) -> bool {
        let mut held = self.0.lock();
        let place = held.get_mut(&token);
        let is_awaited = place.is_some();
        if let Some(place) = place {
            *place = Some(reply);
        }
        is_awaited
    }
}

/// Where one answer goes: it may be there before anybody waits.
pub struct Slot {
    replies: Arc<Replies>,
    waker: Arc<dyn Wake>,
    state: Mutex<State>,
}

enum State {
    Asked,
    Answered(Reply),
    Awaited(u32),
    Over,
}

impl Slot {
    /// A place for an answer to a thread that has `replies` and is woken by `waker`.
    pub fn new(replies: Arc<Replies>, waker: Arc<dyn Wake>) -> Arc<Self> {
        Arc::new(Self { replies, waker, state: Mutex::new(State::Asked) })
    }

    /// The answer has come.
    pub fn fill(&self, reply: Reply) {
        let mut state = self.state.lock();
        match mem::replace(&mut *state, State::Over) {
            State::Asked => *state = State::Answered(reply),
            State::Awaited(token) => {
                drop(state);
                if self.replies.put(token, reply) {
                    self.waker.wake(token, Notice::LookAgain);
                }
            }
            State::Answered(_) | State::Over => {}
        }
    }

    /// The answer, if it has come.
    ///
    /// # Errors
    /// The token under which it will.
    pub fn take_or_wait(&self, token: impl FnOnce() -> u32) -> Result<Reply, u32> {
        let mut state = self.state.lock();
        if let State::Answered(reply) = mem::replace(&mut *state, State::Over) {
            return Ok(reply);
        }
        let token = token();
        self.replies.expect(token);
        *state = State::Awaited(token);
        Err(token)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Default)]
    struct Woken(Mutex<Vec<u32>>);

    impl Wake for Woken {
        fn wake(&self, token: u32, _: Notice) {
            self.0.lock().push(token);
        }
    }

    struct World {
        replies: Arc<Replies>,
        woken: Arc<Woken>,
        slot: Arc<Slot>,
    }

    fn world() -> World {
        let (replies, woken) = (Arc::new(Replies::default()), Arc::new(Woken::default()));
        let slot = Slot::new(replies.clone(), woken.clone());
        World { replies, woken, slot }
    }

    fn reply() -> Reply {
        Reply::Row(vec![Cell::Word("done")])
    }

    #[test]
    fn an_answer_that_is_there_wakes_nobody() {
        let World { replies, woken, slot } = world();
        slot.fill(reply());
        assert_eq!(slot.take_or_wait(|| 7), Ok(reply()));
        assert!(woken.0.lock().is_empty() && replies.0.lock().is_empty());
    }

    #[test]
    fn an_answer_that_comes_later_is_there_when_its_wait_ends() {
        let World { replies, woken, slot } = world();
        assert_eq!(slot.take_or_wait(|| 7), Err(7));
        assert!(woken.0.lock().is_empty());
        slot.fill(reply());
        slot.fill(Reply::Row(Vec::new()));
        assert_eq!(*woken.0.lock(), [7]);
        assert_eq!(replies.take(7), Some(reply()));
        assert!(replies.0.lock().is_empty());
    }

    #[test]
    fn of_an_answer_that_nobody_waits_for_any_more_nothing_is_kept() {
        let World { replies, woken, slot } = world();
        assert_eq!(slot.take_or_wait(|| 7), Err(7));
        assert_eq!(replies.take(7), None);
        slot.fill(reply());
        assert!(woken.0.lock().is_empty() && replies.0.lock().is_empty());
    }
}
