//! The user's cluster.

use std::io;
use std::path::Path;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use agent_capability::{ClusterClient, Connected, ConnectionSecrets};
use agent_cli::Options;
use agent_core::hint;
use agent_core::hint::{Names, Remedy};
use agent_core::{Failure, Hint, Kind, Limits};
use agent_file::Pipes;
use agent_kubeconfig::{Access, Connection, Kubeconfig, Sources, Unreadable, Unusable};
use futures::FutureExt as _;
use kube::Client;
use thiserror::Error;

mod program;

/// Why there is no cluster to talk to.
#[derive(Debug, Error)]
enum NoCluster {
    #[error("reading the kubeconfig")]
    Unreadable { source: Unreadable },
    #[error("no kubeconfig was found, and this is no pod of a cluster")]
    Nowhere,
    #[error("there is no kubeconfig at {files}")]
    Missing { files: String },
    #[error("the kubeconfig cannot be used")]
    Unusable { source: Unusable },
}

impl Hint for NoCluster {
    fn hint(&self) -> Option<Remedy> {
        match self {
            NoCluster::Nowhere | NoCluster::Missing { .. } | NoCluster::Unreadable { source: Unreadable::File { .. } } => {
                Some("give --kubeconfig FILE, set KUBECONFIG, or try it on the simulated cluster with --sandbox".into())
            }
            NoCluster::Unusable {
                source: Unusable::NoContext { known } | Unusable::UnknownContext { known, .. },
            } => Some(match known.as_slice() {
                [] => "it has no contexts".into(),
                known => hint!("contexts: {}", Names(known.to_vec())),
            }),
            NoCluster::Unreadable { .. } | NoCluster::Unusable { .. } => None,
        }
    }
}

/// Makes the client. The kubeconfig is read when the first request needs it, once: what did not work is not tried again, for a credential plugin may
/// open a browser. A `quiet` client disturbs nobody: it is for completion.
pub(super) fn client(options: &Options, limits: &Limits, quiet: bool) -> ClusterClient {
    let options = options.clone();
    let refused = Arc::new(OnceLock::<Failure>::new());
    let secrets = Arc::new(ConnectionSecrets::default());
    let known = Arc::clone(&secrets);
    let connect = move || {
        let (options, refused) = (options.clone(), Arc::clone(&refused));
        let known = Arc::clone(&known);
        async move {
            if let Some(failure) = refused.get() {
                return Err(failure.clone());
            }
            let connected = connect(&options, quiet, known).await;
            connected.map_err(|error| refused.get_or_init(|| failure(&error)).clone())
        }
        .boxed()
    };
    ClusterClient::knowing(Box::new(connect), limits.host_call_bytes, secrets)
}

fn failure(error: &NoCluster) -> Failure {
    let failure = Failure::of(Kind::Unavailable, "cluster.no-kubeconfig", error);
    match error.hint() {
        Some(hint) => failure.hinted(hint),
        None => failure,
    }
}

async fn connect(
    options: &Options,
    quiet: bool,
    secrets: Arc<ConnectionSecrets>,
) -> Result<Connected, NoCluster> {
    let variable = std::env::var_os("KUBECONFIG");
    let home = std::env::home_dir();
    let sources = Sources {
        named: options.kubeconfig.as_deref(),
        variable: variable.as_deref(),
        home: home.as_deref(),
    };
    let kubeconfig =
        Kubeconfig::load(&sources, file).map_err(|source| NoCluster::Unreadable { source })?;
    let unusable = |source| NoCluster::Unusable { source };
    let (context, access) = (options.context.as_deref(), access(quiet, secrets));
    let in_pod = match kubeconfig.context(context) {
        None => agent_kubeconfig::connect_in_pod(&access).map_err(unusable)?,
        Some(_) => None,
    };
    let connection = match in_pod {
        Some(connection) => connection,
        None if kubeconfig.is_absent() => {
            let files = kubeconfig.missing().iter();
            let files: Vec<_> = files.map(|path| format!("`{}`", path.display())).collect();
            return Err(match &variable {
                Some(list) if !list.is_empty() && !files.is_empty() => NoCluster::Missing {
                    files: files.join(", "),
                },
                _ => NoCluster::Nowhere,
            });
        }
        None => kubeconfig
            .connect(context, access)
            .await
            .map_err(unusable)?,
    };
    let Connection {
        transport,
        server,
        context,
        namespace,
        unprotected,
    } = connection;
    if let (Some(what), false) = (unprotected, quiet || options.quiet) {
        super::screen::aside(&format!("Warning: {what}\n"));
    }
    Ok(Connected {
        client: Client::new(transport, namespace),
        server,
        context,
    })
}

/// Returns what a kubeconfig may lead to.
fn access(quiet: bool, secrets: Arc<ConnectionSecrets>) -> Access {
    Access {
        read: file,
        variable: |name| std::env::var(name).ok(),
        run: Arc::new(|program| program::run(program).boxed()),
        show: match quiet {
            true => Arc::new(|_| {}),
            false => Arc::new(super::screen::stranger()),
        },
        learn: Arc::new(move |secret| secrets.add(secret)),
        interactive: !quiet && super::screen::can_ask(),
    }
}

/// Reads a kubeconfig, or a file that one names. It may be a pipe, such as a shell makes of `<(sops -d kubeconfig)`.
fn file(path: &Path) -> io::Result<Vec<u8>> {
    const MOST: u64 = 16 << 20;
    const PATIENCE: Duration = Duration::from_secs(60);
    Ok(agent_file::read_named(path, MOST, Pipes::Within(PATIENCE))?)
}
