//! Why the server cannot be used, for the operator.

/// A reason why the server cannot be used at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// Nobody listens at that port.
    Refused,
    /// The name of the host has no address.
    NameNotFound,
    /// No answer came in time.
    TimedOut,
    /// There is no way to the host.
    NoRoute,
    /// There is no such socket on this machine.
    NoSocket,
    /// The connection was closed.
    Closed,
    /// TLS is spoken here, but not by the server.
    TlsUnexpected,
    /// The server speaks TLS, but not this process.
    TlsExpected,
    /// The certificate is signed by an authority that is not trusted here.
    UnknownIssuer,
    /// The certificate is for another name.
    WrongName,
    /// The certificate has expired, or is not valid yet.
    Expired,
    /// The certificate is refused for another reason.
    Certificate,
    /// The server refuses the certificate of this process, or wants one.
    ClientCertificate,
    /// The server refuses user or password.
    Login,
    /// The server wants a login, and none is given.
    LoginMissing,
    /// A password is given, and the server has none.
    LoginUnexpected,
    /// The server has no database of this number.
    Database,
    /// The server is a replica that takes no writes.
    Replica,
    /// The server loads its data.
    Loading,
    /// The server takes no more connections.
    TooManyClients,
    /// The Sentinels agree on no primary.
    NoPrimary,
    /// The server is no node of a cluster, or not all slots are served.
    Cluster,
}

impl Trouble {
    /// All of them.
    #[cfg(test)]
    pub const ALL: [Self; 22] = [
        Self::Refused,
        Self::NameNotFound,
        Self::TimedOut,
        Self::NoRoute,
        Self::NoSocket,
        Self::Closed,
        Self::TlsUnexpected,
        Self::TlsExpected,
        Self::UnknownIssuer,
        Self::WrongName,
        Self::Expired,
        Self::Certificate,
        Self::ClientCertificate,
        Self::Login,
        Self::LoginMissing,
        Self::LoginUnexpected,
        Self::Database,
        Self::Replica,
        Self::Loading,
        Self::TooManyClients,
        Self::NoPrimary,
        Self::Cluster,
    ];

    /// Whether the server refuses the login: no later attempt goes better.
    pub fn is_of_login(self) -> bool {
        matches!(self, Self::Login | Self::LoginMissing | Self::LoginUnexpected)
    }

    /// Its name for programs, such as `unknown-issuer`.
    pub fn as_str(self) -> &'static str {
        self.row().0
    }

    /// In words.
    pub fn words(self) -> &'static str {
        self.row().1
    }

    /// What to do about it.
    #[cfg(test)]
    pub fn cure(self) -> &'static str {
        self.row().2
    }

    #[expect(clippy::too_many_lines, reason = "a table")]
    fn row(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Self::Refused => (
                "refused",
                "connection refused",
                "Does the server run there, and is the port right? In a container, `localhost` is the container itself.",
            ),
            Self::NameNotFound => (
                "name-not-found",
                "its name is not found",
                "Check the host, and the DNS of the network that this process is in.",
            ),
            Self::TimedOut => (
                "timed-out",
                "no answer in time",
                "Check host, port and firewall; if the server is far away or slow, raise `connectTimeoutMs`.",
            ),
            Self::NoRoute => (
                "no-route",
                "there is no way to its network",
                "Check the address and the network that this process is in.",
            ),
            Self::NoSocket => (
                "no-socket",
                "there is no such socket",
                "Check the path, and that this process may use the socket.",
            ),
            Self::Closed => (
                "closed",
                "it closes the connection",
                "See the log of the server: it may be shutting down, or protect itself (`protected-mode`).",
            ),
            Self::TlsUnexpected => (
                "tls-unexpected",
                "it does not speak TLS on this port",
                "Use `redis://` instead of `rediss://`, or the port with TLS.",
            ),
            Self::TlsExpected => (
                "tls-expected",
                "it speaks TLS only on this port",
                "Use `rediss://` instead of `redis://`, or the port without TLS.",
            ),
            Self::UnknownIssuer => (
                "unknown-issuer",
                "its certificate is signed by an authority that is not trusted here",
                "Name the authority in `redisTlsCaFile` or `NODE_EXTRA_CA_CERTS`.",
            ),
            Self::WrongName => (
                "wrong-name",
                "its certificate is for another name",
                "Use the name that the certificate has, or set `redisTlsServerName`.",
            ),
            Self::Expired => (
                "expired",
                "its certificate has expired or is not valid yet",
                "Renew the certificate; check the clocks.",
            ),
            Self::Certificate => (
                "certificate",
                "its certificate is not accepted",
                "Check the certificate with `openssl s_client -connect host:port`.",
            ),
            Self::ClientCertificate => (
                "client-certificate",
                "it wants a certificate of this process, or refuses it",
                "Set `redisTlsCertFile` and `redisTlsKeyFile`.",
            ),
            Self::Login => (
                "login",
                "it refuses the login: check the user and the password",
                "Check both; percent-encode special characters of the password in the URL, or set `TIERCEL_REDIS_PASSWORD`.",
            ),
            Self::LoginMissing => (
                "login-missing",
                "it refuses the login: a password is needed, and none is given",
                "Add it to the URL, or set `TIERCEL_REDIS_PASSWORD`.",
            ),
            Self::LoginUnexpected => (
                "login-unexpected",
                "it refuses the login: a password is given, and the server has none",
                "Remove the password, or set one on the server.",
            ),
            Self::Database => (
                "database",
                "it has no database of this number",
                "Use a smaller number; many services only have database 0.",
            ),
            Self::Replica => (
                "replica",
                "it is a read-only replica",
                "Name the primary, or use `redis+sentinel://`.",
            ),
            Self::Loading => ("loading", "it is loading its data", "Wait; it ends by itself."),
            Self::TooManyClients => (
                "too-many-clients",
                "it takes no more connections",
                "Raise `maxclients` of the server, or run fewer processes: each has four connections, and two more once it uses `tiercel/app`.",
            ),
            Self::NoPrimary => (
                "no-primary",
                "the Sentinels agree on no primary",
                "Check the name of the primary, and that most Sentinels can be reached.",
            ),
            Self::Cluster => (
                "cluster",
                "the cluster does not serve all of its slots, or it is none",
                "Check `CLUSTER INFO`; without a cluster, use `redis://`.",
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::generated::{between, check};

    #[test]
    fn the_table_of_reasons_follows_the_code() {
        let row =
            |one: Trouble| format!("| `{}` | {} | {} |\n", one.as_str(), one.words(), one.cure());
        let rows: String = Trouble::ALL.into_iter().map(row).collect();
        let table = format!("\n| Code | Message | What to do |\n| --- | --- | --- |\n{rows}\n");
        let page = std::fs::read_to_string("docs/troubleshooting.md").unwrap();
        let page = between(&page, "<!-- reasons -->\n", "<!-- end -->\n", &table);
        check("docs/troubleshooting.md", &page);
    }
}
