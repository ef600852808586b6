//! TLS: whom we trust, and what we show.

use std::sync::Arc;

use rustls::client::ResolvesClientCert;
use rustls::client::danger::ServerCertVerifier;
use rustls::crypto::{CryptoProvider, ring};
use rustls::{ClientConfig, Error};

use crate::access::Read;
use crate::error::Unusable;
use crate::file::{Cluster, User};
use crate::identity::{self, Files, Identity, Refused, Which};
use crate::trust;

/// Returns the cryptography that is used.
pub(super) fn crypto() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}

/// Returns TLS for a cluster and a user. `identity` is what a credential plugin may change.
pub(super) fn of(
    cluster: &Cluster,
    user: &User,
    identity: &Arc<Identity>,
    read: Read,
    crypto: &Arc<CryptoProvider>,
) -> Result<Arc<ClientConfig>, Unusable> {
    let verifier = verifier(cluster, read, crypto)?;
    let resolver = resolver(user, identity, read, crypto)?;
    config(verifier, resolver, crypto).map_err(|source| Unusable::Trust { source })
}

/// Returns TLS by the certificates that this system trusts.
pub(super) fn of_system() -> Result<Arc<ClientConfig>, Error> {
    let crypto = crypto();
    config(
        trust::by_system(&crypto)?,
        Arc::new(Identity::default()),
        &crypto,
    )
}

/// Returns TLS by the certificates that a pod is given, else by those that its system trusts.
pub(super) fn in_pod(authority: &[u8]) -> Result<Arc<ClientConfig>, Unusable> {
    let crypto = crypto();
    let untrusted = |source| Unusable::Trust { source };
    let verifier = match trust::by(identity::certificates(authority), &crypto) {
        Ok(verifier) => verifier,
        Err(_) => trust::by_system(&crypto).map_err(untrusted)?,
    };
    config(verifier, Arc::new(Identity::default()), &crypto).map_err(untrusted)
}

fn config(
    verifier: Arc<dyn ServerCertVerifier>,
    resolver: Arc<dyn ResolvesClientCert>,
    crypto: &Arc<CryptoProvider>,
) -> Result<Arc<ClientConfig>, Error> {
    let config = ClientConfig::builder_with_provider(Arc::clone(crypto))
        .with_safe_default_protocol_versions()?
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_client_cert_resolver(resolver);
    Ok(Arc::new(config))
}

fn verifier(
    cluster: &Cluster,
    read: Read,
    crypto: &Arc<CryptoProvider>,
) -> Result<Arc<dyn ServerCertVerifier>, Unusable> {
    let Cluster {
        ca_file, ca_data, ..
    } = cluster;
    let (field, at, authority) = match (ca_data.is_empty(), ca_file.is_empty()) {
        (true, true) if cluster.insecure => return Ok(trust::blindly(crypto)),
        (true, true) => {
            return trust::by_system(crypto).map_err(|source| Unusable::Trust { source });
        }
        (false, _) => ("certificate-authority-data", ca_data.at, ca_data.to_vec()),
        (true, false) => {
            let file = read(&cluster.origin.path(ca_file));
            let file =
                file.map_err(|error| cluster.behind(ca_file.at, "certificate-authority", error))?;
            ("certificate-authority", ca_file.at, file)
        }
    };
    if cluster.insecure {
        let what = format!("`{field}` and `insecure-skip-tls-verify` contradict each other");
        return Err(cluster.wrong(at, what));
    }
    trust::by(identity::certificates(&authority), crypto)
        .map_err(|what| cluster.wrong(at, format!("`{field}`: {what}")))
}

fn resolver(
    user: &User,
    identity: &Arc<Identity>,
    read: Read,
    crypto: &Arc<CryptoProvider>,
) -> Result<Arc<dyn ResolvesClientCert>, Unusable> {
    let (chain, key) = (&user.certificate_data, &user.key_data);
    let (chain_file, key_file) = (&user.certificate_file, &user.key_file);
    let path = |text: &str| user.origin.path(text);
    let refused = |refused| match refused {
        Refused::File(Which::Certificate, error) => {
            user.behind(chain_file.at, "client-certificate", error)
        }
        Refused::File(Which::Key, error) => user.behind(key_file.at, "client-key", error),
        Refused::Content(what) => {
            let at = if key.is_empty() { key_file.at } else { key.at };
            user.wrong(at, what)
        }
    };
    if chain.is_empty() && chain_file.is_empty() {
        return Ok(Arc::clone(identity) as _);
    }
    if chain.is_empty() && key.is_empty() {
        let files = Files::open(path(chain_file), path(key_file), read, crypto);
        return Ok(Arc::new(files.map_err(refused)?));
    }
    let bytes = |data: &[u8], file: &str, which| match data {
        [] => read(&path(file)).map_err(|error| refused(Refused::File(which, error))),
        data => Ok(data.to_vec()),
    };
    let chain = bytes(chain, chain_file, Which::Certificate)?;
    let key = zeroize::Zeroizing::new(bytes(key, key_file, Which::Key)?);
    let certified = identity::certified(&chain, &key, crypto);
    identity.set(Some(
        certified.map_err(|what| refused(Refused::Content(what)))?,
    ));
    Ok(Arc::clone(identity) as _)
}
