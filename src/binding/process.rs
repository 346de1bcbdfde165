//! What the whole process shares: the engine, and what JavaScript told of the app it runs in.

use std::sync::{Arc, Once, OnceLock};

use once_cell::sync::OnceCell;
use parking_lot::{Mutex, RwLock};

use super::inbox;
use super::terms::class_of;
use crate::clock::{Clock, Timestamp};
use crate::coherence::Coherence;
use crate::coherence::event::Event;
use crate::coherence::timing::Timing;
use crate::engine::{Builder, Engine, Host, Tier};
use crate::entry::Entry;
use crate::error::Error;
use crate::guard::say;
use crate::key::Class;
use crate::next::signal::Version;
use crate::next::value::{self, ValueKind};
use crate::options::{InvalidationFailure, Options, SharedOptions};
use crate::redis::RedisStore;
use crate::store::Listener;

static ENGINE: OnceCell<Arc<Engine>> = OnceCell::new();
static NEXT_CLOCK: OnceLock<(f64, i64)> = OnceLock::new();
static CHOSEN: Mutex<Option<Options>> = Mutex::new(None);
static ENVIRONMENTS: Mutex<Vec<Arc<inbox::Shared>>> = Mutex::new(Vec::new());
static APP: RwLock<App> = RwLock::new(App {
    version: Version::NEWEST,
    is_sure: false,
    building: false,
    dev: false,
    namespace: None,
});

/// What Next.js runs in this process.
#[derive(Debug, Clone)]
pub(super) struct App {
    /// Its version of Next.js.
    pub(super) version: Version,
    /// Whether version and namespace were seen, and not guessed.
    pub(super) is_sure: bool,
    /// Whether this is `next build`: nobody waits there, and there is no output to read yet.
    pub(super) building: bool,
    /// Whether this is `next dev`.
    pub(super) dev: bool,
    /// What keeps it apart from others on the same server, unless an option says so.
    pub(super) namespace: Option<String>,
}

/// The engine of this process; it starts with the options chosen so far.
#[inline]
pub(super) fn engine() -> &'static Arc<Engine> {
    ENGINE.get_or_try_init(start).unwrap_or_else(|error| {
        say(error.to_string().trim_start_matches("tiercel: "));
        ENGINE.get_or_init(start_alone)
    })
}

/// The engine with what the options ask for.
fn start() -> Result<Arc<Engine>, Error> {
    let (builder, shared) = builder();
    match shared {
        Some(shared) => {
            builder.build_sharing(|options, listener| connect(options, &shared, listener))
        }
        None => Ok(builder.build()),
    }
}

/// The same without the store, which could not be started: the process decides alone.
#[cold]
fn start_alone() -> Arc<Engine> {
    let engine = builder().0.build();
    engine.ledger.on(&engine.clock, Event::NoStore);
    engine
}

/// An engine with the options chosen so far, and the options of its shared tier.
fn builder() -> (Builder, Option<SharedOptions>) {
    let options = CHOSEN.lock().clone().unwrap_or_default();
    let shared = shared(&options, &app());
    let coherence = match shared {
        Some(_) if building() => Coherence::build(options.max_tags),
        Some(_) => Coherence::fleet(options.max_tags, Timing::default()),
        None => Coherence::alone(options.max_tags),
    };
    let host = Host { tell: told_ms, check: is_value, release };
    (Builder::new(options, Clock::system(), coherence).host(host), shared)
}

/// The shared tier of this process, with the app's namespace unless an option names another. A build
/// and `next dev` have none unless told so.
fn shared(options: &Options, app: &App) -> Option<SharedOptions> {
    let shared = options.shared.clone()?;
    let is_wanted = (!app.building || shared.in_build) && (!app.dev || shared.in_dev);
    let namespace = shared.namespace.clone().or_else(|| app.namespace.clone());
    is_wanted.then_some(SharedOptions { namespace, ..shared })
}

fn connect(
    options: &Options,
    shared: &SharedOptions,
    listener: Arc<dyn Listener>,
) -> Result<Tier, Error> {
    let store = RedisStore::start(shared, options.max_tags, listener)?;
    let tier = Tier::new(Arc::new(store), shared, options.shared_entry_bytes(), !building());
    say(&format!("namespace {} on {}", tier.namespace, tier.place()));
    Ok(tier)
}

/// Whether bytes from outside are a value of this format, under keys of this class.
fn is_value(class: Class, format: u8, body: &[u8]) -> bool {
    let kind = ValueKind::from_number(u32::from(format));
    kind.is_some_and(|kind| class_of(kind) == class) && value::is_sound(body)
}

/// A moment of the engine on the clock of Next.js, in the terms of the first environment.
fn told_ms(moment: Timestamp) -> f64 {
    let clock = &engine().clock;
    let (now, uptime_us) = (clock.now(), clock.uptime_us());
    let (offset_ms, drift_us) = NEXT_CLOCK.get().copied().unwrap_or_default();
    let slept_us = (now.0.wrapping_sub(uptime_us) as i64).wrapping_sub(drift_us);
    let passed_us = now.0.wrapping_sub(moment.0) as i64;
    (uptime_us as i64 + slept_us - passed_us) as f64 / 1e3 + offset_ms
}

/// Notes how Next's clock of an environment stands to the uptime, in ms, and how far the engine's
/// clock is ahead of that, in us.
pub(super) fn learn_clock(offset_ms: f64, drift_us: i64) {
    let _ = NEXT_CLOCK.set((offset_ms, drift_us));
}

/// Whether an invalidation fails that could not be told to other instances.
pub(super) fn must_record() -> bool {
    let shared = engine().options.shared.as_ref();
    shared.is_some_and(|s| s.on_invalidation_failure == InvalidationFailure::Reject)
}

/// The engine, if it has started.
pub(super) fn running() -> Option<&'static Arc<Engine>> {
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

/// Notes what JavaScript found out about the app: its Next.js, if there is one, and what keeps it
/// apart from others. Guesses count until something was seen; a thread that sees no Next.js knows
/// less than one that told of it.
pub(super) fn introduce(version: Option<Version>, namespace: String, is_sure: bool) {
    static UNKNOWN: Once = Once::new();
    static SURE: Once = Once::new();
    learn(|app| {
        if app.is_sure || version.is_none() && app.namespace.is_some() {
            return;
        }
        app.version = version.unwrap_or(Version::NEWEST);
        app.namespace = Some(namespace);
        app.is_sure = is_sure;
    });
    let app = app();
    if app.version == Version::UNKNOWN {
        UNKNOWN.call_once(|| {
            say("which Next.js runs here cannot be found out; it is told what is stale in the words \
                 that all of 16 understand");
        });
    }
    if app.is_sure {
        SURE.call_once(|| admit_namespace(&app));
    }
}

/// Whoever called before the app was known chose the namespace it has to live with: other instances
/// may have another.
fn admit_namespace(app: &App) {
    let Some((engine, is)) = running().zip(app.namespace.as_ref()) else { return };
    let is_chosen = engine.options.shared.as_ref().is_some_and(|shared| shared.namespace.is_some());
    if let Some(tier) = engine.tier().filter(|tier| !is_chosen && tier.namespace != *is) {
        say(&format!(
            "the namespace {} was chosen by a call before Next.js was ready; this app is {is}: set \
             the option `namespace`, or call later",
            tier.namespace
        ));
    }
}

/// Adds an environment that wants to know of entries leaving memory.
pub(super) fn enter(shared: Arc<inbox::Shared>) {
    ENVIRONMENTS.lock().push(shared);
}

/// Removes an environment.
pub(super) fn leave(shared: &Arc<inbox::Shared>) {
    ENVIRONMENTS.lock().retain(|other| !Arc::ptr_eq(other, shared));
}

/// The process ends: no other instance need wait for it.
pub(super) fn quit() {
    if let Some(tier) = ENGINE.get().and_then(|engine| engine.tier()) {
        tier.leave();
    }
}

/// An entry left memory: whoever has an object bound to it lets go.
fn release(entry: &Entry) {
    for shared in ENVIRONMENTS.lock().iter() {
        shared.release(entry);
    }
}
