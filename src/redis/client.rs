//! The configuration of the client: how it logs in and encrypts, wherever the server is.

use fred::types::config::{Config, TlsConfig, TlsConnector, TlsHostMapping};

use super::tls;
use crate::error::Error;
use crate::options::{self, Secret};

/// The client's configuration, except for the server.
///
/// # Errors
/// The files for TLS cannot be used.
pub(super) fn config(server: &options::Server) -> Result<Config, Error> {
    let tls = server.tls.as_ref().map(tls::config).transpose()?;
    let tls = tls.map(|config| TlsConfig {
        connector: TlsConnector::from(config),
        hostnames: TlsHostMapping::None,
    });
    Ok(Config {
        fail_fast: true,
        username: server.username.clone(),
        password: server.password.as_ref().map(exposed),
        database: (server.database != 0).then_some(server.database),
        tls,
        ..Config::default()
    })
}

/// The text of a secret, for the client alone.
pub(super) fn exposed(secret: &Secret) -> String {
    secret.expose().clone()
}
