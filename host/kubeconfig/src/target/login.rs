//! Which of a user's credentials count, in the order of client-go.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::HeaderValue;
use jiff::Timestamp;
use rustls::ClientConfig;
use rustls::crypto::CryptoProvider;
use serde_json::{Value, json};
use zeroize::Zeroizing;

use crate::access::Access;
use crate::credentials::{
    Credentials, FromPlugin, TokenFile, basic, bearer, learn_header, token_in,
};
use crate::error::Unusable;
use crate::file::{Cluster, Exec, Provider, User};
use crate::identity::Identity;
use crate::plugin::{Mask, Mode, Plugin};
use crate::server::Server;
use crate::url::UserInfo;

use super::tls;

/// What a connection needs besides its address.
pub(super) struct Login {
    /// None for plain HTTP.
    pub(super) tls: Option<Arc<ClientConfig>>,
    pub(super) credentials: Credentials,
}

impl Login {
    /// Without TLS nothing of the user is sent, only what stands in the address.
    pub(super) fn plain(server: &Server, access: &Access) -> Login {
        let header = in_address(server);
        if let Some(header) = &header {
            learn_header(header, &*access.learn);
        }
        Login {
            tls: None,
            credentials: header.map_or(Credentials::None, Credentials::Fixed),
        }
    }
}

/// Returns what the user of a cluster logs in with. `secrets` are all that stand in the files.
pub(super) fn of<'a>(
    secrets: impl Iterator<Item = &'a str>,
    cluster: &Cluster,
    user: &User,
    server: &Server,
    access: Access,
) -> Result<Login, Unusable> {
    let crypto = tls::crypto();
    let identity = Arc::new(Identity::default());
    for secret in [&user.token, &user.password] {
        (access.learn)(secret.as_str());
    }
    (access.learn)(&String::from_utf8_lossy(&user.key_data));
    if !user.key_file.is_empty()
        && let Ok(key) = (access.read)(&user.origin.path(&user.key_file)).map(Zeroizing::new)
    {
        (access.learn)(&String::from_utf8_lossy(&key));
    }
    let learn = Arc::clone(&access.learn);
    let tls = Some(tls::of(cluster, user, &identity, access.read, &crypto)?);
    if let Some(provider) = user
        .provider
        .as_ref()
        .filter(|provider| provider.name.as_str() != "oidc")
    {
        let what =
            "`auth-provider` is none that kubectl still knows: use a credential plugin (`exec`)";
        return Err(user.wrong(provider.name.at, what));
    }
    let has_certificate = !user.certificate_file.is_empty() || !user.certificate_data.is_empty();
    let credentials = if let Some(header) = in_address(server) {
        Credentials::Fixed(header)
    } else if !user.token.is_empty() || !user.token_file.is_empty() {
        by_token(user, &access)?
    } else if !user.username.is_empty() || !user.password.is_empty() {
        let login = UserInfo {
            name: Zeroizing::new(user.username.to_string()),
            password: Zeroizing::new(user.password.to_string()),
        };
        basic(&login).map_or(Credentials::None, Credentials::Fixed)
    } else if let Some(provider) = &user.provider {
        Credentials::Fixed(by_provider(user, provider)?)
    } else if let Some(exec) = user.exec.as_ref().filter(|_| !has_certificate) {
        let mut mask = Mask::default();
        secrets.for_each(|secret| mask.add(secret));
        mask.add(&String::from_utf8_lossy(&user.key_data));
        if let Some(login) = server.user() {
            mask.add(&login.password);
        }
        let plugin = plugin(cluster, user, exec, mask, access, crypto)?;
        Credentials::Plugin(Box::new(FromPlugin::new(plugin, identity)))
    } else {
        Credentials::None
    };
    if let Credentials::Fixed(header) = &credentials {
        learn_header(header, &*learn);
    }
    Ok(Login { tls, credentials })
}

fn in_address(server: &Server) -> Option<HeaderValue> {
    server.user().and_then(basic)
}

/// A file counts more than a token that stands beside it, once it can be read.
fn by_token(user: &User, access: &Access) -> Result<Credentials, Unusable> {
    const BROKEN: &str = "`token` has a line break or another control character in it";
    let token = match user.token.as_str() {
        "" => None,
        token => Some(bearer(token).ok_or_else(|| user.wrong(user.token.at, BROKEN))?),
    };
    if user.token_file.is_empty() {
        return Ok(token.map_or(Credentials::None, Credentials::Fixed));
    }
    let path = user.origin.path(&user.token_file);
    let at = user.token_file.at;
    let first = match ((access.read)(&path).map(Zeroizing::new), token) {
        (Ok(text), token) => token_in(&text)
            .or(token)
            .ok_or_else(|| user.wrong(at, "`tokenFile` names a file without a token in it"))?,
        (Err(_), Some(token)) => token,
        (Err(error), None) => return Err(user.behind(at, "tokenFile", error)),
    };
    learn_header(&first, &*access.learn);
    Ok(Credentials::File(TokenFile::new(path, access, first)))
}

/// kubectl has only OIDC left of these, and renews its tokens; we take them while they are good.
fn by_provider(user: &User, provider: &Provider) -> Result<HeaderValue, Unusable> {
    let wrong = |what| user.wrong(provider.name.at, what);
    match is_good(&provider.id_token) {
        true => bearer(&provider.id_token).ok_or_else(|| wrong("`id-token` cannot be sent")),
        false => Err(wrong(
            "the `id-token` of `auth-provider` has expired: let kubectl renew it, or use a credential plugin (`exec`)",
        )),
    }
}

/// Returns whether a JSON Web Token has not expired.
fn is_good(token: &str) -> bool {
    let claims = token
        .split('.')
        .nth(1)
        .and_then(|claims| URL_SAFE_NO_PAD.decode(claims).ok());
    let claims: Option<Value> = claims.and_then(|claims| serde_json::from_slice(&claims).ok());
    let expires = claims.as_ref().and_then(|claims| claims["exp"].as_i64());
    expires.is_some_and(|expires| expires > Timestamp::now().as_second())
}

fn plugin(
    cluster: &Cluster,
    user: &User,
    exec: &Exec,
    mask: Mask,
    access: Access,
    crypto: Arc<CryptoProvider>,
) -> Result<Plugin, Unusable> {
    let path = match exec.command.contains(std::path::MAIN_SEPARATOR) {
        true => user.origin.path(&exec.command),
        false => exec.command.as_str().into(),
    };
    let told = exec
        .provide_cluster_info
        .then(|| of_cluster(cluster, &access));
    Ok(Plugin {
        user: user.name.clone(),
        command: exec.command.to_string(),
        path,
        arguments: exec
            .args
            .iter()
            .map(|one| Zeroizing::new(one.to_string()))
            .collect(),
        environment: exec
            .env
            .iter()
            .map(|(name, value)| (name.to_string(), Zeroizing::new(value.to_string())))
            .collect(),
        api_version: exec.api_version.to_string(),
        mode: match exec.interactive_mode.as_str() {
            "Never" => Mode::Never,
            "Always" => Mode::Always,
            _ => Mode::IfAvailable,
        },
        install_hint: exec.install_hint.to_string(),
        cluster: told.transpose()?,
        access,
        mask,
        crypto,
    })
}

/// Returns what a plugin is told of the cluster (`spec.cluster` of an `ExecCredential`).
fn of_cluster(cluster: &Cluster, access: &Access) -> Result<Value, Unusable> {
    use base64::engine::general_purpose::STANDARD;
    let authority = match cluster.ca_file.as_str() {
        "" => cluster.ca_data.to_vec(),
        file => (access.read)(&cluster.origin.path(file))
            .map_err(|error| cluster.behind(cluster.ca_file.at, "certificate-authority", error))?,
    };
    let mut told = json!({ "server": cluster.server.as_str(), "config": cluster.for_plugins });
    for (field, text) in [
        ("tls-server-name", cluster.tls_server_name.as_str()),
        ("certificate-authority-data", &STANDARD.encode(authority)),
        ("proxy-url", &cluster.proxy_url),
    ] {
        if !text.is_empty() {
            told[field] = text.into();
        }
    }
    for (field, flag) in [
        ("insecure-skip-tls-verify", cluster.insecure),
        ("disable-compression", cluster.disable_compression),
    ] {
        if flag {
            told[field] = true.into();
        }
    }
    Ok(told)
}
