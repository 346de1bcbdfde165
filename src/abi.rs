//! The contract between the addon and JavaScript.
//!
//! Every number and text that both sides know is defined here, or in the module it belongs to.
//! `js/abi.js` is generated from it, comments included; a test fails where the two differ.

use crate::app::cells::{RULING_CELLS, WINDOW_CELLS};
use crate::app::limit::MOST_WINDOWS;
use crate::next::value::ValueKind;

/// One line of `js/abi.js`.
#[cfg(test)]
pub(super) struct Row {
    name: &'static str,
    value: fn() -> String,
    about: &'static str,
}

/// Declares constants or an enum, and lists them as `ROWS` for the test that writes `js/abi.js`. With
/// `read` JavaScript gives the numbers of the enum.
macro_rules! shown {
    ($($(#[doc = $about:literal])+ $vis:vis const $name:ident: $kind:ty = $value:expr;)+) => {
        $($(#[doc = $about])+ $vis const $name: $kind = $value;)+

        #[cfg(test)]
        pub(super) const ROWS: &[$crate::abi::Row] = &[$($crate::abi::Row {
            name: stringify!($name),
            value: || $name.to_string(),
            about: concat!($($about, "\n"),+),
        }),+];
    };
    (
        read
        $(#[doc = $group:literal])+
        $vis:vis enum $type:ident { $($(#[doc = $about:literal])+ $name:ident = $value:literal,)+ }
    ) => {
        shown! {
            $(#[doc = $group])+
            $vis enum $type { $($(#[doc = $about])+ $name = $value,)+ }
        }

        impl $type {
            /// The one with this number.
            $vis fn from_number(number: u32) -> Option<Self> {
                [$(Self::$name),+].into_iter().find(|one| *one as u32 == number)
            }
        }
    };
    (
        $(#[doc = $group:literal])+
        $(#[cfg_attr($($lint:tt)+)])?
        $vis:vis enum $type:ident { $($(#[doc = $about:literal])+ $name:ident = $value:literal,)+ }
    ) => {
        $(#[doc = $group])+
        $(#[cfg_attr($($lint)+)])?
        #[derive(Clone, Copy)]
        $vis enum $type { $($(#[doc = $about])+ $name = $value,)+ }

        #[cfg(test)]
        impl $type {
            const ROWS: &[Row] = &[$(Row {
                name: stringify!($name),
                value: || $value.to_string(),
                about: concat!($($about, "\n"),+),
            }),+];
        }
    };
}

/// Flags of a get. JavaScript sets the first ones; an answer that is a token comes with the flags
/// to repeat the get with.
pub(super) mod flag {
    shown! {
        /// `ctx.isFallback`.
        pub(in super::super) const FALLBACK: u32 = 1;
        /// `ctx.isRoutePPREnabled`.
        pub(in super::super) const PPR: u32 = 2;
        /// Reads and writes stay in this process.
        pub(in super::super) const LOCAL: u32 = 4;
        /// The caller always generates, or never does: it takes no part in leases.
        pub(in super::super) const ASIDE: u32 = 8;
        /// The caller never regenerates a stale entry.
        pub(in super::super) const PREFETCH: u32 = 16;
        /// The caller keeps what it makes of the answer: nothing stale may look fresh.
        pub(in super::super) const KEPT: u32 = 32;
        /// The caller may keep what it makes of a stale answer, which is then marked.
        pub(in super::super) const MARKED: u32 = 64;
        /// The last wait timed out.
        pub(in super::super) const LATE: u32 = 128;
        /// The time of the whole get is over: it waits no more.
        pub(in super::super) const OVER: u32 = 1 << 8;
    }

    /// Flags that describe the caller.
    pub(in super::super) const ASKER: u32 = LATE - 1;
    /// Bits of all flags. Above them comes how far a get has come: a packed `Progress`.
    pub(in super::super) const BITS: u32 = 9;
}

shown! {
    /// How JavaScript is to read a returned entry.
    pub(super) enum Mark {
        /// Fresh.
        Fresh = 0,
        /// Stale, as Next.js sees by itself.
        Stale = 1,
        /// Stale: with another `lastModified`, or `revalidate: -1`.
        Modified = 2,
        /// Stale: with another `lastModified` and a lifetime of a second.
        Brief = 3,
        /// Of a check: fresh, unless the caller's tags say otherwise.
        Asked = 4,
        /// Stale, and another get generates: shown as fresh for a short time.
        Meanwhile = 5,
        /// Only for a generation that fails: to any other get it is a miss.
        Remains = 6,
    }
}

shown! {
    /// What a call leaves in the mailbox, by place.
    pub(super) enum Slot {
        /// How to read the entry, a `MARK`; with a token, the flags to repeat the get with.
        Mark = 0,
        /// With a mark, the `lastModified` to show or, for a `'use cache'` entry, the position it
        /// counts as; with a token, how long to wait, in ms.
        Detail = 1,
        /// The revision at the time of the answer; for a stale `'use cache'` entry, the epoch of
        /// that position; with a token, 1 = it waits for what another generates.
        Revision = 2,
        /// The handle of the object; with a token, how long the get may wait in total, in ms.
        Handle = 3,
        /// 1 as long as the addon writes to this mailbox.
        Attached = 4,
        /// Set by JavaScript: how long the get that is about to go on has waited, in ms; 0 if none.
        Waited = 5,
        /// With an answer that is `true`: how many numbers it has, which are in the places behind.
        Count = 6,
    }
}

shown! {
    /// How a wait ends.
    #[cfg_attr(not(test), expect(dead_code, reason = "JavaScript alone knows what is late"))]
    pub(super) enum Settled {
        /// It timed out.
        Late = 0,
        /// The awaited result has arrived, or never will.
        Done = 1,
        /// An invalidation could not be recorded.
        Failed = 2,
    }
}

shown! {
    read
    /// What an app's own code asks for, the first argument of `ask`.
    pub(super) enum Ask {
        /// No details.
        KvGet = 10,
        /// Value, lifetime in ms, 1 = only where nothing is.
        KvSet = 11,
        /// No details.
        KvTake = 12,
        /// No details.
        KvDelete = 13,
        /// Addend, lifetime in ms.
        KvIncrement = 14,
        /// Lifetime in ms.
        KvExpire = 15,
        /// As of `KV_SET`.
        TokenSet = 21,
        /// No details.
        TokenTake = 22,
        /// No details.
        TokenDelete = 23,
        /// Code, secret, lifetime in ms, attempts, pause in ms, codes per hour.
        CodeIssue = 30,
        /// Code, secret.
        CodeVerify = 31,
        /// No details.
        CodeRevoke = 32,
        /// Owner, lifetime in ms, 1 = it waits if another holds the lock.
        LockAcquire = 40,
        /// Owner, lifetime in ms.
        LockRenew = 41,
        /// Owner.
        LockRelease = 42,
        /// Cost; 0 only looks. Instead of a group comes the number of the limit.
        LimitTake = 50,
        /// Time in ms.
        LimitBlock = 51,
        /// No details.
        LimitReset = 52,
        /// Owner, lifetime in ms, how many there are, an `ON_ERROR`.
        SeatAcquire = 53,
        /// How many there are, an `ON_ERROR`.
        SeatLook = 54,
        /// Owner, lifetime in ms, 1 = it was taken in this process, without the store.
        SeatRenew = 55,
        /// Owner, 1 = it was taken in this process, without the store.
        SeatRelease = 56,
        /// Id, data, lifetime and longest lifetime in ms, most sessions of the user.
        SessionCreate = 60,
        /// Id, 0 = its lifetime does not begin again, else the lifetime in ms.
        SessionGet = 61,
        /// Id, data.
        SessionUpdate = 62,
        /// Id, new id, for how long the old one stays valid in ms.
        SessionRotate = 63,
        /// Id.
        SessionDestroy = 64,
        /// Id that stays, or an empty text.
        SessionDestroyAll = 65,
        /// No details.
        SessionList = 66,
        /// No details. Instead of a group comes the number of the counter, here and below.
        CountGet = 70,
        /// Span in ms.
        CountSeries = 71,
        /// No details.
        CountDistinct = 72,
        /// No details.
        CountRemove = 73,
        /// How many. The id is of no account.
        CountTop = 74,
        /// No details. The id is of no account.
        CountFlush = 75,
        /// No details. Of all counters: neither number nor id are of account.
        CountFlushAll = 76,
    }
}

/// Instead of the position that a stale `'use cache'` entry counts as.
pub(super) mod position {
    shown! {
        /// It is stale by age.
        pub(in super::super) const STALE_BY_AGE: f64 = -1.0;
        /// It counts as fresh and is only regenerated: values made of it need no trace.
        pub(in super::super) const NO_TRACE: f64 = -2.0;
    }
}

/// The most numbers of one answer: those of a ruling.
const MOST_NUMBERS: usize = RULING_CELLS + MOST_WINDOWS * WINDOW_CELLS;

shown! {
    /// Doubles in the mailbox, which carries the rest of an answer, without an object for it.
    pub(super) const MAILBOX: usize = 7 + MOST_NUMBERS;
    /// Bits of the kind in a number that packs a kind and flags.
    pub(super) const KIND_BITS: u32 = 8;
}

/// Splits a number into its kind and flags.
pub(super) fn unpacked(kind_and_flags: u32) -> (Option<ValueKind>, u32) {
    let kind = kind_and_flags & ((1 << KIND_BITS) - 1);
    (ValueKind::from_number(kind), kind_and_flags >> KIND_BITS)
}

#[cfg(test)]
mod tests;
