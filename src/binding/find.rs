//! Gets: arguments into a request, one call, and the answer as an object or a token to wait with.

use super::env::{Slot, State};
use super::raw::{self, Call};
use super::{output, read, write};
use crate::abi::{Mark, flag, position, unpacked};
use crate::clock::stopwatch_ns;
use crate::handler::answer::{Answer, Basis, Step, Wait};
use crate::handler::get::Lookup;
use crate::handler::output::Job;
use crate::handler::progress::Progress;
use crate::handler::request::{Asker, Caller, Kept, Part, Request, Scope, Waited};
use crate::key::AppId;
use crate::next::signal::Signal;
use crate::next::trace::Trace;
use crate::next::value::ValueKind;
use crate::tags::Tag;

/// The caller of a get.
struct Asking<'a> {
    env: raw::Env,
    state: &'a State,
    /// `ctx.tags` and soft tags of the caller.
    tags: [raw::Value; 2],
}

impl Caller for Asking<'_> {
    fn tags(&self) -> Vec<Tag> {
        asked_tags(self.env, self.tags)
    }

    fn read_output(&self, job: Job) -> bool {
        output::start(job, self.env, self.state)
    }
}

pub(super) fn asked_tags(env: raw::Env, asked: [raw::Value; 2]) -> Vec<Tag> {
    asked.iter().flat_map(|tags| read::tags(env, *tags)).collect()
}

/// `find(kind, key, tags, softTags, app)`: the entry as `CacheHandler.get` returns it,
/// `undefined` for a miss, or a token to wait with. The mailbox says how to read it. `kind` carries
/// the flags above its lowest byte.
pub(super) extern "C" fn find(env: raw::Env, info: raw::Info) -> raw::Value {
    raw::call::<5>(env, info, |call| {
        let [kind, key, tags, soft, app] = call.args;
        let (kind, flags) = unpacked(read::small(env, kind));
        let Some(kind) = kind.filter(|kind| *kind != ValueKind::UseCache) else {
            return raw::undefined(env);
        };
        let app = AppId(read::small(env, app));
        look_up(call, (app, kind), key, [tags, soft], (flags, None))
    })
}

/// `findUse(key, softTags, flags)`: the same for `'use cache'`.
pub(super) extern "C" fn find_use(env: raw::Env, info: raw::Info) -> raw::Value {
    raw::call::<3>(env, info, |call| {
        let [key, soft, flags] = call.args;
        let flags = read::small(env, flags);
        let of = (AppId::default(), ValueKind::UseCache);
        look_up(call, of, key, [raw::undefined(env), soft], (flags, None))
    })
}

/// `findOwn(key, flags, waitMs)`: the same for the app's own code. `waitMs` is how long it waits for
/// what another generates; `undefined` leaves that to the options.
pub(super) extern "C" fn find_own(env: raw::Env, info: raw::Info) -> raw::Value {
    raw::call::<3>(env, info, |call| {
        let [key, flags, wait] = call.args;
        let wait_ms = read::number(env, wait).map(|ms| ms as u32);
        let of = (AppId::default(), ValueKind::Own);
        look_up(call, of, key, [raw::undefined(env); 2], (read::small(env, flags), wait_ms))
    })
}

#[inline]
fn look_up<const N: usize>(
    call: &Call<'_, N>,
    (app, kind): (AppId, ValueKind),
    key: raw::Value,
    tags: [raw::Value; 2],
    (flags, wait_ms): (u32, Option<u32>),
) -> raw::Value {
    let &Call { env, state, .. } = call;
    let handler = state.handler();
    let started = state.stopwatch();
    let mut place = None;
    let answer = read::with_units(env, key, |units| {
        let key = handler.engine.hasher().key_of(app, kind.class(), units);
        let (asker, progress, waited) = if flags == 0 { <_>::default() } else { resumed(flags) };
        if flags != 0 {
            state.thread.note_wait((state.taken(Slot::Waited) * 1e3) as u64);
        }
        let request = Request { kind, key, asker: Asker { wait_ms, ..asker } };
        let caller = &Asking { env, state, tags };
        let lookup = Lookup { handler, request, progress, waited, caller };
        let step = lookup.step();
        if started.is_some() {
            place = step.place().filter(|_| !lookup.has_waited());
        }
        match step {
            Step::Answer(Answer::Fresh(entry)) => {
                tell(state, Mark::Fresh, 0.0);
                write::object(env, state, &entry)
            }
            Step::Answer(answer) => shown(env, state, answer),
            Step::Wait(wait) => waiting(env, state, &wait, flags),
        }
    });
    if let Some(started) = started {
        handler.time_get(Some(kind.counted()), place, stopwatch_ns().saturating_sub(started));
    }
    answer.unwrap_or_else(|| raw::undefined(env))
}

/// The caller, what the get has waited for, and how its last wait ended.
fn resumed(flags: u32) -> (Asker, Progress, Waited) {
    let has = |flag| flags & flag != 0;
    let asker = Asker {
        scope: if has(flag::LOCAL) { Scope::Process } else { Scope::Fleet },
        part: match () {
            () if has(flag::ASIDE) => Part::Aside,
            () if has(flag::PREFETCH) => Part::Prefetch,
            () => Part::Shared,
        },
        kept: match () {
            () if has(flag::MARKED) => Kept::Marked,
            () if has(flag::KEPT) => Kept::Fresh,
            () => Kept::No,
        },
        is_fallback: has(flag::FALLBACK),
        is_ppr: has(flag::PPR),
        wait_ms: None,
    };
    let waited = match () {
        () if has(flag::OVER) => Waited::Over,
        () if has(flag::LATE) => Waited::Late,
        () => Waited::InTime,
    };
    (asker, Progress::unpack(flags >> flag::BITS), waited)
}

/// The answer to a get that has to wait, and that JavaScript then repeats with the flags in the
/// mailbox.
fn waiting(env: raw::Env, state: &State, wait: &Wait, flags: u32) -> raw::Value {
    let flags = flags & flag::ASKER | wait.progress.pack() << flag::BITS;
    state.leave(Slot::Mark, f64::from(flags));
    state.leave(Slot::Revision, f64::from(u8::from(wait.on.is_of_another())));
    state.leave(Slot::Detail, f64::from(wait.at_most_ms));
    state.leave(Slot::Handle, f64::from(wait.budget_ms));
    raw::small(env, wait.token)
}

fn shown(env: raw::Env, state: &State, answer: Answer) -> raw::Value {
    match answer {
        Answer::Fresh(entry) => {
            tell(state, Mark::Fresh, 0.0);
            write::object(env, state, &entry)
        }
        Answer::Stale { entry, signal, basis } => {
            let (mark, modified) = match signal {
                Signal::AsIs => (Mark::Stale, 0.0),
                Signal::Modified(ms) => (Mark::Modified, ms),
                Signal::Brief(ms) => (Mark::Brief, ms),
                Signal::Miss => return raw::undefined(env),
            };
            tell_basis(state, mark, modified, basis);
            write::object(env, state, &entry)
        }
        Answer::Meanwhile { entry, basis } => {
            tell_basis(state, Mark::Meanwhile, 0.0, basis);
            write::object(env, state, &entry)
        }
        Answer::Remains { entry, since } => {
            state.leave(Slot::Revision, since.0 as f64);
            tell(state, Mark::Remains, 0.0);
            write::object(env, state, &entry)
        }
        Answer::Miss { since } => {
            state.leave(Slot::Revision, since.0 as f64);
            raw::undefined(env)
        }
    }
}

fn tell_basis(state: &State, mark: Mark, modified: f64, basis: Basis) {
    let (detail, revision) = match basis {
        Basis::Since(revision) => (modified, revision.0),
        Basis::Trace(Some(Trace::Tag(stamp))) => (stamp.at.position.0 as f64, stamp.epoch.0),
        Basis::Trace(Some(Trace::Age)) => (position::STALE_BY_AGE, 0),
        Basis::Trace(None) => (position::NO_TRACE, 0),
    };
    state.leave(Slot::Revision, revision as f64);
    tell(state, mark, detail);
}

#[inline]
fn tell(state: &State, mark: Mark, detail: f64) {
    state.leave(Slot::Mark, f64::from(mark as u8));
    state.leave(Slot::Detail, detail);
}
