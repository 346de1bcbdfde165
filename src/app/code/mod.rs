//! Short codes that a person types: used once, guessed at a few times, sent not too often.

use super::digest::Digest;
use super::label::{Group, Own};
use super::shelf::Weight;

/// The time in which the codes for one subject are counted, in ms: an hour.
pub const SPAN_MS: u64 = 3_600_000;

/// The hash of a code. Group and subject are part of it, so that the same code of two subjects is not
/// seen to be the same; with a `secret`, who has the store cannot try all codes.
pub fn digest(secret: &str, group: &Group, subject: &Own, code: &str) -> Digest {
    let parts = [secret.as_bytes(), group.as_bytes(), subject.as_bytes(), code.as_bytes()];
    Digest::of("code", &parts)
}

/// The rules of a group of codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rules {
    /// How long a code is of use, in ms.
    pub ttl_ms: u64,
    /// Wrong answers until a code is of no use.
    pub attempts: u32,
    /// The shortest time between two codes for one subject, in ms.
    pub pause_ms: u64,
    /// Codes for one subject within [`Rules::span_ms`].
    pub most: u32,
    /// The time in which they are counted, in ms.
    pub span_ms: u64,
}

/// What is done with the code of a subject.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deed {
    /// Takes a new one in: the one before is of no use any more.
    Issue {
        /// Its hash.
        digest: Digest,
        /// The rules.
        rules: Rules,
    },
    /// Compares one that somebody typed.
    Verify {
        /// Its hash.
        digest: Digest,
    },
    /// Makes it of no use.
    Revoke,
}

/// What came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// The new code is the one.
    Issued,
    /// Too many were sent: the next one may be in so many ms.
    TooSoon(u64),
    /// It is the right one, and of no use any more.
    Right,
    /// It is not; so many attempts are left. Without any the code is of no use any more.
    Wrong(u32),
    /// There is no code: none was issued, or it is too old, was used, or guessed at too often.
    NoCode,
    /// It is of no use any more.
    Revoked,
}

/// What is known of a subject.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct State {
    code: Option<Current>,
    /// Codes since the span began, and when it ends, in ms.
    sent: u32,
    span_until_ms: u64,
    /// When the next code may be, in ms.
    next_ms: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Current {
    digest: Digest,
    left: u32,
    until_ms: u64,
}

impl Weight for State {
    fn weight(&self) -> usize {
        size_of::<Self>()
    }
}

impl State {
    /// When nothing of it is of interest any more, in ms.
    fn due_ms(&self) -> u64 {
        let code_ms = self.code.map_or(0, |code| code.until_ms);
        code_ms.max(self.span_until_ms).max(self.next_ms)
    }
}

type Kept = Option<(State, u64)>;

/// Does it with what is known; the scripts do the same on a server.
pub(super) fn change(held: Option<State>, deed: Deed, now_ms: u64) -> (Kept, Answer) {
    let (state, answer) = match deed {
        Deed::Issue { digest, rules } => issue(held, digest, rules, now_ms),
        Deed::Verify { digest } => verify(held, digest, now_ms),
        Deed::Revoke => (held.map(|state| State { code: None, ..state }), Answer::Revoked),
    };
    (state.map(|state| (state, state.due_ms())), answer)
}

fn issue(
    held: Option<State>,
    digest: Digest,
    rules: Rules,
    now_ms: u64,
) -> (Option<State>, Answer) {
    let held = held.unwrap_or(State { code: None, sent: 0, span_until_ms: 0, next_ms: 0 });
    let is_over = held.span_until_ms <= now_ms;
    let sent = if is_over { 0 } else { held.sent };
    let full_until_ms = if sent >= rules.most { held.span_until_ms } else { 0 };
    let wait_ms = held.next_ms.max(full_until_ms).saturating_sub(now_ms);
    if wait_ms > 0 {
        return (Some(held), Answer::TooSoon(wait_ms));
    }
    let code = Current { digest, left: rules.attempts, until_ms: now_ms + rules.ttl_ms };
    let state = State {
        code: Some(code),
        sent: sent + 1,
        span_until_ms: if is_over { now_ms + rules.span_ms } else { held.span_until_ms },
        next_ms: now_ms + rules.pause_ms,
    };
    (Some(state), Answer::Issued)
}

fn verify(held: Option<State>, digest: Digest, now_ms: u64) -> (Option<State>, Answer) {
    let Some(mut state) = held else { return (None, Answer::NoCode) };
    let Some(mut code) = state.code.filter(|code| code.until_ms > now_ms) else {
        return (Some(State { code: None, ..state }), Answer::NoCode);
    };
    if code.digest == digest {
        return (Some(State { code: None, ..state }), Answer::Right);
    }
    code.left = code.left.saturating_sub(1);
    state.code = (code.left > 0).then_some(code);
    (Some(state), Answer::Wrong(code.left))
}
