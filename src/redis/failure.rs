//! The ways a call can fail, as far as callers distinguish them.

use fred::error::{Error, ErrorKind};

use crate::store::{Refusal, Trouble};

/// Why a call failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Failure {
    /// No answer came in time.
    TimedOut,
    /// The connection is lost, or useless: its server is not the primary, or not ready.
    Lost(Trouble),
    /// The server refuses the login, or requires one.
    Unauthenticated(Trouble),
    /// The server forbids it to this user, or lacks the command.
    Denied(Refusal),
    /// The server answered with another error, or with something that makes no sense.
    BadReply(Refusal),
}

/// Connections to servers that answer so are given up. Errors of scripts contain these words
/// anywhere.
const LOST: [(&str, Trouble); 9] = [
    ("READONLY", Trouble::Replica),
    ("LOADING", Trouble::Loading),
    ("MASTERDOWN", Trouble::Replica),
    ("CLUSTERDOWN", Trouble::Cluster),
    ("MOVED", Trouble::Cluster),
    ("cluster support disabled", Trouble::Cluster),
    ("DB index is out of range", Trouble::Database),
    ("max number of clients reached", Trouble::TooManyClients),
    // What the client says of a command that comes just after it was told to end.
    ("channel closed", Trouble::Closed),
];

/// How servers refuse a login.
const UNAUTHENTICATED: [(&str, Trouble); 4] = [
    ("NOAUTH", Trouble::LoginMissing),
    ("WRONGPASS", Trouble::Login),
    ("invalid password", Trouble::Login),
    ("called without any password configured", Trouble::LoginUnexpected),
];

/// What the client says of a connection that it cannot open, or that ends.
const BROKEN: [(&str, Trouble); 19] = [
    ("ConnectionRefused", Trouble::Refused),
    ("failed to lookup address", Trouble::NameNotFound),
    ("No such host", Trouble::NameNotFound),
    ("NetworkUnreachable", Trouble::NoRoute),
    ("HostUnreachable", Trouble::NoRoute),
    ("AddrNotAvailable", Trouble::NoRoute),
    ("TimedOut", Trouble::TimedOut),
    ("NotFound", Trouble::NoSocket),
    ("PermissionDenied", Trouble::NoSocket),
    ("UnknownIssuer", Trouble::UnknownIssuer),
    ("NotValidForName", Trouble::WrongName),
    ("Expired", Trouble::Expired),
    ("NotValidYet", Trouble::Expired),
    ("InvalidCertificate", Trouble::Certificate),
    ("CertificateRequired", Trouble::ClientCertificate),
    ("AlertReceived(UnknownCA)", Trouble::ClientCertificate),
    ("AlertReceived(BadCertificate)", Trouble::ClientCertificate),
    ("AlertReceived(DecryptError)", Trouble::ClientCertificate),
    ("InvalidContentType", Trouble::TlsUnexpected),
];

/// How an access list refuses a command, called directly or by a script.
const DENIED: [&str; 5] = [
    "NOPERM",
    "unknown command",
    "Unknown Redis command called from script",
    "ACL failure in script",
    "The user executing the script",
];

/// How it refuses keys: servers 6 and 7.0, their scripts, 7.2 and later.
const KEYS: [&str; 3] =
    ["access one of the keys", "access at least one of the keys", "access a key"];

/// Every command that the store sends or a script runs.
pub(super) const COMMANDS: [&str; 32] = [
    "EVALSHA",
    "EVAL",
    "GET",
    "MGET",
    "GETRANGE",
    "STRLEN",
    "SET",
    "EXISTS",
    "PING",
    "INFO",
    "TIME",
    "PEXPIRE",
    "PTTL",
    "DEL",
    "UNLINK",
    "ZADD",
    "ZSCORE",
    "ZMSCORE",
    "ZREM",
    "ZCOUNT",
    "ZRANGE",
    "ZREVRANGE",
    "ZRANGEBYSCORE",
    "ZREMRANGEBYRANK",
    "HSET",
    "HGET",
    "HDEL",
    "HGETALL",
    "PFADD",
    "PFCOUNT",
    "PUBLISH",
    "SPUBLISH",
];

/// Errors reported by their code. Any other is reported as `ERR`.
const ERRORS: [&str; 6] = ["MISCONF", "NOREPLICAS", "OOM", "BUSY", "WRONGTYPE", "NOSCRIPT"];

/// The refusal that an error of the access list stands for.
fn denial(words: &str) -> Refusal {
    if KEYS.iter().any(|said| words.contains(said)) {
        return Refusal::Keys;
    }
    let words = words.to_ascii_uppercase();
    let is_named = |name: &&str| {
        let quoted = words.split(['\'', '`', '"']).nth(1).unwrap_or_default();
        quoted == *name
    };
    COMMANDS.into_iter().find(is_named).map_or(Refusal::Commands, Refusal::Command)
}

fn error(words: &str) -> Refusal {
    let code = ERRORS.into_iter().find(|code| words.contains(code));
    Refusal::Error(code.unwrap_or("ERR"))
}

impl Failure {
    /// An answer that makes no sense.
    pub(super) const NONSENSE: Self = Self::BadReply(Refusal::Error("no sense"));

    pub(super) fn of(error: &Error) -> Self {
        let words = error.details();
        let known = |table: &[(&str, Trouble)]| {
            table.iter().find(|(said, _)| words.contains(said)).map(|(_, trouble)| *trouble)
        };
        if error.kind() == &ErrorKind::Timeout {
            return Self::TimedOut;
        }
        if let ErrorKind::IO | ErrorKind::Tls | ErrorKind::Canceled | ErrorKind::Routing =
            error.kind()
        {
            return Self::Lost(known(&BROKEN).unwrap_or(Trouble::Closed));
        }
        if let Some(trouble) = known(&LOST) {
            return Self::Lost(trouble);
        }
        if let Some(trouble) = known(&UNAUTHENTICATED) {
            return Self::Unauthenticated(trouble);
        }
        if DENIED.iter().any(|said| words.contains(said)) {
            return Self::Denied(denial(words));
        }
        Self::BadReply(self::error(words))
    }

    /// Why no connection could be opened, for the operator: to a socket of this machine, or to a
    /// host.
    pub(super) fn trouble(self, is_socket: bool) -> Trouble {
        match self {
            // A host may be hidden by a rule of this machine.
            Self::Lost(Trouble::NoSocket) if !is_socket => Trouble::NoRoute,
            Self::Lost(trouble) | Self::Unauthenticated(trouble) => trouble,
            Self::TimedOut => Trouble::TimedOut,
            Self::Denied(_) | Self::BadReply(_) => Trouble::Closed,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_of_servers_are_told_apart() {
        let of = |text: &'static str| Failure::of(&Error::new(ErrorKind::Unknown, text));
        let replica = Failure::Lost(Trouble::Replica);
        assert_eq!(of("READONLY You can't write against a read only replica."), replica);
        assert_eq!(of("ERR Error running script: @user_script:3: -READONLY You"), replica);
        let unauthenticated = [
            ("NOAUTH Authentication required.", Trouble::LoginMissing),
            ("WRONGPASS invalid username-password pair or user", Trouble::Login),
        ];
        for (words, trouble) in unauthenticated {
            assert_eq!(of(words), Failure::Unauthenticated(trouble));
        }
        let lost = Failure::of(&Error::new(ErrorKind::IO, ""));
        assert_eq!(lost, Failure::Lost(Trouble::Closed));
        assert_eq!(of("channel closed"), lost);
    }

    #[test]
    fn only_a_socket_is_none() {
        for words in ["Os { code: 2, kind: NotFound }", "Os { code: 13, kind: PermissionDenied }"] {
            let failure = Failure::of(&Error::new(ErrorKind::IO, words));
            assert_eq!(failure.trouble(true), Trouble::NoSocket);
            assert_eq!(failure.trouble(false), Trouble::NoRoute);
        }
    }

    #[test]
    fn what_is_forbidden_is_named() {
        let of = |text: &'static str| Failure::of(&Error::new(ErrorKind::Unknown, text));
        for (words, refusal) in [
            (
                "NOPERM this user has no permissions to run the 'evalsha' command",
                Refusal::Command("EVALSHA"),
            ),
            (
                "NOPERM User app has no permissions to run the 'eval' command",
                Refusal::Command("EVAL"),
            ),
            (
                "ERR unknown command `EVALSHA`, with args beginning with: ",
                Refusal::Command("EVALSHA"),
            ),
            (
                "ERR ACL failure in script: User app has no permissions to run the 'zadd' command \
                 script: 5af1, on @user_script:41.",
                Refusal::Command("ZADD"),
            ),
            (
                "ERR Error running script: @user_script:41: The user executing the script can't run \
                 this command or subcommand",
                Refusal::Commands,
            ),
            ("NOPERM No permissions to access a key", Refusal::Keys),
            (
                "NOPERM this user has no permissions to access one of the keys used as arguments",
                Refusal::Keys,
            ),
        ] {
            assert_eq!(of(words), Failure::Denied(refusal), "{words}");
        }
        for (words, code) in [
            ("MISCONF Errors writing to the AOF file: No space left on device", "MISCONF"),
            ("ERR Error running script: @user_script:41: -NOREPLICAS Not enough", "NOREPLICAS"),
            ("OOM command not allowed when used memory > 'maxmemory'.", "OOM"),
            ("WRONGTYPE Operation against a key", "WRONGTYPE"),
            ("ERR value is not an integer", "ERR"),
        ] {
            assert_eq!(of(words), Failure::BadReply(Refusal::Error(code)), "{words}");
        }
    }
}
