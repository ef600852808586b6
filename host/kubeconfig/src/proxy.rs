//! Which proxy leads to a server: the cluster's own, else that of the environment, by the rules of Go
//! (<https://pkg.go.dev/golang.org/x/net/http/httpproxy>).

use std::net::IpAddr;

use ipnet::IpNet;

use crate::server::Server;
use crate::url::Url;

/// A way that is not the direct one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Proxy {
    pub(crate) kind: Kind,
    pub(crate) url: Url,
    pub(crate) port: u16,
    /// Who says so, such as `HTTPS_PROXY`; for messages.
    pub(crate) told_by: &'static str,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Http,
    Https,
    /// Names are looked up by the proxy.
    Socks,
}

impl Proxy {
    /// Reads `proxy-url` of a cluster.
    pub(crate) fn of_cluster(text: &str) -> Result<Proxy, &'static str> {
        let url = Url::parse(text).map_err(|_| "`proxy-url` is not a URL")?;
        if !matches!(url.scheme.as_str(), "http" | "https" | "socks5") {
            return Err("`proxy-url` must begin with `http://`, `https://` or `socks5://`");
        }
        Proxy::of(url, "`proxy-url`").ok_or("`proxy-url` has no host")
    }

    /// Returns what the environment wants for a server.
    pub(crate) fn of_environment(
        server: &Server,
        variable: impl Fn(&str) -> Option<String>,
    ) -> Result<Option<Proxy>, &'static str> {
        let set = |name: &str| variable(name).filter(|value| !value.is_empty());
        let names = match server.https {
            true => ["HTTPS_PROXY", "https_proxy"],
            false => ["HTTP_PROXY", "http_proxy"],
        };
        let found = names.into_iter().find_map(|name| Some((name, set(name)?)));
        let Some((told_by, text)) = found else {
            return Ok(None);
        };
        let exceptions = set("NO_PROXY")
            .or_else(|| set("no_proxy"))
            .unwrap_or_default();
        let Some(url) = of_variable(&text) else {
            return Ok(None);
        };
        if is_direct(server, &exceptions) {
            return Ok(None);
        }
        let proxy = Proxy::of(url, told_by);
        let nowhere = "the proxy of the environment has no host, or an unknown scheme and no port";
        proxy.map(Some).ok_or(nowhere)
    }

    fn of(url: Url, told_by: &'static str) -> Option<Proxy> {
        let (kind, port) = match url.scheme.as_str() {
            "http" => (Kind::Http, url.port.unwrap_or(80)),
            "https" => (Kind::Https, url.port.unwrap_or(443)),
            "socks5" | "socks5h" => (Kind::Socks, url.port.unwrap_or(1080)),
            // Go speaks HTTP to whatever it does not know.
            _ => (Kind::Http, url.port?),
        };
        (!url.host.is_empty()).then_some(Proxy {
            kind,
            url,
            port,
            told_by,
        })
    }
}

/// Reads a variable: a URL, or host and port of an HTTP proxy. What is neither does not count.
fn of_variable(text: &str) -> Option<Url> {
    match Url::parse(text) {
        Ok(url) if !url.scheme.is_empty() && url.authority => Some(url),
        first => Url::parse(&format!("http://{text}")).or(first).ok(),
    }
}

/// Returns whether a server is reached without a proxy. It never counts for what runs on this machine.
fn is_direct(server: &Server, exceptions: &str) -> bool {
    if server.url.host == "localhost" {
        return true;
    }
    let ip = server.url.ip().map(|ip| ip.to_canonical());
    if ip.is_some_and(|ip| ip.is_loopback()) {
        return true;
    }
    let host = server.url.host.to_lowercase();
    let mut exceptions = exceptions.split(',').map(|one| one.trim().to_lowercase());
    exceptions.any(|one| is_excepted(&one, &host, ip, server.port))
}

fn is_excepted(exception: &str, host: &str, ip: Option<IpAddr>, port: u16) -> bool {
    if exception == "*" {
        return true;
    }
    if let Ok(net) = exception.parse::<IpNet>() {
        return ip.is_some_and(|ip| net.contains(&ip));
    }
    let (name, wanted) = host_and_port(exception);
    if !wanted.is_none_or(|wanted| wanted.is_empty() || wanted == port.to_string()) {
        return false;
    }
    if let Ok(excepted) = name.parse::<IpAddr>() {
        return ip == Some(excepted.to_canonical());
    }
    if ip.is_some() || name.is_empty() {
        return false;
    }
    let name = name
        .strip_prefix('*')
        .filter(|rest| rest.starts_with('.'))
        .unwrap_or(name);
    let name = match name.is_ascii() {
        true => name.to_owned(),
        false => idna::domain_to_ascii(name).unwrap_or_else(|_| name.to_owned()),
    };
    match name.strip_prefix('.') {
        Some(_) => host.ends_with(&name),
        None => host == name || host.ends_with(&format!(".{name}")),
    }
}

/// Splits as Go's `net.SplitHostPort` does; a text that it refuses is a host.
fn host_and_port(text: &str) -> (&str, Option<&str>) {
    if let Some((host, port)) = text
        .strip_prefix('[')
        .and_then(|rest| rest.split_once("]:"))
    {
        return (host, Some(port));
    }
    match text.split_once(':') {
        Some((host, port)) if !port.contains(':') => (host, Some(port)),
        _ => (text, None),
    }
}

#[cfg(test)]
mod tests;
