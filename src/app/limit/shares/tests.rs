//! Several processes in front of one store, on one clock.

use proptest::prelude::*;

use super::*;
use crate::app::desk::{Action, Desk, Source};
use crate::app::label::Group;
use crate::app::limit::{Algorithm, Mode, OnError};
use crate::app::memory::Memory;
use crate::app::store::Receive;
use crate::clock::Timestamp;

type Call = Box<dyn FnOnce() + Send>;

/// A store that all see, whose timers run when the clock is moved.
struct Server {
    clock: Clock,
    memory: Arc<Memory>,
    later: Mutex<Vec<(u64, Call)>>,
    asked: Mutex<u32>,
    way: Mutex<Way>,
    held: Mutex<Vec<Call>>,
}

/// How it answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    AtOnce,
    /// It is done, and told when the test wants it to.
    ToldLater,
    /// A reset is done when the test wants it to.
    ResetsLater,
}

impl Store for Server {
    fn carry_out(&self, order: Order, receive: Receive) {
        *self.asked.lock() += 1;
        let is_reset = matches!(order.deed, AnyDeed::Limit(Deed::Reset));
        let way = *self.way.lock();
        match way {
            Way::ToldLater => {
                let answer = self.memory.answer(order);
                self.held.lock().push(Box::new(move || receive(answer)));
            }
            Way::ResetsLater if is_reset => {
                let memory = self.memory.clone();
                self.held.lock().push(Box::new(move || receive(memory.answer(order))));
            }
            _ => receive(self.memory.answer(order)),
        }
    }

    fn later(&self, after: Duration, call: Call) {
        let due_ms = self.now_ms() + after.as_millis() as u64;
        self.later.lock().push((due_ms, call));
    }
}

impl Server {
    fn now_ms(&self) -> u64 {
        self.clock.now().0 / 1_000
    }
}

struct World {
    server: Arc<Server>,
    desks: Vec<Desk>,
    limiter: Arc<Limiter>,
    /// When something was admitted, in ms, and how much.
    admitted: Vec<(u64, u64)>,
}

fn own() -> Own {
    Own::parse("id").unwrap()
}

impl World {
    fn new(window: Window, desks: usize) -> Self {
        let clock = Clock::manual(Timestamp(1_000_003_000));
        let memory = Arc::new(Memory::new(clock.clone()));
        let (later, asked, held) = (Mutex::default(), Mutex::default(), Mutex::default());
        let way = Mutex::new(Way::AtOnce);
        let server = Arc::new(Server { clock, memory, later, asked, way, held });
        let group = Group::parse("g").unwrap();
        let limiter = Limiter::new(group, vec![window], OnError::Local, Mode::Fast).unwrap();
        let mut world =
            Self { server, desks: Vec::new(), limiter: Arc::new(limiter), admitted: Vec::new() };
        (0..desks).for_each(|_| world.begin());
        world
    }

    fn begin(&mut self) {
        self.desks.push(Desk::new(self.server.clock.clone(), Some(self.server.clone())));
    }

    fn pass_ms(&self, ms: u64) {
        for _ in 0..ms {
            self.server.clock.advance_us(1_000);
            let now_ms = self.server.now_ms();
            let mut later = self.server.later.lock();
            let due: Vec<_> = later.extract_if(.., |(due_ms, _)| *due_ms <= now_ms).collect();
            drop(later);
            for (_, call) in due {
                call();
            }
        }
    }

    fn ask(&mut self, desk: usize, action: Action) -> (Verdict, Source) {
        let told = Arc::new(Mutex::new(None));
        let tell = told.clone();
        let receive = Box::new(move |ruling| *tell.lock() = Some(ruling));
        self.desks[desk].limit(&self.limiter, &own(), action, receive);
        let (verdict, source) = told.lock().take().unwrap().unwrap();
        if let (Action::Take(cost), true) = (action, verdict.is_admitted) {
            self.admitted.push((self.server.now_ms(), cost));
        }
        (verdict, source)
    }

    /// Asks, and hears nothing yet.
    fn begin_to(&self, id: &str, action: Action) {
        let id = Own::parse(id).unwrap();
        self.desks[0].limit(&self.limiter, &id, action, Box::new(|_| {}));
    }

    fn set(&self, way: Way) {
        *self.server.way.lock() = way;
        let held = std::mem::take(&mut *self.server.held.lock());
        for call in held {
            call();
        }
    }

    fn take(&mut self, desk: usize, cost: u64) -> (bool, Source) {
        let (verdict, source) = self.ask(desk, Action::Take(cost));
        (verdict.is_admitted, source)
    }

    /// What the store would still admit.
    fn left(&self) -> u64 {
        let deed = Deed::Take { cost: 0, ahead: 0, windows: self.limiter.windows().to_vec() };
        let order = Order { label: self.limiter.label(&own()), deed: AnyDeed::Limit(deed) };
        match self.server.memory.answer(order).unwrap() {
            Answer::Limit(verdict) => verdict.windows[0].left,
            other => panic!("{other:?}"),
        }
    }
}

#[derive(Debug, Clone)]
enum Step {
    Pass(u64),
    /// By which, how much, and how often, a ms apart.
    Take(usize, u64, u64),
    Die(usize),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        2 => (0..60_u64).prop_map(Step::Pass),
        1 => (0..2_000_u64).prop_map(Step::Pass),
        8 => (0..3_usize, 1..4_u64, 1..40_u64).prop_map(|(by, cost, often)| Step::Take(by, cost, often)),
        1 => (0..3_usize).prop_map(Step::Die),
    ];
    prop::collection::vec(step, 1..60)
}

fn admitted(window: Window, steps: &[Step]) -> (Vec<(u64, u64)>, u32) {
    let mut world = World::new(window, 3);
    let mut shared = 0;
    for step in steps {
        match *step {
            Step::Pass(ms) => world.pass_ms(ms),
            Step::Take(by, cost, often) => {
                for _ in 0..often {
                    shared += u32::from(world.take(by, cost).1 == Source::Share);
                    world.pass_ms(1);
                }
            }
            Step::Die(by) => {
                world.begin();
                world.desks.swap_remove(by);
            }
        }
    }
    (world.admitted, shared)
}

fn window(algorithm: Algorithm) -> impl Strategy<Value = Window> {
    (10..2_000_u64, 100..4_000_u64).prop_map(move |(limit, span_ms)| Window {
        algorithm,
        limit,
        span_ms,
        burst: limit,
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_fixed_window_admits_no_more_than_its_limit(
        window in window(Algorithm::Fixed), steps in steps()
    ) {
        let (mut since, mut count) = (0, 0);
        for (at, cost) in admitted(window, &steps).0 {
            if at >= since + window.span_ms {
                (since, count) = (at, 0);
            }
            count += cost;
            prop_assert!(count <= window.limit, "{count}");
        }
    }

    #[test]
    fn a_sliding_window_admits_no_more_than_its_limit_in_any_span(
        window in window(Algorithm::Sliding), steps in steps()
    ) {
        let all = admitted(window, &steps).0;
        for (n, (from, _)) in all.iter().enumerate() {
            let within = all[n..].iter().take_while(|(at, _)| at - from < window.span_ms);
            let count: u64 = within.map(|(_, cost)| cost).sum();
            prop_assert!(count <= window.limit, "{count}");
        }
    }

    #[test]
    fn a_bucket_admits_what_it_fills_by_in_a_share_of_its_window_more(
        window in window(Algorithm::Bucket), steps in steps()
    ) {
        // Times are whole ms: a life is rounded up, and begins and ends somewhere within one.
        let life_ms = LIFE_MS.min(window.span_ms.div_ceil(16)) + 1;
        let all = admitted(window, &steps).0;
        for (n, (from, _)) in all.iter().enumerate() {
            let mut count = 0;
            for (at, cost) in &all[n..] {
                count += cost;
                let most = window.burst * window.span_ms + window.limit * (at - from + life_ms);
                prop_assert!(count * window.span_ms <= most, "{count}");
            }
        }
    }
}

const MINUTE: Window =
    Window { algorithm: Algorithm::Fixed, limit: 10_000, span_ms: 60_000, burst: 10_000 };

#[test]
fn the_properties_above_look_at_shares() {
    let steps: Vec<_> = (0..20).map(|n| Step::Take(n % 3, 1, 40)).collect();
    for algorithm in Algorithm::ALL {
        let (all, shared) = admitted(Window { algorithm, ..MINUTE }, &steps);
        assert_eq!(all.len(), 800);
        assert!(shared > 600, "{algorithm:?} {shared}");
    }
}

#[test]
fn most_of_what_is_asked_often_costs_no_question_and_what_is_asked_seldom_holds_nothing() {
    let mut world = World::new(MINUTE, 1);
    for _ in 0..5_000 {
        assert!(world.take(0, 1).0);
        world.pass_ms(1);
    }
    let asked = *world.server.asked.lock();
    assert!(asked < 60, "{asked}");
    let mut seldom = World::new(MINUTE, 1);
    for n in 1..30 {
        assert_eq!(seldom.take(0, 1), (true, Source::Store));
        assert_eq!(seldom.left(), 10_000 - n);
        seldom.pass_ms(2_100);
    }
}

#[test]
fn what_was_not_used_is_there_again_soon_and_all_of_the_limit_is_admitted() {
    for algorithm in Algorithm::ALL {
        // So long that a bucket gains nothing meanwhile; what it would have filled by is not given back.
        let lost = u64::from(algorithm == Algorithm::Bucket);
        let span_ms = 31 * 86_400_000;
        let mut world = World::new(Window { algorithm, limit: 1_000, burst: 1_000, span_ms }, 3);
        for n in 0..300 {
            assert!(world.take(n % 3, 1).0);
            world.pass_ms(1);
        }
        assert!(world.left() < 700, "something is held");
        world.pass_ms(3 * LIFE_MS);
        assert_eq!(world.left(), 700 - lost, "{algorithm:?}");
        let mut count = 300;
        for n in 0..9_000 {
            count += u32::from(world.take(n % 3, 1).0);
            world.pass_ms(1);
        }
        assert_eq!(count, 1_000, "{algorithm:?}");
    }
}

#[test]
fn what_a_dead_process_held_comes_back_with_the_window() {
    let mut world = World::new(Window { limit: 1_000, ..MINUTE }, 2);
    for _ in 0..100 {
        world.take(0, 1);
        world.pass_ms(1);
    }
    world.desks.remove(0);
    world.pass_ms(3 * LIFE_MS);
    let left = world.left();
    assert!(left < 900 && left > 700, "{left}");
    world.pass_ms(60_000);
    assert_eq!(world.left(), 1_000);
}

#[test]
fn a_look_sees_what_is_held_here_and_a_reset_or_a_block_forgets_it() {
    let mut world = World::new(MINUTE, 1);
    for _ in 0..100 {
        world.take(0, 1);
        world.pass_ms(1);
    }
    let (verdict, _) = world.ask(0, Action::Take(0));
    assert_eq!(verdict.windows[0].left, 9_900);
    assert!(world.left() < 9_900);
    world.ask(0, Action::Reset);
    assert_eq!(world.left(), 10_000);
    assert_eq!(world.take(0, 1), (true, Source::Store));
    for _ in 0..100 {
        world.take(0, 1);
        world.pass_ms(1);
    }
    world.ask(0, Action::Block(500));
    assert!(!world.take(0, 1).0);
}

#[test]
fn a_process_that_ends_gives_back_what_it_held() {
    let mut world = World::new(MINUTE, 1);
    for _ in 0..100 {
        world.take(0, 1);
        world.pass_ms(1);
    }
    let told = Arc::new(Mutex::new(0));
    let tell = told.clone();
    world.set(Way::ToldLater);
    assert_eq!(world.desks[0].give_back(move || *tell.lock() += 1), 1);
    assert_eq!((world.left(), *told.lock()), (9_900, 0));
    world.set(Way::AtOnce);
    assert_eq!(*told.lock(), 1, "who waits for it is told");
}

#[test]
fn a_reset_of_one_id_withholds_nothing_of_another() {
    let mut world = World::new(MINUTE, 1);
    while world.take(0, 1).1 == Source::Share || world.server.now_ms() < 1_000_100 {
        world.pass_ms(1);
    }
    // Nothing is held now but what is being asked for.
    world.pass_ms(LIFE_MS);
    let taken = world.admitted.len() as u64;
    world.set(Way::ToldLater);
    world.begin_to("id", Action::Take(1));
    world.begin_to("other", Action::Reset);
    world.set(Way::AtOnce);
    assert_eq!(world.take(0, 1), (true, Source::Share));
    world.pass_ms(3 * LIFE_MS);
    assert_eq!(world.left(), 10_000 - taken - 2);
}

#[test]
fn what_was_taken_ahead_before_a_reset_that_is_under_way_is_forgotten() {
    let mut world = World::new(MINUTE, 1);
    world.set(Way::ResetsLater);
    world.begin_to("id", Action::Reset);
    for _ in 0..100 {
        world.take(0, 1);
        world.pass_ms(1);
    }
    world.set(Way::AtOnce);
    assert_eq!(world.left(), 10_000);
    assert_eq!(world.take(0, 1), (true, Source::Store));
    assert_eq!(world.left(), 9_999);
}

#[test]
fn no_moment_is_set_while_nothing_is_held() {
    let mut world = World::new(Window { limit: 1, ..MINUTE }, 2);
    assert_eq!(world.take(1, 1), (true, Source::Store));
    assert_eq!(world.server.later.lock().len(), 1);
    assert_eq!(world.take(0, 1), (false, Source::Store));
    assert_eq!(world.server.later.lock().len(), 1);
}
