//! A wire that can be cut without either end noticing: bytes vanish, connections stay open.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use parking_lot::{Condvar, Mutex};

pub(crate) struct Proxy {
    pub(crate) port: u16,
    /// The connections up to this number are swallowed.
    swallowed: Arc<AtomicU64>,
    made: Arc<AtomicU64>,
    /// How long each answer takes, in ms.
    delay_ms: Arc<AtomicU64>,
    gate: Arc<Gate>,
}

/// Where the connection that has a word waits.
#[derive(Default)]
struct Gate {
    word: Mutex<Option<Vec<u8>>>,
    is_open: Mutex<bool>,
    opened: Condvar,
}

impl Gate {
    fn pass(&self, bytes: &[u8]) {
        let has = |word: &mut Vec<u8>| bytes.windows(word.len()).any(|part| part == *word);
        if self.word.lock().take_if(has).is_none() {
            return;
        }
        let mut is_open = self.is_open.lock();
        while !*is_open {
            self.opened.wait(&mut is_open);
        }
    }
}

impl Proxy {
    pub(crate) fn before(port: u16) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let proxy = Self {
            port: listener.local_addr().unwrap().port(),
            swallowed: Arc::default(),
            made: Arc::default(),
            delay_ms: Arc::default(),
            gate: Arc::default(),
        };
        let (swallowed, made) = (proxy.swallowed.clone(), proxy.made.clone());
        let (delay_ms, gate) = (proxy.delay_ms.clone(), proxy.gate.clone());
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let number = made.fetch_add(1, Ordering::SeqCst) + 1;
                let Ok(server) = TcpStream::connect(("127.0.0.1", port)) else { continue };
                let (to, from) = (server.try_clone().unwrap(), stream.try_clone().unwrap());
                let (there, back) = (swallowed.clone(), swallowed.clone());
                let (delay_ms, gate) = (delay_ms.clone(), gate.clone());
                let at_once = AtomicU64::new(0);
                thread::spawn(move || copy(from, to, number, &there, &at_once, &gate));
                let free = Gate::default();
                thread::spawn(move || copy(server, stream, number, &back, &delay_ms, &free));
            }
        });
        proxy
    }

    /// Swallows from now on all bytes on the present connections.
    pub(crate) fn swallow_present(&self) {
        self.swallowed.store(self.made.load(Ordering::SeqCst), Ordering::SeqCst);
    }

    /// Has each answer take this long from now on.
    pub(crate) fn delay(&self, ms: u64) {
        self.delay_ms.store(ms, Ordering::SeqCst);
    }

    /// The first connection over which this is sent from now on is held up, until it is let go.
    pub(crate) fn hold(&self, word: &str) {
        *self.gate.word.lock() = Some(word.into());
    }

    /// Whether a connection is held up.
    pub(crate) fn holds(&self) -> bool {
        self.gate.word.lock().is_none()
    }

    /// Lets it go on.
    pub(crate) fn let_go(&self) {
        *self.gate.is_open.lock() = true;
        self.gate.opened.notify_all();
    }

    /// Swallows those on future connections too.
    pub(crate) fn swallow_all(&self) {
        self.swallowed.store(u64::MAX, Ordering::SeqCst);
    }
}

fn copy(
    mut from: TcpStream,
    mut to: TcpStream,
    number: u64,
    swallowed: &AtomicU64,
    delay_ms: &AtomicU64,
    gate: &Gate,
) {
    let mut bytes = [0; 16_384];
    // What comes within the delay passes with the first of it.
    while from.peek(&mut [0]).is_ok() {
        thread::sleep(Duration::from_millis(delay_ms.load(Ordering::SeqCst)));
        let Ok(count @ 1..) = from.read(&mut bytes) else { break };
        gate.pass(&bytes[..count]);
        if number > swallowed.load(Ordering::SeqCst) && to.write_all(&bytes[..count]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Both);
}
