//! Requests on their way through the proxy: down one connection, up another.
//!
//! Each client connection has one connection to the server behind, opened when first needed and again when it broke.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use bytes::Bytes;
use futures::StreamExt as _;
use http::{HeaderValue, Response, Uri, header};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, BodyStream, Full, StreamBody};
use hyper::body::Incoming;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use serde_json::json;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Mutex;
use tokio_rustls::{TlsAcceptor, TlsConnector};

use super::plan::{Kind, Plan, Request};

type Body = UnsyncBoxBody<Bytes, anyhow::Error>;

/// The server behind the proxy.
#[derive(Clone)]
pub(super) struct Upstream {
    host: String,
    port: u16,
    connector: TlsConnector,
}

impl Upstream {
    /// Takes a URL without a path.
    pub(super) fn new(url: &str, connector: TlsConnector) -> Result<Self> {
        let uri: Uri = url
            .parse()
            .with_context(|| format!("reading address `{url}`"))?;
        let host = uri
            .host()
            .with_context(|| format!("finding the host in `{url}`"))?;
        Ok(Self {
            host: host.trim_matches(['[', ']']).to_owned(),
            port: uri.port_u16().unwrap_or(443),
            connector,
        })
    }

    async fn connect(&self) -> Result<SendRequest<Incoming>> {
        let stream = TcpStream::connect((self.host.as_str(), self.port)).await?;
        stream.set_nodelay(true)?;
        let name = ServerName::try_from(self.host.clone())?;
        let stream = self.connector.connect(name, stream).await?;
        let (sender, connection) = handshake(TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        Ok(sender)
    }
}

/// Accepts clients until the proxy is dropped.
pub(super) async fn serve(
    listener: std::net::TcpListener,
    acceptor: TlsAcceptor,
    upstream: Upstream,
    plan: Arc<Plan>,
) {
    let Ok(listener) = TcpListener::from_std(listener) else {
        return;
    };
    while let Ok((stream, _)) = listener.accept().await {
        let relay = Arc::new(Relay {
            upstream: upstream.clone(),
            number: plan.connect(),
            plan: plan.clone(),
            sender: Mutex::default(),
        });
        let acceptor = acceptor.clone();
        tokio::spawn(async move {
            if let Err(err) = converse(stream, acceptor, relay).await {
                tracing::debug!(
                    error = format!("{err:#}"),
                    "a connection of the fault proxy ended"
                );
            }
        });
    }
}

async fn converse(stream: TcpStream, acceptor: TlsAcceptor, relay: Arc<Relay>) -> Result<()> {
    stream.set_nodelay(true)?;
    let stream = acceptor.accept(stream).await.context("greeting a client")?;
    let service = service_fn(move |request| {
        let relay = relay.clone();
        relay.handle(request)
    });
    hyper::server::conn::http1::Builder::new()
        .serve_connection(TokioIo::new(stream), service)
        .await
        .context("serving a client")
}

struct Relay {
    upstream: Upstream,
    number: usize,
    plan: Arc<Plan>,
    sender: Mutex<Option<SendRequest<Incoming>>>,
}

impl Relay {
    /// An error closes the client's connection without an answer: that is how faults drop it.
    async fn handle(self: Arc<Self>, request: http::Request<Incoming>) -> Result<Response<Body>> {
        self.thawed().await;
        let response = self.answer(request).await;
        self.thawed().await;
        Ok(response?.map(|body| freezing(body, self)))
    }

    /// Returns at once, or never.
    async fn thawed(&self) {
        if self.plan.is_frozen(self.number) {
            std::future::pending().await
        }
    }

    async fn answer(&self, request: http::Request<Incoming>) -> Result<Response<Body>> {
        let known = self.record(&request);
        match known.fault {
            Some(Kind::Answer(code)) => answer(code),
            Some(Kind::StallBefore) => {
                self.plan.stall();
                std::future::pending().await
            }
            Some(Kind::StallAfter) => {
                self.forward(request, &known).await?;
                self.plan.stall();
                std::future::pending().await
            }
            Some(Kind::DropBefore) => bail!("dropped as planned, before the server saw it"),
            Some(Kind::DropAfter) => {
                self.forward(request, &known).await?;
                bail!("dropped as planned, after the server did it")
            }
            Some(Kind::Cut(after)) => {
                let response = self.forward(request, &known).await?;
                Ok(response.map(|body| cut(body, after)))
            }
            Some(Kind::Delay(time)) => {
                tokio::time::sleep(time).await;
                self.forward(request, &known).await
            }
            None => self.forward(request, &known).await,
        }
    }

    fn record(&self, request: &http::Request<Incoming>) -> Request {
        let agent = request.headers().get(header::USER_AGENT);
        let agent = agent
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default();
        let path = request
            .uri()
            .path_and_query()
            .map_or("/", |path| path.as_str());
        self.plan.meet(request.method().as_str(), path, agent)
    }

    async fn forward(
        &self,
        request: http::Request<Incoming>,
        known: &Request,
    ) -> Result<Response<Body>> {
        let mut slot = self.sender.lock().await;
        let alive = match slot.as_mut() {
            Some(sender) => sender.ready().await.is_ok(),
            None => false,
        };
        if !alive {
            *slot = Some(
                self.upstream
                    .connect()
                    .await
                    .context("reaching the server behind the proxy")?,
            );
        }
        let sender = slot.as_mut().context("keeping a connection")?;
        let response = sender
            .send_request(request)
            .await
            .context("asking the server behind the proxy")?;
        self.plan.answered(known, response.status().as_u16());
        Ok(response.map(|body| body.map_err(anyhow::Error::from).boxed_unsync()))
    }
}

/// Hands on what comes, and the end of it, unless the connection is frozen by then.
fn freezing(body: Body, relay: Arc<Relay>) -> Body {
    let end = futures::stream::once(async { None });
    let frames = BodyStream::new(body).map(Some).chain(end);
    let frames = frames.then(move |frame| {
        let relay = relay.clone();
        async move {
            relay.thawed().await;
            frame
        }
    });
    StreamBody::new(frames.filter_map(std::future::ready)).boxed_unsync()
}

fn cut(body: Body, after: Duration) -> Body {
    let end = Box::pin(tokio::time::sleep(after));
    let broken = futures::stream::once(async {
        Err(anyhow::anyhow!(
            "cut as planned, in the middle of the answer"
        ))
    });
    let frames = BodyStream::new(body).take_until(end).chain(broken);
    StreamBody::new(frames).boxed_unsync()
}

/// What the API server itself answers in such a case.
fn answer(code: u16) -> Result<Response<Body>> {
    let (reason, message) = match code {
        401 => ("Unauthorized", "Unauthorized"),
        403 => ("Forbidden", "forbidden by a planned fault"),
        404 => ("NotFound", "not found by a planned fault"),
        409 => (
            "Conflict",
            "the object has been modified; please apply your changes to the latest version and try again",
        ),
        429 => (
            "TooManyRequests",
            "too many requests, please try again later",
        ),
        503 => (
            "ServiceUnavailable",
            "the server is currently unable to handle the request",
        ),
        504 => ("Timeout", "the request did not complete in time"),
        _ => (
            "InternalError",
            "an error on the server has prevented the request from succeeding",
        ),
    };
    let details = if code == 429 {
        json!({"retryAfterSeconds": 1})
    } else {
        json!({})
    };
    let status = json!({
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
        "message": message, "reason": reason, "details": details, "code": code,
    });
    let body = Full::from(status.to_string())
        .map_err(anyhow::Error::from)
        .boxed_unsync();
    let mut response = Response::builder()
        .status(code)
        .body(body)
        .context("answering with a planned fault")?;
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/json"),
    );
    if code == 429 {
        headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
    }
    Ok(response)
}
