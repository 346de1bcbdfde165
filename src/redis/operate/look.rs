//! Reads one entry, the table of invalidations, and the list of instances.

use fred::types::{Key, Value};
use futures_util::future::{join_all, try_join_all};

use super::{Inner, call, call_at, content, trouble, unreached};
use crate::clock::Timestamp;
use crate::coherence::event::Row;
use crate::history::MINUTES;
use crate::operate::server::{
    Freed, Instance, Known, Lease, Minutes, Published, Stored, Table, Trouble,
};
use crate::redis::connect::Connection;
use crate::redis::published::{self, moment};
use crate::redis::reply::{bytes, number, parts};
use crate::redis::wire;
use crate::store::Address;
use crate::tags::{Epoch, Position, Tag};

/// Entries removed together.
const TOGETHER: usize = 200;

pub(super) async fn read(inner: &Inner, address: Address) -> Result<Stored, Trouble> {
    let link = inner.link().await?;
    let [entry, lease, pass, _] = inner.keys.lease(address);
    let ask = |name: &'static str, key: Key| {
        let link = link.clone();
        async move { call_at(&link.client, name, &key, &[]).await }
    };
    let (found, ttl, held, held_ttl, passed, pass_ttl) = tokio::join!(
        Box::pin(ask("GET", entry.clone())),
        Box::pin(ask("PTTL", entry.clone())),
        Box::pin(ask("GET", lease.clone())),
        Box::pin(ask("PTTL", lease)),
        Box::pin(ask("GET", pass.clone())),
        Box::pin(ask("PTTL", pass)),
    );
    let now_ms = now(&link).await?.0 / 1_000;
    Ok(Stored {
        bytes: content(found.map_err(|error| trouble(&error))?),
        ttl_ms: ttl.ok().and_then(|ttl| ttl.as_i64()).unwrap_or(-1),
        lease: lease_of(&held.unwrap_or(Value::Null), &held_ttl.unwrap_or(Value::Null), now_ms),
        pass_ms: pass_of(&passed.unwrap_or(Value::Null), &pass_ttl.unwrap_or(Value::Null), now_ms),
    })
}

/// `<instance> <epoch> <position> <began in ms> <leaders that timed out>`, as `claim.lua` writes it.
fn lease_of(value: &Value, ttl: &Value, now_ms: u64) -> Option<Lease> {
    let text = std::str::from_utf8(bytes(value)?).ok()?;
    let mut words = text.split(' ');
    let instance = words.next()?.to_owned();
    let (_epoch, _position) = (words.next()?, words.next()?);
    let began: u64 = words.next()?.parse().ok()?;
    let timed_out = words.next()?.parse().ok()?;
    let left_ms = ttl.as_i64().unwrap_or(-1);
    Some(Lease { instance, age_ms: now_ms.saturating_sub(began), left_ms, timed_out })
}

/// `<until in ms> <times>`, as `claim.lua` writes it; without an end it counts as none.
fn pass_of(value: &Value, ttl: &Value, now_ms: u64) -> Option<u64> {
    let text = std::str::from_utf8(bytes(value)?).ok()?;
    let until: u64 = text.split(' ').next()?.parse().ok()?;
    let is_kept = ttl.as_i64().is_some_and(|ttl| ttl > 0);
    (is_kept && until > now_ms).then(|| until - now_ms)
}

async fn now(link: &Connection) -> Result<Timestamp, Trouble> {
    let told = call(&link.client, "TIME", Vec::new()).await.map_err(|error| trouble(&error))?;
    moment(&told).ok_or_else(|| Trouble::failed("TIME says nothing that makes sense"))
}

pub(super) async fn table(inner: &Inner, tags: &[Tag]) -> Result<Table, Trouble> {
    let link = inner.link().await?;
    let key = inner.keys.table();
    let range = vec![Value::from("0"), Value::from("0")];
    let lives = call_at(&link.client, "ZRANGEBYSCORE", &key, &range).await;
    let lives = lives.map_err(|error| trouble(&error))?;
    let mut members = parts(&lives).unwrap_or_default().iter().filter_map(bytes);
    let epoch = members.find_map(|member| wire::number(member.strip_prefix(b"e")?));
    let score = |member: Vec<u8>| {
        let (link, key) = (link.clone(), key.clone());
        async move {
            let member = [Value::Bytes(member.into())];
            let found = call_at(&link.client, "ZSCORE", &key, &member).await;
            found.map(|score| score.as_f64()).map_err(|error| trouble(&error))
        }
    };
    let position = |score: Option<f64>| score.and_then(wire::position).unwrap_or_default();
    let (last, floor) = tokio::join!(Box::pin(score(b"c".into())), Box::pin(score(b"f".into())));
    let rows = tags.iter().map(|tag| async {
        let member = |kind: &[u8]| [kind, tag.as_bytes()].concat();
        let [hard, soft, deadline] = [b"x", b"s", b"d"].map(|kind| score(member(kind)));
        let (hard, soft, deadline) =
            tokio::join!(Box::pin(hard), Box::pin(soft), Box::pin(deadline));
        let deadline = deadline?.and_then(|score| wire::position(-score));
        let deadline_us = deadline.map(|ms| ms.0.saturating_mul(1_000));
        let (hard, soft) = (position(hard?), position(soft?));
        Ok::<_, Trouble>(Row { tag: tag.clone(), hard, soft, deadline_us })
    });
    let rows = try_join_all(rows).await?;
    let is_known = |row: &Row| row.hard.max(row.soft) > Position::default();
    Ok(Table {
        epoch: epoch.map(Epoch),
        last: position(last?),
        floor: position(floor?),
        rows: rows.into_iter().filter(is_known).collect(),
        now: now(&link).await?,
    })
}

/// Counted as the scripts do: that needs no right of its own.
pub(super) async fn table_rows(inner: &Inner) -> Result<u64, Trouble> {
    let link = inner.link().await?;
    let all = ["-inf", "+inf"].map(Value::from);
    let told = call_at(&link.client, "ZCOUNT", &inner.keys.table(), &all).await;
    let told = told.map_err(|error| trouble(&error))?;
    number(&told).ok_or_else(|| Trouble::failed("ZCOUNT says nothing that makes sense"))
}

pub(super) async fn instances(inner: &Inner) -> Result<Vec<Instance>, Trouble> {
    let link = inner.link().await?;
    let range = ["0", "-1", "WITHSCORES"].map(Value::from);
    let listed = call_at(&link.client, "ZRANGE", &inner.keys.instances(), &range).await;
    let listed = listed.map_err(|error| trouble(&error))?;
    let one = |(id, score): (&Value, &Value)| {
        let id = id.as_string().filter(|id| !id.starts_with("born:"))?;
        Some(Instance { id, applied: wire::position(score.as_f64()?)?.0 })
    };
    Ok(pairs(&listed).filter_map(one).collect())
}

pub(super) async fn published(inner: &Inner) -> Result<Published, Trouble> {
    let link = inner.link().await?;
    let limit = inner.shared.connect_timeout;
    published::published(&link.client, &inner.keys, limit).await.map_err(unreached)
}

/// What was counted together in the last hour. All minutes lie in one slot.
pub(super) async fn history(inner: &Inner) -> Result<Minutes, Trouble> {
    let link = inner.link().await?;
    let now = now(&link).await?;
    let last = now.0 / 60_000_000;
    // What is under way is never there: instances add what is over.
    let minutes: Vec<u64> = (last.saturating_sub(MINUTES)..last).collect();
    let keys: Vec<Key> = minutes.iter().map(|minute| inner.keys.history(*minute)).collect();
    let Some((first, more)) = keys.split_first() else { return Ok(Minutes::default()) };
    let more: Vec<Value> = more.iter().cloned().map(Value::from).collect();
    let found = call_at(&link.client, "MGET", first, &more).await;
    let found = found.map_err(|error| trouble(&error))?;
    let Value::Array(found) = found else {
        return Err(Trouble::failed("MGET says nothing that makes sense"));
    };
    let rows = minutes.into_iter().zip(found.into_iter().map(content));
    Ok(Minutes { now, rows: rows.filter_map(|(minute, row)| Some((minute, row?))).collect() })
}

fn pairs(value: &Value) -> impl Iterator<Item = (&Value, &Value)> {
    parts(value).unwrap_or_default().chunks(2).filter_map(|pair| match pair {
        [one, other] => Some((one, other)),
        _ => None,
    })
}

/// A listing may come from a replica, and is old by now: the server compares before it removes.
pub(super) async fn remove(inner: &Inner, entries: &[Known]) -> Result<Freed, Trouble> {
    let link = inner.link().await?;
    let mut freed = Freed::default();
    for some in entries.chunks(TOGETHER) {
        let calls = some.iter().map(|Known { address, head }| {
            let (link, key) = (link.clone(), [inner.keys.entry(*address)]);
            async move { inner.free.run(&link.client, &key, vec![Value::Bytes(head.clone())]).await }
        });
        for result in join_all(calls).await {
            let told = result.map_err(|error| trouble(&error))?;
            let Some(bytes) = number(&told) else { continue };
            freed.removed += 1;
            freed.bytes += bytes;
        }
    }
    Ok(freed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lease_and_a_pass_are_read_as_the_script_writes_them() {
        let text = |text: &str| Value::from(text);
        let lease = lease_of(&text("00ab 7 100 5000 1"), &Value::Integer(900), 5_250).unwrap();
        let said = (lease.instance.as_str(), lease.age_ms, lease.left_ms, lease.timed_out);
        assert_eq!(said, ("00ab", 250, 900, 1));
        assert!(lease_of(&text("forged"), &Value::Integer(1), 0).is_none());
        assert_eq!(pass_of(&text("6000 2"), &Value::Integer(9), 5_250), Some(750));
        assert_eq!(pass_of(&text("6000 2"), &Value::Integer(-1), 5_250), None);
        assert_eq!(pass_of(&text("5000 2"), &Value::Integer(9), 5_250), None);
    }
}
