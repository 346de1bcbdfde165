//! What a server says of its replication.

use fred::clients::Client;
use fred::error::Error;
use fred::interfaces::ClientLike;
use fred::types::InfoKind;

use super::connect::within;
use super::failure::Failure;
use super::health::PROBE_LIMIT;
use crate::store::Trouble;

/// The part that a server plays.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// It takes writes.
    Primary,
    /// It repeats what the server `of` does. It may take writes of its own.
    Replica { of: String, takes_writes: bool },
    /// It does not say so.
    Unsaid,
}

impl Role {
    /// Asks for it, which a user may have no right to.
    pub(super) async fn ask(client: &Client) -> Result<Self, Error> {
        client.info::<String>(Some(InfoKind::Replication)).await.map(|info| Self::read(&info))
    }

    fn read(info: &str) -> Self {
        let field = |name: &str| {
            info.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).map(str::trim)
        };
        match field("role") {
            Some("master") => Self::Primary,
            Some(_) => {
                let part = |name| field(name).unwrap_or("?");
                let of = format!("{}:{}", part("master_host"), part("master_port"));
                Self::Replica { of, takes_writes: field("slave_read_only") == Some("0") }
            }
            None => Self::Unsaid,
        }
    }
}

/// Whether a server considers itself a primary: one that was just named may not do so yet.
pub(super) async fn is_primary(client: &Client) -> Result<(), Failure> {
    match within(PROBE_LIMIT, Role::ask(client)).await? {
        Role::Primary => Ok(()),
        Role::Replica { .. } | Role::Unsaid => Err(Failure::Lost(Trouble::Replica)),
    }
}

/// Whether a server takes writes, as far as it says so to this user.
pub(super) async fn takes_writes(client: &Client) -> Result<(), Failure> {
    match within(PROBE_LIMIT, Role::ask(client)).await {
        Ok(Role::Replica { takes_writes: false, .. }) => Err(Failure::Lost(Trouble::Replica)),
        Ok(_) | Err(Failure::Denied(_) | Failure::BadReply(_)) => Ok(()),
        Err(failure) => Err(failure),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_replica_says_of_whom_it_is_one_and_whether_it_takes_writes() {
        let of = || "10.0.0.1:6379".to_owned();
        let replica = |read_only| {
            format!(
                "# Replication\r\nrole:slave\r\nmaster_host:10.0.0.1\r\nmaster_port:6379\r\n\
                 slave_read_only:{read_only}\r\n"
            )
        };
        assert_eq!(Role::read(&replica(1)), Role::Replica { of: of(), takes_writes: false });
        assert_eq!(Role::read(&replica(0)), Role::Replica { of: of(), takes_writes: true });
        assert_eq!(Role::read("# Replication\r\nrole:master\r\n"), Role::Primary);
        assert_eq!(Role::read(""), Role::Unsaid);
    }
}
