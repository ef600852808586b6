//! The user's cluster.

use std::path::Path;
use std::time::Duration;

use agent_capability::{ClusterClient, Connected};
use agent_cli::Options;
use agent_core::{Failure, Hint, Kind, Limits};
use futures::FutureExt as _;
use kube::Config;
use kube::config::{InClusterError, KubeConfigOptions, Kubeconfig, KubeconfigError};
use thiserror::Error;

mod http;

/// How long the way to an API server may take. One that is down must not look like one that is slow.
const CONNECT: Duration = Duration::from_secs(5);

/// How long a connection may bring nothing while something is expected of it: more than a request may take, and than a watch lasts, which the server
/// ends before.
const READ: Duration = Duration::from_secs(35);

/// Why there is no cluster to talk to.
#[derive(Debug, Error)]
enum NoCluster {
    #[error("reading the kubeconfig `{path}`")]
    File {
        path: String,
        source: KubeconfigError,
    },
    #[error("reading the kubeconfig that `KUBECONFIG` names")]
    Variable { source: KubeconfigError },
    #[error("no kubeconfig was found, and this is no pod of a cluster")]
    Nowhere { source: InClusterError },
    #[error("the kubeconfig cannot be used")]
    Unusable {
        known: Vec<String>,
        source: KubeconfigError,
    },
    #[error("making a client of the kubeconfig")]
    Client { source: kube::Error },
}

impl Hint for NoCluster {
    fn hint(&self) -> Option<String> {
        let contexts = |known: &[String]| {
            if known.is_empty() {
                "it has no contexts".to_owned()
            } else {
                format!("contexts: {}", known.join(", "))
            }
        };
        match self {
            NoCluster::Nowhere { .. } | NoCluster::File { .. } | NoCluster::Variable { .. } => {
                Some("give --kubeconfig FILE, set KUBECONFIG, or try it on the simulated cluster with --sandbox".to_owned())
            }
            NoCluster::Unusable { known, .. } => Some(contexts(known)),
            NoCluster::Client { .. } => None,
        }
    }
}

/// Makes the client. The kubeconfig is read when the first request needs it.
pub(super) fn client(options: &Options, limits: &Limits) -> ClusterClient {
    let options = options.clone();
    let connect = move || {
        let options = options.clone();
        async move { connect(&options).await.map_err(|error| failure(&error)) }.boxed()
    };
    ClusterClient::new(Box::new(connect), limits.host_call_bytes)
}

fn failure(error: &NoCluster) -> Failure {
    let failure = Failure::of(Kind::Unavailable, "cluster.no-kubeconfig", error);
    match error.hint() {
        Some(hint) => failure.hinted(hint),
        None => failure,
    }
}

async fn connect(options: &Options) -> Result<Connected, NoCluster> {
    let mut context = None;
    let mut config = match kubeconfig(options.kubeconfig.as_deref())? {
        Some(kubeconfig) => {
            context = options
                .context
                .clone()
                .or_else(|| kubeconfig.current_context.clone());
            let known = kubeconfig
                .contexts
                .iter()
                .map(|context| context.name.clone())
                .collect();
            let wanted = KubeConfigOptions {
                context: options.context.clone(),
                ..KubeConfigOptions::default()
            };
            Config::from_custom_kubeconfig(kubeconfig, &wanted)
                .await
                .map_err(|source| NoCluster::Unusable { known, source })?
        }
        None => Config::incluster().map_err(|source| NoCluster::Nowhere { source })?,
    };
    config.connect_timeout = Some(CONNECT);
    config.read_timeout = Some(READ);
    // The cluster capability tries again by itself, and knows what is safe to send twice.
    config.default_retry = false;
    let server = config
        .cluster_url
        .to_string()
        .trim_end_matches('/')
        .to_owned();
    let client = http::client(config).map_err(|source| NoCluster::Client { source })?;
    Ok(Connected {
        client,
        server,
        context,
    })
}

/// Reads the file that was named, else those of `KUBECONFIG`, else `~/.kube/config`; none when there is none.
fn kubeconfig(named: Option<&Path>) -> Result<Option<Kubeconfig>, NoCluster> {
    if let Some(path) = named {
        let path_text = path.display().to_string();
        return Kubeconfig::read_from(path)
            .map(Some)
            .map_err(|source| NoCluster::File {
                path: path_text,
                source,
            });
    }
    if let Some(kubeconfig) =
        Kubeconfig::from_env().map_err(|source| NoCluster::Variable { source })?
    {
        return Ok(Some(kubeconfig));
    }
    match Kubeconfig::read() {
        Ok(kubeconfig) => Ok(Some(kubeconfig)),
        Err(KubeconfigError::FindPath) => Ok(None),
        Err(KubeconfigError::ReadConfig(error, _))
            if error.kind() == std::io::ErrorKind::NotFound =>
        {
            Ok(None)
        }
        Err(source) => Err(NoCluster::File {
            path: "~/.kube/config".to_owned(),
            source,
        }),
    }
}
