use super::*;

fn deny(stage: &mut Stage, is: impl Fn(&Command) -> bool) {
    let (request, _) = stage.take(is);
    stage.on(Event::Denied(request));
}

/// Answers a first poll, the table, and the poll that gives the lease.
fn begin(stage: &mut Stage) {
    stage.answer_poll(|reply| (reply.last, reply.rows) = (Position(100), None));
    stage.answer(|sent| *sent == Command::Load, loaded(&[]));
    stage.answer_poll(|reply| reply.last = Position(100));
}

#[test]
fn who_may_not_follow_and_never_has_decides_alone_until_it_may() {
    let mut stage = Stage::new();
    stage.on(Event::Connected);
    stage.on(Event::Ask(1));
    deny(&mut stage, is_poll);
    assert!(stage.has_told(&Action::Wake(1)));
    assert_eq!(stage.state.lease_until(), Timestamp(u64::MAX));
    assert!(stage.state.is_alone() && stage.state.is_denied() && stage.state.may_share());
    let before = stage.present();
    stage.invalidate(2, "a");
    assert!(stage.has_told(&Action::Resolve(2, Outcome::Here)));
    assert!(stage.has_told(&Action::Queued(1)));
    assert_eq!(stage.judge(before, "a"), Verdict::Gone);
    assert_eq!(stage.judge(stage.present(), "a"), Verdict::Fresh);
    stage.after(100 * MS);
    begin(&mut stage);
    assert!(stage.has_told(&Action::NewEpoch));
    assert!(!stage.state.is_alone() && !stage.is_leased());
    assert_eq!(stage.judge(Position(100), "a"), Verdict::Gone);
    stage.after(100 * MS);
    stage.answer_write(100, 110, |_| ());
    stage.answer_poll(|_| ());
    assert!(stage.is_leased() && !stage.state.is_denied());
}

#[test]
fn who_has_followed_and_may_not_any_more_is_as_without_the_store() {
    let mut stage = Stage::following();
    stage.after(500 * MS);
    deny(&mut stage, is_poll);
    assert!(stage.state.is_offline() && stage.state.is_denied() && !stage.state.is_alone());
    stage.after(2_000 * MS);
    assert!(!stage.is_leased());
    stage.invalidate(1, "a");
    assert!(stage.has_told(&Action::Resolve(1, Outcome::Here)));
    // It comes back with what it missed, and writes what it could not.
    stage.answer_poll(|reply| {
        (reply.last, reply.rows) = (Position(110), Some(vec![row(&Tag::from("b"), 110)]));
    });
    assert_eq!(stage.judge(Position(100), "b"), Verdict::Gone);
    assert!(!stage.state.is_denied() && !stage.is_leased());
    stage.after(100 * MS);
    stage.answer_write(110, 120, |_| ());
    stage.answer_poll(|_| ());
    assert!(stage.is_leased());
}

#[test]
fn what_is_forbidden_is_tried_less_and_less_often() {
    let mut stage = Stage::new();
    stage.on(Event::Connected);
    let mut tries = Vec::new();
    for second in 0..300 {
        let mut count = 0;
        for _ in 0..10 {
            while stage.sends(is_poll) {
                count += 1;
                deny(&mut stage, is_poll);
                assert!(!stage.sends(is_poll), "immediately");
            }
            stage.on(Event::Ask(second));
            stage.after(100 * MS);
        }
        tries.push(count);
    }
    assert!(tries[0] >= 3, "{tries:?}");
    assert!((8..=20).contains(&tries.iter().sum()), "{tries:?}");
    assert!(tries[30..].chunks(31).all(|some| some.len() < 31 || some.contains(&1)), "{tries:?}");
}

#[test]
fn who_may_follow_and_not_invalidate_goes_on_to_follow() {
    let mut stage = Stage::following();
    stage.invalidate(1, "a");
    for _ in 0..20 {
        if stage.sends(is_write) {
            deny(&mut stage, is_write);
        }
        if stage.sends(is_poll) {
            stage.answer_poll(|_| ());
        }
        stage.after(100 * MS);
    }
    assert!(stage.has_told(&Action::Resolve(1, Outcome::Here)));
    assert!(stage.state.is_denied() && !stage.state.is_offline());
    stage.told.clear();
    stage.invalidate(2, "b");
    // Calls no longer wait for a write that the store refuses.
    assert_eq!(stage.told, [Action::Queued(1), Action::Resolve(2, Outcome::Here)]);
    stage.hear(100, 110, "c");
    assert_eq!(stage.judge(Position(100), "c"), Verdict::Gone);
    while !stage.sends(is_write) {
        stage.after(100 * MS);
    }
    let (request, command) = stage.take(is_write);
    let Command::Invalidate { tags, .. } = &command else { unreachable!() };
    assert!(!tags.is_empty());
    stage.sent.push((request, command));
    stage.answer_write(110, 120, |_| ());
    assert!(!stage.state.is_denied());
}

#[test]
fn who_cannot_be_reached_forbids_nothing() {
    let mut stage = Stage::new();
    stage.on(Event::Connected);
    deny(&mut stage, is_poll);
    stage.on(Event::Unreachable);
    assert!(!stage.state.is_denied() && !stage.state.is_alone() && stage.state.is_offline());
}

#[test]
fn without_a_store_after_all_an_instance_decides_alone() {
    let mut stage = Stage::new();
    stage.on(Event::Ask(1));
    stage.invalidate(2, "a");
    stage.on(Event::NoStore);
    assert!(stage.has_told(&Action::Wake(1)));
    assert!(stage.has_told(&Action::Resolve(2, Outcome::Here)));
    assert_eq!(stage.state.lease_until(), Timestamp(u64::MAX));
    let before = stage.present();
    stage.invalidate(3, "a");
    assert!(stage.has_told(&Action::Resolve(3, Outcome::Everywhere)));
    assert_eq!(stage.judge(before, "a"), Verdict::Gone);
    assert_eq!(stage.judge(stage.present(), "a"), Verdict::Fresh);
}
