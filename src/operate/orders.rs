//! Orders as JSON has them, and the spelling of what they name.

use serde::Deserialize;

use crate::key::Class;
use crate::tags::Tag;

/// What an operator wants to know or to have done.
#[derive(Debug, Clone, Deserialize)]
#[serde(tag = "do", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Order {
    /// The way to the server, step by step.
    Reach,
    /// Which commands the user may run.
    Rights,
    /// What the server says of itself.
    Facts,
    /// How it is set up.
    Setup,
    /// How far away it is.
    Distance {
        /// Round trips that are timed.
        rounds: usize,
    },
    /// What each primary says of itself.
    Nodes,
    /// The instances that are listed.
    Instances,
    /// What they tell of themselves.
    Snapshots,
    /// What they remember about something.
    Accounts {
        /// A path, a key, a tag, or a part of what a key stands for.
        of: String,
    },
    /// What they counted in each minute of the last hour.
    History,
    /// What the table says of these tags.
    Table {
        /// The tags.
        tags: Vec<String>,
    },
    /// Begins a scan of all entries.
    Scan {
        /// Most keys per second.
        rate: u32,
    },
    /// The next entries of the scan.
    Page {
        /// The name of the present build.
        build: Option<String>,
    },
    /// Removes entries of the last page from the server, and from nowhere else.
    Remove {
        /// Where they lie.
        addresses: Vec<String>,
    },
    /// Invalidates everywhere.
    Purge {
        /// The tags.
        #[serde(default)]
        tags: Vec<String>,
        /// Soft, and hard after this time; hard at once without.
        expire_secs: Option<f64>,
        /// Everything.
        #[serde(default)]
        all: bool,
    },
}

/// Which entry.
#[derive(Debug, Clone)]
pub enum Place {
    /// By its address, in 32 hexadecimal digits.
    Address {
        /// The digits.
        address: String,
    },
    /// By its key.
    Key {
        /// Its class.
        class: Class,
        /// As JavaScript spells it.
        key: String,
        /// The name of its build.
        build: Option<String>,
    },
}

/// The tags that these texts spell.
pub fn tags(texts: &[String]) -> Vec<Tag> {
    texts.iter().map(|text| Tag::from(text.as_str())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_are_read_from_json() {
        let read = |text: &str| serde_json::from_str::<Order>(text);
        assert!(matches!(read(r#"{"do":"reach"}"#), Ok(Order::Reach)));
        let purge = read(r#"{"do":"purge","tags":["a"],"expireSecs":5}"#).unwrap();
        assert!(matches!(purge, Order::Purge { expire_secs: Some(5.0), all: false, .. }));
        assert!(read(r#"{"do":"flush"}"#).is_err());
    }
}
