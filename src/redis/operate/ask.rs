//! Asks all instances about something, and waits for what they answer.

use std::cell::RefCell;
use std::time::Duration;

use bytes::Bytes;
use fred::types::{Key, Value};
use futures_util::future::join_all;
use tokio::time::{sleep, timeout};

use super::{Inner, call, call_at, content, trouble, unreached};
use crate::account::MOST_READ;
use crate::operate::server::{Answered, Trouble};
use crate::redis::connect::Connection;
use crate::redis::published::{TOGETHER, ids, snapshots};
use crate::redis::questions::Question;

/// How long instances have to answer.
const LIMIT: Duration = Duration::from_secs(1);
/// Between two looks; the first comes sooner.
const FIRST: Duration = Duration::from_millis(10);
const PAUSE: Duration = Duration::from_millis(50);

pub(super) async fn ask(inner: &Inner, text: &str) -> Result<Vec<Answered>, Trouble> {
    let link = inner.link().await?;
    let within = inner.shared.connect_timeout;
    let asked = ids(&link.client, &inner.keys, within).await.map_err(unreached)?;
    if asked.is_empty() {
        return Ok(Vec::new());
    }
    let question = Question::new(text);
    publish(inner, &link, &question).await?;
    let answers = RefCell::new(vec![None; asked.len()]);
    // Who has not answered by then is named.
    let waited = timeout(LIMIT, gather(inner, &link, &question, &asked, &answers)).await;
    waited.unwrap_or(Ok(()))?;
    let answers = answers.into_inner();
    let is_silent = |(_, answer): &(&String, &Option<Bytes>)| answer.is_none();
    let silent: Vec<String> =
        asked.iter().zip(&answers).filter(is_silent).map(|(id, _)| id.clone()).collect();
    let names = snapshots(&link.client, &inner.keys, within, &silent).await;
    let mut names = names.map_err(unreached)?.into_iter();
    let answered = |(id, account): (String, Option<Bytes>)| {
        let snapshot = if account.is_none() { names.next().flatten() } else { None };
        Answered { id, account, snapshot }
    };
    Ok(asked.into_iter().zip(answers).map(answered).collect())
}

/// As invalidations are published.
async fn publish(inner: &Inner, link: &Connection, question: &Question) -> Result<(), Trouble> {
    let said = || [inner.keys.channel.as_str().into(), question.published().into()].to_vec();
    if link.is_of_cluster && call(&link.client, "SPUBLISH", said()).await.is_ok() {
        return Ok(());
    }
    let told = call(&link.client, "PUBLISH", said()).await;
    told.map(drop).map_err(|error| trouble(&error))
}

/// Until each has answered.
async fn gather(
    inner: &Inner,
    link: &Connection,
    question: &Question,
    asked: &[String],
    answers: &RefCell<Vec<Option<Bytes>>>,
) -> Result<(), Trouble> {
    let mut pause = FIRST;
    loop {
        let missing: Vec<usize> = (0..asked.len())
            .filter(|at| answers.borrow().get(*at).is_some_and(Option::is_none))
            .collect();
        if missing.is_empty() {
            return Ok(());
        }
        sleep(pause).await;
        pause = PAUSE;
        for some in missing.chunks(TOGETHER) {
            let keys = some.iter().filter_map(|at| Some((*at, asked.get(*at)?)));
            let reads = keys.map(|(at, id)| {
                let key = inner.keys.account(question.id(), id);
                async move { (at, Box::pin(read(link, key)).await) }
            });
            for (at, found) in join_all(reads).await {
                let found = found?;
                if let Some(answer) = answers.borrow_mut().get_mut(at) {
                    *answer = found;
                }
            }
        }
    }
}

/// An answer, as far as one is read. Users of apps may not look at a part of a value.
async fn read(link: &Connection, key: Key) -> Result<Option<Bytes>, Trouble> {
    let range = [Value::from("0"), Value::from(MOST_READ as i64)];
    let found = match call_at(&link.client, "GETRANGE", &key, &range).await {
        Err(error) if trouble(&error).kind == "denied" => {
            call_at(&link.client, "GET", &key, &[]).await
        }
        found => found,
    };
    let found = content(found.map_err(|error| trouble(&error))?);
    Ok(found.filter(|bytes| !bytes.is_empty()))
}
