//! What the server and this program take: cores, bytes, commands, memory.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Error, Read, Write};
use std::net::TcpStream;

use tiercel::clock::stopwatch_ns;

/// A server, as INFO and /proc show it.
pub(crate) struct Server {
    pid: u32,
    connection: BufReader<TcpStream>,
}

/// Everything counted up to one moment.
pub(crate) struct Reading {
    at_ns: u64,
    server_ns: u64,
    own_ns: u64,
    bytes: u64,
    commands: BTreeMap<String, (u64, u64)>,
}

/// What two readings differ by.
pub(crate) struct Spent {
    pub(crate) secs: f64,
    /// Seconds of a core, the server's and those of this program.
    pub(crate) server_secs: f64,
    pub(crate) own_secs: f64,
    /// Bytes that the server received and sent.
    pub(crate) bytes: u64,
    /// Calls and microseconds of each command.
    pub(crate) commands: BTreeMap<String, (u64, u64)>,
}

impl Server {
    pub(crate) fn at(address: &str, pid: u32) -> Result<Self, Error> {
        Ok(Self { pid, connection: BufReader::new(TcpStream::connect(address)?) })
    }

    pub(crate) fn read(&mut self) -> Result<Reading, Error> {
        let stats = self.info("stats")?;
        let total = |name: &str| number(stats.get(name).map(String::as_str));
        let bytes = total("total_net_input_bytes") + total("total_net_output_bytes");
        let commands = self.info("commandstats")?;
        Ok(Reading {
            at_ns: stopwatch_ns(),
            server_ns: core_ns(&self.pid.to_string()),
            own_ns: core_ns("self"),
            bytes,
            commands: commands.iter().filter_map(|(name, text)| command(name, text)).collect(),
        })
    }

    fn info(&mut self, section: &str) -> Result<BTreeMap<String, String>, Error> {
        let text = self.ask(&format!("INFO {section}"))?;
        let lines = text.lines().filter_map(|line| line.split_once(':'));
        Ok(lines.map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
    }

    /// The reply to an inline command, which is one string.
    fn ask(&mut self, command: &str) -> Result<String, Error> {
        write!(self.connection.get_mut(), "{command}\r\n")?;
        let mut head = String::new();
        self.connection.read_line(&mut head)?;
        let length = number(head.trim_end().strip_prefix('$'));
        let mut body = vec![0; length as usize + 2];
        self.connection.read_exact(&mut body)?;
        Ok(String::from_utf8_lossy(&body).into_owned())
    }
}

impl Reading {
    pub(crate) fn until(&self, later: &Self) -> Spent {
        let secs = |from: u64, to: u64| to.saturating_sub(from) as f64 / 1e9;
        let commands = later.commands.iter().map(|(name, (calls, us))| {
            let (calls_before, us_before) = self.commands.get(name).copied().unwrap_or_default();
            (name.clone(), (calls.saturating_sub(calls_before), us.saturating_sub(us_before)))
        });
        Spent {
            secs: secs(self.at_ns, later.at_ns),
            server_secs: secs(self.server_ns, later.server_ns),
            own_secs: secs(self.own_ns, later.own_ns),
            bytes: later.bytes.saturating_sub(self.bytes),
            commands: commands.filter(|(_, (calls, _))| *calls > 0).collect(),
        }
    }
}

impl Spent {
    pub(crate) fn server_share(&self) -> f64 {
        self.server_secs / self.secs
    }

    pub(crate) fn own_share(&self) -> f64 {
        self.own_secs / self.secs
    }
}

/// A line of `commandstats`: `cmdstat_get:calls=1,usec=2,…`.
fn command(name: &str, text: &str) -> Option<(String, (u64, u64))> {
    let of =
        |what: &str| text.split(',').find_map(|part| part.strip_prefix(what)?.strip_prefix('='));
    let name = name.strip_prefix("cmdstat_")?;
    Some((name.to_owned(), (number(of("calls")), number(of("usec")))))
}

fn number(text: Option<&str>) -> u64 {
    text.and_then(|text| text.trim().parse().ok()).unwrap_or(0)
}

/// Nanoseconds that the threads of a process have run.
fn core_ns(process: &str) -> u64 {
    let threads = fs::read_dir(format!("/proc/{process}/task")).into_iter().flatten().flatten();
    let of = threads.filter_map(|thread| fs::read_to_string(thread.path().join("schedstat")).ok());
    of.map(|text| number(text.split_whitespace().next())).sum()
}

/// A line of /proc/self/status, such as `VmRSS` in kB.
pub(crate) fn own(line: &str) -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let found = status.lines().find_map(|text| text.strip_prefix(line)?.strip_prefix(':'));
    number(found.and_then(|text| text.split_whitespace().next()))
}
