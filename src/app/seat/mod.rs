//! Seats: so many holders at the same time, each for a bounded time. `rateLimit.concurrency` gives them.

use super::lock::Owner;
use super::shelf::Weight;

/// The most holders of one thing.
pub const MOST_HOLDERS: u64 = 10_000;
/// The shortest time that one is held without a sign of life, in ms.
pub const LEAST_TTL_MS: u64 = 1_000;
/// The longest, in ms: a day.
pub const MOST_TTL_MS: u64 = 86_400_000;

/// What is done with the seats of one thing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Deed {
    /// Takes one if fewer than the limit are held.
    Acquire {
        /// For whom.
        owner: Owner,
        /// For how long, in ms, unless it is renewed.
        ttl_ms: u64,
        /// How many there are.
        limit: u64,
    },
    /// Keeps it for longer.
    Renew {
        /// Who has it.
        owner: Owner,
        /// For how long from now on, in ms.
        ttl_ms: u64,
    },
    /// Gives it back.
    Release {
        /// Who has it.
        owner: Owner,
    },
    /// Looks whether one would be taken, and how many are held.
    Look {
        /// How many there are.
        limit: u64,
    },
}

/// What came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// It is the owner's, or would be. So many are held; the first of them ends in so many ms unless it
    /// is renewed, 0 if none is held.
    Taken(u64, u64),
    /// None is free. The same.
    Held(u64, u64),
    /// It is the owner's for longer, or was until now.
    Done,
    /// It is not the owner's any more.
    Lost,
}

/// Who holds, each until when, in ms.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct State(Vec<(Owner, u64)>);

impl Weight for State {
    fn weight(&self) -> usize {
        self.0.len() * 80
    }
}

/// Does it with what is known; the scripts do the same on a server.
pub(super) fn change(
    held: Option<State>,
    deed: Deed,
    now_ms: u64,
) -> (Option<(State, u64)>, Answer) {
    let State(mut holders) = held.unwrap_or_default();
    holders.retain(|(_, until_ms)| *until_ms > now_ms);
    let at = |holders: &[(Owner, u64)], owner| holders.iter().position(|(one, _)| one == owner);
    let answer = match deed {
        Deed::Acquire { owner, ttl_ms, limit } => {
            // Who asks twice did not hear the first answer.
            let own = at(&holders, &owner);
            if own.is_none() && holders.len() as u64 >= limit {
                let (held, first_ms) = look(&holders, now_ms);
                Answer::Held(held, first_ms)
            } else {
                own.map(|at| holders.swap_remove(at));
                holders.push((owner, now_ms + ttl_ms));
                let (held, first_ms) = look(&holders, now_ms);
                Answer::Taken(held, first_ms)
            }
        }
        Deed::Renew { owner, ttl_ms } => match holders.iter_mut().find(|(one, _)| *one == owner) {
            Some((_, until_ms)) => {
                *until_ms = now_ms + ttl_ms;
                Answer::Done
            }
            None => Answer::Lost,
        },
        Deed::Release { owner } => match at(&holders, &owner) {
            Some(at) => {
                holders.swap_remove(at);
                Answer::Done
            }
            None => Answer::Lost,
        },
        Deed::Look { limit } => match look(&holders, now_ms) {
            (held, first_ms) if held < limit => Answer::Taken(held, first_ms),
            (held, first_ms) => Answer::Held(held, first_ms),
        },
    };
    let due_ms = holders.iter().map(|(_, until_ms)| *until_ms).max();
    (due_ms.map(|due_ms| (State(holders), due_ms)), answer)
}

/// How many are held, and when the first of them ends.
fn look(holders: &[(Owner, u64)], now_ms: u64) -> (u64, u64) {
    let first_ms = holders.iter().map(|(_, until_ms)| until_ms - now_ms).min();
    (holders.len() as u64, first_ms.unwrap_or(0))
}
