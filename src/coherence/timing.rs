//! How long things take.

/// What the server does before it comes to a request of ours. It shows in what that takes beyond the least
/// that one ever took on this connection, which is the way there and back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub(super) struct Queue {
    least_us: Option<u64>,
}

impl Queue {
    /// How long a request that took so long waited for others.
    pub(super) fn waited_us(&mut self, took_us: u64) -> u64 {
        let least_us = self.least_us.map_or(took_us, |least_us| least_us.min(took_us));
        self.least_us = Some(least_us);
        took_us - least_us
    }
}

/// The spans of the protocol, in microseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Timing {
    /// How long memory may answer after a poll was sent.
    pub lease_us: u64,
    /// From one poll to the next.
    pub poll_us: u64,
    /// Added to a wait for all leases, because the clocks of two machines do not run equally fast.
    pub grace_us: u64,
    /// How long a get waits for a poll.
    pub ask_us: u64,
    /// How long an invalidation tries to be recorded; waiting for the others comes on top.
    pub budget_us: u64,
    /// The pause before a failed command is tried again.
    pub retry_us: u64,
    /// How long a gap between positions may close by itself before it is polled for.
    pub gap_us: u64,
    /// The longest pause between two invalidations while the store is busy.
    pub most_batch_rest_us: u64,
    /// From an invalidation to the first read of acknowledgements; doubled for each further one.
    pub ack_poll_us: u64,
    /// The longest pause between two of them.
    pub most_ack_poll_us: u64,
    /// From one acknowledgement to the next, and how long that becomes while the store is busy.
    pub ack_rest_us: u64,
    /// See [`Timing::ack_rest_us`].
    pub most_ack_rest_us: u64,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            lease_us: 1_000_000,
            poll_us: 500_000,
            grace_us: 10_000,
            ask_us: 100_000,
            budget_us: 1_000_000,
            retry_us: 100_000,
            gap_us: 2_000,
            most_batch_rest_us: 10_000,
            ack_poll_us: 1_000,
            most_ack_poll_us: 16_000,
            ack_rest_us: 1_500,
            most_ack_rest_us: 25_000,
        }
    }
}
