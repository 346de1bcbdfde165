//! Entries as the bytes a server stores, and back.
//!
//! What comes from a server is hostile until proven otherwise: [`Codec::decode`] allocates nothing
//! before the bytes are proven whole and every length in them is proven true.
//!
//! `v1` lays a frame out; `seal` proves that it is whole and, with a secret, who wrote it; `zip`
//! compresses within bounds; `reader` takes bytes apart.
//!
//! # Format
//! Four bytes [`MAGIC`], then one byte of version; what follows is the version's own. A version
//! once shipped stays readable, because during a deploy old and new instances share a server.

mod reader;
mod seal;
mod v1;
mod zip;

use crate::clock::Timestamp;
use crate::key::{Class, KeyRef};
use crate::tags::{Position, TagList};
use seal::Seal;
use zip::Zip;

/// What every frame begins with. No text begins so: the first byte is none of UTF-8.
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
    /// Age past which the entry is not served any more, in microseconds; `None` means never.
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
    /// Whether this is the entry of `key`. A frame is found under a hash, or where someone put it.
    pub fn is_of(&self, key: &KeyRef<'_>) -> bool {
        self.head.class == key.class && *self.key == *key.units
    }

    /// The same, borrowed.
    pub fn borrowed(&self) -> FrameRef<'_> {
        FrameRef { head: self.head, key: &self.key, tags: &self.tags, body: &self.body }
    }
}

/// Why bytes are no frame, or not one to be believed. To the caller each is a miss.
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
    /// Key, tags and body together are more than one entry may be.
    TooLarge,
    /// They are not what was written.
    Checksum,
    /// There is a secret, but their writer signed nothing.
    Unsigned,
    /// They were signed with another secret.
    Mac,
    /// There is no such class of keys.
    Class,
    /// The tags are no list.
    Tags,
    /// The body does not decompress to what the frame says.
    Compression,
}

/// Encodes and decodes. Holds the compression contexts, which are reused: make one and keep it.
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
    /// believed. The secret may have any length; an empty one protects nothing.
    pub fn new(secret: Option<&[u8]>, limit: usize) -> Self {
        // Lengths are written as u32.
        let limit = limit.min(u32::MAX as usize);
        Self { seal: Seal::new(secret), zip: Zip::new(), limit }
    }

    /// The same, but it compresses nothing. What others compressed it reads.
    #[must_use]
    pub fn uncompressed(self) -> Self {
        Self { zip: self.zip.without_compressor(), ..self }
    }

    /// Bytes that an entry may have.
    pub fn limit(&self) -> usize {
        self.limit
    }

    /// Whether an entry is not too large.
    pub fn fits(&self, key: &[u16], tags: &TagList, body: &[u8]) -> bool {
        self.check_size([size_of_val(key), tags.as_packed().len(), body.len()]).is_ok()
    }

    /// The bytes to store at a place. Signed ones are believed only there.
    ///
    /// # Errors
    /// [`Broken::TooLarge`], and no other: what could not be decoded is not written.
    pub fn encode(&self, place: &[u8], frame: &FrameRef<'_>) -> Result<Vec<u8>, Broken> {
        let parts = [size_of_val(frame.key), frame.tags.as_packed().len(), frame.body.len()];
        self.check_size(parts)?;
        Ok(v1::write(self, place, frame))
    }

    /// The entry that was stored at a place, whichever version wrote it. Whether it is the entry that
    /// was asked for is for the caller to see: [`Frame::is_of`].
    ///
    /// # Errors
    /// Why the bytes are to be treated as a miss.
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
