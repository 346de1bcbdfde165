//! A response key, taken apart without trusting it: parts of it come from the request's URL.

use std::path::{Component, Path};

const SCOPE: &str = "/route-cache/";
const OWNER_HASH_DIGITS: usize = 64;
/// Bytes of one file name: what ext4, APFS and NTFS hold at most.
const NAME_MAX: usize = 255;
/// Bytes of one path below the build output, within Linux' `PATH_MAX`.
const PATH_MAX: usize = 4_096;

/// Where the output of a key may lie.
pub(super) enum Location<'a> {
    /// Key of 16.0 to 16.3.7: a path and nothing else.
    Plain {
        /// `/blog/a`
        path: &'a str,
    },
    /// Key of 16.3.8 and later.
    Owned {
        /// Below `.next/server`: `route-cache/APP_PAGE/<hash>/$/blog/a`
        scoped: &'a str,
        /// `/blog/a`
        path: &'a str,
        /// `APP_PAGE`
        kind: &'a str,
    },
}

impl<'a> Location<'a> {
    /// `None` if the key is not one that a build could have written a file for.
    pub(super) fn parse(key: &'a str) -> Option<Self> {
        let location = match split_scope(key) {
            Some((kind, path)) => Self::Owned { scoped: key.strip_prefix('/')?, path, kind },
            None => Self::Plain { path: key },
        };
        // In both forms the key holds all that will be looked up.
        is_safe(key.strip_prefix('/')?).then_some(location)
    }
}

/// The path of the page or route handler that a response key belongs to: the part after `/$` of
/// a `/route-cache/…` key (16.3.8 and later), else the whole key. The root is `/index`.
///
/// `None` for a key that cannot name a file of the build output: no leading slash, an empty, `.`
/// or `..` segment, a backslash, a NUL, over-long names. Percent signs are ordinary characters:
/// the file system does not decode them, and builds do write them (`/blog/p%2Fq`).
#[must_use]
pub fn route_path(key: &str) -> Option<&str> {
    match Location::parse(key)? {
        Location::Plain { path } | Location::Owned { path, .. } => Some(path),
    }
}

/// Kind and path of `/route-cache/<kind>/<hash>/$<path>` (`getRouteCacheKey` in
/// `server/lib/route-cache-key.js`). Anything else is a plain key, since an app may well have a
/// page at `/route-cache`.
fn split_scope(key: &str) -> Option<(&str, &str)> {
    let (kind, rest) = key.strip_prefix(SCOPE)?.split_once('/')?;
    let (hash, path) = rest.split_once("/$")?;
    let is_hash = hash.len() == OWNER_HASH_DIGITS && hash.bytes().all(|b| b.is_ascii_hexdigit());
    (is_hash && path.starts_with('/')).then_some((kind, path))
}

/// Whether a relative path, parts separated by `/`, stays inside the folder it is joined to on
/// every platform.
pub(super) fn is_safe(name: &str) -> bool {
    name.len() <= PATH_MAX && name.split('/').all(is_safe_segment)
}

fn is_safe_segment(segment: &str) -> bool {
    // A drive, an alternate stream, a device or a trailing dot mean something else on Windows.
    let is_plain_on_windows = !cfg!(windows)
        || !(segment.contains(['<', '>', ':', '"', '|', '?', '*'])
            || segment.ends_with(['.', ' ']));
    let mut components = Path::new(segment).components();
    segment.len() <= NAME_MAX
        && is_plain_on_windows
        && !segment.contains(['\\', '\0'])
        // One normal component and nothing else: not empty, `.`, `..`, a root or a prefix.
        && matches!(components.next(), Some(Component::Normal(_)))
        && components.next().is_none()
}
