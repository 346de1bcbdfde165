//! Whether processes of the same build use another namespace: most likely they are one fleet that does
//! not agree. For a user that may not touch keys outside its namespace, nothing is reported.

use std::sync::Arc;

use fred::clients::Client;
use fred::interfaces::KeysInterface;
use fred::types::{Expiration, Key, SetOptions, Value};

use super::connect::{Connection, within};
use super::keys::Keys;
use super::reply::bytes;
use super::session::Session;
use crate::guard::guard;

/// How long a server knows which namespace a build uses, in seconds: a fleet starts within that.
const KNOWN_SECS: i64 = 86_400;

/// A build that is served here, by the name that no other build has.
#[derive(Debug)]
pub(super) struct Kin {
    pub(super) build: String,
    /// Whether an option names the namespace.
    pub(super) is_given: bool,
}

/// Asks once, and leaves word for who comes later.
pub(super) async fn look(session: Arc<Session>, link: Arc<Connection>, kin: Kin) {
    let key = Keys::build(&kin.build);
    let own = written(session.keys.namespace(), kin.is_given);
    let set = |how: Option<SetOptions>| {
        let (key, own) = (key.clone(), own.clone());
        move |client: Client| {
            let (key, own, how) = (key.clone(), own.clone(), how.clone());
            let expires = Some(Expiration::EX(KNOWN_SECS));
            async move { client.set::<Value, _, _>(key, own, expires, how, false).await }
        }
    };
    let Some(first) = asked(&session, &link, &key, set(Some(SetOptions::NX))).await else { return };
    if first != Value::Null {
        return;
    }
    let get = |client: Client| {
        let key = key.clone();
        async move { client.get::<Value, _>(key).await }
    };
    let Some(found) = asked(&session, &link, &key, get).await else { return };
    let found = bytes(&found).and_then(|found| std::str::from_utf8(found).ok()).and_then(read);
    let Some((other, is_given)) = found else { return };
    // Who names both means it.
    if other != session.keys.namespace() && !(is_given && kin.is_given) {
        guard(|| session.listener.has_kin(other));
        // Whoever comes next is held against this: most likely the other one is a mistake that its
        // next start corrects.
        let _ = asked(&session, &link, &key, set(None)).await;
    }
}

async fn asked<F, T>(session: &Session, link: &Connection, key: &Key, call: F) -> Option<Value>
where
    F: Fn(Client) -> T,
    T: Future<Output = Result<Value, fred::error::Error>>,
{
    within(session.command_timeout, Box::pin(link.client.at(key, call))).await.ok()
}

fn written(namespace: &str, is_given: bool) -> String {
    format!("{}{namespace}", if is_given { '=' } else { '~' })
}

/// The namespace, and whether it is a given one; `None` for what was not written here.
fn read(text: &str) -> Option<(&str, bool)> {
    let is_given = text.starts_with('=');
    let namespace = text.strip_prefix(['=', '~'])?;
    crate::options::is_namespace(namespace).then_some((namespace, is_given))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_namespace_is_read_as_it_was_written_and_nothing_else_is() {
        for is_given in [true, false] {
            let written = written("shop:production", is_given);
            assert_eq!(read(&written), Some(("shop:production", is_given)));
        }
        for other in ["", "shop", "~a space", "=\u{1b}[31mforged"] {
            assert_eq!(read(other), None);
        }
    }
}
