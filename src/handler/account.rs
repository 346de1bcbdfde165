//! What this process remembers about something, for whoever asks all instances.

use std::collections::HashSet;
use std::sync::Arc;

use super::recall::{Decisions, recall};
use crate::account::{Account, MOST_DECISIONS, Statement};
use crate::clock::Timestamp;
use crate::engine::Engine;
use crate::next::tags::PATH_TAG;

/// The last decisions about what a text names: a path, a key, a tag, or a part of a subject, which
/// `subject_of` finds by kind and key. Who answers, the caller knows.
pub fn account(
    engine: &Engine,
    journals: &[Arc<Decisions>],
    text: &str,
    subject_of: impl Fn(&str, &str) -> Option<String>,
) -> Account {
    let offset_us = engine.ledger.store_offset_us();
    let remembers = engine.options.decisions;
    let all = recall(engine, journals, remembers);
    let asked = Asked::new(text, &all);
    let mut account = Account { remembers: remembers as u64, ..Account::default() };
    for one in all {
        let subject = subject_of(&one.kind, &one.key);
        if !asked.is_answered(&one, subject.as_deref()) {
            continue;
        }
        account.found += 1;
        if account.decisions.len() < MOST_DECISIONS {
            let at = Timestamp((one.time * 1e3) as u64).shifted_us(offset_us);
            let time = (at.0 / 1_000) as f64;
            account.decisions.push(Statement { time, subject, ..one });
        }
    }
    account
}

/// What was asked for.
struct Asked<'a> {
    text: &'a str,
    /// Of a path: the tags of what was decided about it.
    tags: HashSet<String>,
}

impl<'a> Asked<'a> {
    fn new(text: &'a str, all: &[Statement]) -> Self {
        let own = all.iter().filter(|one| text.starts_with('/') && is_at(one, text));
        let tags = own.flat_map(|one| one.tags.iter().flatten().chain(&one.tag)).cloned();
        Self { text, tags: tags.collect() }
    }

    fn is_answered(&self, one: &Statement, subject: Option<&str>) -> bool {
        let text = self.text;
        let mut tags = one.tags.iter().flatten().chain(&one.tag);
        if tags.any(|tag| names(tag, text, false)) {
            return true;
        }
        let is_of_subject = || subject.is_some_and(|subject| subject.contains(text));
        if is_invalidation(one) {
            // A tag may have a comma in it.
            let mut tags = std::iter::once(&*one.key).chain(one.key.split(", "));
            return tags.any(|tag| names(tag, text, true) || self.tags.contains(tag));
        }
        if text.starts_with('/') {
            // A part of a path would be that of many.
            return is_at(one, text) || (text != "/" && is_of_subject());
        }
        one.key.contains(text) || is_of_subject()
    }
}

fn is_invalidation(one: &Statement) -> bool {
    one.call == "invalidate"
}

fn is_at(one: &Statement, path: &str) -> bool {
    !is_invalidation(one) && (one.key == path || (path == "/" && one.key == "/index"))
}

/// Whether a tag is the text, or one that Next.js makes of the path that it is. An invalidation of a
/// layout is about all pages below it.
fn names(tag: &str, text: &str, is_invalidation: bool) -> bool {
    let Some(path) = tag.strip_prefix(PATH_TAG).filter(|_| text.starts_with('/')) else {
        return tag == text;
    };
    let page = text.trim_end_matches('/');
    let is_below = |folder: &str| {
        page.strip_prefix(folder).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    path == text
        || path.strip_suffix("/page") == Some(page)
        || (is_invalidation && path.strip_suffix("/layout").is_some_and(is_below))
}
