//! Who we are to the server: a certificate and its key, which may change while we run.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use rustls::client::ResolvesClientCert;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use rustls::{Error, InconsistentKeys, SignatureScheme};
use tokio::time::Instant;
use zeroize::Zeroizing;

use crate::access::Read;

/// How long files are not looked at again, as in client-go.
const FRESH: Duration = Duration::from_secs(1);

/// The object identifier of the curve P-521 (`1.3.132.0.35`), as it stands in a key.
const P521: [u8; 7] = [0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x23];

/// Joins a certificate chain and its key, both PEM.
pub(crate) fn certified(
    chain: &[u8],
    key: &[u8],
    crypto: &CryptoProvider,
) -> Result<Arc<CertifiedKey>, &'static str> {
    let chain = certificates(chain);
    if chain.is_empty() {
        return Err("the client certificate holds no certificate in PEM");
    }
    let key = private_key(key, crypto)?;
    let certified = CertifiedKey::new(chain, key);
    match certified.keys_match() {
        Err(Error::InconsistentKeys(InconsistentKeys::KeyMismatch)) => {
            Err("the client key does not belong to the client certificate")
        }
        // A certificate of version 1 says nothing that could be compared; the server will judge it.
        _ => Ok(Arc::new(certified)),
    }
}

/// Returns the certificates in a PEM text; other things in it do not matter.
pub(crate) fn certificates(text: &[u8]) -> Vec<CertificateDer<'static>> {
    let blocks = pem::parse_many(text).unwrap_or_default().into_iter();
    let blocks = blocks.filter(|block| block.tag() == "CERTIFICATE");
    blocks
        .map(|block| CertificateDer::from(block.into_contents()))
        .collect()
}

/// Reads the first key, whatever it is called: kubectl does not mind what its header says, either.
fn private_key(
    text: &[u8],
    crypto: &CryptoProvider,
) -> Result<Arc<dyn rustls::sign::SigningKey>, &'static str> {
    let blocks = pem::parse_many(text).unwrap_or_default();
    let key = blocks
        .into_iter()
        .find(|block| block.tag().ends_with("PRIVATE KEY"));
    let key = key.ok_or("the client key holds no private key in PEM")?;
    let locked = key.tag().starts_with("ENCRYPTED")
        || key.headers().iter().any(|(name, _)| name == "DEK-Info");
    let der = Zeroizing::new(key.into_contents());
    let forms = [
        PrivateKeyDer::Pkcs8(der.to_vec().into()),
        PrivateKeyDer::Pkcs1(der.to_vec().into()),
        PrivateKeyDer::Sec1(der.to_vec().into()),
    ];
    let mut keys = forms
        .into_iter()
        .map(|form| crypto.key_provider.load_private_key(form));
    if let Some(key) = keys.find_map(Result::ok) {
        return Ok(key);
    }
    let on_p521 = der.windows(P521.len()).any(|part| part == P521);
    Err(match (locked, on_p521) {
        (true, _) => {
            "the client key is locked with a passphrase; kubectl does not take that either"
        }
        (false, true) => {
            "the client key is on the curve P-521, which is not supported: have one made on P-256 or P-384"
        }
        (false, false) => {
            "the client key is not an RSA key of 2048 bits or more, nor one on P-256, P-384 or Ed25519"
        }
    })
}

/// What is shown to a server that asks for a certificate.
#[derive(Default)]
pub(crate) struct Identity(RwLock<Option<Arc<CertifiedKey>>>);

impl Identity {
    /// Shows another certificate from now on. Returns whether it is another one.
    pub(crate) fn set(&self, new: Option<Arc<CertifiedKey>>) -> bool {
        let chain = |key: &Option<Arc<CertifiedKey>>| key.as_ref().map(|key| key.cert.clone());
        let mut now = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let changed = chain(&now) != chain(&new);
        *now = new;
        changed
    }
}

impl ResolvesClientCert for Identity {
    fn resolve(&self, _: &[&[u8]], _: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        self.0
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn has_certs(&self) -> bool {
        true
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Identity(***)")
    }
}

/// A certificate and a key in files, read again for new connections.
pub(crate) struct Files {
    chain: PathBuf,
    key: PathBuf,
    read: Read,
    crypto: Arc<CryptoProvider>,
    last: Mutex<(Instant, Arc<CertifiedKey>)>,
}

/// Why files do not make an identity.
pub(crate) enum Refused {
    File(Which, io::Error),
    Content(&'static str),
}

#[derive(Clone, Copy)]
pub(crate) enum Which {
    Certificate,
    Key,
}

impl Files {
    pub(crate) fn open(
        chain: PathBuf,
        key: PathBuf,
        read: Read,
        crypto: &Arc<CryptoProvider>,
    ) -> Result<Files, Refused> {
        let now = load(&chain, &key, read, crypto)?;
        Ok(Files {
            chain,
            key,
            read,
            crypto: Arc::clone(crypto),
            last: Mutex::new((Instant::now(), now)),
        })
    }
}

fn load(
    chain: &Path,
    key: &Path,
    read: Read,
    crypto: &CryptoProvider,
) -> Result<Arc<CertifiedKey>, Refused> {
    let chain = read(chain).map_err(|error| Refused::File(Which::Certificate, error))?;
    let key = read(key).map_err(|error| Refused::File(Which::Key, error))?;
    certified(&chain, &Zeroizing::new(key), crypto).map_err(Refused::Content)
}

impl ResolvesClientCert for Files {
    fn resolve(&self, _: &[&[u8]], _: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if last.0.elapsed() > FRESH {
            last.0 = Instant::now();
            // While the two are being replaced they may not fit; then the old ones are shown once more.
            if let Ok(now) = load(&self.chain, &self.key, self.read, &self.crypto) {
                last.1 = now;
            }
        }
        Some(Arc::clone(&last.1))
    }

    fn has_certs(&self) -> bool {
        true
    }
}

impl fmt::Debug for Files {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Files(***)")
    }
}

#[cfg(test)]
mod tests {
    use rustls::crypto::ring;

    use super::*;

    /// What the two files hold now.
    static NOW: Mutex<Option<(String, String)>> = Mutex::new(None);

    fn write() -> (String, String) {
        let key = rcgen::KeyPair::generate().expect("a key");
        let certificate = rcgen::CertificateParams::default().self_signed(&key);
        (
            certificate.expect("a certificate").pem(),
            key.serialize_pem(),
        )
    }

    fn read(path: &Path) -> io::Result<Vec<u8>> {
        let now = NOW.lock().expect("a lock").clone();
        let (certificate, key) = now.ok_or(io::ErrorKind::NotFound)?;
        Ok(if path == Path::new("key") {
            key
        } else {
            certificate
        }
        .into())
    }

    #[tokio::test(start_paused = true)]
    async fn files_are_read_again_for_new_connections() {
        let (first, second) = (write(), write());
        *NOW.lock().expect("a lock") = Some(first.clone());
        let crypto = Arc::new(ring::default_provider());
        let files = Files::open("cert".into(), "key".into(), read, &crypto);
        let files = files.unwrap_or_else(|_| panic!("an identity"));
        let shown = || files.resolve(&[], &[]).expect("an identity").cert.clone();
        let der = |pair: &(String, String)| certificates(pair.0.as_bytes());
        *NOW.lock().expect("a lock") = Some(second.clone());
        assert_eq!(shown(), der(&first), "nobody looks for every connection");
        tokio::time::advance(FRESH * 2).await;
        assert_eq!(shown(), der(&second));
        *NOW.lock().expect("a lock") = Some((first.0.clone(), second.1.clone()));
        tokio::time::advance(FRESH * 2).await;
        assert_eq!(
            shown(),
            der(&second),
            "the new certificate is there, its key is not"
        );
        *NOW.lock().expect("a lock") = None;
        tokio::time::advance(FRESH * 2).await;
        assert_eq!(shown(), der(&second), "the files are gone");
    }

    #[test]
    fn a_certificate_that_changes_is_noticed() {
        let crypto = ring::default_provider();
        let new = || {
            let (certificate, key) = write();
            certified(certificate.as_bytes(), key.as_bytes(), &crypto).expect("an identity")
        };
        let (identity, first) = (Identity::default(), new());
        assert!(!identity.set(None) && identity.set(Some(Arc::clone(&first))));
        assert!(!identity.set(Some(first)) && identity.set(Some(new())));
    }
}
