//! Proves that a frame is whole and, with a secret, that it was written by someone who has it.
//!
//! The checksum finds damage; anybody can compute it. The MAC finds forgery. It covers the checksum
//! too, so a frame is the same bytes with or without a secret, up to the MAC.
//!
//! The MAC covers the key and the place, so a frame moved to another key, or to the same key of
//! another build, is found out. It says nothing of when: an older frame of the same place, put back,
//! is believed as far as its position reaches.

use xxhash_rust::xxh3::xxh3_64;

use super::Broken;

const CHECKSUM_BYTES: usize = 8;
const MAC_BYTES: usize = blake3::OUT_LEN;
/// Keeps keys of this use apart from any other use of the same secret. Part of the format.
const CONTEXT: &str = "tiercel 2026 stored entry MAC";

/// Closes frames and opens them.
pub(super) struct Seal {
    key: Option<[u8; blake3::KEY_LEN]>,
}

impl Seal {
    /// What a seal takes at most, in bytes.
    pub(super) const BYTES: usize = CHECKSUM_BYTES + MAC_BYTES;

    pub(super) fn new(secret: Option<&[u8]>) -> Self {
        Self { key: secret.map(|secret| blake3::derive_key(CONTEXT, secret)) }
    }

    /// Whether what it closes has a MAC.
    pub(super) fn signs(&self) -> bool {
        self.key.is_some()
    }

    /// Appends checksum and MAC to `frame`, which is to lie at `place`.
    pub(super) fn close(&self, frame: &mut Vec<u8>, place: &[u8]) {
        frame.extend_from_slice(&xxh3_64(frame).to_le_bytes());
        if let Some(key) = &self.key {
            frame.extend_from_slice(mac_of(key, frame, place).as_bytes());
        }
    }

    /// What `frame`, found at `place`, holds before its seal; `signed` is whether it says it has a
    /// MAC.
    ///
    /// Without a secret a MAC is skipped, not refused: while a secret is introduced, the instances
    /// that do not have it yet go on reading what the others write. The other way round is what the
    /// secret forbids.
    pub(super) fn open<'f>(
        &self,
        frame: &'f [u8],
        place: &[u8],
        signed: bool,
    ) -> Result<&'f [u8], Broken> {
        let (frame, mac) = if signed {
            let (frame, mac) = frame.split_last_chunk::<MAC_BYTES>().ok_or(Broken::Length)?;
            (frame, Some(blake3::Hash::from_bytes(*mac)))
        } else {
            (frame, None)
        };
        let (content, checksum) = frame.split_last_chunk().ok_or(Broken::Length)?;
        // First, although the MAC would find damage too: damage must not look like an attack.
        if xxh3_64(content) != u64::from_le_bytes(*checksum) {
            return Err(Broken::Checksum);
        }
        if let Some(key) = &self.key {
            // Hashes are compared in constant time.
            if mac.ok_or(Broken::Unsigned)? != mac_of(key, frame, place) {
                return Err(Broken::Mac);
            }
        }
        Ok(content)
    }
}

/// The place is not part of the frame: its reader knows where it lay.
fn mac_of(key: &[u8; blake3::KEY_LEN], frame: &[u8], place: &[u8]) -> blake3::Hash {
    blake3::Hasher::new_keyed(key).update(frame).update(place).finalize()
}
