use super::*;

/// A stage with as many commands under way as may be, of the calls from 1 on.
fn busy() -> Stage {
    let mut stage = Stage::following();
    for call in 1..=4 {
        stage.invalidate(call, &format!("busy {call}"));
    }
    assert_eq!(stage.sent.iter().filter(|(_, sent)| is_write(sent)).count(), 4);
    stage
}

/// The answers to these.
fn answer_busy(stage: &mut Stage) {
    for at in [100, 110, 120, 130] {
        stage.answer_write(at, at + 10, |_| ());
    }
}

/// The same, with two calls that share the next command: one has waited for half of its time when the
/// other comes.
fn sharing() -> Stage {
    let mut stage = busy();
    stage.invalidate(5, "a");
    stage.after(500 * MS);
    stage.invalidate(6, "b");
    stage
}

fn is_resolved(stage: &Stage, call: Call) -> Option<Outcome> {
    stage.told.iter().find_map(|told| match told {
        Action::Resolve(other, outcome) if *other == call => Some(*outcome),
        _ => None,
    })
}

#[test]
fn calls_that_come_while_enough_is_under_way_share_a_command() {
    let mut stage = busy();
    let calls = 5..=10_000;
    for call in calls.clone() {
        stage.invalidate(call, &call.to_string());
    }
    let (mut commands, mut at) = (0, 100);
    while stage.sends(is_write) {
        assert!(stage.sent.iter().filter(|(_, sent)| is_write(sent)).count() <= 4);
        stage.answer_write(at, at + 10, |_| ());
        (commands, at) = (commands + 1, at + 10);
    }
    assert_eq!(commands, 4 + calls.clone().count().div_ceil(MOST_TAGS));
    stage.after(MS);
    stage.look(Some(at), Some(1));
    assert!(calls.into_iter().all(|call| is_resolved(&stage, call) == Some(Outcome::Everywhere)));
    assert_eq!(stage.judge(Position(at - 1), "10000"), Verdict::Gone);
    assert_eq!(stage.judge(Position(at), "10000"), Verdict::Fresh);
}

#[test]
fn a_tag_of_several_calls_is_written_once_and_hard_if_one_of_them_is() {
    let mut stage = busy();
    let soft = Lifetime::Micros(5_000 * MS);
    for (call, lifetime) in [(5, soft), (6, Lifetime::None), (7, Lifetime::Unlimited)] {
        stage.on(Event::Invalidate(call, vec![Tag::from("a")], lifetime));
    }
    assert_eq!(stage.judge(Position(100), "a"), Verdict::Gone);
    answer_busy(&mut stage);
    let written = stage.sent.iter().find(|(_, sent)| is_write(sent)).map(|(_, sent)| sent);
    let Some(Command::Invalidate { tags, .. }) = written else { panic!() };
    assert_eq!(*tags, [(Tag::from("a"), Lifetime::None)]);
    stage.answer_write(140, 150, |_| ());
    assert_eq!(stage.judge(Position(149), "a"), Verdict::Gone);
    assert_eq!(stage.judge(Position(150), "a"), Verdict::Fresh);
    stage.after(MS);
    stage.look(Some(150), Some(1));
    assert!((5..=7).all(|call| is_resolved(&stage, call) == Some(Outcome::Everywhere)));
}

#[test]
fn a_call_that_waits_no_longer_leaves_its_command_to_the_others() {
    let mut stage = sharing();
    stage.after(500 * MS);
    assert!((1..=5).all(|call| is_resolved(&stage, call) == Some(Outcome::Here)));
    assert_eq!(is_resolved(&stage, 6), None);
    answer_busy(&mut stage);
    let shared = |sent: &Command| {
        let Command::Invalidate { tags, .. } = sent else { return false };
        tags.iter().map(|(tag, _)| tag).eq(["a", "b"].map(Tag::from).iter())
    };
    assert!(stage.sends(shared));
    stage.answer_write(140, 150, |_| ());
    stage.after(MS);
    stage.look(Some(150), Some(1));
    assert_eq!(is_resolved(&stage, 6), Some(Outcome::Everywhere));
}

#[test]
fn what_a_call_has_waited_for_in_vain_is_owed_while_others_go_on_waiting() {
    let mut stage = sharing();
    stage.after(499 * MS);
    answer_busy(&mut stage);
    stage.after(MS);
    assert_eq!((is_resolved(&stage, 5), is_resolved(&stage, 6)), (Some(Outcome::Here), None));
    let until = stage.state.lease_until();
    for _ in 0..4 {
        stage.after(100 * MS);
        while stage.sends(is_poll) {
            stage.answer_poll(|_| ());
        }
    }
    assert_eq!(is_resolved(&stage, 6), None);
    assert_eq!(stage.state.lease_until(), until, "others do not know of it");
}

#[test]
fn a_tag_of_any_number_of_calls_is_one_command_however_they_end() {
    let mut stage = busy();
    let calls = 5..=10_000;
    for call in calls.clone() {
        stage.invalidate(call, "a");
    }
    stage.after(1_000 * MS);
    assert!(calls.clone().all(|call| is_resolved(&stage, call) == Some(Outcome::Here)));
    assert!(stage.has_told(&Action::Queued(1)));
    answer_busy(&mut stage);
    stage.after(200 * MS);
    let writes = stage.sent.iter().filter(|(_, sent)| is_write(sent)).count();
    assert_eq!(writes, 1);
    stage.answer_write(140, 150, |_| ());
    assert_eq!(stage.judge(Position(149), "a"), Verdict::Gone);
    assert_eq!(stage.judge(Position(150), "a"), Verdict::Fresh);
}

#[test]
fn what_nobody_waits_for_any_more_is_put_off() {
    let mut stage = busy();
    stage.invalidate(5, "a");
    stage.invalidate(6, "b");
    stage.after(1_000 * MS);
    assert!((1..=6).all(|call| is_resolved(&stage, call) == Some(Outcome::Here)));
    assert!(stage.has_told(&Action::Queued(2)));
    assert_eq!(stage.judge(Position(100), "b"), Verdict::Gone);
}

#[test]
fn on_a_busy_store_calls_that_come_soon_after_a_command_share_the_next() {
    for (took_us, rest_us) in [(0, 0), (2 * MS, 4 * MS), (50 * MS, 10 * MS)] {
        let mut stage = Stage::following();
        written_after(&mut stage, took_us);
        stage.after(100 * MS);
        let sent = stage.now;
        stage.invalidate(2, "b");
        assert!(stage.sends(is_write), "the first after a rest leaves at once");
        stage.invalidate(3, "c");
        stage.invalidate(4, "d");
        let writes = |stage: &Stage| stage.sent.iter().filter(|(_, sent)| is_write(sent)).count();
        if rest_us == 0 {
            assert_eq!(writes(&stage), 3);
            continue;
        }
        assert_eq!(writes(&stage), 1);
        stage.now = sent.after_us(rest_us);
        stage.on(Event::Tick);
        assert_eq!(writes(&stage), 2);
    }
}

/// Has a command answered after the time that it takes to get to the store and back, and another after
/// so much more.
fn written_after(stage: &mut Stage, more_us: u64) {
    for (position, took_us) in [(105, 3 * MS), (110, 3 * MS + more_us)] {
        stage.invalidate(1, "a");
        stage.now = stage.now.after_us(took_us);
        stage.answer_write(position - 5, position, |_| ());
    }
}

#[test]
fn a_batch_that_is_full_does_not_rest() {
    let mut stage = Stage::following();
    written_after(&mut stage, 50 * MS);
    let tags = (0..3 * MOST_TAGS).map(|n| Tag::from(&*n.to_string())).collect();
    stage.on(Event::Invalidate(2, tags, Lifetime::None));
    assert_eq!(stage.sent.iter().filter(|(_, sent)| is_write(sent)).count(), 3);
}
