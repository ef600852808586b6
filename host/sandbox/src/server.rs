//! The listener: TLS, HTTP, and the order in which a request is looked at.

use std::net::SocketAddr;
use std::sync::Arc;

use http::{Method, Response};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

use crate::auth::{self, Ask};
use crate::handle::{Failure, Seen};
use crate::request::{Query, Request};
use crate::respond::accept::Accept;
use crate::respond::{self, Body, Reply};
use crate::route::{self, Route};
use crate::status::ApiError;
use crate::tls::Tls;
use crate::verb;
use crate::world::World;

/// The connection is to end without an answer.
#[derive(Debug, thiserror::Error)]
#[error("the connection was dropped on purpose")]
struct Dropped;

/// Accepts connections until `stop`.
pub(crate) async fn serve(
    world: Arc<World>,
    listener: TcpListener,
    tls: Tls,
    stop: CancellationToken,
) {
    loop {
        let accepted = tokio::select! {
            () = stop.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        if let Ok((stream, from)) = accepted {
            let (world, acceptor, stop) = (Arc::clone(&world), tls.acceptor.clone(), stop.clone());
            tokio::spawn(async move {
                let cut = world.faults.cut();
                tokio::select! {
                    () = stop.cancelled() => {}
                    () = cut.cancelled() => {}
                    () = connection(world, acceptor, stream, from) => {}
                }
            });
        }
    }
}

async fn connection(
    world: Arc<World>,
    acceptor: tokio_rustls::TlsAcceptor,
    stream: TcpStream,
    from: SocketAddr,
) {
    if let Err(err) = stream.set_nodelay(true) {
        tracing::debug!(%from, %err, "the connection has no TCP_NODELAY");
    }
    let stream = match acceptor.accept(stream).await {
        Ok(stream) => stream,
        Err(err) => return tracing::debug!(%from, %err, "the TLS handshake failed"),
    };
    let service = service_fn(move |request| answer(Arc::clone(&world), request));
    let served = auto::Builder::new(TokioExecutor::new())
        .serve_connection_with_upgrades(TokioIo::new(stream), service)
        .await;
    if let Err(err) = served {
        tracing::debug!(%from, %err, "the connection ended");
    }
}

async fn answer(
    world: Arc<World>,
    request: http::Request<Incoming>,
) -> Result<Response<Body>, Dropped> {
    let (parts, body) = request.into_parts();
    let text = |value: Option<&http::HeaderValue>| {
        value
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
            .to_owned()
    };
    let seen = Seen {
        method: parts.method.to_string(),
        path: parts.uri.path().to_owned(),
        query: parts.uri.query().unwrap_or_default().to_owned(),
        user_agent: text(parts.headers.get(http::header::USER_AGENT)),
    };
    let query = Query::parse(&seen.query);
    let accept = Accept::parse(&text(parts.headers.get(http::header::ACCEPT)), &query);
    let failure = world.faults.arrive(seen);
    world.faults.wait_for_speech().await;
    match failure {
        Some(Failure::Drop) => return Err(Dropped),
        Some(failure) if let Some(err) = failure.answer() => return Ok(respond::error(&err)),
        _ => {}
    }
    let body = body.collect().await.map_err(|_| Dropped)?.to_bytes();
    let user = match auth::authenticate(&world.logins, &parts.headers, &world.store) {
        Ok(user) => user,
        Err(err) => return Ok(respond::error(&err)),
    };
    let request = Request {
        method: parts.method,
        path: parts.uri.path().to_owned(),
        query,
        headers: parts.headers,
        body,
        user,
    };
    let response = handle(&world, &request, &accept);
    world.faults.wait_for_speech().await;
    if failure == Some(Failure::DropAfter) {
        Err(Dropped)
    } else {
        Ok(response.unwrap_or_else(|err| respond::error(&err)))
    }
}

fn handle(
    world: &Arc<World>,
    request: &Request,
    accept: &Accept,
) -> Result<Response<Body>, ApiError> {
    match route::find(&world.registry, &request.path)? {
        Route::Resource(target) => {
            auth::authorize(
                &world.store,
                &request.user,
                &Ask::of(&target, &request.method, &request.query),
            )?;
            accept.check()?;
            let reply = verb::dispatch(world, &target, request, accept)?;
            Ok(respond::write(reply, Some(&target.resource), accept))
        }
        Route::Other => {
            let verb = request.method.as_str().to_lowercase();
            let ask = Ask {
                verb,
                path: Some(request.path.clone()),
                ..Ask::default()
            };
            auth::authorize(&world.store, &request.user, &ask)?;
            if request.method != Method::GET && request.method != Method::HEAD {
                return Err(ApiError::method_not_allowed());
            }
            accept.check()?;
            let answer = crate::discovery::answer(world, &request.path, accept)?;
            Ok(respond::write(Reply::from(answer), None, accept))
        }
    }
}
