//! What can go wrong with a call, as far as it makes a difference.

use fred::error::{Error, ErrorKind};

/// Why a call brought nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Failure {
    /// No answer came in time.
    Late,
    /// The connection is lost, or of no use: its server is not the primary, or not ready.
    Lost,
    /// The server refuses the login, or wants one.
    Stranger,
    /// The server forbids it to this user, or does not have the command.
    Denied,
    /// The server answered with another error, or with what makes no sense.
    Refused,
}

/// Servers that answer so have to be left. Errors of scripts have these words somewhere inside.
const LOST: [&str; 5] = ["READONLY", "LOADING", "MASTERDOWN", "CLUSTERDOWN", "MOVED"];

/// What is said of a login; the last one by servers that know of no password.
const STRANGER: [&str; 3] = ["NOAUTH", "WRONGPASS", "called without any password configured"];

/// What an access list says, of a command and of what a script does.
const DENIED: [&str; 4] =
    ["NOPERM", "unknown command", "ACL failure in script", "The user executing the script"];

impl Failure {
    pub(super) fn of(error: &Error) -> Self {
        let says = |words: &[&str]| words.iter().any(|word| error.details().contains(word));
        match error.kind() {
            ErrorKind::Timeout => Self::Late,
            ErrorKind::IO | ErrorKind::Canceled | ErrorKind::Routing => Self::Lost,
            _ if says(&LOST) => Self::Lost,
            _ if says(&STRANGER) => Self::Stranger,
            _ if says(&DENIED) => Self::Denied,
            _ => Self::Refused,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_of_servers_are_told_apart() {
        let of = |text: &'static str| Failure::of(&Error::new(ErrorKind::Unknown, text));
        assert_eq!(of("READONLY You can't write against a read only replica."), Failure::Lost);
        assert_eq!(of("ERR Error running script: @user_script:3: -READONLY You"), Failure::Lost);
        assert_eq!(of("NOAUTH Authentication required."), Failure::Stranger);
        assert_eq!(of("WRONGPASS invalid username-password pair or user"), Failure::Stranger);
        assert_eq!(of("NOPERM this user has no permissions to run 'evalsha'"), Failure::Denied);
        assert_eq!(of("ERR unknown command 'EVALSHA'"), Failure::Denied);
        assert_eq!(of("WRONGTYPE Operation against a key"), Failure::Refused);
        assert_eq!(Failure::of(&Error::new(ErrorKind::IO, "")), Failure::Lost);
    }
}
