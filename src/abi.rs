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
mod tests {
    use std::fmt::Debug;

    use super::{Ask, Mark, ROWS, Row, Settled, Slot, flag, position};
    use crate::app::{cells, code, count, desk, label, limit, seat, session, value as values};
    use crate::generated::check;
    use crate::generation::limits::SEEN_LEADER_US;
    use crate::handler::ready;
    use crate::next::{tags, trace, value};
    use crate::tags::MAX_LIFE_US;

    const HEAD: &str = "// @ts-check
// The contract between the addon and JavaScript, generated from `src/abi.rs`:
// TIERCEL_UPDATE=1 cargo test --lib follows_the_code
";

    #[test]
    fn what_javascript_knows_follows_the_code() {
        let kinds = value::ValueKind::ALL.map(|kind| (upper(&format!("{kind:?}")), kind as u8));
        let kinds = kinds.map(|(name, number)| format!("  {name}: {number},\n")).concat();
        let text = |bytes: &[u8]| format!("'{}'", str::from_utf8(bytes).unwrap());
        let written = [
            HEAD.into(),
            format!("\n/** Kinds of values. */\nconst KIND = Object.freeze({{\n{kinds}}})\n"),
            kinds_by_name(),
            group("FLAG", "Flags of a get; an answer that is a token comes with more.", flag::ROWS),
            group("FIELD", "What a call leaves in the mailbox, by place.", Slot::ROWS),
            group("MARK", "How to read a returned entry.", Mark::ROWS),
            group(
                "POSITION",
                "Instead of the position that a stale `'use cache'` entry counts as.",
                position::ROWS,
            ),
            group("ENDING", "How a wait ends.", Settled::ROWS),
            of_app(),
            alone("SOURCES", &sources(), " Who decided about a limit, by number."),
            ROWS.iter().map(|row| alone(row.name, &(row.value)(), row.about)).collect(),
            alone(
                "KEY_TAG",
                &text(tags::KEY_TAG),
                " Begins the tag that pages carry for their key.",
            ),
            alone(
                "OWN_TAG",
                &text(tags::OWN_TAG),
                " Begins the tag of a key of the app's own code.",
            ),
            alone(
                "PLACES",
                &ready::PLACES.to_string(),
                " A handle, which names an object on both sides, is a place among this many, and a count above.",
            ),
            alone("TRACE", &text(trace::TRACE), " Begins a trace."),
            alone("TRACE_OF_AGE", &text(trace::BY_AGE.as_bytes()), " The rest of a trace of age."),
        ]
        .concat();
        check("js/abi.js", &(written.clone() + &exports(&written)));
    }

    fn kinds_by_name() -> String {
        let lines = value::ValueKind::ALL.map(|kind| {
            let name = kind.plain_name();
            let quote = if name.contains('-') { "'" } else { "" };
            format!("  {quote}{name}{quote}: {},\n", kind as u8)
        });
        let about = "Kinds of values, by the names that tags and commands have for them.";
        format!("\n/** {about} */\nconst KIND_OF = Object.freeze({{\n{}}})\n", lines.concat())
    }

    /// What `tiercel/app` and `src/app` both know.
    fn of_app() -> String {
        let bounds = [
            ("MOST_OWN", label::MOST_OWN as u64, " The longest name of one thing, in bytes."),
            ("MOST_TTL_MS", values::MOST_TTL_MS, " The longest lifetime, in ms."),
            ("MOST_LIFE_MS", MAX_LIFE_US / 1_000, " The longest life of an entry, in ms."),
            ("MOST_WAIT_MS", SEEN_LEADER_US / 1_000, " The longest wait for a leader, in ms."),
            ("MOST_VALUE", values::MOST_BYTES as u64, " The largest value, in bytes."),
            ("MOST_LIMIT", limit::window::MOST_LIMIT, " The largest limit, and burst."),
            ("MOST_SPAN_MS", limit::window::MOST_SPAN_MS, " The longest window, in ms."),
            ("MOST_WINDOWS", limit::MOST_WINDOWS as u64, " Windows of one limit."),
            ("MOST_HOLDERS", seat::MOST_HOLDERS, " Holders of one seat."),
            ("LEAST_SEAT_MS", seat::LEAST_TTL_MS, " The shortest time of a seat, in ms."),
            ("MOST_SEAT_MS", seat::MOST_TTL_MS, " The longest, in ms."),
            ("MOST_SESSIONS", session::MOST_SESSIONS.into(), " Sessions of one user."),
            ("CODE_SPAN_MS", code::SPAN_MS, " The time in which codes are counted, in ms."),
            ("MOST_ADD", count::MOST_ADD as u64, " The most that is added to a count at once."),
            ("MOST_BUCKETS", count::MOST_BUCKETS, " Buckets of a counter."),
            ("MOST_FLUSH_MS", count::MOST_FLUSH_MS, " The longest that adds are collected, in ms."),
            ("MOST_TOP", count::MOST_TOP, " Ids in one list."),
            ("SESSION_CELLS", cells::SESSION_CELLS as u64, " Cells of a session in an answer."),
            ("RULING_CELLS", cells::RULING_CELLS as u64, " Cells of a ruling before its windows."),
            ("WINDOW_CELLS", cells::WINDOW_CELLS as u64, " Cells of each window of a ruling."),
        ];
        let bounds = bounds.map(|(name, bound, about)| alone(name, &bound.to_string(), about));
        group("ASK", "What an app's own code asks for, and its details.", Ask::ROWS)
            + &listed("ALGORITHM", "How a window counts.", &limit::Algorithm::ALL)
            + &listed("MODE", "Who decides about a limit.", &limit::Mode::ALL)
            + &listed("ON_ERROR", "What a limit does without its store.", &limit::OnError::ALL)
            + &bounds.concat()
    }

    /// Numbers by place.
    fn listed(name: &str, about: &str, all: &[impl Debug]) -> String {
        let line = |(at, one): (usize, _)| format!("  {}: {at},\n", upper(&format!("{one:?}")));
        let lines = all.iter().enumerate().map(line).collect::<Vec<_>>().concat();
        format!("\n/** {about} */\nconst {name} = Object.freeze({{\n{lines}}})\n")
    }

    /// `UseCache` as `USE_CACHE`; a name in capitals stays as it is.
    fn sources() -> String {
        let all = desk::Source::ALL;
        assert!(all.iter().enumerate().all(|(at, source)| *source as usize == at));
        format!("Object.freeze(['{}'])", all.map(desk::Source::as_str).join("', '"))
    }

    fn upper(name: &str) -> String {
        if !name.contains(char::is_lowercase) {
            return name.into();
        }
        let spelled = name.chars().enumerate().map(|(at, letter)| {
            let gap = if at > 0 && letter.is_uppercase() { "_" } else { "" };
            format!("{gap}{}", letter.to_ascii_uppercase())
        });
        spelled.collect()
    }

    fn group(name: &str, about: &str, rows: &[Row]) -> String {
        let lines = rows.iter().map(|row| {
            format!("{}  {}: {},\n", comment("  ", row.about), upper(row.name), (row.value)())
        });
        let lines: String = lines.collect();
        format!("\n/** {about} */\nconst {name} = Object.freeze({{\n{lines}}})\n")
    }

    fn alone(name: &str, value: &str, about: &str) -> String {
        format!("\n{}const {name} = {value}\n", comment("", about))
    }

    fn comment(indent: &str, about: &str) -> String {
        let lines: Vec<&str> = about.lines().map(str::trim).collect();
        match lines.as_slice() {
            [line] => format!("{indent}/** {line} */\n"),
            lines => {
                let lines = lines.join(&format!("\n{indent} * "));
                format!("{indent}/**\n{indent} * {lines}\n{indent} */\n")
            }
        }
    }

    /// The exports of everything that `written` declares.
    fn exports(written: &str) -> String {
        let names =
            written.lines().filter_map(|line| line.strip_prefix("const ")?.split(' ').next());
        let names: Vec<String> = names.map(|name| format!("  {name},\n")).collect();
        format!("\nmodule.exports = {{\n{}}}\n", names.concat())
    }
}
