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
    let names = written.lines().filter_map(|line| line.strip_prefix("const ")?.split(' ').next());
    let names: Vec<String> = names.map(|name| format!("  {name},\n")).collect();
    format!("\nmodule.exports = {{\n{}}}\n", names.concat())
}
