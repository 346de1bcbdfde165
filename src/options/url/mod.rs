//! URLs of Redis, in the spellings that clients of many languages accept.
//!
//! [`parse`] takes a URL apart: scheme, login, hosts, path, query (`query.rs`), fragment. No
//! general parser reads lists of hosts. An error is a [`Flaw`], which repeats no part of the URL.

mod flaw;
mod query;
#[cfg(test)]
mod tests;

use std::net::Ipv6Addr;
use std::path::PathBuf;

pub(super) use self::flaw::Flaw;
use super::secret::Secret;
use super::server::HostPort;

const PORT: u16 = 6_379;
const SENTINEL_PORT: u16 = 26_379;

/// A URL taken apart.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Url {
    pub(super) form: Form,
    pub(super) parts: Parts,
}

/// The servers that the scheme and the hosts name; there is at least one host.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Form {
    Plain(Vec<HostPort>),
    Unix(PathBuf),
    Sentinel(Vec<HostPort>),
    Cluster(Vec<HostPort>),
}

/// The other parts of a URL.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Parts {
    pub(super) username: Option<String>,
    pub(super) password: Option<Secret>,
    pub(super) database: Option<u8>,
    pub(super) tls: Option<bool>,
    /// The Sentinels' name for the primary.
    pub(super) primary: Option<String>,
    pub(super) sentinel_username: Option<String>,
    pub(super) sentinel_password: Option<Secret>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Shape {
    Plain,
    Unix,
    Sentinel,
    Cluster,
}

/// Takes a URL apart. Also accepts `host:port` and the path of a socket.
///
/// # Errors
/// The first flaw found.
pub(super) fn parse(text: &str) -> Result<Url, Flaw> {
    let text = text.trim();
    let (scheme, rest) = match text.split_once("://") {
        Some(split) => split,
        None if text.starts_with('/') => ("unix", text),
        None => ("redis", text),
    };
    if let "http" | "https" = scheme.to_ascii_lowercase().as_str() {
        return Err(web(rest));
    }
    let (shape, is_tls) = meaning(scheme)?;
    let (authority, tail) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    // The most likely reason is a password with a plain `/`, which ended the authority.
    if tail.contains('@') {
        return Err(Flaw::LateAt);
    }
    let (tail, fragment) = split(tail, '#');
    let (path, query) = split(tail, '?');
    let (login, hosts) = authority.rsplit_once('@').unwrap_or(("", authority));

    let mut parts = Parts { tls: is_tls.then_some(true), ..Parts::default() };
    parts.read_login(login)?;
    let form = form(shape, hosts, path)?;
    parts.read_path(shape, path)?;
    parts.read_fragment(shape, fragment)?;
    parts.read_query(query.unwrap_or_default())?;
    parts.fits(shape)?;
    Ok(Url { form, parts })
}

/// The flaw of a URL of the web. Only a host that can be no password is repeated.
fn web(rest: &str) -> Flaw {
    let host = rest.split(['/', '?', '#', ':']).next().unwrap_or_default();
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b".-".contains(&byte);
    if host.ends_with(".upstash.io") && host.bytes().all(is_name) && !rest.contains('@') {
        return Flaw::Upstash(host.into());
    }
    Flaw::Web
}

fn split(text: &str, at: char) -> (&str, Option<&str>) {
    text.split_once(at).map_or((text, None), |(before, after)| (before, Some(after)))
}

/// The meaning of a scheme, and whether it includes TLS.
fn meaning(scheme: &str) -> Result<(Shape, bool), Flaw> {
    let scheme = scheme.to_ascii_lowercase();
    let (base, shape) = match scheme.as_str() {
        "unix" | "sentinel" | "cluster" => ("redis", scheme.as_str()),
        other => other.split_once(['+', '-']).unwrap_or((other, "plain")),
    };
    let is_tls = match base {
        "redis" | "valkey" => false,
        "rediss" | "valkeys" => true,
        _ => return Err(Flaw::Scheme),
    };
    match shape {
        "plain" => Ok((Shape::Plain, is_tls)),
        "unix" | "socket" if !is_tls => Ok((Shape::Unix, false)),
        "sentinel" => Ok((Shape::Sentinel, is_tls)),
        "cluster" => Ok((Shape::Cluster, is_tls)),
        _ => Err(Flaw::Scheme),
    }
}

fn form(shape: Shape, hosts: &str, path: &str) -> Result<Form, Flaw> {
    let list = |port| hosts.split(',').map(|text| host(text, port)).collect::<Result<_, _>>();
    Ok(match shape {
        Shape::Plain => Form::Plain(list(PORT)?),
        Shape::Sentinel => Form::Sentinel(list(SENTINEL_PORT)?),
        Shape::Cluster => Form::Cluster(list(PORT)?),
        Shape::Unix if hosts.is_empty() && path.len() > 1 => Form::Unix(decode(path)?.into()),
        Shape::Unix => return Err(Flaw::Socket),
    })
}

fn host(text: &str, default_port: u16) -> Result<HostPort, Flaw> {
    let (name, port) = if let Some(bracketed) = text.strip_prefix('[') {
        let (address, after) = bracketed.split_once(']').ok_or(Flaw::Host)?;
        let _: Ipv6Addr = address.parse().map_err(|_| Flaw::Host)?;
        let port = after.strip_prefix(':');
        if port.is_none() && !after.is_empty() {
            return Err(Flaw::Host);
        }
        (address, port)
    } else if text.parse::<Ipv6Addr>().is_ok() {
        return Err(Flaw::Brackets);
    } else {
        let (name, port) = split(text, ':');
        if name.is_empty() {
            return Err(Flaw::NoHost);
        }
        if !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte)) {
            return Err(Flaw::Host);
        }
        (name, port)
    };
    let port = port.map_or(Some(default_port), |port| number(port).filter(|port| *port > 0));
    Ok(HostPort { name: name.into(), port: port.ok_or(Flaw::Port)? })
}

/// A number in digits only; `parse` alone would accept a sign.
fn number<T: std::str::FromStr>(text: &str) -> Option<T> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?
}

impl Parts {
    /// `user:password`, `user` or `:password`. The password may contain a colon, the user may not.
    fn read_login(&mut self, login: &str) -> Result<(), Flaw> {
        let (username, password) = split(login, ':');
        self.username = Some(decode(username)?).filter(|username| !username.is_empty());
        let password = decode(password.unwrap_or_default())?;
        self.password = (!password.is_empty()).then(|| Secret::new(password));
        Ok(())
    }

    /// `/database`, or for Sentinel `/name/database`, `/name` and `/database`.
    fn read_path(&mut self, shape: Shape, path: &str) -> Result<(), Flaw> {
        let path = path.strip_prefix('/').unwrap_or(path);
        let path = path.strip_suffix('/').unwrap_or(path);
        if path.is_empty() || shape == Shape::Unix {
            return Ok(());
        }
        let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        let (primary, database) = match path.split_once('/') {
            Some((primary, database)) => (Some(primary), Some(database)),
            None if is_number(path) => (None, Some(path)),
            None => (Some(path), None),
        };
        if primary.is_some() && shape != Shape::Sentinel {
            return Err(Flaw::Path);
        }
        self.primary = primary.map(decode).transpose()?;
        self.database = database.map(|text| number(text).ok_or(Flaw::Database)).transpose()?;
        Ok(())
    }

    /// Some clients name the primary in the fragment.
    fn read_fragment(&mut self, shape: Shape, fragment: Option<&str>) -> Result<(), Flaw> {
        match fragment {
            None | Some("") => Ok(()),
            Some(name) if shape == Shape::Sentinel => put(&mut self.primary, decode(name)?),
            Some(_) => Err(Flaw::Fragment),
        }
    }

    fn fits(&self, shape: Shape) -> Result<(), Flaw> {
        let has_login = self.sentinel_username.is_some() || self.sentinel_password.is_some();
        if shape != Shape::Sentinel && (self.primary.is_some() || has_login) {
            return Err(Flaw::NotSentinel);
        }
        Ok(())
    }
}

/// Fills an empty slot; a filled one accepts only the same value.
fn put<T: PartialEq>(slot: &mut Option<T>, value: T) -> Result<(), Flaw> {
    match slot {
        Some(said) if *said != value => Err(Flaw::Twice),
        _ => {
            *slot = Some(value);
            Ok(())
        }
    }
}

/// Decodes percent-encoded text. A `+` stays a plus: passwords have more of them than blanks.
fn decode(text: &str) -> Result<String, Flaw> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut pieces = text.split('%');
    bytes.extend_from_slice(pieces.next().unwrap_or_default().as_bytes());
    for piece in pieces {
        let (code, plain) = piece.split_at_checked(2).ok_or(Flaw::Percent)?;
        if !code.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(Flaw::Percent);
        }
        bytes.push(u8::from_str_radix(code, 16).map_err(|_| Flaw::Percent)?);
        bytes.extend_from_slice(plain.as_bytes());
    }
    let decoded = String::from_utf8(bytes).map_err(|_| Flaw::Percent)?;
    if decoded.chars().any(char::is_control) {
        return Err(Flaw::Percent);
    }
    Ok(decoded)
}
