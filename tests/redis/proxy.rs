//! A wire that can be cut without either end noticing: bytes vanish, connections stay open.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

pub(crate) struct Proxy {
    pub(crate) port: u16,
    /// The connections up to this number are swallowed.
    swallowed: Arc<AtomicU64>,
    made: Arc<AtomicU64>,
}

impl Proxy {
    pub(crate) fn before(port: u16) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let proxy = Self {
            port: listener.local_addr().unwrap().port(),
            swallowed: Arc::default(),
            made: Arc::default(),
        };
        let (swallowed, made) = (proxy.swallowed.clone(), proxy.made.clone());
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let number = made.fetch_add(1, Ordering::SeqCst) + 1;
                let Ok(server) = TcpStream::connect(("127.0.0.1", port)) else { continue };
                let (to, from) = (server.try_clone().unwrap(), stream.try_clone().unwrap());
                let (there, back) = (swallowed.clone(), swallowed.clone());
                thread::spawn(move || copy(from, to, number, &there));
                thread::spawn(move || copy(server, stream, number, &back));
            }
        });
        proxy
    }

    /// Swallows from now on all bytes on the present connections.
    pub(crate) fn swallow_present(&self) {
        self.swallowed.store(self.made.load(Ordering::SeqCst), Ordering::SeqCst);
    }

    /// Swallows those on future connections too.
    pub(crate) fn swallow_all(&self) {
        self.swallowed.store(u64::MAX, Ordering::SeqCst);
    }
}

fn copy(mut from: TcpStream, mut to: TcpStream, number: u64, swallowed: &AtomicU64) {
    let mut bytes = [0; 16_384];
    while let Ok(count) = from.read(&mut bytes) {
        if count == 0 {
            break;
        }
        if number > swallowed.load(Ordering::SeqCst) && to.write_all(&bytes[..count]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Both);
}
