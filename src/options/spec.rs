//! The options: their names, environment variables, accepted values, defaults and effects.
//!
//! The lists in `docs/options.md` and `Options` in `index.d.ts` are generated from this file, one
//! sentence for each sentence of a comment.

use super::shared::InvalidationFailure;
use crate::generation::limits::LONGEST_WAIT_MS;

/// The name of an option in the object and in the environment.
#[derive(Debug, Clone, Copy)]
pub(super) struct Names {
    pub(super) option: &'static str,
    pub(super) env: &'static str,
}

/// Describes a default that depends on something else.
#[cfg_attr(not(test), expect(dead_code, reason = "only documented"))]
#[derive(Clone, Copy)]
pub(super) struct Derived(pub(super) &'static str);

/// A whole number.
pub(super) struct Number<D = u64> {
    pub(super) names: Names,
    #[cfg_attr(not(test), expect(dead_code, reason = "only documented"))]
    pub(super) unit: &'static str,
    pub(super) least: u64,
    pub(super) most: u64,
    pub(super) default: D,
}

/// True or false.
pub(super) struct Flag<D = bool> {
    pub(super) names: Names,
    pub(super) default: D,
}

/// One of a few words.
pub(super) struct Choice<T: 'static> {
    pub(super) names: Names,
    pub(super) values: &'static [(&'static str, T)],
    pub(super) default: T,
}

/// A function of JavaScript, which stays there. It has no variable.
pub(super) struct Callback {
    pub(super) names: Names,
    /// Its type in TypeScript.
    #[cfg_attr(not(test), expect(dead_code, reason = "only documented"))]
    pub(super) kind: &'static str,
    #[cfg_attr(not(test), expect(dead_code, reason = "only documented"))]
    pub(super) default: Derived,
}

/// A text. It is never printed: it may be a secret, or one in the wrong place.
pub(super) struct Text {
    pub(super) names: Names,
    /// Its kind, in a word.
    #[cfg_attr(not(test), expect(dead_code, reason = "only documented"))]
    pub(super) unit: &'static str,
    /// The accepted values, in words.
    pub(super) allowed: &'static str,
    pub(super) fits: fn(&str) -> bool,
    #[cfg_attr(not(test), expect(dead_code, reason = "only documented"))]
    pub(super) default: Derived,
}

const fn named(option: &'static str, env: &'static str) -> Names {
    Names { option, env }
}

const fn number<D: Copy>(
    names: Names,
    unit: &'static str,
    (least, most): (u64, u64),
    default: D,
) -> Number<D> {
    Number { names, unit, least, most, default }
}

const fn flag<D: Copy>(names: Names, default: D) -> Flag<D> {
    Flag { names, default }
}

const fn text(names: Names, default: &'static str) -> Text {
    let allowed = "a text without line breaks or other control characters";
    Text { names, unit: "text", allowed, fits: is_printable, default: Derived(default) }
}

const fn file(names: Names, default: &'static str) -> Text {
    Text { unit: "PEM file", allowed: "the path of a PEM file", ..text(names, default) }
}

const fn name(names: Names, default: &'static str) -> Text {
    let allowed = "1 to 64 of the characters A-Z a-z 0-9 . _ : -";
    Text { allowed, fits: is_namespace, ..text(names, default) }
}

/// Declares options under their list in `docs/options.md`, and collects all of them, so that none
/// is read without being listed.
macro_rules! options {
    ($($list:ident { $($(#[doc = $about:literal])+ $spec:ident: $kind:ty = $value:expr;)+ })+) => {
        $($($(#[doc = $about])+ pub(super) const $spec: $kind = $value;)+)+

        /// The names of all options.
        pub(super) const ALL: &[Names] = &[$($($spec.names),+),+];

        /// Their descriptions in the documentation.
        #[cfg(test)]
        pub(super) fn described() -> Vec<super::tests::pages::Description> {
            use super::tests::pages::describe;
            vec![$($(describe(stringify!($list), &$spec, concat!($($about, "\n"),+))),+),+]
        }
    };
}

options! {
memory {
    /// Size of the memory tier; 0 turns the memory tier off.
    MEMORY: Number = number(named("memoryMb", "TIERCEL_MEMORY_MB"), "MiB", (0, 1 << 20), 64);
    /// Largest entry that memory holds.
    /// Redis takes entries of up to 16 MiB, or of this size if it is larger.
    /// An entry that is too large for both is stored nowhere; a log line names its key once an
    /// hour, for at most 64 keys an hour.
    ENTRY: Number<Derived> = number(
        named("maxEntryMb", "TIERCEL_MAX_ENTRY_MB"),
        "MiB",
        (1, 1 << 10),
        Derived("a quarter of `memoryMb`, at least 1"),
    );
    /// Returned JavaScript objects that each thread keeps ready.
    HOT_ENTRIES: Number =
        number(named("hotEntries", "TIERCEL_HOT_ENTRIES"), "objects", (0, 1 << 20), 4_096);
    /// Total size of the entries that those objects belong to.
    HOT: Number<Derived> =
        number(named("hotMb", "TIERCEL_HOT_MB"), "MiB", (0, 1 << 20), Derived("half of `memoryMb`"));
    /// Tags whose invalidation is remembered.
    /// Beyond that number the engine forgets the oldest invalidations and no longer serves entries
    /// from before them.
    TAGS: Number =
        number(named("maxTags", "TIERCEL_MAX_TAGS"), "tags", (100, 10_000_000), 100_000);
}

generation {
    /// How long a `fetch` lookup waits for the same `fetch` under way, in this process or another
    /// one, before one more is made; 0 never waits.
    /// The time counts from the moment the first one began.
    /// Lookups that still wait then wait for the new one, no longer than `waitMs` in all.
    FETCH_WAIT: Number =
        number(named("fetchWaitMs", "TIERCEL_FETCH_WAIT_MS"), "ms", (0, LONGEST_WAIT_MS as u64), 1_200);
    /// How long a lookup of anything else waits for a generation under way, in this process or
    /// another one, and the longest time that any get waits in all; 0 never waits.
    WAIT: Number = number(named("waitMs", "TIERCEL_WAIT_MS"), "ms", (0, LONGEST_WAIT_MS as u64), LONGEST_WAIT_MS as u64);
    /// Jitter: an entry may turn stale up to this share of its lifetime early, so that entries
    /// stored together do not turn stale together.
    /// The key decides how early, so all instances agree.
    JITTER: Number =
        number(named("jitterPercent", "TIERCEL_JITTER_PERCENT"), "%", (0, 50), 5);
    /// Early refresh: in this last share of its lifetime a popular entry is regenerated before it
    /// turns stale; 0 turns early refresh off.
    /// Popular means 8 gets in one process.
    AHEAD: Number =
        number(named("refreshAheadPercent", "TIERCEL_REFRESH_AHEAD_PERCENT"), "%", (0, 50), 0);
    /// Whether misses of pages, routes, `fetch` and `unstable_cache` look into the output of
    /// `next build`.
    PRERENDERED: Flag = flag(named("prerendered", "TIERCEL_PRERENDERED"), true);
}

diagnosis {
    /// Prints a line per decision to standard error.
    /// As an option it may also be a function, which then receives each decision instead.
    /// `NEXT_PRIVATE_DEBUG_CACHE=1` turns it on as well.
    /// See [observability](observability.md#debug-lines).
    DEBUG: Flag = flag(named("debug", "TIERCEL_DEBUG"), false);
    /// Receives each line for the operator, with its level and its code, instead of standard error.
    /// If it throws, the line goes to standard error.
    /// See [messages](troubleshooting.md#messages).
    ON_NOTICE: Callback = Callback {
        names: named("onNotice", ""),
        kind: "(notice: Notice) => void",
        default: Derived("standard error"),
    };
    /// Whether the lines of `debug` begin with the time and the number of the process.
    DEBUG_TIME: Flag = flag(named("debugTime", "TIERCEL_DEBUG_TIME"), false);
    /// Decisions that this process remembers, each a get, a set or an invalidation with its reason;
    /// 0 remembers none.
    /// Read them with `decisions()`.
    DECISIONS: Number =
        number(named("decisions", "TIERCEL_DECISIONS"), "decisions", (0, 1 << 20), 4_096);
}

server {
    /// Where Redis or Valkey is, such as `rediss://user:password@host:6379/0`; `none` keeps
    /// everything in memory, whatever the later sources name.
    URL: Text = Text {
        unit: "URL",
        allowed: URL_ALLOWED,
        fits: |_| true,
        ..text(named("redisUrl", "TIERCEL_REDIS_URL"), "memory only")
    };
    /// User of the access list; needs a password.
    USERNAME: Text = text(named("redisUsername", "TIERCEL_REDIS_USERNAME"), "the URL's");
    /// Password, not percent-encoded.
    PASSWORD: Text = text(named("redisPassword", "TIERCEL_REDIS_PASSWORD"), "the URL's");
    /// Numbered database; in a cluster only 0.
    DATABASE: Number<Derived> = number(
        named("redisDatabase", "TIERCEL_REDIS_DATABASE"),
        "number",
        (0, 255),
        Derived("the URL's, else 0"),
    );
    /// Whether connections are encrypted.
    TLS: Flag<Derived> =
        flag(named("redisTls", "TIERCEL_REDIS_TLS"), Derived("true with `rediss://`"));
    /// Authorities that may have signed the server's certificate.
    /// Like the options of TLS below, it is refused where connections are not encrypted.
    TLS_CA: Text = file(
        named("redisTlsCaFile", "TIERCEL_REDIS_TLS_CA_FILE"),
        "the platform's authorities",
    );
    /// Certificate by which this process identifies itself; needs `redisTlsKeyFile`.
    TLS_CERT: Text = file(named("redisTlsCertFile", "TIERCEL_REDIS_TLS_CERT_FILE"), "none");
    /// Key of that certificate.
    TLS_KEY: Text = file(named("redisTlsKeyFile", "TIERCEL_REDIS_TLS_KEY_FILE"), "none");
    /// Name that the server's certificate must carry.
    TLS_SERVER_NAME: Text = Text {
        unit: "host",
        allowed: "a host name or an address",
        fits: is_server_name,
        ..text(named("redisTlsServerName", "TIERCEL_REDIS_TLS_SERVER_NAME"), "the URL's host")
    };
    /// Whether the server's certificate is checked; `false` trusts any server that answers.
    TLS_VERIFY: Flag = flag(named("redisTlsVerify", "TIERCEL_REDIS_TLS_VERIFY"), true);
    /// Name that the Sentinels have for the primary.
    SENTINEL_NAME: Text =
        text(named("redisSentinelName", "TIERCEL_REDIS_SENTINEL_NAME"), "the URL's");
    /// User of the Sentinels themselves; the server's login is never sent to them.
    SENTINEL_USERNAME: Text =
        text(named("redisSentinelUsername", "TIERCEL_REDIS_SENTINEL_USERNAME"), "the URL's `sentinelUsername`");
    /// Password of the Sentinels themselves.
    SENTINEL_PASSWORD: Text =
        text(named("redisSentinelPassword", "TIERCEL_REDIS_SENTINEL_PASSWORD"), "the URL's `sentinelPassword`");
    /// Treats the hosts of a `redis://` URL as nodes of a cluster, such as its configuration
    /// endpoint.
    CLUSTER: Flag<Derived> = flag(
        named("redisCluster", "TIERCEL_REDIS_CLUSTER"),
        Derived("true with `redis+cluster://`"),
    );
    /// How long opening a connection may take.
    /// No request waits for it.
    CONNECT_TIMEOUT: Number =
        number(named("connectTimeoutMs", "TIERCEL_CONNECT_TIMEOUT_MS"), "ms", (100, 30_000), 2_000);
    /// How long one command may take; a slower answer counts as a miss.
    COMMAND_TIMEOUT: Number =
        number(named("commandTimeoutMs", "TIERCEL_COMMAND_TIMEOUT_MS"), "ms", (10, 2_000), 100);
}

shared {
    /// Separates apps that share a server: 1 to 64 of `A-Z a-z 0-9 . _ : -`.
    /// See [namespaces](redis.md#namespaces).
    NAMESPACE: Text = name(named("namespace", "TIERCEL_NAMESPACE"), "derived from the app");
    /// The build that pages belong to, such as a commit, where each instance builds for itself: 1
    /// to 64 of `A-Z a-z 0-9 . _ : -`, and a new one for each deploy.
    /// See [builds](redis.md#builds).
    BUILD_NAME: Text = name(named("buildName", "TIERCEL_BUILD_NAME"), "derived from the build");
    /// Authenticates stored entries, so that other users of the server cannot plant any: 16
    /// characters or more, the same in all processes.
    SECRET: Text = Text {
        allowed: "a text of 16 characters or more, without control characters",
        fits: |text| text.chars().count() >= 16 && is_printable(text),
        ..text(named("secret", "TIERCEL_SECRET"), "none")
    };
    /// Total size of the entries waiting to be written; entries beyond it are not shared.
    WRITE_QUEUE: Number =
        number(named("writeQueueMb", "TIERCEL_WRITE_QUEUE_MB"), "MiB", (1, 1 << 10), 32);
    /// Whether entries are stored compressed.
    COMPRESS: Flag = flag(named("compress", "TIERCEL_COMPRESS"), true);
    /// Whether a deploy starts without the `fetch` and `unstable_cache` data stored before it.
    ISOLATE_FETCH: Flag = flag(named("isolateFetch", "TIERCEL_ISOLATE_FETCH"), false);
    /// Whether `next build` connects, and so warms the shared tier.
    IN_BUILD: Flag = flag(named("redisInBuild", "TIERCEL_REDIS_IN_BUILD"), false);
    /// Whether `next dev` connects.
    IN_DEV: Flag = flag(named("redisInDev", "TIERCEL_REDIS_IN_DEV"), false);
    /// How an invalidation ends that could not be recorded: `resolve` or `reject`.
    /// In both cases it is in effect in this process and recorded later.
    ON_INVALIDATION_FAILURE: Choice<InvalidationFailure> = Choice {
        names: named("onInvalidationFailure", "TIERCEL_ON_INVALIDATION_FAILURE"),
        values: &[
            ("resolve", InvalidationFailure::Resolve),
            ("reject", InvalidationFailure::Reject),
        ],
        default: InvalidationFailure::Resolve,
    };
    /// Repeats each invalidation this much later, for database replicas that lag behind; 0 does not
    /// repeat it.
    INVALIDATION_GRACE: Number =
        number(named("invalidationGraceMs", "TIERCEL_INVALIDATION_GRACE_MS"), "ms", (0, 60_000), 0);
    /// How long memory keeps answering while the server is away.
    OUTAGE_SERVE: Number =
        number(named("outageServeMs", "TIERCEL_OUTAGE_SERVE_MS"), "ms", (0, 3_600_000), 30_000);
    /// How often each instance publishes a snapshot of its counters, for `instances()`,
    /// `tiercel instances`, `tiercel top` and the dashboard; 0 publishes none.
    /// `next build` and `next dev` publish none.
    /// See [the fleet](observability.md#the-fleet).
    SNAPSHOTS: Number =
        number(named("snapshotSeconds", "TIERCEL_SNAPSHOT_SECONDS"), "s", (0, 60), 5);
}
}

/// Read where neither `redisUrl` nor its own variable is set: platforms set it.
pub(super) const PLATFORM_URL: &str = "REDIS_URL";

/// The accepted URLs; a flaw says why one is refused.
pub(super) const URL_ALLOWED: &str = "a URL such as redis://user:password@host:6379/0, or none";

fn is_printable(text: &str) -> bool {
    !text.chars().any(char::is_control)
}

fn is_server_name(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._:-".contains(&byte))
}

/// No braces: they would decide which slot of a cluster a key lies in.
pub fn is_namespace(text: &str) -> bool {
    text.len() <= 64 && is_server_name(text)
}
