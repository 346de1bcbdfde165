//! The Node binding: convert, one call, convert. No caching decision is made here.
//!
//! [`raw`] wraps the Node-API functions used on the hot path; [`env`] is the state of one JavaScript
//! environment (the main thread or a worker), [`inbox`] what other threads have for it. [`read`] and
//! [`write`] turn arguments into values and back, in the [`crate::abi`] agreed with JavaScript. [`check`],
//! [`find`], [`put`] and [`calls`] are the calls, and [`cold`] those through macros, where speed does
//! not matter; [`output`] carries the reading of build output to Node's threads, [`notices`] lines to
//! the operator; [`app`] takes the orders of the app's own code, [`operate`] those of the command line.
//! [`crate::handler`], [`crate::app`] and [`crate::operate`] decide what all of them mean.
//!
//! Why not macros everywhere: a macro method costs 200 ns, a raw one 14 ns, and a hit is 150 ns.
#![expect(unsafe_code, reason = "Node-API is C; every block says why it is sound")]
#![expect(clippy::needless_pass_by_value, reason = "the macros take values")]
#![expect(unreachable_pub, reason = "what the macros export has to be `pub`")]

mod app;
mod calls;
mod check;
mod cold;
mod env;
mod find;
mod inbox;
mod notices;
mod operate;
mod output;
mod put;
mod raw;
mod read;
mod write;

use napi::bindgen_prelude::Object;
use napi::{Env, sys};
use napi_derive::napi;

/// Entries of all sizes come and go, which fragments the system's allocator more.
///
/// Version 2: 3.3.2 takes the thread that loads it for the main thread, frees the state of that
/// thread when it ends, and hands it to the next thread at the same address. Workers end.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The functions called on the hot path, by the names JavaScript sees.
const FUNCTIONS: [(&str, sys::napi_callback); 31] = [
    ("attach", Some(env::attach)),
    ("check", Some(check::check)),
    ("checkAsked", Some(check::check_asked)),
    ("find", Some(find::find)),
    ("findUse", Some(find::find_use)),
    ("findOwn", Some(find::find_own)),
    ("drain", Some(calls::drain)),
    ("flush", Some(calls::flush)),
    ("revision", Some(calls::revision)),
    ("isCurrent", Some(calls::is_current)),
    ("diedAt", Some(calls::died_at)),
    ("put", Some(put::put)),
    ("putUse", Some(put::put_use)),
    ("beginUse", Some(put::begin_use)),
    ("abandon", Some(put::abandon)),
    ("idle", Some(put::idle)),
    ("see", Some(put::see)),
    ("invalidate", Some(calls::invalidate)),
    ("why", Some(calls::why)),
    ("tell", Some(calls::tell)),
    ("told", Some(calls::told)),
    ("hush", Some(calls::hush)),
    ("hear", Some(notices::hear)),
    ("speak", Some(notices::speak_now)),
    ("ask", Some(app::ask)),
    ("answered", Some(app::answered)),
    ("limiter", Some(app::limiter)),
    ("counter", Some(app::counter)),
    ("add", Some(app::add)),
    ("instances", Some(operate::instances)),
    ("accounts", Some(operate::accounts)),
];

/// Gives a new environment its state and its functions.
#[napi(module_exports)]
pub fn exports(mut exports: Object, env: Env) -> napi::Result<()> {
    crate::guard::be_brief();
    let state = env::create(env.raw())?;
    for (name, function) in FUNCTIONS {
        let function = raw::function(env.raw(), name, function, state.cast())?;
        exports.set(name, function)?;
    }
    Ok(())
}
