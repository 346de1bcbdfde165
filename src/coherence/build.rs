//! A build process: it stores its entries for the instances to come, and follows no table.
//!
//! One position, read before the first generation begins, dates everything it generates. It does
//! not register, so no invalidation waits for it; and it misses none, because an instance that
//! knows a later one counts such an entry as dead.

use super::event::{Action, Answer, Ask, Command, Event, Outcome, Polled, Request};
use super::view::LocalView;
use crate::clock::Timestamp;
use crate::tags::Tag;

/// How long the first generation waits for the position.
const PATIENCE_US: u64 = 1_000_000;
/// The only command it sends.
const GLANCE: Request = 1;

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Build {
    pub(super) known: LocalView,
    stage: Stage,
    /// Gets that wait until a generation may begin.
    asks: Vec<Ask>,
    /// When they stop waiting.
    pub(super) until: Option<Timestamp>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Stage {
    /// The position is not known.
    Waiting,
    /// It is known: entries may be stored.
    Dated,
    /// It stays unknown.
    GivenUp,
}

impl Build {
    pub(super) fn new(most_tags: usize) -> Self {
        let known = LocalView::new(most_tags);
        Self { known, stage: Stage::Waiting, asks: Vec::new(), until: None }
    }

    pub(super) fn is_begun(&self) -> bool {
        self.stage != Stage::Waiting
    }

    pub(super) fn is_dated(&self) -> bool {
        self.stage == Stage::Dated
    }

    pub(super) fn on(&mut self, now: Timestamp, event: Event) -> Vec<Action> {
        match event {
            Event::Connected if !self.is_begun() => {
                return vec![Action::Send(GLANCE, Command::ReadPosition)];
            }
            Event::Answered(GLANCE, Answer::Polled(polled)) if !self.is_begun() => {
                self.date(now, &polled);
            }
            Event::Ask(ask) => {
                self.asks.push(ask);
                self.until.get_or_insert(now.after_us(PATIENCE_US));
            }
            Event::Invalidate(call, tags, lifetime) => {
                let change = lifetime.change(now);
                let changes: Vec<(Tag, _)> = tags.into_iter().map(|tag| (tag, change)).collect();
                self.known.apply_local(now, &changes);
                return vec![Action::Resolve(call, Outcome::Everywhere)];
            }
            Event::InvalidateAll(call) => {
                self.known.hold_all(now);
                return vec![Action::Resolve(call, Outcome::Everywhere)];
            }
            Event::Denied(_) | Event::NoStore | Event::Unreachable | Event::Failed(_) => {
                self.give_up();
            }
            _ => {}
        }
        if self.until.is_some_and(|until| now >= until) {
            self.give_up();
        }
        if !self.is_begun() {
            return Vec::new();
        }
        self.until = None;
        std::mem::take(&mut self.asks).into_iter().map(Action::Wake).collect()
    }

    fn date(&mut self, now: Timestamp, polled: &Polled) {
        self.known.begin(now, polled.epoch, polled.last);
        self.known.offset_us = polled.now_us.wrapping_sub(now.0) as i64;
        self.stage = Stage::Dated;
    }

    fn give_up(&mut self) {
        if self.stage == Stage::Waiting {
            self.stage = Stage::GivenUp;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tags::{Epoch, Position};

    const T0: Timestamp = Timestamp(1_000_000);

    fn polled() -> Answer {
        Answer::Polled(Polled {
            epoch: Epoch(7),
            last: Position(50),
            known: true,
            now_us: 1_000_500,
            floor: Position(0),
            rows: None,
        })
    }

    #[test]
    fn the_first_generation_waits_for_the_position_that_dates_all() {
        let mut build = Build::new(10);
        assert_eq!(build.on(T0, Event::Ask(1)), []);
        assert_eq!(build.on(T0, Event::Connected), [Action::Send(GLANCE, Command::ReadPosition)]);
        assert_eq!(build.on(T0, Event::Answered(GLANCE, polled())), [Action::Wake(1)]);
        assert!(build.is_dated());
        let stamp = build.known.revisions.stamp();
        assert_eq!((stamp.epoch, stamp.at), (Epoch(7), Position(50).into()));
        assert_eq!(build.on(T0, Event::Connected), []);
        assert_eq!(build.on(T0, Event::Ask(2)), [Action::Wake(2)]);
    }

    #[test]
    fn a_build_does_not_wait_for_a_store_that_is_away() {
        let mut build = Build::new(10);
        build.on(T0, Event::Ask(1));
        assert_eq!(build.on(T0.after_us(PATIENCE_US), Event::Tick), [Action::Wake(1)]);
        assert!(build.is_begun() && !build.is_dated());
        build.on(T0, Event::Answered(GLANCE, polled()));
        assert!(!build.is_dated());
    }
}
