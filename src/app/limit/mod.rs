//! Rate limits: what an id may still do in each of several windows, decided together.
//!
//! All of it is whole numbers and milliseconds, so that the script comes to the same. [`window`] says
//! what one window admits; [`limiter`] is a limit as the app made it; [`known`] remembers who is over a limit, and
//! [`shares`] what was taken ahead, so that nobody need be asked.

pub mod known;
pub mod limiter;
pub mod shares;
pub mod window;

use super::shelf::Weight;
pub use limiter::{Limiter, Mode, OnError, Quick};
pub use window::{Algorithm, Left, Window};

/// Windows of one limit.
pub const MOST_WINDOWS: usize = 8;

/// What is done with the budgets of an id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Deed {
    /// Takes from all windows, or from none.
    Take {
        /// How much; 0 only looks.
        cost: u64,
        /// How much more at most, to be used later: of what is then left an eighth.
        ahead: u64,
        /// The windows.
        windows: Vec<Window>,
    },
    /// Admits nothing for so many ms, whatever the budgets say.
    Block {
        /// In ms.
        for_ms: u64,
    },
    /// Gives back what was taken ahead and not used.
    Give {
        /// How much.
        amount: u64,
        /// When it was taken, in ms.
        at_ms: u64,
        /// The windows.
        windows: Vec<Window>,
    },
    /// Forgets what was taken, and the block.
    Reset,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Verdict {
    /// Whether it was admitted.
    pub is_admitted: bool,
    /// For how long it is blocked, in ms.
    pub blocked_ms: u64,
    /// How much was taken ahead.
    pub ahead: u64,
    /// When that was, in ms.
    pub at_ms: u64,
    /// What is left of each window, in their order.
    pub windows: Vec<Left>,
}

impl Verdict {
    /// When the same may be asked again with success, in ms: never before.
    pub fn retry_ms(&self) -> u64 {
        let windows = self.windows.iter().map(|left| left.retry_ms).max();
        windows.unwrap_or(0).max(self.blocked_ms)
    }
}

/// What is known of an id: until when it is blocked, in ms, and what was taken from each window.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct State {
    blocked_until_ms: u64,
    taken: Vec<(Window, window::Taken)>,
}

impl Weight for State {
    fn weight(&self) -> usize {
        let each = |(_, taken): &(Window, window::Taken)| 64 + taken.weight();
        size_of::<Self>() + self.taken.iter().map(each).sum::<usize>()
    }
}

/// Does it with what is known; the script does the same on a server.
pub(super) fn change(
    held: Option<State>,
    deed: Deed,
    now_ms: u64,
) -> (Option<(State, u64)>, Verdict) {
    let mut state = held.unwrap_or_default();
    match deed {
        Deed::Reset => (None, Verdict { is_admitted: true, ..Verdict::default() }),
        Deed::Block { for_ms } => {
            state.blocked_until_ms = now_ms + for_ms;
            let verdict = Verdict { blocked_ms: for_ms, ..Verdict::default() };
            let due_ms = state.due_ms(now_ms);
            (Some((state, due_ms)), verdict)
        }
        Deed::Give { amount, at_ms, windows } => {
            give(&mut state, amount, at_ms, windows, now_ms);
            let due_ms = state.due_ms(now_ms);
            (Some((state, due_ms)), Verdict { is_admitted: true, ..Verdict::default() })
        }
        Deed::Take { cost, ahead, windows } => {
            let verdict = take(&mut state, cost, ahead, windows, now_ms);
            let due_ms = state.due_ms(now_ms);
            (Some((state, due_ms)), verdict)
        }
    }
}

impl State {
    /// When nothing of it is of interest any more, in ms.
    fn due_ms(&self, now_ms: u64) -> u64 {
        let each =
            |(window, taken): &(Window, window::Taken)| now_ms + window.reset_ms(taken, now_ms);
        self.taken.iter().map(each).max().unwrap_or(0).max(self.blocked_until_ms)
    }

    /// What was taken from a window. A limit that was raised or lowered goes on; another algorithm or
    /// span begins anew.
    fn taken_from(&self, window: &Window, now_ms: u64) -> window::Taken {
        let is_same = |(other, _): &&(Window, window::Taken)| other.is_like(window);
        let found = self.taken.iter().find(is_same).map(|(_, taken)| taken.clone());
        window.brought_up_to(found, now_ms)
    }
}

/// Of what is left, so much is taken ahead at most.
pub const AHEAD_PARTS: u64 = 8;

fn give(state: &mut State, amount: u64, at_ms: u64, windows: Vec<Window>, now_ms: u64) {
    let given = |window: Window| {
        let mut taken = state.taken_from(&window, now_ms);
        window.give(&mut taken, amount, at_ms);
        (window, taken)
    };
    state.taken = windows.into_iter().map(given).collect();
}

fn take(state: &mut State, cost: u64, ahead: u64, windows: Vec<Window>, now_ms: u64) -> Verdict {
    let blocked_ms = state.blocked_until_ms.saturating_sub(now_ms);
    let mut all: Vec<_> =
        windows.into_iter().map(|window| (window, state.taken_from(&window, now_ms))).collect();
    // To look is to ask whether one more would be admitted.
    let asked = cost.max(1);
    let fits = |(window, taken): &(Window, window::Taken)| window.left(taken) >= asked;
    let is_admitted = blocked_ms == 0 && all.iter().all(fits);
    let takes = is_admitted && cost > 0;
    let left = |(window, taken): &(Window, window::Taken)| window.left(taken);
    let spare = all.iter().map(left).min().unwrap_or(0).saturating_sub(cost);
    let ahead = if takes { ahead.min(spare / AHEAD_PARTS) } else { 0 };
    if takes {
        for (window, taken) in &mut all {
            window.take(taken, cost + ahead, now_ms);
        }
    }
    let retry = if is_admitted { 0 } else { asked };
    let left = |(window, taken): &(Window, window::Taken)| Left {
        left: window.left(taken),
        reset_ms: window.reset_ms(taken, now_ms),
        retry_ms: if retry == 0 { 0 } else { window.retry_ms(taken, retry, now_ms) },
    };
    let windows = all.iter().map(left).collect();
    state.taken = all;
    Verdict { is_admitted, blocked_ms, ahead, at_ms: now_ms, windows }
}

#[cfg(test)]
mod tests;
