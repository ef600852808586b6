//! The server as a value: started, asked for its address, dropped.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::auth::Login;
use crate::handle::{Faults, Handle};
use crate::pod_log::PodLogs;
use crate::resource::Registry;
use crate::store::Store;
use crate::tls::{self, TlsError};
use crate::world::World;
use crate::{janitor, kubeconfig, load, server};

/// Why a server did not start, or a client of it could not be made.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// No certificate.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// No port.
    #[error("listening on `{address}`")]
    Listen {
        /// What was asked for.
        address: SocketAddr,
        /// Why not.
        source: io::Error,
    },
    /// An object to begin with is not accepted.
    #[error(transparent)]
    Load(#[from] load::LoadError),
    /// A snapshot to begin with is none.
    #[error("reading the snapshots of `{repository}`")]
    History {
        /// The repository's address.
        repository: String,
        /// What is wrong with it.
        source: serde_json::Error,
    },
    /// The server's own kubeconfig does not make a client.
    #[error("making a client for `{url}`")]
    Client {
        /// The server's address.
        url: String,
        /// Why not.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

/// How a server is started.
#[derive(Debug, Clone)]
pub struct Config {
    /// The loopback port; 0 for any free one.
    pub port: u16,
    /// Who may log in besides `admin`.
    pub logins: Vec<Login>,
}

impl Config {
    /// A free port, nobody but the administrator.
    #[must_use]
    pub fn any_port() -> Self {
        Self {
            port: 0,
            logins: Vec::new(),
        }
    }
}

/// A running API server on the loopback address. Dropping it stops it and ends its connections.
pub struct ApiServer {
    world: Arc<World>,
    address: SocketAddr,
    authority: String,
    stop: CancellationToken,
    _guard: DropGuard,
}

impl ApiServer {
    /// Starts a server with the namespaces that every cluster has.
    ///
    /// # Errors
    /// When the port is taken or no certificate can be made.
    pub async fn start(config: Config) -> Result<Self, StartError> {
        let tls = tls::make()?;
        let authority = tls.authority.clone();
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, config.port));
        let listen = |source| StartError::Listen { address, source };
        let listener = TcpListener::bind(address).await.map_err(listen)?;
        let address = listener.local_addr().map_err(listen)?;
        let mut logins = config.logins;
        let admin = Login {
            token: crate::object::new_uid(),
            user: "admin".into(),
            groups: vec!["system:masters".into()],
        };
        logins.insert(0, admin);
        let world = Arc::new(World {
            store: Store::new(),
            registry: Registry::new(),
            logins,
            faults: Faults::new(),
            logs: PodLogs::new(),
        });
        let stop = CancellationToken::new();
        let guard = stop.clone().drop_guard();
        let this = Self {
            world,
            address,
            authority,
            stop,
            _guard: guard,
        };
        this.load(first_objects())?;
        tokio::spawn(server::serve(
            Arc::clone(&this.world),
            listener,
            tls,
            this.stop.clone(),
        ));
        let (world, stop) = (Arc::clone(&this.world), this.stop.clone());
        tokio::spawn(async move { stop.run_until_cancelled(janitor::run(world)).await });
        Ok(this)
    }

    /// `https://127.0.0.1:PORT`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("https://{}", self.address)
    }

    /// The certificate of the server's authority.
    #[must_use]
    pub fn ca_pem(&self) -> &str {
        &self.authority
    }

    /// A kubeconfig (YAML) for the administrator.
    #[must_use]
    pub fn kubeconfig(&self) -> String {
        self.kubeconfig_of(&self.world.logins[0])
    }

    /// A kubeconfig for a user of [`Config::logins`]; nothing for an unknown name.
    #[must_use]
    pub fn kubeconfig_for(&self, user: &str) -> Option<String> {
        self.world
            .logins
            .iter()
            .find(|login| login.user == user)
            .map(|login| self.kubeconfig_of(login))
    }

    fn kubeconfig_of(&self, login: &Login) -> String {
        kubeconfig::render(&self.url(), &self.authority, &login.user, &login.token)
    }

    /// A client for the administrator.
    ///
    /// # Errors
    /// When the TLS library refuses the server's own certificate, which would be a bug.
    pub async fn client(&self) -> Result<kube::Client, StartError> {
        let failed = |source: Box<dyn std::error::Error + Send + Sync>| StartError::Client {
            url: self.url(),
            source,
        };
        let config = kube::config::Kubeconfig::from_yaml(&self.kubeconfig())
            .map_err(|err| failed(err.into()))?;
        let options = kube::config::KubeConfigOptions::default();
        let config = kube::Config::from_custom_kubeconfig(config, &options)
            .await
            .map_err(|err| failed(err.into()))?;
        kube::Client::try_from(config).map_err(|err| failed(err.into()))
    }

    /// Control over the server, for tests.
    #[must_use]
    pub fn handle(&self) -> Handle {
        Handle::new(Arc::clone(&self.world))
    }

    /// Puts objects into the store as they are, status included, in order. What only a server gives (uid, creation time,
    /// generation, defaults) is added where it is absent; an owner reference without a uid gets the uid of the owner.
    /// Definitions of custom resources must come before their objects.
    ///
    /// # Errors
    /// For an object of an unknown kind, or without a name.
    pub fn load(&self, objects: Vec<Value>) -> Result<(), load::LoadError> {
        load::load(&self.world, objects)
    }

    /// Stops the server now.
    pub fn shutdown(self) {
        self.stop.cancel();
    }
}

fn first_objects() -> Vec<Value> {
    let namespace = |name: &str| json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": name } });
    let mut objects: Vec<Value> = ["default", "kube-node-lease", "kube-public", "kube-system"]
        .map(namespace)
        .into();
    let role = |name: &str, rules: Value| json!({ "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": { "name": name }, "rules": rules });
    let everything = json!([{ "apiGroups": ["*"], "resources": ["*"], "verbs": ["*"] }, { "nonResourceURLs": ["*"], "verbs": ["*"] }]);
    objects.push(role("cluster-admin", everything));
    objects.push(json!({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding", "metadata": { "name": "cluster-admin" },
        "roleRef": { "apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin" },
        "subjects": [{ "apiGroup": "rbac.authorization.k8s.io", "kind": "Group", "name": "system:masters" }],
    }));
    objects.push(json!({
        "apiVersion": "v1", "kind": "Service",
        "metadata": { "name": "kubernetes", "namespace": "default", "labels": { "component": "apiserver", "provider": "kubernetes" } },
        "spec": { "clusterIP": "10.96.0.1", "clusterIPs": ["10.96.0.1"], "ports": [{ "name": "https", "port": 443, "targetPort": 6443 }] },
    }));
    objects
}
