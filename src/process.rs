//! What the whole process shares: its one engine, put together here, and the apps it serves.

use std::sync::{Arc, Once, OnceLock, Weak};

use once_cell::sync::OnceCell;
use parking_lot::Mutex;
use serde_json::Value;

use crate::app::desk::Desk;
use crate::app::limit::Limiters;
use crate::app::store::Store;
use crate::clock::{Clock, Timestamp};
use crate::coherence::Coherence;
use crate::coherence::event::Event;
use crate::coherence::timing::Timing;
use crate::engine::{Builder, Engine, Host, Tier};
use crate::entry::Entry;
use crate::error::Error;
use crate::guard::say;
use crate::handler::apps::{App, Apps};
use crate::handler::inbox::Environment;
use crate::handler::next_clock::NextClock;
use crate::handler::recall::{self, Decisions, Shown};
use crate::handler::thread::Thread;
use crate::key::{AppId, Class};
use crate::next::signal::Version;
use crate::next::value::{self, ValueKind};
use crate::options::{Options, SharedOptions};
use crate::redis::RedisStore;
use crate::store::Listener;

static ENGINE: OnceCell<Arc<Engine>> = OnceCell::new();
static NEXT_CLOCK: OnceLock<NextClock> = OnceLock::new();
static CHOSEN: Mutex<Option<Options>> = Mutex::new(None);
static ENVIRONMENTS: Mutex<Vec<Arc<dyn Environment>>> = Mutex::new(Vec::new());
static APPS: Apps = Apps::new();
static STORE: OnceLock<Arc<RedisStore>> = OnceLock::new();
static DESK: OnceLock<Desk> = OnceLock::new();
static LIMITERS: Limiters = Limiters::new();
static JOURNALS: Mutex<Vec<Weak<Decisions>>> = Mutex::new(Vec::new());

/// A build that can be served.
#[derive(Debug)]
pub struct Build {
    /// Tells it from other builds; the pages of a build without a name are not shared.
    pub name: Option<String>,
    /// When it began.
    pub began: Timestamp,
}

/// The engine of this process; the first call starts it with the options chosen so far.
#[inline]
pub fn engine() -> &'static Arc<Engine> {
    ENGINE.get_or_try_init(start).unwrap_or_else(|error| {
        say(error.to_string().trim_start_matches("tiercel: "));
        ENGINE.get_or_init(start_alone)
    })
}

/// The engine that the options ask for.
fn start() -> Result<Arc<Engine>, Error> {
    let (builder, shared) = builder();
    match shared {
        Some(shared) => {
            builder.build_sharing(|options, listener| connect(options, &shared, listener))
        }
        None => Ok(builder.build()),
    }
}

/// The engine without its store, which failed to start: the process decides alone.
#[cold]
fn start_alone() -> Arc<Engine> {
    let engine = builder().0.build();
    engine.ledger.on(&engine.clock, Event::NoStore);
    engine
}

/// An engine with the options chosen so far, and the options of its shared tier.
fn builder() -> (Builder, Option<SharedOptions>) {
    let options = CHOSEN.lock().clone().unwrap_or_default();
    let shared = shared(&options, &APPS.app());
    let coherence = match shared {
        Some(_) if APPS.is_building() => Coherence::build(options.max_tags),
        Some(_) => Coherence::fleet(options.max_tags, Timing::default()),
        None => Coherence::alone(options.max_tags),
    };
    let host = Host { tell: told_ms, check: is_value, release };
    (Builder::new(options, Clock::system(), coherence).host(host), shared)
}

/// The shared tier of this process, with the app's namespace unless an option names another. A
/// build and `next dev` have none unless an option says so.
fn shared(options: &Options, app: &App) -> Option<SharedOptions> {
    let shared = options.shared.clone()?;
    let is_wanted = (!app.is_building || shared.in_build) && (!app.is_dev || shared.in_dev);
    let namespace = shared.namespace.clone().or_else(|| app.namespace.clone());
    is_wanted.then_some(SharedOptions { namespace, ..shared })
}

fn connect(
    options: &Options,
    shared: &SharedOptions,
    listener: Arc<dyn Listener>,
) -> Result<Tier, Error> {
    let store = RedisStore::start(shared, options.max_tags, listener)?;
    let store = Arc::new(store);
    let _ = STORE.set(store.clone());
    let limit = options.shared_entry_bytes();
    let tier = Tier::new(store, shared, limit, !APPS.is_building());
    say(&format!("namespace {} on {}", tier.namespace, tier.place()));
    Ok(tier)
}

/// Whether bytes from outside are a value of this format, under keys of this class.
fn is_value(class: Class, format: u8, body: &[u8]) -> bool {
    let kind = ValueKind::from_number(u32::from(format));
    kind.is_some_and(|kind| kind.class() == class) && value::is_sound(body)
}

/// Converts a moment of the engine to Next's clock, as the first environment read it.
fn told_ms(moment: Timestamp) -> f64 {
    NEXT_CLOCK.get().copied().unwrap_or_default().tell_ms(&engine().clock, moment)
}

/// Keeps the offset of Next's clock that the first environment measured.
pub fn learn_clock(clock: NextClock) {
    let _ = NEXT_CLOCK.set(clock);
}

/// The engine, if it has started.
pub fn running() -> Option<&'static Arc<Engine>> {
    ENGINE.get()
}

/// Chooses the options that the engine starts with, from `given` and the environment. Repeating a
/// choice is fine: workers and bundles load the module more than once. Without `given`, an earlier
/// choice stays.
///
/// # Errors
/// The first invalid option, or [`Error::AlreadyRunning`] once the engine runs with other options.
pub fn configure(given: &Value, env: &Value) -> Result<Options, Error> {
    let options = Options::resolve(given, env)?;
    if let Some(shared) = &options.shared {
        RedisStore::check(&shared.server)?;
    }
    let mut chosen = CHOSEN.lock();
    match ENGINE.get() {
        _ if given.is_null() && chosen.is_some() => {}
        Some(engine) if given.is_null() || engine.options == options => {}
        Some(_) => return Err(Error::AlreadyRunning),
        None => *chosen = Some(options.clone()),
    }
    Ok(options)
}

/// The apps of this process.
#[inline]
pub fn apps() -> &'static Apps {
    &APPS
}

/// Where orders of the app's own code come in. A build keeps them to itself, whatever it shares.
pub fn desk() -> &'static Desk {
    DESK.get_or_init(|| {
        let clock = engine().clock.clone();
        let shared = STORE.get().filter(|_| !APPS.is_building()).cloned();
        Desk::new(clock, shared.map(|store| store as Arc<dyn Store>))
    })
}

/// The limits that the app's own code has made.
pub fn limiters() -> &'static Limiters {
    &LIMITERS
}

/// Notes what JavaScript found out about the app; see [`Apps::introduce`].
pub fn introduce(version: Option<Version>, namespace: String, is_sure: bool) {
    static UNKNOWN: Once = Once::new();
    static SURE: Once = Once::new();
    APPS.introduce(version, namespace, is_sure);
    let app = APPS.app();
    if app.version == Version::UNKNOWN {
        UNKNOWN.call_once(|| {
            say("the version of Next.js cannot be determined; stale entries are signalled in the way \
                 that every minor of 16 understands");
        });
    }
    if app.is_sure {
        SURE.call_once(|| admit_namespace(&app));
    }
}

/// Registers an app: its `.next/server`, the label that keeps its keys apart, and its build, which
/// `next build` and `next dev` do not have.
pub fn learn_app(dir: String, label: &str, build: Option<Build>) -> AppId {
    let app = APPS.learn(dir, label, build.as_ref().map(|build| build.began));
    let engine = engine();
    let given = engine.options.shared.as_ref().and_then(|shared| shared.build_name.as_ref());
    // Several apps may be built from the same commit.
    let named = given.map(|given| format!("{label}{given}"));
    let name = build.and_then(|build| named.or(build.name));
    if let (Some(tier), Some(name)) = (engine.tier(), name) {
        tier.set_build(app, name.as_bytes());
    }
    app
}

/// Warns if a call that came before the app was known has fixed another namespace than the app's:
/// other instances may use the right one.
fn admit_namespace(app: &App) {
    let Some((engine, is)) = running().zip(app.namespace.as_ref()) else { return };
    let is_chosen = engine.options.shared.as_ref().is_some_and(|shared| shared.namespace.is_some());
    if let Some(tier) = engine.tier().filter(|tier| !is_chosen && tier.namespace != *is) {
        say(&format!(
            "the namespace {} was chosen by a call before Next.js was ready; this app is {is}: set \
             the option `namespace`, or call the handler later",
            tier.namespace
        ));
    }
}

/// Adds an environment, to notify of entries that leave memory.
pub fn enter(environment: Arc<dyn Environment>) {
    ENVIRONMENTS.lock().push(environment);
}

/// Removes an environment.
pub fn leave(environment: &Arc<dyn Environment>) {
    ENVIRONMENTS.lock().retain(|other| !Arc::ptr_eq(other, environment));
}

/// Remembers the decisions of a thread from now on, if any are to be remembered.
pub fn remember(thread: &Thread) {
    if let Some(journal) = thread.open_journal(engine().options.decisions) {
        let mut journals = JOURNALS.lock();
        journals.retain(|journal| journal.strong_count() > 0);
        journals.push(Arc::downgrade(&journal));
    }
}

/// The last decisions of this process, the newest first.
pub fn decisions(most: usize) -> Vec<Shown> {
    let journals: Vec<_> = JOURNALS.lock().iter().filter_map(Weak::upgrade).collect();
    recall::recall(engine(), &journals, most)
}

/// Invalidations by other processes after a position, the oldest first.
pub fn heard(after: f64) -> Vec<Shown> {
    running().map_or_else(Vec::new, |engine| recall::heard(engine, after))
}

/// The process ends: no other instance has to wait for it.
pub fn quit() {
    if let Some(tier) = ENGINE.get().and_then(|engine| engine.tier()) {
        tier.leave();
    }
}

/// An entry left memory: each environment drops the object bound to it.
fn release(entry: &Entry) {
    for environment in ENVIRONMENTS.lock().iter() {
        environment.release(entry);
    }
}
