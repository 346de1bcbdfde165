//! What the instances of a fleet say of themselves.

use std::mem;

use bytes::Bytes;
use parking_lot::Mutex;
use serde::Serialize;

use super::server::Published;
use crate::snapshot::Snapshot;

/// Called once with what the fleet says, as JSON.
pub type Receive = Box<dyn FnOnce(Bytes) + Send>;

/// Those who wait for the answer to a question that is under way.
#[derive(Default)]
pub struct Askers(Mutex<Vec<Receive>>);

/// Whether a question has to be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Joined {
    /// Nobody has asked.
    First,
    /// It is under way.
    Others,
}

impl Askers {
    /// Nobody.
    pub const fn new() -> Self {
        Self(Mutex::new(Vec::new()))
    }

    /// One more.
    pub fn join(&self, receive: Receive) -> Joined {
        let mut all = self.0.lock();
        all.push(receive);
        if all.len() == 1 { Joined::First } else { Joined::Others }
    }

    /// Answers all of them. Who comes later asks anew.
    pub fn answer(&self, told: &Bytes) {
        for receive in mem::take(&mut *self.0.lock()) {
            receive(told.clone());
        }
    }
}

/// The instances that are listed.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Fleet {
    /// The clock of the server, in ms since the epoch.
    pub now_ms: f64,
    /// Those that have published a snapshot, by name.
    pub instances: Vec<Reported>,
    /// The others: they are gone and not missed yet, have just started, or publish none.
    pub silent: Vec<String>,
}

/// What an instance told of itself.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Reported {
    /// Its random name for this start.
    pub id: String,
    /// What it calls itself.
    pub name: String,
    /// How old that is, in ms.
    pub age_ms: f64,
    /// What it told.
    #[serde(flatten)]
    pub snapshot: Snapshot,
}

impl Reported {
    /// What an instance told, at a moment of the server's clock in ms.
    pub fn new(id: &str, snapshot: Snapshot, now_ms: f64) -> Self {
        let name = format!("{}:{}", snapshot.host, snapshot.pid);
        Self { id: id.to_owned(), name, age_ms: (now_ms - snapshot.at).max(0.0), snapshot }
    }
}

/// What was published, read.
pub fn fleet(published: &Published) -> Fleet {
    let now_ms = (published.now.0 / 1_000) as f64;
    let mut fleet = Fleet { now_ms, instances: Vec::new(), silent: Vec::new() };
    for (id, bytes) in &published.instances {
        match bytes.as_deref().and_then(Snapshot::decode) {
            Some(snapshot) => fleet.instances.push(Reported::new(id, snapshot, now_ms)),
            None => fleet.silent.push(id.clone()),
        }
    }
    fleet.instances.sort_by(|one, other| (&one.name, &one.id).cmp(&(&other.name, &other.id)));
    fleet.silent.sort();
    fleet
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Timestamp;

    fn bytes(host: &str, at: f64) -> Option<Bytes> {
        let snapshot = Snapshot { host: host.into(), pid: 7, at, ..Snapshot::default() };
        snapshot.encode().map(Into::into)
    }

    #[test]
    fn a_question_is_asked_once_for_all_who_come_before_its_answer() {
        let (askers, heard) = (Askers::new(), std::sync::Arc::new(Mutex::new(Vec::new())));
        let join = |name: &'static str| {
            let heard = heard.clone();
            askers.join(Box::new(move |told| heard.lock().push((name, told))))
        };
        assert_eq!([join("a"), join("b")], [Joined::First, Joined::Others]);
        askers.answer(&"one".into());
        assert_eq!(*heard.lock(), [("a", "one".into()), ("b", "one".into())]);
        assert_eq!(join("c"), Joined::First);
        askers.answer(&"two".into());
        assert_eq!(heard.lock()[2..], [("c", Bytes::from("two"))]);
    }

    #[test]
    fn instances_are_told_by_name_and_the_silent_ones_apart() {
        let instances = vec![
            ("c".to_owned(), bytes("web-2", 9_000.0)),
            ("b".to_owned(), None),
            ("a".to_owned(), Some("forged".into())),
            ("d".to_owned(), bytes("web-1", 11_000.0)),
        ];
        let fleet = fleet(&Published { now: Timestamp(10_000_000), instances });
        let told: Vec<_> =
            fleet.instances.iter().map(|one| (one.name.as_str(), one.age_ms)).collect();
        assert_eq!(told, [("web-1:7", 0.0), ("web-2:7", 1_000.0)]);
        assert_eq!(fleet.silent, ["a", "b"]);
        let shown = serde_json::to_value(&fleet).unwrap();
        assert_eq!(shown["instances"][1]["id"], "c");
        assert_eq!(shown["instances"][1]["host"], "web-2");
    }
}
