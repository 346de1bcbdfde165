//! Streams to servers: opened, encrypted and logged in, for a [`super::pipeline`].

use std::time::Duration;

use bytes::BytesMut;
use fred::rustls::pki_types::ServerName;
use fred::types::config::{Config, Server, ServerConfig, TlsConnector};
use redis_protocol::resp2::decode::decode_bytes_mut;
use redis_protocol::resp2::encode::extend_encode_borrowed;
use redis_protocol::resp2::types::BorrowedFrame;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpStream, UnixStream};
use tokio::time::timeout;

use super::pipeline::{Frame, Probe};

/// Finds out whether a server still answers. So rare that it costs a server of 500 instances nothing,
/// and so often that no firewall on the way forgets the connection.
pub(super) const PROBE: Probe =
    Probe { after: Duration::from_secs(5), command: b"*1\r\n$4\r\nPING\r\n" };

/// A stream of bytes to a server.
pub(super) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// Opens a stream to a server, and logs in as the client does; `None` if that fails, which the client
/// finds out, too, and reports.
pub(super) async fn dial(
    config: &Config,
    server: &ServerConfig,
    limit: Duration,
) -> Option<Box<dyn Stream>> {
    let opened = async {
        let mut stream = open(config, server).await?;
        log_in(&mut stream, config).await?;
        Some(stream)
    };
    timeout(limit, opened).await.ok().flatten()
}

async fn open(config: &Config, server: &ServerConfig) -> Option<Box<dyn Stream>> {
    match server {
        ServerConfig::Unix { path } => Some(Box::new(UnixStream::connect(path).await.ok()?)),
        ServerConfig::Centralized { server } => {
            let stream = TcpStream::connect((&*server.host, server.port)).await.ok()?;
            stream.set_nodelay(true).ok()?;
            match &config.tls {
                None => Some(Box::new(stream)),
                Some(tls) => encrypted(&tls.connector, server, stream).await,
            }
        }
        _ => None,
    }
}

async fn encrypted(
    connector: &TlsConnector,
    server: &Server,
    stream: TcpStream,
) -> Option<Box<dyn Stream>> {
    let TlsConnector::Rustls(connector) = connector;
    let name = server.tls_server_name.as_ref().unwrap_or(&server.host);
    let name = ServerName::try_from(name.to_string()).ok()?;
    Some(Box::new(connector.connect(name, stream).await.ok()?))
}

async fn log_in(stream: &mut Box<dyn Stream>, config: &Config) -> Option<()> {
    let mut out = BytesMut::new();
    let mut expected = 0;
    if let Some(password) = config.password.as_deref().map(str::as_bytes) {
        match config.username.as_deref().filter(|name| !name.is_empty()) {
            Some(name) => command(&mut out, [b"AUTH", name.as_bytes(), password]),
            None => command(&mut out, [b"AUTH", password]),
        }
        expected += 1;
    }
    if let Some(database) = config.database {
        command(&mut out, [b"SELECT", database.to_string().as_bytes()]);
        expected += 1;
    }
    // A server that is full accepts, and refuses the first command.
    out.extend_from_slice(PROBE.command);
    expected += 1;
    stream.write_all(&out).await.ok()?;
    stream.flush().await.ok()?;
    let mut input = BytesMut::new();
    while expected > 0 {
        match decode_bytes_mut(&mut input).ok()? {
            Some((Frame::SimpleString(_), ..)) => expected -= 1,
            Some(_) => return None,
            None if stream.read_buf(&mut input).await.ok()? == 0 => return None,
            None => {}
        }
    }
    input.is_empty().then_some(())
}

/// Adds a command to what is to be sent.
pub(super) fn command<const N: usize>(out: &mut BytesMut, args: [&[u8]; N]) {
    encode(out, &args.map(BorrowedFrame::BulkString));
}

/// The same with any number of arguments.
pub(super) fn command_of<'a>(out: &mut BytesMut, args: impl Iterator<Item = &'a [u8]>) {
    encode(out, &args.map(BorrowedFrame::BulkString).collect::<Vec<_>>());
}

fn encode(out: &mut BytesMut, args: &[BorrowedFrame<'_>]) {
    // It makes the room that it needs.
    let _ = extend_encode_borrowed(out, &BorrowedFrame::Array(args), false);
}
