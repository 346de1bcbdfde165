//! Sessions: all of one user lie together, so that they end together.

use bytes::Bytes;

use super::digest::Digest;
use super::shelf::Weight;

/// The most sessions of one user.
pub const MOST_SESSIONS: u32 = 1_000;
/// That a session was seen is written once it is news of so much of its life: a hundredth.
pub const SEEN_PARTS: u64 = 100;

/// The hash of an id, which is all that a store learns of it.
pub fn digest(id: &str) -> Digest {
    Digest::of("session", &[id.as_bytes()])
}

/// The rules of a group of sessions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rules {
    /// How long a session lives without being seen, in ms.
    pub ttl_ms: u64,
    /// How long it lives at most, in ms.
    pub absolute_ms: u64,
    /// How many a user has; beyond that the one not seen for longest ends.
    pub most: u32,
}

/// What is done with the sessions of a user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Deed {
    /// Begins one.
    Create {
        /// The hash of its id.
        id: Digest,
        /// What it holds.
        bytes: Bytes,
        /// The rules.
        rules: Rules,
    },
    /// Reads one.
    Get {
        /// The hash of its id.
        id: Digest,
        /// From now on it lives for so long, in ms; `None`: as long as before.
        roll_ms: Option<u64>,
    },
    /// Replaces what one holds.
    Update {
        /// The hash of its id.
        id: Digest,
        /// What it is to hold.
        bytes: Bytes,
    },
    /// Gives one another id.
    Rotate {
        /// The hash of its id.
        id: Digest,
        /// The hash of the new one.
        heir: Digest,
        /// How long the old one is of use, in ms.
        grace_ms: u64,
    },
    /// Ends one, under all its ids.
    Destroy {
        /// The hash of its id.
        id: Digest,
    },
    /// Ends all.
    DestroyAll {
        /// But this one.
        except: Option<Digest>,
    },
    /// Reads all, without their ids.
    List,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// There is such a session.
    Found(Session),
    /// There is none.
    Absent,
    /// It is done.
    Done,
    /// It was given another id before.
    Rotated,
    /// So many ended.
    Ended(u64),
    /// All there are, each with the hash of its id.
    Listed(Vec<(Digest, Session)>),
}

/// A session. Moments are in ms since the epoch, on the clock of the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// What it holds.
    pub bytes: Bytes,
    /// When it began.
    pub created_ms: u64,
    /// When it was seen last.
    pub seen_ms: u64,
    /// When it ends unless it is seen.
    pub until_ms: u64,
    /// When it ends in any case.
    pub ends_ms: u64,
    /// The id it was given later.
    pub heir: Option<Digest>,
}

impl Session {
    /// Notes that it was seen, if that is news enough.
    fn roll(&mut self, ttl_ms: u64, now_ms: u64) {
        if self.heir.is_none() && now_ms.saturating_sub(self.seen_ms) >= ttl_ms / SEEN_PARTS {
            self.seen_ms = now_ms;
            self.until_ms = self.ends_ms.min(now_ms + ttl_ms);
        }
    }
}

/// The sessions of one user by the hashes of their ids, in the order of their beginning.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct State(Vec<(Digest, Session)>);

impl Weight for State {
    fn weight(&self) -> usize {
        self.0.iter().map(|(_, session)| size_of::<(Digest, Session)>() + session.bytes.len()).sum()
    }
}

/// Does it with what is known; the scripts do the same on a server.
pub(super) fn change(
    held: Option<State>,
    deed: Deed,
    now_ms: u64,
) -> (Option<(State, u64)>, Answer) {
    let mut state = held.unwrap_or_default();
    state.0.retain(|(_, session)| session.until_ms > now_ms);
    let answer = state.carry_out(deed, now_ms);
    let due_ms = state.0.iter().map(|(_, session)| session.until_ms).max();
    (due_ms.map(|due_ms| (state, due_ms)), answer)
}

impl State {
    fn carry_out(&mut self, deed: Deed, now_ms: u64) -> Answer {
        match deed {
            Deed::Create { id, bytes, rules } => self.create(id, bytes, rules, now_ms),
            Deed::DestroyAll { except } => self.destroy_all(except),
            Deed::List => {
                let is_current = |(_, session): &&(Digest, Session)| session.heir.is_none();
                Answer::Listed(self.0.iter().filter(is_current).cloned().collect())
            }
            Deed::Get { id, roll_ms } => self.with(id, |session| {
                if let Some(ttl_ms) = roll_ms {
                    session.roll(ttl_ms, now_ms);
                }
                Answer::Found(session.clone())
            }),
            Deed::Update { id, bytes } => self.with(id, |session| {
                session.bytes = bytes;
                Answer::Done
            }),
            Deed::Rotate { id, heir, grace_ms } => self.rotate(id, heir, now_ms + grace_ms),
            Deed::Destroy { id } => self.destroy(id),
        }
    }

    fn with(&mut self, id: Digest, change: impl FnOnce(&mut Session) -> Answer) -> Answer {
        let found = self.0.iter_mut().find(|(other, _)| *other == id);
        found.map_or(Answer::Absent, |(_, session)| change(session))
    }

    fn create(&mut self, id: Digest, bytes: Bytes, rules: Rules, now_ms: u64) -> Answer {
        let ends_ms = now_ms + rules.absolute_ms;
        let until_ms = ends_ms.min(now_ms + rules.ttl_ms);
        let (created_ms, seen_ms, heir) = (now_ms, now_ms, None);
        while self.0.len() >= rules.most as usize {
            let oldest = self.0.iter().min_by_key(|(_, session)| session.seen_ms);
            let Some(oldest) = oldest.map(|(id, _)| *id) else { break };
            self.0.retain(|(id, _)| *id != oldest);
        }
        self.0.push((id, Session { bytes, created_ms, seen_ms, until_ms, ends_ms, heir }));
        Answer::Done
    }

    fn rotate(&mut self, id: Digest, heir: Digest, until_ms: u64) -> Answer {
        let Some((_, old)) = self.0.iter_mut().find(|(other, _)| *other == id) else {
            return Answer::Absent;
        };
        if old.heir.is_some() {
            return Answer::Rotated;
        }
        let new = old.clone();
        old.heir = Some(heir);
        old.until_ms = old.until_ms.min(until_ms);
        self.0.push((heir, new));
        Answer::Done
    }

    fn destroy(&mut self, id: Digest) -> Answer {
        let found = self.0.iter().find(|(other, _)| *other == id);
        let Some(heir) = found.map(|(_, session)| session.heir) else { return Answer::Absent };
        // The id that stays when all others of this session are gone.
        let last = heir.unwrap_or(id);
        self.0.retain(|(id, session)| *id != last && session.heir != Some(last));
        Answer::Done
    }

    fn destroy_all(&mut self, except: Option<Digest>) -> Answer {
        let kept = except.and_then(|id| self.0.iter().find(|(other, _)| *other == id));
        let kept = kept.map(|(id, session)| session.heir.unwrap_or(*id));
        let before = self.current();
        self.0.retain(|(id, session)| Some(*id) == kept || kept.is_some() && session.heir == kept);
        Answer::Ended((before - self.current()) as u64)
    }

    fn current(&self) -> usize {
        self.0.iter().filter(|(_, session)| session.heir.is_none()).count()
    }
}
