//! The front of a frame, for lists of many entries: everything but the body, unproven.

use super::{Broken, Head, MAGIC, v1};
use crate::tags::TagList;

/// What the front of a frame claims. Show it, and decide nothing by it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Glance {
    /// All but key, tags and body.
    pub head: Head,
    /// The key as JavaScript spelled it.
    pub key: Box<[u16]>,
    /// The tags that can invalidate it.
    pub tags: TagList,
    /// The length of the raw body.
    pub raw_bytes: u32,
    /// Whether the body is compressed.
    pub is_zipped: bool,
    /// Whether it is signed.
    pub is_signed: bool,
}

/// Reads the front of a frame.
///
/// # Errors
/// [`Broken::Length`] where more of the frame is needed; else why it is none.
pub fn glance(front: &[u8]) -> Result<Glance, Broken> {
    match front.strip_prefix(&MAGIC).ok_or(Broken::Magic)? {
        [] => Err(Broken::Length),
        [v1::VERSION, ..] => v1::glance(front),
        _ => Err(Broken::Version),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Timestamp;
    use crate::codec::{Codec, FrameRef};
    use crate::key::Class;
    use crate::tags::{Position, Tag};
    use proptest::prelude::*;

    fn frame() -> Vec<u8> {
        let head = Head {
            epoch: 7,
            position: Position(8),
            created: Timestamp(9),
            revalidate_us: Some(10),
            expire_us: None,
            class: Class::Fetch,
            format: 4,
        };
        let tags: TagList = [Tag::from("a"), Tag::from("b")].into_iter().collect();
        let frame = FrameRef { head, key: &[1, 2, 3], tags: &tags, body: &[5; 5_000] };
        Codec::new(Some(b"secret"), 1 << 20).encode(b"place", &frame).unwrap()
    }

    #[test]
    fn the_front_says_all_but_the_body() {
        let stored = frame();
        let whole = Codec::new(Some(b"secret"), 1 << 20).decode(b"place", &stored).unwrap();
        let Glance { head, key, tags, raw_bytes, is_zipped, is_signed } =
            glance(&stored[..100]).unwrap();
        assert_eq!((head, key, tags), (whole.head, whole.key, whole.tags));
        assert_eq!((raw_bytes, is_zipped, is_signed), (5_000, true, true));
        assert_eq!(glance(&stored[..40]), Err(Broken::Length));
        assert_eq!(glance(b"something"), Err(Broken::Magic));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_a_crash(rest in any::<Vec<u8>>()) {
            let _ = glance(&[&MAGIC[..], &[1], &rest].concat());
            let _ = glance(&rest);
        }
    }
}
