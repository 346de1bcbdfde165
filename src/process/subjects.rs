//! What keys stand for: the URL behind the digest of a `fetch`, the function behind the number of a
//! `'use cache'` entry. JavaScript notes each URL once; the functions are read when somebody asks.

use std::cell::LazyCell;
use std::collections::{HashMap, VecDeque};
use std::path::Path;
use std::sync::Arc;

use parking_lot::Mutex;

use super::APPS;
use crate::account::Statement;
use crate::clock::stopwatch_ns;
use crate::next::functions;

/// URLs that are remembered.
const MOST_URLS: usize = 4_096;

static URLS: Mutex<Option<Urls>> = Mutex::new(None);
static LEARNED: Mutex<Vec<Learned>> = Mutex::new(Vec::new());

/// How long a folder without functions is not read again. One that has some is never: a build does not
/// change while it is served.
const EMPTY_NS: u64 = 30_000_000_000;

/// Names of functions by id.
type Functions = Arc<HashMap<String, String>>;

/// The functions of a folder, and when they were read.
struct Learned {
    dir: String,
    functions: Functions,
    at_ns: u64,
}

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

/// What keys stand for. Blocks at the first key of a function, and reads nothing before.
pub(super) fn subjects() -> impl Fn(&str, &str) -> Option<String> {
    subjects_by(functions_of)
}

fn subjects_by(functions_of: fn(String) -> Functions) -> impl Fn(&str, &str) -> Option<String> {
    let known =
        LazyCell::new(move || APPS.dirs().into_iter().map(functions_of).collect::<Vec<_>>());
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

/// Says what the keys of decisions stand for; see [`subjects`].
pub(super) fn name(decisions: &mut [Statement]) {
    name_by(decisions, functions_of);
}

/// The same without blocking: functions are named once another thread has read their names.
pub(super) fn name_soon(decisions: &mut [Statement]) {
    name_by(decisions, functions_soon);
}

fn name_by(decisions: &mut [Statement], functions_of: fn(String) -> Functions) {
    let subject_of = subjects_by(functions_of);
    for one in decisions {
        one.subject = subject_of(&one.kind, &one.key);
    }
}

fn functions_of(dir: String) -> Functions {
    learned(&dir).unwrap_or_else(|| learn(dir))
}

fn functions_soon(dir: String) -> Functions {
    learned(&dir).unwrap_or_else(|| {
        // Whoever asks in the meantime finds none, and starts no other thread.
        remember(dir.clone(), Functions::default());
        let _ = std::thread::Builder::new().name("tiercel-names".into()).spawn(|| learn(dir));
        Functions::default()
    })
}

fn learned(dir: &str) -> Option<Functions> {
    let all = LEARNED.lock();
    let one = all.iter().find(|one| one.dir == dir)?;
    let is_young = stopwatch_ns().saturating_sub(one.at_ns) < EMPTY_NS;
    (is_young || !one.functions.is_empty()).then(|| one.functions.clone())
}

fn learn(dir: String) -> Functions {
    let functions = Arc::new(functions::functions(Path::new(&dir)));
    remember(dir, functions.clone());
    functions
}

fn remember(dir: String, functions: Functions) {
    let mut all = LEARNED.lock();
    all.retain(|one| one.dir != dir);
    all.push(Learned { dir, functions, at_ns: stopwatch_ns() });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_by_another_thread_for_who_must_not_wait() {
        let dir = std::env::temp_dir().join(format!("tiercel-subjects-{}", std::process::id()));
        std::fs::create_dir_all(&dir).unwrap();
        let manifest = r#"{"node":{"80aa":{"filename":"app/page.tsx","exportedName":"getPosts"}}}"#;
        std::fs::write(dir.join("server-reference-manifest.json"), manifest).unwrap();
        let text = dir.to_string_lossy().into_owned();
        assert_eq!(functions_soon(text.clone()).len(), 0);
        while functions_soon(text.clone()).is_empty() {
            std::thread::yield_now();
        }
        assert_eq!(functions_of(text.clone())["80aa"], "app/page.tsx getPosts");
        std::fs::remove_dir_all(&dir).unwrap();
        assert_eq!(functions_of(text).len(), 1, "a build is read once");
        // One that has none is not read each time.
        assert_eq!(functions_of("/nowhere".into()).len(), 0);
        assert!(learned("/nowhere").is_some());
    }

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
