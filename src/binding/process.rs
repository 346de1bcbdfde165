//! What the whole process shares: the engine, and what JavaScript told of the app it runs in.

use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use parking_lot::{Mutex, RwLock};

use super::env::Shared;
use crate::clock::Clock;
use crate::engine::Engine;
use crate::entry::Entry;
use crate::error::Error;
use crate::next::signal::Version;
use crate::options::Options;

static ENGINE: OnceLock<Engine> = OnceLock::new();
static CHOSEN: Mutex<Option<Options>> = Mutex::new(None);
static ENVIRONMENTS: Mutex<Vec<Arc<Shared>>> = Mutex::new(Vec::new());
static APP: RwLock<App> =
    RwLock::new(App { version: Version::NEWEST, server_dir: None, building: false });

/// The app that Next.js runs.
#[derive(Debug, Clone)]
pub(super) struct App {
    /// Its version of Next.js.
    pub(super) version: Version,
    /// Its `.next/server`, once a handler was constructed with it.
    pub(super) server_dir: Option<Arc<PathBuf>>,
    /// Whether this is `next build`: nobody waits there, and there is no output to read yet.
    pub(super) building: bool,
}

/// The engine of this process; it starts with the options chosen so far.
#[inline]
pub(super) fn engine() -> &'static Engine {
    ENGINE.get_or_init(|| {
        let options = CHOSEN.lock().clone().unwrap_or_default();
        let engine = Engine::new(options, Clock::system());
        engine.on_release(release);
        engine
    })
}

/// The engine, if it has started.
pub(super) fn running() -> Option<&'static Engine> {
    ENGINE.get()
}

/// Chooses the options the engine starts with. The same again is fine: workers and bundles load
/// the module more than once. What nobody asked for (`is_default`) replaces nothing.
pub(super) fn choose(options: Options, is_default: bool) -> Result<(), Error> {
    let mut chosen = CHOSEN.lock();
    match ENGINE.get() {
        _ if is_default && chosen.is_some() => Ok(()),
        Some(engine) if is_default || engine.options == options => Ok(()),
        Some(_) => Err(Error::AlreadyRunning),
        None => {
            *chosen = Some(options);
            Ok(())
        }
    }
}

/// What is known of the app.
pub(super) fn app() -> App {
    APP.read().clone()
}

/// Its version of Next.js.
#[inline]
pub(super) fn version() -> Version {
    APP.read().version
}

/// Whether this is `next build`.
pub(super) fn building() -> bool {
    APP.read().building
}

/// Changes what is known of the app.
pub(super) fn learn(change: impl FnOnce(&mut App)) {
    change(&mut APP.write());
}

/// Adds an environment that wants to know of entries leaving memory.
pub(super) fn enter(shared: Arc<Shared>) {
    ENVIRONMENTS.lock().push(shared);
}

/// Removes an environment.
pub(super) fn leave(shared: &Arc<Shared>) {
    ENVIRONMENTS.lock().retain(|other| !Arc::ptr_eq(other, shared));
}

/// An entry left memory: whoever has an object bound to it lets go.
fn release(entry: &Entry) {
    for shared in ENVIRONMENTS.lock().iter() {
        shared.release(entry);
    }
}
