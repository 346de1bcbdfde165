//! Orders as JSON has them, and the spelling of what they name.

use serde::Deserialize;

use crate::key::Class;
use crate::store::Address;
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
    /// The instances that are listed.
    Instances,
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
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub enum Place {
    /// By its address, in 32 hexadecimal digits.
    Address {
        /// The digits.
        address: String,
    },
    /// By its key.
    Key {
        /// Number of its class.
        class: u8,
        /// As JavaScript spells it.
        key: String,
        /// The name of its build.
        build: Option<String>,
        /// Tags that the caller of a get would add.
        #[serde(default)]
        soft: Vec<String>,
    },
}

impl Place {
    /// Tags that the caller of a get would add.
    pub fn soft_tags(&self) -> &[String] {
        match self {
            Self::Address { .. } => &[],
            Self::Key { soft, .. } => soft,
        }
    }
}

/// The tags that these texts spell.
pub fn tags(texts: &[String]) -> Vec<Tag> {
    texts.iter().map(|text| Tag::from(text.as_str())).collect()
}

/// The class with this number.
pub(super) fn class(number: u8) -> Option<Class> {
    let all = [Class::UseCache, Class::Response, Class::Fetch, Class::Image, Class::Own];
    all.get(usize::from(number)).copied()
}

/// An address in digits.
pub fn hex(address: Address) -> String {
    format!("{:032x}", u128::from_be_bytes(address))
}

/// The address that these digits spell.
pub fn address(digits: &str) -> Option<Address> {
    let is_whole = digits.len() == 32 && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    let number = is_whole.then(|| u128::from_str_radix(digits, 16).ok()).flatten()?;
    Some(number.to_be_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_spelled_and_read() {
        let place = [0xAB; 16];
        assert_eq!(address(&hex(place)), Some(place));
        for other in
            ["", "ab", &"g".repeat(32), &"a".repeat(33), "+0000000000000000000000000000000"]
        {
            assert_eq!(address(other), None, "{other}");
        }
    }

    #[test]
    fn orders_are_read_from_json() {
        let read = |text: &str| serde_json::from_str::<Order>(text);
        assert!(matches!(read(r#"{"do":"reach"}"#), Ok(Order::Reach)));
        let purge = read(r#"{"do":"purge","tags":["a"],"expireSecs":5}"#).unwrap();
        assert!(matches!(purge, Order::Purge { expire_secs: Some(5.0), all: false, .. }));
        assert!(read(r#"{"do":"flush"}"#).is_err());
        let place: Place = serde_json::from_str(r#"{"class":1,"key":"/a","build":"b"}"#).unwrap();
        assert!(matches!(place, Place::Key { class: 1, .. }));
    }
}
