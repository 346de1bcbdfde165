//! The rules of the protocol one by one, from the side of one instance.

mod batches;
mod calls;
mod chain;
mod denial;
mod outbox;
mod poll;
mod repair;

use super::event::*;
use super::timing::Timing;
use super::*;
use crate::tags::{Change, Epoch, Point, Position, Stamp, Tag, Verdict};

const MS: u64 = 1_000;
const EPOCH: Epoch = Epoch(7);
/// How far the store's clock is ahead of the instance's.
const AHEAD_US: u64 = 5_000_000;

/// An instance, and the store played by hand.
struct Stage {
    state: Coherence,
    now: Timestamp,
    sent: Vec<(Request, Command)>,
    told: Vec<Action>,
}

impl Stage {
    /// Not connected yet.
    fn new() -> Self {
        Self::of(Coherence::fleet(1_000, Timing::default()))
    }

    fn of(state: Coherence) -> Self {
        Self { state, now: Timestamp(1_000_000_000), sent: Vec::new(), told: Vec::new() }
    }

    /// Follows a table whose last position is 100, has a lease, and was connected long ago.
    fn following() -> Self {
        let mut stage = Self::new();
        stage.follow();
        stage
    }

    fn follow(&mut self) {
        self.on(Event::Connected);
        self.answer_poll(|reply| (reply.last, reply.rows) = (Position(100), None));
        self.answer(|sent| *sent == Command::Load, loaded(&[]));
        self.answer_poll(|reply| reply.last = Position(100));
        for _ in 0..3 {
            self.after(500 * MS);
            self.answer_poll(|reply| reply.last = Position(100));
        }
        assert!(self.is_leased());
        self.told.clear();
    }

    /// The store is away, and has been for the whole budget of a call.
    fn go_offline(&mut self) {
        self.on(Event::Unreachable);
        self.now = self.now.after_us(1_000 * MS);
    }

    fn on(&mut self, event: Event) {
        for action in self.state.on(self.now, event) {
            match action {
                Action::Send(request, command) => self.sent.push((request, command)),
                other => self.told.push(other),
            }
        }
    }

    fn after(&mut self, us: u64) {
        self.now = self.now.after_us(us);
        self.on(Event::Tick);
    }

    /// Takes the oldest command of a kind off the wire.
    fn take(&mut self, is: impl Fn(&Command) -> bool) -> (Request, Command) {
        let at = self.sent.iter().position(|(_, command)| is(command));
        self.sent.remove(at.unwrap_or_else(|| panic!("not among {:?}", self.sent)))
    }

    fn sends(&self, is: impl Fn(&Command) -> bool) -> bool {
        self.sent.iter().any(|(_, command)| is(command))
    }

    fn answer(&mut self, is: impl Fn(&Command) -> bool, answer: Answer) {
        let (request, _) = self.take(is);
        self.on(Event::Answered(request, answer));
    }

    /// Answers the poll under way: nothing new but what `change` says.
    fn answer_poll(&mut self, change: impl FnOnce(&mut Polled)) {
        let (request, command) = self.take(is_poll);
        let Command::Poll(known) = command else { unreachable!() };
        let mut polled = Polled {
            epoch: EPOCH,
            last: known.applied,
            known: true,
            now_us: self.now.0 + AHEAD_US,
            floor: Position(0),
            rows: Some(Vec::new()),
        };
        change(&mut polled);
        self.on(Event::Answered(request, Answer::Polled(polled)));
    }

    /// Answers the invalidation under way.
    fn answer_write(
        &mut self,
        previous: u64,
        position: u64,
        change: impl FnOnce(&mut Invalidated),
    ) {
        let (request, command) = self.take(is_write);
        let Command::Invalidate { tags, .. } = command else { unreachable!() };
        let mut written = Invalidated {
            epoch: EPOCH,
            previous: Position(previous),
            position: Position(position),
            rows: tags.iter().map(|(tag, _)| row(tag, position)).collect(),
            born_us: 1,
            now_us: self.now.0 + AHEAD_US,
        };
        change(&mut written);
        self.on(Event::Answered(request, Answer::Invalidated(written)));
    }

    fn invalidate(&mut self, call: Call, tag: &str) {
        self.on(Event::Invalidate(call, vec![Tag::from(tag)], Lifetime::None));
    }

    fn hear(&mut self, previous: u64, position: u64, tag: &str) {
        self.on(Event::Heard(message(previous, position, tag)));
    }

    fn look(&mut self, lowest: Option<u64>, born_us: Option<u64>) {
        let lowest = lowest.map(Position);
        self.answer(|sent| *sent == Command::ReadAcks, Answer::Acks { lowest, born_us });
    }

    fn applied(&self) -> u64 {
        self.state.revisions().stamp().at.position.0
    }

    fn is_leased(&self) -> bool {
        self.now < self.state.lease_until()
    }

    fn has_told(&self, action: &Action) -> bool {
        self.told.contains(action)
    }

    fn judge(&self, at: impl Into<Point>, tag: &str) -> Verdict {
        let stamp = Stamp { epoch: self.state.table().epoch(), at: at.into() };
        self.state.table().judge(stamp, [tag.as_bytes()], self.now).0
    }

    fn present(&self) -> Point {
        self.state.revisions().stamp().at
    }
}

fn is_poll(command: &Command) -> bool {
    matches!(command, Command::Poll(_))
}

fn is_write(command: &Command) -> bool {
    matches!(command, Command::Invalidate { .. })
}

fn row(tag: &Tag, hard: u64) -> Row {
    Row { tag: tag.clone(), hard: Position(hard), soft: Position(0), deadline_us: None }
}

fn loaded(rows: &[(&str, u64)]) -> Answer {
    let rows = rows.iter().map(|(tag, hard)| row(&Tag::from(*tag), *hard)).collect();
    Answer::Loaded { rows, floor: Position(0) }
}

fn message(previous: u64, position: u64, tag: &str) -> Message {
    Message {
        epoch: EPOCH,
        previous: Position(previous),
        position: Position(position),
        rows: vec![row(&Tag::from(tag), position)],
    }
}

#[test]
fn without_a_store_an_instance_decides_alone() {
    let mut alone = Coherence::alone(10);
    assert_eq!(alone.lease_until(), Timestamp(u64::MAX));
    let told = alone.on(Timestamp(1), Event::Invalidate(3, vec![Tag::from("a")], Lifetime::None));
    assert_eq!(told, [Action::Resolve(3, Outcome::Everywhere)]);
    assert_eq!(alone.revisions().stamp().at, Position(1).into());
    assert_eq!(alone.next_timer(), None);
}
