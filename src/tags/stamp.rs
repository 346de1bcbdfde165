//! Points in the order of invalidations.

/// Orders invalidations; larger is later. Assigned by the store, or counted in memory without one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Position(pub u64);

/// Identifies one life of the shared store's table; 0 without a store, and until it is known.
/// Compared for equality only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Epoch(pub u64);

/// A point in the order of invalidations, as one instance sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Point {
    /// Everything up to here.
    pub position: Position,
    /// And this number of its own invalidations that have no position yet.
    pub local: u32,
}

impl Point {
    /// The latest point that is before this one on every instance. Others see no local count, and
    /// an invalidation counted here may already have been assigned this very position.
    #[must_use]
    pub fn before(self) -> Self {
        Position(self.position.0.saturating_sub(1)).into()
    }
}

impl From<Position> for Point {
    fn from(position: Position) -> Self {
        Self { position, local: 0 }
    }
}

/// What this instance knew when a generation began: every later invalidation applies to its entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Stamp {
    /// The life of the table it belongs to. It says nothing in any other.
    pub epoch: Epoch,
    /// The point that was applied.
    pub at: Point,
}
