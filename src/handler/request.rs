//! What is asked for, and by whom.

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
    /// Who asks.
    pub asker: Asker,
}

/// Who asks, as far as it matters to the answer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Asker {
    /// How far the question goes.
    pub scope: Scope,
    /// Whether it generates what it does not get fresh.
    pub part: Part,
    /// Whether what is made of the answer is kept.
    pub kept: Kept,
    /// `ctx.isFallback`.
    pub is_fallback: bool,
    /// `ctx.isRoutePPREnabled`.
    pub is_ppr: bool,
}

/// How far a question, or a value, goes.
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
    /// It is a prefetch, which never generates what is stale.
    Prefetch,
}

/// What becomes of what is made of an answer.
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
    /// It timed out, and with it the time of the whole get: it waits for nothing more.
    Over,
}

/// What a get needs of its caller seldom, and then only.
pub trait Caller {
    /// `ctx.tags` and soft tags of who asks.
    fn tags(&self) -> Vec<Tag>;

    /// Starts reading build output in the background. False if that is not possible.
    fn read_output(&self, job: Job) -> bool;
}
