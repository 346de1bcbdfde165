//! Which server, and how to reach it.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use crate::options::{self, Shared};

/// A server, the login, and what it may cost.
#[derive(Clone)]
pub struct Target {
    /// What is asked for a connection.
    pub topology: Topology,
    /// Set = connections are encrypted.
    pub tls: Option<Tls>,
    /// The user of the access list; never without a password.
    pub username: Option<String>,
    /// The password.
    pub password: Option<String>,
    /// The numbered database; 0 in a cluster.
    pub database: u8,
    /// What keeps apps that share a server apart. Without braces.
    pub namespace: String,
    /// How long a read or an exchange may take.
    pub command_timeout: Duration,
    /// How long opening a connection may take.
    pub connect_timeout: Duration,
    /// Bound of what waits to be written, in bytes.
    pub write_queue_bytes: usize,
    /// Rows of tags the server keeps.
    pub most_tags: usize,
}

/// What is asked for a connection.
#[derive(Clone)]
pub enum Topology {
    /// One server.
    Single(Host),
    /// One server, by a socket of this machine.
    Unix(PathBuf),
    /// Sentinels, which know the server that is the primary.
    Sentinel {
        /// At least one of them.
        hosts: Vec<Host>,
        /// What they call the primary.
        primary: String,
        /// Their own user, never without a password.
        username: Option<String>,
        /// Their own password.
        password: Option<String>,
    },
    /// A cluster.
    Cluster {
        /// At least one of its servers, which knows the others.
        hosts: Vec<Host>,
    },
}

/// A name or an address, and a port.
#[derive(Debug, Clone)]
pub struct Host {
    /// An IPv6 address has no brackets here.
    pub name: String,
    /// From 1.
    pub port: u16,
}

/// How connections are encrypted, and who proves what.
#[derive(Clone)]
pub struct Tls {
    /// Authorities that may have signed the server's certificate; none = the machine's.
    pub ca: Option<Pem>,
    /// The certificate of this process, leaf first, and the key of the leaf.
    pub client: Option<(Pem, Pem)>,
    /// The name the server's certificate must be for; none = the host's.
    pub server_name: Option<String>,
    /// Whether the certificate is looked at, at all.
    pub verify: bool,
}

/// What is in a file that should be PEM.
#[derive(Clone)]
pub struct Pem {
    /// The option that names the file.
    pub option: &'static str,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

/// Nothing of the login.
impl fmt::Debug for Target {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Target").field("namespace", &self.namespace).finish_non_exhaustive()
    }
}

impl Target {
    /// The server that options name.
    pub fn new(shared: &Shared, most_tags: usize) -> Self {
        let server = &shared.server;
        let host = |host: &options::Host| Host { name: host.name.clone(), port: host.port };
        let hosts = |all: &[options::Host]| all.iter().map(host).collect();
        let exposed = |secret: &options::Secret| secret.expose().clone();
        let pem = |pem: &options::Pem| Pem { option: pem.option, bytes: pem.expose().to_vec() };
        let client = |c: &options::ClientPem| (pem(&c.certificate), pem(&c.key));
        Self {
            topology: match &server.topology {
                options::Topology::Single(one) => Topology::Single(host(one)),
                options::Topology::Unix(path) => Topology::Unix(path.clone()),
                options::Topology::Cluster { hosts: all } => {
                    Topology::Cluster { hosts: hosts(all) }
                }
                options::Topology::Sentinel { hosts: all, primary, username, password } => {
                    Topology::Sentinel {
                        hosts: hosts(all),
                        primary: primary.clone(),
                        username: username.clone(),
                        password: password.as_ref().map(exposed),
                    }
                }
            },
            tls: server.tls.as_ref().map(|tls| Tls {
                ca: tls.ca.as_ref().map(pem),
                client: tls.client.as_ref().map(client),
                server_name: tls.server_name.clone(),
                verify: tls.verify,
            }),
            username: server.username.clone(),
            password: server.password.as_ref().map(exposed),
            database: server.database,
            namespace: shared.namespace.clone().unwrap_or_default(),
            command_timeout: shared.command_timeout,
            connect_timeout: shared.connect_timeout,
            write_queue_bytes: shared.write_queue_bytes,
            most_tags,
        }
    }
}
