//! Freshness as each minor of Next.js expects it.
//!
//! Next.js judges age itself, from `lastModified`. It cannot know that a tag was invalidated
//! elsewhere; these signals say so (read in `IncrementalCache.get` of 16.0, 16.2, 16.3 and 16.4).
//! Images are judged here alone: the optimizer reads age from a clock that may be set.

use crate::next::value::ValueKind;
use crate::tags::Verdict;

/// A version of Next.js.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version {
    /// 16.
    pub major: u32,
    /// 0 to 4 and later.
    pub minor: u32,
}

impl Version {
    /// The first that enforces `expire`, treats `lastModified: -1` as blocking and joins concurrent
    /// generations of a `'use cache'` entry itself.
    pub const V16_3: Self = Self { major: 16, minor: 3 };
    /// The first that honours a returned `cacheControl`, renders a missing `dynamicParams = false`
    /// page, and regenerates a stale inner entry before an outer one keeps it.
    pub const V16_4: Self = Self { major: 16, minor: 4 };
    /// A Next.js whose version is unknown gets the signals that every minor understands. It sorts
    /// below all others, because the earliest understand the least.
    pub const UNKNOWN: Self = Self { major: 0, minor: 0 };
    /// The version assumed without Next.js.
    pub const NEWEST: Self = Self { major: u32::MAX, minor: 0 };

    /// The version at the start of a text such as `16.3.0-canary.4`; it must have a patch.
    pub fn parse(text: &str) -> Option<Self> {
        let mut numbers = text.split(['.', '-', '+']).map(|part| part.parse::<u32>().ok());
        let version = Self { major: numbers.next()??, minor: numbers.next()?? };
        numbers.next()?.map(|_patch| version)
    }
}

/// When a value is regenerated.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Revalidate {
    /// After this number of seconds.
    Secs(f64),
    /// Never by time.
    Never,
}

/// What a get found, and the Next.js that asked.
#[derive(Debug, Clone, Copy)]
pub struct Question {
    /// The Next.js that asks.
    pub version: Version,
    /// The kind that Next.js asked for.
    pub kind: ValueKind,
    /// The engine's judgement.
    pub verdict: Verdict,
    /// Whether Next.js needs the signal: a tag decided it, or an age below the one Next.js knows.
    pub is_told: bool,
    /// The entry's own `lastModified`, in ms on Next's clock.
    pub modified_ms: f64,
    /// Now, in ms on Next's clock.
    pub now_ms: f64,
    /// When Next.js regenerates the value.
    pub revalidate: Revalidate,
    /// Whether it is past 30 days: then it is never served.
    pub outlived: bool,
}

/// What to return.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Signal {
    /// The entry as it is: Next.js sees its age.
    AsIs,
    /// The entry with another `lastModified`.
    Modified(f64),
    /// The entry with this `lastModified` and a lifetime of one second: it is stale, and no CDN
    /// keeps it.
    Brief(f64),
    /// Nothing.
    Miss,
}

/// Age that makes a lifetime of one second stale, in ms.
const PAST_BRIEF_MS: f64 = 2_000.0;
/// The `lastModified` by which a value without a lifetime is stale: below every tag's time, and not
/// -1, which means something else.
const BEFORE_ALL: f64 = -2.0;
/// `lastModified` of a stale fetch on every minor, and, from 16.3 on, of a page that must be
/// generated before the response.
const MARK: f64 = -1.0;

/// The signal for what was found. `closed` returns whether the page has `dynamicParams = false`,
/// and is called only when it matters: before 16.4 a miss of such a page is a 404 for good.
pub fn signal(question: &Question, closed: impl FnOnce() -> bool) -> Signal {
    match (question.verdict, question.is_told) {
        (Verdict::Stale, _) if question.kind == ValueKind::Image => Signal::Modified(BEFORE_ALL),
        (Verdict::Fresh, _) | (Verdict::Stale, false) => Signal::AsIs,
        (Verdict::Stale, true) => stale(question),
        (Verdict::Gone, is_told) => gone(question, is_told, closed),
    }
}

fn stale(question: &Question) -> Signal {
    if question.kind == ValueKind::Fetch {
        return Signal::Modified(MARK);
    }
    if question.version >= Version::V16_4 {
        return Signal::Brief(question.modified_ms.min(question.now_ms - PAST_BRIEF_MS));
    }
    match question.revalidate {
        Revalidate::Never => Signal::Modified(BEFORE_ALL),
        Revalidate::Secs(secs) => {
            let past = question.now_ms - (secs + 1.0) * 1_000.0;
            Signal::Modified(question.modified_ms.min(past))
        }
    }
}

fn gone(question: &Question, is_told: bool, closed: impl FnOnce() -> bool) -> Signal {
    if !question.kind.is_page() {
        return Signal::Miss;
    }
    // From 16.3 on Next.js enforces `expire`, and keeps the old page should the render fail.
    if !is_told && !question.outlived && question.version >= Version::V16_3 {
        return Signal::AsIs;
    }
    if question.version >= Version::V16_4 || !closed() {
        return Signal::Miss;
    }
    // Before 16.3 the mark means stale, and from then on that the page must be generated first.
    let is_marked = question.version >= Version::V16_3 || question.version == Version::UNKNOWN;
    if is_marked { Signal::Modified(MARK) } else { stale(question) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minor: u32) -> Version {
        Version { major: 16, minor }
    }

    fn question(minor: u32, kind: ValueKind, verdict: Verdict) -> Question {
        Question {
            version: at(minor),
            kind,
            verdict,
            is_told: true,
            modified_ms: 1_000_000.0,
            now_ms: 1_001_000.0,
            revalidate: Revalidate::Secs(60.0),
            outlived: false,
        }
    }

    fn said(question: &Question) -> Signal {
        signal(question, || false)
    }

    #[test]
    fn a_version_is_what_a_text_begins_with() {
        let version = Version { major: 16, minor: 3 };
        for text in ["16.3.0", "16.3.0-canary.4", "16.3.0+build"] {
            assert_eq!(Version::parse(text), Some(version));
        }
        for text in ["", "16", "16.3", "16.x.0", "canary"] {
            assert_eq!(Version::parse(text), None, "{text}");
        }
    }

    #[test]
    fn fresh_is_returned_as_it_is() {
        for kind in [ValueKind::AppPage, ValueKind::Fetch] {
            assert_eq!(said(&question(4, kind, Verdict::Fresh)), Signal::AsIs);
        }
    }

    #[test]
    fn a_stale_fetch_is_marked_on_every_minor() {
        for minor in 0..=4 {
            let question = question(minor, ValueKind::Fetch, Verdict::Stale);
            assert_eq!(said(&question), Signal::Modified(-1.0));
        }
    }

    #[test]
    fn a_stale_image_is_older_than_any_lifetime_on_every_minor() {
        for (minor, is_told) in [(2, true), (3, false), (4, true), (4, false)] {
            let image = question(minor, ValueKind::Image, Verdict::Stale);
            assert_eq!(said(&Question { is_told, ..image }), Signal::Modified(-2.0));
        }
    }

    #[test]
    fn a_stale_page_looks_older_than_its_lifetime_before_16_4() {
        for minor in 0..=3 {
            let page = question(minor, ValueKind::AppPage, Verdict::Stale);
            assert_eq!(said(&page), Signal::Modified(1_001_000.0 - 61_000.0));
            let forever = Question { revalidate: Revalidate::Never, ..page };
            assert_eq!(said(&forever), Signal::Modified(-2.0));
        }
    }

    #[test]
    fn a_stale_page_is_brief_from_16_4_on() {
        let page = question(4, ValueKind::AppPage, Verdict::Stale);
        assert_eq!(said(&page), Signal::Brief(999_000.0));
        let newest = Question { version: Version::NEWEST, ..page };
        assert_eq!(said(&newest), Signal::Brief(999_000.0));
    }

    #[test]
    fn a_next_that_is_not_known_is_told_in_words_of_every_minor() {
        let of =
            |kind, verdict| Question { version: Version::UNKNOWN, ..question(0, kind, verdict) };
        let stale = of(ValueKind::AppPage, Verdict::Stale);
        assert_eq!(said(&stale), Signal::Modified(1_001_000.0 - 61_000.0));
        let forever = Question { revalidate: Revalidate::Never, ..stale };
        assert_eq!(said(&forever), Signal::Modified(-2.0));
        assert_eq!(said(&of(ValueKind::Fetch, Verdict::Stale)), Signal::Modified(-1.0));
        // Not left to Next.js, which enforces no `expire` before 16.3.
        let gone = Question { is_told: false, ..of(ValueKind::AppPage, Verdict::Gone) };
        assert_eq!(said(&gone), Signal::Miss);
        // A miss is a 404 for good before 16.4; this is stale before 16.3, and generated first
        // later.
        assert_eq!(signal(&gone, || true), Signal::Modified(-1.0));
    }

    #[test]
    fn an_invalidated_page_is_a_miss() {
        for minor in 0..=4 {
            for kind in [ValueKind::AppPage, ValueKind::AppRoute, ValueKind::Fetch] {
                assert_eq!(said(&question(minor, kind, Verdict::Gone)), Signal::Miss);
            }
        }
    }

    #[test]
    fn a_page_without_dynamic_params_never_becomes_a_404() {
        let closed = |minor| signal(&question(minor, ValueKind::AppPage, Verdict::Gone), || true);
        assert_eq!(closed(0), Signal::Modified(1_001_000.0 - 61_000.0));
        assert_eq!(closed(2), Signal::Modified(1_001_000.0 - 61_000.0));
        assert_eq!(closed(3), Signal::Modified(-1.0));
        assert_eq!(closed(4), Signal::Miss);
    }

    #[test]
    fn past_its_expire_a_page_is_left_to_next_where_next_enforces_it() {
        let by_age = |minor| {
            let page = question(minor, ValueKind::AppPage, Verdict::Gone);
            said(&Question { is_told: false, ..page })
        };
        assert_eq!(by_age(2), Signal::Miss);
        assert_eq!(by_age(3), Signal::AsIs);
        assert_eq!(by_age(4), Signal::AsIs);
    }
}
