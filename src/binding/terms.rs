//! Numbers agreed with JavaScript.

/// Flags of a get. JavaScript gives the first ones; an answer that is a token comes with those to ask
/// with next.
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
    /// The caller has waited until it may be known what is current.
    pub(in super::super) const ASKED: u32 = 1 << 9;
    /// It has waited for the shared tier to be read.
    pub(in super::super) const READ: u32 = 1 << 10;
    /// It has waited for a generation of this process.
    pub(in super::super) const JOINED: u32 = 1 << 11;
    /// It has waited for build output.
    pub(in super::super) const OUTPUT: u32 = 1 << 12;
    /// It has waited for a generation of another process.
    pub(in super::super) const FOLLOWED: u32 = 1 << 13;
    /// One claim; so many fit above it.
    pub(in super::super) const CLAIM: u32 = 1 << 14;
    /// What is claimed is fresh still.
    pub(in super::super) const AHEAD: u32 = CLAIM << 3;
    /// Claims that one get may make.
    pub(in super::super) const MOST_CLAIMS: u32 = 4;
}

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
