//! One window of a limit: what it admits, and when.

/// The longest span, in ms: 31 days. With it and [`MOST_LIMIT`] every sum is exact in a double.
pub const MOST_SPAN_MS: u64 = 31 * 86_400_000;
/// The largest limit and burst.
pub const MOST_LIMIT: u64 = 1_000_000;
/// Cells of a sliding window.
pub const CELLS: u64 = 16;

/// How a window counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Algorithm {
    /// It begins with the first that is admitted; once it is over the next one begins. Within one
    /// window never more than the limit is admitted, and in the span around its end up to twice that.
    Fixed,
    /// Never more than the limit in any span of the window. It is counted in 16 cells, and each counts
    /// in full until all of it is past: what was admitted counts for up to a sixteenth longer.
    Sliding,
    /// A bucket of `burst` tokens that fills by `limit` per window: in any time `t` never more than
    /// `burst + limit * t / window`.
    Bucket,
}

impl Algorithm {
    /// All of them, by the number that JavaScript gives.
    pub const ALL: [Self; 3] = [Self::Fixed, Self::Sliding, Self::Bucket];

    /// The letter of the scripts.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Fixed => "f",
            Self::Sliding => "s",
            Self::Bucket => "b",
        }
    }
}

/// A window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Window {
    /// How it counts.
    pub algorithm: Algorithm,
    /// What it admits: 1 to [`MOST_LIMIT`].
    pub limit: u64,
    /// Its span in ms: 1 to [`MOST_SPAN_MS`].
    pub span_ms: u64,
    /// What a bucket holds: 1 to [`MOST_LIMIT`]. Of no account for the others.
    pub burst: u64,
}

/// What is left of a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Left {
    /// What would be admitted now.
    pub left: u64,
    /// When all of it is there again, in ms; 0 if it is.
    pub reset_ms: u64,
    /// When what was refused would be admitted, in ms; 0 if it was admitted.
    pub retry_ms: u64,
}

/// What was taken from a window, as of some moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Taken {
    /// Since when, in ms, and how much; 0 = nothing.
    Fixed(u64, u64),
    /// The numbers of the cells in which anything was taken, the oldest first, each with how much.
    Sliding(Vec<(u64, u64)>),
    /// What the bucket lacks, in tokens times the span in ms, and as of when, in ms.
    Bucket(u64, u64),
}

impl Taken {
    pub(super) fn weight(&self) -> usize {
        match self {
            Self::Sliding(cells) => cells.len() * 16,
            _ => 0,
        }
    }
}

impl Window {
    /// The most that it can ever admit at once.
    pub fn most(&self) -> u64 {
        if self.algorithm == Algorithm::Bucket { self.burst } else { self.limit }
    }

    /// Whether what was taken from one counts for the other.
    pub(super) fn is_like(&self, other: &Self) -> bool {
        self.algorithm == other.algorithm && self.span_ms == other.span_ms
    }

    /// What was taken, as of now. A clock that went back, on a new primary, lengthens nothing.
    pub(super) fn brought_up_to(&self, taken: Option<Taken>, now_ms: u64) -> Taken {
        match (self.algorithm, taken) {
            (Algorithm::Fixed, Some(Taken::Fixed(since, count))) => {
                let since = since.min(now_ms);
                let is_over = count == 0 || now_ms >= since + self.span_ms;
                if is_over { Taken::Fixed(now_ms, 0) } else { Taken::Fixed(since, count) }
            }
            (Algorithm::Sliding, Some(Taken::Sliding(mut cells))) => {
                let now = now_ms / self.cell_ms();
                cells.retain(|(cell, _)| now <= cell + CELLS && *cell <= now);
                Taken::Sliding(cells)
            }
            (Algorithm::Bucket, Some(Taken::Bucket(lacks, as_of))) => {
                let filled = now_ms.saturating_sub(as_of).min(self.fill_ms()) * self.limit;
                Taken::Bucket(lacks.saturating_sub(filled).min(self.burst * self.span_ms), now_ms)
            }
            (Algorithm::Fixed, _) => Taken::Fixed(now_ms, 0),
            (Algorithm::Sliding, _) => Taken::Sliding(Vec::new()),
            (Algorithm::Bucket, _) => Taken::Bucket(0, now_ms),
        }
    }

    /// What would be admitted now. Here and below `taken` is as of now.
    pub(super) fn left(&self, taken: &Taken) -> u64 {
        match taken {
            Taken::Fixed(_, count) => self.limit.saturating_sub(*count),
            Taken::Sliding(cells) => {
                let count: u64 = cells.iter().map(|(_, count)| count).sum();
                self.limit.saturating_sub(count)
            }
            Taken::Bucket(lacks, _) => (self.burst * self.span_ms - lacks) / self.span_ms,
        }
    }

    pub(super) fn take(&self, taken: &mut Taken, cost: u64, now_ms: u64) {
        match taken {
            Taken::Fixed(_, count) => *count += cost,
            Taken::Sliding(cells) => {
                let now = now_ms / self.cell_ms();
                match cells.last_mut().filter(|(cell, _)| *cell == now) {
                    Some((_, count)) => *count += cost,
                    None => cells.push((now, cost)),
                }
            }
            Taken::Bucket(lacks, _) => *lacks += cost * self.span_ms,
        }
    }

    /// Takes back what was taken at a moment in ms and not used: as if it had never been. A bucket
    /// that was full otherwise has filled in its place meanwhile.
    pub(super) fn give(&self, taken: &mut Taken, amount: u64, at_ms: u64) {
        match taken {
            Taken::Fixed(since, count) if *since <= at_ms => *count = count.saturating_sub(amount),
            // That window is over.
            Taken::Fixed(..) => {}
            Taken::Sliding(cells) => {
                let then = at_ms / self.cell_ms();
                if let Some((_, count)) = cells.iter_mut().find(|(cell, _)| *cell == then) {
                    *count = count.saturating_sub(amount);
                }
                cells.retain(|(_, count)| *count > 0);
            }
            Taken::Bucket(lacks, now_ms) => {
                let filled = now_ms.saturating_sub(at_ms).saturating_mul(self.limit);
                let back = (amount * self.span_ms).saturating_sub(filled);
                *lacks = lacks.saturating_sub(back);
            }
        }
    }

    /// For how long what was just taken may be used as if it were taken then, in ms. `left`: as of when
    /// it was taken. A bucket admits in that time as much more as it fills by.
    pub(super) fn lasts_ms(&self, left: &Left) -> u64 {
        match self.algorithm {
            Algorithm::Fixed => left.reset_ms,
            // Until its cell ends.
            Algorithm::Sliding => left.reset_ms.saturating_sub(CELLS * self.cell_ms()),
            Algorithm::Bucket => self.span_ms / CELLS,
        }
    }

    /// When all of it is there again, in ms from now.
    pub(super) fn reset_ms(&self, taken: &Taken, now_ms: u64) -> u64 {
        match taken {
            Taken::Fixed(_, 0) => 0,
            Taken::Fixed(since, _) => since + self.span_ms - now_ms,
            Taken::Sliding(cells) => {
                cells.last().map_or(0, |(cell, _)| self.leaves_ms(*cell, now_ms))
            }
            Taken::Bucket(lacks, _) => lacks.div_ceil(self.limit),
        }
    }

    /// When `cost` would be admitted if nothing else is, in ms from now; 0 if it would be now.
    pub(super) fn retry_ms(&self, taken: &Taken, cost: u64, now_ms: u64) -> u64 {
        let lacks = cost.saturating_sub(self.left(taken));
        match taken {
            _ if lacks == 0 => 0,
            Taken::Fixed(since, _) => since + self.span_ms - now_ms,
            Taken::Sliding(cells) => {
                // Where the limit was lowered there may be more to wait for.
                let count: u64 = cells.iter().map(|(_, count)| count).sum();
                let mut over = (count + cost).saturating_sub(self.limit);
                for (cell, count) in cells {
                    over = over.saturating_sub(*count);
                    if over == 0 {
                        return self.leaves_ms(*cell, now_ms);
                    }
                }
                self.reset_ms(taken, now_ms)
            }
            Taken::Bucket(lacks, _) => {
                let over = (lacks + cost * self.span_ms).saturating_sub(self.burst * self.span_ms);
                over.div_ceil(self.limit)
            }
        }
    }

    /// When a cell counts no more, in ms from now.
    fn leaves_ms(&self, cell: u64, now_ms: u64) -> u64 {
        ((cell + CELLS + 1) * self.cell_ms()).saturating_sub(now_ms)
    }

    fn cell_ms(&self) -> u64 {
        self.span_ms.div_ceil(CELLS)
    }

    /// How long an empty bucket takes to fill, in ms.
    fn fill_ms(&self) -> u64 {
        (self.burst * self.span_ms).div_ceil(self.limit)
    }
}
