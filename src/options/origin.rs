//! Where options come from, and what looks like one but is none: for the operator.

use serde_json::{Map, Value};

use super::sources::Sources;
use super::spec::{self, NAMESPACE, PLATFORM_URL};

/// Variables of Tiercel that are no options.
const NO_OPTIONS: [&str; 2] = ["TIERCEL_OPTIONS", "TIERCEL_METRICS_TOKEN"];

/// How alike two names have to be so that one may be meant by the other.
const ALIKE: f64 = 0.6;

/// Where options come from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Origin {
    /// The option or variable that names the namespace.
    pub namespace: Option<&'static str>,
    /// The option or variable that says that there is no server.
    pub none: Option<&'static str>,
    /// Variables that look as if they named a server, which are not read.
    pub unread: Vec<String>,
    /// One line for each variable that names no option.
    pub unknown: Vec<String>,
}

impl Origin {
    /// The origin of valid options. `others` are the names of variables that may be meant for
    /// Tiercel.
    pub fn of(given: &Value, env: &Value, others: &[String]) -> Self {
        let empty = Map::new();
        let object = |value| Value::as_object(value).unwrap_or(&empty);
        let read = Sources { given: object(given), env: object(env) };
        let none = read.url().ok().flatten();
        let none = none.filter(|url| url.value.trim().eq_ignore_ascii_case("none"));
        let (own, unread): (Vec<_>, Vec<_>) =
            others.iter().partition(|name| name.starts_with("TIERCEL_"));
        let is_unknown = |name: &&String| {
            let is_known = |o: &spec::Names| o.env == name.as_str();
            !spec::ALL.iter().any(is_known) && !NO_OPTIONS.contains(&name.as_str())
        };
        Self {
            namespace: read.text(&NAMESPACE).ok().flatten().map(|given| given.name),
            none: none.map(|given| given.name),
            unread: unread.into_iter().cloned().collect(),
            unknown: own.into_iter().filter(is_unknown).map(|name| unknown(name)).collect(),
        }
    }

    /// Why no server is used.
    pub fn no_server(&self) -> String {
        match (self.none, self.unread.as_slice()) {
            (Some(name), _) => format!("{name} is none"),
            (None, []) => format!("{PLATFORM_URL} is not set"),
            (None, [one]) => format!("{PLATFORM_URL} is not set; found {one}, which is not read"),
            (None, many) => {
                format!("{PLATFORM_URL} is not set; found {}, which are not read", many.join(", "))
            }
        }
    }
}

fn unknown(name: &str) -> String {
    let names = spec::ALL.iter().map(|names| names.env);
    match nearest(name, names) {
        Some(meant) => format!("there is no option {name}: did you mean {meant}?"),
        None => format!("there is no option {name}: docs/options.md lists all"),
    }
}

/// The name that may be meant by another one.
pub(super) fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let plain =
        |name: &str| name.to_ascii_lowercase().replace(['_', '-'], "").replace("tiercel", "");
    let meant = plain(name);
    let likeness = |other: &str| strsim::normalized_damerau_levenshtein(&meant, &plain(other));
    let all = known.map(|other| (likeness(other), other));
    let best = all.max_by(|(one, _), (other, _)| one.total_cmp(other));
    best.filter(|(alike, _)| *alike >= ALIKE).map(|(_, other)| other)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[expect(clippy::needless_pass_by_value, reason = "shorter tests")]
    fn of(given: Value, env: Value, others: &[&str]) -> Origin {
        let others: Vec<String> = others.iter().map(|&name| name.into()).collect();
        Origin::of(&given, &env, &others)
    }

    #[test]
    fn a_variable_that_names_no_option_is_told_with_the_one_that_is_meant() {
        let told =
            of(json!(null), json!({}), &["TIERCEL_REDIS_URI", "TIERCEL_OPTIONS", "TIERCEL_X"]);
        assert_eq!(
            told.unknown,
            [
                "there is no option TIERCEL_REDIS_URI: did you mean TIERCEL_REDIS_URL?",
                "there is no option TIERCEL_X: docs/options.md lists all",
            ]
        );
        for (name, meant) in [
            ("TIERCEL_MEMORY", "TIERCEL_MEMORY_MB"),
            ("TIERCEL_MAXENTRYMB", "TIERCEL_MAX_ENTRY_MB"),
            ("TIERCEL_NAME_SPACE", "TIERCEL_NAMESPACE"),
            ("TIERCEL_TLS_CA_FILE", "TIERCEL_REDIS_TLS_CA_FILE"),
        ] {
            let names = spec::ALL.iter().map(|names| names.env);
            assert_eq!(nearest(name, names), Some(meant));
        }
        let read = ["TIERCEL_DEBUG", "TIERCEL_METRICS_TOKEN"];
        assert!(of(json!(null), json!({}), &read).unknown.is_empty());
    }

    #[test]
    fn it_is_told_why_no_server_is_used() {
        let why = |env, others| of(json!(null), env, others).no_server();
        assert_eq!(why(json!({}), &[]), "REDIS_URL is not set");
        assert_eq!(
            why(json!({}), &["REDISHOST"]),
            "REDIS_URL is not set; found REDISHOST, which is not read"
        );
        assert_eq!(
            why(json!({}), &["REDISHOST", "REDISPORT"]),
            "REDIS_URL is not set; found REDISHOST, REDISPORT, which are not read"
        );
        let none = json!({ "TIERCEL_REDIS_URL": "None", "REDIS_URL": "redis://x" });
        assert_eq!(why(none, &[]), "TIERCEL_REDIS_URL is none");
    }

    #[test]
    fn it_is_told_what_names_the_namespace() {
        let by = |given, env| of(given, env, &[]).namespace;
        let env = json!({ "TIERCEL_NAMESPACE": "x" });
        assert_eq!(by(json!(null), json!({})), None);
        assert_eq!(by(json!(null), env.clone()), Some("TIERCEL_NAMESPACE"));
        assert_eq!(by(json!({ "namespace": "y" }), env), Some("namespace"));
    }
}
