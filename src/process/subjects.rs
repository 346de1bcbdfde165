//! What keys stand for: the URL behind the digest of a `fetch`, the function behind the number of a
//! `'use cache'` entry. JavaScript notes each URL once; the functions are read when somebody asks.

use std::cell::LazyCell;
use std::collections::{HashMap, VecDeque};
use std::path::Path;
use std::sync::Arc;

use parking_lot::Mutex;

use super::APPS;
use crate::account::Statement;
use crate::next::functions;

/// URLs that are remembered.
const MOST_URLS: usize = 4_096;

static URLS: Mutex<Option<Urls>> = Mutex::new(None);
/// Of each folder, once it has any: a build does not change while it is served.
static FUNCTIONS: Mutex<Vec<(String, Functions)>> = Mutex::new(Vec::new());

/// Names of functions by id.
type Functions = Arc<HashMap<String, String>>;

#[derive(Default)]
struct Urls {
    by_key: HashMap<Box<str>, Box<str>>,
    /// In the order in which they came.
    order: VecDeque<Box<str>>,
}

impl Urls {
    fn note(&mut self, key: &str, url: &str) {
        if self.by_key.contains_key(key) {
            return;
        }
        if self.order.len() >= MOST_URLS
            && let Some(oldest) = self.order.pop_front()
        {
            self.by_key.remove(&oldest);
        }
        self.order.push_back(key.into());
        self.by_key.insert(key.into(), url.into());
    }
}

/// Notes the URL behind a key of a `fetch`.
pub fn note_url(key: &str, url: &str) {
    URLS.lock().get_or_insert_default().note(key, url);
}

/// What keys stand for, as this process knows it now. Blocks at the first key of a function, and reads
/// nothing before.
pub(super) fn subjects() -> impl Fn(&str, &str) -> Option<String> {
    let known = LazyCell::new(|| APPS.dirs().into_iter().map(functions_of).collect::<Vec<_>>());
    move |kind, key| match kind {
        "FETCH" => {
            let urls = URLS.lock();
            urls.as_ref()?.by_key.get(key).map(ToString::to_string)
        }
        "USE_CACHE" => {
            let id = functions::id(key)?;
            known.iter().find_map(|functions| functions.get(id)).cloned()
        }
        _ => None,
    }
}

/// Says what the keys of decisions stand for.
pub(super) fn name(decisions: &mut [Statement]) {
    let subject_of = subjects();
    for one in decisions {
        one.subject = subject_of(&one.kind, &one.key);
    }
}

fn functions_of(dir: String) -> Functions {
    let known = FUNCTIONS.lock().iter().find(|(of, _)| *of == dir).map(|(_, all)| all.clone());
    known.unwrap_or_else(|| {
        let read = Arc::new(functions::functions(Path::new(&dir)));
        if !read.is_empty() {
            FUNCTIONS.lock().push((dir, read.clone()));
        }
        read
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_url_of_a_key_stays_and_the_oldest_key_gives_way() {
        let mut urls = Urls::default();
        urls.note("0", "first");
        urls.note("0", "second");
        assert_eq!(urls.by_key.get("0").map(|url| &**url), Some("first"));
        (1..=MOST_URLS).for_each(|n| urls.note(&n.to_string(), "u"));
        assert_eq!((urls.by_key.len(), urls.order.len()), (MOST_URLS, MOST_URLS));
        assert!(!urls.by_key.contains_key("0"));
    }
}
