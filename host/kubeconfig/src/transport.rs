//! Requests to one server, with what they have to carry.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::header::{AUTHORIZATION, PROXY_AUTHORIZATION};
use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode, Uri};
use http_body_util::{BodyExt as _, Either, Full};
use hyper::body::{Body, Incoming};
use hyper_timeout::TimeoutConnector;
use hyper_util::client::legacy;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use serde_json::json;
use tower::{BoxError, Service};

use crate::connect::Connector;
use crate::credentials::{Carried, Credentials};
use crate::error::NoCredentials;
use crate::server::Server;

type Http = legacy::Client<TimeoutConnector<Connector>, Full<Bytes>>;

/// How long a connection may bring nothing while something is expected of it: more than a request may take, and than a watch lasts, which the server
/// ends before. Something between here and the server may keep a connection open that is dead, so the kernel does not notice.
const READ: Duration = Duration::from_secs(35);

/// How long a connection that nobody uses is kept: not so long that a request is sent on one that died meanwhile.
const IDLE: Duration = Duration::from_secs(10);

/// What the server answers, or what is said in its place when there are no credentials.
pub type Answer = Response<Either<Incoming, Full<Bytes>>>;

/// A client of one server. Clones share everything.
#[derive(Clone)]
pub struct Transport(Arc<Inner>);

struct Inner {
    server: Server,
    connector: Connector,
    credentials: Credentials,
    /// Who is to be impersonated.
    always: HeaderMap,
    /// For a proxy that reads the requests.
    proxy: Option<HeaderValue>,
    /// The connections, and which certificate they were made with.
    http: Mutex<(u64, Http)>,
}

impl Transport {
    pub(crate) fn new(
        server: Server,
        connector: Connector,
        credentials: Credentials,
        always: HeaderMap,
        proxy: Option<HeaderValue>,
    ) -> Transport {
        let http = Mutex::new((0, client(&connector)));
        Transport(Arc::new(Inner {
            server,
            connector,
            credentials,
            always,
            proxy,
            http,
        }))
    }

    /// Gets credentials, if they have to be got, so that it is known at once when there are none.
    pub(crate) async fn prepare(&self) -> Result<(), NoCredentials> {
        self.0.credentials.carried().await.map(drop)
    }

    async fn exchange(
        self,
        mut head: http::request::Parts,
        body: Bytes,
    ) -> Result<Answer, BoxError> {
        let inner = &*self.0;
        head.uri = inner.uri(&head.uri)?;
        head.headers.extend(inner.always.clone());
        if let Some(proxy) = &inner.proxy {
            head.headers.insert(PROXY_AUTHORIZATION, proxy.clone());
        }
        let carried = match inner.credentials.carried().await {
            Ok(carried) => carried,
            Err(error) => return Ok(unauthorized(&error)),
        };
        let answer = inner.send(&head, &body, &carried).await?;
        if answer.status() != StatusCode::UNAUTHORIZED {
            return Ok(answer.map(Either::Left));
        }
        // Nothing was done, so the same request may be sent again.
        let answer = match inner.credentials.instead_of(&carried).await {
            Some(carried) => inner.send(&head, &body, &carried).await?,
            None => answer,
        };
        Ok(answer.map(Either::Left))
    }
}

impl Inner {
    async fn send(
        &self,
        head: &http::request::Parts,
        body: &Bytes,
        carried: &Carried,
    ) -> Result<Response<Incoming>, legacy::Error> {
        let mut request = Request::from_parts(head.clone(), Full::new(body.clone()));
        if let Some(header) = &carried.header {
            request.headers_mut().insert(AUTHORIZATION, header.clone());
        }
        self.http(carried.generation).request(request).await
    }

    /// Returns the connections that were made with this certificate.
    fn http(&self, generation: u64) -> Http {
        let mut http = self.http.lock().unwrap_or_else(PoisonError::into_inner);
        if http.0 < generation {
            *http = (generation, client(&self.connector));
        }
        http.1.clone()
    }

    fn uri(&self, asked: &Uri) -> Result<Uri, http::Error> {
        let asked = asked.path_and_query().map_or("/", PathAndQuery::as_str);
        Uri::builder()
            .scheme(self.server.scheme())
            .authority(self.server.authority())
            .path_and_query(format!("{}{asked}", self.server.prefix))
            .build()
    }
}

fn client(connector: &Connector) -> Http {
    let mut connector = TimeoutConnector::new(connector.clone());
    connector.set_read_timeout(Some(READ));
    // One that was idle before has not been waiting for an answer.
    connector.set_reset_reader_on_write(true);
    legacy::Client::builder(TokioExecutor::new())
        .pool_timer(TokioTimer::new())
        .pool_idle_timeout(IDLE)
        .build(connector)
}

/// Says what the server would say, had it got a request without credentials, and why there are none.
fn unauthorized(error: &NoCredentials) -> Answer {
    let status = json!({
        "kind": "Status", "apiVersion": "v1", "status": "Failure", "code": 401, "reason": "Unauthorized",
        "message": error.to_string(),
    });
    let mut answer = Response::new(Either::Right(Full::from(status.to_string())));
    *answer.status_mut() = StatusCode::UNAUTHORIZED;
    answer
}

impl<B> Service<Request<B>> for Transport
where
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    type Response = Answer;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Answer, BoxError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    /// The body is read whole first: it may have to be sent twice.
    fn call(&mut self, request: Request<B>) -> Self::Future {
        let this = self.clone();
        let (head, body) = request.into_parts();
        Box::pin(async move {
            let body = body.collect().await.map_err(Into::into)?.to_bytes();
            this.exchange(head, body).await
        })
    }
}
