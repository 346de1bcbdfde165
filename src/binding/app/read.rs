//! Arguments into orders. What JavaScript has checked is checked again: `None` for what is of no use.

use std::sync::Arc;

use super::super::raw;
use super::super::read::{self, Owned};
use crate::app::code;
use crate::app::desk::Action;
use crate::app::digest::Digest;
use crate::app::label::{Feature, Group, Label, Own};
use crate::app::limit::window::{MOST_LIMIT, MOST_SPAN_MS};
use crate::app::limit::{Algorithm, Limiter, OnError, Window};
use crate::app::lock::{self, Owner};
use crate::app::session;
use crate::app::store::{Deed, Order};
use crate::app::value::{self, MOST_NUMBER};
use crate::process;
use bytes::Bytes;

/// The longest that anything lives, in ms: ten years.
const MOST_TTL_MS: f64 = 315_360_000_000.0;
/// The largest value, in bytes.
const MOST_BYTES: usize = 8 << 20;

/// What is asked for.
pub(super) enum Asked {
    Order(Order),
    Limit { limiter: Arc<Limiter>, id: Own, action: Action },
}

/// The details of a call.
struct Args<'a> {
    env: raw::Env,
    values: &'a [raw::Value],
}

impl Args<'_> {
    fn at(&self, at: usize) -> Option<raw::Value> {
        self.values.get(at).copied()
    }

    fn text(&self, at: usize) -> Option<String> {
        read::with_units(self.env, self.at(at)?, |units| String::from_utf16(units).ok())?
    }

    fn number(&self, at: usize) -> Option<f64> {
        read::number(self.env, self.at(at)?).filter(|number| number.fract() == 0.0)
    }

    fn whole(&self, at: usize, most: u64) -> Option<u64> {
        let number = self.number(at)?;
        (0.0..=most as f64).contains(&number).then_some(number as u64)
    }

    fn ttl_ms(&self, at: usize) -> Option<u64> {
        let ms = self.number(at)?;
        (1.0..=MOST_TTL_MS).contains(&ms).then_some(ms as u64)
    }

    fn flag(&self, at: usize) -> Option<bool> {
        self.whole(at, 1).map(|number| number == 1)
    }

    /// The bytes of a text or a view, copied.
    fn bytes(&self, at: usize) -> Option<Bytes> {
        let bytes = match read::part(self.env, self.at(at)?)? {
            Owned::Absent => return None,
            Owned::Text(units) => String::from_utf16(&units).ok()?.into(),
            Owned::Bytes(bytes) => Bytes::copy_from_slice(bytes),
        };
        (bytes.len() <= MOST_BYTES).then_some(bytes)
    }

    /// The hash of a secret text.
    fn digest(&self, purpose: &str, at: usize) -> Option<Digest> {
        Some(Digest::of(purpose, &[self.text(at)?.as_bytes()]))
    }

    fn windows(&self, at: usize) -> Option<Vec<Window>> {
        let numbers = read::numbers(self.env, self.at(at)?);
        let (windows, rest) = numbers.as_chunks::<4>();
        windows.iter().map(window).collect::<Option<Vec<_>>>().filter(|_| rest.is_empty())
    }
}

fn window([algorithm, limit, span_ms, burst]: &[f64; 4]) -> Option<Window> {
    let whole = |number: f64, most: u64| {
        let fits = number.fract() == 0.0 && (1.0..=most as f64).contains(&number);
        fits.then_some(number as u64)
    };
    let algorithm = match *algorithm as u32 {
        0 => Algorithm::Fixed,
        1 => Algorithm::Sliding,
        2 => Algorithm::Bucket,
        _ => return None,
    };
    let (limit, burst) = (whole(*limit, MOST_LIMIT)?, whole(*burst, MOST_LIMIT)?);
    Some(Window { algorithm, limit, span_ms: whole(*span_ms, MOST_SPAN_MS)?, burst })
}

/// What a call of `ask` wants: which deed, as in `js/app/store.js`, the group and the name of a thing,
/// and details.
pub(super) fn asked(env: raw::Env, values: &[raw::Value]) -> Option<Asked> {
    let args = Args { env, values };
    let which = args.whole(0, 99)?;
    let details = Args { env, values: values.get(3..)? };
    let own = args.text(2)?;
    if (50..=59).contains(&which) {
        let limiter = process::limiters().find(args.whole(1, u32::MAX.into())? as usize)?;
        let action = action(which - 50, &details)?;
        return Some(Asked::Limit { limiter, id: Own::parse(&own)?, action });
    }
    let group = Group::parse(&args.text(1)?)?;
    let (feature, deed) = match which {
        10..=19 => (Feature::Value, Deed::Value(value(which - 10, &details)?)),
        20..=29 => (Feature::Token, Deed::Value(value(which - 20, &details)?)),
        30..=39 => {
            let about = [group_bytes(&args)?, own.clone().into_bytes()];
            (Feature::Code, Deed::Code(code(which - 30, &details, &about)?))
        }
        40..=49 => (Feature::Lock, Deed::Lock(lock(which - 40, &details)?)),
        60..=69 => (Feature::Session, Deed::Session(session(which - 60, &details)?)),
        _ => return None,
    };
    let own = Own::parse(&own)?;
    let label = match feature {
        // Of an address, a subject or a secret nothing is told.
        Feature::Token | Feature::Code => Label::hidden(feature, &group, own.as_bytes()),
        _ => Label::plain(feature, &group, &own),
    };
    Some(Asked::Order(Order { label, deed }))
}

fn group_bytes(args: &Args<'_>) -> Option<Vec<u8>> {
    args.text(1).map(String::into_bytes)
}

fn value(which: u64, args: &Args<'_>) -> Option<value::Deed> {
    let most = MOST_NUMBER as f64;
    Some(match which {
        0 => value::Deed::Get,
        1 => value::Deed::Set {
            bytes: args.bytes(0)?,
            ttl_ms: args.ttl_ms(1)?,
            only_absent: args.flag(2)?,
        },
        2 => value::Deed::Take,
        3 => value::Deed::Delete,
        4 => value::Deed::Increment {
            by: args.number(0).filter(|by| by.abs() <= most)? as i64,
            ttl_ms: args.ttl_ms(1)?,
        },
        5 => value::Deed::Expire { ttl_ms: args.ttl_ms(0)? },
        _ => return None,
    })
}

/// `about`: group and subject, so that the same code of two subjects is not seen to be the same.
fn code(which: u64, args: &Args<'_>, about: &[Vec<u8>; 2]) -> Option<code::Deed> {
    let digest = || {
        let (code, secret) = (args.text(0)?, args.text(1)?);
        let [group, subject] = about;
        Some(Digest::of("code", &[secret.as_bytes(), group, subject, code.as_bytes()]))
    };
    Some(match which {
        0 => {
            let rules = code::Rules {
                ttl_ms: args.ttl_ms(2)?,
                attempts: args.whole(3, 100).filter(|attempts| *attempts > 0)? as u32,
                pause_ms: args.whole(4, MOST_SPAN_MS)?,
                most: read::small(args.env, args.at(5)?),
                span_ms: MOST_CODE_SPAN_MS,
            };
            code::Deed::Issue { digest: digest()?, rules }
        }
        1 => code::Deed::Verify { digest: digest()? },
        2 => code::Deed::Revoke,
        _ => return None,
    })
}

/// Codes for one subject are counted by the hour.
const MOST_CODE_SPAN_MS: u64 = 3_600_000;

fn lock(which: u64, args: &Args<'_>) -> Option<lock::Deed> {
    let owner = Owner::parse(&args.text(0)?)?;
    Some(match which {
        0 => lock::Deed::Acquire { owner, ttl_ms: args.ttl_ms(1)?, waits: args.flag(2)? },
        1 => lock::Deed::Renew { owner, ttl_ms: args.ttl_ms(1)? },
        2 => lock::Deed::Release { owner },
        _ => return None,
    })
}

fn action(which: u64, args: &Args<'_>) -> Option<Action> {
    Some(match which {
        0 => Action::Take(args.whole(0, MOST_LIMIT)?),
        1 => Action::Block(args.ttl_ms(0)?),
        2 => Action::Reset,
        _ => return None,
    })
}

/// What a call of `limiter` makes: a group, what is done on errors, and four numbers of each window.
pub(super) fn limiter(env: raw::Env, values: &[raw::Value]) -> Option<Limiter> {
    let args = Args { env, values };
    let on_error = match args.whole(1, 2)? {
        0 => OnError::Local,
        1 => OnError::Open,
        _ => OnError::Closed,
    };
    Limiter::new(Group::parse(&args.text(0)?)?, args.windows(2)?, on_error)
}

fn session(which: u64, args: &Args<'_>) -> Option<session::Deed> {
    let id = |at| args.digest("session", at);
    Some(match which {
        0 => session::Deed::Create {
            id: id(0)?,
            bytes: args.bytes(1)?,
            rules: session::Rules {
                ttl_ms: args.ttl_ms(2)?,
                absolute_ms: args.ttl_ms(3)?,
                most: args.whole(4, session::MOST_SESSIONS.into()).filter(|most| *most > 0)? as u32,
            },
        },
        1 => {
            let roll_ms = args.whole(1, MOST_TTL_MS as u64)?;
            session::Deed::Get { id: id(0)?, roll_ms: Some(roll_ms).filter(|ms| *ms > 0) }
        }
        2 => session::Deed::Update { id: id(0)?, bytes: args.bytes(1)? },
        3 => session::Deed::Rotate {
            id: id(0)?,
            heir: id(1)?,
            grace_ms: args.whole(2, MOST_TTL_MS as u64)?,
        },
        4 => session::Deed::Destroy { id: id(0)? },
        5 => {
            let except = args.text(0)?;
            let except = (!except.is_empty()).then(|| id(0)).flatten();
            session::Deed::DestroyAll { except }
        }
        6 => session::Deed::List,
        _ => return None,
    })
}
