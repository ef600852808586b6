//! Ways to one API server for one row of the table: doors with certificates of all kinds, and proxies before them. All listen on loopback.

use std::io;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex};

use http::{HeaderMap, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use kube::Client;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

/// What stands before the path of the API server behind a door, when something does.
pub(super) const PREFIX: &str = "/k8s/clusters/c-1";

/// What a door has seen of a request, as far as the client decides it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) by_kubectl: bool,
    /// The headers that say who asks, sorted.
    pub(super) who: Vec<String>,
}

/// What is listened on for a row; nothing when it is dropped.
pub(super) struct Doors {
    client: Client,
    seen: Arc<Mutex<Vec<Seen>>>,
    tasks: JoinSet<()>,
}

impl Doors {
    /// `client` leads to the API server, as its administrator.
    pub(super) fn new(client: Client) -> Doors {
        Doors {
            client,
            seen: Arc::default(),
            tasks: JoinSet::new(),
        }
    }

    pub(super) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().expect("a lock").clone()
    }

    /// Opens a door, with TLS or without, and returns its port.
    pub(super) async fn open(&mut self, tls: Option<TlsAcceptor>) -> u16 {
        let (client, seen) = (self.client.clone(), Arc::clone(&self.seen));
        self.listen(move |stream| {
            let (client, seen, tls) = (client.clone(), Arc::clone(&seen), tls.clone());
            async move {
                match tls {
                    // As behind `kubectl proxy`, which logs in itself.
                    None => serve(stream, true, client, seen).await,
                    Some(tls) => {
                        let stream = tls.accept(stream).await?;
                        let certified = stream.get_ref().1.peer_certificates().is_some();
                        serve(stream, certified, client, seen).await
                    }
                }
            }
        })
        .await
    }

    /// Calls `with` with each connection.
    pub(super) async fn listen<F>(
        &mut self,
        with: impl Fn(TcpStream) -> F + Send + Sync + 'static,
    ) -> u16
    where
        F: Future<Output = io::Result<()>> + Send + 'static,
    {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .await
            .expect("a port");
        let port = listener.local_addr().expect("an address").port();
        self.tasks.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                connections.spawn(with(stream));
            }
        });
        port
    }
}

async fn serve(
    stream: impl tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
    certified: bool,
    client: Client,
    seen: Arc<Mutex<Vec<Seen>>>,
) -> io::Result<()> {
    let service = service_fn(move |request| {
        let (client, seen) = (client.clone(), Arc::clone(&seen));
        async move { Ok::<_, io::Error>(answer(request, certified, &client, &seen).await) }
    });
    let connection = hyper::server::conn::http1::Builder::new();
    let served = connection.serve_connection(TokioIo::new(stream), service);
    served.await.map_err(io::Error::other)
}

/// Whoever says a good word, or has a certificate, is let through as the administrator.
async fn answer(
    request: Request<Incoming>,
    certified: bool,
    client: &Client,
    seen: &Mutex<Vec<Seen>>,
) -> Response<Full<Bytes>> {
    let headers = request.headers();
    let text = |name: &str| {
        headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    };
    let by_kubectl = text("user-agent").contains("kubectl");
    seen.lock().expect("a lock").push(Seen {
        by_kubectl,
        who: who(headers),
    });
    let known = ["Bearer good", "Basic amFuZTpzZWNyZXQ="].contains(&text("authorization"));
    if !known && !certified {
        let status = r#"{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"Unauthorized","code":401}"#;
        return say(StatusCode::UNAUTHORIZED, status.into());
    }
    let path = request
        .uri()
        .path_and_query()
        .map_or("/", |path| path.as_str());
    let path = path.strip_prefix(PREFIX).unwrap_or(path);
    let asked = Request::get(path)
        .body(kube::client::Body::empty())
        .expect("a request");
    match client.send(asked).await {
        Ok(answer) => {
            let code = answer.status();
            let body = answer.into_body().collect().await.expect("a body");
            say(code, body.to_bytes())
        }
        Err(error) => say(StatusCode::BAD_GATEWAY, error.to_string().into()),
    }
}

fn say(code: StatusCode, body: Bytes) -> Response<Full<Bytes>> {
    let answer = Response::builder()
        .status(code)
        .header("content-type", "application/json");
    answer.body(Full::new(body)).expect("an answer")
}

fn who(headers: &HeaderMap) -> Vec<String> {
    let named = headers.iter().filter(|(name, _)| {
        name.as_str() == "authorization" || name.as_str().starts_with("impersonate-")
    });
    let mut who: Vec<_> = named
        .map(|(name, value)| format!("{name}: {}", String::from_utf8_lossy(value.as_bytes())))
        .collect();
    who.sort();
    who
}
