//! An invalidation by an operator, who joins the fleet for it: an instance with no memory.
//!
//! So it waits as every invalidation does, and what is promised of those holds for it, too. A
//! connection is young here, so the wait is for the end of all leases; when each instance has
//! acknowledged is read on the side.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::{Condvar, Mutex};
use serde::Serialize;

use super::orders;
use super::server::{Instance, Server, Trouble};
use crate::clock::{Clock, Timestamp};
use crate::coherence::Coherence;
use crate::coherence::event::{Action, Answer, Command, Event, Lifetime, Outcome, Request};
use crate::coherence::timing::Timing;
use crate::ledger::{Ledger, MemoryAccess};
use crate::options::Options;
use crate::store::{self, Listener, Part, Refusal, SharedStore};
use crate::tags::{Position, Tag};

/// How long joining may take.
const JOIN_LIMIT_US: u64 = 5_000_000;
/// How long the whole may take, once joined; the protocol ends it sooner.
const LIMIT_US: u64 = 10_000_000;
/// The pause between two looks at what is acknowledged.
const PAUSE: Duration = Duration::from_millis(2);
/// The only call.
const CALL: u64 = 1;

/// What is invalidated.
#[derive(Debug, Clone, PartialEq)]
pub struct What {
    tags: Vec<Tag>,
    lifetime: Lifetime,
    all: bool,
}

/// How it went.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Purged {
    /// Whether it holds everywhere.
    pub is_everywhere: bool,
    /// Its position; none if it was not recorded.
    pub position: Option<u64>,
    /// Instances that were listed when it began.
    pub instances: usize,
    /// Those that have acknowledged it.
    pub acknowledged: usize,
    /// When the last of these was seen to have, in ms since it was recorded.
    pub acknowledged_ms: Option<f64>,
    /// How long the whole call took, in ms.
    pub took_ms: f64,
}

impl What {
    /// These tags, or everything. Without `expire_secs`, and for everything, hard.
    pub fn new(tags: &[String], expire_secs: Option<f64>, all: bool) -> Self {
        Self { tags: orders::tags(tags), lifetime: Lifetime::from_expire(expire_secs), all }
    }

    fn event(&self) -> Event {
        if self.all {
            Event::InvalidateAll(CALL)
        } else {
            Event::Invalidate(CALL, self.tags.clone(), self.lifetime)
        }
    }
}

/// Invalidates, and waits until that holds everywhere.
///
/// # Errors
/// The server cannot be used.
pub fn purge(
    server: &Arc<dyn Server>,
    options: &Options,
    clock: &Clock,
    what: &What,
) -> Result<Purged, Trouble> {
    let before = server.instances()?;
    let member = Arc::new(Member::new(options.max_tags, clock.clone()));
    let store = server.join(member.clone()).map_err(|error| Trouble::failed(error.to_string()))?;
    let purged = member.join(&*store).and_then(|()| {
        let began = clock.now();
        store.exchange(member.on(what.event()));
        let acknowledged = member.follow(&**server, &before, began);
        member.end(began, &before, &acknowledged)
    });
    store.leave();
    purged
}

/// One more instance of the fleet.
struct Member {
    ledger: Ledger,
    clock: Clock,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    /// The last position of this call, and when it was known.
    recorded: Option<(Position, Timestamp)>,
    outcome: Option<Outcome>,
    refusal: Option<Refusal>,
    fails: Option<store::Trouble>,
    is_unreachable: bool,
}

/// Who has acknowledged, and when the last of them was seen to have.
struct Acknowledged {
    count: usize,
    ms: Option<f64>,
}

impl Member {
    fn new(most_tags: usize, clock: Clock) -> Self {
        let coherence = Coherence::fleet(most_tags, Timing::default());
        let ledger = Ledger::new(coherence, 0);
        Self { ledger, clock, state: Mutex::default(), changed: Condvar::new() }
    }

    /// Waits until it is a member: it has a lease, and so knows the whole table.
    fn join(&self, store: &dyn SharedStore) -> Result<(), Trouble> {
        store.exchange(Vec::new());
        let until = self.clock.now().after_us(JOIN_LIMIT_US);
        let mut state = self.state.lock();
        loop {
            if self.ledger.memory_access(self.clock.now()) == MemoryAccess::Any {
                return Ok(());
            }
            let is_over = self.clock.now() >= until;
            if state.fails.is_some_and(store::Trouble::is_of_login) || is_over {
                return Err(state.trouble());
            }
            self.changed.wait_for(&mut state, Duration::from_millis(20));
        }
    }

    /// Watches the acknowledgements until the call ends.
    fn follow(&self, server: &dyn Server, before: &[Instance], began: Timestamp) -> Acknowledged {
        let all: BTreeSet<&str> = before.iter().map(|instance| instance.id.as_str()).collect();
        let mut seen = Acknowledged { count: 0, ms: None };
        let until = began.after_us(LIMIT_US);
        loop {
            let (recorded, is_over) = {
                let mut state = self.state.lock();
                if state.outcome.is_none() {
                    self.changed.wait_for(&mut state, PAUSE);
                }
                (state.recorded, state.outcome.is_some() || self.clock.now() >= until)
            };
            if let Some((position, at)) = recorded.filter(|_| seen.count < all.len()) {
                // An instance that has left since needs no more.
                let count = server.instances().map_or(seen.count, |listed| {
                    let knows = |one: &&Instance| one.applied >= position.0;
                    listed.iter().filter(knows).filter(|one| all.contains(&*one.id)).count()
                });
                if count > seen.count {
                    let ms = self.clock.now().since_us(at) as f64 / 1e3;
                    seen = Acknowledged { count, ms: Some(ms) };
                }
            }
            if is_over {
                return seen;
            }
        }
    }

    fn end(
        &self,
        began: Timestamp,
        before: &[Instance],
        acknowledged: &Acknowledged,
    ) -> Result<Purged, Trouble> {
        let state = self.state.lock();
        let Some((position, _)) = state.recorded else { return Err(state.trouble()) };
        Ok(Purged {
            is_everywhere: state.outcome == Some(Outcome::Everywhere),
            position: Some(position.0),
            instances: before.len(),
            acknowledged: acknowledged.count,
            acknowledged_ms: acknowledged.ms,
            took_ms: self.clock.now().since_us(began) as f64 / 1e3,
        })
    }
}

impl State {
    fn trouble(&self) -> Trouble {
        let (kind, detail) = match (self.fails, self.refusal) {
            (Some(login), _) if login.is_of_login() => ("login", login.words().into()),
            (_, Some(refusal)) => ("denied", format!("the server refuses: {}", refusal.as_str())),
            (Some(reason), None) => ("unreachable", reason.words().into()),
            (None, None) if self.is_unreachable => {
                ("unreachable", "the server cannot be reached".into())
            }
            (None, None) => ("failed", "the server did not record it in time".into()),
        };
        Trouble { kind, detail }
    }
}

impl Listener for Member {
    fn on(&self, event: Event) -> Vec<(Request, Command)> {
        let written = match &event {
            Event::Answered(_, Answer::Invalidated(written)) => Some(written.position),
            _ => None,
        };
        let is_unreachable = event == Event::Unreachable;
        let actions = self.ledger.on(&self.clock, event);
        let mut state = self.state.lock();
        state.is_unreachable |= is_unreachable;
        if let Some(position) = written {
            state.recorded = Some((position, self.clock.now()));
        }
        let mut commands = Vec::new();
        for action in actions {
            match action {
                Action::Send(request, command) => commands.push((request, command)),
                Action::Resolve(CALL, outcome) => state.outcome = Some(outcome),
                _ => {}
            }
        }
        drop(state);
        self.changed.notify_all();
        commands
    }

    fn next_timer(&self) -> Option<Timestamp> {
        self.ledger.next_timer()
    }

    fn refuses(&self, what: Option<(Refusal, Part)>) {
        self.state.lock().refusal = what.map(|(refusal, _)| refusal);
    }

    fn fails(&self, reason: store::Trouble) {
        self.state.lock().fails = Some(reason);
        self.changed.notify_all();
    }

    fn now(&self) -> Timestamp {
        self.clock.now()
    }
}
