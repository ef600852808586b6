//! Requests over TLS to a server of our own: what they carry, and what happens when it is refused.

use std::convert::Infallible;
use std::io;
use std::net::Ipv4Addr;
use std::path::Path;
use std::sync::{Arc, Mutex};

use agent_kubeconfig::{Access, Connection, Kubeconfig, Sources};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use futures::FutureExt as _;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::PrivateKeyDer;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tower::Service as _;

/// What `tok` holds now.
static TOKEN: Mutex<&str> = Mutex::new("old\n");

/// What the server was sent: the path, the token and the body.
type Seen = Arc<Mutex<Vec<(String, String, String)>>>;

/// Starts a server that knows one token, and returns its port and its certificate.
async fn server(seen: Seen) -> (u16, String) {
    let key = rcgen::KeyPair::generate().expect("a key");
    let wanted = rcgen::CertificateParams::new(["127.0.0.1".to_owned()]).expect("names");
    let certificate = wanted.self_signed(&key).expect("a certificate");
    let key = PrivateKeyDer::try_from(key.serialize_der()).expect("a key");
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key);
    let tls = TlsAcceptor::from(Arc::new(config.expect("a certificate")));
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .await
        .expect("a port");
    let port = listener.local_addr().expect("an address").port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let stream = tls.accept(stream).await.expect("TLS");
            let seen = Arc::clone(&seen);
            let service = service_fn(move |request| answer(request, Arc::clone(&seen)));
            let http = hyper::server::conn::http1::Builder::new();
            tokio::spawn(http.serve_connection(TokioIo::new(stream), service));
        }
    });
    (port, certificate.pem())
}

async fn answer(
    request: Request<Incoming>,
    seen: Seen,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let (head, body) = request.into_parts();
    let token = head
        .headers
        .get("authorization")
        .and_then(|value| value.to_str().ok());
    let token = token.unwrap_or_default().to_owned();
    let body = body.collect().await.expect("a body").to_bytes();
    let mut answer = Response::new(Full::default());
    if token != "Bearer new" {
        *answer.status_mut() = StatusCode::UNAUTHORIZED;
    }
    let body = String::from_utf8_lossy(&body).into_owned();
    seen.lock()
        .expect("a lock")
        .push((head.uri.to_string(), token, body));
    Ok(answer)
}

#[tokio::test]
async fn a_refused_request_is_sent_again_with_the_token_that_is_there_now() {
    let seen = Seen::default();
    let (port, certificate) = server(Arc::clone(&seen)).await;
    let text = format!(
        "current-context: a
clusters: [{{name: a, cluster: {{server: 'https://127.0.0.1:{port}/base/', certificate-authority-data: {}}}}}]
contexts: [{{name: a, context: {{cluster: a, user: me}}}}]
users: [{{name: me, user: {{tokenFile: tok}}}}]",
        STANDARD.encode(certificate)
    );
    let access = Access {
        read: |_| Ok((*TOKEN.lock().expect("a lock")).into()),
        variable: |_| None,
        run: Arc::new(|_| std::future::ready(Err(io::ErrorKind::NotFound.into())).boxed()),
        show: Arc::new(|_| {}),
        learn: Arc::new(|_| {}),
        interactive: false,
    };
    let sources = Sources {
        named: Some(Path::new("config")),
        ..Sources::default()
    };
    let kubeconfig = Kubeconfig::load(&sources, |_| Ok(text.clone().into())).expect("a kubeconfig");
    let connection = kubeconfig.connect(None, access).await.expect("a way");
    let Connection {
        mut transport,
        server,
        ..
    } = connection;
    assert_eq!(server, format!("https://127.0.0.1:{port}/base"));
    let mut ask = async || {
        let request = Request::post("/x?y=1").body(Full::new(Bytes::from("body")));
        let answer = transport.call(request.expect("a request")).await;
        answer.expect("an answer").status()
    };
    assert_eq!(
        ask().await,
        401,
        "there is no other token, so nothing is sent again"
    );
    *TOKEN.lock().expect("a lock") = "new\n";
    assert_eq!(ask().await, 200);
    assert_eq!(ask().await, 200);
    let sent = |token: &str| {
        (
            "/base/x?y=1".to_owned(),
            format!("Bearer {token}"),
            "body".to_owned(),
        )
    };
    let wanted = [sent("old"), sent("old"), sent("new"), sent("new")];
    assert_eq!(*seen.lock().expect("a lock"), wanted);
}
