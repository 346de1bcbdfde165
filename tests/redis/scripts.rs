//! The promises of the scripts, one by one.

use tiercel::coherence::event::{Answer, Command, Event, Known, Lifetime, Row};
use tiercel::tags::{Position, Tag};

use crate::peer::{Peer, hard_row, nothing, shared};
use crate::server;

#[test]
fn the_first_poll_creates_the_table_and_registers() {
    let server = server!();
    let peer = Peer::connected(&shared(server.port));
    let polled = peer.poll(&nothing());
    assert!(polled.epoch.0 != 0 && polled.known && polled.rows.is_none());
    assert!(polled.last.0.abs_diff(polled.now_us) < 1_000_000, "{polled:?}");
    assert_eq!(server.call(&["ZSCORE", "{app}:t", "c"]), polled.last.0.to_string());
    assert_eq!(server.call(&["ZCARD", "{app}:h"]), "1");
    assert_eq!(server.call(&["ZCARD", "{app}:i"]), "2");
    let life_ms: u64 = server.call(&["PTTL", "{app}:i"]).parse().unwrap();
    assert!((50_000..=60_000).contains(&life_ms), "{life_ms}");
    assert_eq!(server.call(&["PTTL", "{app}:t"]), "-1");
    assert_eq!(peer.poll(&nothing()).epoch, polled.epoch);
}

#[test]
fn a_poll_tells_what_is_new_and_registers_what_is_applied() {
    let server = server!();
    let (one, two) = (Peer::connected(&shared(server.port)), Peer::connected(&shared(server.port)));
    let known = one.register();
    let first = two.hard("a");
    let second = two.hard("b");
    let polled = one.poll(&known);
    assert_eq!(
        polled.rows,
        Some(vec![hard_row("a", first.position), hard_row("b", second.position)])
    );
    assert_eq!((polled.last, polled.known), (second.position, true));
    assert_eq!(two.look().0, Some(known.applied));
    let known = Known { applied: first.position, ..known };
    assert_eq!(one.poll(&known).rows, Some(vec![hard_row("b", second.position)]));
    assert_eq!(two.look().0, Some(first.position));
    let known = Known { applied: second.position, ..known };
    assert_eq!(one.poll(&known).rows, Some(Vec::new()));
}

#[test]
fn soft_rows_come_with_their_deadline_and_the_hard_position_before() {
    let server = server!();
    let peer = Peer::connected(&shared(server.port));
    let known = peer.register();
    let hard = peer.hard("a");
    let soft = peer.invalidate(&[(b"a", Lifetime::Micros(5_000_000))]);
    let due_us = (soft.now_us / 1_000 + 5_000) * 1_000;
    let row = Row {
        tag: Tag::from("a"),
        hard: hard.position,
        soft: soft.position,
        deadline_us: Some(due_us),
    };
    assert_eq!(soft.rows, std::slice::from_ref(&row));
    assert!(peer.poll(&known).rows.unwrap().contains(&row));
    let since = Known { applied: hard.position, ..known };
    assert_eq!(peer.poll(&since).rows, Some(vec![row.clone()]));
    assert_eq!(peer.load().0, [row]);
}

#[test]
fn an_earlier_deadline_stays_and_no_deadline_takes_none_away() {
    let server = server!();
    let peer = Peer::connected(&shared(server.port));
    peer.register();
    let first = peer.invalidate(&[(b"a", Lifetime::Micros(60_000_000))]);
    let later = peer.invalidate(&[(b"a", Lifetime::Micros(90_000_000))]);
    assert_eq!(later.rows[0].deadline_us, first.rows[0].deadline_us);
    let endless = peer.invalidate(&[(b"a", Lifetime::Unlimited)]);
    assert_eq!(endless.rows[0].deadline_us, first.rows[0].deadline_us);
    let sooner = peer.invalidate(&[(b"a", Lifetime::Micros(30_000_000))]);
    assert!(sooner.rows[0].deadline_us < first.rows[0].deadline_us);
    assert_eq!(peer.invalidate(&[(b"b", Lifetime::Unlimited)]).rows[0].deadline_us, None);
}

#[test]
fn a_deadline_that_is_past_makes_the_soft_position_a_hard_one() {
    let server = server!();
    let peer = Peer::connected(&shared(server.port));
    peer.register();
    let past = peer.invalidate(&[(b"a", Lifetime::Micros(1_000))]);
    std::thread::sleep(std::time::Duration::from_millis(10));
    let soft = peer.invalidate(&[(b"a", Lifetime::Unlimited)]);
    let row = &soft.rows[0];
    assert_eq!((row.hard, row.soft), (past.position, soft.position));
    assert_eq!(row.deadline_us, None);
}

#[test]
fn a_hard_invalidation_takes_the_soft_one_away() {
    let server = server!();
    let peer = Peer::connected(&shared(server.port));
    peer.register();
    peer.invalidate(&[(b"a", Lifetime::Micros(60_000_000))]);
    let hard = peer.hard("a");
    assert_eq!(hard.rows, [hard_row("a", hard.position)]);
    assert_eq!(peer.load().0, [hard_row("a", hard.position)]);
    assert_eq!(server.call(&["ZCARD", "{app}:t"]), "3");
}

#[test]
fn positions_grow_and_the_last_1024_are_listed() {
    let server = server!();
    let peer = Peer::connected(&shared(server.port));
    let first = peer.register();
    let (mut last, mut listed) = (first.applied, 1);
    while listed < 1_024 {
        let written = peer.hard("a");
        assert!(written.position > written.previous && written.previous >= last);
        // If the answer came late on a busy machine, the invalidation was made twice.
        listed += if written.previous == last { 1 } else { 2 };
        last = written.position;
    }
    assert!(peer.poll(&first).known);
    peer.hard("a");
    assert_eq!(server.call(&["ZCARD", "{app}:h"]), "1024");
    let polled = peer.poll(&first);
    assert!(!polled.known && polled.rows.is_none());
    let newest = Known { applied: last, ..first };
    assert!(peer.poll(&newest).known);
}

#[test]
fn a_position_of_another_history_is_not_known_and_registers_nothing() {
    let server = server!();
    let (one, two) = (Peer::connected(&shared(server.port)), Peer::connected(&shared(server.port)));
    let known = one.register();
    two.register();
    let strange = Known { applied: Position(known.applied.0 + 1), ..known.clone() };
    let polled = one.poll(&strange);
    assert!(!polled.known && polled.rows.is_none());
    assert_eq!(two.look().0, Some(Position(0)));
    let open = Known { open: vec![Position(known.applied.0 + 1)], ..known.clone() };
    assert!(!one.poll(&open).known);
    let open = Known { open: vec![known.applied], ..known };
    assert!(one.poll(&open).known);
}

#[test]
fn an_invalidation_with_a_history_that_is_not_known_writes_nothing() {
    let server = server!();
    let peer = Peer::connected(&shared(server.port));
    let tags = vec![(Tag::from("a"), Lifetime::None)];
    let without = Command::Invalidate { known: None, tags: tags.clone() };
    assert_eq!(peer.ask(&without), Answer::Unknown);
    assert_eq!(peer.ask(&Command::RaiseFloor { known: None }), Answer::Unknown);
    assert_eq!(server.call(&["EXISTS", "{app}:t"]), "0");
    let known = peer.register();
    let strange = [
        Known { applied: Position(known.applied.0 + 1), ..known.clone() },
        Known { open: vec![Position(7)], ..known.clone() },
        Known { epoch: tiercel::tags::Epoch(known.epoch.0 ^ 1), ..known.clone() },
    ];
    for known in strange {
        let command = Command::Invalidate { known: Some(known.clone()), tags: tags.clone() };
        assert_eq!(peer.ask(&command), Answer::Unknown);
        assert_eq!(peer.ask(&Command::RaiseFloor { known: Some(known) }), Answer::Unknown);
    }
    assert_eq!(peer.poll(&known).last, known.applied);
    let sound = Command::Invalidate { known: Some(known), tags };
    assert!(matches!(peer.ask(&sound), Answer::Invalidated(_)));
}

#[test]
fn a_raised_floor_is_a_position_of_its_own() {
    let server = server!();
    let peer = Peer::connected(&shared(server.port));
    let known = peer.register();
    let Answer::Invalidated(raised) = peer.ask(&Command::RaiseFloor { known: None }) else {
        panic!("not raised")
    };
    assert!(raised.rows.is_empty() && raised.previous == known.applied);
    let polled = peer.poll(&known);
    assert_eq!((polled.last, polled.floor), (raised.position, raised.position));
    assert_eq!(polled.rows, Some(Vec::new()));
    assert_eq!(peer.load(), (Vec::new(), raised.position));
}

#[test]
fn beyond_the_bound_the_lowest_rows_go_and_the_floor_rises_to_them() {
    let server = server!();
    let peer = Peer::keeping(20, &shared(server.port));
    peer.heard.wait_for(&Event::Connected);
    let known = peer.register();
    let all: Vec<Position> = (0..21)
        .map(|nth| {
            let tag = format!("t{nth}");
            peer.invalidate(&[(tag.as_bytes(), Lifetime::Micros(60_000_000))]).position
        })
        .collect();
    let (rows, floor) = peer.load();
    // One row too many, and a tenth.
    assert_eq!((rows.len(), floor), (18, all[2]));
    assert!(rows.iter().all(|row| row.soft > floor));
    assert_eq!(peer.poll(&known).floor, floor);
    // 18 rows with deadlines, position, epoch, floor.
    assert_eq!(server.call(&["ZCARD", "{app}:t"]), "39");
}

#[test]
fn rows_older_than_any_entry_go_without_a_floor() {
    let server = server!();
    let peer = Peer::connected(&shared(server.port));
    let known = peer.register();
    let old = known.applied.0 - 31 * 24 * 3_600 * 1_000_000 - 1;
    server.call(&["ZADD", "{app}:t", &old.to_string(), "sold", "-5", "dold"]);
    let young = (old + 3_600_000_000).to_string();
    server.call(&["ZADD", "{app}:t", &young, "xyoung"]);
    let written = peer.hard("a");
    let (rows, floor) = peer.load();
    assert_eq!(floor, Position(0));
    let young = hard_row("young", Position(old + 3_600_000_000));
    assert_eq!(rows, [hard_row("a", written.position), young]);
    assert_eq!(server.call(&["ZSCORE", "{app}:t", "dold"]), "nil");
}

#[test]
fn tags_may_be_any_bytes() {
    let server = server!();
    let peer = Peer::connected(&shared(server.port));
    let known = peer.register();
    let every: Vec<u8> = (0..=255).collect();
    let strange: [&[u8]; 5] = [b"", b"\xff\xfe\r\n", b"1:1 2:3", &every, "\u{20ac}".as_bytes()];
    for tag in strange {
        let written = peer.invalidate(&[(tag, Lifetime::Micros(60_000_000))]);
        assert_eq!(written.rows[0].tag, Tag::from(tag));
    }
    let told = peer.poll(&known).rows.unwrap();
    let mut tags: Vec<_> = peer.load().0.into_iter().map(|row| row.tag).collect();
    assert_eq!(told.iter().map(|row| row.tag.as_bytes()).collect::<Vec<_>>(), strange);
    let mut expected: Vec<_> = strange.map(Tag::from).to_vec();
    expected.sort();
    tags.sort();
    assert_eq!(tags, expected);
}

#[test]
fn too_much_news_has_to_be_loaded_page_by_page() {
    let server = server!();
    let peer = Peer::connected(&shared(server.port));
    let known = peer.register();
    let base = known.applied.0 - 100_000;
    // Pages of the load are shorter than this, and end within equal scores.
    let mut parts: Vec<String> = vec!["ZADD".into(), "{app}:t".into()];
    for nth in 0..12_345_u64 {
        parts.extend([(base + nth / 7).to_string(), format!("x{nth}")]);
    }
    server.call(&parts.iter().map(String::as_str).collect::<Vec<_>>());
    assert_eq!(peer.load().0.len(), 12_345);
    for nth in 0..41 {
        let lifetime = if nth % 2 == 0 { Lifetime::None } else { Lifetime::Micros(60_000_000) };
        let tags: Vec<String> = (0..50).map(|tag| format!("n{nth}-{tag}")).collect();
        let tags: Vec<_> = tags.iter().map(|tag| (tag.as_bytes(), lifetime)).collect();
        peer.invalidate(&tags);
        if nth == 39 {
            let mut told = peer.poll(&known).rows.unwrap();
            told.sort();
            assert_eq!(told.len(), 2_000);
            let (mut all, _) = peer.load();
            all.retain(|row| row.hard.max(row.soft) > known.applied);
            assert_eq!(told, all, "polled or loaded, it is the same");
        }
    }
    let polled = peer.poll(&known);
    assert!(polled.known && polled.rows.is_none());
    assert_eq!(peer.load().0.len(), 12_345 + 2_050);
}

#[test]
fn acks_count_only_forward_in_this_history_and_for_who_is_listed() {
    let server = server!();
    let (one, two) = (Peer::connected(&shared(server.port)), Peer::connected(&shared(server.port)));
    let written = (one.register(), two.register(), two.hard("a")).2;
    one.ask(&Command::Ack(Position(written.position.0 + 1)));
    assert_eq!(two.look().0, Some(Position(0)));
    one.ask(&Command::Ack(written.position));
    assert_eq!(two.look().0, Some(written.position));
    one.ask(&Command::Ack(written.previous));
    assert_eq!(two.look().0, Some(written.position));
    server.call(&["DEL", "{app}:i"]);
    one.ask(&Command::Ack(written.position));
    assert_eq!(two.look(), (None, None));
}

#[test]
fn who_has_not_polled_since_is_removed_and_who_is_not_known_stays() {
    let server = server!();
    let (one, two) = (Peer::connected(&shared(server.port)), Peer::connected(&shared(server.port)));
    let (known, _) = (one.register(), two.register());
    server.call(&["ZADD", "{app}:i", "5", "unknown"]);
    let written = one.hard("a");
    one.poll(&Known { applied: written.position, ..known });
    one.ask(&Command::Remove(Position(written.position.0 + 1)));
    assert_eq!(server.call(&["ZCARD", "{app}:i"]), "4", "that position is not listed");
    one.ask(&Command::Remove(written.position));
    assert_eq!(server.call(&["ZCARD", "{app}:i"]), "3");
    assert_eq!(one.look().0, Some(Position(5)));
    assert_eq!(server.call(&["HLEN", "{app}:p"]), "2");
    let next = one.hard("a");
    one.ask(&Command::Remove(next.position));
    assert_eq!(one.look().0, None);
}

#[test]
fn the_age_of_the_list_of_instances_is_told() {
    let server = server!();
    let peer = Peer::connected(&shared(server.port));
    peer.register();
    let written = peer.hard("a");
    assert!(written.born_us > 0 && written.now_us - written.born_us < 5_000_000);
    assert_eq!(peer.look(), (None, Some(written.born_us)));
    server.call(&["DEL", "{app}:i"]);
    assert_eq!(peer.hard("a").born_us, 0);
    peer.register();
    assert!(peer.look().1.unwrap() > written.born_us);
}

#[test]
fn what_is_lost_is_made_anew() {
    let server = server!();
    let peer = Peer::connected(&shared(server.port));
    let known = peer.register();
    server.call(&["DEL", "{app}:h"]);
    assert!(peer.poll(&known).known, "the last position is listed again");
    server.call(&["DEL", "{app}:t"]);
    let polled = peer.poll(&known);
    assert!(polled.epoch != known.epoch && polled.rows.is_none());
    assert_eq!(server.call(&["ZCARD", "{app}:h"]), "1");
    server.call(&["ZADD", "{app}:t", "4503599627370497", "c"]);
    assert_ne!(peer.poll(&nothing()).epoch, polled.epoch, "that is no position");
}

#[test]
fn without_memory_to_spare_polls_and_invalidations_go_on() {
    let server = server!("--maxmemory-policy", "noeviction");
    let peer = Peer::connected(&shared(server.port));
    server.call(&["CONFIG", "SET", "maxmemory", "1"]);
    assert!(server.call(&["SET", "a", "b"]).starts_with("OOM"));
    let known = peer.register();
    let written = peer.hard("a");
    assert_eq!(peer.poll(&known).last, written.position);
    peer.ask(&Command::Ack(written.position));
    peer.ask(&Command::Remove(written.position));
}

#[test]
fn keys_of_another_kind_are_a_failure_and_no_more() {
    let server = server!();
    let peer = Peer::connected(&shared(server.port));
    for key in ["{app}:t", "{app}:h", "{app}:i", "{app}:p"] {
        let known = peer.register();
        server.call(&["SET", key, "of somebody else"]);
        assert_eq!(peer.try_ask(Command::Poll(known)), None);
        assert_eq!(server.call(&["GET", key]), "of somebody else");
        server.call(&["DEL", key]);
    }
    server.call(&["SET", "{app}:t", "of somebody else"]);
    assert_eq!(peer.try_ask(Command::Load), None);
}
