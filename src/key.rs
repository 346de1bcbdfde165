//! Cache keys as Next.js makes them, safe to look up.
//!
//! A key stays the UTF-16 it was in JavaScript. Two keys of one real app differed only in lone
//! surrogates and became equal once converted to UTF-8.

use xxhash_rust::xxh3::xxh3_128_with_seed;

use crate::spread::Share;

/// What kind of entry a key names. Keys of different classes never meet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Class {
    /// A `'use cache'` entry.
    UseCache = 0,
    /// A rendered page or route handler response.
    Response = 1,
    /// A `fetch` or `unstable_cache` entry.
    Fetch = 2,
    /// An optimized image.
    Image = 3,
    /// An entry of the app's own code.
    Own = 4,
}

/// An app of this process, numbered as they became known: a custom server may run several, and
/// their pages may have the same paths. Callers that do not know their app count as the first.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct AppId(pub u32);

/// The 128-bit hash under which memory finds an entry. Seeded per process, so no visitor can
/// choose colliding keys.
pub type Hash128 = u128;

/// A borrowed key with its hash.
#[derive(Debug, Clone, Copy)]
pub struct KeyRef<'a> {
    /// The class the key belongs to.
    pub class: Class,
    /// The app it belongs to; `'use cache'` keys belong to the first, since they name their build.
    pub app: AppId,
    /// The key as JavaScript spelled it.
    pub units: &'a [u16],
    /// Hash of all these.
    pub hash: Hash128,
}

/// Makes [`KeyRef`]s; holds the seed of this process.
#[derive(Debug, Clone, Copy)]
pub struct Hasher {
    seed: u64,
}

impl Default for Hasher {
    fn default() -> Self {
        use std::hash::{BuildHasher, RandomState};
        Self { seed: RandomState::new().hash_one(0_u8) }
    }
}

impl Hasher {
    /// The key for `units` in `class`, of the first app.
    #[inline]
    pub fn key<'a>(&self, class: Class, units: &'a [u16]) -> KeyRef<'a> {
        self.key_of(AppId::default(), class, units)
    }

    /// The key for `units` in `class`, of `app`.
    #[inline]
    pub fn key_of<'a>(&self, app: AppId, class: Class, units: &'a [u16]) -> KeyRef<'a> {
        let place = u64::from(app.0) << 8 | class as u64;
        let seed = self.seed ^ place.wrapping_mul(0x9E37_79B9_7F4A_7C15);
        KeyRef { class, app, units, hash: xxh3_128_with_seed(bytes_of(units), seed) }
    }
}

/// The position of a key among all keys, the same in every process.
pub fn share(units: &[u16]) -> Share {
    Share::of(bytes_of(units))
}

/// The memory of the units, in native byte order, which is the same on all machines that have an
/// addon.
#[inline]
#[expect(unsafe_code, reason = "hashing 64 units through a copy costs more than the hash")]
fn bytes_of(units: &[u16]) -> &[u8] {
    // SAFETY: any u16 is two valid u8, u8 needs no alignment, and the length in bytes is that of
    // the borrowed slice.
    unsafe { std::slice::from_raw_parts(units.as_ptr().cast::<u8>(), size_of_val(units)) }
}

/// WTF-8 of UTF-16 units: UTF-8, with each lone surrogate as its own three bytes, so that different
/// units always give different bytes.
pub fn wtf8(units: &[u16]) -> Box<[u8]> {
    let mut out = Vec::with_capacity(units.len());
    for unit in char::decode_utf16(units.iter().copied()) {
        match unit {
            Ok(c) => out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
            Err(lone) => {
                let unit = lone.unpaired_surrogate();
                out.extend_from_slice(&[
                    0xE0 | (unit >> 12) as u8,
                    0x80 | ((unit >> 6) & 0x3F) as u8,
                    0x80 | (unit & 0x3F) as u8,
                ]);
            }
        }
    }
    out.into_boxed_slice()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn keys_that_differ_only_in_lone_surrogates_stay_apart() {
        let hasher = Hasher::default();
        let a = hasher.key(Class::Fetch, &[0xD800]);
        let b = hasher.key(Class::Fetch, &[0xD801]);
        assert_ne!(a.hash, b.hash);
        assert_ne!(wtf8(&[0xD800]), wtf8(&[0xD801]));
    }

    #[test]
    fn the_same_key_in_two_classes_is_two_keys() {
        let hasher = Hasher::default();
        let units = [1, 2, 3];
        assert_ne!(hasher.key(Class::Fetch, &units).hash, hasher.key(Class::UseCache, &units).hash);
    }

    #[test]
    fn the_same_key_of_two_apps_is_two_keys() {
        let hasher = Hasher::default();
        let of = |app| hasher.key_of(AppId(app), Class::Response, &[1, 2, 3]).hash;
        assert_eq!(of(0), hasher.key(Class::Response, &[1, 2, 3]).hash);
        assert_ne!(of(0), of(1));
    }

    proptest! {
        #[test]
        fn wtf8_is_utf8_for_text_and_injective(a in any::<Vec<u16>>(), b in any::<Vec<u16>>(), s in any::<String>()) {
            let units: Vec<u16> = s.encode_utf16().collect();
            prop_assert_eq!(&*wtf8(&units), s.as_bytes());
            prop_assert_eq!(a == b, wtf8(&a) == wtf8(&b));
        }
    }
}
