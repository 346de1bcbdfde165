//! Configuration and statistics, through macros: speed does not matter here.

use napi_derive::napi;
use serde_json::Value;

use crate::clock::Timestamp;
use crate::error::Error;
use crate::next::signal::Version;
use crate::options::{Options, SharedOptions};
use crate::process::{self, Build, Seen};

/// What JavaScript needs to know of the options.
#[napi(object)]
pub struct Chosen {
    pub debug: bool,
    pub debug_time: bool,
    pub grace_ms: f64,
    pub must_record: bool,
}

/// Chooses the options of this process, from JSON texts of the given options and the environment.
/// Without given options (`null`) it only checks the environment if a choice was made before.
/// `others`: names of variables that may be meant for the engine.
#[napi(catch_unwind)]
pub fn configure(given: String, env: String, others: Vec<String>) -> napi::Result<Chosen, String> {
    let parse = |text: &str| serde_json::from_str::<Value>(text).map_err(|_| Error::NotAnObject);
    let choose = || process::configure(&parse(&given)?, &parse(&env)?, &others);
    let chosen = choose()
        .map_err(|error: Error| napi::Error::new(error.code().to_owned(), error.to_string()))?;
    let shared = chosen.shared.as_ref();
    Ok(Chosen {
        debug: chosen.debug,
        debug_time: chosen.debug_time,
        grace_ms: shared.map_or(0.0, |shared| shared.invalidation_grace.as_millis() as f64),
        must_record: shared.is_some_and(SharedOptions::must_record),
    })
}

/// The environment variables that `configure` reads.
#[napi(catch_unwind)]
pub fn env_names() -> Vec<String> {
    Options::env_names().into_iter().map(str::to_owned).collect()
}

/// Sets which Next.js runs, whether it is building or developing, and the namespace of the app. No
/// version: there is no Next.js; an empty one: its version is unknown. Guesses count until a call
/// is `sure`, for something that was seen; another thread may know less.
#[napi(catch_unwind)]
pub fn app(version: Option<String>, building: bool, dev: bool, namespace: String, sure: bool) {
    let version = version.map(|text| Version::parse(&text).unwrap_or(Version::UNKNOWN));
    process::introduce(version, namespace, sure);
    process::apps().note_phase(building, dev);
}

/// What the operator should read about the app: its Next.js and Node.js, its build, and where its
/// namespace comes from.
#[napi(catch_unwind)]
pub fn describe(next: Option<String>, node: String, build: Option<String>, named_by: String) {
    process::describe(Seen { next, node: Some(node), build, named_by });
}

/// Says that this process is one of several without a shared tier, if it is.
#[napi(catch_unwind)]
pub fn note_several() {
    process::note_several();
}

/// Says a line of a kind that the documentation lists.
#[napi(catch_unwind)]
pub fn report(code: String, text: String) {
    process::report(&code, &text);
}

/// A build that can be served, as JavaScript describes it.
#[napi(object)]
pub struct GivenBuild {
    /// Tells it from other builds; the pages of a build without a name are not shared.
    pub name: Option<String>,
    /// When it began, in ms since the epoch.
    pub began_ms: f64,
}

/// Registers an app: its `.next/server`, the label that keeps its keys apart, and its build, which
/// `next build` and `next dev` do not have. The result is its number among the apps of this
/// process.
#[napi(catch_unwind)]
pub fn server_dir(path: String, label: String, build: Option<GivenBuild>) -> u32 {
    let build = build.map(|GivenBuild { name, began_ms }| Build {
        name,
        began: Timestamp((began_ms.max(0.0) * 1e3) as u64),
    });
    process::learn_app(path, &label, build).0
}

/// The process ends: no other instance has to wait for it.
#[napi(catch_unwind)]
pub fn quit() {
    process::quit();
}

/// How this process is connected to the shared tier: `none`, `connected`, `connecting`, `away` or
/// `denied`.
#[napi(catch_unwind)]
pub fn link() -> &'static str {
    process::engine().connectivity().as_str()
}

/// What is wrong with the shared tier now.
#[napi(object)]
pub struct GivenTrouble {
    pub code: String,
    pub message: String,
}

/// What is wrong with the shared tier now, if anything is.
#[napi(catch_unwind)]
pub fn trouble() -> Option<GivenTrouble> {
    let wrong = process::engine().trouble()?;
    Some(GivenTrouble { code: wrong.code, message: wrong.text })
}

/// The last decisions of this process as JSON, the newest first.
#[napi(catch_unwind)]
pub fn decisions(most: u32) -> String {
    serde_json::to_string(&process::decisions(most as usize)).unwrap_or_default()
}

/// Invalidations by other processes after a position, as decisions in JSON, the oldest first.
#[napi(catch_unwind)]
pub fn heard(after: f64) -> String {
    serde_json::to_string(&process::heard(after)).unwrap_or_default()
}

/// What was invalidated after a position, wherever that was, as JSON: see `Recorded`.
#[napi(catch_unwind)]
pub fn recorded(after: f64) -> String {
    serde_json::to_string(&process::engine().recorded_since(after)).unwrap_or_default()
}

/// What this process has counted since it started, as JSON.
#[napi(catch_unwind)]
pub fn stats() -> String {
    serde_json::to_string(&process::engine().report()).unwrap_or_default()
}
