//! The options there are: names, environment variables and what each may be.

use super::shared::InvalidationFailure;
use crate::generation::limits::LONGEST_WAIT_MS;

/// What an option is called in the object and in the environment.
#[derive(Debug, Clone, Copy)]
pub(super) struct Names {
    pub(super) option: &'static str,
    pub(super) env: &'static str,
}

/// A whole number.
pub(super) struct Number {
    pub(super) names: Names,
    pub(super) least: u64,
    pub(super) most: u64,
}

/// True or false.
pub(super) struct Flag {
    pub(super) names: Names,
}

/// One of a few words.
pub(super) struct Choice<T: 'static> {
    pub(super) names: Names,
    pub(super) values: &'static [(&'static str, T)],
}

/// A text. None is ever printed: it may be a secret, or one in the wrong place.
pub(super) struct Text {
    pub(super) names: Names,
    /// What it may be, in words.
    pub(super) allowed: &'static str,
    pub(super) fits: fn(&str) -> bool,
}

const fn named(option: &'static str, env: &'static str) -> Names {
    Names { option, env }
}

const fn number(option: &'static str, env: &'static str, least: u64, most: u64) -> Number {
    Number { names: named(option, env), least, most }
}

const fn flag(option: &'static str, env: &'static str) -> Flag {
    Flag { names: named(option, env) }
}

const fn text(option: &'static str, env: &'static str) -> Text {
    let allowed = "a text without line breaks or other control characters";
    Text { names: named(option, env), allowed, fits: is_printable }
}

const fn file(option: &'static str, env: &'static str) -> Text {
    Text { allowed: "the path of a PEM file", ..text(option, env) }
}

/// Declares options and lists all of them, so that none is read that is not listed.
macro_rules! options {
    ($($spec:ident: $kind:ty = $value:expr;)*) => {
        $(pub(super) const $spec: $kind = $value;)*

        /// The names of all options.
        pub(super) const ALL: &[Names] = &[$($spec.names),*];
    };
}

options! {
    MEMORY: Number = number("memoryMb", "TIERCEL_MEMORY_MB", 0, 1 << 20);
    ENTRY: Number = number("maxEntryMb", "TIERCEL_MAX_ENTRY_MB", 1, 1 << 10);
    HOT_ENTRIES: Number = number("hotEntries", "TIERCEL_HOT_ENTRIES", 0, 1 << 20);
    HOT: Number = number("hotMb", "TIERCEL_HOT_MB", 0, 1 << 20);
    FETCH_WAIT: Number = number("fetchWaitMs", "TIERCEL_FETCH_WAIT_MS", 0, LONGEST_WAIT_MS as u64);
    WAIT: Number = number("waitMs", "TIERCEL_WAIT_MS", 0, LONGEST_WAIT_MS as u64);
    PRERENDERED: Flag = flag("prerendered", "TIERCEL_PRERENDERED");
    JITTER: Number = number("jitterPercent", "TIERCEL_JITTER_PERCENT", 0, 50);
    AHEAD: Number = number("refreshAheadPercent", "TIERCEL_REFRESH_AHEAD_PERCENT", 0, 50);
    TAGS: Number = number("maxTags", "TIERCEL_MAX_TAGS", 100, 10_000_000);
    DEBUG: Flag = flag("debug", "TIERCEL_DEBUG");

    URL: Text = Text {
        allowed: URL_ALLOWED,
        fits: |_| true,
        ..text("redisUrl", "TIERCEL_REDIS_URL")
    };
    USERNAME: Text = text("redisUsername", "TIERCEL_REDIS_USERNAME");
    PASSWORD: Text = text("redisPassword", "TIERCEL_REDIS_PASSWORD");
    DATABASE: Number = number("redisDatabase", "TIERCEL_REDIS_DATABASE", 0, 255);
    TLS: Flag = flag("redisTls", "TIERCEL_REDIS_TLS");
    TLS_CA: Text = file("redisTlsCaFile", "TIERCEL_REDIS_TLS_CA_FILE");
    TLS_CERT: Text = file("redisTlsCertFile", "TIERCEL_REDIS_TLS_CERT_FILE");
    TLS_KEY: Text = file("redisTlsKeyFile", "TIERCEL_REDIS_TLS_KEY_FILE");
    TLS_SERVER_NAME: Text = Text {
        allowed: "a host name or an address",
        fits: is_server_name,
        ..text("redisTlsServerName", "TIERCEL_REDIS_TLS_SERVER_NAME")
    };
    TLS_VERIFY: Flag = flag("redisTlsVerify", "TIERCEL_REDIS_TLS_VERIFY");
    SENTINEL_NAME: Text = text("redisSentinelName", "TIERCEL_REDIS_SENTINEL_NAME");
    SENTINEL_USERNAME: Text = text("redisSentinelUsername", "TIERCEL_REDIS_SENTINEL_USERNAME");
    SENTINEL_PASSWORD: Text = text("redisSentinelPassword", "TIERCEL_REDIS_SENTINEL_PASSWORD");
    CLUSTER: Flag = flag("redisCluster", "TIERCEL_REDIS_CLUSTER");

    NAMESPACE: Text = Text {
        allowed: "1 to 64 of the characters A-Z a-z 0-9 . _ : -",
        fits: is_namespace,
        ..text("namespace", "TIERCEL_NAMESPACE")
    };
    BUILD_NAME: Text = Text {
        allowed: "1 to 64 of the characters A-Z a-z 0-9 . _ : -",
        fits: is_namespace,
        ..text("buildName", "TIERCEL_BUILD_NAME")
    };
    COMMAND_TIMEOUT: Number = number("commandTimeoutMs", "TIERCEL_COMMAND_TIMEOUT_MS", 10, 2_000);
    CONNECT_TIMEOUT: Number =
        number("connectTimeoutMs", "TIERCEL_CONNECT_TIMEOUT_MS", 100, 30_000);
    WRITE_QUEUE: Number = number("writeQueueMb", "TIERCEL_WRITE_QUEUE_MB", 1, 1 << 10);
    SECRET: Text = Text {
        allowed: "a text of 16 characters or more, without control characters",
        fits: |text| text.chars().count() >= 16 && is_printable(text),
        ..text("secret", "TIERCEL_SECRET")
    };
    ISOLATE_FETCH: Flag = flag("isolateFetch", "TIERCEL_ISOLATE_FETCH");
    IN_BUILD: Flag = flag("redisInBuild", "TIERCEL_REDIS_IN_BUILD");
    IN_DEV: Flag = flag("redisInDev", "TIERCEL_REDIS_IN_DEV");
    ON_INVALIDATION_FAILURE: Choice<InvalidationFailure> = Choice {
        names: named("onInvalidationFailure", "TIERCEL_ON_INVALIDATION_FAILURE"),
        values: &[
            ("resolve", InvalidationFailure::Resolve),
            ("reject", InvalidationFailure::Reject),
        ],
    };
    INVALIDATION_GRACE: Number =
        number("invalidationGraceMs", "TIERCEL_INVALIDATION_GRACE_MS", 0, 60_000);
    OUTAGE_SERVE: Number = number("outageServeMs", "TIERCEL_OUTAGE_SERVE_MS", 0, 3_600_000);
    COMPRESS: Flag = flag("compress", "TIERCEL_COMPRESS");
}

/// Read where neither `redisUrl` nor its own variable says anything: platforms set it.
pub(super) const PLATFORM_URL: &str = "REDIS_URL";

/// What a URL may be; why one is not is told by its flaw.
pub(super) const URL_ALLOWED: &str = "a URL such as redis://user:password@host:6379/0, or none";

fn is_printable(text: &str) -> bool {
    !text.chars().any(char::is_control)
}

fn is_server_name(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._:-".contains(&byte))
}

/// No braces: they would decide which slot of a cluster a key lies in.
fn is_namespace(text: &str) -> bool {
    text.len() <= 64 && is_server_name(text)
}
