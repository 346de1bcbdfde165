//! One exchange: carries out a command of the protocol and reads the replies as its answer.

use std::time::Duration;

use bytes::Bytes;
use fred::error::Error as ClientError;
use fred::interfaces::{HashesInterface, KeysInterface, SortedSetsInterface};
use fred::types::Value;
use fred::types::sorted_sets::{ZRange, ZRangeBound, ZRangeKind};

use super::connect::{Connection, within};
use super::failure::Failure;
use super::reply::{bytes, decimal, number, parts, text};
use super::scripts::Script;
use super::session::Session;
use super::wire;
use crate::coherence::MOST_STEP;
use crate::coherence::event::{Answer, Command, Invalidated, Known, Lifetime, Polled, Row};
use crate::tags::{Epoch, Position, Tag};

/// Most rows in the reply to a poll, which takes the server up to 10 ms. With more, the instance
/// loads the table instead, in pages between which the server serves other clients.
const MOST_ROWS: u64 = 2_000;
/// Rows of the table in one reply.
const PAGE: i64 = 5_000;
/// Limit of one page of a load. A large table over a slow network may take as long for each page.
const PAGE_LIMIT: Duration = Duration::from_secs(2);

/// Carries out one command.
pub(super) async fn carry_out(
    session: &Session,
    link: &Connection,
    command: Command,
) -> Result<Answer, Failure> {
    let scripts = &session.scripts;
    match command {
        Command::Poll(known) => {
            let args = delta_args(&session.instance, &known);
            let reply = run(session, link, &scripts.delta, args).await?;
            polled(&reply).map(Answer::Polled).ok_or(Failure::NONSENSE)
        }
        Command::ReadPosition => {
            let args = delta_args("", &Known::default());
            let reply = run(session, link, &scripts.delta, args).await?;
            polled(&reply).map(Answer::Polled).ok_or(Failure::NONSENSE)
        }
        Command::Load => load(session, link).await,
        Command::Invalidate { known, tags } => {
            let args = invalidate_args(session, link, known.as_ref(), tags);
            invalidated(&run(session, link, &scripts.invalidate, args).await?)
        }
        Command::RaiseFloor { known } => {
            let mut args = history(known.as_ref());
            args.push(step());
            args.extend(open(known.as_ref()));
            invalidated(&run(session, link, &scripts.raise_floor, args).await?)
        }
        Command::Ack(position) => {
            let args = vec![text(&session.instance), decimal(position.0)];
            run(session, link, &scripts.ack, args).await.map(|_| Answer::Done)
        }
        Command::ReadAcks => Box::pin(look(session, link)).await,
        Command::Remove(position) => {
            let args = vec![decimal(position.0)];
            run(session, link, &scripts.remove, args).await.map(|_| Answer::Done)
        }
    }
}

/// The commands that the scripts call and the server lacks.
pub(super) async fn lacking(session: &Session, link: &Connection) -> Result<Vec<String>, Failure> {
    let reply = run(session, link, &session.scripts.probe, Vec::new()).await?;
    let names = parts(&reply).ok_or(Failure::NONSENSE)?.iter().filter_map(bytes);
    Ok(names.map(|name| String::from_utf8_lossy(name).into_owned()).collect())
}

/// Removes this instance from the lists, and what it told of itself.
pub(super) async fn leave(session: &Session, link: &Connection) -> Result<(), ClientError> {
    let (keys, instance) = (&session.keys, session.instance.as_str());
    let (from_instances, from_polls, _) = tokio::join!(
        link.client.zrem::<Value, _, _>(keys.instances(), instance),
        link.client.hdel::<Value, _, _>(keys.polls(), instance),
        link.client.unlink::<Value, _>(keys.snapshot(instance))
    );
    from_instances.and(from_polls).map(drop)
}

async fn run(
    session: &Session,
    link: &Connection,
    script: &Script,
    args: Vec<Value>,
) -> Result<Value, Failure> {
    let call = script.run(&link.client, &session.keys.scripts, args);
    within(session.command_timeout, call).await
}

fn delta_args(instance: &str, known: &Known) -> Vec<Value> {
    let mut args = vec![
        text(instance),
        decimal(known.epoch.0),
        decimal(known.applied.0),
        decimal(new_epoch()),
        decimal(MOST_ROWS),
    ];
    args.extend(open(Some(known)));
    args
}

/// Names the next life of the table, in case this poll begins one. Numbers in JavaScript are
/// doubles, exact up to 53 bits.
fn new_epoch() -> u64 {
    (super::random() >> 11).max(1)
}

fn invalidate_args(
    session: &Session,
    link: &Connection,
    known: Option<&Known>,
    tags: Vec<(Tag, Lifetime)>,
) -> Vec<Value> {
    let mut args = history(known);
    args.push(step());
    args.push(decimal(session.most_tags as u64));
    args.push(text(&session.keys.channel));
    args.push(text(if link.is_of_cluster { "SPUBLISH" } else { "PUBLISH" }));
    args.push(text(&session.process));
    let open: Vec<Value> = open(known).collect();
    args.push(decimal(open.len() as u64));
    args.extend(open);
    for (tag, lifetime) in tags {
        args.push(Value::Bytes(Bytes::copy_from_slice(tag.as_bytes())));
        args.push(match lifetime {
            Lifetime::None => text("hard"),
            Lifetime::Unlimited => text("soft"),
            Lifetime::Micros(us) => decimal(us / 1_000),
        });
    }
    args
}

/// Epoch and position of a history to check; zeroes if there is none.
fn history(known: Option<&Known>) -> Vec<Value> {
    let (epoch, applied) = known.map_or((0, 0), |known| (known.epoch.0, known.applied.0));
    vec![decimal(epoch), decimal(applied)]
}

fn open(known: Option<&Known>) -> impl Iterator<Item = Value> {
    known.into_iter().flat_map(|known| known.open.iter().map(|position| decimal(position.0)))
}

fn step() -> Value {
    decimal(1 + super::random() % MOST_STEP)
}

fn polled(reply: &Value) -> Option<Polled> {
    let [epoch, last, known, now_us, floor, rows] = parts(reply)? else { return None };
    Some(Polled {
        epoch: Epoch(number(epoch)?),
        last: Position(number(last)?),
        known: number(known)? == 1,
        now_us: number(now_us)?,
        floor: Position(number(floor)?),
        rows: match rows {
            Value::Null => None,
            rows => Some(wire::rows(bytes(rows)?)?),
        },
    })
}

fn invalidated(reply: &Value) -> Result<Answer, Failure> {
    if matches!(reply, Value::Null) {
        return Ok(Answer::Unknown);
    }
    written(reply).map(Answer::Invalidated).ok_or(Failure::NONSENSE)
}

fn written(reply: &Value) -> Option<Invalidated> {
    let [epoch, position, previous, now_us, born_us, rows] = parts(reply)? else { return None };
    Some(Invalidated {
        epoch: Epoch(number(epoch)?),
        position: Position(number(position)?),
        previous: Position(number(previous)?),
        now_us: number(now_us)?,
        born_us: number(born_us)?,
        rows: wire::rows(bytes(rows)?)?,
    })
}

/// Reads the table page by page with native commands: a script would take five times as long and
/// hold up all other clients.
async fn load(session: &Session, link: &Connection) -> Result<Answer, Failure> {
    let read = async {
        let (zero, lowest, highest) =
            (ZRangeBound::Index(0), ZRangeBound::NegInfiniteScore, ZRangeBound::InfiniteScore);
        let rows = scores(session, link, exclusive(zero.clone()), inclusive(highest)).await?;
        let deadlines = scores(session, link, inclusive(lowest), exclusive(zero)).await?;
        Ok((rows, deadlines))
    };
    let (scores, deadlines) = read.await?;
    loaded(scores, deadlines).ok_or(Failure::NONSENSE)
}

/// All members between two scores, lowest first. Each page begins at the last score of the one
/// before: rows of one invalidation share theirs.
async fn scores(
    session: &Session,
    link: &Connection,
    mut min: ZRange,
    max: ZRange,
) -> Result<Vec<(Bytes, f64)>, Failure> {
    let (mut all, mut skip) = (Vec::new(), 0);
    loop {
        let limit = Some((skip, PAGE));
        let table = session.keys.table();
        let call = link.client.zrangebyscore(table, min.clone(), max.clone(), true, limit);
        let reply: Value = within(PAGE_LIMIT, call).await?;
        let page = scored(&reply).ok_or(Failure::NONSENSE)?;
        let is_last = page.len() < PAGE as usize;
        let ends = page.last().map(|(_, score)| *score);
        let is_same = page.first().map(|(_, score)| *score) == ends;
        all.extend(page);
        let Some(score) = ends.filter(|_| !is_last) else { return Ok(all) };
        // A page of one score only, which a sound table does not have, must not be read for ever.
        skip = if is_same { skip + PAGE } else { 0 };
        // Scores are whole numbers, and written as such they reach the server unrounded.
        min = inclusive(ZRangeBound::Index(score as i64));
    }
}

fn inclusive(range: ZRangeBound) -> ZRange {
    ZRange { kind: ZRangeKind::Inclusive, range }
}

fn exclusive(range: ZRangeBound) -> ZRange {
    ZRange { kind: ZRangeKind::Exclusive, range }
}

fn loaded(scores: Vec<(Bytes, f64)>, deadlines: Vec<(Bytes, f64)>) -> Option<Answer> {
    use std::collections::HashMap;
    let mut floor = Position::default();
    let mut rows: HashMap<Bytes, Row> = HashMap::with_capacity(scores.len());
    for (member, score) in scores {
        let (kind, tag) = (*member.first()?, member.slice(1..));
        let position = wire::position(score)?;
        let empty = || Row {
            tag: Tag::from(&*tag),
            hard: Position::default(),
            soft: Position::default(),
            deadline_us: None,
        };
        match kind {
            b'x' => rows.entry(tag.clone()).or_insert_with(empty).hard = position,
            b's' => rows.entry(tag.clone()).or_insert_with(empty).soft = position,
            b'f' => floor = floor.max(position),
            _ => {}
        }
    }
    for (member, score) in deadlines {
        let tag = member.strip_prefix(b"d").and_then(|tag| rows.get_mut(tag));
        if let Some(row) = tag.filter(|row| row.soft.0 > 0) {
            row.deadline_us = Some(wire::position(-score)?.0.saturating_mul(1_000));
        }
    }
    Some(Answer::Loaded { rows: rows.into_values().collect(), floor })
}

/// Reads the lowest position that another instance has applied. The list's age is read last: it
/// shows whether the list was lost and created again in between.
async fn look(session: &Session, link: &Connection) -> Result<Answer, Failure> {
    let key = session.keys.instances();
    let calls = Box::pin(async {
        tokio::try_join!(
            link.client.zrange(key.clone(), 0, 1, None, false, None, true),
            link.client.zrevrange(key.clone(), 0, 0, false)
        )
    });
    let (lowest, last): (Value, Value) = within(session.command_timeout, calls).await?;
    looked(&session.instance, &lowest, &last).ok_or(Failure::NONSENSE)
}

fn looked(own: &str, lowest: &Value, last: &Value) -> Option<Answer> {
    let is_other = |(name, _): &(Bytes, f64)| name != own.as_bytes() && since(name).is_none();
    let other = scored(lowest)?.into_iter().find(is_other);
    let lowest = match other {
        Some((_, score)) => Some(wire::position(score)?),
        None => None,
    };
    let last = parts(last)?.first().and_then(bytes);
    Some(Answer::Acks { lowest, born_us: last.and_then(since) })
}

/// The moment in `born:<us>`.
fn since(member: &[u8]) -> Option<u64> {
    wire::number(member.strip_prefix(b"born:")?)
}

/// Members with their scores, from a flat list.
fn scored(value: &Value) -> Option<Vec<(Bytes, f64)>> {
    let pairs = parts(value)?.chunks(2).map(|pair| {
        let [member, score] = pair else { return None };
        let member = match member {
            Value::Bytes(bytes) => bytes.clone(),
            Value::String(text) => text.inner().clone(),
            _ => return None,
        };
        let score = match score {
            Value::Double(score) => *score,
            Value::Integer(score) => *score as f64,
            other => std::str::from_utf8(bytes(other)?).ok()?.parse().ok()?,
        };
        Some((member, score))
    });
    pairs.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn epochs_are_told_apart_by_doubles() {
        for _ in 0..100 {
            let epoch = number(&delta_args("", &Known::default())[3]).unwrap();
            assert!((1..1 << 53).contains(&epoch), "{epoch}");
        }
    }
}
