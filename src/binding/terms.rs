//! Numbers agreed with JavaScript, and kinds of values as the engine counts and files them.

use crate::key::Class;
use crate::next::value::ValueKind;
use crate::stats::Kind;

/// Flags of a get, as JavaScript gives them.
pub(super) mod flag {
    /// `ctx.isFallback`.
    pub(in super::super) const FALLBACK: u32 = 1;
    /// `ctx.isRoutePPREnabled`.
    pub(in super::super) const PPR: u32 = 2;
    /// The caller has waited for a generation, or for build output.
    pub(in super::super) const AFTER: u32 = 4;
    /// The caller has waited for the shared tier to be read.
    pub(in super::super) const READ: u32 = 8;
    /// The caller has waited until it may be known what is current.
    pub(in super::super) const ASKED: u32 = 16;
    /// Only this process is asked, and told.
    pub(in super::super) const LOCAL: u32 = 32;
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
    /// Of a check: fresh, if the tags of who asks do not say otherwise.
    Asked = 4,
}

/// The class of the keys under which a kind of value is stored.
pub(super) fn class_of(kind: ValueKind) -> Class {
    match kind {
        ValueKind::UseCache => Class::UseCache,
        ValueKind::Fetch => Class::Fetch,
        ValueKind::Image => Class::Image,
        _ => Class::Response,
    }
}

pub(super) fn counted(kind: ValueKind) -> Kind {
    match kind {
        ValueKind::UseCache => Kind::UseCache,
        ValueKind::AppRoute => Kind::AppRoute,
        ValueKind::Pages | ValueKind::Redirect | ValueKind::Nothing => Kind::Pages,
        ValueKind::Fetch => Kind::Fetch,
        ValueKind::Image => Kind::Image,
        ValueKind::AppPage => Kind::AppPage,
    }
}
