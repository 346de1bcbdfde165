//! What was added and not sent yet, or not known to have arrived.

use std::collections::{HashMap, HashSet};
use std::mem;

use super::collector::KEEP_MS;
use super::{Added, Deed, Rules, Sent};
use crate::app::label::Own;

/// Ids that are sent together, and buckets of them: what a server adds in a millisecond or two.
pub(super) const MOST_IDS: usize = 500;
/// See above: after an outage an id has been added to in many buckets.
pub(super) const MOST_SUMS: usize = 1_000;
/// Members that are sent together.
pub(super) const MOST_MEMBERS: usize = 2_000;
/// How long one batch grows, in ms: while the store is away, what is too old is dropped by the hour.
const GROWS_MS: u64 = KEEP_MS / 24;
/// What an entry costs beside its name.
const OVERHEAD: usize = 160;
/// What a member costs.
const MEMBER: usize = 2 * size_of::<u128>();

/// Something to be added.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Amount {
    /// So much.
    Sum(i64),
    /// A member.
    Member(u128),
}

/// Adds of one stretch of time.
#[derive(Debug)]
pub(super) struct Batch {
    /// Those that are closed later have a larger one.
    pub(super) serial: u64,
    /// When the first was added, in ms.
    began_ms: u64,
    /// When the last was.
    last_ms: u64,
    /// The number by which a store knows that it has them; 0 as long as it was not sent. From then on
    /// nothing is added.
    pub(super) number: u64,
    /// Whether it is not to wait for its time.
    pub(super) is_due: bool,
    pub(super) weight: usize,
    /// By id, and each by bucket, so that what waits for long is counted when it was.
    sums: HashMap<Own, Vec<Held>>,
    members: HashMap<Own, HashSet<u128>>,
    member_count: usize,
}

/// What was added to one id in one bucket.
#[derive(Debug, Clone, Copy)]
pub(super) struct Held {
    bucket: u64,
    pub(super) sum: i64,
    /// When the first of it was added, and the last.
    first_ms: u64,
    last_ms: u64,
}

impl Held {
    /// When it counts as added: by the clock of the store it may lie in two buckets.
    pub(super) fn at_ms(&self) -> u64 {
        self.first_ms.midpoint(self.last_ms)
    }

    /// The same with more in its bucket; `None` if the sum were no number.
    fn with(self, other: Self) -> Option<Self> {
        let sum = self.sum.checked_add(other.sum)?;
        let first_ms = self.first_ms.min(other.first_ms);
        Some(Self { sum, first_ms, last_ms: self.last_ms.max(other.last_ms), ..self })
    }
}

fn weight_of(own: &Own) -> usize {
    OVERHEAD + own.as_bytes().len()
}

impl Batch {
    pub(super) fn new(serial: u64, began_ms: u64) -> Self {
        let (sums, members) = (HashMap::new(), HashMap::new());
        let (number, is_due, weight, member_count, last_ms) = (0, false, 0, 0, began_ms);
        Self { serial, began_ms, last_ms, number, is_due, weight, sums, members, member_count }
    }

    /// Whether more is added to it now.
    pub(super) fn is_open(&self, now_ms: u64) -> bool {
        !self.is_due && self.number == 0 && now_ms < self.began_ms + GROWS_MS
    }

    /// Whether all of it is too old to be sent.
    pub(super) fn is_old(&self, now_ms: u64) -> bool {
        self.last_ms + KEEP_MS <= now_ms
    }

    /// Whether it is sent in one go.
    pub(super) fn is_full(&self) -> bool {
        self.sums.len() + self.members.len() >= MOST_IDS || self.member_count >= MOST_MEMBERS
    }

    /// Adds to it, and returns what it weighs more; `None` if that is more than `room`, or the sum were
    /// no number.
    pub(super) fn add(
        &mut self,
        own: &Own,
        amount: Amount,
        (bucket, at_ms): (u64, u64),
        room: usize,
    ) -> Option<usize> {
        let weight = match amount {
            Amount::Sum(sum) => {
                let (first_ms, last_ms) = (at_ms, at_ms);
                self.add_sum(own, Held { bucket, sum, first_ms, last_ms }, room)?
            }
            Amount::Member(member) => self.add_member(own, member, room)?,
        };
        self.last_ms = self.last_ms.max(at_ms);
        Some(weight)
    }

    fn add_sum(&mut self, own: &Own, more: Held, room: usize) -> Option<usize> {
        let fits = |weight: usize| (weight <= room).then_some(weight);
        let weight = if let Some(buckets) = self.sums.get_mut(own) {
            // It is the last one nearly always.
            let mut newest = buckets.iter_mut().rev();
            if let Some(held) = newest.find(|held| held.bucket == more.bucket) {
                *held = held.with(more)?;
                return Some(0);
            }
            let weight = fits(size_of::<Held>())?;
            buckets.push(more);
            weight
        } else {
            let weight = fits(weight_of(own) + size_of::<Held>())?;
            self.sums.insert(own.clone(), vec![more]);
            weight
        };
        self.weight += weight;
        Some(weight)
    }

    fn add_member(&mut self, own: &Own, member: u128, room: usize) -> Option<usize> {
        let fits = |weight: usize| (weight <= room).then_some(weight);
        let weight = if let Some(members) = self.members.get_mut(own) {
            if members.contains(&member) {
                return Some(0);
            }
            let weight = fits(MEMBER)?;
            members.insert(member);
            weight
        } else {
            let weight = fits(weight_of(own) + MEMBER)?;
            self.members.insert(own.clone(), HashSet::from([member]));
            weight
        };
        self.member_count += 1;
        self.weight += weight;
        Some(weight)
    }

    /// What it adds to an id.
    pub(super) fn of(&self, own: &Own) -> &[Held] {
        self.sums.get(own).map_or(&[], Vec::as_slice)
    }

    /// Takes as much out of it as is sent in one go.
    pub(super) fn split(&mut self) -> Self {
        let mut part = Self::new(self.serial, self.began_ms);
        part.last_ms = self.last_ms;
        let names: Vec<_> = self.sums.keys().take(MOST_IDS).cloned().collect();
        let mut room = MOST_SUMS;
        for name in names {
            let Some((name, mut taken)) = self.sums.remove_entry(&name) else { continue };
            let rest = taken.split_off(room.min(taken.len()));
            room -= taken.len();
            part.weight += taken.len() * size_of::<Held>();
            if rest.is_empty() {
                part.weight += weight_of(&name);
            } else {
                self.sums.insert(name.clone(), rest);
            }
            if !taken.is_empty() {
                part.sums.insert(name, taken);
            }
        }
        let names: Vec<_> = self.members.keys().take(MOST_IDS - part.sums.len()).cloned().collect();
        for name in names {
            let room = MOST_MEMBERS.saturating_sub(part.member_count);
            let Some((name, mut held)) = self.members.remove_entry(&name) else { continue };
            let taken: HashSet<_> = held.iter().take(room).copied().collect();
            held.retain(|member| !taken.contains(member));
            part.member_count += taken.len();
            part.weight +=
                taken.len() * MEMBER + if held.is_empty() { weight_of(&name) } else { 0 };
            if !held.is_empty() {
                self.members.insert(name.clone(), held);
            }
            if !taken.is_empty() {
                part.members.insert(name, taken);
            }
        }
        self.member_count -= part.member_count;
        self.weight -= part.weight;
        self.is_due = true;
        part
    }

    pub(super) fn is_empty(&self) -> bool {
        self.sums.is_empty() && self.members.is_empty()
    }

    /// Adds all of a later one; returns it if it began so much later that it is to be dropped by itself.
    pub(super) fn merge(&mut self, mut later: Self) -> Option<Self> {
        if later.began_ms >= self.began_ms + GROWS_MS {
            return Some(later);
        }
        for (own, buckets) in mem::take(&mut later.sums) {
            for held in buckets {
                // A sum that were no number is none that a store can hold either.
                let _ = self.add_sum(&own, held, usize::MAX);
            }
        }
        for (own, members) in mem::take(&mut later.members) {
            for member in members {
                let _ = self.add_member(&own, member, usize::MAX);
            }
        }
        self.serial = later.serial;
        self.last_ms = self.last_ms.max(later.last_ms);
        None
    }

    /// What a store is asked for.
    pub(super) fn deed(&self, sender: &str, rules: Rules, now_ms: u64) -> Deed {
        let added = |(own, buckets): (&Own, &Vec<Held>)| {
            let (own, buckets) = (own.clone(), buckets.clone());
            let age_ms = move |held: Held| now_ms.saturating_sub(held.at_ms());
            let one =
                move |held: Held| Added { own: own.clone(), sum: held.sum, age_ms: age_ms(held) };
            buckets.into_iter().map(one)
        };
        let members = self.members.iter();
        Deed::Add {
            adds: self.sums.iter().flat_map(added).collect(),
            members: members
                .map(|(own, members)| (own.clone(), members.iter().copied().collect()))
                .collect(),
            batch: Some(Sent { sender: sender.into(), number: self.number }),
            rules,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn own(name: usize) -> Own {
        Own::parse(&format!("id-{name}")).unwrap()
    }

    #[test]
    fn what_is_split_and_merged_is_what_it_was() {
        let mut all = Batch::new(1, 0);
        for n in 0..1_800 {
            all.add(&own(n % 900), Amount::Sum(1), (0, 5), usize::MAX).unwrap();
        }
        for bucket in 1..2_500 {
            all.add(&own(0), Amount::Sum(0), (bucket, 5), usize::MAX).unwrap();
        }
        for n in 0..5_000 {
            all.add(&own(n % 3), Amount::Member(n as u128), (0, 5), usize::MAX).unwrap();
        }
        let weight = all.weight;
        let mut parts = Vec::new();
        while !all.is_empty() {
            let part = all.split();
            assert!(part.sums.len() + part.members.len() <= MOST_IDS && !part.is_empty());
            assert!(part.sums.values().map(Vec::len).sum::<usize>() <= MOST_SUMS);
            assert!(part.member_count <= MOST_MEMBERS);
            parts.push(part);
        }
        assert_eq!((all.weight, all.member_count), (0, 0));
        let mut whole = Batch::new(1, 0);
        for part in parts {
            assert!(whole.merge(part).is_none());
        }
        assert_eq!((whole.weight, whole.member_count, whole.sums.len()), (weight, 5_000, 900));
        assert!((0..900).all(|n| whole.of(&own(n)).iter().map(|held| held.sum).sum::<i64>() == 2));
    }
}
