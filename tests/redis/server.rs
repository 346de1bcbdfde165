//! The server of one test, and a plain connection to it.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{self, Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread::sleep;
use std::time::Duration;

/// A running server. Dropping it kills it.
pub(crate) struct Server {
    pub(crate) port: u16,
    options: Vec<String>,
    child: Child,
    folder: Folder,
}

/// A server, or `return` from the test with the reason why there is none.
#[macro_export]
macro_rules! server {
    ($($option:expr),*) => {
        match $crate::server::Server::start(&[$($option),*]) {
            Some(server) => server,
            None => return,
        }
    };
}

impl Server {
    pub(crate) fn start(options: &[&str]) -> Option<Self> {
        let plain = ["--save", "", "--appendonly", "no", "--bind", "127.0.0.1"];
        Self::start_with(&[&plain, options].concat())
    }

    /// A server with these options alone; it only gets a port.
    pub(crate) fn start_with(options: &[&str]) -> Option<Self> {
        let options: Vec<String> = options.iter().map(|option| (*option).into()).collect();
        // Another process may take the port between its choice and its use.
        for _ in 0..5 {
            let (port, folder) = (free_port(), Folder::new());
            let child = spawn(port, &options, &folder)?;
            let mut server = Self { port, options: options.clone(), child, folder };
            if server.is_started() {
                return Some(server);
            }
        }
        panic!("the server does not start");
    }

    /// Waits until the server answers; false if it has ended instead.
    fn is_started(&mut self) -> bool {
        for _ in 0..500 {
            sleep(Duration::from_millis(10));
            if self.child.try_wait().unwrap().is_some() {
                return false;
            }
            if TcpStream::connect(("127.0.0.1", self.port)).is_ok() {
                return true;
            }
        }
        false
    }

    pub(crate) fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args([name, &pid]).status().unwrap().success());
    }

    /// Kills the server and gives up its port.
    pub(crate) fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Restarts the server on the same port, without its data.
    pub(crate) fn restart(&mut self) {
        self.kill();
        self.child = spawn(self.port, &self.options, &self.folder).unwrap();
        assert!(self.is_started(), "the server does not start again");
    }

    /// The reply to a command, as text.
    pub(crate) fn call(&self, parts: &[&str]) -> String {
        let parts: Vec<&[u8]> = parts.iter().map(|part| part.as_bytes()).collect();
        self.call_bytes(&parts).join(" ")
    }

    /// The connections that it has taken so far, with the one that asks.
    pub(crate) fn connections(&self) -> u64 {
        let info = self.call(&["INFO", "stats"]);
        let line = info.lines().find_map(|line| line.strip_prefix("total_connections_received:"));
        line.unwrap().trim().parse().unwrap()
    }

    /// The reply to a command, flattened.
    pub(crate) fn call_bytes(&self, parts: &[&[u8]]) -> Vec<String> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        let mut bytes = format!("*{}\r\n", parts.len()).into_bytes();
        for part in parts {
            bytes.extend(format!("${}\r\n", part.len()).bytes());
            bytes.extend_from_slice(part);
            bytes.extend(b"\r\n");
        }
        stream.write_all(&bytes).unwrap();
        let mut all = Vec::new();
        reply(&mut BufReader::new(stream), &mut all);
        all
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

/// The folder of one test. Dropping it removes it.
pub(crate) struct Folder(pub(crate) PathBuf);

impl Folder {
    pub(crate) fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("tiercel-{}-{}", process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A free port that leaves room for the cluster's own, 10 000 above.
pub(crate) fn free_port() -> u16 {
    let ports = std::iter::repeat_with(|| {
        TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port()
    });
    ports.take(1_000).find(|port| *port < 55_000).expect("no free port")
}

fn spawn(port: u16, options: &[String], folder: &Folder) -> Option<Child> {
    let program = std::env::var("REDIS_SERVER").unwrap_or_else(|_| "redis-server".into());
    let port = port.to_string();
    let mut command = Command::new(program);
    command.args(options).args(["--port", &port]).current_dir(&folder.0);
    match command.stdout(Stdio::null()).stderr(Stdio::null()).spawn() {
        Ok(child) => Some(child),
        Err(error) => {
            assert!(std::env::var_os("CI").is_none(), "no redis-server in CI: {error}");
            eprintln!("skipped: there is no redis-server in the path");
            None
        }
    }
}

fn reply(reader: &mut impl BufRead, all: &mut Vec<String>) {
    let mut line = String::new();
    reader.read_line(&mut line).unwrap();
    let (kind, rest) = line.trim_end().split_at(1);
    match kind {
        "*" => (0..rest.parse::<i64>().unwrap()).for_each(|_| reply(reader, all)),
        "$" if rest == "-1" => all.push("nil".into()),
        "$" => {
            let mut bytes = vec![0; rest.parse::<usize>().unwrap() + 2];
            reader.read_exact(&mut bytes).unwrap();
            bytes.truncate(bytes.len() - 2);
            all.push(String::from_utf8_lossy(&bytes).into_owned());
        }
        _ => all.push(rest.into()),
    }
}
