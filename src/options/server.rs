//! The server of the shared tier and its login: from the URL, and from the options that override
//! it.

use std::fmt;
use std::path::PathBuf;

use serde_json::Value;

use super::secret::Secret;
use super::sources::{Given, Sources};
use super::spec::{
    CLUSTER, DATABASE, PASSWORD, PLATFORM_URL, SENTINEL_NAME, SENTINEL_PASSWORD, SENTINEL_USERNAME,
    TLS, URL_ALLOWED, USERNAME,
};
use super::tls::{Details, Tls};
use super::url::{self, Flaw, Form, Parts, Url};
use crate::error::Error;

/// The server and its login.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Server {
    /// How connections reach it.
    pub topology: Topology,
    /// The encryption of connections, if there is any.
    pub tls: Option<Tls>,
    /// The user of the access list; never without a password.
    pub username: Option<String>,
    /// The password.
    pub password: Option<Secret>,
    /// The numbered database; 0 in a cluster.
    pub database: u8,
}

/// How connections reach the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Topology {
    /// One server.
    Single(HostPort),
    /// One server, through a socket of this machine.
    Unix(PathBuf),
    /// Sentinels, which know the primary.
    Sentinel {
        /// At least one of them.
        hosts: Vec<HostPort>,
        /// Their name for the primary.
        primary: String,
        /// Their own user, never without a password; the server's login does not apply to them.
        username: Option<String>,
        /// Their own password.
        password: Option<Secret>,
    },
    /// A cluster.
    Cluster {
        /// At least one of its servers, which knows the rest.
        hosts: Vec<HostPort>,
    },
}

/// A name or an address, and a port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostPort {
    /// An IPv6 address has no brackets here.
    pub name: String,
    /// From 1.
    pub port: u16,
}

impl Topology {
    /// The first host, if it is not a socket.
    pub fn first(&self) -> Option<&HostPort> {
        match self {
            Self::Single(host) => Some(host),
            Self::Unix(_) => None,
            Self::Sentinel { hosts, .. } | Self::Cluster { hosts } => hosts.first(),
        }
    }
}

impl fmt::Display for HostPort {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        let Self { name, port } = self;
        if name.contains(':') {
            write!(out, "[{name}]:{port}")
        } else {
            write!(out, "{name}:{port}")
        }
    }
}

impl Server {
    /// The place, in words without a secret: `redis host:6379/0`, `unix /path`,
    /// `sentinel mymaster`, `cluster host:6379 (+2)`.
    pub fn place(&self) -> String {
        match &self.topology {
            Topology::Single(host) => format!("redis {host}/{}", self.database),
            Topology::Unix(path) => format!("unix {}", path.display()),
            Topology::Sentinel { primary, .. } => format!("sentinel {primary}"),
            Topology::Cluster { hosts } => match hosts.as_slice() {
                [] => "cluster".into(),
                [only] => format!("cluster {only}"),
                [first, others @ ..] => format!("cluster {first} (+{})", others.len()),
            },
        }
    }

    /// The server of the URL, overridden by the explicit options; `none` means no server.
    ///
    /// # Errors
    /// A flaw of the URL, a forbidden value, or two that contradict each other.
    pub(super) fn resolve(read: &Sources) -> Result<Option<Self>, Error> {
        // Read even without a URL: a mistake shows where it is made, not first in production.
        let explicit = Explicit::read(read)?;
        let Some(url) = read.url()? else { return Ok(None) };
        if url.value.trim().eq_ignore_ascii_case("none") {
            return Ok(None);
        }
        let Url { form, parts } = url::parse(url.value).map_err(|flaw| flawed(&url, &flaw))?;
        let draft = Draft { url, parts: explicit.over(parts), explicit };
        let topology = draft.topology(form)?;
        let database = draft.database(&topology)?;
        let (username, password) = draft.login()?;
        let tls = draft.tls(&topology)?;
        Ok(Some(Self { topology, tls, username, password, database }))
    }
}

/// The variables, without those of a login if this URL has a login of its own.
pub fn without_login(env: &Value, url: &str) -> Value {
    let mut env = env.clone();
    let has_login = |Url { parts, .. }: Url| parts.username.is_some() || parts.password.is_some();
    if url::parse(url).is_ok_and(has_login)
        && let Some(variables) = env.as_object_mut()
    {
        variables.retain(|name, _| ![USERNAME.names.env, PASSWORD.names.env].contains(&&**name));
    }
    env
}

/// The options that override the URL.
struct Explicit<'a> {
    username: Option<Given<&'a str>>,
    password: Option<Given<&'a str>>,
    database: Option<Given<u64>>,
    tls: Option<Given<bool>>,
    tls_details: Details<'a>,
    primary: Option<Given<&'a str>>,
    sentinel_username: Option<Given<&'a str>>,
    sentinel_password: Option<Given<&'a str>>,
    cluster: Option<Given<bool>>,
}

impl<'a> Explicit<'a> {
    fn read(read: &Sources<'a>) -> Result<Self, Error> {
        Ok(Self {
            username: read.text(&USERNAME)?,
            password: read.text(&PASSWORD)?,
            database: read.given_number(&DATABASE)?,
            tls: read.given_flag(&TLS)?,
            tls_details: Details::read(read)?,
            primary: read.text(&SENTINEL_NAME)?,
            sentinel_username: read.text(&SENTINEL_USERNAME)?,
            sentinel_password: read.text(&SENTINEL_PASSWORD)?,
            cluster: read.given_flag(&CLUSTER)?,
        })
    }

    /// The parts of the URL, overridden by these options.
    fn over(&self, url: Parts) -> Parts {
        let text = |given: Option<Given<&str>>| given.map(|given| given.value.to_owned());
        let secret = |given: Option<Given<&str>>| text(given).map(Secret::new);
        Parts {
            username: text(self.username).or(url.username),
            password: secret(self.password).or(url.password),
            database: self.database.map(|given| given.value as u8).or(url.database),
            tls: self.tls.map(|given| given.value).or(url.tls),
            primary: text(self.primary).or(url.primary),
            sentinel_username: text(self.sentinel_username).or(url.sentinel_username),
            sentinel_password: secret(self.sentinel_password).or(url.sentinel_password),
        }
    }
}

/// A server whose parts are known, but not yet whether they go together.
struct Draft<'a> {
    url: Given<&'a str>,
    explicit: Explicit<'a>,
    parts: Parts,
}

impl Draft<'_> {
    fn topology(&self, form: Form) -> Result<Topology, Error> {
        let Explicit { cluster, primary, sentinel_username, sentinel_password, .. } = self.explicit;
        let for_sentinel = primary.or(sentinel_username).or(sentinel_password);
        match (form, cluster, for_sentinel) {
            (Form::Sentinel(_) | Form::Unix(_), Some(given), _) if given.value => {
                Err(given.needs("a redis:// URL"))
            }
            (Form::Cluster(_), Some(given), _) if !given.value => {
                Err(given.must_be("true with a redis+cluster:// URL", "false"))
            }
            (Form::Sentinel(hosts), ..) => self.sentinel(hosts),
            (_, _, Some(given)) => Err(given.needs("a redis+sentinel:// URL")),
            (Form::Unix(path), ..) => Ok(Topology::Unix(path)),
            (Form::Cluster(hosts), ..) => Ok(Topology::Cluster { hosts }),
            (Form::Plain(hosts), Some(given), _) if given.value => Ok(Topology::Cluster { hosts }),
            (Form::Plain(hosts), ..) => match <[HostPort; 1]>::try_from(hosts) {
                Ok([host]) => Ok(Topology::Single(host)),
                Err(_) => Err(self.flawed(&Flaw::SeveralHosts)),
            },
        }
    }

    fn sentinel(&self, hosts: Vec<HostPort>) -> Result<Topology, Error> {
        let Parts { primary, sentinel_username, sentinel_password, .. } = &self.parts;
        let primary = primary.clone().ok_or_else(|| self.flawed(&Flaw::NoPrimary))?;
        let login = login(sentinel_username.as_deref(), sentinel_password.as_ref());
        let (username, password) =
            login.ok_or_else(|| self.no_password(self.explicit.sentinel_username))?;
        Ok(Topology::Sentinel { hosts, primary, username, password })
    }

    fn login(&self) -> Result<(Option<String>, Option<Secret>), Error> {
        let Parts { username, password, .. } = &self.parts;
        let login = login(username.as_deref(), password.as_ref());
        login.ok_or_else(|| self.no_password(self.explicit.username))
    }

    fn database(&self, topology: &Topology) -> Result<u8, Error> {
        let database = self.parts.database.unwrap_or(0);
        match (topology, self.explicit.database) {
            (Topology::Cluster { .. }, Some(given)) if database != 0 => {
                Err(given.must_be("0 in a cluster", "not"))
            }
            (Topology::Cluster { .. }, None) if database != 0 => {
                Err(self.flawed(&Flaw::ClusterDatabase))
            }
            _ => Ok(database),
        }
    }

    fn tls(&self, topology: &Topology) -> Result<Option<Tls>, Error> {
        let is_tls = self.parts.tls.unwrap_or(false);
        match (topology, self.explicit.tls) {
            (Topology::Unix(_), Some(given)) if is_tls => Err(given.needs("a URL with a host")),
            (Topology::Unix(_), None) if is_tls => Err(self.flawed(&Flaw::UnixTls)),
            _ => self.explicit.tls_details.resolve(is_tls),
        }
    }

    fn flawed(&self, flaw: &Flaw) -> Error {
        flawed(&self.url, flaw)
    }

    /// The error for a user without a password, from the URL or an option.
    fn no_password(&self, username: Option<Given<&str>>) -> Error {
        username.map_or_else(|| self.flawed(&Flaw::NoPassword), |given| given.needs("a password"))
    }
}

fn flawed(url: &Given<&str>, flaw: &Flaw) -> Error {
    // The platform may have set that variable for another purpose.
    let way_out = if url.name == PLATFORM_URL { " (`TIERCEL_REDIS_URL` counts first)" } else { "" };
    url.must_be(&format!("{URL_ALLOWED}{way_out}"), &flaw.to_string())
}

/// User and password; `None` for a user without a password, except `default`.
fn login(
    username: Option<&str>,
    password: Option<&Secret>,
) -> Option<(Option<String>, Option<Secret>)> {
    match (username, password) {
        (None | Some("default"), None) => Some((None, None)),
        (Some(_), None) => None,
        (username, Some(password)) => Some((username.map(str::to_owned), Some(password.clone()))),
    }
}
