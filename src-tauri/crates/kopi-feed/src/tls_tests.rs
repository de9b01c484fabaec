//! Certificates that are wrong in every usual way, shown by a real TLS server: the words say what and what helps.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use kopi_model::wire::ErrorCode;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, date_time_ymd};
use rustls::ServerConfig;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use url::Url;

use crate::{Auth, Client, ClientSettings, FeedError, Limits, TlsSettings, WsOptions, tls};

struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
}

fn authority() -> Authority {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().unwrap();
    let pem = params.self_signed(&key).unwrap().pem();
    Authority {
        issuer: Issuer::new(params, key),
        pem,
    }
}

/// A server's certificate for a name, until the end of a year.
fn certificate(
    authority: &Authority,
    name: &str,
    until_year: i32,
) -> (CertificateDer<'static>, PrivateKeyDer<'static>) {
    let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
    params.not_before = date_time_ymd(2015, 1, 1);
    params.not_after = date_time_ymd(until_year, 12, 31);
    let key = KeyPair::generate().unwrap();
    let signed = params.signed_by(&key, &authority.issuer).unwrap();
    (signed.der().clone(), PrivateKeyDer::Pkcs8(key.serialize_der().into()))
}

/// Answers `{}` to everything over TLS.
async fn serve((certificate, key): (CertificateDer<'static>, PrivateKeyDer<'static>)) -> SocketAddr {
    crate::install_provider();
    let config = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                let Ok(mut stream) = acceptor.accept(socket).await else {
                    return;
                };
                let _ = stream.read(&mut [0; 4096]).await;
                let _ = stream
                    .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}")
                    .await;
                let _ = stream.shutdown().await;
            });
        }
    });
    address
}

fn client(url: &str, tls: TlsSettings) -> Result<Client, FeedError> {
    let mut settings = ClientSettings::new(Url::parse(url).unwrap(), Auth::None);
    settings.limits = Limits {
        connect: Duration::from_secs(3),
        total: Duration::from_secs(3),
        ..Limits::default()
    };
    settings.tls = tls;
    Client::new(&settings)
}

async fn fails(url: &str, tls: TlsSettings) -> FeedError {
    let error = client(url, tls).unwrap().get("/").await.unwrap_err();
    assert_eq!(error.code, ErrorCode::Tls, "{error:?}");
    error
}

#[tokio::test]
async fn each_fault_of_a_certificate_is_named() {
    let authority = authority();
    let folder = tempfile::tempdir().unwrap();
    let ca_file = folder.path().join("ca.pem");
    std::fs::write(&ca_file, &authority.pem).unwrap();
    let trusting = || TlsSettings {
        ca_file: Some(ca_file.clone()),
        fingerprint: None,
    };

    let good = certificate(&authority, "localhost", 2090);
    let fingerprint = tls::fingerprint(&good.0);
    let url = format!("https://localhost:{}", serve(good).await.port());
    client(&url, trusting()).unwrap().get("/").await.unwrap();
    let error = client(&url, trusting())
        .unwrap()
        .websocket("/", WsOptions::default())
        .await
        .unwrap_err();
    assert_eq!(
        error.code,
        ErrorCode::UnexpectedAnswer,
        "past TLS, no socket: {error:?}"
    );

    let stranger = fails(&url, TlsSettings::default()).await;
    assert!(
        stranger.what.contains("signed by nobody this machine trusts"),
        "{stranger}"
    );
    assert!(stranger.hint.unwrap().contains(&fingerprint));

    let pinned = |fingerprint: String| TlsSettings {
        ca_file: None,
        fingerprint: Some(fingerprint),
    };
    client(&url, pinned(fingerprint.to_uppercase()))
        .unwrap()
        .get("/")
        .await
        .unwrap();
    let other = fails(&url, pinned("00".repeat(32))).await;
    assert!(
        other.what.contains("another certificate than the one pinned"),
        "{other}"
    );
    assert!(other.hint.unwrap().contains(&fingerprint));

    let expired = serve(certificate(&authority, "localhost", 2020)).await;
    let error = fails(&format!("https://localhost:{}", expired.port()), trusting()).await;
    assert!(error.what.contains("expired on 2020-12-31"), "{error}");

    let elsewhere = serve(certificate(&authority, "other.company.com", 2090)).await;
    let error = fails(&format!("https://localhost:{}", elsewhere.port()), trusting()).await;
    assert!(error.what.ends_with("is for other.company.com"), "{error}");
}

#[tokio::test]
async fn https_to_a_plain_port_and_unusable_settings_are_named() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            let _ = socket.write_all(b"HTTP/1.0 400 Bad Request\r\n\r\n").await;
        }
    });
    let error = fails(&format!("https://127.0.0.1:{port}"), TlsSettings::default()).await;
    assert!(error.what.contains("does not speak TLS"), "{error}");

    for tls in [
        TlsSettings {
            ca_file: Some("/no/such.pem".into()),
            fingerprint: None,
        },
        TlsSettings {
            ca_file: Some(file!().into()),
            fingerprint: None,
        },
        TlsSettings {
            ca_file: None,
            fingerprint: Some("abc".into()),
        },
    ] {
        let error = client("https://localhost", tls).unwrap_err();
        assert_eq!(error.code, ErrorCode::Config, "{error:?}");
        assert!(error.hint.is_some());
    }
    let error = client("https://no-such-host.invalid", TlsSettings::default())
        .unwrap()
        .get("/")
        .await
        .unwrap_err();
    assert_eq!(error.code, ErrorCode::Dns, "{error:?}");
}
