//! Sessions by their scripts.

use bytes::Bytes;
use fred::types::Value;

use super::super::failure::Failure;
use super::super::reply::{bytes, decimal, number, parts, text};
use super::{Call, is_one};
use crate::app::digest::Digest;
use crate::app::session::{Answer, Deed, SEEN_PARTS, Session};

pub(super) async fn carry_out(call: &Call<'_>, deed: &Deed) -> Result<Answer, Failure> {
    let scripts = call.scripts();
    let hash = |id: &Digest| text(&id.hex());
    match deed {
        Deed::Create { id, bytes, rules } => {
            let mut args = vec![hash(id), Value::Bytes(bytes.clone())];
            let numbers = [rules.ttl_ms, rules.absolute_ms, rules.most.into()];
            args.extend(numbers.map(decimal));
            done(&call.run(&scripts.create_session, args).await?)
        }
        Deed::Get { id, roll_ms } => {
            let roll_ms = roll_ms.unwrap_or(0);
            let args = vec![hash(id), decimal(roll_ms), decimal(roll_ms / SEEN_PARTS)];
            match call.run(&scripts.read_session, args).await? {
                Value::Null => Ok(Answer::Absent),
                reply => {
                    parts(&reply).and_then(session).map(Answer::Found).ok_or(Failure::NONSENSE)
                }
            }
        }
        Deed::Update { id, bytes } => {
            let args = vec![hash(id), Value::Bytes(bytes.clone())];
            done(&call.run(&scripts.update_session, args).await?)
        }
        Deed::Rotate { id, heir, grace_ms } => {
            let args = vec![hash(id), hash(heir), decimal(*grace_ms)];
            let reply = call.run(&scripts.rotate_session, args).await?;
            match bytes(&reply) {
                Some(b"done") => Ok(Answer::Done),
                Some(b"rotated") => Ok(Answer::Rotated),
                Some(b"none") => Ok(Answer::Absent),
                _ => Err(Failure::NONSENSE),
            }
        }
        Deed::Destroy { id } => done(&call.run(&scripts.destroy_session, vec![hash(id)]).await?),
        Deed::DestroyAll { except } => {
            let except = except.as_ref().map_or_else(|| text(""), hash);
            let reply = call.run(&scripts.destroy_sessions, vec![except]).await?;
            number(&reply).map(Answer::Ended).ok_or(Failure::NONSENSE)
        }
        Deed::List => {
            let reply = call.run(&scripts.list_sessions, Vec::new()).await?;
            listed(&reply).map(Answer::Listed).ok_or(Failure::NONSENSE)
        }
    }
}

fn done(reply: &Value) -> Result<Answer, Failure> {
    is_one(reply).map(|is_done| if is_done { Answer::Done } else { Answer::Absent })
}

fn session(parts: &[Value]) -> Option<Session> {
    let [created, seen, until, ends, heir, held] = parts else { return None };
    Some(Session {
        bytes: owned(held)?,
        created_ms: number(created)?,
        seen_ms: number(seen)?,
        until_ms: number(until)?,
        ends_ms: number(ends)?,
        heir: Digest::parse(bytes(heir)?),
    })
}

fn listed(reply: &Value) -> Option<Vec<(Digest, Session)>> {
    let one = |one: &Value| {
        let [id, created, seen, until, ends, held] = parts(one)? else { return None };
        let session = Session {
            bytes: owned(held)?,
            created_ms: number(created)?,
            seen_ms: number(seen)?,
            until_ms: number(until)?,
            ends_ms: number(ends)?,
            heir: None,
        };
        Some((Digest::parse(bytes(id)?)?, session))
    };
    parts(reply)?.iter().map(one).collect()
}

fn owned(value: &Value) -> Option<Bytes> {
    bytes(value).map(Bytes::copy_from_slice)
}
