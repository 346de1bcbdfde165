//! What this process remembers about something, for whoever asks all instances.

use std::sync::Arc;

use super::recall::{Decisions, recall};
use crate::account::{Account, MOST_DECISIONS, Statement};
use crate::clock::Timestamp;
use crate::engine::Engine;

/// Begins the tags that Next.js makes of paths: `NEXT_CACHE_IMPLICIT_TAG_ID` of 16.
const IMPLICIT: &str = "_N_T_";

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
    let mut account = Account { remembers: remembers as u64, ..Account::default() };
    for one in recall(engine, journals, remembers) {
        let subject = subject_of(&one.kind, &one.key);
        if !is_about(&one, subject.as_deref(), text) {
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

fn is_about(one: &Statement, subject: Option<&str>, text: &str) -> bool {
    let is_invalidation = one.call == "invalidate";
    let mut tags = one.tags.iter().flatten().map(String::as_str).chain(one.tag.as_deref());
    if tags.any(|tag| names(tag, text, false)) {
        return true;
    }
    if is_invalidation {
        return one.key.split(", ").any(|tag| names(tag, text, true));
    }
    if text.starts_with('/') {
        // A part of a path would be that of many.
        return one.key == text || (text == "/" && one.key == "/index");
    }
    one.key.contains(text) || subject.is_some_and(|subject| subject.contains(text))
}

/// Whether a tag is the text, or one that Next.js makes of the path that it is. An invalidation of a
/// layout is about all pages below it.
fn names(tag: &str, text: &str, is_invalidation: bool) -> bool {
    let Some(path) = tag.strip_prefix(IMPLICIT).filter(|_| text.starts_with('/')) else {
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
