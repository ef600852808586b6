//! The simulated cluster.

use std::path::Path;

use agent_capability::{ClusterClient, Connected};
use agent_cli::{Sandbox, Terminal};
use agent_core::{Failure, Kind, Limits};
use agent_sandbox::{Cluster, ClusterOptions};
use futures::FutureExt as _;

use super::plan::Place;

/// A simulated cluster that runs until it is dropped.
pub(super) struct World(Cluster);

impl World {
    pub(super) async fn start() -> Result<World, Failure> {
        let cluster = Cluster::start(ClusterOptions::sandbox()).await;
        cluster.map(World).map_err(|error| {
            Failure::of(Kind::Internal, "agent.sandbox", &error)
                .while_doing("starting the simulated cluster")
        })
    }

    pub(super) fn cluster_client(&self, limits: &Limits) -> ClusterClient {
        let (client, server) = (self.0.client(), self.0.url());
        let connect = move || {
            let connected = Connected {
                client: client.clone(),
                server: server.clone(),
                context: None,
            };
            async move { Ok(connected) }.boxed()
        };
        ClusterClient::new(Box::new(connect), limits.host_call_bytes)
    }
}

/// Keeps a simulated cluster up until the person stops it.
pub(super) async fn serve(command: &Sandbox, terminal: &mut Terminal) -> Result<(), Failure> {
    let World(cluster) = World::start().await?;
    if let Some(path) = &command.write_kubeconfig {
        write(path, &cluster.kubeconfig())?;
    }
    command.keep_up(&cluster.url(), terminal).await;
    Ok(())
}

/// Writes a kubeconfig for its owner alone: it holds a token.
fn write(path: &Path, kubeconfig: &str) -> Result<(), Failure> {
    let written = Place::of(path).and_then(|place| place.replace(kubeconfig));
    written.map_err(|error| {
        Failure::of(Kind::Invalid, "operations.arguments", &error)
            .while_doing(format!("writing the kubeconfig `{}`", path.display()))
            .hinted_if(agent_file::remedy(&error))
    })
}
