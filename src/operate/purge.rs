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
use crate::coherence::event::{
    Action, Answer, Command, Event, Lifetime, MOST_TAGS, Outcome, Request,
};
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
    /// Its position: the last one, if it took several.
    pub position: u64,
    /// Instances that were listed when it began.
    pub instances: usize,
    /// Those that have acknowledged it, or left.
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

    /// In how many parts it is recorded.
    fn batches(&self) -> usize {
        if self.all { 1 } else { self.tags.len().div_ceil(MOST_TAGS) }
    }

    /// The bound of the table for this invalidation: a bound of this machine may be lower than that
    /// of the fleet, and would drop what instances need.
    fn most_rows(&self, rows: u64, most_tags: usize) -> usize {
        // Instances invalidate meanwhile.
        let rows = rows as usize + rows as usize / 10 + 2 * self.tags.len();
        rows.max(most_tags)
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
    let most_rows = what.most_rows(server.table_rows()?, options.max_tags);
    let member = Arc::new(Member::new(most_rows, what.batches(), clock.clone()));
    let store = server.join(member.clone(), most_rows);
    let store = store.map_err(|error| Trouble::failed(error.to_string()))?;
    let purged = member.join(&*store).and_then(|()| {
        let began = clock.now();
        store.exchange(member.on(what.event()));
        let acknowledged = member.follow(|| server.instances(), &before, began);
        member.end(began, &before, &acknowledged)
    });
    store.leave();
    purged
}

/// One more instance of the fleet.
struct Member {
    ledger: Ledger,
    /// Parts that have to be recorded.
    batches: usize,
    clock: Clock,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    /// Parts that are recorded, the last position of them, and when it was known.
    batches: usize,
    recorded: (Position, Timestamp),
    outcome: Option<Outcome>,
    refusal: Option<Refusal>,
    fails: Option<store::Trouble>,
    is_unreachable: bool,
}

/// How many have not acknowledged, and when the last that has was seen to have.
struct Acknowledged {
    missing: usize,
    ms: Option<f64>,
}

impl Member {
    fn new(most_rows: usize, batches: usize, clock: Clock) -> Self {
        let coherence = Coherence::fleet(most_rows, Timing::default());
        let ledger = Ledger::new(coherence, 0);
        Self { ledger, batches, clock, state: Mutex::default(), changed: Condvar::new() }
    }

    /// The last position, and when it was known; none before all parts are recorded.
    fn recorded(&self, state: &State) -> Option<(Position, Timestamp)> {
        (state.batches >= self.batches).then_some(state.recorded)
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

    /// Watches the acknowledgements until the call ends. What is read after that says nothing: then
    /// those that were silent are taken from the list.
    fn follow(
        &self,
        mut listed: impl FnMut() -> Result<Vec<Instance>, Trouble>,
        before: &[Instance],
        began: Timestamp,
    ) -> Acknowledged {
        let all: BTreeSet<&str> = before.iter().map(|instance| instance.id.as_str()).collect();
        let mut seen = Acknowledged { missing: all.len(), ms: None };
        let until = began.after_us(LIMIT_US);
        loop {
            let recorded = {
                let mut state = self.state.lock();
                if state.outcome.is_none() {
                    self.changed.wait_for(&mut state, PAUSE);
                }
                if state.outcome.is_some() || self.clock.now() >= until {
                    return seen;
                }
                self.recorded(&state)
            };
            let Some((position, at)) = recorded.filter(|_| seen.missing > 0) else { continue };
            let Ok(listed) = listed() else { continue };
            if self.state.lock().outcome.is_some() {
                return seen;
            }
            // One that has left since needs to know nothing more.
            let lacks = |one: &&Instance| one.applied < position.0 && all.contains(&*one.id);
            let missing = listed.iter().filter(lacks).count();
            if missing < seen.missing {
                seen =
                    Acknowledged { missing, ms: Some(self.clock.now().since_us(at) as f64 / 1e3) };
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
        let Some((position, _)) = self.recorded(&state) else { return Err(state.trouble()) };
        Ok(Purged {
            is_everywhere: state.outcome == Some(Outcome::Everywhere),
            position: position.0,
            instances: before.len(),
            acknowledged: before.len() - acknowledged.missing.min(before.len()),
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
            state.batches += 1;
            state.recorded = (state.recorded.0.max(position), self.clock.now());
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

#[cfg(test)]
mod tests {
    use super::*;

    fn instance(id: &str, applied: u64) -> Instance {
        Instance { id: id.into(), applied }
    }

    /// A member whose only part is recorded at 100, and how many have not acknowledged that in the
    /// end; `look` is what each look at the list says.
    fn missing(look: impl Fn(&Member, usize) -> Vec<Instance>) -> usize {
        let clock = Clock::system();
        let member = Member::new(10, 1, clock.clone());
        let began = clock.now();
        *member.state.lock() =
            State { batches: 1, recorded: (Position(100), began), ..State::default() };
        let mut looks = 0;
        let mut listed = || {
            looks += 1;
            if looks == 3 {
                end(&member);
            }
            Ok(look(&member, looks))
        };
        let before = [instance("a", 50), instance("b", 50)];
        member.follow(&mut listed, &before, began).missing
    }

    fn end(member: &Member) {
        member.state.lock().outcome = Some(Outcome::Everywhere);
    }

    #[test]
    fn who_has_left_is_not_missing_and_who_came_since_is_not_counted() {
        assert_eq!(missing(|_, _| vec![instance("a", 100), instance("b", 99)]), 1);
        assert_eq!(missing(|_, _| vec![instance("b", 50), instance("c", 0)]), 1);
        // Both had it, one after the other.
        assert_eq!(missing(|_, _| vec![instance("a", 100), instance("b", 120)]), 0);
        assert_eq!(missing(|_, _| Vec::new()), 0);
    }

    #[test]
    fn what_is_listed_once_the_call_has_ended_says_nothing() {
        // Those that were silent are taken from the list then.
        let silent = |member: &Member, _| {
            end(member);
            Vec::new()
        };
        assert_eq!(missing(silent), 2);
    }

    #[test]
    fn it_is_recorded_with_its_last_part() {
        let tags: Vec<String> = (0..=MOST_TAGS).map(|nth| nth.to_string()).collect();
        let what = What::new(&tags, None, false);
        assert_eq!(what.batches(), 2);
        let member = Member::new(10, what.batches(), Clock::system());
        let recorded = (Position(100), Timestamp(0));
        let after = |batches| State { batches, recorded, ..State::default() };
        assert_eq!(member.recorded(&after(1)), None);
        assert_eq!(member.recorded(&after(2)), Some(recorded));
    }

    #[test]
    fn the_bound_of_the_table_is_not_lower_than_what_is_in_it() {
        let what = What::new(&["a".into()], None, false);
        assert_eq!(what.most_rows(10, 100), 100);
        assert_eq!(what.most_rows(1_000, 100), 1_102);
    }
}
