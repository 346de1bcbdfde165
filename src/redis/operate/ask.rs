//! Asks all instances about something, and waits for what they answer.

use std::time::Duration;

use bytes::Bytes;
use fred::types::{Key, Value};
use futures_util::future::join_all;
use parking_lot::Mutex;
use tokio::time::{sleep, timeout};

use super::{call, call_at, content, unreached};
use crate::account::MOST_READ;
use crate::operate::server::{Answered, Trouble};
use crate::redis::connect::Connection;
use crate::redis::failure::Failure;
use crate::redis::keys::Keys;
use crate::redis::published::{TOGETHER, ids, snapshots, timely};
use crate::redis::questions::Question;

/// How long instances have to answer.
const LIMIT: Duration = Duration::from_secs(1);
/// Between two looks; the first comes sooner.
const FIRST: Duration = Duration::from_millis(10);
const PAUSE: Duration = Duration::from_millis(50);

/// What each listed instance answers. The server may take `limit` for the question, and again for
/// the names of those that are silent.
pub(in crate::redis) async fn ask(
    link: &Connection,
    keys: &Keys,
    limit: Duration,
    text: &str,
) -> Result<Vec<Answered>, Trouble> {
    if text.is_empty() {
        return Err(Trouble::failed("nothing is asked for"));
    }
    let question = Question::new(text);
    let begin = async {
        let asked = ids(&link.client, keys).await?;
        if !asked.is_empty() {
            publish(link, keys, &question).await?;
        }
        Ok(asked)
    };
    let asked = timely(limit, begin).await.map_err(unreached)?;
    let heard = Mutex::new(Heard { answers: vec![None; asked.len()], failure: None });
    // Who has not answered by then is named.
    let _ = timeout(LIMIT, gather(link, keys, &question, &asked, &heard)).await;
    let Heard { answers, failure } = heard.into_inner();
    if let Some(failure) = failure.filter(|_| answers.iter().all(Option::is_none)) {
        return Err(unreached(failure));
    }
    let is_silent = |(_, answer): &(&String, &Option<Bytes>)| answer.is_none();
    let silent: Vec<String> =
        asked.iter().zip(&answers).filter(is_silent).map(|(id, _)| id.clone()).collect();
    // They are no more than names.
    let names = timely(limit, snapshots(&link.client, keys, &silent)).await;
    let mut names = names.unwrap_or_default().into_iter();
    let answered = |(id, account): (String, Option<Bytes>)| {
        let snapshot = if account.is_none() { names.next().flatten() } else { None };
        Answered { id, account, snapshot }
    };
    Ok(asked.into_iter().zip(answers).map(answered).collect())
}

/// As invalidations are published.
async fn publish(link: &Connection, keys: &Keys, question: &Question) -> Result<(), Failure> {
    let said = || [keys.channel.as_str().into(), question.published().into()].to_vec();
    if link.is_of_cluster && call(&link.client, "SPUBLISH", said()).await.is_ok() {
        return Ok(());
    }
    let told = call(&link.client, "PUBLISH", said()).await;
    told.map(drop).map_err(|error| Failure::of(&error))
}

/// What came so far.
struct Heard {
    /// Of each that was asked.
    answers: Vec<Option<Bytes>>,
    /// Why one could not be read.
    failure: Option<Failure>,
}

impl Heard {
    fn missing(&self) -> Vec<usize> {
        let all = self.answers.iter().enumerate();
        all.filter(|(_, answer)| answer.is_none()).map(|(at, _)| at).collect()
    }

    fn note(&mut self, at: usize, found: Result<Option<Bytes>, Failure>) {
        match (found, self.answers.get_mut(at)) {
            (Ok(found), Some(answer)) => *answer = found,
            (Ok(_), None) => {}
            (Err(failure), _) => self.failure = Some(failure),
        }
    }
}

/// Until each has answered. One whose answer cannot be read costs no other.
async fn gather(
    link: &Connection,
    keys: &Keys,
    question: &Question,
    asked: &[String],
    heard: &Mutex<Heard>,
) {
    let mut pause = FIRST;
    loop {
        let missing = heard.lock().missing();
        if missing.is_empty() {
            return;
        }
        sleep(pause).await;
        pause = PAUSE;
        for some in missing.chunks(TOGETHER) {
            let names = some.iter().filter_map(|at| Some((*at, asked.get(*at)?)));
            let reads = names.map(|(at, id)| {
                let key = keys.account(question.id(), id);
                async move { (at, Box::pin(read(link, key)).await) }
            });
            for (at, found) in join_all(reads).await {
                heard.lock().note(at, found);
            }
        }
    }
}

/// An answer, as far as one is read. Users of apps may not look at a part of a value.
async fn read(link: &Connection, key: Key) -> Result<Option<Bytes>, Failure> {
    let range = [Value::from("0"), Value::from(MOST_READ as i64)];
    let found = match call_at(&link.client, "GETRANGE", &key, &range).await {
        Err(error) if matches!(Failure::of(&error), Failure::Denied(_)) => {
            call_at(&link.client, "GET", &key, &[]).await
        }
        found => found,
    };
    let found = found.map_err(|error| Failure::of(&error))?;
    Ok(content(found).filter(|bytes| !bytes.is_empty()))
}
