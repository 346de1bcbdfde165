//! What was added and not sent yet, or not known to have arrived.

use std::collections::{HashMap, HashSet};
use std::mem;

use super::{Added, Deed, Rules, Sent};
use crate::app::label::Own;

/// Ids that are sent together, and buckets of them: what a server adds in a millisecond or two.
pub(super) const MOST_IDS: usize = 500;
/// See above: after an outage an id has been added to in many buckets.
pub(super) const MOST_SUMS: usize = 1_000;
/// Members that are sent together.
pub(super) const MOST_MEMBERS: usize = 2_000;
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
    pub(super) began_ms: u64,
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
    pub(super) at_ms: u64,
}

fn weight_of(own: &Own) -> usize {
    OVERHEAD + own.as_bytes().len()
}

impl Batch {
    pub(super) fn new(serial: u64, began_ms: u64) -> Self {
        let (sums, members) = (HashMap::new(), HashMap::new());
        let (number, is_due, weight, member_count) = (0, false, 0, 0);
        Self { serial, began_ms, number, is_due, weight, sums, members, member_count }
    }

    /// Whether it is sent in one go.
    pub(super) fn is_full(&self) -> bool {
        self.sums.len() + self.members.len() >= MOST_IDS || self.member_count >= MOST_MEMBERS
    }

    /// What it would weigh more with this.
    pub(super) fn weight_with(&self, own: &Own, amount: Amount, bucket: u64) -> usize {
        match amount {
            Amount::Sum(_) => match self.sums.get(own) {
                Some(held) if held.iter().any(|held| held.bucket == bucket) => 0,
                Some(_) => size_of::<Held>(),
                None => weight_of(own) + size_of::<Held>(),
            },
            Amount::Member(member) => match self.members.get(own) {
                Some(members) if members.contains(&member) => 0,
                Some(_) => MEMBER,
                None => weight_of(own) + MEMBER,
            },
        }
    }

    /// Adds to it; `None` if the sum were no number.
    pub(super) fn add(&mut self, own: &Own, amount: Amount, bucket: u64, at_ms: u64) -> Option<()> {
        let weight = self.weight_with(own, amount, bucket);
        match amount {
            Amount::Sum(sum) => {
                let buckets = self.sums.entry(own.clone()).or_default();
                match buckets.iter_mut().find(|held| held.bucket == bucket) {
                    Some(held) => held.sum = held.sum.checked_add(sum)?,
                    None => buckets.push(Held { bucket, sum, at_ms }),
                }
            }
            Amount::Member(member) => {
                let is_new = self.members.entry(own.clone()).or_default().insert(member);
                self.member_count += usize::from(is_new);
            }
        }
        self.weight += weight;
        Some(())
    }

    /// What it adds to an id.
    pub(super) fn of(&self, own: &Own) -> &[Held] {
        self.sums.get(own).map_or(&[], Vec::as_slice)
    }

    /// Takes as much out of it as is sent in one go.
    pub(super) fn split(&mut self) -> Self {
        let mut part = Self::new(self.serial, self.began_ms);
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

    /// Adds all of a later one.
    pub(super) fn merge(&mut self, mut later: Self) {
        for (own, buckets) in mem::take(&mut later.sums) {
            for held in buckets {
                // A sum that were no number is none that a store can hold either.
                let _ = self.add(&own, Amount::Sum(held.sum), held.bucket, held.at_ms);
            }
        }
        for (own, members) in mem::take(&mut later.members) {
            for member in members {
                let _ = self.add(&own, Amount::Member(member), 0, later.began_ms);
            }
        }
        self.serial = later.serial;
    }

    /// What a store is asked for.
    pub(super) fn deed(&self, sender: &str, rules: Rules, now_ms: u64) -> Deed {
        let added = |(own, buckets): (&Own, &Vec<Held>)| {
            let (own, buckets) = (own.clone(), buckets.clone());
            let age_ms = move |held: Held| now_ms.saturating_sub(held.at_ms);
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
            all.add(&own(n % 900), Amount::Sum(1), 0, 5).unwrap();
        }
        for bucket in 1..2_500 {
            all.add(&own(0), Amount::Sum(0), bucket, 5).unwrap();
        }
        for n in 0..5_000 {
            all.add(&own(n % 3), Amount::Member(n as u128), 0, 5).unwrap();
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
            whole.merge(part);
        }
        assert_eq!((whole.weight, whole.member_count, whole.sums.len()), (weight, 5_000, 900));
        assert!((0..900).all(|n| whole.of(&own(n)).iter().map(|held| held.sum).sum::<i64>() == 2));
    }
}
