//! What hides a secret: the store holds this in its place.

use std::sync::LazyLock;

/// Tells our hashes from those of others; making it costs as much as a hash.
static BEGUN: LazyLock<blake3::Hasher> =
    LazyLock::new(|| blake3::Hasher::new_derive_key("tiercel 2026 app"));

/// The hash of a secret. That two are equal is found out in constant time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Digest(blake3::Hash);

impl Digest {
    /// Bytes of one.
    pub const BYTES: usize = 32;

    /// The hash of `parts`, for one purpose: for another one it is another hash. Each part is told
    /// apart from the next by its length.
    pub fn of(purpose: &str, parts: &[&[u8]]) -> Self {
        let mut hasher = BEGUN.clone();
        for part in std::iter::once(&purpose.as_bytes()).chain(parts) {
            hasher.update(&(part.len() as u64).to_le_bytes());
            hasher.update(part);
        }
        Self(hasher.finalize())
    }

    /// 64 hexadecimal digits.
    pub fn hex(&self) -> String {
        self.0.to_hex().to_string()
    }

    /// The first 32 of them: enough to tell things apart.
    pub fn short(&self) -> String {
        self.hex().chars().take(32).collect()
    }

    /// The same as a number.
    pub fn number(&self) -> u128 {
        self.0.as_bytes().first_chunk().map_or(0, |bytes| u128::from_be_bytes(*bytes))
    }

    /// From 64 hexadecimal digits.
    pub fn parse(hex: &[u8]) -> Option<Self> {
        blake3::Hash::from_hex(hex).ok().map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_and_purposes_are_told_apart() {
        let of = |purpose, parts: &[&str]| {
            let parts: Vec<_> = parts.iter().map(|part| part.as_bytes()).collect();
            Digest::of(purpose, &parts)
        };
        assert_eq!(of("a", &["b", "c"]), of("a", &["b", "c"]));
        assert_ne!(of("a", &["b", "c"]), of("a", &["bc"]));
        assert_ne!(of("a", &["b", "c"]), of("a", &["", "bc"]));
        assert_ne!(of("a", &["b"]), of("b", &["b"]));
        assert_ne!(of("a", &["b"]), of("ab", &[]));
    }

    #[test]
    fn what_is_stored_is_read_again() {
        let digest = Digest::of("a", &[]);
        assert_eq!(Digest::parse(digest.hex().as_bytes()), Some(digest));
        assert_eq!(Digest::parse(b"xyz"), None);
        assert_eq!(digest.short(), format!("{:032x}", digest.number()));
    }
}
