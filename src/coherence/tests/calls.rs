use super::*;

#[test]
fn an_own_invalidation_is_in_effect_before_it_leaves() {
    let mut stage = Stage::following();
    let before = stage.present();
    stage.invalidate(1, "a");
    assert_eq!(stage.judge(before, "a"), Verdict::Gone);
    assert_eq!(stage.judge(stage.present(), "a"), Verdict::Fresh);
    let (_, sent) = stage.take(is_write);
    let Command::Invalidate { known: Some(known), tags } = sent else { panic!() };
    assert_eq!((known.epoch, known.applied), (EPOCH, Position(100)));
    assert_eq!(tags, [(Tag::from("a"), Lifetime::None)]);
}

#[test]
fn a_message_that_is_faster_than_its_own_answer_kills_nothing_generated_since() {
    let mut stage = Stage::following();
    stage.invalidate(1, "a");
    // Until the answer arrives, the message may be another instance's, with the own one still to
    // come.
    stage.hear(100, 110, "a");
    assert_eq!(stage.judge(Position(110), "a"), Verdict::Gone);
    stage.answer_write(100, 110, |_| ());
    assert_eq!(stage.judge(Position(109), "a"), Verdict::Gone);
    assert_eq!(stage.judge(Position(110), "a"), Verdict::Fresh);
}

#[test]
fn one_answer_says_nothing_of_another_invalidation_of_the_tag() {
    let mut stage = Stage::following();
    stage.invalidate(1, "a");
    stage.invalidate(2, "a");
    stage.hear(100, 110, "a");
    stage.answer_write(100, 110, |_| ());
    assert_eq!(stage.judge(Position(110), "a"), Verdict::Gone);
    stage.answer_write(110, 120, |_| ());
    assert_eq!(stage.judge(Position(119), "a"), Verdict::Gone);
    assert_eq!(stage.judge(Position(120), "a"), Verdict::Fresh);
}

#[test]
fn it_resolves_when_all_others_have_applied_it() {
    let mut stage = Stage::following();
    stage.invalidate(1, "a");
    stage.answer_write(100, 110, |_| ());
    assert_eq!(stage.applied(), 110);
    stage.after(MS);
    stage.look(Some(100), Some(1));
    assert!(!stage.has_told(&Action::Resolve(1, Outcome::Everywhere)));
    stage.after(2 * MS);
    stage.look(Some(110), Some(1));
    assert!(stage.has_told(&Action::Resolve(1, Outcome::Everywhere)));
}

#[test]
fn others_that_are_recorded_all_the_time_put_no_look_off() {
    let mut stage = Stage::following();
    for nth in 1..=4 {
        stage.invalidate(nth, "a");
    }
    let mut looked = false;
    for nth in 0..4 {
        stage.answer_write(100 + nth * 10, 110 + nth * 10, |_| ());
        stage.after(MS / 2);
        looked |= stage.sends(|sent| *sent == Command::ReadAcks);
    }
    assert!(looked);
}

#[test]
fn an_own_position_that_a_poll_led_past_is_confirmed_by_another_at_once() {
    let mut stage = Stage::following();
    stage.invalidate(1, "a");
    stage.after(500 * MS);
    stage.answer_write(105, 110, |_| ());
    stage.answer_poll(|reply| {
        reply.last = Position(120);
        reply.rows = Some(vec![row(&Tag::from("b"), 120)]);
    });
    assert_eq!(stage.applied(), 120);
    let (_, Command::Poll(known)) = stage.take(is_poll) else { panic!() };
    assert_eq!(known.open, [Position(110)]);
}

/// Answers the invalidation of everything under way.
fn answer_all(stage: &mut Stage, previous: u64, position: u64) {
    let written = Invalidated {
        epoch: EPOCH,
        previous: Position(previous),
        position: Position(position),
        rows: Vec::new(),
        born_us: 1,
        now_us: stage.now.0 + AHEAD_US,
    };
    let is_all = |sent: &Command| matches!(sent, Command::RaiseFloor { .. });
    stage.answer(is_all, Answer::Invalidated(written));
}

#[test]
fn an_invalidation_of_everything_resolves_when_all_others_have_applied_it() {
    let mut stage = Stage::following();
    let before = stage.present();
    stage.on(Event::InvalidateAll(1));
    assert_eq!(stage.judge(before, "any"), Verdict::Gone);
    assert_eq!(stage.judge(stage.present(), "any"), Verdict::Fresh);
    answer_all(&mut stage, 100, 110);
    assert_eq!(stage.applied(), 110);
    assert_eq!(stage.judge(Position(109), "any"), Verdict::Gone);
    assert_eq!(stage.judge(Position(110), "any"), Verdict::Fresh);
    stage.after(MS);
    stage.look(Some(100), Some(1));
    assert!(!stage.has_told(&Action::Resolve(1, Outcome::Everywhere)));
    stage.after(2 * MS);
    stage.look(Some(110), Some(1));
    assert!(stage.has_told(&Action::Resolve(1, Outcome::Everywhere)));
}

#[test]
fn an_invalidation_of_everything_that_finds_no_store_is_in_effect_here() {
    let mut stage = Stage::following();
    stage.go_offline();
    let before = stage.present();
    stage.on(Event::InvalidateAll(1));
    assert_eq!(stage.judge(before, "any"), Verdict::Gone);
    assert!(stage.has_told(&Action::Resolve(1, Outcome::Here)));
    for state in [Coherence::alone(10), Coherence::build(10)] {
        let mut alone = Stage::of(state);
        let before = alone.present();
        alone.on(Event::InvalidateAll(2));
        assert_eq!(alone.judge(before, "any"), Verdict::Gone);
        assert!(alone.has_told(&Action::Resolve(2, Outcome::Everywhere)));
    }
}

#[test]
fn looks_become_rarer() {
    let mut stage = Stage::following();
    stage.invalidate(1, "a");
    stage.answer_write(100, 110, |_| ());
    let mut at = Vec::new();
    for ms in 1..=31 {
        stage.after(MS);
        if stage.sends(|sent| *sent == Command::ReadAcks) {
            at.push(ms);
            stage.look(Some(0), Some(1));
        }
    }
    assert_eq!(at, [1, 3, 7, 15, 31]);
}

#[test]
fn it_resolves_when_every_lease_given_before_is_over_and_the_silent_are_removed() {
    let mut stage = Stage::following();
    stage.invalidate(1, "a");
    stage.after(20 * MS);
    stage.answer_write(100, 110, |_| ());
    stage.after(1_009 * MS);
    assert!(!stage.has_told(&Action::Resolve(1, Outcome::Everywhere)));
    stage.after(MS);
    assert!(stage.has_told(&Action::Resolve(1, Outcome::Everywhere)));
    assert!(stage.sends(|sent| *sent == Command::Remove(Position(110))));
}

#[test]
fn however_late_it_is_recorded_every_lease_is_waited_for() {
    let mut stage = Stage::following();
    stage.invalidate(1, "a");
    stage.after(999 * MS);
    stage.answer_write(100, 110, |_| ());
    stage.after(1_009 * MS);
    assert!(!stage.told.iter().any(|told| matches!(told, Action::Resolve(..))));
    stage.after(MS);
    assert!(stage.has_told(&Action::Resolve(1, Outcome::Everywhere)));
}

#[test]
fn a_call_ends_though_no_poll_tells_what_lies_below_it() {
    let mut stage = Stage::following();
    stage.invalidate(1, "a");
    stage.answer_write(105, 110, |_| ());
    stage.after(2_109 * MS);
    assert!(!stage.told.iter().any(|told| matches!(told, Action::Resolve(..))));
    assert_eq!(stage.state.next_timer(), Some(stage.now.after_us(MS)));
    stage.after(MS);
    assert!(stage.has_told(&Action::Resolve(1, Outcome::Here)));
}

fn waits_in_full(prepare: impl FnOnce(&mut Stage), born_us: u64, look: Option<u64>) {
    let mut stage = Stage::following();
    prepare(&mut stage);
    stage.invalidate(1, "a");
    stage.answer_write(100, 110, |written| written.born_us = born_us);
    stage.after(MS);
    if stage.sends(|sent| *sent == Command::ReadAcks) {
        stage.look(Some(110), look);
    }
    stage.after(1_008 * MS);
    assert!(!stage.has_told(&Action::Resolve(1, Outcome::Everywhere)));
    stage.after(MS);
    assert!(stage.has_told(&Action::Resolve(1, Outcome::Everywhere)));
}

#[test]
fn a_young_list_of_instances_proves_nothing() {
    let now_us = Stage::following().now.0 + AHEAD_US;
    waits_in_full(|_| (), now_us - 999 * MS, Some(now_us - 999 * MS));
    waits_in_full(|_| (), 0, Some(1));
}

#[test]
fn a_list_of_instances_that_was_lost_or_made_anew_proves_nothing() {
    waits_in_full(|_| (), 1, None);
    waits_in_full(|_| (), 1, Some(2));
}

#[test]
fn a_young_connection_proves_nothing() {
    let reconnect = |stage: &mut Stage| {
        stage.on(Event::Disconnected);
        stage.on(Event::Connected);
        stage.answer_poll(|_| ());
    };
    waits_in_full(reconnect, 1, Some(1));
}

#[test]
fn a_look_sent_before_the_position_was_known_proves_nothing() {
    let mut stage = Stage::following();
    stage.invalidate(1, "a");
    stage.answer_write(100, 110, |_| ());
    stage.after(MS);
    let (look, _) = stage.take(|sent| *sent == Command::ReadAcks);
    stage.after(MS);
    stage.invalidate(2, "b");
    stage.answer_write(110, 120, |_| ());
    let answer = Answer::Acks { lowest: None, born_us: Some(1) };
    stage.on(Event::Answered(look, answer));
    assert!(stage.has_told(&Action::Resolve(1, Outcome::Everywhere)));
    assert!(!stage.has_told(&Action::Resolve(2, Outcome::Everywhere)));
}

#[test]
fn overtaken_by_others_it_polls_and_resolves_only_when_it_knows_what_lies_between() {
    let mut stage = Stage::following();
    stage.invalidate(1, "a");
    stage.answer_write(105, 110, |_| ());
    assert_eq!(stage.applied(), 100);
    stage.after(MS);
    stage.look(None, Some(1));
    assert!(!stage.has_told(&Action::Resolve(1, Outcome::Everywhere)));
    stage.after(MS);
    let (request, poll) = stage.take(is_poll);
    let Command::Poll(known) = &poll else { panic!() };
    assert_eq!(known.open, [Position(110)]);
    stage.sent.push((request, poll));
    stage.answer_poll(|reply| reply.last = Position(110));
    assert!(stage.has_told(&Action::Resolve(1, Outcome::Everywhere)));
    stage.after(500 * MS);
    let (_, Command::Poll(known)) = stage.take(is_poll) else { panic!() };
    assert_eq!(known.open, []);
}

#[test]
fn many_tags_are_several_commands_and_one_outcome() {
    let mut stage = Stage::following();
    let tags = (0..=MOST_TAGS).map(|n| Tag::from(&*n.to_string())).collect();
    stage.on(Event::Invalidate(1, tags, Lifetime::None));
    stage.answer_write(100, 110, |_| ());
    stage.after(MS);
    stage.look(None, Some(1));
    assert!(!stage.has_told(&Action::Resolve(1, Outcome::Everywhere)));
    stage.answer_write(110, 120, |_| ());
    stage.after(MS);
    stage.look(None, Some(1));
    assert!(stage.has_told(&Action::Resolve(1, Outcome::Everywhere)));
}

#[test]
fn few_of_many_commands_are_under_way_at_once() {
    let mut stage = Stage::following();
    let tags = (0..10 * MOST_TAGS).map(|n| Tag::from(&*n.to_string())).collect();
    stage.on(Event::Invalidate(1, tags, Lifetime::None));
    for nth in 0..10 {
        let writes = stage.sent.iter().filter(|(_, sent)| is_write(sent)).count();
        assert_eq!(writes, 4.min(10 - nth));
        // Nothing is due before an answer comes.
        assert!(stage.state.next_timer().unwrap() > stage.now);
        let before = 100 + nth as u64 * 10;
        stage.answer_write(before, before + 10, |_| ());
    }
    assert!(!stage.sends(is_write));
}

#[test]
fn a_soft_invalidation_tried_again_keeps_its_deadline() {
    let mut stage = Stage::following();
    let tags = vec![Tag::from("a")];
    stage.on(Event::Invalidate(1, tags, Lifetime::Micros(5_000 * MS)));
    stage.after(50 * MS);
    let (request, _) = stage.take(is_write);
    stage.on(Event::Failed(request));
    stage.after(100 * MS);
    let (_, Command::Invalidate { tags, .. }) = stage.take(is_write) else { panic!() };
    assert_eq!(tags[0].1, Lifetime::Micros(4_850 * MS));
}

#[test]
fn nothing_is_written_before_a_table_was_seen() {
    let mut stage = Stage::new();
    stage.invalidate(1, "a");
    stage.on(Event::Connected);
    assert!(!stage.sends(is_write));
    stage.answer_poll(|reply| (reply.last, reply.rows) = (Position(100), None));
    assert!(!stage.sends(is_write));
    stage.answer(|sent| *sent == Command::Load, loaded(&[]));
    assert!(stage.sends(is_write));
    assert_eq!(stage.judge(Position(100), "a"), Verdict::Gone);
}

#[test]
fn a_look_that_failed_is_repeated_after_a_pause_that_grows() {
    let mut stage = Stage::following();
    stage.invalidate(1, "a");
    stage.answer_write(100, 110, |_| ());
    let is_look = |sent: &Command| *sent == Command::ReadAcks;
    stage.after(MS);
    let mut looks = 0;
    for _ in 0..64 {
        while stage.sends(is_look) {
            looks += 1;
            let (request, _) = stage.take(is_look);
            stage.on(Event::Failed(request));
            assert!(!stage.sends(is_look), "immediately");
        }
        stage.after(MS);
    }
    assert!((4..=7).contains(&looks), "{looks}");
}
