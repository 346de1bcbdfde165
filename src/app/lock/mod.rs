//! Locks: one holder at a time, for a bounded time, in the order of their coming.

use super::shelf::Weight;

/// How long who waits need not be seen, in ms: then it is taken for gone.
pub const PATIENCE_MS: u64 = 1_000;
/// The first in the queue looks again after so many ms; those behind it later, up to the longest.
pub const LOOK_MS: u64 = 10;
/// See above.
pub const LONGEST_LOOK_MS: u64 = 200;
/// Who waits in the queue, at most: beyond that who waits has to be lucky.
pub const MOST_WAITING: usize = 128;
/// How long it is remembered which number was given last, in ms. Numbers are never below the time in
/// us, so that they also grow where this is lost.
pub const FENCE_MS: u64 = 86_400_000;

/// Who holds a lock or wants to: 32 hexadecimal digits that nobody else has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owner(String);

impl Owner {
    /// `None` if it is none.
    pub fn parse(text: &str) -> Option<Self> {
        let is_one = text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        is_one.then(|| Self(text.into()))
    }

    /// As text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What is done with a lock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Deed {
    /// Takes it if it is free.
    Acquire {
        /// For whom.
        owner: Owner,
        /// For how long, in ms, unless it is renewed.
        ttl_ms: u64,
        /// Whether the owner takes its place in the queue.
        waits: bool,
    },
    /// Keeps it for longer.
    Renew {
        /// Who has it.
        owner: Owner,
        /// For how long from now on, in ms.
        ttl_ms: u64,
    },
    /// Gives it back, or the place in the queue.
    Release {
        /// Who has it.
        owner: Owner,
    },
}

/// What came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// It is the owner's; the number is larger than that of every holder before.
    Taken(u64),
    /// Somebody else has it, or is to have it next: look again after so many ms.
    Held(u64),
    /// It is the owner's for longer, or was until now.
    Done,
    /// It is not the owner's any more.
    Lost,
}

/// When to look again, from the place in the queue: 0 is its head. `left_ms`: how long the holder has
/// it at most.
pub fn look_ms(place: u64, left_ms: u64) -> u64 {
    let pause = (LOOK_MS * (place + 1)).min(LONGEST_LOOK_MS);
    if place == 0 { pause.min(left_ms.max(1)) } else { pause }
}

/// What is known of a lock.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct State {
    holder: Option<Holder>,
    /// In the order of their coming, with when they were seen last, in ms.
    queue: Vec<(Owner, u64)>,
    /// The number given last.
    fence: u64,
    fence_until_ms: u64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Holder {
    owner: Owner,
    until_ms: u64,
}

impl Weight for State {
    fn weight(&self) -> usize {
        size_of::<Self>() + self.queue.len() * 80
    }
}

impl State {
    fn due_ms(&self) -> u64 {
        let holder_ms = self.holder.as_ref().map_or(0, |holder| holder.until_ms);
        let seen_ms = self.queue.iter().map(|(_, seen_ms)| *seen_ms).max();
        holder_ms.max(self.fence_until_ms).max(seen_ms.map_or(0, |seen| seen + PATIENCE_MS))
    }

    fn is_held_by(&self, owner: &Owner) -> bool {
        self.holder.as_ref().is_some_and(|holder| holder.owner == *owner)
    }
}

/// Does it with what is known; the scripts do the same on a server.
pub(super) fn change(
    held: Option<State>,
    deed: Deed,
    now_ms: u64,
) -> (Option<(State, u64)>, Answer) {
    let mut state = held.unwrap_or_default();
    state.holder.take_if(|holder| holder.until_ms <= now_ms);
    state.queue.retain(|(_, seen_ms)| now_ms < seen_ms + PATIENCE_MS);
    let answer = match deed {
        Deed::Acquire { owner, ttl_ms, waits } => acquire(&mut state, owner, ttl_ms, waits, now_ms),
        Deed::Renew { owner, ttl_ms } => {
            let is_holder = state.is_held_by(&owner);
            if is_holder {
                state.holder = Some(Holder { owner, until_ms: now_ms + ttl_ms });
            }
            if is_holder { Answer::Done } else { Answer::Lost }
        }
        Deed::Release { owner } => {
            state.queue.retain(|(waiting, _)| *waiting != owner);
            match state.holder.take_if(|holder| holder.owner == owner) {
                Some(_) => Answer::Done,
                None => Answer::Lost,
            }
        }
    };
    let due_ms = state.due_ms();
    (Some((state, due_ms)), answer)
}

fn acquire(state: &mut State, owner: Owner, ttl_ms: u64, waits: bool, now_ms: u64) -> Answer {
    // Who asks twice did not hear the first answer.
    let is_own = state.is_held_by(&owner);
    let place = state.queue.iter().position(|(waiting, _)| *waiting == owner);
    let is_next = place.unwrap_or(state.queue.len()) == 0;
    if is_own || state.holder.is_none() && is_next {
        state.queue.retain(|(waiting, _)| *waiting != owner);
        if !is_own {
            state.fence = (state.fence + 1).max(now_ms * 1_000);
        }
        state.fence_until_ms = now_ms + FENCE_MS.max(ttl_ms);
        state.holder = Some(Holder { owner, until_ms: now_ms + ttl_ms });
        return Answer::Taken(state.fence);
    }
    if waits {
        if let Some(waiting) = state.queue.iter_mut().find(|(waiting, _)| *waiting == owner) {
            waiting.1 = now_ms;
        } else if state.queue.len() < MOST_WAITING {
            state.queue.push((owner, now_ms));
        }
    }
    let left_ms = state.holder.as_ref().map_or(LOOK_MS, |holder| holder.until_ms - now_ms);
    Answer::Held(look_ms(place.unwrap_or(state.queue.len().saturating_sub(1)) as u64, left_ms))
}
