//! Answers on their way to JavaScript.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;

use super::super::inbox::Shared;
use super::write::Cell;
use crate::flight::{News, Wake};

/// Answers that an environment waits for, by token; `None` as long as they have not come.
#[derive(Default)]
pub(in super::super) struct Replies(Mutex<HashMap<u32, Option<Vec<Cell>>>>);

impl Replies {
    pub(super) fn take(&self, token: u32) -> Option<Vec<Cell>> {
        self.0.lock().remove(&token).flatten()
    }

    fn expect(&self, token: u32) {
        self.0.lock().insert(token, None);
    }

    /// Whether anybody waits for it.
    fn put(&self, token: u32, cells: Vec<Cell>) -> bool {
        let mut held = self.0.lock();
        let place = held.get_mut(&token);
        let is_awaited = place.is_some();
        if let Some(place) = place {
            *place = Some(cells);
        }
        is_awaited
    }
}

/// Where one answer goes: it may be there before anybody waits.
pub(super) struct Slot {
    shared: Arc<Shared>,
    state: Mutex<State>,
}

enum State {
    Asked,
    Answered(Vec<Cell>),
    Awaited(u32),
    Over,
}

impl Slot {
    pub(super) fn new(shared: Arc<Shared>) -> Arc<Self> {
        Arc::new(Self { shared, state: Mutex::new(State::Asked) })
    }

    /// The answer has come.
    pub(super) fn fill(&self, cells: Vec<Cell>) {
        let mut state = self.state.lock();
        match std::mem::replace(&mut *state, State::Over) {
            State::Asked => *state = State::Answered(cells),
            State::Awaited(token) => {
                drop(state);
                if self.shared.replies.put(token, cells) {
                    self.shared.wake(token, News::Landed);
                }
            }
            State::Answered(_) | State::Over => {}
        }
    }

    /// The answer, if it has come, or the token under which it will.
    pub(super) fn take_or_wait(&self, token: impl FnOnce() -> u32) -> Result<Vec<Cell>, u32> {
        let mut state = self.state.lock();
        if let State::Answered(cells) = std::mem::replace(&mut *state, State::Over) {
            return Ok(cells);
        }
        let token = token();
        self.shared.replies.expect(token);
        *state = State::Awaited(token);
        Err(token)
    }
}
