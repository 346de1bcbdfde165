use super::*;

fn rewound(stage: &mut Stage, last: u64) {
    if !stage.sends(is_poll) {
        stage.after(500 * MS);
    }
    stage.answer_poll(|reply| {
        (reply.known, reply.last, reply.rows) = (false, Position(last), None);
    });
}

#[test]
fn what_a_table_has_lost_is_invalidated_again_before_it_is_followed() {
    let mut stage = Stage::following();
    stage.hear(100, 110, "kept");
    stage.hear(110, 120, "lost");
    rewound(&mut stage, 115);
    stage.answer(|sent| *sent == Command::Load, loaded(&[("kept", 110)]));
    let (request, sent) = stage.take(is_write);
    let lost = vec![(Tag::from("lost"), Lifetime::None)];
    assert_eq!(sent, Command::Invalidate { known: None, tags: lost });
    assert_eq!(stage.applied(), 120);
    stage.sent.push((request, sent));
    stage.answer_write(115, 130, |_| ());
    assert_eq!(stage.applied(), 120);
    stage.answer(|sent| *sent == Command::Load, loaded(&[("kept", 110), ("lost", 130)]));
    assert_eq!(stage.applied(), 115);
    stage.answer_poll(|reply| reply.last = Position(130));
    assert_eq!(stage.applied(), 130);
    assert_eq!(stage.judge(Position(129), "lost"), Verdict::Gone);
}

#[test]
fn who_merely_slept_has_nothing_to_repair() {
    let mut stage = Stage::following();
    stage.hear(100, 110, "a");
    rewound(&mut stage, 9_000);
    stage.answer(|sent| *sent == Command::Load, loaded(&[("a", 110), ("b", 8_000)]));
    assert!(!stage.sends(is_write));
    assert_eq!((stage.applied(), stage.judge(Position(7_999), "b")), (9_000, Verdict::Gone));
}

#[test]
fn what_is_older_than_any_entry_is_not_written_again() {
    const DAY_US: u64 = 86_400_000_000;
    let mut stage = Stage::new();
    stage.now = Timestamp(40 * DAY_US);
    stage.follow();
    let days_ago = |days| stage.now.0 + AHEAD_US - days * DAY_US;
    let (old, young) = (days_ago(31) - 1, days_ago(30));
    stage.hear(100, old, "old");
    stage.hear(old, young, "young");
    rewound(&mut stage, 115);
    stage.answer(|sent| *sent == Command::Load, loaded(&[]));
    let (_, Command::Invalidate { tags, .. }) = stage.take(is_write) else { panic!() };
    assert_eq!(tags, [(Tag::from("young"), Lifetime::None)]);
}

#[test]
fn a_lost_soft_invalidation_keeps_its_deadline() {
    let mut stage = Stage::following();
    let tags = vec![Tag::from("a")];
    stage.on(Event::Invalidate(1, tags, Lifetime::Micros(5_000 * MS)));
    let deadline = stage.now.0 + AHEAD_US + 5_000 * MS;
    stage.answer_write(100, 110, |written| {
        written.rows[0] = Row {
            hard: Position(0),
            soft: Position(110),
            deadline_us: Some(deadline),
            ..written.rows[0].clone()
        };
    });
    rewound(&mut stage, 105);
    stage.answer(|sent| *sent == Command::Load, loaded(&[]));
    let (_, Command::Invalidate { tags, .. }) = stage.take(is_write) else { panic!() };
    assert_eq!(tags[0].1, Lifetime::Micros(4_500 * MS));
}

#[test]
fn a_floor_the_table_has_lost_is_raised_again() {
    let mut stage = Stage::following();
    stage.after(500 * MS);
    stage.answer_poll(|reply| (reply.last, reply.floor) = (Position(120), Position(120)));
    rewound(&mut stage, 110);
    stage.answer(|sent| *sent == Command::Load, loaded(&[]));
    assert!(stage.sends(|sent| *sent == Command::RaiseFloor { known: None }));
}

#[test]
fn few_of_many_repairs_are_under_way_at_once() {
    let mut stage = Stage::following();
    let rows = (0..5 * MOST_TAGS).map(|n| row(&Tag::from(&*n.to_string()), 110)).collect();
    stage.on(Event::Heard(Message { rows, ..message(100, 110, "a") }));
    rewound(&mut stage, 105);
    stage.answer(|sent| *sent == Command::Load, loaded(&[]));
    for nth in 0..5 {
        let writes = stage.sent.iter().filter(|(_, sent)| is_write(sent)).count();
        assert_eq!(writes, 4.min(5 - nth));
        assert!(!stage.sends(|sent| *sent == Command::Load));
        let before = 110 + nth as u64 * 10;
        stage.answer_write(before, before + 10, |_| ());
    }
    assert!(!stage.sends(is_write) && stage.sends(|sent| *sent == Command::Load));
}

#[test]
fn a_failed_repair_begins_anew_and_gives_no_lease() {
    let mut stage = Stage::following();
    stage.hear(100, 120, "lost");
    rewound(&mut stage, 115);
    let lease = stage.state.lease_until();
    stage.answer(|sent| *sent == Command::Load, loaded(&[]));
    let (request, _) = stage.take(is_write);
    stage.on(Event::Failed(request));
    rewound(&mut stage, 115);
    assert!(stage.sends(|sent| *sent == Command::Load));
    assert_eq!((stage.applied(), stage.state.lease_until()), (120, lease));
}

#[test]
fn nothing_is_heard_while_a_lost_history_is_repaired() {
    let mut stage = Stage::following();
    stage.hear(100, 120, "lost");
    rewound(&mut stage, 115);
    stage.hear(120, 125, "late");
    assert_eq!(stage.applied(), 120);
    assert_eq!(stage.judge(Position(124), "late"), Verdict::Fresh);
}

#[test]
fn an_invalidation_refused_for_its_history_is_sent_again_after_the_repair() {
    let mut stage = Stage::following();
    stage.invalidate(1, "a");
    stage.answer(is_write, Answer::Unknown);
    assert!(stage.sends(is_poll));
    rewound(&mut stage, 90);
    stage.answer(|sent| *sent == Command::Load, loaded(&[]));
    // The table has lost nothing: an invalidation in effect here only is written once, by its call.
    stage.answer_poll(|reply| reply.last = Position(90));
    stage.after(100 * MS);
    stage.answer_write(90, 130, |_| ());
    stage.after(1_010 * MS);
    assert!(stage.has_told(&Action::Resolve(1, Outcome::Everywhere)));
}

#[test]
fn an_invalidation_lost_while_it_waits_for_the_others_is_sent_again() {
    let mut stage = Stage::following();
    stage.invalidate(1, "a");
    stage.answer_write(100, 110, |_| ());
    rewound(&mut stage, 105);
    stage.answer(|sent| *sent == Command::Load, loaded(&[]));
    stage.answer_write(105, 120, |_| ());
    stage.answer(|sent| *sent == Command::Load, loaded(&[("a", 120)]));
    stage.after(600 * MS);
    assert!(!stage.has_told(&Action::Resolve(1, Outcome::Everywhere)));
    let (_, Command::Invalidate { known: Some(_), .. }) = stage.take(is_write) else { panic!() };
}

#[test]
fn another_life_of_the_table_kills_everything_of_the_one_before() {
    let mut stage = Stage::following();
    stage.hear(100, 110, "a");
    stage.after(500 * MS);
    stage.answer_poll(|reply| {
        (reply.epoch, reply.last, reply.rows) = (Epoch(8), Position(500), None);
    });
    stage.answer(|sent| *sent == Command::Load, loaded(&[]));
    assert_eq!((stage.state.table().epoch(), stage.applied()), (Epoch(8), 500));
    assert!(stage.state.table().is_empty() && stage.has_told(&Action::NewEpoch));
    let old = Stamp { epoch: EPOCH, at: Position(600).into() };
    assert_eq!(stage.state.table().judge(old, [], stage.now).0, Verdict::Gone);
}

#[test]
fn a_call_that_waits_when_the_table_is_lost_waits_for_the_leases() {
    let mut stage = Stage::following();
    stage.invalidate(1, "a");
    stage.answer_write(100, 110, |_| ());
    stage.after(500 * MS);
    stage.answer_poll(|reply| {
        (reply.epoch, reply.last, reply.rows) = (Epoch(8), Position(500), None);
    });
    stage.answer(|sent| *sent == Command::Load, loaded(&[]));
    stage.look(None, Some(999));
    assert!(!stage.has_told(&Action::Resolve(1, Outcome::Everywhere)));
    stage.after(510 * MS);
    assert!(stage.has_told(&Action::Resolve(1, Outcome::Everywhere)));
    assert!(!stage.sends(|sent| matches!(sent, Command::Remove(_))));
}

#[test]
fn too_much_news_is_read_with_the_whole_table() {
    let mut stage = Stage::following();
    stage.hear(100, 110, "a");
    stage.after(500 * MS);
    stage.answer_poll(|reply| (reply.last, reply.rows) = (Position(9_000), None));
    stage.answer(|sent| *sent == Command::Load, loaded(&[("b", 9_000)]));
    assert_eq!(stage.applied(), 9_000);
    assert_eq!(stage.judge(Position(109), "a"), Verdict::Gone);
    assert_eq!(stage.judge(Position(8_999), "b"), Verdict::Gone);
}
