//! The windows against a naive model that remembers everything.

use proptest::prelude::*;

use super::*;

/// Asks for `cost` at each moment, and returns what was admitted: when, in ms, and how much.
fn admitted(windows: &[Window], asked: &[(u64, u64)]) -> Vec<(u64, u64)> {
    let (mut state, mut now_ms, mut all) = (None, 1_000_003, Vec::new());
    for (pause_ms, cost) in asked {
        now_ms += pause_ms;
        state = state.filter(|(_, due_ms): &(State, u64)| *due_ms > now_ms);
        let deed = Deed::Take { cost: *cost, ahead: 0, windows: windows.to_vec() };
        let (kept, verdict) = change(state.take().map(|(state, _)| state), deed, now_ms);
        state = kept;
        if verdict.is_admitted {
            all.push((now_ms, *cost));
            assert_eq!(verdict.retry_ms(), 0);
        } else {
            assert!(verdict.retry_ms() > 0, "who is refused is told when to come again");
        }
    }
    all
}

fn within(all: &[(u64, u64)], from_ms: u64, span_ms: u64) -> u64 {
    let is_in = |(at, _): &&(u64, u64)| *at >= from_ms && *at < from_ms + span_ms;
    all.iter().filter(is_in).map(|(_, cost)| cost).sum()
}

fn asked() -> impl Strategy<Value = Vec<(u64, u64)>> {
    prop::collection::vec((prop_oneof![Just(0), 0..30_u64, 0..2_000_u64], 1..4_u64), 1..150)
}

fn window(algorithm: Algorithm) -> impl Strategy<Value = Window> {
    (3..40_u64, 1..3_000_u64, 3..60_u64).prop_map(move |(limit, span_ms, burst)| Window {
        algorithm,
        limit,
        span_ms,
        burst,
    })
}

proptest! {
    #[test]
    fn a_fixed_window_admits_what_counting_from_its_first_admits(
        window in window(Algorithm::Fixed), asked in asked()
    ) {
        let (mut naive, mut now_ms, mut since, mut count) = (Vec::new(), 1_000_003, 0, 0);
        for (pause_ms, cost) in &asked {
            now_ms += pause_ms;
            if now_ms >= since + window.span_ms || count == 0 {
                (since, count) = (now_ms, 0);
            }
            if count + cost <= window.limit {
                count += cost;
                naive.push((now_ms, *cost));
            }
        }
        prop_assert_eq!(admitted(&[window], &asked), naive);
    }

    #[test]
    fn a_sliding_window_never_admits_more_than_its_limit_in_any_span_of_its_length(
        window in window(Algorithm::Sliding), asked in asked()
    ) {
        let all = admitted(&[window], &asked);
        for (at, _) in &all {
            prop_assert!(within(&all, *at, window.span_ms) <= window.limit);
        }
    }

    #[test]
    fn a_sliding_window_admits_whatever_fits_into_a_span_of_17_cells(
        window in window(Algorithm::Sliding), asked in asked()
    ) {
        let (all, cell_ms) = (admitted(&[window], &asked), window.span_ms.div_ceil(window::CELLS));
        let mut now_ms = 1_000_003;
        let mut next = all.iter().peekable();
        for (pause_ms, cost) in &asked {
            now_ms += pause_ms;
            let before: Vec<_> = all.iter().take(all.len() - next.len()).copied().collect();
            let is_admitted = next.next_if_eq(&&(now_ms, *cost)).is_some();
            let span_ms = 17 * cell_ms;
            let count = within(&before, (now_ms + 1).saturating_sub(span_ms), span_ms);
            prop_assert!(is_admitted || count + cost > window.limit, "{now_ms}");
        }
    }

    #[test]
    fn a_bucket_admits_what_a_bucket_of_fractions_admits(
        window in window(Algorithm::Bucket), asked in asked()
    ) {
        let (mut naive, mut level, mut now_ms) = (Vec::new(), window.burst * window.span_ms, 0);
        for (pause_ms, cost) in &asked {
            now_ms += pause_ms;
            level = (level + pause_ms * window.limit).min(window.burst * window.span_ms);
            if level >= cost * window.span_ms {
                level -= cost * window.span_ms;
                naive.push((now_ms + 1_000_003, *cost));
            }
        }
        let all = admitted(&[window], &asked);
        prop_assert_eq!(&all, &naive);
        for (n, (from, _)) in all.iter().enumerate() {
            let mut count = 0;
            for (at, cost) in &all[n..] {
                count += cost;
                let most = window.burst * window.span_ms + window.limit * (at - from);
                prop_assert!(count * window.span_ms <= most);
            }
        }
    }

    #[test]
    fn several_windows_admit_no_more_than_each_of_them_alone(
        fixed in window(Algorithm::Fixed),
        sliding in window(Algorithm::Sliding),
        bucket in window(Algorithm::Bucket),
        asked in asked(),
    ) {
        let all = admitted(&[fixed, sliding, bucket], &asked);
        for (at, _) in &all {
            prop_assert!(within(&all, *at, sliding.span_ms) <= sliding.limit);
            let most = bucket.burst * bucket.span_ms + bucket.limit * bucket.span_ms;
            prop_assert!(within(&all, *at, bucket.span_ms) * bucket.span_ms <= most);
            prop_assert!(within(&all, *at, fixed.span_ms) <= 2 * fixed.limit);
        }
    }

    #[test]
    fn who_comes_again_when_told_is_admitted_and_not_before(
        window in prop_oneof![
            window(Algorithm::Fixed), window(Algorithm::Sliding), window(Algorithm::Bucket)
        ],
        asked in asked(),
        cost in 1..4_u64,
    ) {
        let (mut state, mut now_ms) = (None, 1_000_003);
        let take = |state: &Option<State>, cost, now_ms| {
            change(state.clone(), Deed::Take { cost, ahead: 0, windows: vec![window] }, now_ms)
        };
        for (pause_ms, cost) in &asked {
            now_ms += pause_ms;
            state = take(&state, *cost, now_ms).0.map(|(state, _)| state);
        }
        let retry_ms = take(&state, cost, now_ms).1.retry_ms();
        prop_assert!(take(&state, cost, now_ms + retry_ms).1.is_admitted);
        if retry_ms > 0 {
            prop_assert!(!take(&state, cost, now_ms + retry_ms - 1).1.is_admitted);
        }
    }
}

const TEN: Window = Window { algorithm: Algorithm::Fixed, limit: 10, span_ms: 1_000, burst: 10 };

#[test]
fn what_is_refused_by_one_window_is_taken_from_none() {
    let three = Window { limit: 3, span_ms: 60_000, ..TEN };
    let take = |state, cost| {
        let deed = Deed::Take { cost, ahead: 0, windows: vec![TEN, three] };
        let (state, verdict) = change(state, deed, 5);
        (state.map(|(state, _)| state), verdict)
    };
    let (state, first) = take(None, 2);
    assert!(first.is_admitted);
    let (state, second) = take(state, 2);
    assert!(!second.is_admitted);
    assert_eq!(second.windows.iter().map(|left| left.left).collect::<Vec<_>>(), [8, 1]);
    assert_eq!(second.retry_ms(), 60_000);
    let (_, third) = take(state, 1);
    assert!(third.is_admitted);
}

#[test]
fn a_block_ends_by_itself_or_by_a_reset() {
    let take = || Deed::Take { cost: 1, ahead: 0, windows: vec![TEN] };
    let (state, verdict) = change(None, Deed::Block { for_ms: 100 }, 5);
    assert_eq!((verdict.is_admitted, verdict.blocked_ms), (false, 100));
    let (state, due_ms) = state.unwrap();
    assert_eq!(due_ms, 105);
    let (_, verdict) = change(Some(state.clone()), take(), 104);
    assert_eq!((verdict.is_admitted, verdict.retry_ms()), (false, 1));
    assert!(change(Some(state.clone()), take(), 105).1.is_admitted);
    let (kept, _) = change(Some(state), Deed::Reset, 6);
    assert_eq!(kept, None);
}

#[test]
fn numbers_at_their_bounds_are_exact_in_doubles() {
    let most = window::MOST_LIMIT * window::MOST_SPAN_MS;
    assert!(2 * most + window::MOST_SPAN_MS < 1 << 53);
}
