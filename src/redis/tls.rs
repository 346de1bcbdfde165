//! Encrypted connections: whom this process trusts, and how it identifies itself.

use std::sync::Arc;

use fred::rustls::client::WebPkiServerVerifier;
use fred::rustls::client::danger::{
    HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier,
};
use fred::rustls::crypto::{
    CryptoProvider, WebPkiSupportedAlgorithms, ring, verify_tls12_signature, verify_tls13_signature,
};
use fred::rustls::pki_types::pem::PemObject;
use fred::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use fred::rustls::{
    ClientConfig, DigitallySignedStruct, Error as TlsError, RootCertStore, SignatureScheme,
};

use crate::error::Error;
use crate::options::{ClientPem, Pem, Tls};

/// The TLS configuration of the client.
///
/// # Errors
/// A file cannot be used.
pub(super) fn config(tls: &Tls) -> Result<ClientConfig, Error> {
    let provider = Arc::new(ring::default_provider());
    let verifier = Arc::new(verifier(tls, &provider)?);
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|_| option("redisTls", "one this addon was built with", "without a version"))?
        .dangerous()
        .with_custom_certificate_verifier(verifier);
    let Some(ClientPem { certificate, key }) = &tls.client else {
        return Ok(builder.with_no_client_auth());
    };
    let chain = certificates(certificate)?;
    let secret = PrivateKeyDer::from_pem_slice(key.expose())
        .map_err(|_| refused(key, "a private key in PEM", "without one"))?;
    builder
        .with_client_auth_cert(chain, secret)
        .map_err(|_| refused(key, "the key of the certificate", "of another"))
}

fn verifier(tls: &Tls, provider: &Arc<CryptoProvider>) -> Result<Verifier, Error> {
    let authorities = if tls.verify { Some(authorities(tls, provider)?) } else { None };
    let name = tls.server_name.clone().map(ServerName::try_from).transpose();
    let name = name.map_err(|_| option("redisTlsServerName", "a host name", "none"))?;
    Ok(Verifier { authorities, name, signatures: provider.signature_verification_algorithms })
}

fn authorities(
    tls: &Tls,
    provider: &Arc<CryptoProvider>,
) -> Result<Arc<WebPkiServerVerifier>, Error> {
    let roots = Arc::new(roots(tls)?);
    WebPkiServerVerifier::builder_with_provider(roots, provider.clone())
        .build()
        .map_err(|_| option("redisTlsCaFile", "given where the machine trusts no authority", "not"))
}

/// Only the given authorities if there are any, else those of the machine and of Node.js.
fn roots(tls: &Tls) -> Result<RootCertStore, Error> {
    let mut roots = RootCertStore::empty();
    if let Some(ca) = &tls.ca {
        for certificate in certificates(ca)? {
            roots
                .add(certificate)
                .map_err(|_| refused(ca, "certificates in PEM", "one that cannot be read"))?;
        }
    } else {
        let found = fred::rustls_native_certs::load_native_certs();
        roots.add_parsable_certificates(found.certs);
        let extra = tls.extra.as_ref().and_then(|extra| certificates(extra).ok());
        roots.add_parsable_certificates(extra.unwrap_or_default());
    }
    Ok(roots)
}

fn certificates(pem: &Pem) -> Result<Vec<CertificateDer<'static>>, Error> {
    let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem.expose()).collect();
    let found = read.ok().filter(|found| !found.is_empty());
    found.ok_or_else(|| refused(pem, "certificates in PEM", "without one"))
}

fn refused(pem: &Pem, allowed: &str, given: &str) -> Error {
    option(pem.option, &format!("a file with {allowed}"), &format!("a file {given}"))
}

fn option(option: &str, allowed: &str, given: &str) -> Error {
    Error::InvalidOption { option: option.into(), allowed: allowed.into(), given: given.into() }
}

/// Decides whether the peer is the server.
#[derive(Debug)]
struct Verifier {
    /// None = any peer is trusted, because the operator said so. The connection is still encrypted.
    authorities: Option<Arc<WebPkiServerVerifier>>,
    /// The name that the certificates of all servers must carry, however they are reached:
    /// Sentinels and clusters give out addresses. None = the name used to reach the server.
    name: Option<ServerName<'static>>,
    signatures: WebPkiSupportedAlgorithms,
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        leaf: &CertificateDer<'_>,
        chain: &[CertificateDer<'_>],
        host: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, TlsError> {
        let Some(authorities) = &self.authorities else {
            return Ok(ServerCertVerified::assertion());
        };
        let name = self.name.as_ref().unwrap_or(host);
        authorities.verify_server_cert(leaf, chain, name, ocsp, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        verify_tls12_signature(message, leaf, signed, &self.signatures)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        verify_tls13_signature(message, leaf, signed, &self.signatures)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.signatures.supported_schemes()
    }
}
