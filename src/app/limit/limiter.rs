//! A limit as the app made it: what is the same in all its calls, read once.

use std::hash::{BuildHasher, RandomState};
use std::sync::LazyLock;

use xxhash_rust::xxh3::xxh3_128_with_seed;

use super::{MOST_WINDOWS, Window};
use crate::app::label::{Feature, Group, Label, Own};

/// Nobody outside can choose ids that are taken for each other.
static SEEDS: LazyLock<RandomState> = LazyLock::new(RandomState::new);

/// What a limit does while the store does not answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnError {
    /// Each process counts by itself.
    #[default]
    Local,
    /// Everything is admitted.
    Open,
    /// Nothing is.
    Closed,
}

impl OnError {
    /// All of them, by the number that JavaScript gives.
    pub const ALL: [Self; 3] = [Self::Local, Self::Open, Self::Closed];
}

/// Who decides while the store answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Mode {
    /// The store, each time.
    #[default]
    Exact,
    /// Each process by what it took ahead.
    Fast,
}

impl Mode {
    /// All of them, by the number that JavaScript gives.
    pub const ALL: [Self; 2] = [Self::Exact, Self::Fast];
}

/// An id in this process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quick {
    /// The same for all limits of one name: they are reset and blocked together.
    pub id: u128,
    /// The same for those that also count alike.
    pub of: u64,
}

/// A limit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limiter {
    group: Group,
    windows: Vec<Window>,
    on_error: OnError,
    mode: Mode,
    /// The same for all limits of one name.
    seed: u64,
    /// The same for those that also count alike, and are as exact.
    own_seed: u64,
}

impl Limiter {
    /// `None` without a window, or with too many.
    pub fn new(group: Group, windows: Vec<Window>, on_error: OnError, mode: Mode) -> Option<Self> {
        let (seed, own_seed) = (SEEDS.hash_one(&group), SEEDS.hash_one((&group, &windows, mode)));
        let fits = (1..=MOST_WINDOWS).contains(&windows.len());
        fits.then_some(Self { group, windows, on_error, mode, seed, own_seed })
    }

    /// Its windows.
    pub fn windows(&self) -> &[Window] {
        &self.windows
    }

    /// What it does while the store does not answer.
    pub fn on_error(&self) -> OnError {
        self.on_error
    }

    /// Who decides while the store answers.
    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// What is known of an id in a store.
    pub fn label(&self, id: &Own) -> Label {
        Label::of(Feature::Limit, &self.group, id)
    }

    /// The same in this process alone, and sooner: an id of this name, and which of the limits of this
    /// name was asked.
    pub fn quick(&self, id: &Own) -> Quick {
        Quick { id: xxh3_128_with_seed(id.as_bytes(), self.seed), of: self.own_seed }
    }

    /// What this process holds of an id for this limit alone.
    pub(super) fn share(&self, id: &Own) -> u128 {
        xxh3_128_with_seed(id.as_bytes(), self.own_seed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_of_one_name_know_the_same_ids() {
        let group = |name| Group::parse(name).unwrap();
        let window =
            Window { algorithm: super::super::Algorithm::Fixed, limit: 1, span_ms: 1, burst: 1 };
        let of =
            |name| Limiter::new(group(name), vec![window], OnError::Local, Mode::Exact).unwrap();
        let id = Own::parse("1.2.3.4").unwrap();
        assert_eq!(of("a"), of("a"));
        assert_eq!(of("a").quick(&id), of("a").quick(&id));
        assert_ne!(of("a").quick(&id), of("b").quick(&id));
        assert_eq!(Limiter::new(group("a"), Vec::new(), OnError::Local, Mode::Exact), None);
        assert_eq!(Limiter::new(group("a"), vec![window; 9], OnError::Local, Mode::Exact), None);
    }
}
