//! What one process counted in each minute of the last hour: for whoever looks after an incident.
//!
//! A row is the difference of the counters between two looks. Nobody keeps a timer for it: whoever
//! comes by once a minute is over closes it, a get that is timed or the snapshot. So a minute without
//! any of them is no row, and what was counted since belongs to the minute that was open.
//!
//! # Format
//! In the store a minute is one JSON object, `{"fetch.fresh": 12, ...}`, to which every instance adds
//! its own; see `redis/scripts/history.lua`. Names that a reader does not know it passes on, and
//! those that are missing count as 0.

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;

/// Minutes that are remembered.
pub const MINUTES: u64 = 60;
/// Bytes that are read as a row.
const MOST_READ: usize = 64 << 10;
/// Names in a row that is read.
const MOST_VALUES: usize = 1_024;
const MINUTE_US: u64 = 60_000_000;

/// Counters, or what was added to them, by name. Those that are 0 are left out.
pub type Values = BTreeMap<String, u64>;

/// One minute.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Row {
    /// Minutes since the epoch, on the clock of the store.
    pub minute: u64,
    /// What was added to the counters, and how much there was of what is held.
    pub values: Values,
}

/// The counters of a process at one moment.
#[derive(Debug, Clone, Default)]
pub struct Totals {
    /// What only grows.
    pub counted: Values,
    /// What is held at this moment.
    pub held: Values,
}

/// The last hour of one process.
#[derive(Debug, Default)]
pub struct History {
    /// The minute that is open; 0 before the first look.
    open: AtomicU64,
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    before: Values,
    rows: VecDeque<Row>,
    /// The last minute that was published.
    published: u64,
}

impl History {
    /// Whether the minute that is open was over at a moment in microseconds since the epoch.
    pub fn is_due(&self, at_us: u64) -> bool {
        self.open.load(Ordering::Relaxed) < at_us / MINUTE_US
    }

    /// Closes the minute that is open, if it is over, with the counters as they are.
    pub fn close(&self, at_us: u64, totals: impl FnOnce() -> Totals) {
        if !self.is_due(at_us) {
            return;
        }
        let Totals { counted, held } = totals();
        let mut kept = self.kept.lock();
        let (open, now) = (self.open.load(Ordering::Relaxed), at_us / MINUTE_US);
        // Another thread may have been quicker.
        if open >= now {
            return;
        }
        self.open.store(now, Ordering::Relaxed);
        // At the first look the process has just begun: what it counted belongs to this minute.
        if open > 0 {
            let values = added(&kept.before, &counted, held);
            kept.before = counted;
            kept.rows.push_back(Row { minute: open, values });
            kept.drop_old(now);
        }
    }

    /// The rows of the last hour, the oldest first, and the minute that is open.
    pub fn rows(&self, at_us: u64, totals: impl FnOnce() -> Totals) -> Vec<Row> {
        let Totals { counted, held } = totals();
        let mut kept = self.kept.lock();
        kept.drop_old(at_us / MINUTE_US);
        let values = added(&kept.before, &counted, held);
        let open = Row { minute: at_us / MINUTE_US, values };
        let past = kept.rows.iter().filter(|row| row.minute < open.minute).cloned();
        past.collect::<Vec<_>>().into_iter().chain([open]).collect()
    }

    /// The oldest row that was not published yet. It counts as published from now on: one that is
    /// sent twice would count twice.
    pub fn next_unpublished(&self) -> Option<Row> {
        let mut kept = self.kept.lock();
        let row = kept.rows.iter().find(|row| row.minute > kept.published).cloned()?;
        kept.published = row.minute;
        Some(row)
    }
}

impl Kept {
    fn drop_old(&mut self, now: u64) {
        let oldest = now.saturating_sub(MINUTES);
        while self.rows.front().is_some_and(|row| row.minute < oldest) {
            self.rows.pop_front();
        }
    }
}

fn added(before: &Values, counted: &Values, held: Values) -> Values {
    let since = |(name, count): (&String, &u64)| {
        let added = count.saturating_sub(before.get(name).copied().unwrap_or(0));
        (added > 0).then(|| (name.clone(), added))
    };
    let mut values: Values = counted.iter().filter_map(since).collect();
    values.extend(held.into_iter().filter(|(_, count)| *count > 0));
    values
}

/// The values of a row in bytes from the server; `None` if they are none.
pub fn decode(bytes: &[u8]) -> Option<BTreeMap<String, f64>> {
    let is_object = bytes.first() == Some(&b'{') && bytes.len() <= MOST_READ;
    let read = is_object.then(|| serde_json::from_slice::<BTreeMap<String, f64>>(bytes).ok());
    read.flatten()
        .filter(|values| values.len() <= MOST_VALUES && values.values().all(|value| *value >= 0.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn totals(fresh: u64) -> Totals {
        let one = |name: &str, count| Values::from([(name.to_owned(), count)]);
        Totals { counted: one("fetch.fresh", fresh), held: one("memoryBytes", 7) }
    }

    fn unpublished(history: &History) -> Vec<Row> {
        std::iter::from_fn(|| history.next_unpublished()).collect()
    }

    fn fresh(rows: &[Row]) -> Vec<(u64, u64)> {
        rows.iter().map(|row| (row.minute, *row.values.get("fetch.fresh").unwrap_or(&0))).collect()
    }

    #[test]
    fn what_was_counted_belongs_to_the_minute_that_was_open() {
        let history = History::default();
        history.close(100 * MINUTE_US, || totals(5));
        history.close(100 * MINUTE_US + 1, || panic!("the minute is not over"));
        history.close(101 * MINUTE_US, || totals(8));
        // Nobody came by for two minutes.
        history.close(104 * MINUTE_US, || totals(9));
        let rows = history.rows(104 * MINUTE_US + 9, || totals(11));
        assert_eq!(fresh(&rows), [(100, 8), (101, 1), (104, 2)]);
        assert!(rows.iter().all(|row| row.values["memoryBytes"] == 7));
    }

    #[test]
    fn an_hour_is_remembered() {
        let history = History::default();
        for minute in 1..=200 {
            history.close(minute * MINUTE_US, || totals(minute));
        }
        let rows = history.rows(200 * MINUTE_US, || totals(200));
        assert_eq!((rows.len(), rows[0].minute), (61, 140));
    }

    #[test]
    fn each_row_is_published_once() {
        let history = History::default();
        history.close(10 * MINUTE_US, || totals(1));
        history.close(11 * MINUTE_US, || totals(2));
        assert_eq!(fresh(&unpublished(&history)), [(10, 2)]);
        assert_eq!(unpublished(&history), []);
        for minute in [12, 13, 14] {
            history.close(minute * MINUTE_US, || totals(2));
        }
        assert_eq!(history.next_unpublished().map(|row| row.minute), Some(11));
        // The others wait for whoever asks next.
        assert_eq!(fresh(&unpublished(&history)), [(12, 0), (13, 0)]);
    }

    #[test]
    fn a_counter_that_fell_adds_nothing() {
        let history = History::default();
        history.close(10 * MINUTE_US, || totals(9));
        history.close(11 * MINUTE_US, || totals(9));
        history.close(12 * MINUTE_US, || totals(8));
        assert_eq!(fresh(&unpublished(&history))[1], (11, 0));
    }

    #[test]
    fn what_is_no_row_is_none() {
        assert_eq!(decode(br#"{"later":1.5}"#), Some([("later".to_owned(), 1.5)].into()));
        for bytes in [&b""[..], b"[1]", b"\xff", br#"{"a":"b"}"#, br#"{"a":-1}"#, br#"{"a":null}"#]
        {
            assert_eq!(decode(bytes), None, "{bytes:?}");
        }
        let long = format!(r#"{{"{}":1}}"#, "a".repeat(MOST_READ));
        assert_eq!(decode(long.as_bytes()), None);
    }
}
