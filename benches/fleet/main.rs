//! Fleets of shipped engines on one server, and what they cost: run by `benches/fleet.bench.mjs`.
//!
//! Arguments are `name=value`: `measure` is `fleet`, `fill` or `memory`. Each result is a line of
//! JSON.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "it is a program")]

mod gauge;
mod instance;
mod load;

use std::process::ExitCode;
use std::sync::Arc;
use std::thread::sleep;
use std::time::Duration;

use serde_json::{Value, json};
use tiercel::clock::stopwatch_ns;
use tiercel::engine::Engine;
use tiercel::tags::Tag;

use gauge::{Server, own};
use instance::{Calls, Threads};
use load::Load;

/// What the program was asked for.
struct Arguments(Vec<String>);

impl Arguments {
    fn text(&self, name: &str) -> Option<&str> {
        self.0.iter().find_map(|given| given.strip_prefix(name)?.strip_prefix('='))
    }

    fn number(&self, name: &str) -> Result<u64, String> {
        let text = self.text(name).ok_or(format!("{name} is missing"))?;
        text.parse().map_err(|_| format!("{name}={text} is no number"))
    }
}

fn main() -> ExitCode {
    let arguments = Arguments(std::env::args().skip(1).collect());
    let done = match arguments.text("measure") {
        Some("fleet") => fleet(&arguments),
        Some("fill") => fill(&arguments),
        Some("memory") => memory(&arguments),
        // `cargo bench` runs every program there is.
        _ => return ExitCode::SUCCESS,
    };
    if let Err(why) = done {
        eprintln!("fleet: {why}");
        return ExitCode::FAILURE;
    }
    // Engines do not have to leave one by one.
    std::process::exit(0)
}

fn tell(what: &str, value: &Value) {
    println!("{}", json!({ "what": what, "value": value }));
}

/// Idle, at ten calls a second, and at more and more calls and tags.
fn fleet(arguments: &Arguments) -> Result<(), String> {
    let address = arguments.text("address").ok_or("address is missing")?;
    let instances = arguments.number("instances")? as usize;
    let secs = arguments.number("secs")? as f64;
    let mut server = Server::at(address, arguments.number("pid")? as u32)
        .map_err(|error| format!("no server: {error}"))?;
    let before = [own("Threads"), own("VmRSS")];
    let shared = Threads::start(arguments.number("threads")?)?;
    let fleet = (0..instances).map(|nth| instance::start(&shared, nth, address, 100_000));
    let fleet = fleet.collect::<Result<Vec<_>, _>>()?;
    instance::settle(&fleet)?;
    let per_instance = |now: u64, before: u64| now.saturating_sub(before) as f64 / instances as f64;
    let [threads, kb] = before;
    tell("start", &json!({ "kbPerInstance": per_instance(own("VmRSS"), kb) }));
    tell("idle", &idle(&mut server, instances, secs)?);

    let steady = Load { writers: 1, tags_per_call: 1, calls_per_sec: 10, secs: secs * 2.0 };
    tell("steady", &steady.run(&fleet, &mut server)?.report());
    let short = Load { secs: (secs / 2.0).max(1.0), ..steady };
    let ramps = [
        ("one writer", short),
        ("ten writers", Load { writers: 10.min(instances), ..short }),
        ("tags", Load { tags_per_call: 100, ..short }),
    ];
    let only = arguments.text("only").unwrap_or_default();
    for (name, load) in ramps.into_iter().filter(|(name, _)| name.contains(only)) {
        ramp(name, load, &fleet, &mut server)?;
    }
    // Names are looked up on threads that end some seconds after the start.
    tell("end", &json!({ "threadsPerInstance": per_instance(own("Threads"), threads) }));
    Ok(())
}

fn ramp(name: &str, load: Load, fleet: &[Arc<Engine>], server: &mut Server) -> Result<(), String> {
    let (managed, failed) = load.ramp(fleet, server)?;
    // What overload leaves behind must not weigh on what comes next.
    sleep(Duration::from_secs(3));
    instance::settle(fleet)?;
    let report = |run: Option<load::Run>| run.map_or(Value::Null, |run| run.report());
    tell(name, &json!({ "managed": report(managed), "failed": report(failed) }));
    Ok(())
}

fn idle(server: &mut Server, instances: usize, secs: f64) -> Result<Value, String> {
    let read = |server: &mut Server| server.read().map_err(|error| error.to_string());
    let before = read(server)?;
    sleep(Duration::from_secs_f64(secs));
    let spent = before.until(&read(server)?);
    let polls = spent.commands.get("evalsha").map_or(0, |(calls, _)| *calls);
    Ok(json!({
        "redisShare": spent.server_share(),
        "ownShare": spent.own_share(),
        "bytesPerSec": spent.bytes as f64 / spent.secs,
        "scriptsPerInstanceAndSec": polls as f64 / spent.secs / instances as f64,
    }))
}

/// Fills the table of the server.
fn fill(arguments: &Arguments) -> Result<(), String> {
    let address = arguments.text("address").ok_or("address is missing")?;
    let tags = arguments.number("tags")?;
    let own = Threads::start(0)?;
    let writer = [instance::start(&own, 0, address, (tags * 2) as usize)?];
    instance::settle(&writer)?;
    let [writer] = writer;
    let (mut first, part) = (0, 20_000);
    while first < tags {
        let names = (first..tags.min(first + part)).map(|n| Tag::from(&*format!("product-{n:09}")));
        let calls = Arc::new(Calls::default());
        calls.make(&writer, &names.collect::<Vec<_>>());
        let ended = calls.ended();
        // Others that go on meanwhile are not waited for: what counts is that it is recorded.
        if ended.open > 0 {
            return Err(format!("a call of {part} tags takes too long"));
        }
        first += part;
    }
    Ok(())
}

/// What an instance grows by as it loads the table of the server.
fn memory(arguments: &Arguments) -> Result<(), String> {
    let address = arguments.text("address").ok_or("address is missing")?;
    let tags = arguments.number("tags")?;
    let before = own("VmRSS");
    let began = stopwatch_ns();
    let reader = [instance::start(&Threads::start(0)?, 0, address, (tags * 2) as usize)?];
    instance::settle(&reader)?;
    let secs = (stopwatch_ns() - began) as f64 / 1e9;
    let (kb, peak) = (own("VmRSS").saturating_sub(before), own("VmHWM").saturating_sub(before));
    let held = reader.first().map_or(0, |engine| engine.holdings().tags);
    let bytes = kb as f64 * 1024.0 / held.max(1) as f64;
    tell(
        "memory",
        &json!({
            "tags": held, "kb": kb, "peakKb": peak, "bytesPerTag": bytes, "loadSecs": secs,
        }),
    );
    Ok(())
}
