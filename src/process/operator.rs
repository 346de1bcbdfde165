//! What the command line asks with: the options of the process, or those of its flags.

use std::sync::Arc;

use serde_json::Value;

use super::{CHOSEN, aging_of};
use crate::error::Error;
use crate::operate::Operator;
use crate::options::{self, Options, SharedOptions};
use crate::redis::RedisOperator;

/// An operator of the shared tier that the options chosen so far name, or the environment. A URL and
/// a namespace that are given count first; `derived` is the namespace of the app. `None` without a
/// shared tier.
///
/// # Errors
/// The first invalid option.
pub fn operator(given: &Value, env: &Value, derived: &str) -> Result<Option<Operator>, Error> {
    let url = given.get("redisUrl").and_then(Value::as_str).unwrap_or_default();
    let told = Options::resolve(given, &options::without_login(env, url))?;
    let chosen = CHOSEN.lock().clone();
    let mut options = chosen.map_or_else(|| told.clone(), |(options, _)| options);
    options.shared = SharedOptions::operated(given, options.shared.take(), told.shared);
    let Some(shared) = &mut options.shared else { return Ok(None) };
    if let Some(name) = options::namespace(given)? {
        shared.namespace = Some(name);
    }
    shared.namespace.get_or_insert_with(|| derived.to_owned());
    let server = RedisOperator::new(shared)?;
    Ok(Operator::new(Arc::new(server), options, aging_of))
}
