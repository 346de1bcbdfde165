//! Values of the app's own code: what their first part says to the engine.
//!
//! # Format
//! A text of `js/app/cache/entry.js`: how the value is encoded, the jitter and the early part in
//! percent or `-` where the options of the process count, and the age in ms past which it is only
//! kept for generations that fail. Blanks between them; what follows is up to JavaScript.

use super::value::{PartRef, part};
use crate::spread::Spread;

/// What the first part says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// Instead of the jitter of the options, in percent.
    pub jitter_percent: Option<u32>,
    /// Instead of the early part of the options, in percent.
    pub ahead_percent: Option<u32>,
    /// The age past which it answers no get, in us.
    pub served_us: Option<u64>,
}

impl Head {
    /// Of a value as it is stored; `None` if it has no such head.
    pub fn of(body: &[u8]) -> Option<Self> {
        let Some(PartRef::Latin1(text)) = part(body, 0) else { return None };
        let mut words = text.split(|byte| *byte == b' ').skip(1);
        let jitter_percent = number(words.next()?);
        let ahead_percent = number(words.next()?);
        let served_us = number(words.next()?).map(|ms| ms.saturating_mul(1_000));
        let percent = |given: Option<u64>| given.map(|one| one.min(100) as u32);
        let (jitter_percent, ahead_percent) = (percent(jitter_percent), percent(ahead_percent));
        Some(Self { jitter_percent, ahead_percent, served_us })
    }

    /// The spread of such an entry in a process whose options say `otherwise`.
    pub fn spread(self, otherwise: Spread) -> Spread {
        Spread {
            jitter_percent: self.jitter_percent.unwrap_or(otherwise.jitter_percent),
            ahead_percent: self.ahead_percent.unwrap_or(otherwise.ahead_percent),
        }
    }
}

fn number(word: &[u8]) -> Option<u64> {
    str::from_utf8(word).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::next::value::{Part, encode};

    fn of(text: &str) -> Option<Head> {
        let units: Vec<u16> = text.encode_utf16().collect();
        Head::of(&encode(&[Part::Text(&units), Part::Absent]).unwrap())
    }

    #[test]
    fn a_head_says_what_differs_from_the_options() {
        let options = Spread { jitter_percent: 5, ahead_percent: 7 };
        let head = of("j 20 - 3600000 60000 [\"a\"]").unwrap();
        assert_eq!(head.served_us, Some(3_600_000_000));
        assert_eq!(head.spread(options), Spread { jitter_percent: 20, ahead_percent: 7 });
        let plain = of("j - 0 -").unwrap();
        assert_eq!(plain.spread(options), Spread { jitter_percent: 5, ahead_percent: 0 });
        assert_eq!(plain.served_us, None);
    }

    #[test]
    fn what_is_no_head_says_nothing_and_no_number_is_too_large() {
        for text in ["", "j", "j 1", "j 1 2", "\u{20ac} 1 2 3"] {
            assert_eq!(of(text), None, "{text}");
        }
        assert_eq!(Head::of(&[]), None);
        let most = format!("j 4000 x {}", u64::MAX);
        let head = of(&most).unwrap();
        assert_eq!((head.jitter_percent, head.ahead_percent), (Some(100), None));
        assert_eq!(head.served_us, Some(u64::MAX));
    }
}
