//! Looks closer at a server that cannot be used: whether one side speaks TLS and the other does not.
//! Each then waits for the other, or hangs up.

use std::io::ErrorKind;
use std::sync::Arc;
use std::time::Duration;

use fred::rustls::crypto::ring;
use fred::rustls::pki_types::ServerName;
use fred::rustls::{ClientConfig, ClientConnection, RootCertStore};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::options::HostPort;
use crate::store::Trouble;

/// How long each step may take.
const LIMIT: Duration = Duration::from_millis(500);

/// What is wrong with `host`, where a connection with or without TLS ends with `trouble`.
pub(super) async fn closer(host: &HostPort, is_tls: bool, trouble: Trouble) -> Trouble {
    if !matches!(trouble, Trouble::TimedOut | Trouble::Closed) {
        return trouble;
    }
    match is_tls {
        true if matches!(ask(host, b"PING\r\n").await, Some(b'+' | b'-')) => Trouble::TlsUnexpected,
        false if matches!(ask(host, &hello().unwrap_or_default()).await, Some(0x15 | 0x16)) => {
            Trouble::TlsExpected
        }
        _ => trouble,
    }
}

/// The first byte of the answer to some bytes.
async fn ask(host: &HostPort, bytes: &[u8]) -> Option<u8> {
    let address = (host.name.as_str(), host.port);
    let stream = timeout(LIMIT, TcpStream::connect(address)).await.ok()?.ok()?;
    timeout(LIMIT, stream.writable()).await.ok()?.ok()?;
    // A new connection takes these few bytes at once.
    stream.try_write(bytes).ok()?;
    let first = async {
        loop {
            stream.readable().await.ok()?;
            let mut byte = [0];
            match stream.try_read(&mut byte) {
                Ok(0) => return None,
                Ok(_) => return Some(byte[0]),
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(_) => return None,
            }
        }
    };
    timeout(LIMIT, first).await.ok()?
}

/// The first bytes that a client of TLS sends.
fn hello() -> Option<Vec<u8>> {
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .ok()?
        .with_root_certificates(RootCertStore::empty())
        .with_no_client_auth();
    let name = ServerName::try_from("localhost").ok()?;
    let mut bytes = Vec::new();
    ClientConnection::new(Arc::new(config), name).ok()?.write_tls(&mut bytes).ok()?;
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_of_tls_begins_with_a_handshake() {
        assert_eq!(hello().and_then(|bytes| bytes.first().copied()), Some(0x16));
    }
}
