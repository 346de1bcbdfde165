//! The shared tier of an operator: that of the process, as far as nothing else is given.

use serde_json::{Map, Value};

use super::SharedOptions;
use super::sources::Sources;
use super::spec::{NAMESPACE, Text, URL};
use crate::error::Error;

impl SharedOptions {
    /// Of `chosen` by the process and `told` to the operator: what was chosen, on the server that
    /// is `given`, if one is. `None` if none is to be used.
    pub fn operated(given: &Value, chosen: Option<Self>, told: Option<Self>) -> Option<Self> {
        let has_url = text(given, &URL).is_ok_and(|url| url.is_some());
        match (chosen, told) {
            (Some(chosen), Some(told)) if has_url => Some(Self { server: told.server, ..chosen }),
            (_, None) if has_url => None,
            (chosen, told) => chosen.or(told),
        }
    }
}

/// The namespace that is given, whether or not there is a server.
///
/// # Errors
/// It is not allowed.
pub fn namespace(given: &Value) -> Result<Option<String>, Error> {
    text(given, &NAMESPACE)
}

fn text(given: &Value, spec: &Text) -> Result<Option<String>, Error> {
    let none = Map::new();
    let read = Sources { given: given.as_object().unwrap_or(&none), env: &none };
    Ok(read.text(spec)?.map(|given| given.value.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::Options;
    use serde_json::json;

    fn shared(url: &str) -> Option<SharedOptions> {
        Options::resolve(&json!({ "redisUrl": url, "compress": false }), &Value::Null)
            .unwrap()
            .shared
    }

    #[test]
    fn a_server_that_is_given_counts_first_and_none_is_none() {
        let place = |given: Value, told: &str| {
            let operated = SharedOptions::operated(&given, shared("redis://chosen"), shared(told));
            operated.map(|operated| (operated.place(), operated.compress))
        };
        let at = |place: &str| Some((format!("redis {place}:6379/0"), false));
        assert_eq!(place(json!({ "redisUrl": "redis://told" }), "redis://told"), at("told"));
        assert_eq!(place(json!({ "redisUrl": "none" }), "none"), None);
        assert_eq!(place(json!({ "redisUrl": "" }), "none"), at("chosen"));
        assert_eq!(place(json!({}), "redis://environment"), at("chosen"));
    }

    #[test]
    fn a_namespace_needs_no_server_and_is_checked() {
        assert_eq!(namespace(&json!({ "namespace": "shop" })), Ok(Some("shop".into())));
        assert_eq!(namespace(&Value::Null), Ok(None));
        assert!(namespace(&json!({ "namespace": "a space" })).is_err());
    }
}
