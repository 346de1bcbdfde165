//! Values over the bound of one entry: each request generates them again, which is reported to the
//! operator.

use std::collections::HashMap;

use parking_lot::Mutex;

use super::{Engine, Stored};
use crate::clock::Timestamp;
use crate::entry::Entry;
use crate::key::{Class, Hash128};
use crate::notice::{Code, say};
use crate::stats::bump;

/// One line per key in this time.
const PAUSE_US: u64 = 3_600_000_000;
/// Keys reported in that time; more would tell the operator nothing new.
const MOST_KEYS: usize = 64;
/// Units of a key in a report.
const SHOWN: usize = 100;

/// The keys that were reported, and when.
#[derive(Debug, Default)]
pub(super) struct Oversize {
    told: Mutex<HashMap<Hash128, Timestamp>>,
}

impl Oversize {
    /// Whether to report a key now, which is then noted.
    fn is_news(&self, hash: Hash128, now: Timestamp) -> bool {
        let mut told = self.told.lock();
        told.retain(|_, at| now.since_us(*at) < PAUSE_US);
        if told.contains_key(&hash) || told.len() >= MOST_KEYS {
            return false;
        }
        told.insert(hash, now);
        true
    }
}

impl Engine {
    /// Counts an entry over the bound, and reports one that no tier keeps. `held` is the outcome in
    /// memory, `stored` that of the whole set.
    pub(super) fn note_size(&self, entry: &Entry, held: Stored, stored: Stored) {
        let is_lost = stored != Stored::Yes;
        let limit = self.tier().map_or(0, |tier| tier.codec.limit());
        let is_over = match held {
            Stored::TooLarge => true,
            // Without memory the tier's bound is the only one.
            Stored::NoTier => is_lost && limit > 0 && entry.weight() > limit,
            _ => false,
        };
        if !is_over {
            return;
        }
        bump(&self.stats.too_large);
        if is_lost && self.oversize.is_news(entry.hash, self.clock.now()) {
            let held = self.memory.as_ref().map_or(0, crate::memory::MemoryStore::entry_limit);
            say(Code::TooLarge, &line(entry, held.max(limit)));
        }
    }
}

fn line(entry: &Entry, limit: usize) -> String {
    let what = match entry.class() {
        Class::UseCache => "'use cache' entry",
        Class::Response => "page or route",
        Class::Fetch => "fetch",
        Class::Image => "image",
        Class::Own => "entry of `cache`",
    };
    let shown = entry.key().get(..SHOWN).unwrap_or(entry.key());
    let key = String::from_utf16_lossy(shown);
    let more = if entry.key().len() > SHOWN { "..." } else { "" };
    let [size, limit] = [entry.weight(), limit].map(|bytes| bytes as f64 / f64::from(1 << 20));
    format!(
        "a {what} of {size:.1} MiB is kept nowhere, every request generates it: one entry may have \
         {limit:.1} MiB (maxEntryMb, memoryMb): {key:?}{more}"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entry::tests::meta;
    use crate::key::Hasher;

    #[test]
    fn a_key_is_told_of_once_an_hour() {
        let oversize = Oversize::default();
        let at = |secs: u64| Timestamp(secs * 1_000_000);
        assert!(oversize.is_news(1, at(0)));
        assert!(!oversize.is_news(1, at(3_599)));
        assert!(oversize.is_news(2, at(3_599)));
        assert!(oversize.is_news(1, at(3_600)));
        assert!(!oversize.is_news(2, at(3_600)));
    }

    #[test]
    fn of_too_many_keys_some_are_not_told_of() {
        let oversize = Oversize::default();
        let told = (0..1_000).filter(|hash| oversize.is_news(*hash, Timestamp(0)));
        assert_eq!(told.count(), MOST_KEYS);
        assert_eq!(oversize.told.lock().len(), MOST_KEYS);
    }

    #[test]
    fn the_line_names_the_key_in_one_line() {
        let units: Vec<u16> = format!("/a\n{}", "x".repeat(500)).encode_utf16().collect();
        let key = Hasher::default().key(Class::Response, &units);
        let told = line(&Entry::new(&key, meta(), vec![0; 3 << 20].into()), 2 << 20);
        assert!(told.contains("page or route of 3.2 MiB") && told.contains("2.0 MiB"), "{told}");
        assert!(told.contains(r#""/a\nxxx"#) && told.ends_with("x\"..."), "{told}");
        assert!(told.lines().count() == 1 && told.len() < 300, "{told}");
    }
}
