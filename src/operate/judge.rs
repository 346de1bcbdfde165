//! What a get would answer with an entry of the shared tier.

use serde::Serialize;
use serde_json::{Value, json};

use super::server::Table;
use crate::codec::Frame;
use crate::coherence::revisions::Revision;
use crate::entry::{Entry, Meta, Source};
use crate::key::{Hasher, share};
use crate::spread::Spread;
use crate::tags::{self, Epoch, Facts, Stamp, Verdict};

/// How an entry ages.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Aging {
    /// When it turns stale.
    pub spread: Spread,
    /// The age past which it answers no get, though it is kept.
    pub served_us: Option<u64>,
}

/// How a value ages, by its format and its body, in a process with this spread.
pub type AgingOf = fn(Spread, u8, &[u8]) -> Aging;

/// A verdict, and what decided it.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Judged {
    /// `fresh`, `stale` or `gone`.
    pub verdict: &'static str,
    /// `age`, `tag`, `epoch`, `floor` or `no table`.
    pub by: &'static str,
    /// The tag that decided.
    pub tag: Option<String>,
    /// Whether that tag was invalidated softly.
    pub is_soft: bool,
    /// The position of its invalidation, in microseconds of the server's clock.
    pub position: u64,
    /// The age of the entry.
    pub age_secs: f64,
    /// The age past which it is stale, with its own jitter.
    pub fresh_secs: Option<f64>,
    /// The age past which it is only kept for generations that fail.
    pub served_secs: Option<f64>,
}

/// Judges an entry by its tags and by its age.
pub fn judge(frame: &Frame, told: &Table, Aging { spread, served_us }: Aging) -> Judged {
    let entry = entry(frame).spread_by(spread);
    let age_us = told.now.since_us(frame.head.created);
    let is_over_age = served_us.is_some_and(|us| age_us > us);
    let by_age = if is_over_age { Verdict::Gone } else { entry.judge_age(told.now) };
    let us = frame.head.revalidate_us;
    let fresh_us = us.map(|us| spread.shorten(share(&frame.key), us));
    let mut judged = Judged {
        verdict: word(by_age),
        by: "age",
        tag: None,
        is_soft: false,
        position: 0,
        age_secs: age_us as f64 / 1e6,
        fresh_secs: fresh_us.map(|us| us as f64 / 1e6),
        served_secs: served_us.map(|us| us as f64 / 1e6),
    };
    let Some(epoch) = told.epoch else {
        (judged.verdict, judged.by) = ("gone", "no table");
        return judged;
    };
    let stamp = entry.meta.stamp;
    if stamp.epoch != epoch || stamp.at < told.floor.into() {
        let by = if stamp.epoch == epoch { "floor" } else { "epoch" };
        (judged.verdict, judged.by, judged.position) = ("gone", by, told.floor.0);
        return judged;
    }
    let table = table(told, epoch);
    let (by_tag, tag) = table.judge(stamp, frame.tags.iter(), told.now);
    if let Some(tag) = tag.filter(|_| by_tag > by_age) {
        let facts = table.of(tag);
        let is_soft = stamp.at >= facts.hard();
        let at = if is_soft { facts.soft() } else { facts.hard() };
        (judged.verdict, judged.by, judged.is_soft) = (word(by_tag), "tag", is_soft);
        judged.position = at.position.0;
        judged.tag = Some(String::from_utf8_lossy(tag).into_owned());
    }
    judged
}

fn entry(frame: &Frame) -> Entry {
    let head = frame.head;
    let meta = Meta {
        stamp: Stamp { epoch: Epoch(head.epoch), at: head.position.into() },
        since: Revision(0),
        created: head.created,
        told_ms: 0.0,
        held_from: head.created,
        revalidate_us: head.revalidate_us,
        expire_us: head.expire_us,
        tags: frame.tags.clone(),
        format: head.format,
        source: Source::Shared,
    };
    Entry::new(&Hasher::default().key(head.class, &frame.key), meta, Box::default())
}

fn table(told: &Table, epoch: Epoch) -> tags::Table {
    let mut table = tags::Table::new(usize::MAX);
    table.begin(epoch);
    let facts = told.rows.iter().map(|row| {
        let deadline = row.deadline_us.map(crate::clock::Timestamp);
        (&row.tag, Facts::new(row.hard.into(), row.soft.into(), deadline))
    });
    table.merge(facts);
    table
}

fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Fresh => "fresh",
        Verdict::Stale => "stale",
        Verdict::Gone => "gone",
    }
}

/// A table, for programs.
pub(super) fn shown(table: &Table) -> Value {
    let rows = table.rows.iter().map(|row| {
        json!({
            "tag": String::from_utf8_lossy(row.tag.as_bytes()),
            "hard": row.hard.0,
            "soft": row.soft.0,
            "deadlineMs": row.deadline_us.map(|us| us as f64 / 1e3),
        })
    });
    json!({
        "epoch": table.epoch.map(|epoch| epoch.0.to_string()),
        "last": table.last.0,
        "floor": table.floor.0,
        "nowMs": table.now.0 as f64 / 1e3,
        "rows": rows.collect::<Vec<_>>(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Timestamp;
    use crate::codec::Head;
    use crate::coherence::event::Row;
    use crate::key::Class;
    use crate::tags::{Position, Tag};

    const SECOND: u64 = 1_000_000;

    fn frame() -> Frame {
        let head = Head {
            epoch: 7,
            position: Position(100),
            created: Timestamp(1_000 * SECOND),
            revalidate_us: Some(60 * SECOND),
            expire_us: Some(3_600 * SECOND),
            class: Class::Response,
            format: 1,
        };
        let tags = [Tag::from("posts")].into_iter().collect();
        Frame { head, key: [47, 97].into(), tags, body: Box::default() }
    }

    fn told(age_secs: u64, rows: Vec<Row>) -> Table {
        let now = Timestamp((1_000 + age_secs) * SECOND);
        let (last, floor) = (Position(500), Position(0));
        Table { epoch: Some(Epoch(7)), last, floor, rows, now }
    }

    fn row(tag: &str, hard: u64, soft: u64, deadline_us: Option<u64>) -> Row {
        Row { tag: Tag::from(tag), hard: Position(hard), soft: Position(soft), deadline_us }
    }

    fn said(table: &Table) -> (&'static str, &'static str) {
        let judged = judge(&frame(), table, Aging::default());
        (judged.verdict, judged.by)
    }

    #[test]
    fn an_entry_is_judged_by_age_where_no_tag_is_worse() {
        assert_eq!(said(&told(59, vec![])), ("fresh", "age"));
        assert_eq!(said(&told(61, vec![])), ("stale", "age"));
        assert_eq!(said(&told(3_601, vec![])), ("gone", "age"));
        assert_eq!(said(&told(61, vec![row("posts", 0, 101, None)])), ("stale", "age"));
    }

    #[test]
    fn a_tag_is_named_with_the_kind_and_the_position_of_its_invalidation() {
        let of = |table: &Table| judge(&frame(), table, Aging::default());
        let hard = of(&told(1, vec![row("posts", 101, 0, None)]));
        assert_eq!(
            (hard.verdict, hard.by, hard.is_soft, hard.position),
            ("gone", "tag", false, 101)
        );
        let soft = of(&told(1, vec![row("posts", 50, 102, None)]));
        assert_eq!((soft.verdict, soft.is_soft, soft.position), ("stale", true, 102));
        let dead = of(&told(5, vec![row("posts", 0, 102, Some(1_003 * SECOND))]));
        assert_eq!((dead.verdict, dead.is_soft), ("gone", true));
        assert_eq!(dead.tag.as_deref(), Some("posts"));
        assert_eq!(said(&told(1, vec![row("posts", 99, 0, None)])), ("fresh", "age"));
        // Next.js passes the tags of paths for data alone; a page has those that it was stored with.
        assert_eq!(said(&told(1, vec![row("_N_T_/a", 101, 0, None)])), ("fresh", "age"));
    }

    #[test]
    fn a_value_that_says_how_it_ages_is_judged_so() {
        let said = |age_secs, aging| judge(&frame(), &told(age_secs, vec![]), aging).verdict;
        let kept = Aging { served_us: Some(90 * SECOND), ..Aging::default() };
        assert_eq!([30, 70, 91].map(|age| said(age, kept)), ["fresh", "stale", "gone"]);
        let spread = Spread { jitter_percent: 100, ..Spread::default() };
        let early = Aging { spread, ..Aging::default() };
        assert_eq!([1, 59].map(|age| said(age, early)), ["fresh", "stale"]);
    }

    #[test]
    fn another_life_of_the_table_and_the_floor_are_worse_than_any_tag() {
        let table = told(1, vec![row("posts", 101, 0, None)]);
        assert_eq!(said(&Table { epoch: Some(Epoch(8)), ..table.clone() }), ("gone", "epoch"));
        assert_eq!(said(&Table { floor: Position(101), ..table.clone() }), ("gone", "floor"));
        assert_eq!(said(&Table { epoch: None, ..table }), ("gone", "no table"));
    }
}
