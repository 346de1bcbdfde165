//! Entries as the bytes a server stores, and back.
//!
//! What comes from a server is hostile until proven otherwise: [`Codec::decode`] allocates nothing
//! before the bytes are proven whole and every length in them is proven true.
//!
//! `v1` lays a frame out; `seal` proves that it is whole and, with a secret, who wrote it; `zip`
//! compresses within bounds; `reader` takes bytes apart. `glance` reads the front of a frame alone,
//! for lists.
//!
//! # Format
//! Four bytes [`MAGIC`], then one byte of version; what follows is the version's own. A version
//! once shipped stays readable, because during a deploy old and new instances share a server.

mod glance;
mod reader;
mod seal;
mod v1;
mod zip;

use crate::clock::Timestamp;
use crate::key::{Class, KeyRef};
use crate::tags::{Position, TagList};
pub use glance::{Glance, glance};
use seal::Seal;
use zip::Zip;

/// The first bytes of every frame. No text begins with them: the first byte is never in UTF-8.
pub const MAGIC: [u8; 4] = *b"\xFFtcl";

/// The fields of a frame other than key, tags and body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// The life of the tag table that `position` belongs to.
    pub epoch: u64,
    /// The position applied when the generation of this entry began.
    pub position: Position,
    /// When the generation began, on the clock of the server.
    pub created: Timestamp,
    /// Age past which the entry is stale, in microseconds; `None` means never.
    pub revalidate_us: Option<u64>,
    /// Age past which the entry is no longer served, in microseconds; `None` means never.
    pub expire_us: Option<u64>,
    /// The class of the key.
    pub class: Class,
    /// What the body is, in the words of the layer that wrote it; opaque here.
    pub format: u8,
}

/// An entry to be stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FrameRef<'a> {
    /// All but key, tags and body.
    pub head: Head,
    /// The key as JavaScript spelled it.
    pub key: &'a [u16],
    /// The tags that can invalidate it.
    pub tags: &'a TagList,
    /// The bytes, opaque here.
    pub body: &'a [u8],
}

/// An entry that was stored. Each part takes exactly the bytes it needs: it may be kept for long.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// All but key, tags and body.
    pub head: Head,
    /// The key as JavaScript spelled it.
    pub key: Box<[u16]>,
    /// The tags that can invalidate it.
    pub tags: TagList,
    /// The bytes, opaque here.
    pub body: Box<[u8]>,
}

impl Frame {
    /// Whether this is the entry of `key`. A frame is found under a hash, or where an attacker put
    /// it.
    pub fn is_of(&self, key: &KeyRef<'_>) -> bool {
        self.head.class == key.class && *self.key == *key.units
    }

    /// The same, borrowed.
    pub fn borrowed(&self) -> FrameRef<'_> {
        FrameRef { head: self.head, key: &self.key, tags: &self.tags, body: &self.body }
    }
}

/// Why bytes are no frame, or no trusted one. To the caller each is a miss.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Broken {
    /// They do not begin as a frame.
    Magic,
    /// A version this build does not know: newer instances share the server.
    Version,
    /// A flag this build does not know, so it cannot know what the frame means.
    Flags,
    /// They end too early or too late, or a length in them is not true.
    Length,
    /// Key, tags and body together are larger than one entry may be.
    TooLarge,
    /// The bytes changed since they were written.
    Checksum,
    /// There is a secret, but the frame has no signature.
    Unsigned,
    /// The frame was signed with another secret.
    Mac,
    /// No class of keys has this number.
    Class,
    /// The tags do not form a list.
    Tags,
    /// The body does not decompress to what the frame says.
    Compression,
}

/// Encodes and decodes. Holds the compression contexts, which are reused: make one codec and keep
/// it.
pub struct Codec {
    seal: Seal,
    zip: Zip,
    limit: usize,
}

impl Codec {
    /// A codec for entries of at most `limit` bytes: key, tags and raw body together, at most
    /// 4 GiB.
    ///
    /// With a secret every frame is signed, and only frames signed with the same secret are
    /// trusted. The secret may have any length; an empty one protects nothing.
    pub fn new(secret: Option<&[u8]>, limit: usize) -> Self {
        // Lengths are written as u32.
        let limit = limit.min(u32::MAX as usize);
        Self { seal: Seal::new(secret), zip: Zip::new(), limit }
    }

    /// The same codec, but without compression. It still reads compressed frames.
    #[must_use]
    pub fn uncompressed(self) -> Self {
        Self { zip: self.zip.without_compressor(), ..self }
    }

    /// The size of the largest entry, in bytes.
    pub fn limit(&self) -> usize {
        self.limit
    }

    /// Whether an entry is small enough.
    pub fn fits(&self, key: &[u16], tags: &TagList, body: &[u8]) -> bool {
        self.check_size([size_of_val(key), tags.as_packed().len(), body.len()]).is_ok()
    }

    /// The bytes to store at a place. Signed bytes are trusted at that place only.
    ///
    /// # Errors
    /// [`Broken::TooLarge`] only: no frame is written that could not be decoded.
    pub fn encode(&self, place: &[u8], frame: &FrameRef<'_>) -> Result<Vec<u8>, Broken> {
        let parts = [size_of_val(frame.key), frame.tags.as_packed().len(), frame.body.len()];
        self.check_size(parts)?;
        Ok(v1::write(self, place, frame))
    }

    /// The entry stored at a place, by whichever version. The caller must check that it is the
    /// entry it asked for: [`Frame::is_of`].
    ///
    /// # Errors
    /// Why the caller must treat the bytes as a miss.
    pub fn decode(&self, place: &[u8], stored: &[u8]) -> Result<Frame, Broken> {
        match stored.strip_prefix(&MAGIC).ok_or(Broken::Magic)? {
            [] => Err(Broken::Length),
            [v1::VERSION, ..] => v1::read(self, place, stored),
            _ => Err(Broken::Version),
        }
    }

    fn check_size(&self, parts: [usize; 3]) -> Result<(), Broken> {
        let size = parts.into_iter().try_fold(0, usize::checked_add);
        if size.is_some_and(|size| size <= self.limit) { Ok(()) } else { Err(Broken::TooLarge) }
    }
}

impl std::fmt::Debug for Codec {
    /// Without the secret.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Codec").field("limit", &self.limit).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
