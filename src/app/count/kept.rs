//! Counts of this process.

use super::{Added, Answer, Deed, MARK_MS, Rules, Sent, State};
use crate::app::label::{Label, Own};
use crate::app::shelf::{Full, Shelf, Weight, WhenFull};

/// Counts by id, and the last batch of each sender; the scripts do the same on a server.
pub(in crate::app) struct Kept {
    ids: Shelf<Label, State>,
    marks: Shelf<Label, u64>,
}

impl Weight for u64 {
    fn weight(&self) -> usize {
        size_of::<Self>()
    }
}

impl Kept {
    /// Bounded in bytes. What is new is refused where there is no room, and so is what makes an id grow.
    pub(in crate::app) fn new(most_bytes: usize) -> Self {
        let ids = Shelf::new(most_bytes, WhenFull::Refuse);
        Self { ids, marks: Shelf::new(most_bytes / 8, WhenFull::FirstDueGoes) }
    }

    /// Carries it out for the counts under a label.
    pub(in crate::app) fn answer(
        &mut self,
        label: &Label,
        deed: Deed,
        now_ms: u64,
    ) -> Result<Answer, Full> {
        Ok(match deed {
            Deed::Add { adds, members, batch, rules } => {
                self.add(label, adds, members, batch, rules, now_ms)?;
                Answer::Added
            }
            Deed::Get { own, sender, .. } => {
                let sum = self.read(label, &own, now_ms, State::sum).unwrap_or(0);
                Answer::Sum { sum, batch: self.mark(label, &sender, now_ms) }
            }
            Deed::Series { own, span_ms, rules, sender } => {
                let series = |state: &State| state.series(span_ms, now_ms, rules);
                let found = self.read(label, &own, now_ms, series);
                let buckets = found.unwrap_or_else(|| series(&State::default()));
                Answer::Series { buckets, now_ms, batch: self.mark(label, &sender, now_ms) }
            }
            Deed::Distinct { own } => {
                Answer::Distinct(self.read(label, &own, now_ms, State::distinct).unwrap_or(0))
            }
            Deed::Remove { own, .. } => {
                let take = |held: Option<State>| (None, held.map(|state| state.sum()));
                Answer::Removed(self.ids.change(&label.within(&own), now_ms, take)?)
            }
            Deed::Top { most, .. } => Answer::Top(self.top(label, most, now_ms)),
        })
    }

    fn add(
        &mut self,
        label: &Label,
        adds: Vec<Added>,
        members: Vec<(Own, Vec<u128>)>,
        batch: Option<Sent>,
        rules: Rules,
        now_ms: u64,
    ) -> Result<(), Full> {
        if let Some(Sent { sender, number }) = batch {
            if self.mark(label, &sender, now_ms) >= number {
                return Ok(());
            }
            let due_ms = now_ms + MARK_MS;
            let note = |_| (Some((number, due_ms)), ());
            self.marks.change(&marked(label, &sender), now_ms, note)?;
        }
        let due_ms = now_ms + rules.ttl_ms;
        for Added { own, sum, age_ms } in adds {
            let at_ms = now_ms.saturating_sub(age_ms);
            self.ids.change(&label.within(&own), now_ms, |held| {
                let mut state = held.unwrap_or_default();
                state.add(sum, at_ms, now_ms, rules);
                (Some((state, due_ms)), ())
            })?;
        }
        for (own, members) in members {
            self.ids.change(&label.within(&own), now_ms, |held| {
                let mut state = held.unwrap_or_default();
                state.see(&members);
                (Some((state, due_ms)), ())
            })?;
        }
        Ok(())
    }

    fn read<R>(
        &mut self,
        label: &Label,
        own: &Own,
        now_ms: u64,
        read: impl FnOnce(&State) -> R,
    ) -> Option<R> {
        self.ids.get(&label.within(own), now_ms).map(read)
    }

    fn mark(&mut self, label: &Label, sender: &str, now_ms: u64) -> u64 {
        self.marks.get(&marked(label, sender), now_ms).copied().unwrap_or(0)
    }

    fn top(&mut self, label: &Label, most: u64, now_ms: u64) -> Vec<(String, i64)> {
        let of = |(other, state): (&Label, &State)| {
            let own = label.own_of(other)?;
            // As on a server: an id that only saw members adds up to nothing.
            (state.sum() != 0).then(|| (own.to_string(), state.sum()))
        };
        let mut all: Vec<_> = self.ids.all(now_ms).filter_map(of).collect();
        all.sort_unstable_by(|(one, one_sum), (other, sum)| sum.cmp(one_sum).then(other.cmp(one)));
        all.truncate(most as usize);
        all
    }
}

fn marked(label: &Label, sender: &str) -> Label {
    Own::parse(sender).map_or_else(|| label.clone(), |sender| label.within(&sender))
}
