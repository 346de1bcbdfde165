//! Codes by their scripts.

use fred::types::Value;

use super::super::failure::Failure;
use super::super::reply::{decimal, text};
use super::{Call, word};
use crate::app::code::{Answer, Deed};

pub(super) async fn carry_out(call: &Call<'_>, deed: &Deed) -> Result<Answer, Failure> {
    let scripts = call.scripts();
    let reply = match deed {
        Deed::Issue { digest, rules } => {
            let numbers = [
                rules.ttl_ms,
                rules.attempts.into(),
                rules.pause_ms,
                rules.most.into(),
                rules.span_ms,
            ];
            let mut args = vec![text(&digest.hex())];
            args.extend(numbers.map(decimal));
            call.run(&scripts.issue_code, args).await?
        }
        Deed::Verify { digest } => {
            call.run(&scripts.verify_code, vec![text(&digest.hex())]).await?
        }
        Deed::Revoke => {
            call.run(&scripts.verify_code, vec![text("-")]).await?;
            return Ok(Answer::Revoked);
        }
    };
    answer(&reply).ok_or(Failure::NONSENSE)
}

fn answer(reply: &Value) -> Option<Answer> {
    let (word, detail) = word(reply)?;
    match word {
        b"issued" => Some(Answer::Issued),
        b"soon" => Some(Answer::TooSoon(detail)),
        b"right" => Some(Answer::Right),
        b"wrong" => Some(Answer::Wrong(detail as u32)),
        b"none" => Some(Answer::NoCode),
        _ => None,
    }
}
