//! What all instances remember about something, in the order of time.

use serde::Serialize;

use super::server::Answered;
use crate::account::{Account, Statement};
use crate::snapshot::Snapshot;

/// What was answered.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Accounts {
    /// The decisions of all instances, the newest first.
    pub decisions: Vec<Recalled>,
    /// The instances that answered, by name.
    pub instances: Vec<Named>,
    /// Those that did not answer in time, by name as far as they told it.
    pub silent: Vec<String>,
}

/// A decision of an instance.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Recalled {
    /// What the instance calls itself.
    pub instance: String,
    /// The decision.
    #[serde(flatten)]
    pub told: Statement,
}

/// An instance that answered.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Named {
    /// What it calls itself.
    pub name: String,
    /// How many decisions it remembers at most.
    pub remembers: u64,
    /// How many of those are about what was asked for.
    pub found: u64,
}

impl Accounts {
    /// What was answered, read. What makes no sense is no answer.
    pub fn of(answered: &[Answered]) -> Self {
        let mut all = Self::default();
        for one in answered {
            match one.account.as_deref().and_then(Account::decode) {
                Some(account) => all.add(account),
                None => all.silent.push(name_of(one)),
            }
        }
        // Those of one instance stay in their order: many fall into one millisecond.
        all.decisions.sort_by(|one, other| other.told.time.total_cmp(&one.told.time));
        all.instances.sort();
        all.silent.sort();
        all
    }

    /// Adds the account of an instance.
    pub fn add(&mut self, account: Account) {
        let Account { host, pid, remembers, found, decisions } = account;
        let name = format!("{host}:{pid}");
        let recalled = decisions.into_iter().map(|told| Recalled { instance: name.clone(), told });
        self.decisions.extend(recalled);
        self.instances.push(Named { name, remembers, found });
    }
}

fn name_of(silent: &Answered) -> String {
    let snapshot = silent.snapshot.as_deref().and_then(Snapshot::decode);
    snapshot.map_or_else(|| silent.id.clone(), |told| format!("{}:{}", told.host, told.pid))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(id: &str, times: &[f64]) -> Answered {
        let told = |time: &f64| Statement {
            time: *time,
            key: format!("{id}{time}"),
            ..Statement::default()
        };
        let decisions: Vec<Statement> = times.iter().map(told).collect();
        let account =
            Account { host: id.into(), pid: 7, found: 9, decisions, ..Account::default() };
        let account = account.encode().map(Into::into);
        Answered { id: id.into(), account, snapshot: None }
    }

    #[test]
    fn decisions_of_all_come_in_the_order_of_time_under_the_names_of_their_instances() {
        let snapshot = Snapshot { host: "web-3".into(), pid: 8, ..Snapshot::default() };
        let snapshot = snapshot.encode().map(Into::into);
        let all = Accounts::of(&[
            answered("b", &[5.0, 5.0, 1.0]),
            answered("a", &[7.0, 5.0, 2.0]),
            Answered { id: "ff".into(), account: None, snapshot },
            Answered { id: "00".into(), account: Some("forged".into()), snapshot: None },
        ]);
        let told: Vec<_> =
            all.decisions.iter().map(|one| (one.instance.as_str(), one.told.time)).collect();
        let expected = [("a:7", 7.0), ("b:7", 5.0), ("b:7", 5.0), ("a:7", 5.0), ("a:7", 2.0)];
        assert_eq!(told[..5], expected);
        let names: Vec<_> = all.instances.iter().map(|one| one.name.as_str()).collect();
        assert_eq!(names, ["a:7", "b:7"]);
        assert_eq!(all.silent, ["00", "web-3:8"]);
        let shown = serde_json::to_value(&all).unwrap();
        assert_eq!(shown["decisions"][0]["key"], "a7");
        assert_eq!(shown["decisions"][0]["instance"], "a:7");
    }
}
