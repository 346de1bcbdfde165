//! Arguments into orders. What JavaScript has checked is checked again: `None` for what is of no use.

use std::sync::Arc;

use bytes::Bytes;

use super::super::raw;
use super::super::read::{self, Owned};
use crate::abi::Ask;
use crate::app::code;
use crate::app::count::counts::{Action as Counting, Amount};
use crate::app::count::{Counter, MOST_ADD, MOST_TOP, Rules};
use crate::app::desk::Action;
use crate::app::label::{Feature, Group, Label, Own};
use crate::app::limit::window::{MOST_LIMIT, MOST_SPAN_MS};
use crate::app::limit::{Algorithm, Limiter, Mode, OnError, Window};
use crate::app::lock::{self, Owner};
use crate::app::seat::{self, LEAST_TTL_MS, MOST_HOLDERS};
use crate::app::session;
use crate::app::store::{Deed, Order};
use crate::app::value::{self, MOST_BYTES, MOST_NUMBER, MOST_TTL_MS};
use crate::process;

/// What is asked for.
pub(super) enum Asked {
    Order(Order),
    Limit { limiter: Arc<Limiter>, id: Own, action: Action },
    Seat { label: Label, deed: seat::Deed, on_error: OnError },
    SeatHere { label: Label, deed: seat::Deed },
    Count { number: usize, counter: Arc<Counter>, id: Own, action: Counting },
    FlushCounts,
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
        self.whole(at, MOST_TTL_MS).filter(|ms| *ms > 0)
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

    fn counter(&self, at: usize) -> Option<(usize, Arc<Counter>)> {
        let number = self.whole(at, u32::MAX.into())? as usize;
        Some((number, process::counters().find(number)?))
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
    let algorithm = *Algorithm::ALL.get(whole(*algorithm + 1.0, 99)? as usize - 1)?;
    let (limit, burst) = (whole(*limit, MOST_LIMIT)?, whole(*burst, MOST_LIMIT)?);
    Some(Window { algorithm, limit, span_ms: whole(*span_ms, MOST_SPAN_MS)?, burst })
}

/// What a call of `ask` wants: an [`Ask`], the group (of a limit its number) and the name of a thing,
/// and details.
pub(super) fn asked(env: raw::Env, values: &[raw::Value]) -> Option<Asked> {
    let args = Args { env, values };
    let which = Ask::from_number(args.whole(0, 99)? as u32)?;
    if matches!(which, Ask::CountFlushAll) {
        return Some(Asked::FlushCounts);
    }
    let own = Own::parse(&args.text(2)?)?;
    let details = Args { env, values: values.get(3..)? };
    if let Some(action) = action(which, &details) {
        let limiter = process::limiters().find(args.whole(1, u32::MAX.into())? as usize)?;
        return Some(Asked::Limit { limiter, id: own, action });
    }
    if let Some(action) = counting(which, &details) {
        let (number, counter) = args.counter(1)?;
        return Some(Asked::Count { number, counter, id: own, action });
    }
    let group = Group::parse(&args.text(1)?)?;
    if let Some((deed, place)) = seat(which, &details) {
        let label = Label::of(Feature::Seat, &group, &own);
        return Some(match place {
            Place::Store(on_error) => Asked::Seat { label, deed, on_error },
            Place::Here => Asked::SeatHere { label, deed },
        });
    }
    let (feature, deed) = deed(which, &details, &group, &own)?;
    Some(Asked::Order(Order { label: Label::of(feature, &group, &own), deed }))
}

/// What is asked of a limit; `None` if something else is, or the details are of no use.
fn action(which: Ask, args: &Args<'_>) -> Option<Action> {
    Some(match which {
        Ask::LimitTake => Action::Take(args.whole(0, MOST_LIMIT)?),
        Ask::LimitBlock => Action::Block(args.ttl_ms(0)?),
        Ask::LimitReset => Action::Reset,
        _ => return None,
    })
}

/// What is asked of a counter; `None` if something else is, or the details are of no use.
fn counting(which: Ask, args: &Args<'_>) -> Option<Counting> {
    Some(match which {
        Ask::CountGet => Counting::Get,
        Ask::CountSeries => Counting::Series(args.ttl_ms(0)?),
        Ask::CountDistinct => Counting::Distinct,
        Ask::CountRemove => Counting::Remove,
        Ask::CountTop => Counting::Top(args.whole(0, MOST_TOP).filter(|most| *most > 0)?),
        Ask::CountFlush => Counting::Flush,
        _ => return None,
    })
}

fn deed(which: Ask, args: &Args<'_>, group: &Group, own: &Own) -> Option<(Feature, Deed)> {
    if let Some(deed) = value(which, args) {
        let is_token = matches!(which, Ask::TokenSet | Ask::TokenTake | Ask::TokenDelete);
        return Some((if is_token { Feature::Token } else { Feature::Value }, Deed::Value(deed)));
    }
    if let Some(deed) = code(which, args, group, own) {
        return Some((Feature::Code, Deed::Code(deed)));
    }
    if let Some(deed) = lock(which, args) {
        return Some((Feature::Lock, Deed::Lock(deed)));
    }
    session(which, args).map(|deed| (Feature::Session, Deed::Session(deed)))
}

fn value(which: Ask, args: &Args<'_>) -> Option<value::Deed> {
    let most = MOST_NUMBER as f64;
    Some(match which {
        Ask::KvGet => value::Deed::Get,
        Ask::KvSet | Ask::TokenSet => value::Deed::Set {
            bytes: args.bytes(0)?,
            ttl_ms: args.ttl_ms(1)?,
            only_absent: args.flag(2)?,
        },
        Ask::KvTake | Ask::TokenTake => value::Deed::Take,
        Ask::KvDelete | Ask::TokenDelete => value::Deed::Delete,
        Ask::KvIncrement => value::Deed::Increment {
            by: args.number(0).filter(|by| by.abs() <= most)? as i64,
            ttl_ms: args.ttl_ms(1)?,
        },
        Ask::KvExpire => value::Deed::Expire { ttl_ms: args.ttl_ms(0)? },
        _ => return None,
    })
}

fn code(which: Ask, args: &Args<'_>, group: &Group, subject: &Own) -> Option<code::Deed> {
    let digest = || Some(code::digest(&args.text(1)?, group, subject, &args.text(0)?));
    Some(match which {
        Ask::CodeIssue => {
            let rules = code::Rules {
                ttl_ms: args.ttl_ms(2)?,
                attempts: args.whole(3, 100).filter(|attempts| *attempts > 0)? as u32,
                pause_ms: args.whole(4, code::SPAN_MS)?,
                most: args.whole(5, 1_000).filter(|most| *most > 0)? as u32,
                span_ms: code::SPAN_MS,
            };
            code::Deed::Issue { digest: digest()?, rules }
        }
        Ask::CodeVerify => code::Deed::Verify { digest: digest()? },
        Ask::CodeRevoke => code::Deed::Revoke,
        _ => return None,
    })
}

fn lock(which: Ask, args: &Args<'_>) -> Option<lock::Deed> {
    let owner = || Owner::parse(&args.text(0)?);
    Some(match which {
        Ask::LockAcquire => {
            lock::Deed::Acquire { owner: owner()?, ttl_ms: args.ttl_ms(1)?, waits: args.flag(2)? }
        }
        Ask::LockRenew => lock::Deed::Renew { owner: owner()?, ttl_ms: args.ttl_ms(1)? },
        Ask::LockRelease => lock::Deed::Release { owner: owner()? },
        _ => return None,
    })
}

/// Where a seat is.
enum Place {
    Store(OnError),
    Here,
}

/// What is done with a seat, and where; `None` if something else is asked.
fn seat(which: Ask, args: &Args<'_>) -> Option<(seat::Deed, Place)> {
    let owner = || Owner::parse(&args.text(0)?);
    let limit = |at| args.whole(at, MOST_HOLDERS).filter(|limit| *limit > 0);
    let ttl_ms = || args.whole(1, seat::MOST_TTL_MS).filter(|ms| *ms >= LEAST_TTL_MS);
    let on_error = |at| Some(Place::Store(*OnError::ALL.get(args.whole(at, 99)? as usize)?));
    // Of one that the store has, nobody decides without it.
    let place = |at| Some(if args.flag(at)? { Place::Here } else { Place::Store(OnError::Local) });
    Some(match which {
        Ask::SeatAcquire => {
            let (owner, ttl_ms, limit) = (owner()?, ttl_ms()?, limit(2)?);
            (seat::Deed::Acquire { owner, ttl_ms, limit }, on_error(3)?)
        }
        Ask::SeatLook => (seat::Deed::Look { limit: limit(0)? }, on_error(1)?),
        Ask::SeatRenew => (seat::Deed::Renew { owner: owner()?, ttl_ms: ttl_ms()? }, place(2)?),
        Ask::SeatRelease => (seat::Deed::Release { owner: owner()? }, place(1)?),
        _ => return None,
    })
}

/// What a call of `limiter` makes: a group, what is done on errors, four numbers of each window, and
/// who decides.
pub(super) fn limiter(env: raw::Env, values: &[raw::Value]) -> Option<Limiter> {
    let args = Args { env, values };
    let on_error = *OnError::ALL.get(args.whole(1, 99)? as usize)?;
    let mode = *Mode::ALL.get(args.whole(3, 99)? as usize)?;
    Limiter::new(Group::parse(&args.text(0)?)?, args.windows(2)?, on_error, mode)
}

/// What a call of `counter` makes: a group, and four times in ms.
pub(super) fn counter(env: raw::Env, values: &[raw::Value]) -> Option<Counter> {
    let args = Args { env, values };
    let (ttl_ms, bucket_ms, history_ms) = (args.ttl_ms(1)?, args.ttl_ms(2)?, args.ttl_ms(3)?);
    let rules = Rules { ttl_ms, bucket_ms, history_ms };
    Counter::new(Group::parse(&args.text(0)?)?, rules, args.ttl_ms(4)?)
}

/// What a call of `add` adds: the number of a counter, an id, and a number or a member.
pub(super) fn added(
    env: raw::Env,
    values: &[raw::Value],
) -> Option<(usize, Arc<Counter>, Own, Amount)> {
    let args = Args { env, values };
    let ((number, counter), own) = (args.counter(0)?, Own::parse(&args.text(1)?)?);
    let amount = match args.number(2) {
        Some(sum) if sum.abs() <= MOST_ADD as f64 => Amount::Sum(sum as i64),
        Some(_) => return None,
        None => Amount::Member(counter.member(&own, &Own::parse(&args.text(2)?)?)),
    };
    Some((number, counter, own, amount))
}

fn session(which: Ask, args: &Args<'_>) -> Option<session::Deed> {
    let id = |at| args.text(at).map(|id| session::digest(&id));
    Some(match which {
        Ask::SessionCreate => session::Deed::Create {
            id: id(0)?,
            bytes: args.bytes(1)?,
            rules: session::Rules {
                ttl_ms: args.ttl_ms(2)?,
                absolute_ms: args.ttl_ms(3)?,
                most: args.whole(4, session::MOST_SESSIONS.into()).filter(|most| *most > 0)? as u32,
            },
        },
        Ask::SessionGet => {
            let roll_ms = args.whole(1, MOST_TTL_MS)?;
            session::Deed::Get { id: id(0)?, roll_ms: Some(roll_ms).filter(|ms| *ms > 0) }
        }
        Ask::SessionUpdate => session::Deed::Update { id: id(0)?, bytes: args.bytes(1)? },
        Ask::SessionRotate => session::Deed::Rotate {
            id: id(0)?,
            heir: id(1)?,
            grace_ms: args.whole(2, MOST_TTL_MS)?,
        },
        Ask::SessionDestroy => session::Deed::Destroy { id: id(0)? },
        Ask::SessionDestroyAll => {
            let except = args.text(0)?;
            let except = (!except.is_empty()).then(|| session::digest(&except));
            session::Deed::DestroyAll { except }
        }
        Ask::SessionList => session::Deed::List,
        _ => return None,
    })
}
