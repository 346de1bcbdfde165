//! Spans of generations: how long one is believed in, waited for, and passed.
//!
//! A second generation costs one call of the origin; one that is withheld costs every visitor. So
//! nothing here is long unless there is a sign of life.

/// How long a get that has something stale leads without a sign that a generation has begun: 1 s.
/// Next.js begins within milliseconds; who has not begun by then is a prefetch, or was joined to
/// another request, or is gone.
pub const UNSEEN_US: u64 = 1_000_000;
/// How long a leader with signs of life is believed in: 10 s.
pub const SEEN_US: u64 = 10_000_000;
/// Life of a lease in the store beyond what its leader is believed for, in ms: a busy process
/// renews it late.
pub const LEASE_SLACK_MS: u32 = 500;
/// Life of the lease of something stale, from each renewal on: 1.5 s.
pub const STALE_LEASE_MS: u32 = (UNSEEN_US / 1_000) as u32 + LEASE_SLACK_MS;
/// How long a process takes it for granted that another one leads, before it asks again: 200 ms.
pub const BELIEVED_US: u64 = 200_000;
/// How long the same holds for who has asked: 2.2 s, the longest of all waits. A thread of JavaScript
/// with a hundred requests at once comes back late to what it has asked, and would generate.
pub const ANSWERED_US: u64 = 2_200_000;
/// Leaders in a row that may be waited for in vain before nobody waits for a key. One that is slow
/// is worth a wait; three mean that nothing is stored. Of a key that was passed before, one does.
pub const VAIN_LEADS: u32 = 3;
/// Leaders in a row that may end without storing anything before nobody waits for a key.
pub const IDLE_LEADS: u32 = 2;
/// How long a key is passed the first time; each time nothing was stored doubles it.
pub const FIRST_PASS_US: u64 = 10_000_000;
/// How long a key is passed at most: 10 min.
pub const LONGEST_PASS_US: u64 = 600_000_000;
/// Keys remembered at once, by flights and by leases; beyond that the oldest give way.
pub const MOST_KEYS: usize = 10_000;

/// How long a key is passed after so many `failures` in a row to store it.
pub fn pass_us(failures: u32) -> u64 {
    let doublings = failures.saturating_sub(1).min(16);
    (FIRST_PASS_US << doublings).min(LONGEST_PASS_US)
}

/// Leaders in a row that may be waited for in vain, of a key that failed so often before.
pub fn vain_leads(failures: u32) -> u32 {
    if failures == 0 { VAIN_LEADS } else { 1 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_failure_doubles_the_pass_up_to_ten_minutes() {
        let secs = [1, 2, 3, 7, 8, u32::MAX].map(|failures| pass_us(failures) / 1_000_000);
        assert_eq!(secs, [10, 20, 40, 600, 600, 600]);
    }
}
