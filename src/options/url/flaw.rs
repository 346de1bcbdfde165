//! The flaws that a URL may have.

/// Why a URL is refused, to be read after "but is".
///
/// It repeats no part of the URL: wherever parsing failed, any part may belong to the password. The
/// one exception is the name of a parameter that cannot belong to one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(in crate::options) enum Flaw {
    #[error(
        "one with an unknown scheme; the schemes are redis, rediss (TLS), valkey, valkeys, unix, \
         redis+sentinel, rediss+sentinel, redis+cluster and rediss+cluster"
    )]
    Scheme,
    #[error(
        "the URL of a REST interface, which is no Redis; the console of Upstash shows the right one \
         under \"Redis\" or \"TCP\": rediss://default:PASSWORD@{0}:6379"
    )]
    Upstash(String),
    #[error("one of the web; servers have redis://host:6379, with TLS rediss://host:6379")]
    Web,
    #[error("one without a host")]
    NoHost,
    #[error(
        "one with a host that is no name and no address; special characters of a password are \
         percent-encoded"
    )]
    Host,
    #[error("one with an IPv6 address without brackets; [::1]:6379 is how they are written")]
    Brackets,
    #[error(
        "one with a port that is not from 1 to 65535; special characters of a password are \
         percent-encoded"
    )]
    Port,
    #[error(
        "one with an @ behind the host; special characters of a password are percent-encoded: \
         @ is %40, / is %2F, ? is %3F, # is %23"
    )]
    LateAt,
    #[error(
        "one with a % that begins no percent-encoded text, or an encoded control character; a \
         plain % is written %25"
    )]
    Percent,
    #[error(
        "one with several hosts; redis+cluster://h1,h2 or redis+sentinel://h1,h2/name says what \
         they are"
    )]
    SeveralHosts,
    #[error("one with a database that is not from 0 to 255")]
    Database,
    #[error("one with a database other than 0, which a cluster does not have")]
    ClusterDatabase,
    #[error("one with a path that is no database")]
    Path,
    #[error("one with a #, which is written %23 in a password")]
    Fragment,
    #[error("one with a socket path that is not absolute; it has three slashes: unix:///path")]
    Socket,
    #[error("one with TLS, which a socket of this machine does not have")]
    UnixTls,
    #[error("one that does not name the primary; redis+sentinel://h1,h2/mymaster does")]
    NoPrimary,
    #[error("one that names a primary or a Sentinel login; its scheme must be redis+sentinel")]
    NotSentinel,
    #[error("one with a user and no password; a password alone is redis://:password@host")]
    NoPassword,
    #[error("one that says the same twice, and differently")]
    Twice,
    #[error("one with `{0}` neither true nor false")]
    Flag(&'static str),
    #[error("one with `family` that is not 0, 4 or 6")]
    Family,
    #[error(
        "one with {}; the parameters are db, username, password, tls, family, and for Sentinel \
         sentinelMaster, sentinelUsername and sentinelPassword",
        .0.as_ref().map_or("an unknown parameter".into(), |name| {
            format!("the unknown parameter `{name}`")
        })
    )]
    Parameter(Option<String>),
}
