//! Spans of generations: how long a leader is believed in and waited for, and how long a key is a
//! hit-for-miss.
//!
//! A second generation costs one call of the origin; one that is withheld costs every visitor. So
//! nothing here is long unless there is a sign of life.

/// How long a get that has something stale leads without a sign that a generation has begun: 1 s.
/// Next.js begins within milliseconds; a request that has not begun by then is a prefetch, or was
/// joined to another one, or is gone.
pub const UNSEEN_LEADER_US: u64 = 1_000_000;
/// How long a leader with signs of life is believed in: 10 s.
pub const SEEN_LEADER_US: u64 = 10_000_000;
/// How much longer a lease lives in the store than its leader is believed, in ms: a busy process
/// renews it late.
pub const LEASE_SLACK_MS: u32 = 500;
/// The same for a lease that is never renewed: followers ask as soon as its leader has timed out.
pub const COLD_LEASE_SLACK_MS: u32 = 300;
/// Life of the lease of something stale, from each renewal on: 1.5 s.
pub const STALE_LEASE_MS: u32 = (UNSEEN_LEADER_US / 1_000) as u32 + LEASE_SLACK_MS;
/// Pause between renewals: two fit into the time for which a leader may lack a sign of life.
pub const RENEW_EVERY_MS: u64 = 500;
/// How long a process assumes that another one leads before it asks again: 200 ms.
pub const RECHECK_US: u64 = 200_000;
/// Pauses between requests to the store for followers: 10, 20, 40 ms, then every 80.
pub const FIRST_CHECK_MS: u32 = 10;
/// How often that pause doubles.
pub const MOST_CHECK_DOUBLINGS: u32 = 3;
/// The longest pause where the leader tells its followers that it has ended: it may have died, and
/// the message may be lost.
pub const FOLLOWED_CHECK_MS: u32 = 500;
/// How long a leader remembers a follower: longer than a get waits.
pub const FOLLOWER_LIFE_MS: u32 = LONGEST_WAIT_MS + 500;
/// The longest wait for a generation: 2.2 s. Every get settles within 2.5 s, so that a visitor
/// waits no longer than for a slow page.
pub const LONGEST_WAIT_MS: u32 = 2_200;
/// How long a get may act on the reply it waited for: the longest wait. A busy JavaScript thread
/// resumes the get late, and would otherwise generate too.
pub const REPLY_HOLDS_US: u64 = LONGEST_WAIT_MS as u64 * 1_000;
/// Leaders in a row whose followers may time out before gets stop waiting for a key. One slow
/// leader is worth a wait; three mean that nothing is stored. For a key that failed before, one is
/// enough.
pub const TIMED_OUT_LEADERS: u32 = 3;
/// Leaders in a row that may end without storing anything before gets stop waiting for a key.
pub const EMPTY_LEADERS: u32 = 2;
/// How long a key is a hit-for-miss the first time; each further failure to store it doubles that.
pub const FIRST_HIT_FOR_MISS_US: u64 = 10_000_000;
/// The longest hit-for-miss: 10 min.
pub const LONGEST_HIT_FOR_MISS_US: u64 = 600_000_000;
/// Keys that flights and leases each remember; beyond that the oldest give way.
pub const MOST_KEYS: usize = 10_000;

/// How long a key is a hit-for-miss after this number of `failures` in a row to store it.
pub fn hit_for_miss_us(failures: u32) -> u64 {
    let doublings = failures.saturating_sub(1).min(16);
    (FIRST_HIT_FOR_MISS_US << doublings).min(LONGEST_HIT_FOR_MISS_US)
}

/// Leaders in a row whose followers may time out, of a key that failed this often before.
pub fn leaders_that_may_time_out(failures: u32) -> u32 {
    if failures == 0 { TIMED_OUT_LEADERS } else { 1 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_failure_doubles_the_hit_for_miss_up_to_ten_minutes() {
        let secs = [1, 2, 3, 7, 8, u32::MAX].map(|failures| hit_for_miss_us(failures) / 1_000_000);
        assert_eq!(secs, [10, 20, 40, 600, 600, 600]);
    }
}
