//! The harness of the fuzzer, for a bounded time.

#![expect(clippy::unwrap_used, reason = "a test outside cfg(test)")]

#[path = "../fuzz/src/lib.rs"]
#[expect(unreachable_pub, reason = "a crate of its own for the fuzzer")]
mod harness;

use proptest::prelude::*;
use tiercel::codec::MAGIC;

/// Frames of every kind, to be damaged.
fn seeds() -> Vec<Vec<u8>> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/formats");
    let files = std::fs::read_dir(folder).unwrap();
    files.map(|file| std::fs::read(file.unwrap().path()).unwrap()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn chance_breaks_no_promise(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        harness::decode(&bytes);
        harness::decode(&[&MAGIC[..], &[1], &bytes].concat());
    }

    #[test]
    fn a_damaged_frame_breaks_no_promise(
        seed in any::<prop::sample::Index>(),
        cut in any::<Option<prop::sample::Index>>(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6),
    ) {
        let mut frame = seed.get(&seeds()).clone();
        for (at, byte) in changes {
            *at.get_mut(&mut frame) = byte;
        }
        frame.truncate(cut.map_or(frame.len(), |cut| cut.index(frame.len())));
        harness::decode(&frame);
    }
}
