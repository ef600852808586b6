//! The errors are those that hyper and rustls make.

use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::server::WebPkiClientVerifier;
use rustls::{ClientConfig, RootCertStore, ServerConfig};

use super::*;

/// An authority, by which certificates are signed here.
struct Authority(rcgen::CertifiedIssuer<'static, rcgen::KeyPair>);

type Identity = (CertificateDer<'static>, PrivateKeyDer<'static>);

impl Authority {
    fn new() -> Authority {
        let mut parameters = rcgen::CertificateParams::new(Vec::new()).expect("parameters");
        parameters.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let key = rcgen::KeyPair::generate().expect("a key");
        Authority(rcgen::CertifiedIssuer::self_signed(parameters, key).expect("an authority"))
    }

    /// Signs a certificate for these names, valid for these years.
    fn sign(&self, names: &[&str], years: (i32, i32)) -> Identity {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let mut parameters = rcgen::CertificateParams::new(names).expect("parameters");
        parameters.not_before = rcgen::date_time_ymd(years.0, 1, 1);
        parameters.not_after = rcgen::date_time_ymd(years.1, 1, 1);
        let key = rcgen::KeyPair::generate().expect("a key");
        let signed = parameters.signed_by(&key, &self.0).expect("a certificate");
        let key = PrivateKeyDer::try_from(key.serialize_der()).expect("a key");
        (signed.der().clone(), key)
    }

    fn roots(&self) -> Arc<RootCertStore> {
        let mut roots = RootCertStore::empty();
        roots.add(self.0.der().clone()).expect("an authority");
        Arc::new(roots)
    }
}

/// Shakes hands in memory, as a client that trusts `trusted` and asks for `nas.example`. Returns what the client fails with.
fn failed(server: Identity, trusted: &Authority, clients: Option<&Authority>) -> Option<Cause> {
    let builder = ServerConfig::builder();
    let builder = match clients {
        Some(authority) => {
            let verifier = WebPkiClientVerifier::builder(authority.roots()).build();
            builder.with_client_cert_verifier(verifier.expect("a verifier"))
        }
        None => builder.with_no_client_auth(),
    };
    let (certificate, key) = server;
    let config = builder
        .with_single_cert(vec![certificate], key)
        .expect("a server");
    let mut server = rustls::ServerConnection::new(Arc::new(config)).expect("a server");
    let config = ClientConfig::builder()
        .with_root_certificates(trusted.roots())
        .with_no_client_auth();
    let name = ServerName::try_from("nas.example").expect("a name");
    let mut client = rustls::ClientConnection::new(Arc::new(config), name).expect("a client");
    for _ in 0..10 {
        let mut bytes = Vec::new();
        while client.wants_write() {
            client.write_tls(&mut bytes).expect("writes");
        }
        server.read_tls(&mut bytes.as_slice()).expect("reads");
        drop(server.process_new_packets());
        let mut bytes = Vec::new();
        while server.wants_write() {
            server.write_tls(&mut bytes).expect("writes");
        }
        client.read_tls(&mut bytes.as_slice()).expect("reads");
        if let Err(error) = client.process_new_packets() {
            // As tokio-rustls and hyper hand it on.
            let io = io::Error::new(io::ErrorKind::InvalidData, error);
            return Some(Cause::of(&kube::Error::Service(Box::new(io))));
        }
    }
    None
}

fn provider() {
    drop(rustls::crypto::ring::default_provider().install_default());
}

#[test]
fn certificates_are_told_apart_by_what_is_wrong_with_them() {
    provider();
    let (ours, other) = (Authority::new(), Authority::new());
    let valid = (2020, 2100);
    let name = ["nas.example"];
    assert_eq!(failed(ours.sign(&name, valid), &ours, None), None);
    let expected = Cause::OtherName {
        asked: "nas.example".to_owned(),
        names: vec!["home.example".to_owned(), "10.0.0.1".to_owned()],
    };
    let elsewhere = ours.sign(&["home.example", "10.0.0.1"], valid);
    assert_eq!(failed(elsewhere, &ours, None), Some(expected));
    let until = "2021-01-01T00:00:00Z".parse().ok();
    let expired = ours.sign(&name, (2020, 2021));
    assert_eq!(failed(expired, &ours, None), Some(Cause::Expired(until)));
    let from = "2099-01-01T00:00:00Z".parse().ok();
    let early = ours.sign(&name, (2099, 2100));
    assert_eq!(failed(early, &ours, None), Some(Cause::NotYetValid(from)));
    let foreign = other.sign(&name, valid);
    assert_eq!(failed(foreign, &ours, None), Some(Cause::OtherAuthority));
    let wants = failed(ours.sign(&name, valid), &ours, Some(&other));
    assert_eq!(wants, Some(Cause::OurCertificate));
}

/// Returns why a request to an address fails.
async fn asked(url: &str) -> Cause {
    use hyper_util::client::legacy::{Client, connect::HttpConnector};
    let client: Client<HttpConnector, String> =
        Client::builder(hyper_util::rt::TokioExecutor::new()).build_http();
    let sent = client.get(url.parse().expect("a URL")).await;
    Cause::of(&kube::Error::Service(Box::new(
        sent.expect_err("nothing is there"),
    )))
}

#[tokio::test]
async fn name_that_does_not_resolve_is_told_from_a_port_where_nobody_listens() {
    assert_eq!(asked("http://cluster.invalid/").await, Cause::Name);
    assert_eq!(asked("http://127.0.0.1:1/").await, Cause::Refused);
}

#[tokio::test]
async fn server_that_hangs_up_is_told_from_one_that_is_silent() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a port");
    let url = format!("http://{}/", listener.local_addr().expect("an address"));
    let hang_up = async { drop(listener.accept().await) };
    let (cause, ()) = tokio::join!(asked(&url), hang_up);
    assert!(!cause.is_lasting(), "{cause:?}");
    let elapsed = tokio::time::timeout(Duration::ZERO, std::future::pending::<()>()).await;
    let io = io::Error::new(io::ErrorKind::TimedOut, elapsed.expect_err("it never ends"));
    assert_eq!(Cause::of(&io), Cause::Silent);
}

#[test]
fn what_speaks_no_tls_is_told() {
    provider();
    let config = ClientConfig::builder()
        .with_root_certificates(Authority::new().roots())
        .with_no_client_auth();
    let name = ServerName::try_from("nas.example").expect("a name");
    let mut client = rustls::ClientConnection::new(Arc::new(config), name).expect("a client");
    let answer = b"HTTP/1.1 400 Bad Request\r\n\r\n";
    client.read_tls(&mut answer.as_slice()).expect("reads");
    let error = client.process_new_packets().expect_err("no TLS");
    assert_eq!(Cause::of(&error), Cause::NotTls);
}
