//! Who may speak: the certificate authority, the users' tokens, and the kubeconfigs that carry both.
//!
//! Everything is made anew for each start and is worth nothing afterwards.

use anyhow::{Context, Result};
use base64::Engine as _;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair,
};

/// A user that the API server knows by a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct User {
    /// The name that role bindings and messages use.
    pub name: &'static str,
    /// The one group it is in, apart from `system:authenticated`.
    pub group: &'static str,
}

/// May do everything.
pub const ADMIN: &str = "admin";

/// Everybody. All but [`ADMIN`] may do only what a test binds to their name or group.
pub const USERS: &[User] = &[
    User {
        name: ADMIN,
        group: "system:masters",
    },
    User {
        name: "viewer",
        group: "viewers",
    },
    User {
        name: "limited",
        group: "limited",
    },
    User {
        name: "without-patch",
        group: "almost",
    },
    User {
        name: "without-create",
        group: "almost",
    },
    User {
        name: "without-jobs",
        group: "almost",
    },
    User {
        name: "flux-only",
        group: "almost",
    },
    User {
        name: "nobody",
        group: "nobodies",
    },
];

/// A certificate authority of our own.
pub(crate) struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
}

/// A certificate for loopback and its key, as PEM.
pub(crate) struct Pair {
    pub(crate) certificate: String,
    pub(crate) key: String,
}

impl Authority {
    /// A new one.
    pub(crate) fn new() -> Result<Self> {
        let key = KeyPair::generate().context("making the authority's key")?;
        let mut params = CertificateParams::default();
        params
            .distinguished_name
            .push(DnType::CommonName, "agent testbed authority");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(params, key).context("signing the authority")?;
        Ok(Self { issuer })
    }

    /// The certificate that clients trust.
    pub(crate) fn pem(&self) -> String {
        self.issuer.pem()
    }

    /// A certificate for a server on this machine.
    pub(crate) fn issue(&self) -> Result<Pair> {
        let names = [
            "localhost",
            "127.0.0.1",
            "10.43.0.1",
            "kubernetes.default.svc",
        ];
        let mut params = CertificateParams::new(names.map(str::to_owned).to_vec())
            .context("naming a server certificate")?;
        params
            .distinguished_name
            .push(DnType::CommonName, "agent testbed server");
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        let key = KeyPair::generate().context("making a server's key")?;
        let certificate = params
            .signed_by(&key, &self.issuer)
            .context("signing a server certificate")?;
        Ok(Pair {
            certificate: certificate.pem(),
            key: key.serialize_pem(),
        })
    }
}

/// The keys of service account tokens, as PEM: the one that signs and the one that verifies.
pub(crate) fn account_keys() -> Result<(String, String)> {
    let key = KeyPair::generate().context("making the key of service accounts")?;
    Ok((key.serialize_pem(), key.public_key_pem()))
}

/// The token of a user of this testbed.
pub(crate) fn token(secret: &str, name: &str) -> Result<String> {
    let names: Vec<_> = USERS.iter().map(|user| user.name).collect();
    anyhow::ensure!(
        names.contains(&name),
        "no user `{name}` in the testbed; known: {}",
        names.join(", ")
    );
    Ok(format!("{name}-{secret}"))
}

/// The API server's token file.
pub(crate) fn token_file(secret: &str) -> String {
    let line = |user: &User| format!("{0}-{secret},{0},{0},\"{1}\"\n", user.name, user.group);
    USERS.iter().map(line).collect()
}

/// A kubeconfig with one context, named `name`.
pub(crate) fn kubeconfig(name: &str, url: &str, ca_pem: &str, user: &str, token: &str) -> String {
    let authority = base64::engine::general_purpose::STANDARD.encode(ca_pem);
    format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: {name}\nclusters:\n- name: {name}\n  cluster:\n    server: {url}\n    \
         certificate-authority-data: {authority}\nusers:\n- name: {user}\n  user:\n    token: {token}\ncontexts:\n- name: \
         {name}\n  context:\n    cluster: {name}\n    user: {user}\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_user_is_told_the_known_ones() {
        let err = token("x", "mallory").unwrap_err().to_string();
        assert!(
            err.contains("`mallory`") && err.contains("admin, viewer"),
            "{err}"
        );
    }

    #[test]
    fn kubeconfig_is_read_by_the_real_client() {
        let text = kubeconfig("testbed", "https://127.0.0.1:1", "PEM", "admin", "t");
        let read = kube::config::Kubeconfig::from_yaml(&text).unwrap();
        assert_eq!(read.current_context.as_deref(), Some("testbed"));
        let cluster = read.clusters[0].cluster.clone().unwrap();
        assert_eq!(cluster.certificate_authority_data.as_deref(), Some("UEVN"));
    }

    #[test]
    fn token_file_has_a_line_for_each_user() {
        assert_eq!(token_file("s").lines().count(), USERS.len());
        assert!(token_file("s").starts_with("admin-s,admin,admin,\"system:masters\"\n"));
    }
}
