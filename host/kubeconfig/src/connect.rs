//! A connection: to the server or to a proxy, through the proxy, and TLS with the server.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use http::{HeaderValue, Uri};
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::client::legacy::connect::proxy::{SocksV5, Tunnel};
use hyper_util::client::legacy::connect::{Connected, Connection, HttpConnector};
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use rustls::{CertificateError, ClientConfig};
use thiserror::Error;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsConnector;
use tower::{BoxError, Service, service_fn};

use crate::credentials::basic;
use crate::proxy::{Kind, Proxy};
use crate::server::Server;

/// How long the way to an API server may take. One that is down must not look like one that is slow.
const CONNECT: Duration = Duration::from_secs(5);

/// When a connection that says nothing is asked whether it still is one, how often again, and how many times: it is known to be dead within 30 s.
const IDLE: Duration = Duration::from_secs(15);
const INTERVAL: Duration = Duration::from_secs(5);
const PROBES: u32 = 3;
/// The same for one on which something was sent and nobody has taken it: there the kernel does not ask.
#[cfg(target_os = "linux")]
const UNTAKEN: Duration = Duration::from_secs(30);

/// Why there is no connection.
#[derive(Debug, Error)]
enum NoConnection {
    #[error("the proxy that {0} names cannot be reached")]
    Proxy(&'static str, #[source] BoxError),
    #[error("the proxy that {0} names does not lead to the server")]
    Refused(&'static str, #[source] BoxError),
    #[error(
        "the server's certificate is not valid for the name in `tls-server-name`, only for {0}"
    )]
    Misnamed(String),
    /// ring has neither the curve P-521, nor short RSA keys, nor SHA-1.
    #[error(
        "the server's certificate, or one that vouches for it, has a key or a signature that is not supported, such as on P-521"
    )]
    Unsupported,
    #[error("no connection within {} s", CONNECT.as_secs())]
    Slow,
}

/// Makes connections to one server.
#[derive(Clone)]
pub(crate) struct Connector(Arc<Way>);

pub(crate) struct Way {
    pub(crate) server: Server,
    pub(crate) proxy: Option<Proxy>,
    /// None for plain HTTP.
    pub(crate) tls: Option<Tls>,
    /// None for a proxy that does not speak TLS.
    pub(crate) proxy_tls: Option<Tls>,
}

/// TLS, and the name that has to be in the certificate.
pub(crate) struct Tls {
    pub(crate) config: Arc<ClientConfig>,
    pub(crate) name: ServerName<'static>,
    /// Whether that is another one than the address has. It is not repeated then.
    pub(crate) renamed: bool,
}

trait Duplex: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Duplex for T {}

type Stream = TokioIo<Box<dyn Duplex>>;

impl Connector {
    pub(crate) fn new(way: Way) -> Connector {
        Connector(Arc::new(way))
    }

    async fn connect(self) -> Result<Link, BoxError> {
        let Way {
            server, proxy, tls, ..
        } = &*self.0;
        let to_server = uri(&server.dialled())?;
        let (stream, forwarded) = match proxy {
            None => (dial(to_server).await?, false),
            Some(proxy) if !server.https && proxy.kind != Kind::Socks => {
                (self.to_proxy(proxy).await?, true)
            }
            Some(proxy) => (self.through(proxy, to_server).await?, false),
        };
        let stream = match tls {
            Some(tls) => secure(stream, tls).await?,
            None => stream,
        };
        Ok(Link { stream, forwarded })
    }

    async fn through(&self, proxy: &Proxy, to_server: Uri) -> Result<Stream, BoxError> {
        let mut opened = Some(self.to_proxy(proxy).await?);
        let opened =
            service_fn(move |_: Uri| std::future::ready(opened.take().ok_or("it was used before")));
        let refused = |error| NoConnection::Refused(proxy.told_by, error).into();
        // Where the proxy is does not matter any more: there is a connection to it.
        if proxy.kind == Kind::Socks {
            let socks = SocksV5::new(to_server.clone(), opened);
            let mut socks = match &proxy.url.user {
                Some(user) => socks.with_auth(user.name.to_string(), user.password.to_string()),
                None => socks,
            };
            let through = socks.call(to_server).await;
            return through.map_err(|error| refused(error.into()));
        }
        let tunnel = Tunnel::new(to_server.clone(), opened);
        let mut tunnel = match authorization(proxy) {
            Some(header) => tunnel.with_auth(header),
            None => tunnel,
        };
        let through = tunnel.call(to_server).await;
        through.map_err(|error| refused(error.into()))
    }

    async fn to_proxy(&self, proxy: &Proxy) -> Result<Stream, BoxError> {
        let failed = |error| BoxError::from(NoConnection::Proxy(proxy.told_by, error));
        let address = uri(&format!("{}:{}", proxy.url.host_in_url(), proxy.port))?;
        let stream = dial(address).await.map_err(failed)?;
        match (proxy.kind, &self.0.proxy_tls) {
            (Kind::Https, Some(tls)) => secure(stream, tls).await.map_err(failed),
            _ => Ok(stream),
        }
    }
}

/// Returns the header by which a proxy knows who we are.
pub(crate) fn authorization(proxy: &Proxy) -> Option<HeaderValue> {
    proxy.url.user.as_ref().and_then(basic)
}

async fn dial(to: Uri) -> Result<Stream, BoxError> {
    let mut tcp = HttpConnector::new();
    // Or the request stays here until the server has acknowledged the end of the TLS handshake, which it puts off for 40 ms: most of what a
    // cold run would take.
    tcp.set_nodelay(true);
    tcp.set_connect_timeout(Some(CONNECT));
    tcp.set_keepalive(Some(IDLE));
    tcp.set_keepalive_interval(Some(INTERVAL));
    tcp.set_keepalive_retries(Some(PROBES));
    #[cfg(target_os = "linux")]
    tcp.set_tcp_user_timeout(Some(UNTAKEN));
    let stream = tcp.call(to).await?;
    Ok(TokioIo::new(Box::new(stream.into_inner())))
}

async fn secure(stream: Stream, tls: &Tls) -> Result<Stream, BoxError> {
    let connector = TlsConnector::from(Arc::clone(&tls.config));
    let secured = connector
        .connect(tls.name.clone(), stream.into_inner())
        .await;
    match secured {
        Ok(stream) => Ok(TokioIo::new(Box::new(stream))),
        Err(error) => match judged(&error, tls.renamed) {
            Some(better) => Err(better.into()),
            None => Err(error.into()),
        },
    }
}

/// Says better what the library says, where it repeats a field of the kubeconfig or names an algorithm by its number.
fn judged(error: &io::Error, renamed: bool) -> Option<NoConnection> {
    let error = error.get_ref()?.downcast_ref::<rustls::Error>()?;
    let rustls::Error::InvalidCertificate(error) = error else {
        return None;
    };
    match error {
        CertificateError::NotValidForNameContext { presented, .. } if renamed => {
            let names: Vec<_> = presented.iter().map(|name| named(name)).collect();
            Some(NoConnection::Misnamed(names.join(", ")))
        }
        CertificateError::UnsupportedSignatureAlgorithmContext { .. }
        | CertificateError::UnsupportedSignatureAlgorithmForPublicKeyContext { .. } => {
            Some(NoConnection::Unsupported)
        }
        _ => None,
    }
}

/// rustls gives names as it debugs them: `DnsName("localhost")`, `IpAddress(127.0.0.1)`.
fn named(presented: &str) -> String {
    let inner = presented.split_once('(');
    let inner = inner.map_or(presented, |(_, rest)| rest.trim_end_matches(')'));
    format!("`{}`", inner.trim_matches('"'))
}

fn uri(authority: &str) -> Result<Uri, http::Error> {
    let uri = Uri::builder().scheme("http").authority(authority);
    uri.path_and_query("/").build()
}

impl Service<Uri> for Connector {
    type Response = Link;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Link, BoxError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    /// There is one server; what a request says of it was made by us.
    fn call(&mut self, _: Uri) -> Self::Future {
        let connecting = self.clone().connect();
        Box::pin(async move {
            tokio::time::timeout(CONNECT, connecting)
                .await
                .unwrap_or_else(|_| Err(NoConnection::Slow.into()))
        })
    }
}

/// A connection on which requests can be sent.
pub(crate) struct Link {
    stream: Stream,
    /// Whether a proxy reads the requests, which have to name the server then.
    forwarded: bool,
}

impl Connection for Link {
    fn connected(&self) -> Connected {
        Connected::new().proxy(self.forwarded)
    }
}

impl Read for Link {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl Write for Link {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffers: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, buffers)
    }
}
