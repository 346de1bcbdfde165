//! Values as strings of the server.

use bytes::Bytes;
use fred::types::Value;

use super::super::failure::Failure;
use super::super::reply::{bytes, decimal, text};
use super::{Call, is_one};
use crate::app::value::{Answer, Deed};

pub(super) async fn carry_out(call: &Call<'_>, deed: &Deed) -> Result<Answer, Failure> {
    match deed {
        Deed::Get => found(call.command("GET", Vec::new()).await?),
        Deed::Take => found(call.run(&call.scripts().take, Vec::new()).await?),
        Deed::Set { bytes, ttl_ms, only_absent } => set(call, bytes, *ttl_ms, *only_absent).await,
        Deed::Delete => is_there(&call.command("DEL", Vec::new()).await?),
        Deed::Increment { by, ttl_ms } => {
            let args = vec![text(&by.to_string()), decimal(*ttl_ms)];
            number(&call.run(&call.scripts().increment, args).await?)
        }
        Deed::Expire { ttl_ms } => {
            is_there(&call.command("PEXPIRE", vec![decimal(*ttl_ms)]).await?)
        }
    }
}

async fn set(
    call: &Call<'_>,
    bytes: &Bytes,
    ttl_ms: u64,
    only_absent: bool,
) -> Result<Answer, Failure> {
    let mut rest = vec![Value::Bytes(bytes.clone()), text("PX"), decimal(ttl_ms)];
    rest.extend(only_absent.then(|| text("NX")));
    match call.command("SET", rest).await? {
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
