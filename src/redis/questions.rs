//! Answers what an operator asks all instances, by the channel of invalidations.
//!
//! # Format
//! A question is `why <id> <text>`: 16 hexadecimal digits that name the key of each answer, and what
//! the question is about. An instance that does not know questions takes one for a message that it
//! cannot read, and polls.
//!
//! Nothing happens while nobody asks. Whoever may publish can ask as often as they like: few
//! questions wait, and after each comes a pause of nine times as long as it took, up to 300 ms.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use fred::interfaces::KeysInterface;
use fred::types::{Expiration, Value};
use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::task::spawn_blocking;
use tokio::time::sleep;

use super::connect::within;
use super::session::Session;
use crate::account::MOST_QUESTION;
use crate::clock::stopwatch_ns;
use crate::guard::guard;

/// Begins a question.
const WORD: &str = "why ";
/// Digits of an id.
const DIGITS: usize = 16;
/// How long an answer is there to be read.
const LIVES_MS: i64 = 10_000;
/// Questions that wait, at most.
const MOST_WAITING: usize = 8;
/// The pause after an answer, by how long that took; and the longest, so that nobody waits in vain.
const PAUSES: u32 = 9;
const MOST_PAUSE: Duration = Duration::from_millis(300);

/// Something that somebody wants to know.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Question {
    id: String,
    text: String,
}

impl Question {
    /// Reads what was published; `None` if that is no question.
    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        let rest = bytes.strip_prefix(WORD.as_bytes())?;
        if rest.len() > DIGITS + 1 + MOST_QUESTION {
            return None;
        }
        let (id, text) = std::str::from_utf8(rest).ok()?.split_once(' ')?;
        let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        let is_id = id.len() == DIGITS && id.bytes().all(is_digit);
        (is_id && !text.is_empty()).then(|| Self { id: id.into(), text: text.into() })
    }

    /// A question with a new id. Of a long text it asks by the beginning.
    pub(super) fn new(text: &str) -> Self {
        let fits = |at: &usize| *at <= MOST_QUESTION && text.is_char_boundary(*at);
        let end = (0..=text.len().min(MOST_QUESTION)).rev().find(fits).unwrap_or_default();
        let text = text.get(..end).unwrap_or_default().to_owned();
        Self { id: format!("{:016x}", super::random()), text }
    }

    pub(super) fn id(&self) -> &str {
        &self.id
    }

    pub(super) fn published(&self) -> String {
        format!("{WORD}{} {}", self.id, self.text)
    }
}

/// Questions that are not answered yet.
#[derive(Default)]
pub(super) struct Questions {
    waiting: Mutex<VecDeque<Question>>,
    came: Notify,
}

impl Questions {
    /// Has a question answered, unless too many wait.
    pub(super) fn add(&self, question: Question) {
        let mut waiting = self.waiting.lock();
        if waiting.len() < MOST_WAITING {
            waiting.push_back(question);
            self.came.notify_one();
        }
    }

    async fn next(&self) -> Question {
        loop {
            if let Some(question) = self.waiting.lock().pop_front() {
                return question;
            }
            self.came.notified().await;
        }
    }
}

impl Session {
    /// Answers questions, for as long as the store lives.
    pub(super) async fn keep_answers(self: Arc<Self>) {
        loop {
            let Question { id, text } = self.questions.next().await;
            let began = stopwatch_ns();
            // Not here: decisions are many, and neither reads nor polls wait for them.
            let listener = self.listener.clone();
            let made = spawn_blocking(move || guard(|| listener.account(&text)).flatten()).await;
            let took = Duration::from_nanos(stopwatch_ns().saturating_sub(began));
            if let Some(bytes) = made.ok().flatten() {
                self.answer(&id, bytes).await;
            }
            sleep((took * PAUSES).min(MOST_PAUSE)).await;
        }
    }

    /// Nothing depends on it: whoever asked is told that this instance does not answer.
    async fn answer(&self, id: &str, bytes: Vec<u8>) {
        let Some(link) = self.link() else { return };
        let key = self.keys.account(id, &self.instance);
        let expires = Some(Expiration::PX(LIVES_MS));
        let value = Value::Bytes(bytes.into());
        let set = link.client.set::<Value, _, _>(key, value, expires, None, false);
        let _ = within(self.command_timeout, Box::pin(set)).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::redis::wire;

    #[test]
    fn a_question_is_read_as_it_was_asked_and_is_no_message() {
        for text in ["/blog/a", "a tag, with spaces", "größe", " "] {
            let asked = Question::new(text);
            let published = asked.published();
            assert_eq!(Question::parse(published.as_bytes()), Some(asked));
            assert_eq!(wire::message(published.as_bytes()), None);
        }
    }

    #[test]
    fn what_is_no_question_is_none() {
        let long = format!("why 0123456789abcdef {}", "x".repeat(MOST_QUESTION + 1));
        for none in [
            "",
            "why",
            "why 0123456789abcdef",
            "why 0123456789abcdef ",
            "why 0123456789abcde a",
            "why 0123456789abcdeF a",
            "why 0123456789abcde: a",
            "2 77 5 9 web-7f:12 9 0 0 3:a:b",
            &long,
        ] {
            assert_eq!(Question::parse(none.as_bytes()), None, "{none:.40}");
        }
        assert_eq!(Question::parse(b"why 0123456789abcdef \xff"), None);
        assert!(Question::parse(&long.as_bytes()[..long.len() - 1]).is_some());
    }

    #[test]
    fn no_more_wait_than_can_be_answered() {
        let questions = Questions::default();
        (0..100).for_each(|n| questions.add(Question::new(&n.to_string())));
        let waiting: Vec<_> = questions.waiting.lock().iter().map(|one| one.text.clone()).collect();
        assert_eq!(waiting, ["0", "1", "2", "3", "4", "5", "6", "7"]);
    }
}
