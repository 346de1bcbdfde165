//! Locks by their scripts.

use fred::types::Value;

use super::super::failure::Failure;
use super::super::reply::{decimal, number, parts, text};
use super::{Call, is_one, word};
use crate::app::lock::{Answer, Deed, FENCE_MS, MOST_WAITING, PATIENCE_MS, look_ms};

pub(super) async fn carry_out(call: &Call<'_>, deed: &Deed) -> Result<Answer, Failure> {
    let (scripts, keys) = (call.scripts(), call.session.keys.lock(&call.order.label));
    match deed {
        Deed::Acquire { owner, ttl_ms, waits } => {
            let args = vec![
                text(owner.as_str()),
                decimal(*ttl_ms),
                text(if *waits { "1" } else { "0" }),
                decimal(PATIENCE_MS),
                decimal(MOST_WAITING as u64),
                decimal(FENCE_MS.max(*ttl_ms)),
            ];
            let reply = call.run_on(&scripts.acquire, &keys, args).await?;
            acquired(&reply).ok_or(Failure::NONSENSE)
        }
        Deed::Renew { owner, ttl_ms } => {
            let args = vec![text(owner.as_str()), decimal(*ttl_ms)];
            kept(&call.run(&scripts.renew_lock, args).await?)
        }
        Deed::Release { owner } => {
            let [lock, queue, _] = keys;
            let args = vec![text(owner.as_str())];
            kept(&call.run_on(&scripts.release, &[lock, queue], args).await?)
        }
    }
}

fn acquired(reply: &Value) -> Option<Answer> {
    match word(reply)? {
        (b"taken", fence) => Some(Answer::Taken(fence)),
        (b"held", place) => {
            let left_ms = number(parts(reply)?.get(2)?)?;
            Some(Answer::Held(look_ms(place, left_ms)))
        }
        _ => None,
    }
}

fn kept(reply: &Value) -> Result<Answer, Failure> {
    is_one(reply).map(|is_kept| if is_kept { Answer::Done } else { Answer::Lost })
}
