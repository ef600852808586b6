//! The proxy's handle: starting, planning, asking what happened.

use std::net::TcpListener;
use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use base64::Engine as _;
use serde_json::Value;

use super::plan::{Fault, Plan, Request};
use super::relay::{Upstream, serve};
use super::tls;
use crate::background::Background;
use crate::identity::{Authority, kubeconfig};

/// A running proxy; dropping it closes every connection.
pub struct Proxy {
    plan: Arc<Plan>,
    url: String,
    kubeconfig: String,
    _server: Background,
}

impl Proxy {
    /// Starts in front of the API server that a kubeconfig (its text) names in its current context.
    ///
    /// # Errors
    /// The kubeconfig has no inline certificate authority or no token, or its server is no `https` address.
    pub fn start(behind: &str) -> Result<Self> {
        let target = Target::read(behind)?;
        let authority = Authority::new()?;
        let acceptor = tls::acceptor(&authority.issue()?)?;
        let upstream = Upstream::new(&target.server, tls::connector(&target.ca_pem)?)?;
        let listener = TcpListener::bind("127.0.0.1:0").context("opening a port for the proxy")?;
        listener
            .set_nonblocking(true)
            .context("preparing the proxy's port")?;
        let url = format!("https://{}", listener.local_addr()?);
        let plan = Arc::new(Plan::default());
        let shared = plan.clone();
        let server = Background::spawn("fault-proxy", move || {
            serve(listener, acceptor, upstream, shared)
        })?;
        Ok(Self {
            plan,
            kubeconfig: kubeconfig("fault", &url, &authority.pem(), "client", &target.token),
            url,
            _server: server,
        })
    }

    /// Lets a request to come fail.
    pub fn plan(&self, fault: Fault) {
        self.plan.add(fault);
    }

    /// From now on nothing comes over the connections that there are, in either direction, and none of them is closed: as when a NAT has forgotten
    /// them, or a node went away without a word. New ones are served.
    pub fn freeze(&self) {
        self.plan.freeze();
    }

    /// Every request since the start or the last [`Proxy::clear`], in order of arrival.
    #[must_use]
    pub fn log(&self) -> Vec<Request> {
        self.plan.log()
    }

    /// Whether a request stands still as planned.
    #[must_use]
    pub fn stalled(&self) -> bool {
        self.plan.stalled()
    }

    /// Forgets the planned faults and the log; the next request is number 1.
    pub fn clear(&self) {
        self.plan.clear();
    }

    /// The text of a kubeconfig that leads here, with the token of the one it was started with.
    #[must_use]
    pub fn kubeconfig(&self) -> &str {
        &self.kubeconfig
    }

    /// The proxy's own address, `https://127.0.0.1:PORT`.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }
}

struct Target {
    server: String,
    ca_pem: String,
    token: String,
}

impl Target {
    fn read(text: &str) -> Result<Self> {
        let config: Value = serde_yaml_ng::from_str(text)
            .context("reading the kubeconfig of the server behind the proxy")?;
        let context = named(&config, "contexts", "context", &config["current-context"])?;
        let cluster = named(&config, "clusters", "cluster", &context["cluster"])?;
        let user = named(&config, "users", "user", &context["user"])?;
        let authority = text_of(cluster, "certificate-authority-data")?;
        let authority = base64::engine::general_purpose::STANDARD
            .decode(authority.trim())
            .context("decoding `certificate-authority-data`")?;
        let server = text_of(cluster, "server")?;
        ensure!(
            server.starts_with("https://"),
            "`{server}` is no https address"
        );
        Ok(Self {
            server,
            ca_pem: String::from_utf8(authority).context("reading `certificate-authority-data`")?,
            token: text_of(user, "token")?,
        })
    }
}

fn named<'a>(config: &'a Value, list: &str, kind: &str, name: &Value) -> Result<&'a Value> {
    let mut entries = config[list].as_array().into_iter().flatten();
    let entry = entries.find(|entry| entry["name"] == *name);
    let entry = entry.with_context(|| format!("finding {kind} {name} in the kubeconfig"))?;
    Ok(&entry[kind])
}

fn text_of(entry: &Value, key: &str) -> Result<String> {
    let text = entry[key].as_str();
    let text = text.with_context(|| format!("finding `{key}` in the kubeconfig"))?;
    Ok(text.to_owned())
}
