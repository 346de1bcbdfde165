use super::*;

#[test]
fn a_lease_begins_when_the_poll_was_sent() {
    let mut stage = Stage::following();
    stage.after(500 * MS);
    let sent = stage.now;
    stage.after(80 * MS);
    stage.answer_poll(|_| ());
    assert_eq!(stage.state.lease_until(), sent.after_us(1_000 * MS));
}

#[test]
fn a_first_table_is_read_whole_and_leased_only_with_a_poll_that_reaches_its_end() {
    let mut stage = Stage::new();
    stage.on(Event::Connected);
    stage.answer_poll(|reply| (reply.last, reply.rows) = (Position(100), None));
    stage.answer(|sent| *sent == Command::Load, loaded(&[("a", 90)]));
    assert!(!stage.is_leased());
    assert_eq!((stage.applied(), stage.judge(Position(89), "a")), (100, Verdict::Gone));
    assert!(stage.has_told(&Action::NewEpoch));
    stage.answer_poll(|reply| {
        reply.last = Position(120);
        reply.rows = Some(vec![row(&Tag::from("b"), 120)]);
    });
    assert!(stage.is_leased());
    assert_eq!((stage.applied(), stage.judge(Position(119), "b")), (120, Verdict::Gone));
}

#[test]
fn a_poll_brings_facts_and_floor_and_what_it_raised_is_acknowledged() {
    let mut stage = Stage::following();
    stage.after(500 * MS);
    stage.answer_poll(|reply| {
        (reply.last, reply.floor) = (Position(130), Position(50));
        reply.rows = Some(vec![row(&Tag::from("a"), 130)]);
    });
    assert_eq!(stage.judge(Position(129), "a"), Verdict::Gone);
    assert_eq!(stage.judge(Position(49), "other"), Verdict::Gone);
    assert!(stage.sends(|sent| *sent == Command::Ack(Position(130))));
}

#[test]
fn quiet_polls_change_no_revision() {
    let mut stage = Stage::following();
    let before = stage.state.revision();
    stage.after(500 * MS);
    stage.answer_poll(|_| ());
    assert_eq!(stage.state.revision(), before);
    assert!(!stage.sends(|sent| matches!(sent, Command::Ack(_))));
}

#[test]
fn an_answer_overtaken_by_a_message_counts_for_nothing_if_it_ends_before_it() {
    let mut stage = Stage::following();
    stage.after(500 * MS);
    let lease = stage.state.lease_until();
    stage.hear(100, 110, "a");
    stage.answer_poll(|reply| reply.last = Position(105));
    assert_eq!((stage.applied(), stage.state.lease_until()), (110, lease));
}

#[test]
fn an_answer_that_ends_after_a_message_brings_its_facts_but_does_not_raise_what_is_applied() {
    let mut stage = Stage::following();
    stage.after(500 * MS);
    stage.hear(100, 110, "a");
    stage.answer_poll(|reply| {
        reply.last = Position(120);
        reply.rows = Some(vec![row(&Tag::from("b"), 120)]);
    });
    assert_eq!((stage.applied(), stage.judge(Position(119), "b")), (110, Verdict::Gone));
    assert_eq!(stage.state.lease_until(), stage.now.after_us(1_000 * MS));
}

#[test]
fn answers_of_a_closed_connection_are_dropped() {
    let mut stage = Stage::following();
    stage.after(500 * MS);
    let (old, _) = stage.take(is_poll);
    let lease = stage.state.lease_until();
    stage.on(Event::Disconnected);
    stage.on(Event::Connected);
    let polled = Polled {
        epoch: EPOCH,
        last: Position(500),
        known: true,
        now_us: 0,
        floor: Position(0),
        rows: Some(Vec::new()),
    };
    stage.on(Event::Answered(old, Answer::Polled(polled)));
    assert_eq!((stage.applied(), stage.state.lease_until()), (100, lease));
}

#[test]
fn a_get_without_a_lease_waits_for_a_poll() {
    let mut stage = Stage::following();
    stage.now = stage.now.after_us(2_000 * MS);
    stage.on(Event::Ask(1));
    assert!(!stage.has_told(&Action::Wake(1)));
    stage.answer_poll(|_| ());
    assert!(stage.has_told(&Action::Wake(1)));
}

#[test]
fn a_get_takes_no_answer_to_a_poll_sent_before_it_whose_lease_is_over() {
    let mut stage = Stage::following();
    stage.after(500 * MS);
    stage.now = stage.now.after_us(1_200 * MS);
    stage.on(Event::Ask(1));
    stage.answer_poll(|_| ());
    assert!(!stage.has_told(&Action::Wake(1)));
    stage.answer_poll(|_| ());
    assert!(stage.has_told(&Action::Wake(1)));
}

#[test]
fn a_get_waits_a_tenth_of_a_second_and_then_the_store_counts_as_away() {
    let mut stage = Stage::new();
    stage.on(Event::Ask(1));
    assert_eq!(stage.state.next_timer(), Some(stage.now.after_us(100 * MS)));
    stage.after(99 * MS);
    assert!(!stage.has_told(&Action::Wake(1)) && !stage.state.is_offline());
    stage.after(MS);
    assert!(stage.has_told(&Action::Wake(1)) && stage.state.is_offline());
    stage.on(Event::Ask(2));
    assert!(stage.has_told(&Action::Wake(2)));
}

#[test]
fn an_answered_poll_ends_the_separation() {
    let mut stage = Stage::following();
    stage.on(Event::Unreachable);
    assert!(stage.state.is_offline());
    stage.on(Event::Connected);
    assert!(stage.state.is_offline());
    stage.answer_poll(|_| ());
    assert!(!stage.state.is_offline() && stage.is_leased());
}

#[test]
fn a_poll_separates_if_it_was_sent_without_a_lease_and_not_answered_for_as_long_as_a_get_waits() {
    let mut stage = Stage::following();
    stage.after(500 * MS);
    let mut fail_after = |us: u64| {
        let (request, _) = stage.take(is_poll);
        stage.now = stage.now.after_us(us);
        stage.on(Event::Failed(request));
        stage.after(100 * MS);
        stage.state.is_offline()
    };
    assert!(!fail_after(5_000 * MS));
    assert!(!fail_after(99 * MS));
    assert!(fail_after(100 * MS));
}

#[test]
fn who_was_suspended_and_lost_its_connections_asks_before_it_answers() {
    let mut stage = Stage::following();
    stage.now = stage.now.after_us(1_500 * MS);
    // The due poll goes out before the instance notices that the store is away.
    stage.on(Event::Ask(1));
    let (request, _) = stage.take(is_poll);
    stage.on(Event::Failed(request));
    stage.on(Event::Disconnected);
    stage.on(Event::Ask(2));
    assert!(!stage.state.is_offline() && stage.told.is_empty());
    stage.after(50 * MS);
    stage.on(Event::Connected);
    stage.answer_poll(|reply| {
        (reply.last, reply.rows) = (Position(110), Some(vec![row(&Tag::from("a"), 110)]));
    });
    assert!(stage.has_told(&Action::Wake(1)) && stage.has_told(&Action::Wake(2)));
    assert!(!stage.state.is_offline() && stage.judge(Position(109), "a") == Verdict::Gone);
}

#[test]
fn a_store_that_cannot_be_reached_is_away_at_once() {
    let mut stage = Stage::following();
    stage.now = stage.now.after_us(1_500 * MS);
    stage.on(Event::Disconnected);
    stage.on(Event::Ask(1));
    assert!(!stage.has_told(&Action::Wake(1)));
    stage.on(Event::Unreachable);
    assert!(stage.has_told(&Action::Wake(1)) && stage.state.is_offline());
}

#[test]
fn a_poll_that_was_lost_is_sent_again_before_the_lease_is_over() {
    let mut stage = Stage::following();
    stage.after(500 * MS);
    stage.after(100 * MS);
    let (request, _) = stage.take(is_poll);
    stage.on(Event::Failed(request));
    stage.after(99 * MS);
    assert!(!stage.sends(is_poll));
    stage.after(MS);
    stage.answer_poll(|_| ());
    assert!(stage.is_leased());
    stage.after(900 * MS);
    assert!(stage.is_leased());
}

#[test]
fn a_table_beyond_what_doubles_can_count_is_no_table() {
    let mut stage = Stage::following();
    stage.after(500 * MS);
    let lease = stage.state.lease_until();
    stage.answer_poll(|reply| reply.last = Position((1 << 52) + 1));
    assert_eq!((stage.applied(), stage.state.lease_until()), (100, lease));
}

#[test]
fn a_message_is_applied_if_nothing_lies_between_and_acknowledged() {
    let mut stage = Stage::following();
    let lease = stage.state.lease_until();
    stage.hear(100, 110, "a");
    assert_eq!((stage.applied(), stage.judge(Position(109), "a")), (110, Verdict::Gone));
    assert!(stage.sends(|sent| *sent == Command::Ack(Position(110))));
    assert_eq!(stage.state.lease_until(), lease);
}

#[test]
fn one_acknowledgement_is_under_way_and_the_next_is_the_latest() {
    let mut stage = Stage::following();
    stage.hear(100, 110, "a");
    stage.hear(110, 120, "a");
    stage.hear(120, 130, "a");
    stage.answer(|sent| *sent == Command::Ack(Position(110)), Answer::Done);
    stage.after(2 * MS);
    let (_, next) = stage.take(|sent| matches!(sent, Command::Ack(_)));
    assert_eq!(next, Command::Ack(Position(130)));
    assert!(!stage.sends(|sent| matches!(sent, Command::Ack(_))));
}

#[test]
fn a_message_from_the_far_future_is_not_applied_but_asked_about() {
    let mut stage = Stage::following();
    let far = stage.now.0 + 60_000 * MS;
    stage.hear(100, far, "a");
    assert_eq!((stage.applied(), stage.judge(Position(99), "a")), (100, Verdict::Fresh));
    assert!(stage.sends(|sent| matches!(sent, Command::Poll(_))));
    // One step is as good as the time.
    stage.hear(100, 100 + MOST_STEP, "a");
    assert_eq!(stage.judge(Position(99), "a"), Verdict::Gone);
}

#[test]
fn a_message_heard_twice_or_late_changes_nothing() {
    let mut stage = Stage::following();
    stage.hear(100, 110, "a");
    let before = stage.state.revision();
    stage.hear(100, 110, "a");
    stage.hear(90, 100, "a");
    assert_eq!((stage.applied(), stage.state.revision()), (110, before));
    assert!(!stage.sends(is_poll));
}

#[test]
fn a_message_of_another_life_of_the_table_is_not_applied() {
    let mut stage = Stage::following();
    let mut other = message(100, 110, "a");
    other.epoch = Epoch(8);
    stage.on(Event::Heard(other));
    assert_eq!(stage.applied(), 100);
    assert!(stage.sends(is_poll));
}

#[test]
fn deadlines_of_the_store_come_rather_early_than_late() {
    let mut stage = Stage::following();
    stage.after(500 * MS);
    let sent = stage.now;
    stage.after(80 * MS);
    // The store answered at some moment between the two.
    let store_now = sent.0 + 30 * MS + AHEAD_US;
    stage.answer_poll(|reply| {
        (reply.last, reply.now_us) = (Position(110), store_now);
        let soft = Row {
            tag: Tag::from("a"),
            hard: Position(0),
            soft: Position(110),
            deadline_us: Some(store_now + 1_000 * MS),
        };
        reply.rows = Some(vec![soft]);
    });
    let deadline = stage.state.table().of(b"a").deadline().unwrap();
    assert_eq!(deadline, sent.after_us(1_000 * MS));
    assert_eq!(stage.state.store_offset_us(), (30 * MS + AHEAD_US) as i64);
}
