//! The whole home cluster: the API server, the objects in it, and the controllers that keep them.

use agent_sandbox_controller::{Controllers, Options};
use kube::Client;

use crate::api_server::{ApiServer, Config, StartError};
use crate::handle::Handle;

/// How a cluster is started.
#[derive(Clone)]
pub struct ClusterOptions {
    /// The API server's port and users.
    pub server: Config,
    /// Which controllers run, and how fast.
    pub controllers: Options,
}

impl ClusterOptions {
    /// A free port, the administrator only, all controllers at a speed that is pleasant to watch.
    #[must_use]
    pub fn sandbox() -> Self {
        Self {
            server: Config::any_port(),
            controllers: Options::sandbox(),
        }
    }
}

/// A running home cluster in its settled state. Dropping it stops everything; nothing remains.
pub struct Cluster {
    controllers: Controllers,
    server: ApiServer,
    client: Client,
}

impl Cluster {
    /// Starts the server, loads the home cluster and its restic repositories, and starts the controllers. Returns when the
    /// controllers know every object.
    ///
    /// # Errors
    /// When the server does not start.
    pub async fn start(options: ClusterOptions) -> Result<Self, StartError> {
        let server = ApiServer::start(options.server).await?;
        server.load(agent_sandbox_home::crds())?;
        server.load(agent_sandbox_home::objects())?;
        let client = server.client().await?;
        let controllers = Controllers::start(client.clone(), options.controllers);
        for repository in agent_sandbox_home::repositories() {
            let snapshots = repository
                .snapshots
                .into_iter()
                .map(serde_json::from_value)
                .collect::<Result<_, _>>();
            let snapshots = snapshots.map_err(|source| StartError::History {
                repository: repository.url.clone(),
                source,
            })?;
            controllers
                .repositories()
                .insert(&repository.url, &repository.password, snapshots);
        }
        for (namespace, pod, text) in agent_sandbox_home::logs() {
            server.handle().set_pod_log(&namespace, &pod, &text);
        }
        controllers.begun().await;
        Ok(Self {
            controllers,
            server,
            client,
        })
    }

    /// The API server.
    #[must_use]
    pub fn server(&self) -> &ApiServer {
        &self.server
    }

    /// The controllers, with the repositories and volumes that are theirs.
    #[must_use]
    pub fn controllers(&self) -> &Controllers {
        &self.controllers
    }

    /// A client for the administrator.
    #[must_use]
    pub fn client(&self) -> Client {
        self.client.clone()
    }

    /// Control over the API server.
    #[must_use]
    pub fn handle(&self) -> Handle {
        self.server.handle()
    }

    /// A kubeconfig (YAML) for the administrator.
    #[must_use]
    pub fn kubeconfig(&self) -> String {
        self.server.kubeconfig()
    }

    /// `https://127.0.0.1:PORT`.
    #[must_use]
    pub fn url(&self) -> String {
        self.server.url()
    }
}
