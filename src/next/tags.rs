//! The tags that an entry has of its own, beside those of its value.

use super::value::ValueKind;
use crate::key::{Class, wtf8};
use crate::store;
use crate::tags::Tag;

/// Begins the tag of a key.
pub const KEY_TAG: &[u8] = b"tiercel:key:";
/// Begins the tag of a kind.
pub const KIND_TAG: &[u8] = b"tiercel:kind:";
/// Begins the tag of a key of the app's own code.
pub const OWN_TAG: &[u8] = b"tiercel:own:";
/// Begins the tags that Next.js makes of paths: `NEXT_CACHE_IMPLICIT_TAG_ID` of 16.
pub const PATH_TAG: &str = "_N_T_";
/// The longest tag that Next.js takes, in UTF-16 code units: `NEXT_CACHE_TAG_MAX_LENGTH`, 16.0 to 16.4.
const MOST_UNITS: usize = 256;

impl ValueKind {
    /// The tag of all entries of this kind.
    pub fn kind_tag(self) -> Tag {
        Tag::spelled([KIND_TAG, self.plain_name().as_bytes()].concat().into())
    }

    /// The tag of the entry that has this key. `res.revalidate` of Next.js renews what answers
    /// requests by its own: pages of the Pages Router have no other tag. The others, whose keys may
    /// be long, are named by a digest; so is a key of the app's own code whose tag Next.js would not
    /// take. `label` separates the keys of one app from those of another; all apps of a process
    /// share the entries of their own code.
    pub fn key_tag(self, label: &str, key: &[u16]) -> Tag {
        let name = match self.class() {
            Class::Own => return Tag::spelled([OWN_TAG, &*own_name(key)].concat().into()),
            Class::Response => wtf8(key),
            class => digest(class, key).into_bytes().into_boxed_slice(),
        };
        Tag::spelled([KEY_TAG, label.as_bytes(), &name].concat().into())
    }
}

fn own_name(key: &[u16]) -> Box<[u8]> {
    if OWN_TAG.len() + key.len() <= MOST_UNITS {
        return wtf8(key);
    }
    digest(Class::Own, key).into_bytes().into_boxed_slice()
}

/// No key of a page begins as a digest does: those are paths.
fn digest(class: Class, key: &[u16]) -> String {
    let digest = store::address(class, key, None).unwrap_or_default();
    format!("#{:032x}", u128::from_be_bytes(digest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_key_is_named_by_its_digest() {
        let key: Vec<u16> = (0..700).collect();
        let bytes: Vec<u8> = key.iter().flat_map(|unit| unit.to_le_bytes()).collect();
        let digest = blake3::hash(&[&[Class::Fetch as u8], &*bytes].concat()).to_hex();
        let named = format!("tiercel:key:app:#{}", &digest[..32]);
        assert_eq!(ValueKind::Fetch.key_tag("app:", &key).as_bytes(), named.as_bytes());
    }

    fn own(key: &str) -> String {
        let units: Vec<u16> = key.encode_utf16().collect();
        String::from_utf8(ValueKind::Own.key_tag("app", &units).as_bytes().to_vec()).unwrap()
    }

    #[test]
    fn next_takes_the_tag_of_every_key_of_the_apps_own_code() {
        let longest = "x".repeat(MOST_UNITS - OWN_TAG.len());
        assert_eq!(own(&longest), format!("tiercel:own:{longest}"));
        let (one, other) = (own(&format!("{longest}1")), own(&format!("{longest}2")));
        assert!(one.starts_with("tiercel:own:#") && one.len() < MOST_UNITS);
        assert_ne!(one, other);
    }
}
