//! Seats by their scripts.

use fred::types::Value;

use super::super::failure::Failure;
use super::super::reply::{decimal, number, parts, text};
use super::{Call, is_one};
use crate::app::seat::{Answer, Deed};

pub(super) async fn carry_out(call: &Call<'_>, deed: &Deed) -> Result<Answer, Failure> {
    let scripts = call.scripts();
    let acquire = |owner, ttl_ms, limit| {
        call.run(&scripts.acquire_seat, vec![text(owner), decimal(ttl_ms), decimal(limit)])
    };
    let renew = |owner, ttl_ms| call.run(&scripts.renew_seat, vec![text(owner), decimal(ttl_ms)]);
    match deed {
        Deed::Acquire { owner, ttl_ms, limit } => {
            held(&acquire(owner.as_str(), *ttl_ms, *limit).await?).ok_or(Failure::NONSENSE)
        }
        Deed::Look { limit } => held(&acquire("", 0, *limit).await?).ok_or(Failure::NONSENSE),
        Deed::Renew { owner, ttl_ms } => kept(&renew(owner.as_str(), *ttl_ms).await?),
        Deed::Release { owner } => kept(&renew(owner.as_str(), 0).await?),
    }
}

fn held(reply: &Value) -> Option<Answer> {
    let [is_taken, held, first_ms] = parts(reply)? else { return None };
    let (held, first_ms) = (number(held)?, number(first_ms)?);
    let is_taken = number(is_taken)? == 1;
    Some(if is_taken { Answer::Taken(held, first_ms) } else { Answer::Held(held, first_ms) })
}

fn kept(reply: &Value) -> Result<Answer, Failure> {
    is_one(reply).map(|is_kept| if is_kept { Answer::Done } else { Answer::Lost })
}
