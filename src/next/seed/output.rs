//! The build output folder: bounded reads that cannot leave it.

use std::{
    fs::{self, File},
    io::Read,
    path::{Path, PathBuf},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use super::location::is_safe;

/// Bytes of one file; a larger one is not read at all.
pub(super) const FILE_LIMIT: u64 = 64 * 1_024 * 1_024;

/// A `.next/server`, resolved once per lookup so that it may itself be a symbolic link.
pub(super) struct Output {
    root: PathBuf,
}

impl Output {
    pub(super) fn open(server_dir: &Path) -> Option<Self> {
        Some(Self { root: fs::canonicalize(server_dir).ok()? })
    }

    /// Whether there is a file of that name, usable or not.
    pub(super) fn has(&self, name: &str) -> bool {
        self.resolve(name).is_some()
    }

    pub(super) fn bytes(&self, name: &str) -> Option<Vec<u8>> {
        read_bounded(&self.resolve(name)?, FILE_LIMIT)
    }

    /// Like Node's `readFile(…, 'utf8')`: never fails on bytes that are not UTF-8.
    pub(super) fn text(&self, name: &str) -> Option<String> {
        let text = String::from_utf8(self.bytes(name)?);
        Some(text.unwrap_or_else(|e| String::from_utf8_lossy(e.as_bytes()).into_owned()))
    }

    /// When a file was written.
    pub(super) fn modified_ms(&self, name: &str) -> Option<f64> {
        modified_ms(&self.resolve(name)?)
    }

    /// The real file behind a name. Links inside the output may point around in it, not out.
    fn resolve(&self, name: &str) -> Option<PathBuf> {
        if !is_safe(name) {
            return None;
        }
        let path = fs::canonicalize(self.root.join(name)).ok()?;
        path.starts_with(&self.root).then_some(path)
    }
}

/// As `mtime.getTime()` of Node's `stat`: rounded to whole milliseconds.
pub(super) fn modified_ms(path: &Path) -> Option<f64> {
    let modified = fs::metadata(path).ok()?.modified().ok()?;
    Some((unix_ms(modified) + 0.5).floor())
}

/// A whole file of at most `limit` bytes.
pub(super) fn read_bounded(path: &Path, limit: u64) -> Option<Vec<u8>> {
    // Asked by path and before opening: opening a FIFO would block for ever.
    let metadata = fs::metadata(path).ok()?;
    if !metadata.is_file() || metadata.len() > limit {
        return None;
    }
    let mut bytes = Vec::with_capacity(usize::try_from(metadata.len()).ok()?);
    // The file may have grown since; one byte over the limit is enough to see it.
    File::open(path).ok()?.take(limit.saturating_add(1)).read_to_end(&mut bytes).ok()?;
    (u64::try_from(bytes.len()).ok()? <= limit).then_some(bytes)
}

fn unix_ms(time: SystemTime) -> f64 {
    let (span, sign) = match time.duration_since(UNIX_EPOCH) {
        Ok(after) => (after, 1.0),
        Err(before) => (before.duration(), -1.0),
    };
    // Seconds and the rest apart, as Node does: half a millisecond then rounds the same way.
    let whole_secs = Duration::from_secs(span.as_secs()).as_secs_f64();
    sign * (whole_secs * 1_000.0 + f64::from(span.subsec_nanos()) / 1e6)
}
