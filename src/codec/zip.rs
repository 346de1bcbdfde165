//! Compression by zstd, where it is worth it, and decompression that cannot be lied to.

use parking_lot::Mutex;
use zstd::bulk::{Compressor, Decompressor};
use zstd::zstd_safe::{find_frame_compressed_size, get_frame_content_size};

use super::Broken;

/// Below this a body is stored as it is: little to save, and many such bodies.
const LEAST_BYTES: usize = 1 << 10;
/// Compression must save one part in this many, else every reader would pay for nothing.
const LEAST_SAVED: usize = 10;
/// Higher levels take several times as long for a few percent.
const LEVEL: i32 = 3;

/// The contexts of zstd, reused because making them costs more than most bodies. One thread uses
/// them; the locks are for the compiler, and for the day there are two.
pub(super) struct Zip {
    /// `None` if compression is off, or zstd could not be set up.
    compressor: Mutex<Option<Compressor<'static>>>,
    decompressor: Mutex<Decompressor<'static>>,
}

impl Zip {
    pub(super) fn new() -> Self {
        Self { compressor: Mutex::new(Compressor::new(LEVEL).ok()), decompressor: Mutex::default() }
    }

    pub(super) fn without_compressor(self) -> Self {
        Self { compressor: Mutex::new(None), ..self }
    }

    /// `body` compressed, if that is worth it.
    pub(super) fn compress(&self, body: &[u8]) -> Option<Vec<u8>> {
        if body.len() < LEAST_BYTES {
            return None;
        }
        // zstd gives up when the room is used up: that is the test whether it is worth it.
        let most = body.len() - body.len().div_ceil(LEAST_SAVED);
        let mut zipped = Vec::with_capacity(most);
        self.compressor.lock().as_mut()?.compress_to_buffer(body, &mut zipped).ok()?;
        (zipped.len() <= most).then_some(zipped)
    }

    /// The body of `raw_len` bytes that `zipped` holds. The caller has bounded `raw_len`; nothing
    /// is allocated unless zstd's own header says the same length.
    pub(super) fn decompress(&self, zipped: &[u8], raw_len: usize) -> Result<Box<[u8]>, Broken> {
        // Only one zstd frame, and nothing behind it: else their lengths would add up.
        let whole = find_frame_compressed_size(zipped).is_ok_and(|size| size == zipped.len());
        let declared = get_frame_content_size(zipped).ok().flatten();
        if !whole || declared != Some(raw_len as u64) {
            return Err(Broken::Compression);
        }
        let mut body = Vec::with_capacity(raw_len);
        let read = self.decompressor.lock().decompress_to_buffer(zipped, &mut body);
        if read.is_ok_and(|read| read == raw_len) {
            Ok(body.into_boxed_slice())
        } else {
            Err(Broken::Compression)
        }
    }
}
