//! Values as strings of the server.

use bytes::Bytes;
use fred::clients::Client;
use fred::interfaces::KeysInterface;
use fred::types::{Expiration, SetOptions, Value};

use super::super::failure::Failure;
use super::super::reply::{bytes, decimal, text};
use super::{Call, is_one};
use crate::app::value::{Answer, Deed};

pub(super) async fn carry_out(call: &Call<'_>, deed: &Deed) -> Result<Answer, Failure> {
    match deed {
        Deed::Get => {
            let get = |client: Client| {
                let key = call.key();
                async move { client.get(key).await }
            };
            found(call.noted(call.link.client.at(&call.key(), get)).await?)
        }
        Deed::Take => found(call.run(&call.scripts().take, Vec::new()).await?),
        Deed::Set { bytes, ttl_ms, only_absent } => set(call, bytes, *ttl_ms, *only_absent).await,
        Deed::Delete => {
            let del = |client: Client| {
                let key = call.key();
                async move { client.del(key).await }
            };
            is_there(&call.noted(call.link.client.at(&call.key(), del)).await?)
        }
        Deed::Increment { by, ttl_ms } => {
            let args = vec![text(&by.to_string()), decimal(*ttl_ms)];
            number(&call.run(&call.scripts().increment, args).await?)
        }
        Deed::Expire { ttl_ms } => {
            let expire = |client: Client| {
                let (key, ttl_ms) = (call.key(), *ttl_ms as i64);
                async move { client.pexpire(key, ttl_ms, None).await }
            };
            is_there(&call.noted(call.link.client.at(&call.key(), expire)).await?)
        }
    }
}

async fn set(
    call: &Call<'_>,
    bytes: &Bytes,
    ttl_ms: u64,
    only_absent: bool,
) -> Result<Answer, Failure> {
    let set = |client: Client| {
        let (key, bytes) = (call.key(), Value::Bytes(bytes.clone()));
        let expires = Some(Expiration::PX(ttl_ms as i64));
        let when = only_absent.then_some(SetOptions::NX);
        async move { client.set(key, bytes, expires, when, false).await }
    };
    match call.noted(call.link.client.at(&call.key(), set)).await? {
        Value::Null => Ok(Answer::Present),
        _ => Ok(Answer::Done),
    }
}

fn found(reply: Value) -> Result<Answer, Failure> {
    match reply {
        Value::Null => Ok(Answer::Absent),
        Value::Bytes(bytes) => Ok(Answer::Found(bytes)),
        Value::String(text) => Ok(Answer::Found(text.into_inner())),
        _ => Err(Failure::NONSENSE),
    }
}

fn is_there(reply: &Value) -> Result<Answer, Failure> {
    is_one(reply).map(|is_there| if is_there { Answer::Done } else { Answer::Absent })
}

fn number(reply: &Value) -> Result<Answer, Failure> {
    if matches!(reply, Value::Null) {
        return Ok(Answer::NoNumber);
    }
    let digits = bytes(reply).and_then(|digits| std::str::from_utf8(digits).ok());
    let number = digits.and_then(|digits| digits.parse().ok());
    number.map(Answer::Number).ok_or(Failure::NONSENSE)
}
