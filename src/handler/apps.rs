//! The apps of this process, and the Next.js that runs them.
//!
//! A custom server may run several apps, each with a build of its own. An app is named by its
//! `.next/server`, the only thing of it that every handler knows.

use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use parking_lot::RwLock;

use crate::clock::Timestamp;
use crate::key::{AppId, Class, KeyRef};
use crate::next::prerendered;
use crate::next::seed::{self, Fetches};
use crate::next::signal::Version;
use crate::next::value::ValueKind;
use crate::tags::Tag;

/// How Next.js runs in this process.
#[derive(Debug, Clone)]
pub struct App {
    /// Its version of Next.js.
    pub version: Version,
    /// Whether version and namespace were seen, and not guessed.
    pub is_sure: bool,
    /// Whether this is `next build`: no other process is followed, and there is no output to read
    /// yet.
    pub is_building: bool,
    /// Whether this is `next dev`.
    pub is_dev: bool,
    /// Keeps it apart from others on the same server, unless an option names another namespace.
    pub namespace: Option<String>,
}

/// The apps of a process.
#[derive(Debug)]
pub struct Apps {
    app: RwLock<App>,
    known: RwLock<Vec<Known>>,
}

/// An app that a handler has named.
#[derive(Debug)]
struct Known {
    dir: String,
    /// Keeps its keys apart in tags, the same in every process.
    label: Box<str>,
    output: Option<Arc<BuildOutput>>,
}

/// The output of `next build` for an app.
#[derive(Debug)]
pub struct BuildOutput {
    /// Its `.next/server`.
    pub dir: PathBuf,
    /// When the build began, as far as that is known: everything its output shows was read later.
    pub began: Timestamp,
    /// The files of fetched data, once they are listed.
    fetches: OnceLock<Fetches>,
}

/// Whether a build has output for a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Listed {
    /// It has.
    Yes,
    /// It has none.
    No,
    /// That is unknown without a look.
    Unknown,
}

impl BuildOutput {
    /// Whether it has output for `key`. Never blocks.
    pub fn lists(&self, key: &KeyRef<'_>) -> Listed {
        let text = || String::from_utf16(key.units);
        match key.class {
            Class::Response => match text() {
                Ok(text) if seed::is_listed(&self.dir, &text) => Listed::Yes,
                // There may be more than the manifest lists, such as output of Next's own cache.
                _ => Listed::Unknown,
            },
            Class::Fetch => match (self.fetches.get(), text()) {
                (None, _) => Listed::Unknown,
                (Some(fetches), Ok(text)) if fetches.has(&text) => Listed::Yes,
                (Some(_), _) => Listed::No,
            },
            Class::UseCache | Class::Image | Class::Own => Listed::No,
        }
    }

    /// Lists the files of fetched data, unless that is done. Blocking.
    pub fn list_fetches(&self) {
        self.fetches.get_or_init(|| Fetches::list(&self.dir));
    }
}

impl Default for Apps {
    fn default() -> Self {
        Self::new()
    }
}

impl Apps {
    /// No apps yet, and a Next.js that is not known yet.
    pub const fn new() -> Self {
        let app = App {
            version: Version::NEWEST,
            is_sure: false,
            is_building: false,
            is_dev: false,
            namespace: None,
        };
        Self { app: RwLock::new(app), known: RwLock::new(Vec::new()) }
    }

    /// How Next.js runs here, as far as it is known.
    pub fn app(&self) -> App {
        self.app.read().clone()
    }

    /// Its version.
    #[inline]
    pub fn version(&self) -> Version {
        self.app.read().version
    }

    /// Whether this is `next build`.
    pub fn is_building(&self) -> bool {
        self.app.read().is_building
    }

    /// Notes whether this is `next build` or `next dev`.
    pub fn note_phase(&self, is_building: bool, is_dev: bool) {
        let mut app = self.app.write();
        (app.is_building, app.is_dev) = (is_building, is_dev);
    }

    /// Notes what JavaScript found out about the app: its Next.js, if there is one, and its
    /// namespace. Guesses count until something was seen; a thread that sees no Next.js knows less
    /// than one that saw it.
    pub fn introduce(&self, version: Option<Version>, namespace: String, is_sure: bool) {
        let mut app = self.app.write();
        if app.is_sure || version.is_none() && app.namespace.is_some() {
            return;
        }
        app.version = version.unwrap_or(Version::NEWEST);
        app.namespace = Some(namespace);
        app.is_sure = is_sure;
    }

    /// Registers an app. `began` is when its build began; without it there is no output to read.
    pub fn learn(&self, dir: String, label: &str, began: Option<Timestamp>) -> AppId {
        let mut apps = self.known.write();
        let place = apps.iter().position(|app| app.dir == dir).unwrap_or(apps.len());
        let fetches = OnceLock::new();
        let output =
            began.map(|began| Arc::new(BuildOutput { dir: PathBuf::from(&dir), began, fetches }));
        let known = Known { dir, label: label.into(), output };
        match apps.get_mut(place) {
            Some(app) => *app = known,
            None => apps.push(known),
        }
        AppId(place as u32)
    }

    /// The folders of all apps.
    pub fn dirs(&self) -> Vec<String> {
        self.known.read().iter().map(|app| app.dir.clone()).collect()
    }

    /// The build output of an app.
    pub fn output(&self, app: AppId) -> Option<Arc<BuildOutput>> {
        self.known.read().get(app.0 as usize)?.output.clone()
    }

    /// Whether the build of its app has output for `key`.
    pub fn lists(&self, key: &KeyRef<'_>) -> Listed {
        if matches!(key.class, Class::UseCache | Class::Image | Class::Own) {
            return Listed::No;
        }
        self.output(key.app).map_or(Listed::Unknown, |build| build.lists(key))
    }

    /// The tags that every entry has of its own: of its key and of its kind.
    pub fn own_tags(&self, kind: ValueKind, key: &KeyRef<'_>) -> [Tag; 2] {
        let apps = self.known.read();
        let label = apps.get(key.app.0 as usize).map_or("", |app| &app.label);
        [kind.key_tag(label, key.units), kind.kind_tag()]
    }

    /// Whether the key names a page of `dynamicParams = false`.
    pub fn is_closed(&self, key: &KeyRef<'_>) -> bool {
        let path = String::from_utf16(key.units).ok();
        let build = self.output(key.app);
        build.zip(path).is_some_and(|(build, key)| prerendered::is_closed(&build.dir, &key))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SEEN: Version = Version::V16_3;

    #[test]
    fn what_was_guessed_counts_until_something_is_seen() {
        let apps = Apps::new();
        apps.introduce(Some(Version::V16_4), "a".into(), false);
        apps.introduce(Some(SEEN), "b".into(), true);
        apps.introduce(Some(Version::V16_4), "c".into(), true);
        assert_eq!((apps.version(), apps.app().namespace), (SEEN, Some("b".into())));
    }

    #[test]
    fn a_thread_that_sees_no_next_knows_less_than_one_that_does() {
        let apps = Apps::new();
        apps.introduce(Some(SEEN), "a".into(), false);
        apps.introduce(None, "b".into(), true);
        assert_eq!((apps.version(), apps.app().namespace), (SEEN, Some("a".into())));
    }

    #[test]
    fn an_app_keeps_its_number_when_it_is_built_again() {
        let apps = Apps::new();
        let learn = |dir: &str| apps.learn(dir.into(), "", None);
        assert_eq!([learn("a"), learn("b"), learn("a")], [AppId(0), AppId(1), AppId(0)]);
    }
}
