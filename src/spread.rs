//! When entries turn stale: each key at its own moment; popular ones are regenerated before that.

use xxhash_rust::xxh3::xxh3_64;

/// How expiries are spread over time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Spread {
    /// How much earlier an entry may turn stale, in percent of its lifetime: entries stored
    /// together are then not regenerated together.
    pub jitter_percent: u32,
    /// The last part of its lifetime in which a popular entry is regenerated before it turns stale,
    /// in percent; 0 = none.
    pub ahead_percent: u32,
}

/// The place of a key in the spread: the same in every process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Share(u16);

impl Share {
    /// The place of the key with these bytes.
    pub fn of(key: &[u8]) -> Self {
        Self(xxh3_64(key) as u16)
    }
}

impl Spread {
    /// Shortens a lifetime of `us` for a key with this `share`, by at most the jitter.
    pub fn shorten(self, share: Share, us: u64) -> u64 {
        let most = u128::from(us) * u128::from(self.jitter_percent);
        let early = most * u128::from(share.0) / (100 * u128::from(u16::MAX));
        us.saturating_sub(early as u64)
    }

    /// The age from which a popular entry that turns stale at `fresh_us` is regenerated;
    /// `revalidate_us` is its whole lifetime.
    pub fn ahead_us(self, fresh_us: u64, revalidate_us: u64) -> u64 {
        if self.ahead_percent == 0 {
            return u64::MAX;
        }
        let part = u128::from(revalidate_us) * u128::from(self.ahead_percent) / 100;
        fresh_us.saturating_sub(part as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_spread_over_the_part_that_jitter_takes() {
        let spread = Spread { jitter_percent: 10, ..Spread::default() };
        let of = |n: u32| spread.shorten(Share::of(&n.to_le_bytes()), 1_000_000);
        let all: Vec<u64> = (0..10_000).map(of).collect();
        assert!(all.iter().all(|us| (900_000..=1_000_000).contains(us)));
        for tenth in 90..100 {
            let within = |us: &&u64| **us / 10_000 == tenth;
            let count = all.iter().filter(within).count();
            assert!((850..1_150).contains(&count), "{tenth}: {count}");
        }
    }

    #[test]
    fn without_jitter_nothing_changes_and_no_life_is_too_long_to_shorten() {
        let none = Spread { jitter_percent: 0, ..Spread::default() };
        assert_eq!(none.shorten(Share(u16::MAX), 7), 7);
        let half = Spread { jitter_percent: 50, ..Spread::default() };
        assert_eq!(half.shorten(Share(u16::MAX), u64::MAX), u64::MAX - u64::MAX / 2);
    }

    #[test]
    fn popular_entries_are_renewed_in_the_last_part_of_their_time() {
        assert_eq!(Spread::default().ahead_us(95, 100), u64::MAX);
        let spread = Spread { ahead_percent: 20, ..Spread::default() };
        assert_eq!(spread.ahead_us(95, 100), 75);
        assert_eq!(spread.ahead_us(5, 100), 0);
    }
}
