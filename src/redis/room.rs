//! How much room the server gives: asked once, for the operator. For a user that may not ask,
//! nothing is reported.

use std::sync::Arc;

use fred::interfaces::ClientLike;
use fred::types::{InfoKind, Value};

use super::connect::{Connection, within};
use super::reply::bytes;
use super::session::Session;
use crate::guard::guard;
use crate::store::{POLICIES, Room};

/// Asks a server that is connected.
pub(super) async fn ask(session: Arc<Session>, link: Arc<Connection>) {
    let call = link.client.info::<Value>(Some(InfoKind::Memory));
    let Ok(reply) = within(session.command_timeout, call).await else { return };
    if let Some(room) = bytes(&reply).and_then(room) {
        guard(|| session.listener.has_room(room));
    }
}

/// The room according to `INFO memory`; `None` if it is not there.
pub(super) fn room(info: &[u8]) -> Option<Room> {
    let info = std::str::from_utf8(info).ok()?;
    let field = |name: &str| {
        let value = |line: &'_ str| line.strip_prefix(name)?.strip_prefix(':').map(str::to_owned);
        info.lines().find_map(value)
    };
    let most_bytes = field("maxmemory")?.trim().parse().ok()?;
    let told = field("maxmemory_policy")?;
    let policy = POLICIES.into_iter().find(|policy| *policy == told.trim())?;
    Some(Room { most_bytes, policy })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bound_and_the_policy_are_found_or_nothing_is() {
        let info = b"# Memory\r\nused_memory:1\r\nmaxmemory:1048576\r\nmaxmemory_human:1.00M\r\n\
                     maxmemory_policy:noeviction\r\nmem_fragmentation_ratio:2\r\n";
        assert_eq!(room(info), Some(Room { most_bytes: 1 << 20, policy: "noeviction" }));
        for other in [
            &b""[..],
            b"maxmemory:0\r\n",
            b"maxmemory:-1\r\nmaxmemory_policy:noeviction",
            b"maxmemory:0\r\nmaxmemory_policy:\x1b[31mforged",
            b"\xff",
        ] {
            assert_eq!(room(other), None);
        }
    }
}
