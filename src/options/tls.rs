//! Encryption of the connections to the server.

use std::fmt;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::sources::{Given, Sources};
use super::spec::{TLS_CA, TLS_CERT, TLS_KEY, TLS_SERVER_NAME, TLS_VERIFY};
use crate::error::Error;

/// Node's own variable: a file of authorities to trust in addition to the platform's.
pub(super) const EXTRA_CA: &str = "NODE_EXTRA_CA_CERTS";

/// Larger than any bundle of authorities.
const MOST_BYTES: u64 = 4 << 20;

/// How connections are encrypted, and which side is authenticated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tls {
    /// Authorities that may have signed the server's certificate; none = the platform's.
    pub ca: Option<Pem>,
    /// Authorities that Node.js trusts in addition to the platform's, if it could read them.
    pub extra: Option<Pem>,
    /// The certificate by which this process identifies itself.
    pub client: Option<ClientPem>,
    /// The name that the server's certificate must carry; none = the host's.
    pub server_name: Option<String>,
    /// Whether the certificate is checked at all. Default: true.
    pub verify: bool,
}

/// A certificate and its key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientPem {
    /// The chain, leaf first.
    pub certificate: Pem,
    /// The key of the leaf.
    pub key: Pem,
}

/// A file as it was read; it may not be PEM.
#[derive(Clone)]
pub struct Pem {
    /// The option or variable that names the file, for errors about its content.
    pub option: &'static str,
    path: PathBuf,
    bytes: Vec<u8>,
}

impl Pem {
    /// Its bytes. They may be those of a key.
    pub fn expose(&self) -> &[u8] {
        &self.bytes
    }

    fn read(given: Given<&str>) -> Result<Self, Error> {
        let path = PathBuf::from(given.value);
        let refused = |why: &str| given.must_be(TLS_CA.allowed, why);
        match read_file(&path) {
            Ok(None) => Err(refused("no file")),
            Ok(Some(bytes)) if bytes.is_empty() => Err(refused("an empty file")),
            Ok(Some(bytes)) if bytes.len() as u64 > MOST_BYTES => {
                Err(refused("a file above 4 MiB"))
            }
            Ok(Some(bytes)) => Ok(Self { option: given.name, path, bytes }),
            Err(error) => Err(refused(&format!("one that cannot be read: {}", error.kind()))),
        }
    }
}

/// The bytes of a file, up to one above the bound. Opening something else, such as a pipe, could
/// block for ever.
fn read_file(path: &Path) -> io::Result<Option<Vec<u8>>> {
    if !fs::metadata(path)?.is_file() {
        return Ok(None);
    }
    let mut bytes = Vec::new();
    File::open(path)?.take(MOST_BYTES + 1).read_to_end(&mut bytes)?;
    Ok(Some(bytes))
}

/// Equal if it is the same file: a certificate renewed in place does not change the options.
impl PartialEq for Pem {
    fn eq(&self, other: &Self) -> bool {
        self.path == other.path
    }
}

impl Eq for Pem {}

impl fmt::Debug for Pem {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        out.debug_struct("Pem").field("option", &self.option).finish_non_exhaustive()
    }
}

/// The options of TLS, whether connections use it or not.
pub(super) struct Details<'a> {
    ca: Option<Given<&'a str>>,
    certificate: Option<Given<&'a str>>,
    key: Option<Given<&'a str>>,
    server_name: Option<Given<&'a str>>,
    verify: Option<Given<bool>>,
    extra: Option<&'a str>,
}

impl<'a> Details<'a> {
    pub(super) fn read(read: &Sources<'a>) -> Result<Self, Error> {
        Ok(Self {
            ca: read.text(&TLS_CA)?,
            certificate: read.text(&TLS_CERT)?,
            key: read.text(&TLS_KEY)?,
            server_name: read.text(&TLS_SERVER_NAME)?,
            verify: read.given_flag(&TLS_VERIFY)?,
            extra: read.env.get(EXTRA_CA).and_then(|path| path.as_str()),
        })
    }

    /// Reads the files, if there is TLS. Without TLS these options are refused: a missing letter in
    /// the URL must not send a password in the clear.
    pub(super) fn resolve(&self, is_tls: bool) -> Result<Option<Tls>, Error> {
        let Self { ca, certificate, key, server_name, verify, extra } = *self;
        if !is_tls {
            let text = ca.or(certificate).or(key).or(server_name).map(|given| given.name);
            let flag = verify.filter(|given| !given.value).map(|given| given.name);
            return text.or(flag).map_or(Ok(None), |name| {
                Err(Given { name, value: () }.needs("TLS (rediss://, or `redisTls`)"))
            });
        }
        let client = match (certificate, key) {
            (Some(certificate), Some(key)) => {
                Some(ClientPem { certificate: Pem::read(certificate)?, key: Pem::read(key)? })
            }
            (Some(alone), None) => return Err(alone.needs("`redisTlsKeyFile`")),
            (None, Some(alone)) => return Err(alone.needs("`redisTlsCertFile`")),
            (None, None) => None,
        };
        Ok(Some(Tls {
            ca: ca.map(Pem::read).transpose()?,
            // Node.js itself warns of a file that it cannot read.
            extra: extra.and_then(|value| Pem::read(Given { name: EXTRA_CA, value }).ok()),
            client,
            server_name: server_name.map(|given| given.value.to_owned()),
            verify: verify.map_or(TLS_VERIFY.default, |given| given.value),
        }))
    }
}
