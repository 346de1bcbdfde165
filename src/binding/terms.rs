//! Numbers agreed with JavaScript.

/// Flags of a get. JavaScript gives them; an answer that is a token comes with those to ask with next.
pub(super) mod flag {
    /// `ctx.isFallback`.
    pub(in super::super) const FALLBACK: u32 = 1;
    /// `ctx.isRoutePPREnabled`.
    pub(in super::super) const PPR: u32 = 2;
    /// Only this process is asked, and told.
    pub(in super::super) const LOCAL: u32 = 4;
    /// Whoever asks generates in any case, or never: who generates is not asked.
    pub(in super::super) const ASIDE: u32 = 8;
    /// Whoever asks never generates what is stale.
    pub(in super::super) const PREFETCH: u32 = 16;
    /// What is made of the answer is kept: nothing stale may look fresh.
    pub(in super::super) const KEPT: u32 = 32;
    /// What is made of the answer may be kept although that is stale: it is marked.
    pub(in super::super) const MARKED: u32 = 64;
    /// The last wait was in vain.
    pub(in super::super) const LATE: u32 = 128;
    /// The time of the whole get is over: it waits for nobody any more.
    pub(in super::super) const OVER: u32 = 1 << 8;
    /// Flags that say who asks.
    pub(in super::super) const ASKER: u32 = LATE - 1;
    /// Bits of all flags. Above them comes how far a get has come: a packed `Progress`.
    pub(in super::super) const BITS: u32 = 9;
}

/// Instead of the position that a stale `'use cache'` entry counts as; `js/traces.js` names them too.
pub(super) const STALE_BY_AGE: f64 = -1.0;
/// The same for what is as good as fresh.
pub(super) const NO_TRACE: f64 = -2.0;

/// How JavaScript is to read a returned entry; `js/native.js` names them the same.
#[derive(Clone, Copy)]
pub(super) enum Mark {
    /// Fresh.
    Fresh = 0,
    /// Stale, as Next.js sees by itself.
    Stale = 1,
    /// Stale: with another `lastModified`, or `revalidate: -1`.
    Modified = 2,
    /// Stale: with another `lastModified` and a lifetime of a second.
    Brief = 3,
    /// Stale, and another get generates: it is to look fresh, and not for long.
    Meanwhile = 5,
    /// Of a check: fresh, if the tags of who asks do not say otherwise.
    Asked = 4,
}
