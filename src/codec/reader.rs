//! Takes bytes apart from the front. Missing bytes are [`Broken::Length`].

use super::Broken;

/// The bytes left to read.
pub(super) struct Reader<'a>(pub(super) &'a [u8]);

impl<'a> Reader<'a> {
    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], Broken> {
        let (array, rest) = self.0.split_first_chunk().ok_or(Broken::Length)?;
        self.0 = rest;
        Ok(*array)
    }

    pub(super) fn u32(&mut self) -> Result<u32, Broken> {
        self.array().map(u32::from_le_bytes)
    }

    pub(super) fn u64(&mut self) -> Result<u64, Broken> {
        self.array().map(u64::from_le_bytes)
    }

    /// `count` elements of `width` bytes, where `count` stands in front of them as `u32`.
    pub(super) fn counted(&mut self, width: usize) -> Result<&'a [u8], Broken> {
        let bytes = (self.u32()? as usize).checked_mul(width).ok_or(Broken::Length)?;
        let (counted, rest) = self.0.split_at_checked(bytes).ok_or(Broken::Length)?;
        self.0 = rest;
        Ok(counted)
    }
}
