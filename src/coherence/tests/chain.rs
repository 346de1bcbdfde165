//! News out of order, and how often it is acknowledged.

use super::*;

fn is_ack(command: &Command) -> bool {
    matches!(command, Command::Ack(_))
}

#[test]
fn a_message_ahead_of_its_turn_is_applied_once_the_gap_has_closed() {
    let mut stage = Stage::following();
    stage.hear(110, 120, "b");
    assert_eq!((stage.applied(), stage.judge(Position(119), "b")), (100, Verdict::Fresh));
    stage.hear(120, 130, "c");
    stage.hear(100, 110, "a");
    assert_eq!((stage.applied(), stage.judge(Position(129), "c")), (130, Verdict::Gone));
    stage.after(10 * MS);
    assert!(!stage.sends(is_poll));
}

#[test]
fn a_gap_that_stays_is_polled_for() {
    let mut stage = Stage::following();
    stage.hear(110, 120, "b");
    assert!(!stage.sends(is_poll));
    assert_eq!(stage.state.next_timer(), Some(stage.now.after_us(2 * MS)));
    stage.after(2 * MS);
    // The poll fills the gap, and no other is needed for what was kept.
    stage.answer_poll(|reply| {
        reply.last = Position(110);
        reply.rows = Some(vec![row(&Tag::from("a"), 110)]);
    });
    assert_eq!((stage.applied(), stage.judge(Position(119), "b")), (120, Verdict::Gone));
    stage.after(10 * MS);
    assert!(!stage.sends(is_poll));
}

#[test]
fn what_a_poll_that_was_sent_later_does_not_show_is_no_news() {
    let mut stage = Stage::following();
    stage.hear(110, 120, "b");
    stage.after(2 * MS);
    stage.hear(130, 140, "c");
    stage.answer_poll(|_| ());
    stage.after(2 * MS);
    // What came while that was under way may be news.
    stage.answer_poll(|_| ());
    stage.after(400 * MS);
    assert!(!stage.sends(is_poll));
    stage.hear(100, 110, "a");
    assert_eq!(stage.applied(), 110, "the other two are not kept");
}

#[test]
fn what_closes_again_and_again_is_no_gap() {
    let mut stage = Stage::following();
    stage.hear(110, 120, "a");
    for applied in (100..500).step_by(20) {
        stage.after(MS);
        stage.hear(applied + 30, applied + 40, "a");
        stage.hear(applied, applied + 10, "a");
        assert_eq!((stage.applied(), stage.sends(is_poll)), (applied + 20, false));
    }
}

#[test]
fn a_gap_is_polled_for_no_sooner_than_after_a_poll_that_failed() {
    let mut stage = Stage::following();
    stage.hear(110, 120, "b");
    stage.after(2 * MS);
    let (request, _) = stage.take(is_poll);
    stage.on(Event::Failed(request));
    stage.after(99 * MS);
    assert!(!stage.sends(is_poll));
    stage.after(MS);
    assert!(stage.sends(is_poll));
}

#[test]
fn of_a_position_that_is_not_applied_nobody_knows_that_the_store_assigned_it() {
    let mut stage = Stage::following();
    let far = stage.now.0 + 3_600_000 * MS;
    stage.hear(far, far + 1, "b");
    assert!(stage.sends(is_poll), "it was kept");
}

#[test]
fn what_is_kept_is_bounded_and_beyond_that_a_poll_brings_it() {
    let mut stage = Stage::following();
    for nth in 1..=64 {
        stage.hear(100 + nth * 10, 110 + nth * 10, "a");
        assert!(!stage.sends(is_poll));
    }
    stage.hear(1_000, 1_010, "b");
    assert!(stage.sends(is_poll));
}

#[test]
fn what_was_kept_of_another_history_is_not_applied() {
    let mut stage = Stage::following();
    stage.hear(110, 120, "b");
    stage.after(2 * MS);
    stage.answer_poll(|reply| (reply.last, reply.known) = (Position(110), false));
    stage.answer(|sent| *sent == Command::Load, loaded(&[]));
    assert_eq!((stage.applied(), stage.judge(Position(119), "b")), (110, Verdict::Fresh));
}

#[test]
fn an_answer_that_comes_before_the_messages_below_it_waits_for_them() {
    let mut stage = Stage::following();
    stage.invalidate(1, "a");
    stage.answer_write(105, 110, |_| ());
    assert_eq!(stage.applied(), 100);
    stage.hear(100, 105, "b");
    assert_eq!(stage.applied(), 110);
    stage.after(500 * MS);
    let (_, Command::Poll(known)) = stage.take(is_poll) else { panic!() };
    assert_eq!((known.applied, known.open), (Position(110), Vec::new()));
}

#[test]
fn an_answer_that_comes_after_its_own_message_and_the_next_is_no_news() {
    let mut stage = Stage::following();
    stage.invalidate(1, "a");
    stage.hear(100, 110, "a");
    stage.hear(110, 120, "b");
    stage.answer_write(100, 110, |_| ());
    stage.after(500 * MS);
    let (_, Command::Poll(known)) = stage.take(is_poll) else { panic!() };
    assert_eq!((known.applied, known.open), (Position(120), Vec::new()));
}

#[test]
fn a_poll_that_messages_overtook_counts_if_it_ends_at_one_of_them() {
    let mut stage = Stage::following();
    stage.after(500 * MS);
    let sent = stage.now;
    stage.hear(100, 110, "a");
    stage.hear(110, 120, "b");
    stage.answer_poll(|reply| {
        reply.last = Position(110);
        reply.rows = Some(vec![row(&Tag::from("a"), 110)]);
    });
    assert_eq!(stage.state.lease_until(), sent.after_us(1_000 * MS));
    stage.after(499 * MS);
    assert!(!stage.sends(is_poll), "it is polled again before its time");
}

#[test]
fn a_poll_that_messages_overtook_raises_what_is_applied_if_it_tells_of_the_last() {
    let mut stage = Stage::following();
    stage.after(500 * MS);
    stage.hear(100, 110, "a");
    stage.answer_poll(|reply| {
        reply.last = Position(120);
        reply.rows = Some(vec![row(&Tag::from("a"), 110), row(&Tag::from("b"), 120)]);
    });
    assert_eq!(stage.applied(), 120);
}

#[test]
fn after_an_acknowledgement_the_next_waits_the_longer_the_longer_the_last_waited_for_others() {
    for (took_us, rest_us) in [(300, 1_500), (1_200, 8_000), (20_000, 25_000)] {
        let mut stage = Stage::following();
        // The way to the store and back says nothing of how busy it is.
        acked(&mut stage, 100, 200);
        stage.after(500 * MS);
        let sent = acked(&mut stage, 110, took_us);
        stage.hear(120, 130, "a");
        assert!(!stage.sends(is_ack));
        stage.now = sent.after_us(rest_us - 1);
        stage.on(Event::Tick);
        assert!(!stage.sends(is_ack));
        stage.now = sent.after_us(rest_us);
        stage.on(Event::Tick);
        assert!(stage.sends(|sent| *sent == Command::Ack(Position(130))));
    }
}

/// Hears the news after `applied`, and has its acknowledgement answered; when that was sent.
fn acked(stage: &mut Stage, applied: u64, took_us: u64) -> Timestamp {
    stage.hear(applied, applied + 10, "a");
    let sent = stage.now;
    stage.now = stage.now.after_us(took_us);
    stage.answer(is_ack, Answer::Done);
    sent
}
