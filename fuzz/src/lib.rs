//! What must hold whatever bytes a decoder is given. Run by the fuzzer for as long as it likes, and
//! by `tests/hostile.rs` for a bounded time.

use tiercel::codec::{Codec, Frame};
use xxhash_rust::xxh3::xxh3_64;

/// Bound of one entry, in bytes.
const LIMIT: usize = 1 << 20;

/// Unsigned frames are believed anywhere.
const PLACE: &[u8] = &[];

const CHECKSUM_BYTES: usize = 8;
/// Where the flags of a frame stand, and the one of them that says there is a MAC.
const FLAGS: usize = 5;
const SIGNED: u8 = 2;

/// Decodes `bytes` as they are, and with a checksum that holds: else nothing but the checksum would
/// ever be tried.
///
/// # Panics
/// If a promise of the codec is broken.
pub fn decode(bytes: &[u8]) {
    let codec = Codec::new(None, LIMIT);
    check(&codec, bytes);
    check(&codec, &resealed(bytes));
}

/// `frame` without a MAC and with a checksum that holds.
fn resealed(frame: &[u8]) -> Vec<u8> {
    let content = frame.len().saturating_sub(CHECKSUM_BYTES);
    let mut frame: Vec<u8> = frame.iter().copied().take(content).collect();
    if let Some(flags) = frame.get_mut(FLAGS) {
        *flags &= !SIGNED;
    }
    frame.extend_from_slice(&xxh3_64(&frame).to_le_bytes());
    frame
}

/// What is accepted keeps to the limit, and survives being stored again.
fn check(codec: &Codec, bytes: &[u8]) {
    let Ok(frame) = codec.decode(PLACE, bytes) else { return };
    let Frame { key, tags, body, .. } = &frame;
    assert!(size_of_val(&**key) + tags.as_packed().len() + body.len() <= LIMIT);
    let again =
        codec.encode(PLACE, &frame.borrowed()).and_then(|stored| codec.decode(PLACE, &stored));
    assert_eq!(again, Ok(frame));
}
