use super::*;

/// Tags that the table of a stage has room for.
const MOST_TAGS_HERE: u64 = 1_000;

fn fail_write(stage: &mut Stage) {
    let (request, _) = stage.take(is_write);
    stage.on(Event::Failed(request));
}

#[test]
fn without_the_store_an_invalidation_works_here_at_once_and_is_put_off() {
    let mut stage = Stage::following();
    stage.go_offline();
    let before = stage.present();
    stage.invalidate(1, "a");
    assert_eq!(stage.judge(before, "a"), Verdict::Gone);
    assert!(stage.has_told(&Action::Resolve(1, Outcome::Here)));
    assert!(stage.has_told(&Action::Queued(1)));
}

#[test]
fn while_the_store_may_be_back_in_time_an_invalidation_waits_for_it() {
    let mut stage = Stage::following();
    stage.on(Event::Unreachable);
    stage.after(999 * MS);
    stage.invalidate(1, "a");
    assert_eq!(stage.judge(stage.present(), "a"), Verdict::Fresh);
    assert!(stage.told.is_empty());
    stage.on(Event::Connected);
    stage.answer_poll(|_| ());
    stage.answer_write(100, 110, |_| ());
    stage.after(1_010 * MS);
    assert!(stage.has_told(&Action::Resolve(1, Outcome::Everywhere)));
}

#[test]
fn if_the_store_is_not_back_in_time_an_invalidation_is_put_off() {
    let mut stage = Stage::following();
    stage.on(Event::Disconnected);
    stage.invalidate(1, "a");
    stage.after(999 * MS);
    assert!(stage.told.is_empty());
    stage.after(MS);
    assert_eq!(stage.told, [Action::Resolve(1, Outcome::Here), Action::Queued(1)]);
}

#[test]
fn no_lease_is_taken_before_what_was_put_off_is_recorded() {
    let mut stage = Stage::following();
    stage.go_offline();
    stage.now = stage.now.after_us(5_000 * MS);
    stage.invalidate(1, "a");
    let generated = stage.present();
    stage.after(5_000 * MS);
    stage.on(Event::Connected);
    stage.answer_poll(|reply| reply.last = Position(110));
    assert!(!stage.is_leased() && !stage.state.is_offline());
    // Entries that others generated before stay dead here; so do those generated here.
    assert_eq!(stage.judge(Position(110), "a"), Verdict::Gone);
    assert_eq!(stage.judge(generated, "a"), Verdict::Gone);
    assert_eq!(stage.judge(stage.present(), "a"), Verdict::Fresh);
    stage.answer_write(110, 120, |_| ());
    assert!(!stage.is_leased());
    stage.answer_poll(|_| ());
    assert!(stage.is_leased());
    assert_eq!(stage.applied(), 120);
}

#[test]
fn an_invalidation_that_failed_is_tried_again_within_the_budget_of_its_call() {
    let mut stage = Stage::following();
    stage.invalidate(1, "a");
    fail_write(&mut stage);
    assert!(!stage.sends(is_write));
    stage.after(100 * MS);
    stage.answer_write(100, 110, |_| ());
    stage.after(MS);
    stage.look(None, Some(1));
    assert!(stage.has_told(&Action::Resolve(1, Outcome::Everywhere)));
}

#[test]
fn past_its_budget_a_call_resolves_here_and_its_tags_are_put_off() {
    let mut stage = Stage::following();
    stage.invalidate(1, "a");
    for _ in 0..9 {
        fail_write(&mut stage);
        stage.after(100 * MS);
    }
    fail_write(&mut stage);
    assert!(!stage.has_told(&Action::Resolve(1, Outcome::Here)));
    stage.after(100 * MS);
    assert!(stage.has_told(&Action::Resolve(1, Outcome::Here)));
    assert!(stage.has_told(&Action::Queued(1)));
    stage.after(100 * MS);
    assert!(stage.sends(is_write));
}

#[test]
fn a_command_under_way_at_the_end_of_the_budget_may_still_be_recorded() {
    let mut stage = Stage::following();
    stage.invalidate(1, "a");
    stage.after(1_000 * MS);
    assert!(stage.has_told(&Action::Resolve(1, Outcome::Here)));
    assert!(!stage.has_told(&Action::Queued(1)));
    stage.answer_write(100, 110, |_| ());
    stage.after(200 * MS);
    assert!(!stage.sends(is_write));
}

#[test]
fn what_was_under_way_at_the_end_of_the_budget_and_failed_is_told_once() {
    let mut stage = Stage::following();
    stage.invalidate(1, "a");
    stage.after(1_000 * MS);
    assert!(stage.has_told(&Action::Resolve(1, Outcome::Here)));
    for _ in 0..3 {
        fail_write(&mut stage);
        stage.after(100 * MS);
    }
    let queued = stage.told.iter().filter(|told| matches!(told, Action::Queued(_)));
    assert_eq!(queued.collect::<Vec<_>>(), [&Action::Queued(1)]);
}

#[test]
fn what_is_put_off_is_replayed_in_few_commands_at_a_time_and_kills_nothing_else() {
    let mut stage = Stage::of(Coherence::fleet(100_000, Timing::default()));
    stage.follow();
    stage.go_offline();
    for n in 0..200 {
        let tags = (0..100).map(|m| Tag::from(&*format!("{n}-{m}"))).collect();
        stage.on(Event::Invalidate(n, tags, Lifetime::None));
    }
    stage.after(200 * MS);
    stage.on(Event::Connected);
    stage.answer_poll(|_| ());
    let mut written = 0;
    let mut last = 100;
    while stage.sends(is_write) {
        let under_way = stage.sent.iter().filter(|(_, sent)| is_write(sent)).count();
        assert!(under_way <= 4, "{under_way}");
        stage.answer_write(last, last + 1, |told| written += told.rows.len());
        last += 1;
    }
    assert_eq!(written, 20_000);
    assert!(!stage.sends(|sent| matches!(sent, Command::RaiseFloor { .. })));
    assert_eq!(stage.judge(Position(100), "never named"), Verdict::Fresh);
    assert_eq!(stage.judge(Position(100), "7-99"), Verdict::Gone);
    stage.answer_poll(|_| ());
    assert!(stage.is_leased());
    assert_eq!(stage.applied(), last);
}

#[test]
fn too_many_put_off_invalidate_everything() {
    let mut stage = Stage::following();
    stage.go_offline();
    for n in 0..=MOST_TAGS_HERE {
        assert!(!stage.has_told(&Action::Overflowed), "{n}");
        stage.on(Event::Invalidate(n, vec![Tag::from(&*n.to_string())], Lifetime::Unlimited));
    }
    stage.invalidate(9_999, "one more");
    let overflowed = stage.told.iter().filter(|told| **told == Action::Overflowed);
    assert_eq!(overflowed.count(), 1);
    assert_eq!(stage.judge(Position(100), "one more"), Verdict::Gone);
    let generated = stage.present();
    stage.after(200 * MS);
    stage.on(Event::Connected);
    stage.answer_poll(|_| ());
    assert!(!stage.sends(is_write));
    stage.answer(
        |sent| matches!(sent, Command::RaiseFloor { known: Some(_) }),
        Answer::Invalidated(Invalidated {
            epoch: EPOCH,
            previous: Position(100),
            position: Position(110),
            rows: Vec::new(),
            born_us: 1,
            now_us: 0,
        }),
    );
    assert_eq!(stage.judge(Position(109), "never named"), Verdict::Gone);
    assert_eq!(stage.judge(generated, "never named"), Verdict::Gone);
    assert_eq!(stage.judge(Position(110), "never named"), Verdict::Fresh);
    stage.answer_poll(|_| ());
    assert!(stage.is_leased());
}

#[test]
fn what_is_put_off_survives_another_life_of_the_table() {
    let mut stage = Stage::following();
    stage.go_offline();
    stage.invalidate(1, "a");
    stage.after(200 * MS);
    stage.on(Event::Connected);
    stage.answer_poll(|reply| {
        (reply.epoch, reply.last, reply.rows) = (Epoch(8), Position(500), None);
    });
    stage.answer(|sent| *sent == Command::Load, loaded(&[]));
    assert_eq!(stage.judge(Position(500), "a"), Verdict::Gone);
    stage.answer_poll(|reply| reply.epoch = Epoch(8));
    assert!(stage.sends(is_write));
}

#[test]
fn the_softer_of_two_put_off_does_not_weaken_the_harder() {
    let soft = |us| Change::Soft { deadline: Some(Timestamp(us)) };
    assert_eq!(soft(5).with(Change::Hard), Change::Hard);
    assert_eq!(Change::Hard.with(soft(5)), Change::Hard);
    assert_eq!(soft(5).with(soft(3)), soft(3));
    assert_eq!(soft(5).with(Change::Soft { deadline: None }), soft(5));
}

#[test]
fn what_is_not_recorded_stays_above_what_others_tell() {
    let mut stage = Stage::following();
    stage.go_offline();
    stage.invalidate(1, "a");
    stage.invalidate(2, "a");
    stage.on(Event::Connected);
    stage.answer_poll(|reply| {
        (reply.last, reply.rows) = (Position(110), Some(vec![row(&Tag::from("b"), 110)]));
    });
    // A generation at 110 did not know of it; one that begins from here on does.
    assert_eq!(stage.judge(Position(110), "a"), Verdict::Gone);
    assert_eq!(stage.judge(Position(110), "b"), Verdict::Fresh);
    assert_eq!(stage.judge(stage.present(), "a"), Verdict::Fresh);
    stage.after(200 * MS);
    stage.answer_write(110, 120, |_| ());
    assert!(!stage.sends(is_write), "one write says what two calls did");
    assert_eq!(stage.judge(Position(119), "a"), Verdict::Gone);
    assert_eq!(stage.judge(Position(120), "a"), Verdict::Fresh);
}

#[test]
fn a_soft_invalidation_that_is_not_recorded_leaves_a_harder_one_in_effect() {
    let mut stage = Stage::following();
    let soft = |us| Lifetime::Micros(us);
    stage.on(Event::Invalidate(1, vec![Tag::from("a")], soft(1_000 * MS)));
    stage.answer_write(100, 110, |told| {
        told.rows[0] = Row {
            hard: Position(0),
            soft: Position(110),
            deadline_us: Some(told.now_us + 1_000 * MS),
            ..told.rows[0].clone()
        };
    });
    stage.go_offline();
    stage.now = stage.now.after_us(1_000 * MS);
    stage.on(Event::Invalidate(2, vec![Tag::from("a")], Lifetime::Unlimited));
    assert_eq!(stage.judge(Position(109), "a"), Verdict::Gone);
    assert_eq!(stage.judge(Position(110), "a"), Verdict::Stale);
    assert_eq!(stage.judge(stage.present(), "a"), Verdict::Fresh);
}
