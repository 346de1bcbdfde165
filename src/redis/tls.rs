//! Encrypted connections: who is trusted, and how this process proves itself.

use std::sync::Arc;

use fred::rustls::client::WebPkiServerVerifier;
use fred::rustls::client::danger::{
    HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier,
};
use fred::rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use fred::rustls::pki_types::pem::PemObject;
use fred::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use fred::rustls::{
    ClientConfig, DigitallySignedStruct, Error as TlsError, RootCertStore, SignatureScheme,
};

use crate::error::Error;
use crate::options::{ClientPem, Pem, Tls};

/// What connections are encrypted with.
///
/// # Errors
/// A file that is not what it should be.
pub(super) fn config(tls: &Tls) -> Result<ClientConfig, Error> {
    let provider = Arc::new(ring::default_provider());
    let verifier = verifier(tls, &provider)?;
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

fn verifier(
    tls: &Tls,
    provider: &Arc<CryptoProvider>,
) -> Result<Arc<dyn ServerCertVerifier>, Error> {
    if !tls.verify {
        return Ok(Arc::new(Anyone(provider.clone())));
    }
    let roots = Arc::new(roots(tls)?);
    let verifier = WebPkiServerVerifier::builder_with_provider(roots, provider.clone())
        .build()
        .map_err(|_| option("redisTlsCaFile", "given where the machine trusts nobody", "not"))?;
    let Some(name) = &tls.server_name else { return Ok(verifier) };
    let name = ServerName::try_from(name.clone())
        .map_err(|_| option("redisTlsServerName", "a host name", "none"))?;
    Ok(Arc::new(Named { name, verifier }))
}

/// The own authority alone, if one is given; else those of the machine.
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

/// Looks for one name in the certificates of all servers, whatever they are reached by: sentinels
/// and clusters give out addresses.
#[derive(Debug)]
struct Named {
    name: ServerName<'static>,
    verifier: Arc<WebPkiServerVerifier>,
}

impl ServerCertVerifier for Named {
    fn verify_server_cert(
        &self,
        leaf: &CertificateDer<'_>,
        chain: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, TlsError> {
        self.verifier.verify_server_cert(leaf, chain, &self.name, ocsp, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        self.verifier.verify_tls12_signature(message, leaf, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        self.verifier.verify_tls13_signature(message, leaf, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.verifier.supported_verify_schemes()
    }
}

/// Trusts whoever answers, because the user said so. What is sent is still encrypted.
#[derive(Debug)]
struct Anyone(Arc<CryptoProvider>);

impl ServerCertVerifier for Anyone {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, TlsError> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        verify_tls12_signature(message, leaf, signed, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        verify_tls13_signature(message, leaf, signed, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
