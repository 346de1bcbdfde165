//! What all instances remember about something, in the order of time.

use std::collections::HashMap;

use serde::Serialize;

use super::server::Answered;
use crate::account::{Account, FROM, Statement, process_name};
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
        // Many fall into one millisecond: those of one instance stay in their order, and whoever
        // answers first, the list is the same.
        all.decisions.sort_by(|one, other| {
            let time = other.told.time.total_cmp(&one.told.time);
            time.then_with(|| one.instance.cmp(&other.instance))
        });
        all.fold();
        all.instances.sort();
        all.silent.sort();
        all
    }

    /// Adds the account of an instance.
    pub fn add(&mut self, account: Account) {
        let Account { host, pid, remembers, found, decisions } = account;
        let name = process_name(&host, pid);
        let recalled = decisions.into_iter().map(|told| Recalled { instance: name.clone(), told });
        self.decisions.extend(recalled);
        self.instances.push(Named { name, remembers, found });
    }

    /// Leaves one line of each invalidation: that of the instance which made it, or else that of the
    /// first which heard of it.
    fn fold(&mut self) {
        let mut is_needless = needless(&self.decisions).into_iter();
        let mut folded: HashMap<String, u64> = HashMap::new();
        self.decisions.retain(|one| {
            let is_needless = is_needless.next().unwrap_or(false);
            if is_needless {
                *folded.entry(one.instance.clone()).or_default() += 1;
            }
            !is_needless
        });
        for one in &mut self.instances {
            one.found = one.found.saturating_sub(folded.remove(&one.name).unwrap_or_default());
        }
    }
}

/// Who made an invalidation, and its position where this is told by one that heard of it.
fn made(one: &Recalled) -> Option<(&str, Option<u64>)> {
    let told = Some(&one.told).filter(|told| told.call == "invalidate")?;
    Some(match (told.reason.strip_prefix(FROM), told.position) {
        (Some(author), Some(position)) => (author, Some(position as u64)),
        _ => (&one.instance, None),
    })
}

/// The tags of an invalidation; a tag with a comma in it is some here, wherever it is told.
fn tags(one: &Recalled) -> impl Iterator<Item = &str> {
    one.told.key.split(", ")
}

/// Whether an invalidation is told elsewhere, of each of these decisions, which are the newest first.
/// Its author tells of each call, and the others of the command that several calls may share: so
/// it is the tags that are told.
fn needless(decisions: &[Recalled]) -> Vec<bool> {
    let mut own: HashMap<(&str, &str), Vec<f64>> = HashMap::new();
    let mut first: HashMap<(&str, &str, u64), usize> = HashMap::new();
    for (at, one) in decisions.iter().enumerate() {
        match made(one) {
            Some((author, Some(position))) => {
                first.insert((author, &one.told.key, position), at);
            }
            Some((author, None)) => {
                tags(one).for_each(|tag| own.entry((author, tag)).or_default().push(one.told.time));
            }
            None => {}
        }
    }
    let all = decisions.iter().enumerate();
    all.map(|(at, one)| {
        let Some((author, Some(position))) = made(one) else { return false };
        let is_told = |tag| own.get(&(author, tag)).is_some_and(|times| !times.is_empty());
        if first.get(&(author, &one.told.key, position)) != Some(&at) {
            return true;
        }
        let is_told = tags(one).all(is_told);
        if is_told {
            let times =
                |tag| own.get_mut(&(author, tag)).map(|times| take_nearest(times, position));
            tags(one).map(times).for_each(drop);
        }
        is_told
    })
    .collect()
}

/// Takes the time that is nearest to a position: one who made the same invalidation several times has
/// told each of them once.
fn take_nearest(times: &mut Vec<f64>, position: u64) {
    let ms = position as f64 / 1e3;
    let away = |time: &f64| (time - ms).abs();
    let nearest = times.iter().enumerate();
    let nearest = nearest.min_by(|(_, one), (_, other)| away(one).total_cmp(&away(other)));
    if let Some((at, _)) = nearest {
        times.swap_remove(at);
    }
}

fn name_of(silent: &Answered) -> String {
    let snapshot = silent.snapshot.as_deref().and_then(Snapshot::decode);
    snapshot.map_or_else(|| silent.id.clone(), |told| process_name(&told.host, told.pid))
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
        let expected = [("a:7", 7.0), ("a:7", 5.0), ("b:7", 5.0), ("b:7", 5.0), ("a:7", 2.0)];
        assert_eq!(told[..5], expected);
        let names: Vec<_> = all.instances.iter().map(|one| one.name.as_str()).collect();
        assert_eq!(names, ["a:7", "b:7"]);
        assert_eq!(all.silent, ["00", "web-3:8"]);
        let shown = serde_json::to_value(&all).unwrap();
        assert_eq!(shown["decisions"][0]["key"], "a7");
        assert_eq!(shown["decisions"][0]["instance"], "a:7");
    }

    fn invalidated(time: f64, key: &str, heard: Option<(&str, f64)>) -> Statement {
        let (reason, position) =
            heard.map_or_else(Default::default, |(from, at)| (format!("from {from}"), Some(at)));
        Statement {
            time,
            call: "invalidate".into(),
            outcome: "hard".into(),
            key: key.into(),
            reason,
            position,
            ..Statement::default()
        }
    }

    fn told_by(told: Vec<(&str, Vec<Statement>)>) -> (Vec<String>, Vec<u64>) {
        let answered = |(host, decisions): (&str, Vec<Statement>)| {
            let found = decisions.len() as u64;
            let account =
                Account { host: host.into(), pid: 7, found, decisions, ..Account::default() };
            let account = account.encode().map(Into::into);
            Answered { id: host.into(), account, snapshot: None }
        };
        let answered: Vec<_> = told.into_iter().map(answered).collect();
        let all = Accounts::of(&answered);
        let line = |one: &Recalled| format!("{} {} {}", one.instance, one.told.key, one.told.time);
        let found = all.instances.iter().map(|one| one.found).collect();
        (all.decisions.iter().map(line).collect(), found)
    }

    #[test]
    fn an_invalidation_is_told_once_and_by_the_one_that_made_it() {
        let (first, second) = (Some(("a:7", 10_500.0)), Some(("a:7", 20_500.0)));
        let heard = || vec![invalidated(21.0, "t", second), invalidated(11.0, "t", first)];
        // It has forgotten none.
        let own = vec![invalidated(20.0, "t", None), invalidated(10.0, "t", None)];
        let told = told_by(vec![("b", heard()), ("a", own), ("c", heard())]);
        assert_eq!(told, (vec!["a:7 t 20".to_owned(), "a:7 t 10".into()], vec![2, 0, 0]));
        // It remembers the second only.
        let own = vec![invalidated(20.0, "t", None)];
        let told = told_by(vec![("b", heard()), ("a", own), ("c", heard())]);
        assert_eq!(told.0, ["a:7 t 20", "c:7 t 11"]);
        assert_eq!(told.1.iter().sum::<u64>(), 2);
    }

    #[test]
    fn calls_that_shared_a_command_are_told_by_their_author() {
        let heard = || vec![invalidated(6.0, "t, u", Some(("a:7", 5_000.0)))];
        let own = || vec![invalidated(5.0, "u", None), invalidated(5.0, "t", None)];
        let told = told_by(vec![("b", heard()), ("a", own()), ("c", heard())]);
        assert_eq!(told, (vec!["a:7 u 5".to_owned(), "a:7 t 5".into()], vec![2, 0, 0]));
        // Of the other one it remembers nothing.
        let told = told_by(vec![("b", heard()), ("a", own()[..1].to_vec())]);
        assert_eq!(told.0, ["b:7 t, u 6", "a:7 u 5"]);
    }

    #[test]
    fn the_name_of_an_author_is_the_same_wherever_it_is_told() {
        let host = "h".repeat(300);
        let heard = vec![invalidated(6.0, "t", Some((&process_name(&host, 7), 5_000.0)))];
        let told = told_by(vec![("b", heard), (&host, vec![invalidated(5.0, "t", None)])]);
        assert_eq!((told.0.len(), told.1), (1, vec![0, 1]));
    }

    #[test]
    fn an_invalidation_of_one_that_does_not_answer_is_told_by_the_first_that_heard_of_it() {
        let at = |position| Some(("gone:7", position));
        let told = told_by(vec![
            ("b", vec![invalidated(6.0, "t", at(5_000.0)), invalidated(3.0, "t", at(2_000.0))]),
            ("c", vec![invalidated(5.0, "t", at(5_000.0)), invalidated(5.0, "u", at(5_000.0))]),
        ]);
        let lines = ["c:7 t 5", "c:7 u 5", "b:7 t 3"].map(ToOwned::to_owned).to_vec();
        assert_eq!(told, (lines, vec![1, 2]));
        // Others made the same: that is another one.
        let own = vec![invalidated(5.0, "t", None)];
        let heard = vec![invalidated(6.0, "t", at(5_000.0))];
        assert_eq!(told_by(vec![("b", own), ("c", heard)]).0, ["c:7 t 6", "b:7 t 5"]);
    }
}
