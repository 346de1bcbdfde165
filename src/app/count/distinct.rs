//! How many different members there are: exactly while they are few, then by a `HyperLogLog` as large as
//! that of Redis.

use std::collections::BTreeSet;

use crate::app::shelf::Weight;

/// As many as are told apart exactly: with more the registers are smaller.
const FEW: usize = 1_024;
/// Bits of a hash that choose a register.
const BITS: u32 = 14;
const REGISTERS: usize = 1 << BITS;
/// Bits that remain.
const REST: usize = 64 - BITS as usize;

/// Different members, by hash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Distinct {
    Few(BTreeSet<u64>),
    /// Of each register the longest run of zeros, and one.
    Many(Box<[u8]>),
}

impl Default for Distinct {
    fn default() -> Self {
        Self::Few(BTreeSet::new())
    }
}

impl Weight for Distinct {
    fn weight(&self) -> usize {
        match self {
            Self::Few(members) => members.len() * 16,
            Self::Many(registers) => registers.len(),
        }
    }
}

impl Distinct {
    pub(super) fn add(&mut self, hash: u64) {
        match self {
            Self::Few(members) => {
                members.insert(hash);
                if members.len() > FEW {
                    let mut registers = vec![0; REGISTERS].into_boxed_slice();
                    for hash in &*members {
                        note(&mut registers, *hash);
                    }
                    *self = Self::Many(registers);
                }
            }
            Self::Many(registers) => note(registers, hash),
        }
    }

    pub(super) fn estimate(&self) -> u64 {
        match self {
            Self::Few(members) => members.len() as u64,
            Self::Many(registers) => estimate(registers),
        }
    }
}

fn note(registers: &mut [u8], hash: u64) {
    let run = ((hash >> BITS) | 1 << REST).trailing_zeros() as u8 + 1;
    if let Some(held) = registers.get_mut(hash as usize % REGISTERS) {
        *held = run.max(*held);
    }
}

/// Ertl's estimator, as Redis has it ("New cardinality estimation algorithms for `HyperLogLog` sketches",
/// 2017, algorithm 6).
fn estimate(registers: &[u8]) -> u64 {
    const ALPHA: f64 = 0.721_347_520_444_481_7;
    let mut counts = [0.0_f64; REST + 2];
    for run in registers {
        if let Some(count) = counts.get_mut(usize::from(*run)) {
            *count += 1.0;
        }
    }
    let (m, [zeros, runs @ .., longest]) = (REGISTERS as f64, counts);
    let mut z = m * tau(1.0 - longest / m);
    for count in runs.iter().rev() {
        z = 0.5 * (z + count);
    }
    z += m * sigma(zeros / m);
    (ALPHA * m * m / z).round() as u64
}

fn sigma(mut x: f64) -> f64 {
    if x >= 1.0 {
        return f64::INFINITY;
    }
    let (mut y, mut z) = (1.0, x);
    loop {
        x *= x;
        let before = z;
        z += x * y;
        y += y;
        if z <= before {
            return z;
        }
    }
}

fn tau(mut x: f64) -> f64 {
    if x <= 0.0 || x >= 1.0 {
        return 0.0;
    }
    let (mut y, mut z) = (1.0, 1.0 - x);
    loop {
        x = x.sqrt();
        let before = z;
        y *= 0.5;
        z -= (1.0 - x).powi(2) * y;
        if z >= before {
            return z / 3.0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hash(number: u64) -> u64 {
        xxhash_rust::xxh3::xxh3_64(&number.to_le_bytes())
    }

    #[test]
    fn members_are_counted_once_and_within_two_percent() {
        let mut members = Distinct::default();
        let mut added = 0;
        for most in [0, 10, 1_000, 5_000, 20_000, 100_000, 300_000] {
            while added < most {
                members.add(hash(added));
                members.add(hash(added / 2));
                added += 1;
            }
            let off = members.estimate().abs_diff(most) as f64;
            assert!(off <= most as f64 * 0.02, "{} of {most}", members.estimate());
            assert!(most > FEW as u64 || off == 0.0);
            assert!(members.weight() <= REGISTERS.max(FEW * 16));
        }
    }
}
