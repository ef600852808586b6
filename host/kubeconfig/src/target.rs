//! From what the files say to a connection.

use std::path::Path;
use std::sync::Arc;

use http::{HeaderMap, HeaderName, HeaderValue};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use rustls::ClientConfig;
use rustls::pki_types::ServerName;

use crate::access::Access;
use crate::check;
use crate::connect::{Connector, Tls, Way, authorization};
use crate::credentials::{Credentials, TokenFile, learn_header, token_in};
use crate::error::Unusable;
use crate::file::{Cluster, User};
use crate::kubeconfig::Kubeconfig;
use crate::proxy::{Kind, Proxy};
use crate::server::Server;
use crate::transport::Transport;
use login::Login;

mod login;
mod tls;

/// What a pod is given (<https://kubernetes.io/docs/tasks/run-application/access-api-from-pod/>).
const POD: &str = "/var/run/secrets/kubernetes.io/serviceaccount";

/// What a header's name cannot hold, and `%`, by which it is encoded.
const FOREIGN: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'!')
    .remove(b'#')
    .remove(b'$')
    .remove(b'&')
    .remove(b'\'')
    .remove(b'*')
    .remove(b'+')
    .remove(b'-')
    .remove(b'.')
    .remove(b'^')
    .remove(b'_')
    .remove(b'`')
    .remove(b'|')
    .remove(b'~');

/// A way to one API server.
pub struct Connection {
    /// Sends requests.
    pub transport: Transport,
    /// The server's URL, without name and password.
    pub server: String,
    /// The context that led there; none in a pod.
    pub context: Option<String>,
    /// The namespace of the context.
    pub namespace: String,
    /// What is not protected on the way there, in one sentence; none when all is well.
    pub unprotected: Option<String>,
}

/// Returns whether a cluster is reached without TLS, and so without credentials.
pub(crate) fn is_plain(cluster: &Cluster) -> bool {
    Server::parse(&cluster.server).is_ok_and(|server| !server.https)
}

impl Kubeconfig {
    /// Makes the way to the cluster of a context: the wanted one, else the current one. The first request connects; a credential plugin runs
    /// now.
    ///
    /// # Errors
    /// When the context or what it names is not there or contradicts itself, and when there are no credentials.
    pub async fn connect(
        &self,
        context: Option<&str>,
        access: Access,
    ) -> Result<Connection, Unusable> {
        let chosen = self.choose(context)?;
        let nobody = User::default();
        let (cluster, user) = (chosen.cluster, chosen.user.unwrap_or(&nobody));
        check::cluster(cluster, access.read)?;
        check::user(user, access.read)?;
        let server = Server::parse(&cluster.server)
            .map_err(|what| cluster.wrong(cluster.server.at, format!("`server` {what}")))?;
        let proxy = match cluster.proxy_url.as_str() {
            "" => Proxy::of_environment(&server, access.variable),
            text => Proxy::of_cluster(text).map(Some),
        };
        let proxy = proxy.map_err(|what| cluster.wrong(cluster.proxy_url.at, what))?;
        let proxy_user = proxy.as_ref().and_then(|proxy| proxy.url.user.as_ref());
        for login in [server.user(), proxy_user].into_iter().flatten() {
            (access.learn)(&login.password);
        }
        let unprotected = unprotected(&server, cluster, user);
        let always = impersonation(user).ok_or_else(|| {
            let what = "`as` and its like have a character that no header can hold";
            user.wrong(user.impersonate.at, what)
        })?;
        let login = match server.https {
            true => login::of(self.secrets(), cluster, user, &server, access)?,
            false => Login::plain(&server, &access),
        };
        let transport = assemble(
            server.clone(),
            proxy,
            &cluster.tls_server_name,
            login,
            always,
        )
        .map_err(|what| cluster.wrong(cluster.server.at, what))?;
        transport.prepare().await?;
        Ok(Connection {
            transport,
            server: server.to_string(),
            context: Some(chosen.context.name.clone()),
            namespace: match chosen.context.namespace.as_str() {
                "" => "default".to_owned(),
                namespace => namespace.to_owned(),
            },
            unprotected,
        })
    }
}

/// Says what somebody on the way can do, where the kubeconfig allows it. Whoever has nothing to lose, as with `kubectl proxy`, is not warned.
fn unprotected(server: &Server, cluster: &Cluster, user: &User) -> Option<String> {
    if server.https {
        let verified = !cluster.insecure;
        return (!verified).then(|| {
            format!(
                "the certificate of the API server at {server} is not looked at (`insecure-skip-tls-verify`): whoever is in between gets the credentials, and answers in its place"
            )
        });
    }
    if server.user().is_some() {
        return Some(format!(
            "the API server at {server} is reached without TLS: whoever is in between reads the password in its address, and answers in its place"
        ));
    }
    user.has_credentials().then(|| {
        format!(
            "the API server at {server} is reached without TLS, so the credentials of user `{}` are not sent, and whoever is in between answers in its place",
            user.name
        )
    })
}

/// Makes the way from a pod to its own cluster; none where this is no pod.
///
/// # Errors
/// When what the pod is given cannot be used.
pub fn connect_in_pod(access: &Access) -> Result<Option<Connection>, Unusable> {
    let variable = |name| (access.variable)(name).filter(|value| !value.is_empty());
    let host = variable("KUBERNETES_SERVICE_HOST");
    let (Some(host), Some(port)) = (host, variable("KUBERNETES_SERVICE_PORT")) else {
        return Ok(None);
    };
    let file = |name: &str| Path::new(POD).join(name);
    let token = match (access.read)(&file("token")) {
        Ok(token) => token,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(source) => {
            return Err(Unusable::Pod {
                file: file("token"),
                source,
            });
        }
    };
    let nonsense = |what: &'static str| Unusable::Pod {
        file: file("token"),
        source: std::io::Error::other(what),
    };
    let header = token_in(&token).ok_or_else(|| nonsense("there is no token in it"))?;
    let host = if host.contains(':') {
        format!("[{host}]")
    } else {
        host
    };
    let server = Server::parse(&format!("https://{host}:{port}")).map_err(|_| {
        nonsense("`KUBERNETES_SERVICE_HOST` and `KUBERNETES_SERVICE_PORT` are no address")
    })?;
    learn_header(&header, &*access.learn);
    let login = Login {
        tls: Some(tls::in_pod(
            &(access.read)(&file("ca.crt")).unwrap_or_default(),
        )?),
        credentials: Credentials::File(TokenFile::new(file("token"), access, header)),
    };
    let proxy = Proxy::of_environment(&server, access.variable).map_err(nonsense)?;
    let shown = server.to_string();
    let transport = assemble(server, proxy, "", login, HeaderMap::new()).map_err(nonsense)?;
    let namespace = (access.read)(&file("namespace")).unwrap_or_default();
    Ok(Some(Connection {
        transport,
        server: shown,
        context: None,
        namespace: match String::from_utf8_lossy(&namespace).trim() {
            "" => "default".to_owned(),
            namespace => namespace.to_owned(),
        },
        unprotected: None,
    }))
}

fn assemble(
    server: Server,
    proxy: Option<Proxy>,
    tls_server_name: &str,
    login: Login,
    always: HeaderMap,
) -> Result<Transport, &'static str> {
    // A wished name counts for a proxy that speaks TLS, too, and the proxy is judged by the cluster's certificates: as for kubectl.
    let secure = |config: &Arc<ClientConfig>, host: &str| {
        let name = name(if tls_server_name.is_empty() {
            host
        } else {
            tls_server_name
        })?;
        Ok::<_, &'static str>(Tls {
            config: Arc::clone(config),
            name,
            renamed: !tls_server_name.is_empty(),
        })
    };
    let tls = login
        .tls
        .as_ref()
        .map(|config| secure(config, &server.url.host));
    let proxy_tls = match &proxy {
        Some(Proxy {
            kind: Kind::Https,
            url,
            ..
        }) => {
            let config = match &login.tls {
                Some(config) => Arc::clone(config),
                None => tls::of_system()
                    .map_err(|_| "the certificates that this system trusts cannot be used")?,
            };
            Some(secure(&config, &url.host)?)
        }
        _ => None,
    };
    let forwards = !server.https
        && proxy
            .as_ref()
            .is_some_and(|proxy| proxy.kind != Kind::Socks);
    let by_request = proxy.as_ref().filter(|_| forwards).and_then(authorization);
    let connector = Connector::new(Way {
        server: server.clone(),
        proxy,
        tls: tls.transpose()?,
        proxy_tls,
    });
    Ok(Transport::new(
        server,
        connector,
        login.credentials,
        always,
        by_request,
    ))
}

/// Returns the name or the address that has to be in the certificate.
fn name(host: &str) -> Result<ServerName<'static>, &'static str> {
    if let Ok(ip) = host.parse::<std::net::IpAddr>() {
        // Certificates know no IPv4 addresses that are written as IPv6.
        return Ok(ServerName::IpAddress(ip.to_canonical().into()));
    }
    let host = host.strip_suffix('.').unwrap_or(host).to_owned();
    ServerName::try_from(host)
        .map_err(|_| "the name of the server is none that a certificate can hold")
}

/// Returns the headers by which a user is somebody else; none when they cannot be headers.
fn impersonation(user: &User) -> Option<HeaderMap> {
    let mut headers = HeaderMap::new();
    if user.impersonate.is_empty() {
        return Some(headers);
    }
    let value = |text: &str| HeaderValue::from_str(text).ok();
    headers.insert("impersonate-user", value(&user.impersonate)?);
    if !user.impersonate_uid.is_empty() {
        headers.insert("impersonate-uid", value(&user.impersonate_uid)?);
    }
    for group in &user.impersonate_groups {
        headers.append("impersonate-group", value(group)?);
    }
    for (key, values) in &user.impersonate_extra {
        let key = utf8_percent_encode(key, FOREIGN);
        let name: HeaderName = format!("impersonate-extra-{key}").parse().ok()?;
        for one in values {
            headers.append(name.clone(), value(one)?);
        }
    }
    Some(headers)
}

#[cfg(test)]
mod tests;
