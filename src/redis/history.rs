//! What all instances counted together, minute by minute: each adds its own, once a minute is over.
//!
//! The rows of an instance would be gone with it, in the middle of the incident or the deploy that
//! somebody wants to see. So there is one key for each minute of the fleet, which outlives whoever
//! wrote it. Minutes that passed without a connection are added once there is one again.

use fred::types::Value;

use super::connect::within;
use super::failure::Failure;
use super::session::Session;
use crate::history::{MINUTES, Row};

/// How long a minute is kept: the hour, and some time for clocks that differ.
const KEPT_MS: u64 = (MINUTES + 5) * 60_000;

impl Session {
    /// Adds the minutes of this instance that are over.
    pub(super) async fn publish_minutes(&self) {
        let Some(link) = self.link() else { return };
        if self.snapshotless.is_on(self.listener.now()) {
            return;
        }
        // One after the other: what is not sent is there when the next connection is.
        while let Some(Row { minute, values }) = self.listener.minute() {
            let keys = [self.keys.history(minute)];
            let Ok(json) = serde_json::to_string(&values) else { continue };
            let args = vec![Value::from(json), Value::from(KEPT_MS.to_string())];
            let run = Box::pin(self.scripts.history.run(&link.client, &keys, args));
            let Err(failure) = within(self.command_timeout, run).await else { continue };
            if matches!(failure, Failure::Denied(_)) {
                self.snapshotless.begin(self.listener.now());
            }
            return;
        }
    }
}
