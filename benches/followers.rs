//! What it costs a server, and the instances, that many wait for the generation of one.
//!
//! `cargo bench --bench followers` starts a `redis-server` of its own (`REDIS_SERVER` names another),
//! lets one engine lead and `FOLLOWERS` (50) follow over connections of their own, and prints the
//! commands that reach the server for one key, how long after the leader's set each follower has
//! the value, and what `KEYS` (100) keys at once cost the server. It does so twice: as users who may
//! be told, and as users who may not, who ask again and again.

#![expect(clippy::print_stdout, clippy::unwrap_used, clippy::indexing_slicing, reason = "a bench")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::thread::{JoinHandle, sleep};
use std::time::Duration;

use parking_lot::Mutex;
use serde_json::{Value, json};
use tiercel::clock::{Clock, stopwatch_ns};
use tiercel::coherence::Coherence;
use tiercel::coherence::timing::Timing;
use tiercel::engine::{Builder, Engine, Tier};
use tiercel::entry::{Meta, Source};
use tiercel::generation::attempt::{Claimant, Fallback};
use tiercel::key::Class;
use tiercel::options::Options;
use tiercel::redis::RedisStore;
use tiercel::wake::{Notice, Ticket, Wait, Wake};

/// How long gets wait: longer than it takes a busy machine to get here.
const WAIT_MS: u32 = 20_000;
/// How long a generation takes.
const GENERATION: Duration = Duration::from_millis(700);
const ROUNDS: u16 = 20;
const MANY_ROUNDS: u16 = 5;

fn main() {
    let number = |name: &str, or: usize| {
        std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(or)
    };
    let (followers, keys) = (number("FOLLOWERS", 50), number("KEYS", 100));
    let server = Server::start();
    println!("1 leader, {followers} followers, a generation of {GENERATION:?}");
    for (nth, (who, rights)) in [("told", "+@all"), ("not told", "-publish")].iter().enumerate() {
        server.call(&["ACL", "SETUSER", who_is(nth), "on", ">secret", "~*", "&*", "+@all", rights]);
        let fleet = Fleet::start(&server, nth, followers + 1);
        let (sent, by_scripts) = count(&server, &fleet);
        println!("{who:8}: {sent} commands about one key, {by_scripts} more by scripts");
        let delays = delays(&fleet);
        let of = |share: usize| delays[(delays.len() - 1) * share / 100] as f64 / 1e6;
        let (p50, p90, p99, most) = (of(50), of(90), of(99), of(100));
        println!(
            "{who:8}: value {p50:.1} ms after the set, p90 {p90:.1}, p99 {p99:.1}, {most:.1} at most"
        );
        let cpu_ms = cpu_of_many(&server, &fleet, keys as u16);
        println!("{who:8}: {keys} keys at once cost {cpu_ms:.0} ms of the server");
    }
}

fn who_is(nth: usize) -> &'static str {
    ["some", "others"][nth]
}

/// The engines of one fleet. The first leads.
struct Fleet(Vec<Instance>);

struct Instance {
    engine: Arc<Engine>,
    bell: Arc<Bell>,
}

/// When gets were woken, and whether with an entry.
#[derive(Default)]
struct Bell(Mutex<Vec<(u64, bool)>>);

impl Wake for Bell {
    fn wake(&self, _: u32, notice: Notice) {
        self.0.lock().push((stopwatch_ns(), matches!(notice, Notice::Delivered(_))));
    }
}

impl Fleet {
    fn start(server: &Server, nth: usize, count: usize) -> Self {
        let url = format!("redis://{}:secret@127.0.0.1:{}", who_is(nth), server.port);
        // A busy machine is no server that is away.
        let options = json!({
            "redisUrl": url, "namespace": format!("fleet{nth}"), "memoryMb": 8,
            "commandTimeoutMs": 2_000,
        });
        let fleet = Self((0..count).map(|_| Instance::start(&options)).collect());
        for one in &fleet.0 {
            until(|| one.engine.connectivity() == tiercel::engine::Connectivity::Connected);
        }
        // They are told of ends a moment later.
        sleep(Duration::from_secs(1));
        fleet
    }

    fn leader(&self) -> &Instance {
        &self.0[0]
    }

    fn followers(&self) -> &[Instance] {
        &self.0[1..]
    }

    /// The first claims these keys, and then the others.
    fn claim(&self, keys: &[u16]) {
        for one in &self.0 {
            one.bell.0.lock().clear();
        }
        for some in [&self.0[..1], self.followers()] {
            for one in some {
                for key in keys {
                    one.claim(*key);
                }
                one.engine.flush();
            }
            for one in some {
                until(|| one.bell.0.lock().len() >= keys.len());
                one.bell.0.lock().clear();
            }
        }
        for one in self.followers() {
            for key in keys {
                one.follow(*key);
            }
        }
    }

    /// When each follower has its values.
    fn delivered(&self, keys: usize) -> Vec<u64> {
        let has = |one: &Instance| one.bell.0.lock().iter().filter(|(_, is)| *is).count() >= keys;
        until(|| self.followers().iter().all(has));
        let at = |one: &Instance| one.bell.0.lock().iter().map(|(at, _)| *at).collect::<Vec<_>>();
        self.followers().iter().flat_map(at).collect()
    }
}

impl Instance {
    fn start(options: &Value) -> Self {
        let options = Options::resolve(options, &Value::Null).unwrap();
        let coherence = Coherence::fleet(options.max_tags, Timing::default());
        let shared = options.shared.clone().unwrap();
        let engine = Builder::new(options, Clock::system(), coherence)
            .build_sharing(|options, listener| {
                let store = RedisStore::start(&shared, options.max_tags, listener)?;
                let limit = options.shared_entry_bytes();
                Ok::<_, tiercel::error::Error>(Tier::new(Arc::new(store), &shared, limit, true))
            })
            .unwrap();
        Self { engine, bell: Arc::default() }
    }

    fn ticket(&self) -> Ticket {
        Ticket::new(self.bell.clone(), 0)
    }

    fn claim(&self, key: u16) {
        let claimant = Claimant { held: None, fallback: Fallback::None, wait_ms: WAIT_MS };
        let units = [key];
        let key = self.engine.hasher().key(Class::Fetch, &units);
        self.engine.claim(&key, claimant, Vec::new, self.ticket());
    }

    fn follow(&self, key: u16) {
        let units = [key];
        let key = self.engine.hasher().key(Class::Fetch, &units);
        let wait = self.engine.follow_elsewhere(&key, None, Vec::new, WAIT_MS, self.ticket());
        assert_eq!(wait, Wait::Pending, "it does not follow");
    }

    fn set(&self, key: u16) {
        let engine = &self.engine;
        let meta = Meta {
            stamp: engine.ledger.present().1,
            since: engine.revision(),
            created: engine.clock.now(),
            held_from: engine.clock.now(),
            told_ms: 1_000.0,
            revalidate_us: Some(900_000_000),
            expire_us: None,
            tags: [].into_iter().collect(),
            format: 4,
            source: Source::Generated,
        };
        let units = [key];
        let key = engine.hasher().key(Class::Fetch, &units);
        engine.set(&key, meta, vec![7; 2_000].into(), false);
    }
}

/// The commands about one key that reach the server, and those that scripts run.
fn count(server: &Server, fleet: &Fleet) -> (usize, usize) {
    let monitor = Monitor::start(server);
    fleet.claim(&[0]);
    sleep(GENERATION);
    fleet.leader().set(0);
    fleet.delivered(1);
    // The end of the lease comes after the value.
    sleep(Duration::from_millis(200));
    let lines = monitor.end();
    let (by_scripts, sent): (Vec<_>, Vec<_>) =
        lines.iter().filter(|line| line.contains(":{")).partition(|line| line.contains(" lua]"));
    let told = lines.iter().filter(|line| line.contains("\"PUBLISH\"") && line.contains("}:f:"));
    (sent.len(), by_scripts.len() + told.count())
}

/// How long after the leader's set each follower has the value, in order.
fn delays(fleet: &Fleet) -> Vec<u64> {
    let mut all = Vec::new();
    for key in 1..=ROUNDS {
        fleet.claim(&[key]);
        sleep(GENERATION);
        let set = stopwatch_ns();
        fleet.leader().set(key);
        all.extend(fleet.delivered(1).into_iter().map(|at| at - set));
    }
    all.sort_unstable();
    all
}

/// What many keys at once cost the server, in ms of a core, without what an idle fleet costs.
fn cpu_of_many(server: &Server, fleet: &Fleet, keys: u16) -> f64 {
    let (began, before) = (stopwatch_ns(), server.cpu_s());
    sleep(Duration::from_secs(4));
    let idle = (server.cpu_s() - before) / (stopwatch_ns() - began) as f64;
    let (began, before) = (stopwatch_ns(), server.cpu_s());
    for round in 1..=MANY_ROUNDS {
        let keys: Vec<u16> = (round * 1_000..round * 1_000 + keys).collect();
        fleet.claim(&keys);
        sleep(GENERATION);
        for key in &keys {
            fleet.leader().set(*key);
        }
        fleet.delivered(keys.len());
    }
    let all = server.cpu_s() - before;
    (all - idle * (stopwatch_ns() - began) as f64) * 1e3 / f64::from(MANY_ROUNDS)
}

fn until(is_so: impl Fn() -> bool) {
    let began = stopwatch_ns();
    while !is_so() {
        assert!(stopwatch_ns() - began < 30_000_000_000, "it does not come");
        sleep(Duration::from_millis(1));
    }
}

struct Server {
    port: u16,
    child: Child,
}

impl Server {
    fn start() -> Self {
        let program = std::env::var("REDIS_SERVER").unwrap_or_else(|_| "redis-server".into());
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let child = Command::new(program)
            .args(["--port", &port.to_string(), "--bind", "127.0.0.1"])
            .args(["--save", "", "--appendonly", "no"])
            .args(["--maxmemory", "500mb", "--maxmemory-policy", "volatile-lru"])
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        until(|| TcpStream::connect(("127.0.0.1", port)).is_ok());
        Self { port, child }
    }

    fn send(&self, parts: &[&str]) -> TcpStream {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        stream.write_all(format!("*{}\r\n", parts.len()).as_bytes()).unwrap();
        for part in parts {
            stream.write_all(format!("${}\r\n{part}\r\n", part.len()).as_bytes()).unwrap();
        }
        stream
    }

    fn call(&self, parts: &[&str]) -> String {
        let mut reader = BufReader::new(self.send(parts));
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        let Some(length) = line.strip_prefix('$') else { return line };
        let mut bytes = vec![0; length.trim().parse().unwrap()];
        reader.read_exact(&mut bytes).unwrap();
        String::from_utf8(bytes).unwrap()
    }

    fn cpu_s(&self) -> f64 {
        let told = self.call(&["INFO", "cpu"]);
        let of = |name| told.lines().find_map(|line: &str| line.strip_prefix(name));
        let parts = ["used_cpu_user:", "used_cpu_sys:"].map(|name| of(name).unwrap());
        parts.iter().map(|part| part.trim().parse::<f64>().unwrap()).sum()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What the server is asked.
struct Monitor {
    stream: TcpStream,
    reading: JoinHandle<Vec<String>>,
}

impl Monitor {
    fn start(server: &Server) -> Self {
        let stream = server.send(&["MONITOR"]);
        let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
        // It has begun.
        lines.next();
        let reading = std::thread::spawn(move || lines.map_while(Result::ok).collect());
        Self { stream, reading }
    }

    fn end(self) -> Vec<String> {
        self.stream.shutdown(std::net::Shutdown::Both).unwrap();
        self.reading.join().unwrap()
    }
}
