//! Proves that a frame is whole and, with a secret, that a holder of the secret wrote it.
//!
//! The checksum finds damage; anyone can compute it. The MAC finds forgery. It covers the checksum
//! too, so up to the MAC a frame is the same with or without a secret.
//!
//! The MAC covers the key and the place, so it detects a frame moved to another key, or to the same
//! key of another build. It does not cover time: an older frame put back at its place is trusted as
//! far as its position reaches.

use xxhash_rust::xxh3::xxh3_64;

use super::Broken;

const CHECKSUM_BYTES: usize = 8;
const MAC_BYTES: usize = blake3::OUT_LEN;
/// Separates the derived key from any other use of the same secret. Part of the format.
const CONTEXT: &str = "tiercel 2026 stored entry MAC";

/// Seals frames and verifies them.
pub(super) struct Seal {
    key: Option<[u8; blake3::KEY_LEN]>,
}

impl Seal {
    /// The largest seal, in bytes.
    pub(super) const BYTES: usize = CHECKSUM_BYTES + MAC_BYTES;

    pub(super) fn new(secret: Option<&[u8]>) -> Self {
        Self { key: secret.map(|secret| blake3::derive_key(CONTEXT, secret)) }
    }

    /// Whether its seals have a MAC.
    pub(super) fn signs(&self) -> bool {
        self.key.is_some()
    }

    /// Appends checksum and MAC to `frame`, which will be stored at `place`.
    pub(super) fn close(&self, frame: &mut Vec<u8>, place: &[u8]) {
        frame.extend_from_slice(&xxh3_64(frame).to_le_bytes());
        if let Some(key) = &self.key {
            frame.extend_from_slice(mac_of(key, frame, place).as_bytes());
        }
    }

    /// The content of `frame`, found at `place`, before its seal; `signed` is whether the frame
    /// claims to have a MAC.
    ///
    /// Without a secret a MAC is skipped, not refused: during the rollout of a secret, instances
    /// without it can still read what instances with it write. The reverse is exactly what the
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
        // Comes first although the MAC would find damage too: damage must not look like an attack.
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

/// The place is not part of the frame: its reader knows where the frame lay.
fn mac_of(key: &[u8; blake3::KEY_LEN], frame: &[u8], place: &[u8]) -> blake3::Hash {
    blake3::Hasher::new_keyed(key).update(frame).update(place).finalize()
}
