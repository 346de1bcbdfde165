//! Random walks through what may happen.

use std::collections::BTreeSet;
use std::ops::Range;

use super::config::Config;
use super::world::{Seen, Step, TICK};

/// A walk that broke a promise.
#[derive(Debug)]
pub(super) struct Broken {
    pub(super) walk: u64,
    pub(super) steps: Vec<Step>,
    pub(super) what: String,
}

/// A small generator of random numbers, the same on every machine.
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, n: u64) -> u64 {
        self.next() % n.max(1)
    }
}

/// Walks until a promise is broken. Returns that walk, and what was seen on the way.
pub(super) fn walk(config: &Config, walks: Range<u64>) -> (Option<Broken>, BTreeSet<Seen>) {
    let start = config.world();
    let mut seen = BTreeSet::new();
    for walk in walks {
        let mut dice = Dice(walk.wrapping_mul(0x2545_f491_4f6c_dd1d) ^ 0x5eed);
        // Some wires are slow, and some walks are short of time.
        let pace: Vec<Pace> = (0..config.nodes).map(|_| Pace::thrown(&mut dice)).collect();
        let haste = [3, 10, 40, 160][dice.below(4) as usize];
        let mut world = start.clone();
        let mut steps = Vec::new();
        loop {
            let possible = world.steps(config);
            let weights: Vec<u64> =
                possible.iter().map(|step| weight(*step, &pace, haste)).collect();
            let total: u64 = weights.iter().sum();
            let mut at = dice.below(total);
            let Some((step, _)) = possible.iter().zip(&weights).find(|(_, weight)| {
                let is_it = at < **weight;
                at = at.saturating_sub(**weight);
                is_it
            }) else {
                break;
            };
            steps.push(*step);
            world.step(config, *step);
            if let Some(what) = world.ghost.broken.take() {
                return (Some(Broken { walk, steps, what }), seen);
            }
            if *step == Step::Tick && world.now >= config.end() {
                break;
            }
        }
        seen.extend(world.seen);
    }
    (None, seen)
}

/// How fast the parts of an instance are.
struct Pace {
    timers: u64,
    wires: u64,
    answers: u64,
    ears: u64,
    users: u64,
}

impl Pace {
    fn thrown(dice: &mut Dice) -> Self {
        let mut one = || [4, 40, 400][dice.below(3) as usize];
        Self { timers: one(), wires: one(), answers: one(), ears: one(), users: one() / 4 }
    }
}

fn weight(step: Step, pace: &[Pace], haste: u64) -> u64 {
    match step {
        Step::Tick => haste * 10,
        Step::Timer(n) => pace[n].timers,
        Step::Execute(n) | Step::Link(n) => pace[n].wires,
        Step::Answer(n, _) => pace[n].answers,
        Step::Hear(n, _) => pace[n].ears,
        Step::Begin(n, _) | Step::End(n) | Step::ReadInner(n) | Step::Write(n, _) => pace[n].users,
        Step::Get(..) | Step::Join(_) | Step::RegisterLater => 20,
        Step::Invalidate(..) => 8,
        Step::ExecuteStray(_) | Step::Fail(_) | Step::Deny(_) | Step::Lose(..) => 6,
        Step::FailOver(_) | Step::Demote(_) => 7,
        _ => 4,
    }
}

/// What happened, step by step.
pub(super) fn retold(config: &Config, steps: &[Step]) -> String {
    let mut world = config.world();
    let mut story = Vec::new();
    for step in steps {
        let what = match step {
            Step::Execute(n) => format!("{:?}", world.nodes[*n].wire.front()),
            Step::Answer(n, k) => format!("{:?}", world.nodes[*n].answers.get(*k)),
            Step::Hear(n, k) => format!("{:?}", world.nodes[*n].inbox.get(*k)),
            Step::Begin(n, _) => format!("{:?}", world.nodes[*n].state.revisions().stamp()),
            _ => String::new(),
        };
        story.push(format!("{:7} {step:?} {what}", world.now.0 / TICK));
        world.step(config, *step);
    }
    story.push(format!("{world:#?}"));
    story.join("\n")
}
