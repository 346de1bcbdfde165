//! What the engine's operations cost, in instructions: a count that holds on a busy machine. It fails
//! where one costs 5 % more than `counts.json` says.
//!
//! The program runs itself twice under callgrind for each of them. Runs of different length are
//! subtracted, so that start and preparation do not count. Counts depend on the compiler and the
//! profile, so those of another one are only printed. After a change that is worth its price:
//! `cargo test --test instructions -- --write`.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test outside cfg(test)"
)]

mod store;
mod work;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::{Command, ExitCode, Stdio};
use std::{env, fs};

use serde::{Deserialize, Serialize};

use self::work::Work;

const SHORT: usize = 32;
const LONG: usize = 96;
/// In hundredths of what is allowed.
const MOST_MORE: u64 = 5;

/// What `counts.json` has.
#[derive(Serialize, Deserialize)]
struct Counts {
    /// What they were counted with.
    with: String,
    /// Instructions for one operation.
    each: BTreeMap<String, u64>,
}

fn main() -> ExitCode {
    let args: Vec<String> = env::args().skip(1).collect();
    if let [flag, name, times] = &*args
        && flag == "--run"
    {
        let work = work::ALL.iter().find(|work| work.name == name).unwrap();
        (work.run)(times.parse().unwrap());
        return ExitCode::SUCCESS;
    }
    if !has_valgrind() {
        println!("valgrind is missing (Debian: apt-get install valgrind): nothing is counted");
        return if env::var_os("CI").is_some() { ExitCode::FAILURE } else { ExitCode::SUCCESS };
    }
    let each = work::ALL.iter().map(|work| (work.name.to_owned(), instructions(work))).collect();
    let counts = Counts { with: with(), each };
    if args.iter().any(|arg| arg == "--write") {
        fs::write(file(), format!("{}\n", serde_json::to_string_pretty(&counts).unwrap())).unwrap();
        return ExitCode::SUCCESS;
    }
    compare(&counts)
}

/// Prints each count beside the one that is allowed.
fn compare(counts: &Counts) -> ExitCode {
    let allowed: Counts = serde_json::from_str(&fs::read_to_string(file()).unwrap()).unwrap();
    let is_comparable = allowed.with == counts.with;
    if !is_comparable {
        println!("counted with {}, the file with {}: not compared", counts.with, allowed.with);
    }
    let mut is_well = counts.each.len() == allowed.each.len();
    for (name, count) in &counts.each {
        let before = allowed.each.get(name).copied().unwrap_or(0);
        let is_more = count * 100 > before * (100 + MOST_MORE);
        is_well &= !is_more;
        let verdict = if is_more && is_comparable { "  more than 5 % more" } else { "" };
        println!("{name:<32} {count:>9} instructions, {before} allowed{verdict}");
    }
    if is_well || !is_comparable { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn file() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/instructions/counts.json")
}

/// The compilers, that of zstd included, and the profile.
fn with() -> String {
    let version = |compiler: &str| {
        let asked = Command::new(compiler).arg("--version").output();
        let said = asked.map(|asked| String::from_utf8_lossy(&asked.stdout).into_owned());
        said.ok().and_then(|said| said.lines().next().map(str::to_owned)).unwrap_or_default()
    };
    let profile = if cfg!(debug_assertions) { "debug" } else { "release" };
    let target = format!("{}-{}", env::consts::ARCH, env::consts::OS);
    format!("{}, {}, {target} {profile}", version("rustc"), version("cc"))
}

fn has_valgrind() -> bool {
    let asked = Command::new("valgrind").arg("--version").stdout(Stdio::null()).status();
    asked.is_ok_and(|status| status.success())
}

/// Those of one operation.
fn instructions(work: &Work) -> u64 {
    let more = collected(work.name, LONG) - collected(work.name, SHORT);
    more / (work.each * (LONG - SHORT)) as u64
}

/// Those of a whole run.
fn collected(name: &str, times: usize) -> u64 {
    let run = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(env::current_exe().unwrap())
        .args(["--run", name, &times.to_string()])
        .output()
        .unwrap();
    let said = String::from_utf8(run.stderr).unwrap();
    let line = said.lines().find_map(|line| line.split_once("Collected : "));
    line.and_then(|(_, count)| count.trim().parse().ok())
        .unwrap_or_else(|| panic!("{name}: {said}"))
}
