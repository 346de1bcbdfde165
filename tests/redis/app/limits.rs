//! Limits.

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use tiercel::app::label::{Feature, Label};
use tiercel::app::limit::{Algorithm, Deed, Verdict, Window};
use tiercel::app::store::{Answer as Any, Deed as AnyDeed};

use super::{World, complies, named};

complies!(
    a_limit_admits_its_number_and_no_more,
    what_one_window_refuses_is_taken_from_none,
    a_window_is_there_again,
    a_cost_is_admitted_whole_or_not,
    a_look_takes_nothing,
    a_block_and_a_reset_are_in_effect_at_once,
    many_at_once_are_admitted_no_more_than_the_limit,
    a_limit_that_is_changed_goes_on,
    what_is_taken_ahead_counts_at_once_and_can_be_given_back,
    what_is_given_back_too_late_changes_nothing,
);

const ALL: [Algorithm; 3] = [Algorithm::Fixed, Algorithm::Sliding, Algorithm::Bucket];

fn window(algorithm: Algorithm, limit: u64, span_ms: u64) -> Window {
    Window { algorithm, limit, span_ms, burst: limit }
}

fn id(algorithm: Algorithm) -> Label {
    named(Feature::Limit, algorithm.as_str())
}

fn ask(world: &World, label: &Label, deed: Deed) -> Verdict {
    match world.ask(label, AnyDeed::Limit(deed)) {
        Any::Limit(verdict) => verdict,
        other => panic!("{other:?}"),
    }
}

fn take(world: &World, label: &Label, cost: u64, windows: &[Window]) -> Verdict {
    ask(world, label, Deed::Take { cost, ahead: 0, windows: windows.to_vec() })
}

fn a_limit_admits_its_number_and_no_more(world: &World) {
    for algorithm in ALL {
        let windows = [window(algorithm, 5, 60_000)];
        for left in [4, 3, 2, 1, 0] {
            let verdict = take(world, &id(algorithm), 1, &windows);
            assert!(verdict.is_admitted, "{algorithm:?}");
            assert_eq!(verdict.windows[0].left, left);
            assert_eq!(verdict.retry_ms(), 0);
        }
        let verdict = take(world, &id(algorithm), 1, &windows);
        assert!(!verdict.is_admitted, "{algorithm:?}");
        let retry_ms = verdict.retry_ms();
        assert!((1..=63_750).contains(&retry_ms), "{algorithm:?} {retry_ms}");
        assert!(verdict.windows[0].reset_ms >= retry_ms);
    }
}

fn what_one_window_refuses_is_taken_from_none(world: &World) {
    for algorithm in ALL {
        let label = id(algorithm);
        let windows = [window(Algorithm::Fixed, 10, 1_000_000), window(algorithm, 3, 1_000_000)];
        take(world, &label, 2, &windows);
        let verdict = take(world, &label, 2, &windows);
        let left: Vec<u64> = verdict.windows.iter().map(|left| left.left).collect();
        assert_eq!((verdict.is_admitted, left), (false, vec![8, 1]));
        assert!(take(world, &label, 1, &windows).is_admitted);
    }
}

fn a_window_is_there_again(world: &World) {
    for algorithm in ALL {
        let windows = [window(algorithm, 2, 320)];
        for is_admitted in [true, true, false] {
            assert_eq!(take(world, &id(algorithm), 1, &windows).is_admitted, is_admitted);
        }
        world.pass_ms(take(world, &id(algorithm), 1, &windows).retry_ms());
        assert!(take(world, &id(algorithm), 1, &windows).is_admitted, "{algorithm:?}");
        world.pass_ms(350);
        assert!(take(world, &id(algorithm), 2, &windows).is_admitted, "{algorithm:?}");
    }
}

fn a_cost_is_admitted_whole_or_not(world: &World) {
    for algorithm in ALL {
        let windows = [window(algorithm, 10, 1_000_000)];
        assert!(take(world, &id(algorithm), 7, &windows).is_admitted);
        assert!(!take(world, &id(algorithm), 4, &windows).is_admitted);
        assert!(take(world, &id(algorithm), 3, &windows).is_admitted);
    }
}

fn a_look_takes_nothing(world: &World) {
    for algorithm in ALL {
        let windows = [window(algorithm, 2, 1_000_000)];
        for _ in 0..3 {
            let verdict = take(world, &id(algorithm), 0, &windows);
            assert_eq!((verdict.is_admitted, verdict.windows[0].left), (true, 2));
        }
        take(world, &id(algorithm), 2, &windows);
        let verdict = take(world, &id(algorithm), 0, &windows);
        assert_eq!((verdict.is_admitted, verdict.windows[0].left), (false, 0));
        assert!(verdict.retry_ms() > 0);
    }
}

fn a_block_and_a_reset_are_in_effect_at_once(world: &World) {
    let (label, windows) = (id(Algorithm::Fixed), [window(Algorithm::Fixed, 5, 60_000)]);
    take(world, &label, 2, &windows);
    let verdict = ask(world, &label, Deed::Block { for_ms: 300 });
    assert_eq!((verdict.is_admitted, verdict.blocked_ms), (false, 300));
    let verdict = take(world, &label, 1, &windows);
    assert!(!verdict.is_admitted && (1..=300).contains(&verdict.retry_ms()), "{verdict:?}");
    assert_eq!(verdict.windows[0].left, 3);
    world.pass_ms(310);
    assert_eq!(take(world, &label, 1, &windows).windows[0].left, 2, "what was taken is kept");
    ask(world, &label, Deed::Block { for_ms: 60_000 });
    assert!(ask(world, &label, Deed::Reset).is_admitted);
    assert_eq!(take(world, &label, 1, &windows).windows[0].left, 4);
}

fn many_at_once_are_admitted_no_more_than_the_limit(world: &World) {
    for algorithm in ALL {
        let windows = vec![window(algorithm, 100, 1_000_000)];
        let deed = AnyDeed::Limit(Deed::Take { cost: 1, ahead: 0, windows });
        let all: Vec<_> = (0..300).map(|_| world.send(&id(algorithm), deed.clone())).collect();
        let admitted = all.iter().filter(|one| match one.recv().unwrap().unwrap() {
            Any::Limit(verdict) => verdict.is_admitted,
            other => panic!("{other:?}"),
        });
        assert_eq!(admitted.count(), 100, "{algorithm:?}");
    }
}

fn a_limit_that_is_changed_goes_on(world: &World) {
    for algorithm in ALL {
        let of = |limit| [window(algorithm, limit, 1_000_000)];
        take(world, &id(algorithm), 4, &of(5));
        assert!(take(world, &id(algorithm), 4, &of(8)).is_admitted, "{algorithm:?}");
        let verdict = take(world, &id(algorithm), 1, &of(2));
        assert!(!verdict.is_admitted, "{algorithm:?}");
        assert!(verdict.retry_ms() > 0 && verdict.retry_ms() <= verdict.windows[0].reset_ms);
        // Another span is another window.
        assert!(take(world, &id(algorithm), 2, &[window(algorithm, 2, 2_000_000)]).is_admitted);
    }
}

fn take_ahead(world: &World, label: &Label, ahead: u64, windows: &[Window]) -> Verdict {
    ask(world, label, Deed::Take { cost: 1, ahead, windows: windows.to_vec() })
}

fn give(world: &World, label: &Label, amount: u64, at_ms: u64, windows: &[Window]) {
    let deed = Deed::Give { amount, at_ms, windows: windows.to_vec() };
    assert!(ask(world, label, deed).is_admitted);
}

fn what_is_taken_ahead_counts_at_once_and_can_be_given_back(world: &World) {
    for algorithm in ALL {
        let (label, windows) = (id(algorithm), [window(algorithm, 101, 1_000_000_000)]);
        let some = take_ahead(world, &label, 5, &windows);
        assert_eq!((some.is_admitted, some.ahead, some.windows[0].left), (true, 5, 95));
        let much = take_ahead(world, &label, 1_000, &windows);
        assert_eq!((much.ahead, much.windows[0].left), (11, 83), "an eighth of what was left");
        give(world, &label, 9, much.at_ms, &windows);
        assert_eq!(take(world, &label, 0, &windows).windows[0].left, 92, "{algorithm:?}");
        assert!(take(world, &label, 92, &windows).is_admitted);
        let refused = take_ahead(world, &label, 5, &windows);
        assert_eq!((refused.is_admitted, refused.ahead), (false, 0));
    }
}

fn what_is_given_back_too_late_changes_nothing(world: &World) {
    for algorithm in [Algorithm::Fixed, Algorithm::Sliding] {
        let (label, windows) = (id(algorithm), [window(algorithm, 100, 320)]);
        let first = take_ahead(world, &label, 5, &windows);
        world.pass_ms(400);
        assert!(take(world, &label, 50, &windows).is_admitted);
        give(world, &label, 5, first.at_ms, &windows);
        assert_eq!(take(world, &label, 0, &windows).windows[0].left, 50, "{algorithm:?}");
    }
}

/// Both stores are asked the same, and come to the same, where time is as good as still.
#[test]
fn the_script_decides_as_the_core_does() {
    let server = crate::server!();
    let (redis, memory) = (World::redis(&server), World::memory());
    let window = (0..3_usize, 1..12_u64, 1..12_u64)
        .prop_map(|(algorithm, limit, burst)| (ALL[algorithm], limit, burst));
    let runs = (
        prop::collection::vec(window, 1..4),
        prop::collection::vec((0..5_u64, 0..4_u64), 1..30),
        any::<u64>(),
    );
    let mut runner =
        TestRunner::new(Config { cases: 60, failure_persistence: None, ..Config::default() });
    let compare = |(windows, costs, name): (Vec<_>, Vec<(u64, u64)>, u64)| {
        // So long that a bucket gains nothing while this runs.
        let span_ms = 31 * 86_400_000;
        let windows: Vec<Window> = windows
            .into_iter()
            .map(|(algorithm, limit, burst)| Window { algorithm, limit, span_ms, burst })
            .collect();
        let label = named(Feature::Limit, &name.to_string());
        for (cost, ahead) in costs {
            let [one, other] = [&redis, &memory].map(|world| {
                let verdict =
                    ask(world, &label, Deed::Take { cost, ahead, windows: windows.clone() });
                let back = verdict.ahead.min(cost % 3);
                give(world, &label, back, verdict.at_ms, &windows);
                verdict
            });
            prop_assert_eq!(one.ahead, other.ahead);
            prop_assert_eq!(one.is_admitted, other.is_admitted);
            let left = |verdict: &Verdict| {
                verdict.windows.iter().map(|left| left.left).collect::<Vec<_>>()
            };
            prop_assert_eq!(left(&one), left(&other));
            for (one, other) in one.windows.iter().zip(&other.windows) {
                // A cell of a sliding window may have begun at another moment.
                let near = span_ms / 16 + 60_000;
                prop_assert!(one.reset_ms.abs_diff(other.reset_ms) <= near);
                prop_assert!(one.retry_ms.abs_diff(other.retry_ms) <= near);
            }
        }
        Ok(())
    };
    runner.run(&runs, compare).unwrap();
}
