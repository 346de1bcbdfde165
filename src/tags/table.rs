//! The table: the facts of every tag, and the floor below which no stamp is trusted.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use super::own::Own;
use super::{Change, Epoch, Facts, Point, Stamp, Tag, Verdict};
use crate::clock::Timestamp;

/// All known facts, bounded in number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    facts: HashMap<Tag, Facts>,
    /// The life of the shared store's table these facts belong to.
    epoch: Epoch,
    /// Facts up to here may have been dropped: an older stamp is never trusted.
    floor: Point,
    /// Own invalidations that the store has not recorded yet.
    own: Own,
    most: usize,
}

/// Independent of the order of the tags.
impl Hash for Table {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (hash_of_all(self.facts.iter()), self.epoch, self.floor, &self.own).hash(state);
    }
}

/// A hash that does not depend on the order of the items.
pub(super) fn hash_of_all(all: impl Iterator<Item = impl Hash>) -> u64 {
    let of = |one| {
        let mut hasher = DefaultHasher::new();
        Hash::hash(&one, &mut hasher);
        hasher.finish()
    };
    all.map(of).fold(0, u64::wrapping_add)
}

impl Table {
    /// A table of at most `most` tags. Beyond that the oldest facts go and the floor rises, which
    /// costs misses of the oldest entries and never serves a dead one.
    pub fn new(most: usize) -> Self {
        Self {
            facts: HashMap::new(),
            epoch: Epoch::default(),
            floor: Point::default(),
            own: Own::default(),
            most: most.max(1),
        }
    }

    /// The life of the shared store's table it follows.
    pub fn epoch(&self) -> Epoch {
        self.epoch
    }

    /// Number of tags held.
    pub fn len(&self) -> usize {
        let is_new = |tag: &&Tag| !self.facts.contains_key(tag.as_bytes());
        self.facts.len() + self.own.tags().filter(is_new).count()
    }

    /// The most tags it holds from the store.
    pub fn most(&self) -> usize {
        self.most
    }

    /// Whether it holds no invalidation.
    pub fn is_empty(&self) -> bool {
        self.facts.is_empty() && self.own.is_empty()
    }

    /// Stamps below this point are not trusted.
    pub fn floor(&self) -> Point {
        self.floor.max(self.own.floor())
    }

    /// The facts of each tag, without those that the store has not recorded.
    pub fn facts(&self) -> impl Iterator<Item = (&Tag, Facts)> {
        self.facts.iter().map(|(tag, facts)| (tag, *facts))
    }

    /// All facts of a tag.
    pub fn of(&self, tag: &[u8]) -> Facts {
        self.at(tag, Timestamp(0)).unwrap_or_default()
    }

    /// The same at `now`; `None` if there are none.
    fn at(&self, tag: &[u8], now: Timestamp) -> Option<Facts> {
        let facts = self.facts.get(tag).copied();
        let Some(own) = self.own.of(tag) else { return facts };
        Some(facts.unwrap_or_default().before(own, now))
    }

    /// Begins another life of the table: only what the store has not recorded carries over.
    pub fn begin(&mut self, epoch: Epoch) {
        self.facts.clear();
        self.floor = Point::default();
        self.epoch = epoch;
    }

    /// Applies `change` to `tags` at `point`.
    pub fn apply(&mut self, tags: &[Tag], change: Change, point: Point, now: Timestamp) {
        for tag in tags {
            let facts = self.facts.get(tag.as_bytes()).copied().unwrap_or_default();
            self.put(tag, facts.after(change, point, now));
        }
        self.shrink();
    }

    /// Merges facts from the store.
    pub fn merge<'t>(&mut self, rows: impl ExactSizeIterator<Item = (&'t Tag, Facts)>) {
        // A whole table may arrive, and readers wait for the lock: reserve instead of growing step
        // by step.
        let most = self.most.saturating_add(1).min(rows.len());
        self.facts.reserve(most.saturating_sub(self.facts.len()));
        for (tag, facts) in rows {
            if let Some(held) = self.facts.get_mut(tag) {
                *held = held.merged(facts);
            } else {
                self.facts.insert(tag.clone(), facts);
                self.shrink();
            }
        }
    }

    /// Holds invalidations that the store has not recorded, above the applied position. They do not
    /// count towards the bound of the table: the caller bounds them.
    pub fn hold(&mut self, changes: &[(Tag, Change)], at: Point, now: Timestamp) {
        for (tag, change) in changes {
            self.own.hold(tag, *change, at, now);
        }
    }

    /// The same for an invalidation of everything.
    pub fn hold_all(&mut self, at: Point) {
        self.own.hold_all(at);
    }

    /// Drops one held write of each tag. A tag with other writes pending stays held.
    pub fn release<'t>(&mut self, tags: impl IntoIterator<Item = &'t Tag>) {
        for tag in tags {
            self.own.release(tag);
        }
    }

    /// Drops one held write that invalidates everything.
    pub fn release_all(&mut self) {
        self.own.release_all();
    }

    /// Moves these from the held tags to the facts, at their current point: the caller holds
    /// something that covers them.
    pub fn spill<'t>(&mut self, tags: impl IntoIterator<Item = &'t Tag>, now: Timestamp) {
        for tag in tags {
            if let Some(facts) = self.own.release(tag) {
                let held = self.facts.get(tag.as_bytes()).copied().unwrap_or_default();
                self.put(tag, held.before(facts, now));
            }
        }
        self.shrink();
    }

    /// Raises everything held to `above`.
    pub fn lift(&mut self, above: Point) {
        self.own.lift(above);
    }

    /// Whether it holds an invalidation that the store has not recorded.
    pub fn is_holding(&self) -> bool {
        !self.own.is_empty()
    }

    /// Raises the floor.
    pub fn raise_floor(&mut self, floor: Point) {
        self.floor = self.floor.max(floor);
    }

    fn put(&mut self, tag: &Tag, facts: Facts) {
        if let Some(held) = self.facts.get_mut(tag) {
            *held = facts;
        } else {
            self.facts.insert(tag.clone(), facts);
        }
    }

    /// The verdict on an entry with `stamp` and `tags`, and the tag that decided it.
    pub fn judge<'t>(
        &self,
        stamp: Stamp,
        tags: impl IntoIterator<Item = &'t [u8]>,
        now: Timestamp,
    ) -> (Verdict, Option<&'t [u8]>) {
        if stamp.epoch != self.epoch || stamp.at < self.floor() {
            return (Verdict::Gone, None);
        }
        let mut worst = (Verdict::Fresh, None);
        for tag in tags {
            let Some(facts) = self.at(tag, now) else { continue };
            let verdict = facts.judge(stamp.at, now);
            if verdict > worst.0 {
                worst = (verdict, Some(tag));
            }
        }
        worst
    }

    /// The same for build output, which has no stamp of its own: its point comes from the age of
    /// its files, and in any life of the table but the one it was read in, it is stale.
    pub fn judge_output<'t>(
        &self,
        stamp: Stamp,
        tags: impl IntoIterator<Item = &'t [u8]>,
        now: Timestamp,
    ) -> (Verdict, Option<&'t [u8]>) {
        let (verdict, tag) = self.judge(Stamp { epoch: self.epoch, ..stamp }, tags, now);
        let least = if stamp.epoch == self.epoch { Verdict::Fresh } else { Verdict::Stale };
        (verdict.max(least), tag)
    }

    /// Those of `tags` that make an entry with `stamp` stale, and since when.
    pub fn stale<'t>(
        &self,
        stamp: Stamp,
        tags: impl IntoIterator<Item = &'t [u8]>,
        now: Timestamp,
    ) -> Vec<(Tag, Point)> {
        let judged = tags.into_iter().filter_map(|tag| Some((tag, self.at(tag, now)?)));
        let stale = judged.filter(|(_, facts)| facts.judge(stamp.at, now) == Verdict::Stale);
        stale.map(|(tag, facts)| (Tag::from(tag), facts.soft())).collect()
    }

    /// The latest position that makes an entry with `stamp` and `tags` stale or gone: a generation
    /// stamped before it would be no better. 0 if there is none.
    pub fn outdated<'t>(&self, stamp: Stamp, tags: impl IntoIterator<Item = &'t [u8]>) -> u64 {
        let facts = tags.into_iter().filter_map(|tag| self.at(tag, Timestamp(0)));
        let points = facts.map(Facts::latest).chain([self.floor()]);
        let later = points.filter(|point| *point > stamp.at);
        later.map(|point| point.position.0).max().unwrap_or(0)
    }

    /// Beyond the bound, drops the oldest tenth of the rows and raises the floor to the latest of
    /// them.
    fn shrink(&mut self) {
        if self.facts.len() <= self.most {
            return;
        }
        let mut points: Vec<Point> = self.facts.values().map(|f| f.latest()).collect();
        let surplus = self.facts.len() - self.most + self.most / 10;
        let nth = surplus.min(points.len()).saturating_sub(1);
        let (_, cut, _) = points.select_nth_unstable(nth);
        let cut = *cut;
        self.floor = self.floor.max(cut);
        self.facts.retain(|_, facts| facts.latest() > cut);
    }
}
