//! One rustls `ClientConfig`, made here and handed to every client of a connection alike (design § 5).
//!
//! Refuses: switching verification off. A connection is trusted by the platform's roots, by its own CA file, or by the
//! SHA-256 of the one certificate it must show.

use std::fmt;
use std::sync::{Arc, OnceLock};

use kopi_model::wire::ErrorCode;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error, OtherError, RootCertStore, SignatureScheme,
};
use sha2::{Digest, Sha256};

use crate::{FeedError, TlsSettings};

/// Makes ring the process's provider. First thing in every `main` and in tests; again does nothing.
pub fn install_provider() {
    // An error says only that there is one already.
    let _ = rustls::crypto::ring::default_provider().install_default();
}

/// The configuration for a connection. Connections without settings of their own share one, since platform roots take
/// some milliseconds and a quarter of a megabyte to read.
///
/// # Errors
/// The CA file cannot be read or holds no certificate; the fingerprint is none.
pub fn client_config(settings: &TlsSettings) -> Result<Arc<ClientConfig>, FeedError> {
    static PLAIN: OnceLock<Arc<ClientConfig>> = OnceLock::new();
    if *settings == TlsSettings::default() {
        if let Some(config) = PLAIN.get() {
            return Ok(config.clone());
        }
        let config = build(settings)?;
        return Ok(PLAIN.get_or_init(|| config).clone());
    }
    build(settings)
}

/// SHA-256 of a certificate (DER), lower-case hex in pairs: `ab:cd:…`.
pub fn fingerprint(certificate: &[u8]) -> String {
    let digest = Sha256::digest(certificate);
    let pairs: Vec<String> = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    pairs.join(":")
}

/// What the server showed and why it was refused; found again in the chain of an error by `why`.
#[derive(Clone, Debug)]
pub struct CertificateFault {
    /// What is wrong with it; none when only the pinned fingerprint differs.
    pub cause: Option<CertificateError>,
    /// SHA-256 of the certificate that was shown.
    pub fingerprint: String,
}

impl fmt::Display for CertificateFault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.cause {
            Some(cause) => write!(formatter, "certificate refused: {cause}"),
            None => write!(formatter, "certificate has another fingerprint"),
        }
    }
}

impl std::error::Error for CertificateFault {}

fn build(settings: &TlsSettings) -> Result<Arc<ClientConfig>, FeedError> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let verifier: Arc<dyn ServerCertVerifier> = match &settings.fingerprint {
        Some(text) => Arc::new(Pinned {
            wanted: read_fingerprint(text)?,
            provider: provider.clone(),
        }),
        None => Arc::new(Explaining(roots(settings, &provider)?)),
    };
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| FeedError::new(ErrorCode::Tls, "set up TLS", error.to_string()))?
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_no_client_auth();
    Ok(Arc::new(config))
}

fn roots(settings: &TlsSettings, provider: &Arc<CryptoProvider>) -> Result<Arc<dyn ServerCertVerifier>, FeedError> {
    let own = match &settings.ca_file {
        Some(path) => read_ca_file(path)?,
        None => Vec::new(),
    };
    let platform = rustls_platform_verifier::Verifier::new_with_extra_roots(own.clone(), provider.clone());
    if let Ok(verifier) = platform {
        return Ok(Arc::new(verifier));
    }
    // A machine without any root (a bare container): every certificate is then of an unknown issuer, and said to be.
    let mut store = RootCertStore::empty();
    store.add_parsable_certificates(own);
    if store.is_empty() {
        return Ok(Arc::new(NoRoots(provider.clone())));
    }
    let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(store), provider.clone())
        .build()
        .map_err(|error| FeedError::new(ErrorCode::Tls, "set up TLS", error.to_string()))?;
    Ok(verifier)
}

fn read_ca_file(path: &std::path::Path) -> Result<Vec<CertificateDer<'static>>, FeedError> {
    let attempt = format!("read ca_file {}", path.display());
    let failed = |what: String| {
        FeedError::new(ErrorCode::Config, attempt.clone(), what)
            .hint("ca_file names a PEM file with the certificate of the authority that signed the server's")
    };
    let bytes = std::fs::read(path).map_err(|error| failed(error.to_string().to_lowercase()))?;
    let certificates: Vec<_> = CertificateDer::pem_slice_iter(&bytes)
        .collect::<Result<_, _>>()
        .map_err(|error| failed(error.to_string()))?;
    if certificates.is_empty() {
        return Err(failed("no certificate in it".into()));
    }
    Ok(certificates)
}

fn read_fingerprint(text: &str) -> Result<String, FeedError> {
    let lower = text.trim().to_ascii_lowercase();
    let bare = lower
        .strip_prefix("sha256:")
        .or(lower.strip_prefix("sha256 "))
        .unwrap_or(&lower);
    let hex: String = bare.chars().filter(|char| !matches!(char, ':' | ' ' | '-')).collect();
    if hex.len() != 64 || !hex.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(FeedError::new(
            ErrorCode::Config,
            "read fingerprint",
            "not a SHA-256 (64 hex digits, colons allowed)",
        )
        .hint("openssl x509 -noout -fingerprint -sha256 -in server.pem"));
    }
    Ok(hex)
}

/// The platform's verdict, with the certificate's fingerprint added when it is a no.
#[derive(Debug)]
struct Explaining(Arc<dyn ServerCertVerifier>);

impl ServerCertVerifier for Explaining {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        self.0
            .verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)
            .map_err(|error| match error {
                Error::InvalidCertificate(cause) => refuse(Some(cause), end_entity),
                other => other,
            })
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.0.verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.0.verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_verify_schemes()
    }
}

/// Accepts one certificate and no other, whoever signed it, whatever name and dates it bears.
#[derive(Debug)]
struct Pinned {
    wanted: String,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Pinned {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        if fingerprint(end_entity).replace(':', "") == self.wanted {
            return Ok(ServerCertVerified::assertion());
        }
        Err(refuse(None, end_entity))
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(
            message,
            certificate,
            signature,
            &self.provider.signature_verification_algorithms,
        )
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(
            message,
            certificate,
            signature,
            &self.provider.signature_verification_algorithms,
        )
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

/// Trusts nobody: there are no roots.
#[derive(Debug)]
struct NoRoots(Arc<CryptoProvider>);

impl ServerCertVerifier for NoRoots {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Err(Error::InvalidCertificate(CertificateError::UnknownIssuer))
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(Error::InvalidCertificate(CertificateError::UnknownIssuer))
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(Error::InvalidCertificate(CertificateError::UnknownIssuer))
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

fn refuse(cause: Option<CertificateError>, certificate: &CertificateDer<'_>) -> Error {
    Error::InvalidCertificate(CertificateError::Other(OtherError(Arc::new(CertificateFault {
        cause,
        fingerprint: fingerprint(certificate),
    }))))
}
