//! Frames that are whole but lie, and what they make the decoder allocate.
#![expect(unsafe_code, reason = "the allocator counts")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use super::*;

/// Counts what this thread allocates.
struct Counting;

thread_local! {
    static ALLOCATED: Cell<usize> = const { Cell::new(0) };
}

// SAFETY: every call goes to the system's allocator; the counter is a plain number that allocates
// nothing itself.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATED.set(ALLOCATED.get().saturating_add(layout.size()));
        // SAFETY: the caller keeps the promises of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        // SAFETY: `at` is from `alloc` above, so from the system's allocator.
        unsafe { System.dealloc(at, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// The outcome of decoding, and the bytes it allocated.
fn measured(codec: &Codec, stored: &[u8]) -> (Result<Frame, Broken>, usize) {
    let before = ALLOCATED.get();
    let outcome = codec.decode(PLACE, stored);
    (outcome, ALLOCATED.get() - before)
}

/// A frame written by hand, so that it can lie.
struct Lie<'a> {
    flags: u8,
    key_units: u32,
    key: &'a [u8],
    tags_bytes: u32,
    tags: &'a [u8],
    raw_bytes: u32,
    body: &'a [u8],
}

const HONEST: Lie<'static> = Lie {
    flags: 0,
    key_units: 2,
    key: b"a\0b\0",
    tags_bytes: 5,
    tags: b"\x01\0\0\0t",
    raw_bytes: 4,
    body: b"body",
};
const ZIPPED: u8 = 1;

impl Lie<'_> {
    fn stored(&self) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        bytes.extend_from_slice(&[1, self.flags, 2, 4]);
        bytes.extend_from_slice(&[0; 24]);
        for (length, part) in
            [(self.key_units, self.key), (self.tags_bytes, self.tags), (self.raw_bytes, self.body)]
        {
            bytes.extend_from_slice(&length.to_le_bytes());
            bytes.extend_from_slice(part);
        }
        with_new_checksum(bytes)
    }
}

fn zipped(raw: &[u8]) -> Vec<u8> {
    zstd::bulk::compress(raw, 3).unwrap()
}

/// Asserts that `lie` is refused for `reason`, at the cost of no more than the lie's own size.
fn refuse(lie: &Lie<'_>, reason: Broken) {
    let stored = lie.stored();
    let (outcome, allocated) = measured(&Codec::new(None, LIMIT), &stored);
    assert_eq!(outcome, Err(reason));
    assert!(allocated <= stored.len(), "{} bytes made it allocate {allocated}", stored.len());
}

#[test]
fn a_frame_written_by_hand_is_read() {
    let (outcome, allocated) = measured(&Codec::new(None, LIMIT), &HONEST.stored());
    let frame = outcome.unwrap();
    assert_eq!((&*frame.key, &*frame.body), (&[0x61, 0x62][..], &b"body"[..]));
    assert_eq!(frame.tags.iter().collect::<Vec<_>>(), [b"t"]);
    assert_eq!(allocated, 4 + 5 + 4, "exactly the bytes that are kept");
}

#[test]
fn a_length_that_lies_is_refused_before_anything_is_allocated() {
    for units in [3, 0x7FFF_FFFF, 0x8000_0002, u32::MAX] {
        refuse(&Lie { key_units: units, ..HONEST }, Broken::Length);
    }
    for bytes in [14, u32::MAX] {
        refuse(&Lie { tags_bytes: bytes, ..HONEST }, Broken::Length);
    }
    for bytes in [0, 3, 5, LIMIT as u32 - 9] {
        refuse(&Lie { raw_bytes: bytes, ..HONEST }, Broken::Length);
    }
    for bytes in [LIMIT as u32 - 8, u32::MAX] {
        refuse(&Lie { raw_bytes: bytes, ..HONEST }, Broken::TooLarge);
    }
    for tags in [*b"\x02\0\0\0t", *b"\xFF\xFF\xFF\xFFt", *b"\0\0\0\0t"] {
        refuse(&Lie { tags: &tags, ..HONEST }, Broken::Tags);
    }
}

#[test]
fn a_body_that_would_explode_is_refused_before_anything_is_allocated() {
    let bomb = zipped(&vec![0; 64 << 20]);
    assert!(bomb.len() < 10_000);
    let lie = |raw_bytes, body| Lie { flags: ZIPPED, raw_bytes, body, ..HONEST };
    refuse(&lie(64 << 20, &bomb), Broken::TooLarge);
    refuse(&lie(100_000, &bomb), Broken::Compression);
    refuse(&lie(0, &bomb), Broken::Compression);

    let small = zipped(&[0; 1_000]);
    refuse(&lie(LIMIT as u32 - 9, &small), Broken::Compression);
    refuse(&lie(1_000, &small[..small.len() - 1]), Broken::Compression);
    let twice = [&*small, &small].concat();
    refuse(&lie(1_000, &twice), Broken::Compression);
    refuse(&lie(2_000, &twice), Broken::Compression);
    refuse(&lie(4, b"body"), Broken::Compression);
    refuse(&lie(0, b""), Broken::Compression);
}

#[test]
fn what_zstd_cannot_decompress_costs_no_more_than_the_limit() {
    let mut raw: Vec<u8> = (0..20_000_u32).map(|i| (i / 7 % 251) as u8).collect();
    raw.extend(b"and an end");
    let whole = zipped(&raw);
    let mut refused = 0;
    for at in 0..whole.len() {
        let mut damaged = whole.clone();
        damaged[at] ^= 0x55;
        let lie = Lie { flags: ZIPPED, raw_bytes: raw.len() as u32, body: &damaged, ..HONEST };
        let (outcome, allocated) = measured(&Codec::new(None, LIMIT), &lie.stored());
        refused += usize::from(outcome == Err(Broken::Compression));
        // In addition to the body there is the text of zstd's error.
        assert!(allocated <= raw.len() + 1_000, "{allocated} bytes at {at}");
    }
    assert!(refused > 0);
}

#[test]
fn a_body_is_kept_in_exactly_the_bytes_it_takes() {
    for raw in [vec![], vec![7; 500_000]] {
        let body = zipped(&raw);
        let lie = Lie { flags: ZIPPED, raw_bytes: raw.len() as u32, body: &body, ..HONEST };
        let (outcome, allocated) = measured(&Codec::new(None, LIMIT), &lie.stored());
        assert_eq!(&*outcome.unwrap().body, raw);
        assert_eq!(allocated, 4 + 5 + raw.len());
    }
}
