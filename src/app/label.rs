//! What something of the app's is called in a store.

use std::fmt::{self, Display};
use std::sync::Arc;

use crate::app::digest::Digest;

/// What a thing belongs to. Things of different features never meet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Feature {
    /// Plain values.
    Value,
    /// Tokens that are used once.
    Token,
    /// Short codes that a person types.
    Code,
    /// Locks.
    Lock,
    /// Budgets of a rate limit.
    Limit,
    /// The sessions of one user.
    Session,
    /// Counts.
    Count,
    /// What runs at the same time.
    Seat,
}

impl Feature {
    /// The word that begins its labels.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Value => "kv",
            Self::Token => "token",
            Self::Code => "code",
            Self::Lock => "lock",
            Self::Limit => "limit",
            Self::Session => "session",
            Self::Count => "count",
            Self::Seat => "seat",
        }
    }
}

/// The name of one thing in a store: of its feature, of the group the app gave a name, and its own.
///
/// # Format
/// `feature:group:own`; the first two have no colon, so that no two things share a label. All of a group
/// together are `feature:group`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Label(Arc<str>);

impl Label {
    /// The label of one thing. It hides secrets, and whom a code or a limit is about.
    pub fn of(feature: Feature, group: &Group, own: &Own) -> Self {
        match feature {
            Feature::Token | Feature::Code | Feature::Limit | Feature::Seat => {
                Self::hidden(feature, group, own.as_bytes())
            }
            Feature::Value | Feature::Lock | Feature::Session | Feature::Count => {
                Self::plain(feature, group, own)
            }
        }
    }

    /// The label of all that a group has.
    pub fn whole(feature: Feature, group: &Group) -> Self {
        Self(format!("{}:{}", feature.as_str(), group.0).into())
    }

    /// The label of what is called `own` among what this one names.
    #[must_use]
    pub fn within(&self, own: &Own) -> Self {
        Self(format!("{}:{}", self.0, own.0).into())
    }

    /// What a label within this one is called.
    pub fn own_of<'a>(&self, other: &'a Self) -> Option<&'a str> {
        other.0.strip_prefix(&*self.0)?.strip_prefix(':')
    }

    /// The label of what is called `own`, as it is.
    pub fn plain(feature: Feature, group: &Group, own: &Own) -> Self {
        Self(format!("{}:{}:{}", feature.as_str(), group.0, own.0).into())
    }

    /// The label of what is called `own`, which it does not tell: an address, a user, a secret.
    pub fn hidden(feature: Feature, group: &Group, own: &[u8]) -> Self {
        let digest = Digest::of(feature.as_str(), &[group.0.as_bytes(), own]);
        Self(format!("{}:{}:{}", feature.as_str(), group.0, digest.short()).into())
    }

    /// Whether it names something of a feature.
    pub fn is_of(&self, feature: Feature) -> bool {
        self.0.split(':').next() == Some(feature.as_str())
    }

    /// The label as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Display for Label {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

/// The longest name of a group, in bytes.
pub const MOST_GROUP: usize = 64;
/// The longest name of one thing, in bytes.
pub const MOST_OWN: usize = 512;

/// The name the app gave a group: 1 to 64 letters, digits, `.`, `_`, `-` and `/`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Group(String);

impl Group {
    /// Its bytes.
    pub fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }

    /// `None` if it is no such name.
    pub fn parse(text: &str) -> Option<Self> {
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-/".contains(&byte);
        let fits = (1..=MOST_GROUP).contains(&text.len()) && text.bytes().all(is_plain);
        fits.then(|| Self(text.into()))
    }
}

/// The name of one thing: 1 to 512 bytes of UTF-8, without NUL.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Own(String);

impl Own {
    /// `None` if it is no such name.
    pub fn parse(text: &str) -> Option<Self> {
        let fits = (1..=MOST_OWN).contains(&text.len()) && !text.contains('\0');
        fits.then(|| Self(text.into()))
    }

    /// Its bytes.
    pub fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }

    /// As text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn group(text: &str) -> Group {
        Group::parse(text).unwrap()
    }

    fn own(text: &str) -> Own {
        Own::parse(text).unwrap()
    }

    #[test]
    fn no_two_things_share_a_label() {
        let plain = |a, b, c| Label::plain(a, &group(b), &own(c));
        assert_eq!(plain(Feature::Value, "auth", "a:b").as_str(), "kv:auth:a:b");
        assert_ne!(plain(Feature::Value, "a", "b"), plain(Feature::Lock, "a", "b"));
        let hidden = |a, b: &str| Label::hidden(Feature::Limit, &group(a), b.as_bytes());
        assert_ne!(hidden("a", "1.2.3.4"), hidden("b", "1.2.3.4"));
        assert_ne!(hidden("a", "1.2.3.4"), hidden("a", "1.2.3.5"));
        assert!(!hidden("a", "1.2.3.4").as_str().contains("1.2.3.4"));
    }

    #[test]
    fn names_that_could_be_taken_for_others_are_none() {
        for bad in ["", "a:b", "a{b", "a b", "é", "a\0"] {
            assert_eq!(Group::parse(bad), None, "{bad}");
        }
        assert_eq!(Group::parse(&"a".repeat(65)), None);
        assert_eq!(Own::parse(""), None);
        assert_eq!(Own::parse("a\0b"), None);
        assert_eq!(Own::parse(&"é".repeat(257)), None);
        assert!(Own::parse(&"é".repeat(256)).is_some());
    }
}
