//! A request, and its caller.

use super::output::Job;
use crate::key::KeyRef;
use crate::next::value::ValueKind;
use crate::tags::Tag;

/// What a get asks for.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// The kind of value that Next.js expects.
    pub kind: ValueKind,
    /// Its key.
    pub key: KeyRef<'a>,
    /// The caller.
    pub asker: Asker,
}

/// The caller, as far as it matters to the answer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Asker {
    /// How far the get looks.
    pub scope: Scope,
    /// Whether it generates what it does not get fresh.
    pub part: Part,
    /// Whether the caller keeps what it makes of the answer.
    pub kept: Kept,
    /// `ctx.isFallback`.
    pub is_fallback: bool,
    /// `ctx.isRoutePPREnabled`.
    pub is_ppr: bool,
    /// How long it waits for what another generates, in ms, if it says so itself.
    pub wait_ms: Option<u32>,
}

/// How far a get looks, or how far a set shares its value.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Scope {
    /// To all processes.
    #[default]
    Fleet,
    /// It stays in this process.
    Process,
}

/// The part that an asker takes in generations.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Part {
    /// It generates, unless another does.
    #[default]
    Shared,
    /// It generates in any case, or never: who generates does not matter to it.
    Aside,
    /// It is a prefetch, which never regenerates a stale entry.
    Prefetch,
}

/// Whether a caller keeps what it makes of an answer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Kept {
    /// It is not kept.
    #[default]
    No,
    /// It is kept: nothing stale may look fresh.
    Fresh,
    /// It is kept although the answer may be stale: that is noted.
    Marked,
}

/// How the last wait of a get ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Waited {
    /// Something happened, or it has not waited.
    #[default]
    InTime,
    /// It timed out.
    Late,
    /// It timed out, and the time of the whole get is over: it waits no more.
    Over,
}

/// What a get rarely needs of its caller, on demand.
pub trait Caller {
    /// `ctx.tags` and soft tags of the caller.
    fn tags(&self) -> Vec<Tag>;

    /// Starts reading build output in the background. False if that is not possible.
    fn read_output(&self, job: Job) -> bool;
}
