//! What the whole process shares: its one engine, put together here, and the apps it serves.

mod fleet;
mod opening;
mod operator;
mod recalled;
mod subjects;

use std::sync::mpsc::channel;
use std::sync::{Arc, Once, OnceLock};
use std::time::Duration;

use once_cell::sync::OnceCell;
use parking_lot::Mutex;
use serde_json::Value;

use crate::app::count::Counter;
use crate::app::desk::Desk;
use crate::app::limit::Limiter;
use crate::app::numbered::Numbered;
use crate::app::store::Store;
use crate::clock::{Clock, Timestamp, stopwatch_ns};
use crate::coherence::Coherence;
use crate::coherence::event::Event;
use crate::coherence::timing::Timing;
use crate::engine::{Builder, Engine, Host, Tier};
use crate::entry::Entry;
use crate::error::Error;
use crate::handler::apps::{App, Apps};
use crate::handler::inbox::Environment;
use crate::handler::next_clock::NextClock;
use crate::key::{AppId, Class};
use crate::next::own::Head;
use crate::next::signal::Version;
use crate::next::value::{self, ValueKind};
use crate::notice::{Code, say};
use crate::operate::judge::Aging;
use crate::options::{Options, Origin, SharedOptions};
use crate::redis::RedisStore;
use crate::spread::Spread;
use crate::store::Listener;

pub use self::fleet::{accounts, history, instances};
pub use self::opening::Seen;
use self::opening::{Opening, Shared};
pub use self::operator::operator;
pub use self::recalled::{decisions, heard, named, remember};
pub use self::subjects::note_url;

static ENGINE: OnceCell<Arc<Engine>> = OnceCell::new();
static NEXT_CLOCK: OnceLock<NextClock> = OnceLock::new();
static CHOSEN: Mutex<Option<(Options, Origin)>> = Mutex::new(None);
static SEEN: Mutex<Option<Seen>> = Mutex::new(None);
static ENVIRONMENTS: Mutex<Vec<Arc<dyn Environment>>> = Mutex::new(Vec::new());
static APPS: Apps = Apps::new();
static STORE: OnceLock<Arc<RedisStore>> = OnceLock::new();
static DESK: OnceLock<Desk> = OnceLock::new();
static LIMITERS: Numbered<Limiter> = Numbered::new();
static COUNTERS: Numbered<Counter> = Numbered::new();

/// How long the end of the process may wait for what was counted, and taken ahead.
const LAST_FLUSH: Duration = Duration::from_millis(250);

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
        say(Code::NoThread, error.to_string().trim_start_matches("tiercel: "));
        ENGINE.get_or_init(start_alone)
    })
}

/// The engine that the options ask for.
fn start() -> Result<Arc<Engine>, Error> {
    let (builder, shared) = builder();
    let engine = match shared {
        Some(shared) => {
            builder.build_sharing(|options, listener| connect(options, &shared, listener))?
        }
        None => builder.build(),
    };
    say_opening(&engine, None);
    Ok(engine)
}

/// The engine without its store, which failed to start: the process decides alone.
#[cold]
fn start_alone() -> Arc<Engine> {
    let engine = builder().0.build();
    engine.ledger.on(&engine.clock, Event::NoStore);
    say_opening(&engine, Some("the shared tier did not start"));
    engine
}

/// The options chosen so far, and where they come from.
fn chosen() -> (Options, Origin) {
    CHOSEN.lock().clone().unwrap_or_default()
}

/// Says what this process uses, and what of its environment it does not. `broken`: why the shared
/// tier is not used, although it should be.
fn say_opening(engine: &Engine, broken: Option<&str>) {
    let (app, origin) = (APPS.app(), chosen().1);
    let seen = SEEN.lock().clone().unwrap_or_default();
    let unused = || match &engine.options.shared {
        None => origin.no_server(),
        Some(_) if app.is_building => "next build does not connect: redisInBuild is off".into(),
        Some(_) => "next dev does not connect: redisInDev is off".into(),
    };
    let tier = engine.tier().map(|tier| Shared {
        place: tier.place(),
        namespace: &tier.namespace,
        named_by: origin.namespace,
    });
    let opening = Opening {
        memory_mib: engine.options.memory_bytes >> 20,
        tier: tier.ok_or_else(|| broken.map_or_else(unused, str::to_owned)),
        seen: &seen,
        is_dev: app.is_dev,
        is_building: app.is_building,
    };
    say(Code::Started, &opening.text());
    origin.unknown.iter().for_each(|line| say(Code::UnknownVariable, line));
}

/// Notes what the operator should read about the app.
pub fn describe(seen: Seen) {
    *SEEN.lock() = Some(seen);
}

/// Says, unless the options want it so, that this process is one of several that do not see each
/// other.
pub fn note_several() {
    let is_alone = engine().options.shared.is_none() && chosen().1.none.is_none();
    if is_alone && !APPS.app().is_dev {
        say(
            Code::Several,
            "several processes of this host serve the app, and each has a cache of its own: an \
             invalidation reaches one of them only; name a server in REDIS_URL",
        );
    }
}

/// Says a line that JavaScript knows of. An unknown kind says nothing.
pub fn report(code: &str, text: &str) {
    if let Some(code) = Code::named(code) {
        say(code, text);
    }
}

/// An engine with the options chosen so far, and the options of its shared tier.
fn builder() -> (Builder, Option<SharedOptions>) {
    let options = chosen().0;
    let shared = shared(&options, &APPS.app());
    let coherence = match shared {
        Some(_) if APPS.is_building() => Coherence::build(options.max_tags),
        Some(_) => Coherence::fleet(options.max_tags, Timing::default()),
        None => Coherence::alone(options.max_tags),
    };
    let (tell, check, spread) = (told_ms, is_value, spread_of);
    let (snapshot, account) = (fleet::published, fleet::answered);
    let host = Host { tell, check, spread, release, snapshot, account };
    (Builder::new(options, Clock::system(), coherence).host(host), shared)
}

/// The shared tier of this process, with the app's namespace unless an option names another. A
/// build and `next dev` have none unless an option says so, and are no instances to be watched.
fn shared(options: &Options, app: &App) -> Option<SharedOptions> {
    let shared = options.shared.clone()?;
    let is_wanted = (!app.is_building || shared.in_build) && (!app.is_dev || shared.in_dev);
    let namespace = shared.namespace.clone().or_else(|| app.namespace.clone());
    let is_served = !app.is_building && !app.is_dev;
    let snapshot_every = if is_served { shared.snapshot_every } else { Duration::ZERO };
    is_wanted.then_some(SharedOptions { namespace, snapshot_every, ..shared })
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
    Ok(Tier::new(store, shared, limit, !APPS.is_building()))
}

/// Whether bytes from outside are a value of this format, under keys of this class.
fn is_value(class: Class, format: u8, body: &[u8]) -> bool {
    let kind = ValueKind::from_number(u32::from(format));
    kind.is_some_and(|kind| kind.class() == class) && value::is_sound(body)
}

/// The spread that a value names, or else that of the options.
fn spread_of(otherwise: Spread, format: u8, body: &[u8]) -> Spread {
    aging_of(otherwise, format, body).spread
}

/// How a value ages: as it says itself, or else by the options.
fn aging_of(otherwise: Spread, format: u8, body: &[u8]) -> Aging {
    let is_own = format == ValueKind::Own as u8;
    let head = is_own.then(|| Head::of(body)).flatten();
    let spread = head.map_or(otherwise, |head| head.spread(otherwise));
    Aging { spread, served_us: head.and_then(|head| head.served_us) }
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
/// choice stays. `others` are the names of variables that may be meant for the engine.
///
/// # Errors
/// The first invalid option, or [`Error::AlreadyRunning`] once the engine runs with other options.
pub fn configure(given: &Value, env: &Value, others: &[String]) -> Result<Options, Error> {
    let options = Options::resolve(given, env)?;
    if let Some(shared) = &options.shared {
        RedisStore::check(&shared.server)?;
    }
    let mut chosen = CHOSEN.lock();
    match ENGINE.get() {
        _ if given.is_null() && chosen.is_some() => {}
        Some(engine) if given.is_null() || engine.options == options => {}
        Some(_) => return Err(Error::AlreadyRunning),
        None => *chosen = Some((options.clone(), Origin::of(given, env, others))),
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
pub fn limiters() -> &'static Numbered<Limiter> {
    &LIMITERS
}

/// The counters that the app's own code has made.
pub fn counters() -> &'static Numbered<Counter> {
    &COUNTERS
}

/// Notes what JavaScript found out about the app; see [`Apps::introduce`].
pub fn introduce(version: Option<Version>, namespace: String, is_sure: bool) {
    static UNKNOWN: Once = Once::new();
    static SURE: Once = Once::new();
    APPS.introduce(version, namespace, is_sure);
    let app = APPS.app();
    if app.version == Version::UNKNOWN {
        UNKNOWN.call_once(|| {
            let text = "the version of Next.js cannot be determined; stale entries are signalled in \
                        the way that every minor of 16 understands";
            say(Code::UnknownNext, text);
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
    let real = build.as_ref().and_then(|build| build.name.clone());
    if let Some((store, name)) = STORE.get().zip(real) {
        store.find_kin(name, chosen().1.namespace.is_some());
    }
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
        let text = format!(
            "the namespace {} was chosen by a call before Next.js was ready; this app is {is}: set \
             the option `namespace`, or call the handler later",
            tier.namespace
        );
        say(Code::EarlyNamespace, &text);
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

/// The process ends: what it counted is sent, and no other instance has to wait for it.
pub fn quit() {
    if let Some(desk) = DESK.get() {
        let (tell, told) = channel();
        let heard = move || {
            let _ = tell.send(());
        };
        let given = desk.give_back(heard.clone());
        let flushed = desk.counts().flush_all(move |_| heard());
        let due = stopwatch_ns() + LAST_FLUSH.as_nanos() as u64;
        for _ in 0..given + flushed {
            let left = due.saturating_sub(stopwatch_ns());
            if told.recv_timeout(Duration::from_nanos(left)).is_err() {
                break;
            }
        }
    }
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
