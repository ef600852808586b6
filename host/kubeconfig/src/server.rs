//! The address of a cluster, as client-go makes one of `server`.

use std::fmt;

use http::uri::{Authority, PathAndQuery};

use crate::url::{Url, UserInfo};

/// Where an API server is. `Display` is its URL without name and password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Server {
    pub(crate) https: bool,
    pub(crate) url: Url,
    pub(crate) port: u16,
    /// In front of the path of each request; without a slash at its end.
    pub(crate) prefix: String,
}

impl Server {
    /// Reads the field. Without a scheme it is plain HTTP, as for kubectl.
    pub(crate) fn parse(text: &str) -> Result<Server, &'static str> {
        let url = match Url::parse(text) {
            Ok(url) if !url.scheme.is_empty() && url.authority => url,
            first => {
                let first = first
                    .err()
                    .unwrap_or("is neither a URL nor a host and a port");
                let url = Url::parse(&format!("http://{text}")).map_err(|_| first)?;
                if !url.authority || !matches!(url.path.as_str(), "" | "/") {
                    return Err(first);
                }
                url
            }
        };
        let https = match url.scheme.as_str() {
            "https" => true,
            "http" => false,
            _ => return Err("has a scheme that is neither `https` nor `http`"),
        };
        if url.host.is_empty() {
            return Err("has no host");
        }
        let prefix = url.path.trim_end_matches('/').to_owned();
        let prefix = match prefix.parse::<PathAndQuery>() {
            Ok(_) => prefix,
            Err(_) if prefix.is_empty() => prefix,
            Err(_) => return Err("has a path with characters that are not encoded"),
        };
        let server = Server {
            https,
            port: url.port.unwrap_or(if https { 443 } else { 80 }),
            url,
            prefix,
        };
        match server.authority().parse::<Authority>() {
            Ok(_) => Ok(server),
            Err(_) => Err("has a host that is not a name"),
        }
    }

    pub(crate) fn user(&self) -> Option<&UserInfo> {
        self.url.user.as_ref()
    }

    pub(crate) fn scheme(&self) -> &'static str {
        if self.https { "https" } else { "http" }
    }

    /// Returns host and port as they stand in `Host` and in URLs: the port only when it was given.
    pub(crate) fn authority(&self) -> String {
        let host = self.url.host_in_url();
        self.url
            .port
            .map_or(host.clone(), |port| format!("{host}:{port}"))
    }

    /// Returns host and port.
    pub(crate) fn dialled(&self) -> String {
        format!("{}:{}", self.url.host_in_url(), self.port)
    }
}

impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}{}", self.scheme(), self.authority(), self.prefix)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_what_kubectl_makes_of_it() {
        let table = [
            ("https://10.0.0.5:6443", Ok("https://10.0.0.5:6443")),
            (
                "https://h/k8s/clusters/c-1/",
                Ok("https://h/k8s/clusters/c-1"),
            ),
            ("https://u:pw@h/?token=x#y", Ok("https://h")),
            ("127.0.0.1:18001", Ok("http://127.0.0.1:18001")),
            ("localhost:8080/", Ok("http://localhost:8080")),
            ("nas", Ok("http://nas")),
            ("HTTPS://H:443", Ok("https://H:443")),
            ("https://[::1]:6443", Ok("https://[::1]:6443")),
            (
                "localhost:8080/path",
                Err("is neither a URL nor a host and a port"),
            ),
            ("https:/host", Err("is neither a URL nor a host and a port")),
            ("https://", Err("is neither a URL nor a host and a port")),
            (
                "ftp://h",
                Err("has a scheme that is neither `https` nor `http`"),
            ),
            ("https://:6443", Err("has no host")),
            ("https://h:99999", Err("has a port above 65535")),
        ];
        for (text, wanted) in table {
            let server = Server::parse(text).map(|server| server.to_string());
            assert_eq!(server.as_deref().map_err(|what| *what), wanted, "{text:?}");
        }
    }
}
