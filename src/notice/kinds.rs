//! The kinds of lines. The table in `docs/troubleshooting.md` is generated from this file.

use super::Level;

/// What an operator has to know of one kind of lines.
struct Kind {
    code: &'static str,
    level: Level,
    /// Its texts; `…` stands for what differs.
    texts: &'static [&'static str],
    /// The options that change it.
    #[cfg_attr(not(test), expect(dead_code, reason = "only documented"))]
    options: &'static [&'static str],
    #[cfg_attr(not(test), expect(dead_code, reason = "only documented"))]
    when: &'static str,
    #[cfg_attr(not(test), expect(dead_code, reason = "only documented"))]
    cure: &'static str,
}

/// Declares the kinds, so that no line is written whose kind is not documented.
macro_rules! kinds {
    ($($(#[doc = $about:literal])+ $name:ident = $kind:expr;)+) => {
        /// The kind of a line.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Code { $($(#[doc = $about])+ $name),+ }

        impl Code {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$name),+];

            fn kind(self) -> Kind {
                match self { $(Self::$name => $kind),+ }
            }
        }
    };
}

kinds! {
    /// The engine runs.
    Started = Kind {
        code: "started",
        level: Level::Info,
        texts: &["memory … + …, namespace … (…)", "memory only (…), …", "redis only: …, namespace … (…)"],
        options: &["redisUrl", "memoryMb", "namespace"],
        when: "Once per process, when it starts; once per `next build`.",
        cure: "Compare it with what you meant. What stands in brackets says where the namespace comes from, or why no server is used.",
    };
    /// Options cannot be used.
    Refused = Kind {
        code: "refused-options",
        level: Level::Error,
        texts: &["…; the server does not start"],
        options: &[],
        when: "An option has a value that it cannot have, and the process is a server of Next.js.",
        cure: "Correct the option that it names. The process ends with code 1.",
    };
    /// A variable names no option.
    UnknownVariable = Kind {
        code: "unknown-variable",
        level: Level::Warn,
        texts: &["there is no option …"],
        options: &[],
        when: "At start, for an environment variable that begins with `TIERCEL_` and is none of an option.",
        cure: "Correct or remove it.",
    };
    /// Two places choose differently.
    Differing = Kind {
        code: "options-differ",
        level: Level::Warn,
        texts: &["`…` differs at … and …: the latter counts…"],
        options: &[],
        when: "`configure()` is called in two places with different values for the same option, or after the engine has started with another one.",
        cure: "Give the option the same value in both places, or in one of them only.",
    };
    /// Several processes of a host do not see each other.
    Several = Kind {
        code: "several-alone",
        level: Level::Warn,
        texts: &["several processes of this host serve the app, and each has a cache of its own: …"],
        options: &["redisUrl"],
        when: "Once per cluster of Node.js or PM2, if its processes keep everything in memory only.",
        cure: "Name a server in `REDIS_URL`: an invalidation reaches one process only.",
    };
    /// The server is away.
    Away = Kind {
        code: "away",
        level: Level::Error,
        texts: &["… is away (…): this process answers from memory and tries again"],
        options: &["redisUrl", "connectTimeoutMs", "outageServeMs"],
        when: "The server cannot be reached or used; at most once in 10 s for the same reason.",
        cure: "See [reasons](#reasons). Memory goes on; see [While Redis is away](invalidation.md#while-redis-is-away).",
    };
    /// The server is back.
    Back = Kind {
        code: "back",
        level: Level::Info,
        texts: &["… is back"],
        options: &[],
        when: "The server is used again.",
        cure: "Nothing.",
    };
    /// The access list lacks a right.
    Right = Kind {
        code: "right-missing",
        level: Level::Error,
        texts: &["… does not let this user touch the keys of …: …", "… forbids this user …: …"],
        options: &["redisUsername", "namespace"],
        when: "The access list of the server refuses a command or keys.",
        cure: "Grant what [the access list](redis.md#access-list) needs.",
    };
    /// The server answers with errors.
    Erring = Kind {
        code: "server-error",
        level: Level::Error,
        texts: &["… is full (…): …", "… answers with an error (…): …"],
        options: &[],
        when: "The server refuses commands with this error: `OOM` if it is full, `MISCONF` if it cannot save.",
        cure: "For `OOM`, set a bound and an eviction policy: [server settings](redis.md#server-settings). Else see the log of the server.",
    };
    /// The server does everything again.
    Accepted = Kind {
        code: "accepted",
        level: Level::Info,
        texts: &["… refuses nothing any more, and is used again"],
        options: &[],
        when: "What the server refused is possible again.",
        cure: "Nothing.",
    };
    /// The server is too old.
    OldServer = Kind {
        code: "old-server",
        level: Level::Warn,
        texts: &["… is version …, and 6.0 is the oldest supported version: …"],
        options: &[],
        when: "Once per process.",
        cure: "Update the server. Until then invalidations may arrive half a second late.",
    };
    /// The server lacks commands.
    CommandsMissing = Kind {
        code: "commands-missing",
        level: Level::Error,
        texts: &["… has no …, which scripts need: …"],
        options: &["redisUrl"],
        when: "Once per process.",
        cure: "Use Redis 6.0 or later, or Valkey. Entries are shared until they expire, and invalidations stay in their own process.",
    };
    /// The server is not set up for a cache.
    Unsuitable = Kind {
        code: "unsuitable-server",
        level: Level::Warn,
        texts: &["… has maxmemory … and maxmemory-policy …, which is wrong for a cache: …"],
        options: &["redisUrl"],
        when: "Once per process, after it has connected.",
        cure: "Set a bound and `volatile-lru`, or name another server. See [server settings](redis.md#server-settings).",
    };
    /// Invalidations wait to be recorded.
    Unrecorded = Kind {
        code: "unrecorded",
        level: Level::Warn,
        texts: &["… invalidated tags could not be recorded on …"],
        options: &["onInvalidationFailure"],
        when: "Tags were invalidated while the server was away; at most once in 10 s.",
        cure: "They are in effect in this process, and recorded when the server answers again. A process that ends before that loses them.",
    };
    /// More invalidations wait than are remembered.
    Overflowed = Kind {
        code: "overflowed",
        level: Level::Error,
        texts: &["more tags than maxTags wait to be recorded on …"],
        options: &["maxTags"],
        when: "More tags were invalidated during an outage than are remembered.",
        cure: "Raise `maxTags`. Once the server answers again, everything stored is invalidated.",
    };
    /// Entries are signed with another secret, or with none.
    OtherSecret = Kind {
        code: "other-secret",
        level: Level::Warn,
        texts: &["entries on … carry …: …"],
        options: &["secret"],
        when: "This process reads entries that it does not trust; at most once an hour.",
        cure: "Set the same `secret` in all processes. After a change of the secret it ends once the old entries are gone.",
    };
    /// An early call has fixed another namespace.
    EarlyNamespace = Kind {
        code: "early-namespace",
        level: Level::Warn,
        texts: &["the namespace … was chosen by a call before Next.js was ready; …"],
        options: &["namespace"],
        when: "Once per process.",
        cure: "Set `namespace`, or call later. See [namespaces](redis.md#namespaces).",
    };
    /// Processes of one build use two namespaces.
    OtherNamespace = Kind {
        code: "other-namespace",
        level: Level::Warn,
        texts: &["another process of this build uses the namespace … on …, and this one …: …"],
        options: &["namespace"],
        when: "Once per process, where a process of the same build has begun within a day and not both of them were given a `namespace`.",
        cure: "Set the same `namespace` in all processes. If they are meant to be apart, set one in each. See [namespaces](redis.md#namespaces).",
    };
    /// The version of Next.js is unknown.
    UnknownNext = Kind {
        code: "unknown-next",
        level: Level::Warn,
        texts: &["the version of Next.js cannot be determined; …"],
        options: &[],
        when: "Once per process.",
        cure: "See [versions](nextjs-versions.md#how-the-version-is-found).",
    };
    /// A value exceeds every bound.
    TooLarge = Kind {
        code: "too-large",
        level: Level::Warn,
        texts: &["a … of … MiB is kept nowhere, every request generates it: …"],
        options: &["maxEntryMb", "memoryMb"],
        when: "Once an hour for a key, for at most 64 keys an hour.",
        cure: "Raise `maxEntryMb` or `memoryMb`, or make the value smaller.",
    };
    /// The thread of the shared tier cannot be started.
    NoThread = Kind {
        code: "no-thread",
        level: Level::Error,
        texts: &["the operating system could not start the thread of the shared tier", "option …"],
        options: &[],
        when: "At start; the process then keeps everything in memory only.",
        cure: "Raise the limit of threads of the container, or renew the files of TLS.",
    };
    /// Counts were given up.
    CountsDropped = Kind {
        code: "counts-dropped",
        level: Level::Error,
        texts: &["counts of a day ago are dropped: the store has not taken them since"],
        options: &[],
        when: "The server was away for a day, while `counter` of `tiercel/app` was added to.",
        cure: "See [counts](app/counter.md) and the other lines about the server.",
    };
    /// A bug.
    Panic = Kind {
        code: "panic",
        level: Level::Error,
        texts: &["a panic… was answered with a miss; please report it"],
        options: &[],
        when: "A bug in Tiercel; at most once a second.",
        cure: "Please report it.",
    };
}

impl Code {
    /// Its name for programs, such as `server-error`.
    pub fn as_str(self) -> &'static str {
        self.kind().code
    }

    /// How much it matters.
    pub fn level(self) -> Level {
        self.kind().level
    }

    /// The kind with this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|code| code.as_str() == name)
    }

    /// Whether a text is one that the documentation shows for this kind.
    pub(super) fn fits(self, text: &str) -> bool {
        self.kind().texts.iter().any(|shown| is_like(text, shown))
    }
}

/// Whether the parts of `shown` lie in `text` in this order, from its beginning on.
fn is_like(text: &str, shown: &str) -> bool {
    let mut parts = shown.split('…');
    let Some(mut rest) = parts.next().and_then(|first| text.strip_prefix(first)) else {
        return false;
    };
    for part in parts {
        let Some((_, after)) = rest.split_once(part) else { return false };
        rest = after;
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::generated::{between, check};

    #[test]
    fn the_table_of_messages_follows_the_code() {
        let rows: String = Code::ALL.iter().map(|code| row(&code.kind())).collect();
        let head = "\n| Text | Code | Level | When | What to do | Options |\n| --- | --- | --- | --- | --- | --- |\n";
        let page = std::fs::read_to_string("docs/troubleshooting.md").unwrap();
        let table = format!("{head}{rows}\n");
        check(
            "docs/troubleshooting.md",
            &between(&page, "<!-- messages -->\n", "<!-- end -->\n", &table),
        );
    }

    fn row(kind: &Kind) -> String {
        let Kind { code, level, texts, options, when, cure } = kind;
        let quoted = |all: &[&str], gap: &str| {
            all.iter()
                .map(|one| {
                    format!("`` {one} ``")
                        .replace("`` ", if one.contains('`') { "`` " } else { "`" })
                        .replace(" ``", if one.contains('`') { " ``" } else { "`" })
                })
                .collect::<Vec<_>>()
                .join(gap)
        };
        let (texts, options) = (quoted(texts, "<br>"), quoted(options, ", "));
        format!("| {texts} | `{code}` | {} | {when} | {cure} | {options} |\n", level.as_str())
    }

    #[test]
    fn a_text_is_like_what_is_shown_for_it() {
        assert!(is_like("redis x is back", "… is back"));
        assert!(!is_like("redis x is away", "… is back"));
        assert!(!is_like("the x", "a …"));
        assert!(Code::Panic.fits("a panic was answered with a miss; please report it"));
    }

    #[test]
    fn no_two_kinds_have_the_same_name() {
        for code in Code::ALL {
            assert_eq!(Code::named(code.as_str()), Some(*code));
        }
        assert_eq!(Code::named("x"), None);
    }
}
