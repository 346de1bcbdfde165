//! Compression by zstd where it pays, and decompression that trusts no length.

use parking_lot::Mutex;
use zstd::bulk::{Compressor, Decompressor};
use zstd::zstd_safe::{find_frame_compressed_size, get_frame_content_size};

use super::Broken;

/// Smaller bodies are stored as they are: they save little, and there are many.
const LEAST_BYTES: usize = 1 << 10;
/// Compression must save one part in this many, else every reader would pay for nothing.
const LEAST_SAVED: usize = 10;
/// Higher levels take several times as long for a few percent.
const LEVEL: i32 = 3;

/// The contexts of zstd, reused because making them costs more than compressing most bodies. One
/// thread uses them; the locks satisfy the compiler, and a second thread if there ever is one.
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

    /// `body` compressed, if that pays.
    pub(super) fn compress(&self, body: &[u8]) -> Option<Vec<u8>> {
        if body.len() < LEAST_BYTES {
            return None;
        }
        // zstd gives up when the buffer is full: that decides whether compression pays.
        let most = body.len() - body.len().div_ceil(LEAST_SAVED);
        let mut zipped = Vec::with_capacity(most);
        self.compressor.lock().as_mut()?.compress_to_buffer(body, &mut zipped).ok()?;
        (zipped.len() <= most).then_some(zipped)
    }

    /// The body of `raw_len` bytes that `zipped` holds. The caller has bounded `raw_len`; nothing
    /// is allocated unless zstd's own header says the same length.
    pub(super) fn decompress(&self, zipped: &[u8], raw_len: usize) -> Result<Box<[u8]>, Broken> {
        // One zstd frame with nothing after it: otherwise the lengths of several would add up.
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
