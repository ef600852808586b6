//! The HTTP client of the user's cluster: that of kube, but on connections that do not wait before they send.
//!
//! kube's own leaves Nagle's algorithm on. The request then stays here until the server has acknowledged the end of the TLS
//! handshake, which it puts off for 40 ms: most of what a cold run would take.
//!
//! And on connections whose death is noticed: by the kernel, as with Go's own defaults, and by the time limits of `wire/cluster.rs` where something
//! between here and the server keeps them open.

use std::time::Duration;

use hyper_timeout::TimeoutConnector;
use hyper_util::client::legacy;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use kube::client::{Body, ConfigExt as _};
use kube::{Client, Config};
use tower::{BoxError, ServiceBuilder};

/// How long a connection that nobody uses is kept: not so long that a request is sent on one that died meanwhile.
const IDLE: Duration = Duration::from_secs(10);

/// Makes the client. The way through a proxy is left to kube.
pub(super) fn client(config: Config) -> Result<Client, kube::Error> {
    if config.proxy_url.is_some() {
        return Client::try_from(config);
    }
    let mut tcp = HttpConnector::new();
    tcp.enforce_http(false);
    tcp.set_nodelay(true);
    tcp.set_keepalive(Some(Duration::from_secs(15)));
    tcp.set_keepalive_interval(Some(Duration::from_secs(5)));
    tcp.set_keepalive_retries(Some(3));
    let tls = config.rustls_https_connector_with_connector(tcp)?;
    let mut connector = TimeoutConnector::new(tls);
    connector.set_connect_timeout(config.connect_timeout);
    connector.set_read_timeout(config.read_timeout);
    // One that was idle before has not been waiting for an answer.
    connector.set_reset_reader_on_write(true);
    connector.set_write_timeout(config.write_timeout);
    let http: legacy::Client<_, Body> = legacy::Client::builder(TokioExecutor::new())
        .pool_idle_timeout(IDLE)
        .build(connector);
    let service = ServiceBuilder::new()
        .layer(config.base_uri_layer())
        .option_layer(config.auth_layer()?)
        .layer(config.extra_headers_layer()?)
        .map_err(BoxError::from)
        .service(http);
    Ok(Client::new(service, config.default_namespace))
}
