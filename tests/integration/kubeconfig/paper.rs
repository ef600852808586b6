//! Certificates and keys of all kinds, made anew for each run of the tests.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rcgen::{
    BasicConstraints, Certificate, CertificateParams, CertifiedIssuer, DnType,
    ExtendedKeyUsagePurpose, IsCa, KeyPair, date_time_ymd,
};
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use tokio_rustls::TlsAcceptor;

/// The names of a usual server.
const NAMES: [&str; 3] = ["localhost", "127.0.0.1", "cluster.test"];

/// Everything that rows refer to.
pub(super) struct Papers {
    authority: CertifiedIssuer<'static, KeyPair>,
    stranger: CertifiedIssuer<'static, KeyPair>,
    /// A server's certificate that the stranger signed.
    leaf: (Certificate, KeyPair),
    /// An authority that is a server itself.
    own: (Certificate, KeyPair),
    /// A server's certificate that the stranger signed once.
    old: (Certificate, KeyPair),
    client: (Certificate, KeyPair),
}

impl Papers {
    pub(super) fn new() -> Papers {
        let (authority, stranger) = (issuer("authority"), issuer("stranger"));
        let leaf = server(&NAMES, &stranger, |_| {});
        let old = server(&NAMES, &stranger, |wanted| {
            wanted.not_after = date_time_ymd(2020, 1, 1);
        });
        let key = KeyPair::generate().expect("a key");
        let mut wanted = names(&NAMES);
        wanted.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let own = (wanted.self_signed(&key).expect("a certificate"), key);
        let key = KeyPair::generate().expect("a key");
        let client = (
            client_wish()
                .signed_by(&key, &authority)
                .expect("a certificate"),
            key,
        );
        Papers {
            authority,
            stranger,
            leaf,
            own,
            old,
            client,
        }
    }

    /// A usual server, which also knows client certificates.
    pub(super) fn usual(&self) -> TlsAcceptor {
        self.acceptor(&server(&NAMES, &self.authority, |_| {}))
    }

    /// A server that does not want to see certificates.
    pub(super) fn unasking(&self) -> TlsAcceptor {
        let (certificate, key) = server(&NAMES, &self.authority, |_| {});
        unasking(&certificate.pem(), &key.serialize_pem())
    }

    /// A server that an authority on P-521 vouches for.
    pub(super) fn p521(&self) -> TlsAcceptor {
        let certificate = include_str!("keys/p521-server.crt");
        unasking(certificate, include_str!("keys/ec-pkcs8.key"))
    }

    /// A server of another name.
    pub(super) fn misnamed(&self) -> TlsAcceptor {
        self.acceptor(&server(&["nas.example"], &self.authority, |_| {}))
    }

    /// A server whose certificate has expired.
    pub(super) fn expired(&self) -> TlsAcceptor {
        self.acceptor(&server(&NAMES, &self.authority, |wanted| {
            wanted.not_after = date_time_ymd(2020, 1, 1);
        }))
    }

    /// A server that nobody vouches for but its own certificate.
    pub(super) fn leaf(&self) -> TlsAcceptor {
        self.acceptor(&self.leaf)
    }

    /// An authority that is a server itself.
    pub(super) fn own(&self) -> TlsAcceptor {
        self.acceptor(&self.own)
    }

    /// A server that nobody vouches for but its own certificate, which has expired.
    pub(super) fn old(&self) -> TlsAcceptor {
        self.acceptor(&self.old)
    }

    fn acceptor(&self, (certificate, key): &(Certificate, KeyPair)) -> TlsAcceptor {
        let crypto = Arc::new(ring::default_provider());
        let mut roots = RootCertStore::empty();
        roots.add(self.authority.der().clone()).expect("a root");
        let clients =
            WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&crypto));
        let clients = clients.allow_unauthenticated().build().expect("a verifier");
        let key = PrivateKeyDer::try_from(key.serialize_der()).expect("a key");
        let chain: Vec<CertificateDer<'_>> = vec![certificate.der().clone()];
        let config = ServerConfig::builder_with_provider(crypto)
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_client_cert_verifier(clients)
            .with_single_cert(chain, key)
            .expect("a certificate");
        TlsAcceptor::from(Arc::new(config))
    }

    /// A client's certificate for a key.
    fn certificate_of(&self, key: &str) -> String {
        let key = KeyPair::from_pem(key).expect("a key");
        let signed = client_wish().signed_by(&key, &self.authority);
        STANDARD.encode(signed.expect("a certificate").pem())
    }

    /// What stands for a word in braces.
    pub(super) fn word(&self, word: &str) -> Option<String> {
        let (certificate, key) = &self.client;
        Some(match word {
            "ca" => STANDARD.encode(self.authority.pem()),
            "ca-pem" => self.authority.pem(),
            "ca-der" => STANDARD.encode(self.authority.der()),
            "stranger" => STANDARD.encode(self.stranger.pem()),
            "both" => STANDARD.encode(self.stranger.pem() + &self.authority.pem()),
            "leaf" => STANDARD.encode(self.leaf.0.pem()),
            "old" => STANDARD.encode(self.old.0.pem()),
            "own" => STANDARD.encode(self.own.0.pem()),
            "cert" => STANDARD.encode(certificate.pem()),
            "cert-pem" => certificate.pem(),
            "cert-explained" => STANDARD.encode(format!(
                "Bag Attributes\r\n  name: x\r\n{}",
                certificate.pem()
            )),
            "cert-json" => certificate.pem().replace("\r\n", "\n").replace('\n', "\\n"),
            "key-json" => key
                .serialize_pem()
                .replace("\r\n", "\n")
                .replace('\n', "\\n"),
            "key" => STANDARD.encode(key.serialize_pem()),
            "key-pem" => key.serialize_pem(),
            "key-explained" => STANDARD.encode(explained(&key.serialize_pem())),
            "key-renamed" => STANDARD.encode(
                key.serialize_pem()
                    .replace("PRIVATE KEY", "RSA PRIVATE KEY"),
            ),
            "key-other" => STANDARD.encode(KeyPair::generate().expect("a key").serialize_pem()),
            "key-locked" => STANDARD.encode(include_str!("keys/locked.key")),
            "key-p521" => STANDARD.encode(include_str!("keys/p521.key")),
            "key-rsa" => STANDARD.encode(include_str!("keys/rsa-pkcs8.key")),
            "key-rsa-old" => STANDARD.encode(include_str!("keys/rsa-pkcs1.key")),
            "key-ec" => STANDARD.encode(include_str!("keys/ec-pkcs8.key")),
            "key-ec-old" => STANDARD.encode(include_str!("keys/ec-sec1.key")),
            "key-ed25519" => STANDARD.encode(include_str!("keys/ed25519.key")),
            "cert-rsa" => self.certificate_of(include_str!("keys/rsa-pkcs8.key")),
            "cert-ec" => self.certificate_of(include_str!("keys/ec-pkcs8.key")),
            "cert-ed25519" => self.certificate_of(include_str!("keys/ed25519.key")),
            "cert-1" => STANDARD.encode(include_str!("keys/version-1.crt")),
            "authority-p521" => STANDARD.encode(include_str!("keys/p521-authority.crt")),
            "cert-p521" => STANDARD.encode(include_str!("keys/p521.crt")),
            _ => return None,
        })
    }
}

fn unasking(certificate: &str, key: &str) -> TlsAcceptor {
    let chain = CertificateDer::from_pem_slice(certificate.as_bytes()).expect("a certificate");
    let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).expect("a key");
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(vec![chain], key);
    TlsAcceptor::from(Arc::new(config.expect("a certificate")))
}

/// A key as `openssl ecparam -genkey` writes it: the parameters stand before it.
fn explained(key: &str) -> String {
    format!("-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n{key}")
}

fn client_wish() -> CertificateParams {
    let mut wanted = CertificateParams::default();
    wanted.distinguished_name.push(DnType::CommonName, "jane");
    wanted.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    wanted
}

fn issuer(name: &str) -> CertifiedIssuer<'static, KeyPair> {
    let mut wanted = CertificateParams::default();
    wanted.distinguished_name.push(DnType::CommonName, name);
    wanted.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().expect("a key");
    CertifiedIssuer::self_signed(wanted, key).expect("an authority")
}

fn names(names: &[&str]) -> CertificateParams {
    let mut wanted = CertificateParams::new(
        names
            .iter()
            .map(|name| (*name).to_owned())
            .collect::<Vec<_>>(),
    );
    let wanted = wanted.as_mut().expect("names");
    wanted
        .distinguished_name
        .push(DnType::CommonName, "a server");
    wanted.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    wanted.clone()
}

fn server(
    known: &[&str],
    by: &CertifiedIssuer<'static, KeyPair>,
    change: impl FnOnce(&mut CertificateParams),
) -> (Certificate, KeyPair) {
    let mut wanted = names(known);
    change(&mut wanted);
    let key = KeyPair::generate().expect("a key");
    (wanted.signed_by(&key, by).expect("a certificate"), key)
}
