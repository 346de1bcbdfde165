//! What must hold for all bytes given to a decoder. The fuzzer runs this without a limit,
//! `tests/hostile.rs` for a bounded time.

use tiercel::codec::{Codec, Frame};
use xxhash_rust::xxh3::xxh3_64;

/// Bound of one entry, in bytes.
const LIMIT: usize = 1 << 20;

/// Unsigned frames are trusted at any place.
const PLACE: &[u8] = &[];

const CHECKSUM_BYTES: usize = 8;
/// Where the flags of a frame stand, and the flag that announces a MAC.
const FLAGS: usize = 5;
const SIGNED: u8 = 2;

/// Decodes `bytes` as they are, and with a valid checksum: otherwise only the checksum would ever
/// be tested.
///
/// # Panics
/// If a promise of the codec is broken.
pub fn decode(bytes: &[u8]) {
    let codec = Codec::new(None, LIMIT);
    check(&codec, bytes);
    check(&codec, &resealed(bytes));
}

/// `frame` without a MAC and with a valid checksum.
fn resealed(frame: &[u8]) -> Vec<u8> {
    let content = frame.len().saturating_sub(CHECKSUM_BYTES);
    let mut frame: Vec<u8> = frame.iter().copied().take(content).collect();
    if let Some(flags) = frame.get_mut(FLAGS) {
        *flags &= !SIGNED;
    }
    frame.extend_from_slice(&xxh3_64(&frame).to_le_bytes());
    frame
}

/// An accepted frame keeps to the limit, and survives being stored again.
fn check(codec: &Codec, bytes: &[u8]) {
    let Ok(frame) = codec.decode(PLACE, bytes) else { return };
    let Frame { key, tags, body, .. } = &frame;
    assert!(size_of_val(&**key) + tags.as_packed().len() + body.len() <= LIMIT);
    let again =
        codec.encode(PLACE, &frame.borrowed()).and_then(|stored| codec.decode(PLACE, &stored));
    assert_eq!(again, Ok(frame));
}
