//! The scripts and the tag table of a process fold the same invalidations into the same facts.

use std::collections::BTreeMap;
use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

use tiercel::clock::Timestamp;
use tiercel::coherence::event::{Answer, Command, Known, Lifetime, Row};
use tiercel::tags::{Change, Facts, Position, Tag};

use crate::peer::{Peer, shared};
use crate::server;

/// The knowledge of a process, row by row.
#[derive(Default, Debug, PartialEq)]
struct Table(BTreeMap<Tag, Facts>);

impl Table {
    fn of(&self, tag: &Tag) -> Facts {
        self.0.get(tag).copied().unwrap_or_default()
    }

    /// Merges rows as an instance does.
    fn merge(&mut self, rows: &[Row]) {
        for row in rows {
            let deadline = row.deadline_us.map(Timestamp);
            let told = Facts::new(row.hard.into(), row.soft.into(), deadline);
            self.0.insert(row.tag.clone(), self.of(&row.tag).merged(told));
        }
    }

    /// Applies an invalidation as a process without a server does.
    fn apply(&mut self, tag: &Tag, lifetime: Lifetime, position: Position, now_us: u64) {
        // The server computes in milliseconds.
        let now = Timestamp(now_us / 1_000 * 1_000);
        let change = match lifetime {
            Lifetime::None => Change::Hard,
            Lifetime::Unlimited => Change::Soft { deadline: None },
            Lifetime::Micros(us) => {
                Change::Soft { deadline: Some(now.shifted_us((us / 1_000 * 1_000) as i64)) }
            }
        };
        self.0.insert(tag.clone(), self.of(tag).after(change, position.into(), now));
    }
}

/// Pseudorandom numbers, the same for the same seed.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, end: u64) -> u64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % end
    }

    fn lifetime(&mut self) -> Lifetime {
        match self.below(8) {
            0 | 1 => Lifetime::None,
            2 => Lifetime::Unlimited,
            // Some are over before the next invalidation, and are folded then.
            3..=5 => Lifetime::Micros(1_000 + self.below(8_000)),
            _ => Lifetime::Micros(3_600_000_000 + self.below(1_000) * 1_000_000),
        }
    }
}

#[test]
fn told_loaded_or_reckoned_the_facts_are_the_same() {
    let server = server!();
    let peer = Peer::connected(&shared(server.port));
    let seed = RandomState::new().hash_one(0_u8);
    let mut numbers = Numbers(seed);
    let mut known = peer.register();
    let [mut reckoned, mut answered, mut polled] = [const { Table(BTreeMap::new()) }; 3];
    for round in 0..400 {
        let chosen: Vec<u64> = (0..6).filter(|_| numbers.below(3) == 0).collect();
        let tags: Vec<(Tag, Lifetime)> = chosen
            .into_iter()
            .map(|nth| (Tag::from(&*format!("t{nth}")), numbers.lifetime()))
            .collect();
        let command = Command::Invalidate { known: Some(known.clone()), tags: tags.clone() };
        let Some(Answer::Invalidated(written)) = peer.try_ask(command) else {
            panic!("seed {seed}, round {round}: not written")
        };
        for (tag, lifetime) in &tags {
            reckoned.apply(tag, *lifetime, written.position, written.now_us);
        }
        answered.merge(&written.rows);
        if numbers.below(4) == 0 {
            let told = peer.poll(&known);
            polled.merge(&told.rows.unwrap());
            known = Known { applied: told.last, ..known };
        }
        if numbers.below(8) == 0 {
            std::thread::sleep(Duration::from_millis(numbers.below(6)));
        }
    }
    polled.merge(&peer.poll(&known).rows.unwrap());
    let mut loaded = Table::default();
    loaded.merge(&peer.load().0);
    assert!(loaded.0.len() == 6 && server.call(&["ZCARD", "{app}:h"]) == "401");
    assert_eq!(answered, reckoned, "answered, seed {seed}");
    assert_eq!(polled, reckoned, "polled, seed {seed}");
    assert_eq!(loaded, reckoned, "loaded, seed {seed}");
}
