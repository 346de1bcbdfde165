//! How far a get has come: it begins again from the top after each wait, and does nothing twice.

use super::request::Waited;

/// Claims that one get may make.
pub const MOST_CLAIMS: u8 = 4;

/// What a get waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WaitFor {
    /// The agreement on invalidations: then it is known whether memory may answer.
    Agreement,
    /// An entry in the shared tier.
    Store,
    /// Who generates, which comes with the entry in the shared tier.
    Lease {
        /// Whether the entry that the get holds is still fresh.
        is_ahead: bool,
    },
    /// A generation of this process.
    Flight,
    /// A generation of another process.
    Leader,
    /// A file of the build output.
    Output,
}

impl WaitFor {
    /// Whether another get or process generates what is waited for: how long is up to that.
    pub fn is_of_another(self) -> bool {
        matches!(self, Self::Flight | Self::Leader)
    }
}

/// What a get has waited for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a wait there was, or was not")]
pub struct Progress {
    /// For the agreement on invalidations.
    pub asked: bool,
    /// For the shared tier.
    pub read: bool,
    /// For a generation of this process.
    pub joined: bool,
    /// For build output.
    pub output: bool,
    /// For a generation of another process.
    pub followed: bool,
    /// How often it has asked who generates.
    pub claims: u8,
    /// Whether it did so with something fresh that soon turns stale.
    pub is_ahead: bool,
}

const ASKED: u32 = 1;
const READ: u32 = 1 << 1;
const JOINED: u32 = 1 << 2;
const OUTPUT: u32 = 1 << 3;
const FOLLOWED: u32 = 1 << 4;
const CLAIMS: u32 = 5;
const AHEAD: u32 = 1 << 8;

impl Progress {
    /// What it has waited for, in words.
    pub fn waits(self) -> impl Iterator<Item = &'static str> {
        let of = [
            (self.asked, "agreement"),
            (self.read, "redis"),
            (self.output, "build output"),
            (self.joined, "generation here"),
            (self.followed, "generation elsewhere"),
        ];
        of.into_iter().filter_map(|(has, what)| has.then_some(what))
    }

    /// Whether it has asked who generates.
    pub fn has_asked_who(self) -> bool {
        self.claims > 0 || self.followed
    }

    /// Bits that a packed one takes.
    pub const BITS: u32 = 9;

    /// As a number: JavaScript keeps no object for a wait.
    ///
    /// # Format
    /// One bit for each wait, three for the number of claims, one for `is_ahead`. Of this process and
    /// this wait only.
    pub fn pack(self) -> u32 {
        let bit = |is_set, bit| if is_set { bit } else { 0 };
        bit(self.asked, ASKED)
            | bit(self.read, READ)
            | bit(self.joined, JOINED)
            | bit(self.output, OUTPUT)
            | bit(self.followed, FOLLOWED)
            | u32::from(self.claims & 7) << CLAIMS
            | bit(self.is_ahead, AHEAD)
    }

    /// From what [`Progress::pack`] made.
    #[inline]
    pub fn unpack(packed: u32) -> Self {
        Self {
            asked: packed & ASKED != 0,
            read: packed & READ != 0,
            joined: packed & JOINED != 0,
            output: packed & OUTPUT != 0,
            followed: packed & FOLLOWED != 0,
            claims: (packed >> CLAIMS & 7) as u8,
            is_ahead: packed & AHEAD != 0,
        }
    }

    /// Whether it has waited for a generation, or for build output.
    pub fn has_awaited_a_value(self) -> bool {
        self.joined || self.followed || self.output
    }

    /// The progress after one more wait. `waited` is how the previous one ended.
    #[must_use]
    pub fn after(self, waited: Waited, next: WaitFor) -> Self {
        let mut after = self;
        // Only the last one counts, and one that timed out may be repeated.
        if next.is_of_another() || waited != Waited::InTime {
            (after.joined, after.followed) = (false, false);
        }
        match next {
            WaitFor::Agreement => after.asked = true,
            WaitFor::Flight => after.joined = true,
            WaitFor::Leader => after.followed = true,
            WaitFor::Output => after.output = true,
            WaitFor::Store | WaitFor::Lease { .. } => {
                // The store is asked again, so an earlier wait for a leader no longer counts.
                let (claims, is_ahead) = match next {
                    WaitFor::Lease { is_ahead } => (self.claims.saturating_add(1), is_ahead),
                    _ => (0, false),
                };
                after = Self { read: true, followed: false, claims, is_ahead, ..after };
            }
        }
        after
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const LEASE: WaitFor = WaitFor::Lease { is_ahead: false };

    fn waited(waits: &[WaitFor]) -> Progress {
        waits.iter().fold(Progress::default(), |at, next| at.after(Waited::InTime, *next))
    }

    #[test]
    fn of_generations_the_last_that_was_waited_for_counts() {
        let at = waited(&[WaitFor::Flight, WaitFor::Leader]);
        assert!(at.followed && !at.joined);
        let at = waited(&[WaitFor::Leader, WaitFor::Flight]);
        assert!(at.joined && !at.followed);
    }

    #[test]
    fn a_generation_that_took_too_long_may_be_waited_for_again() {
        let at = waited(&[WaitFor::Flight]);
        assert!(!at.after(Waited::Late, WaitFor::Output).joined);
        assert!(at.after(Waited::InTime, WaitFor::Output).joined);
    }

    #[test]
    fn claims_are_counted_until_the_store_is_only_read() {
        let at = waited(&[LEASE, WaitFor::Leader, LEASE]);
        assert_eq!((at.claims, at.read, at.followed), (2, true, false));
        assert_eq!(at.after(Waited::InTime, WaitFor::Store).claims, 0);
        let ahead = at.after(Waited::InTime, WaitFor::Lease { is_ahead: true });
        assert!(ahead.is_ahead && !ahead.after(Waited::InTime, LEASE).is_ahead);
    }

    proptest! {
        #[test]
        fn what_is_packed_is_unpacked(packed in 0..1_u32 << Progress::BITS) {
            prop_assert_eq!(Progress::unpack(packed).pack(), packed);
        }
    }
}
