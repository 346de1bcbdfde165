//! Counts by their scripts.

use fred::types::Value;

use super::super::failure::Failure;
use super::super::reply::{bytes, decimal, number, parts, text};
use super::Call;
use crate::app::count::{Answer, Deed, MARK_MS, Rules};

pub(super) async fn carry_out(call: &Call<'_>, deed: &Deed) -> Result<Answer, Failure> {
    let (scripts, keys) = (call.scripts(), call.session.keys.count(&call.order.label));
    let of = |rules: &Rules| [rules.ttl_ms, rules.bucket_ms, rules.history_ms].map(decimal);
    let answer = match deed {
        Deed::Add { .. } => {
            let reply = call.run_on(&scripts.add_counts, &keys, added(deed)).await?;
            number(&reply).map(|_| Answer::Added)
        }
        Deed::Get { own, rules, sender } => {
            let mut args = vec![text(own.as_str()), text(sender), decimal(0)];
            args.extend(of(rules));
            let reply = call.run_on(&scripts.read_count, &keys, args).await?;
            read(&reply, rules).map(|(sum, batch, ..)| Answer::Sum { sum, batch })
        }
        Deed::Series { own, span_ms, rules, sender } => {
            let mut args = vec![text(own.as_str()), text(sender), decimal(*span_ms)];
            args.extend(of(rules));
            let reply = call.run_on(&scripts.read_count, &keys, args).await?;
            let series = |(_, batch, now_ms, buckets)| Answer::Series { buckets, now_ms, batch };
            read(&reply, rules).map(series)
        }
        Deed::Top { most, rules } => {
            let args = vec![decimal(*most), decimal(rules.ttl_ms)];
            top(&call.run_on(&scripts.top_counts, &keys, args).await?).map(Answer::Top)
        }
        Deed::Distinct { own } => {
            let args = vec![text(own.as_str())];
            let reply = call.run_on(&scripts.count_members, &keys, args).await?;
            number(&reply).map(Answer::Distinct)
        }
        Deed::Remove { own, rules } => {
            let mut args = vec![text(own.as_str())];
            args.extend(of(rules));
            let reply = call.run_on(&scripts.remove_count, &keys, args).await?;
            removed(&reply)
        }
    };
    answer.ok_or(Failure::NONSENSE)
}

/// The arguments of what adds.
fn added(deed: &Deed) -> Vec<Value> {
    let Deed::Add { adds, members, batch, rules } = deed else { return Vec::new() };
    let (sender, last) =
        batch.as_ref().map_or(("", 0), |batch| (batch.sender.as_str(), batch.number));
    let numbers = [last, MARK_MS, rules.ttl_ms, rules.bucket_ms, rules.history_ms];
    let mut args = vec![text(sender)];
    args.extend(numbers.map(decimal));
    args.push(decimal(adds.len() as u64));
    for add in adds {
        args.extend([text(add.own.as_str()), text(&add.sum.to_string()), decimal(add.age_ms)]);
    }
    for (own, members) in members {
        args.extend([text(own.as_str()), decimal(members.len() as u64)]);
        args.extend(members.iter().map(|member| text(&format!("{member:032x}"))));
    }
    args
}

/// The sum, the last batch, the present moment, and the buckets.
type Read = (i64, u64, u64, Vec<(u64, i64)>);

fn read(reply: &Value, rules: &Rules) -> Option<Read> {
    let [sum, batch, now, first, buckets @ ..] = parts(reply)? else { return None };
    let first = number(first)?;
    let bucket =
        |(at, sum): (usize, &Value)| Some(((first + at as u64) * rules.bucket_ms, signed(sum)?));
    let buckets = buckets.iter().enumerate().map(bucket).collect::<Option<_>>()?;
    Some((signed(sum)?, number(batch)?, number(now)?, buckets))
}

fn top(reply: &Value) -> Option<Vec<(String, i64)>> {
    let (pairs, _) = parts(reply)?.as_chunks::<2>();
    let pair = |[own, sum]: &[Value; 2]| {
        Some((String::from_utf8_lossy(bytes(own)?).into_owned(), signed(sum)?))
    };
    pairs.iter().map(pair).collect()
}

fn removed(reply: &Value) -> Option<Answer> {
    match reply {
        Value::Null => Some(Answer::Removed(None)),
        sum => Some(Answer::Removed(Some(signed(sum)?))),
    }
}

/// A whole number as a server prints a double.
fn signed(value: &Value) -> Option<i64> {
    if let Value::Integer(number) = value {
        return Some(*number);
    }
    let text = std::str::from_utf8(bytes(value)?).ok()?;
    text.parse().ok().or_else(|| text.parse().ok().map(|number: f64| number as i64))
}
