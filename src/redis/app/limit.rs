//! Limits by their script.

use fred::types::Value;

use super::super::failure::Failure;
use super::super::reply::{decimal, number, parts, text};
use super::Call;
use crate::app::limit::window::CELLS;
use crate::app::limit::{AHEAD_PARTS, Deed, Left, Verdict, Window};

pub(super) async fn carry_out(call: &Call<'_>, deed: &Deed) -> Result<Verdict, Failure> {
    let args = match deed {
        Deed::Take { cost, ahead, windows } => {
            let mut args = vec![decimal(*cost), decimal(*ahead), decimal(CELLS)];
            args.push(decimal(AHEAD_PARTS));
            args.extend(windows.iter().flat_map(window));
            args
        }
        Deed::Give { amount, at_ms, windows } => {
            let mut args = vec![text("give"), decimal(*amount), decimal(CELLS), decimal(*at_ms)];
            args.extend(windows.iter().flat_map(window));
            args
        }
        Deed::Block { for_ms } => vec![text("block"), decimal(*for_ms), decimal(CELLS)],
        Deed::Reset => {
            call.command("DEL", Vec::new()).await?;
            return Ok(Verdict { is_admitted: true, ..Verdict::default() });
        }
    };
    let reply = call.run(&call.scripts().limit, args).await?;
    verdict(&reply).ok_or(Failure::NONSENSE)
}

fn window(window: &Window) -> [Value; 4] {
    let letter = text(window.algorithm.as_str());
    [letter, decimal(window.limit), decimal(window.span_ms), decimal(window.burst)]
}

fn verdict(reply: &Value) -> Option<Verdict> {
    let [is_admitted, blocked_ms, ahead, at_ms, windows @ ..] = parts(reply)? else { return None };
    let left = |three: &[Value]| {
        let [left, reset_ms, retry_ms] = three else { return None };
        Some(Left { left: number(left)?, reset_ms: number(reset_ms)?, retry_ms: number(retry_ms)? })
    };
    Some(Verdict {
        is_admitted: number(is_admitted)? == 1,
        blocked_ms: number(blocked_ms)?,
        ahead: number(ahead)?,
        at_ms: number(at_ms)?,
        windows: windows.chunks(3).map(left).collect::<Option<_>>()?,
    })
}
