//! The apps of this process: a custom server may run several, each with a build of its own.
//!
//! An app is named by its `.next/server`, the only thing of it that every handler is told.

use std::path::PathBuf;
use std::sync::Arc;

use parking_lot::RwLock;

use crate::clock::Timestamp;
use crate::key::{AppId, KeyRef};
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
}

static APPS: RwLock<Vec<Known>> = RwLock::new(Vec::new());

/// Takes note of an app. `began` is that of its build; without it there is no output to be read.
pub(super) fn learn(dir: String, label: &str, began: Option<Timestamp>) -> AppId {
    let mut apps = APPS.write();
    let place = apps.iter().position(|app| app.dir == dir).unwrap_or(apps.len());
    let output = began.map(|began| Arc::new(BuildOutput { dir: PathBuf::from(&dir), began }));
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

/// The tag by which `res.revalidate` of Next.js renews what has this key.
pub(super) fn key_tag(kind: ValueKind, key: &KeyRef<'_>) -> Option<Tag> {
    let apps = APPS.read();
    let label = apps.get(key.app.0 as usize).map_or("", |app| &app.label);
    kind.key_tag(label, key.units)
}
