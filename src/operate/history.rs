//! The last hour of the fleet.

use serde_json::{Value, json};

use super::server::Minutes;
use crate::history::{self, Row};

/// What was counted together, for programs. Bytes that are no row are left out.
pub fn shown(minutes: &Minutes) -> Value {
    let read = minutes.rows.iter().filter_map(|(minute, bytes)| {
        Some(json!({ "at": at_ms(*minute), "values": history::decode(bytes)? }))
    });
    let rows: Vec<Value> = read.collect();
    json!({ "nowMs": minutes.now.0 / 1_000, "rows": rows })
}

/// What one process counted, in the same shape. Its last row is of the minute that is not over.
pub fn own(now_us: u64, rows: &[Row]) -> Value {
    let shown = rows.iter().map(|row| json!({ "at": at_ms(row.minute), "values": row.values }));
    json!({ "nowMs": now_us / 1_000, "rows": shown.collect::<Vec<_>>() })
}

fn at_ms(minute: u64) -> u64 {
    minute.saturating_mul(60_000)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Timestamp;

    #[test]
    fn minutes_are_shown_by_their_beginning_and_forged_ones_are_not() {
        let rows = vec![(2, r#"{"sets":3}"#.into()), (3, "forged".into())];
        let minutes = Minutes { now: Timestamp(180_000_000), rows };
        let expected =
            json!({ "nowMs": 180_000, "rows": [{ "at": 120_000, "values": { "sets": 3.0 } }] });
        assert_eq!(shown(&minutes), expected);
    }
}
