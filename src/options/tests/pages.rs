//! The documentation of the options: `docs/options.md` and `index.d.ts`, generated from `spec.rs`.

use std::fmt;
use std::fs::read_to_string;

use super::spec::{
    Callback, Choice, DEBUG, Derived, Flag, Names, Number, PLATFORM_URL, Text, URL, described,
};
use crate::generated::{between, check};

/// Most columns of a line.
const WIDTH: usize = 100;

/// The description of an option.
pub(in super::super) struct Description {
    list: &'static str,
    names: Names,
    about: &'static str,
    /// Its unit, or its kind.
    unit: &'static str,
    /// The range of a number.
    range: Option<(u64, u64)>,
    default: String,
    /// Its type in TypeScript.
    kind: String,
}

pub(in super::super) fn describe(
    list: &'static str,
    spec: &dyn Described,
    about: &'static str,
) -> Description {
    Description {
        list,
        names: spec.names(),
        about,
        unit: spec.unit(),
        range: spec.range(),
        default: spec.default(),
        kind: spec.kind(),
    }
}

pub(in super::super) trait Described {
    fn names(&self) -> Names;
    fn unit(&self) -> &'static str;
    fn range(&self) -> Option<(u64, u64)> {
        None
    }
    fn default(&self) -> String;
    fn kind(&self) -> String;
}

impl<D: fmt::Display> Described for Number<D> {
    fn names(&self) -> Names {
        self.names
    }
    fn unit(&self) -> &'static str {
        self.unit
    }
    fn range(&self) -> Option<(u64, u64)> {
        Some((self.least, self.most))
    }
    fn default(&self) -> String {
        self.default.to_string()
    }
    fn kind(&self) -> String {
        "number".into()
    }
}

impl<D: fmt::Display> Described for Flag<D> {
    fn names(&self) -> Names {
        self.names
    }
    fn unit(&self) -> &'static str {
        "flag"
    }
    fn default(&self) -> String {
        self.default.to_string()
    }
    fn kind(&self) -> String {
        let can_be_called = self.names.option == DEBUG.names.option;
        if can_be_called { "boolean | ((decision: Decision) => void)" } else { "boolean" }.into()
    }
}

impl Described for Callback {
    fn names(&self) -> Names {
        self.names
    }
    fn unit(&self) -> &'static str {
        "function"
    }
    fn default(&self) -> String {
        self.default.to_string()
    }
    fn kind(&self) -> String {
        self.kind.into()
    }
}

impl<T: PartialEq> Described for Choice<T> {
    fn names(&self) -> Names {
        self.names
    }
    fn unit(&self) -> &'static str {
        "choice"
    }
    fn default(&self) -> String {
        let word = self.values.iter().find(|(_, value)| *value == self.default).unwrap().0;
        format!("`{word}`")
    }
    fn kind(&self) -> String {
        self.values.iter().map(|(word, _)| format!("'{word}'")).collect::<Vec<_>>().join(" | ")
    }
}

impl Described for Text {
    fn names(&self) -> Names {
        self.names
    }
    fn unit(&self) -> &'static str {
        self.unit
    }
    fn default(&self) -> String {
        self.default.to_string()
    }
    fn kind(&self) -> String {
        let can_be_null = self.names.option == URL.names.option;
        if can_be_null { "string | null" } else { "string" }.into()
    }
}

impl fmt::Display for Derived {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.0)
    }
}

impl Description {
    /// Its environment variables, in order.
    fn variables(&self) -> Vec<String> {
        let platform = (self.names.option == URL.names.option).then_some(PLATFORM_URL);
        let own = Some(self.names.env).filter(|env| !env.is_empty());
        own.into_iter().chain(platform).map(|name| format!("`{name}`")).collect()
    }

    /// Its sentences, each in a line.
    fn sentences(&self) -> Vec<String> {
        let lines = self.about.lines().map(str::trim).collect::<Vec<_>>().join(" ");
        let ends: Vec<String> =
            lines.split_inclusive(". ").map(|line| line.trim().into()).collect();
        // A dot that ends no sentence is in a list of characters.
        ends.into_iter().fold(Vec::new(), |mut all: Vec<String>, part| {
            match all.last_mut().filter(|last| last.matches('`').count() % 2 == 1) {
                Some(last) => *last = format!("{last} {part}"),
                None => all.push(part),
            }
            all
        })
    }

    /// Its entry in `docs/options.md`.
    fn entry(&self) -> String {
        let unit = match self.range {
            Some((least, most)) => format!("{}, {least} to {most}", self.unit),
            None => self.unit.into(),
        };
        let option = self.names.option;
        let variables = Some(self.variables().join(", then ")).filter(|all| !all.is_empty());
        let variables = variables.unwrap_or("no variable".into());
        let head = format!("- **`{option}`** · {variables} · {unit} · default {}.", self.default);
        let lines = [head].into_iter().chain(self.sentences());
        lines.map(|line| wrapped(&line, "  ")).collect::<String>().split_off(2)
    }

    /// Its property in `index.d.ts`.
    fn property(&self) -> String {
        let range = self.range.map(|(least, most)| match self.unit {
            "number" => format!("From {least} to {most}."),
            unit @ ("MiB" | "ms" | "%") => format!("In {unit}, {least} to {most}."),
            unit => format!("From {least} to {most} {unit}."),
        });
        // `index.d.ts` has no target for these links.
        let sentences = self.sentences().into_iter().filter(|line| !line.starts_with("See ["));
        let about = sentences.chain(range).collect::<Vec<_>>().join(" ");
        let default = self.default.replace("`resolve`", "'resolve'");
        let defaults: Vec<_> = [default].into_iter().chain(self.variables()).collect();
        let default = format!("@default {}", defaults.join(", or "));
        let indent = "     * ";
        format!(
            "    /**\n{}{}     */\n    {}?: {}\n",
            wrapped(&about, indent),
            wrapped(&default, indent),
            self.names.option,
            self.kind
        )
    }
}

/// A text in lines that begin with `indent`. Code between backticks is not broken up.
fn wrapped(text: &str, indent: &str) -> String {
    let mut lines = vec![indent.to_owned()];
    let mut is_code = false;
    let glue = |letter| {
        is_code ^= letter == '`';
        if is_code && letter == ' ' { '\u{a0}' } else { letter }
    };
    let glued: String = text.chars().map(glue).collect();
    for word in glued.split(' ') {
        let line = lines.last_mut().unwrap();
        let gap = if line.len() > indent.len() { " " } else { "" };
        if line.chars().count() + gap.len() + word.chars().count() > WIDTH {
            lines.push(format!("{indent}{word}"));
        } else {
            line.extend([gap, word]);
        }
    }
    lines.join("\n").replace('\u{a0}', " ") + "\n"
}

#[test]
fn the_page_about_options_follows_the_code() {
    let described = described();
    let mut page = read_to_string("docs/options.md").unwrap();
    let mut seen = 0;
    for lists in described.chunk_by(|one, other| one.list == other.list) {
        let entries: String = lists.iter().map(Description::entry).collect();
        let start = format!("<!-- options: {} -->\n", lists[0].list);
        page = between(&page, &start, "<!-- end -->\n", &format!("\n{entries}\n"));
        seen += lists.len();
    }
    assert_eq!(seen, super::spec::ALL.len());
    check("docs/options.md", &page);
}

#[test]
fn the_type_of_the_options_follows_the_code() {
    let properties: String = described().iter().map(Description::property).collect();
    let types = read_to_string("index.d.ts").unwrap();
    let start = "    // Generated from `src/options/spec.rs`.\n";
    check("index.d.ts", &between(&types, start, "    // End.\n", &properties));
}

#[test]
fn what_stands_between_backticks_is_not_broken_up() {
    let text = format!("{} `a . b`", "x".repeat(WIDTH - 6));
    assert_eq!(wrapped(&text, "  "), format!("  {}\n  `a . b`\n", "x".repeat(WIDTH - 6)));
}

#[test]
fn what_is_not_between_its_markers_is_left_alone() {
    let page = "before\n<!-- a -->\nold\n<!-- end -->\nafter\n";
    let written = between(page, "<!-- a -->\n", "<!-- end -->\n", "new\n");
    assert_eq!(written, "before\n<!-- a -->\nnew\n<!-- end -->\nafter\n");
}
