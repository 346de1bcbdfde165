use super::*;
use proptest::prelude::*;

const NOW: Timestamp = Timestamp(1_000);

fn point(position: u64) -> Point {
    Position(position).into()
}

fn stamp(position: u64) -> Stamp {
    Stamp { at: point(position), ..Stamp::default() }
}

fn bytes(tags: &[Tag]) -> impl Iterator<Item = &[u8]> {
    tags.iter().map(Tag::as_bytes)
}

#[test]
fn a_packed_list_gives_back_its_tags() {
    let tags = [Tag::from(""), Tag::from("a"), Tag::from(&*"é".repeat(300))];
    let list: TagList = tags.iter().cloned().collect();
    assert!(list.iter().eq(bytes(&tags)));
    assert_eq!(TagList::default().iter().count(), 0);
}

fn soft(deadline: u64) -> Change {
    Change::Soft { deadline: Some(Timestamp(deadline)) }
}

#[test]
fn a_hard_invalidation_kills_what_began_before_it_and_nothing_after() {
    let mut table = Table::new(10);
    let tags = [Tag::from("a")];
    table.apply(&tags, Change::Hard, point(5), NOW);
    assert_eq!(table.judge(stamp(4), bytes(&tags), NOW).0, Verdict::Gone);
    assert_eq!(table.judge(stamp(5), bytes(&tags), NOW).0, Verdict::Fresh);
}

#[test]
fn a_soft_invalidation_is_stale_until_its_deadline() {
    let mut table = Table::new(10);
    let tags = [Tag::from("a")];
    table.apply(&tags, soft(2_000), point(5), NOW);
    assert_eq!(table.judge(stamp(4), bytes(&tags), Timestamp(1_999)).0, Verdict::Stale);
    assert_eq!(table.judge(stamp(4), bytes(&tags), Timestamp(2_000)).0, Verdict::Gone);
    assert_eq!(table.judge(stamp(5), bytes(&tags), Timestamp(9_000)).0, Verdict::Fresh);
}

#[test]
fn an_own_invalidation_without_a_position_comes_after_all_that_is_applied() {
    let own = Point { local: 1, ..point(5) };
    assert!(point(5) < own && own < point(6));
    assert_eq!(point(6).before(), point(5));
}

#[test]
fn before_an_own_invalidation_is_before_the_position_it_may_have_been_given() {
    assert_eq!(Point { local: 1, ..point(5) }.before(), point(4));
}

#[test]
fn in_another_life_of_the_table_a_stamp_says_nothing() {
    let mut table = Table::new(10);
    table.apply(&[Tag::from("a")], Change::Hard, point(5), NOW);
    table.begin(Epoch(7));
    assert!(table.is_empty());
    assert_eq!(table.judge(stamp(9), [], NOW).0, Verdict::Gone);
    let there = Stamp { epoch: Epoch(7), at: point(1) };
    assert_eq!(table.judge(there, [], NOW).0, Verdict::Fresh);
}

#[test]
fn a_full_table_forgets_the_oldest_tags_and_trusts_no_older_stamp() {
    let mut table = Table::new(10);
    for n in 1..=11_u64 {
        table.apply(&[Tag::from(&*n.to_string())], Change::Hard, point(n), NOW);
    }
    assert!(table.len() <= 10 && table.floor() >= point(1));
    let forgotten = [Tag::from("1")];
    assert_eq!(table.judge(stamp(0), bytes(&forgotten), NOW).0, Verdict::Gone);
    assert_eq!(table.judge(stamp(11), bytes(&forgotten), NOW).0, Verdict::Fresh);
}

#[derive(Debug, Clone)]
struct Said {
    change: Change,
    at: Timestamp,
}

fn said() -> impl Strategy<Value = Vec<Said>> {
    let one = (0..3_u8, 1..40_u64, 0..20_u64);
    proptest::collection::vec(one, 0..12).prop_map(|raw| {
        let mut at = 0;
        raw.into_iter()
            .map(|(kind, life, step)| {
                at += step;
                let change = match kind {
                    0 => Change::Hard,
                    1 => soft(at + life),
                    _ => Change::Soft { deadline: None },
                };
                Said { change, at: Timestamp(at) }
            })
            .collect()
    })
}

/// Judges by walking every invalidation ever made.
fn naive(said: &[Said], stamp: u64, now: Timestamp) -> Verdict {
    let later = said.iter().enumerate().filter(|(i, _)| *i as u64 + 1 > stamp);
    later
        .map(|(_, said)| match said.change {
            Change::Hard => Verdict::Gone,
            Change::Soft { deadline: Some(deadline) } if now >= deadline => Verdict::Gone,
            Change::Soft { .. } => Verdict::Stale,
        })
        .max()
        .unwrap_or(Verdict::Fresh)
}

/// The same, but a pending deadline also counts for entries generated after it was set: the
/// table keeps one deadline per tag, the earliest.
fn naive_cautious(said: &[Said], stamp: u64, now: Timestamp) -> Verdict {
    let exact = naive(said, stamp, now);
    if exact != Verdict::Stale {
        return exact;
    }
    let reach = |i: usize| match said[i].change {
        Change::Soft { deadline: Some(deadline) } => deadline <= now,
        _ => false,
    };
    if (0..said.len()).any(reach) { Verdict::Gone } else { Verdict::Stale }
}

proptest! {
    #[test]
    fn the_table_is_never_kinder_than_naive_replay(said in said(), stamp in 0..13_u64, wait in 0..60_u64) {
        let mut facts = Facts::default();
        for (i, one) in said.iter().enumerate() {
            facts = facts.after(one.change, point(i as u64 + 1), one.at);
        }
        let now = Timestamp(said.last().map_or(0, |s| s.at.0) + wait);
        let verdict = facts.judge(point(stamp), now);
        let exact = naive(&said, stamp, now);
        prop_assert!(verdict >= exact);
        prop_assert!(verdict <= naive_cautious(&said, stamp, now));
        prop_assert_eq!(verdict == Verdict::Fresh, exact == Verdict::Fresh);
    }

    #[test]
    fn facts_merge_in_any_order_to_the_same(said in said(), order in any::<u64>()) {
        let mut facts = Facts::default();
        let mut history = vec![facts];
        for (i, one) in said.iter().enumerate() {
            facts = facts.after(one.change, point(i as u64 + 1), one.at);
            history.push(facts);
        }
        let mut shuffled = history.clone();
        let len = shuffled.len();
        for i in 0..len {
            shuffled.swap(i, (order.rotate_left(i as u32) as usize) % len);
        }
        let merged = |all: &[Facts]| all.iter().fold(Facts::default(), |a, b| a.merged(*b));
        prop_assert_eq!(merged(&history), merged(&shuffled));
        prop_assert_eq!(merged(&history), facts);
    }
}

#[test]
fn a_tag_has_one_spelling() {
    let units: Vec<u16> = "späti 👍\u{7f}\n".encode_utf16().collect();
    let spelled = Tag::from("sp%C3%A4ti %F0%9F%91%8D%7F%0A");
    assert_eq!(Tag::from_units(&units), spelled);
    assert_eq!(Tag::from("späti 👍\u{7f}\n"), spelled);
    assert_eq!(spelled.as_bytes(), b"sp%C3%A4ti %F0%9F%91%8D%7F%0A");
    assert_eq!(Tag::from("a\tb~ %,").as_bytes(), b"a\tb~ %,");
    assert_ne!(Tag::from_units(&[0xD800]), Tag::from_units(&[0xD801]));
}
