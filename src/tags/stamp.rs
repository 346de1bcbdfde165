//! Where something stands in the order of invalidations.

/// Orders invalidations. Larger is later. Given by the shared store, or counted in memory only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Position(pub u64);

/// Identifies one life of the shared store's table; 0 in memory only, and before it is known.
/// Compared for equality only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Epoch(pub u64);

/// A point in the order of invalidations, as one instance sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Point {
    /// Everything up to here.
    pub position: Position,
    /// And so many invalidations of its own that have no position yet.
    pub local: u32,
}

impl Point {
    /// The latest point that is before this one for everybody. Others see no local count, and what
    /// is counted here may have been given the very position already.
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

/// What was known when a generation began: what it made is older than all that came later.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Stamp {
    /// The life of the table it belongs to. In another one it says nothing.
    pub epoch: Epoch,
    /// The point that was applied.
    pub at: Point,
}
