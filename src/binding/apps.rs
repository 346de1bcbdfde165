//! The apps of this process: a custom server may run several, each with a build of its own.
//!
//! An app is named by its `.next/server`, the only thing of it that every handler is told.

use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use parking_lot::RwLock;

use crate::clock::Timestamp;
use crate::key::{AppId, Class, KeyRef};
use crate::next::seed::{self, Fetches};
use crate::next::value::ValueKind;
use crate::tags::Tag;

/// What is known of an app.
struct Known {
    dir: String,
    /// What its keys are told apart by in tags, the same in every process.
    label: Box<str>,
    output: Option<Arc<BuildOutput>>,
}

/// What `next build` has left for an app.
#[derive(Debug)]
pub(super) struct BuildOutput {
    /// Its `.next/server`.
    pub(super) dir: PathBuf,
    /// When the build began, as far as that can be told: whatever its output shows was read later.
    pub(super) began: Timestamp,
    /// The files of fetched data there are, once somebody has looked.
    fetches: OnceLock<Fetches>,
}

/// Whether a build has output for a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Listed {
    Yes,
    No,
    Unknown,
}

impl BuildOutput {
    /// Whether it has output for `key`. Never blocks.
    pub(super) fn lists(&self, key: &KeyRef<'_>) -> Listed {
        let text = || String::from_utf16(key.units);
        match key.class {
            Class::Response => match text() {
                Ok(text) if seed::is_listed(&self.dir, &text) => Listed::Yes,
                // There may be more than the manifest says, such as what Next's own cache has left.
                _ => Listed::Unknown,
            },
            Class::Fetch => match (self.fetches.get(), text()) {
                (None, _) => Listed::Unknown,
                (Some(fetches), Ok(text)) if fetches.has(&text) => Listed::Yes,
                (Some(_), _) => Listed::No,
            },
            Class::UseCache | Class::Image => Listed::No,
        }
    }

    /// Looks which files of fetched data there are, if nobody has. Blocking.
    pub(super) fn list_fetches(&self) {
        self.fetches.get_or_init(|| Fetches::list(&self.dir));
    }
}

static APPS: RwLock<Vec<Known>> = RwLock::new(Vec::new());

/// Takes note of an app. `began` is that of its build; without it there is no output to be read.
pub(super) fn learn(dir: String, label: &str, began: Option<Timestamp>) -> AppId {
    let mut apps = APPS.write();
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

/// The build output of an app.
pub(super) fn output(app: AppId) -> Option<Arc<BuildOutput>> {
    APPS.read().get(app.0 as usize)?.output.clone()
}

/// Whether the build of its app has output for `key`.
pub(super) fn lists(key: &KeyRef<'_>) -> Listed {
    if matches!(key.class, Class::UseCache | Class::Image) {
        return Listed::No;
    }
    output(key.app).map_or(Listed::Unknown, |build| build.lists(key))
}

/// The tag by which `res.revalidate` of Next.js renews what has this key.
pub(super) fn key_tag(kind: ValueKind, key: &KeyRef<'_>) -> Option<Tag> {
    let apps = APPS.read();
    let label = apps.get(key.app.0 as usize).map_or("", |app| &app.label);
    kind.key_tag(label, key.units)
}
