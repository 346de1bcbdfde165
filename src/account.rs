//! A decision in words, and what one instance answers when all are asked about something: its last
//! decisions about it.
//!
//! # Format
//! JSON of [`MOST_BYTES`] at most. As with a snapshot, a fleet has several versions: a reader ignores
//! fields that it does not know, and fields that are missing have their default.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

/// Bytes of a question.
pub const MOST_QUESTION: usize = 1 << 10;
/// Decisions of an instance.
pub const MOST_DECISIONS: usize = 20;
/// Bytes of an account. Of one that is larger, the oldest decisions are left out.
pub const MOST_BYTES: usize = 16 << 10;
/// Bytes that are read as an account: later versions may say more.
pub const MOST_READ: usize = 64 << 10;
/// Begins the reason of an invalidation that came from another process, before what that calls itself.
pub const FROM: &str = "from ";
/// Bytes of the name of a process.
pub const MOST_NAME: usize = 64;
/// Characters of a key, a reason, or a list of tags.
const MOST_CHARS: usize = 400;
/// Tags of a decision.
const MOST_TAGS: usize = 16;

/// What an instance answers.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Account {
    /// The machine.
    pub host: String,
    /// The process.
    pub pid: u32,
    /// How many decisions it remembers at most; 0 = it remembers none.
    pub remembers: u64,
    /// How many of those are about what was asked for.
    pub found: u64,
    /// The last of them, the newest first.
    pub decisions: Vec<Statement>,
}

/// A decision, as it is shown: to this process with its time here, to others with that of the server.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[expect(missing_docs, reason = "`index.d.ts` describes each of these fields")]
pub struct Statement {
    pub time: f64,
    pub call: Cow<'static, str>,
    pub kind: Cow<'static, str>,
    pub key: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    pub tier: Cow<'static, str>,
    pub outcome: Cow<'static, str>,
    pub reason: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tag: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub position: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub age_secs: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revalidate_secs: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expire_secs: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bytes: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tags: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lease: Option<Cow<'static, str>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub waited_for: Vec<Cow<'static, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ms: Option<f64>,
}

impl Account {
    /// The bytes of it, of which there are never too many.
    pub fn encode(mut self) -> Option<Vec<u8>> {
        cut(&mut self.host);
        self.decisions.truncate(MOST_DECISIONS);
        self.decisions.iter_mut().for_each(Statement::cut);
        loop {
            let bytes = serde_json::to_vec(&self).ok()?;
            if bytes.len() <= MOST_BYTES || self.decisions.pop().is_none() {
                return Some(bytes);
            }
        }
    }

    /// Reads what [`Account::encode`] has made, or bytes that somebody else wrote.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let bytes = Some(bytes).filter(|bytes| bytes.len() <= MOST_READ)?;
        let mut read: Self = serde_json::from_slice(bytes).ok()?;
        read.decisions.truncate(MOST_DECISIONS);
        Some(read)
    }
}

impl Statement {
    fn cut(&mut self) {
        [&mut self.key, &mut self.reason].into_iter().for_each(cut);
        [&mut self.subject, &mut self.tag].into_iter().flatten().for_each(cut);
        if let Some(tags) = &mut self.tags {
            tags.truncate(MOST_TAGS);
            tags.iter_mut().for_each(cut);
        }
    }
}

fn cut(text: &mut String) {
    if let Some((at, _)) = text.char_indices().nth(MOST_CHARS) {
        text.truncate(at);
        text.push('…');
    }
}

/// The name of a process, in messages and for people: its host and its number.
pub fn process_name(host: &str, pid: u32) -> String {
    let end = format!(":{pid}");
    let plain = host.bytes().filter(|byte| is_of_name(*byte)).take(MOST_NAME - end.len());
    plain.map(char::from).collect::<String>() + &end
}

/// Whether a name of a process may have this byte.
pub fn is_of_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"._:-".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(key: &str) -> Statement {
        Statement { time: 1.0, key: key.into(), call: "get".into(), ..Statement::default() }
    }

    #[test]
    fn what_is_told_is_read_as_it_was() {
        let account = Account {
            host: "web-1".into(),
            pid: 7,
            remembers: 4_096,
            found: 3,
            decisions: vec![Statement {
                tags: Some(vec!["a".into()]),
                ms: Some(0.5),
                ..told("/blog")
            }],
        };
        assert_eq!(Account::decode(&account.clone().encode().unwrap()), Some(account));
    }

    #[test]
    fn of_too_much_the_oldest_is_left_out() {
        let decisions: Vec<_> =
            (0..50).map(|n| told(&format!("{n} {}", "ü".repeat(9_000)))).collect();
        let bytes = Account { decisions, ..Account::default() }.encode().unwrap();
        assert!(bytes.len() <= MOST_BYTES, "{}", bytes.len());
        let read = Account::decode(&bytes).unwrap();
        assert!((5..=MOST_DECISIONS).contains(&read.decisions.len()));
        assert!(read.decisions[0].key.starts_with("0 "), "the newest is there");
        let tags = Some(vec!["t".repeat(5_000); 900]);
        let bytes =
            Account { decisions: vec![Statement { tags, ..told("a") }], ..Account::default() };
        assert_eq!(Account::decode(&bytes.encode().unwrap()).unwrap().decisions.len(), 1);
    }

    #[test]
    fn forged_bytes_are_nothing_or_bounded() {
        for forged in [&b""[..], b"{", b"7", br#"{"decisions":7}"#, b"\xff"] {
            assert_eq!(Account::decode(forged), None, "{forged:?}");
        }
        assert_eq!(Account::decode(br#"{"later":[1]}"#), Some(Account::default()));
        let many = serde_json::json!({ "decisions": vec![serde_json::json!({}); 900] });
        let read = Account::decode(many.to_string().as_bytes()).unwrap();
        assert_eq!(read.decisions.len(), MOST_DECISIONS);
        let long = format!(r#"{{"host":"{}"}}"#, "h".repeat(MOST_READ));
        assert_eq!(Account::decode(long.as_bytes()), None);
    }

    #[test]
    fn a_process_has_a_name_without_spaces_that_fits() {
        assert_eq!(process_name("web 7f\n", 12), "web7f:12");
        assert_eq!(process_name(&"h".repeat(300), u32::MAX).len(), MOST_NAME);
    }
}
