//! A kubelet for the pods of Jobs that run restic or VolSync's restic mover: their containers are real processes.
//!
//! Each container has a mount, process, host name and message namespace of its own, a root file system with this machine's programs, the
//! restic that was built for the testbed and VolSync's own script, and its pod's volumes where it wants them. Claims, NFS shares and empty
//! folders are folders of the testbed. Its command is process 1, so a shell there ignores SIGTERM, and only the end of the grace period
//! stops it. kwok plays all other pods; the log is served by kwok out of the file that we write.
//!
//! Not played: the change of owners by `fsGroup` (folders of claims are open to everybody), init containers, probes, restarts, `$(NAME)` in
//! commands, image pulls but for those that a test refuses.

mod app;
mod container;
mod environment;
mod pod;
mod volume;

pub use app::WRITES;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result};
use futures::TryStreamExt as _;
use jiff::Timestamp;
use k8s_openapi::api::core::v1::{PersistentVolumeClaim, Pod};
use kube::api::Api;
use kube::runtime::{WatchStreamExt as _, watcher};
use kube::{Client, ResourceExt as _};
use serde_json::Value;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::PodLogs;

/// What the pods are whose containers run, for kwok, which knows no type of owners.
pub(crate) const OURS: &str = "has(self.metadata.labels) && 'batch.kubernetes.io/job-name' in self.metadata.labels \
     && self.spec.containers.exists(c, c.image.contains('restic') || c.image.contains('volsync'))";

/// A kubelet that runs. Dropping it ends its containers.
pub struct Kubelet {
    node: Arc<Node>,
    tasks: Mutex<JoinSet<()>>,
}

/// What a container was, and when it ran.
#[derive(Clone, Debug)]
pub struct Run {
    /// The pod's namespace and name.
    pub pod: (String, String),
    /// The container's arguments: for a mover `backup` or `restore`.
    pub arguments: Vec<String>,
    /// When its process began.
    pub started: Timestamp,
    /// When its process ended, and with which exit code.
    pub ended: Option<(Timestamp, i32)>,
}

/// What goes wrong, or slowly.
#[derive(Clone, Debug, Default)]
pub(crate) struct Faults {
    late: Duration,
    limit: Option<u32>,
}

/// What the tasks of one kubelet share.
pub(crate) struct Node {
    client: Client,
    folder: PathBuf,
    group: i32,
    logs: PodLogs,
    faults: Mutex<Faults>,
    runs: Mutex<Vec<Run>>,
    writes: Mutex<Vec<Timestamp>>,
    pods: Mutex<HashMap<String, watch::Sender<Value>>>,
}

impl Node {
    fn faults(&self) -> Faults {
        lock(&self.faults).clone()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Kubelet {
    /// Starts it, with its files in a folder and its processes in a process group.
    ///
    /// # Errors
    /// This system does not let us make namespaces, or restic is not built.
    pub(crate) fn start(client: Client, folder: &Path, group: u32, logs: PodLogs) -> Result<Self> {
        container::possible()?;
        let node = Arc::new(Node {
            client,
            folder: folder.join("kubelet"),
            group: group.cast_signed(),
            logs,
            faults: Mutex::default(),
            runs: Mutex::default(),
            writes: Mutex::default(),
            pods: Mutex::default(),
        });
        std::fs::create_dir_all(&node.folder).context("making a folder for the kubelet")?;
        let mut tasks = JoinSet::new();
        tasks.spawn(follow(Arc::clone(&node)));
        Ok(Self {
            node,
            tasks: Mutex::new(tasks),
        })
    }

    /// The folder that stands for a claim. It is empty when nothing was mounted yet.
    ///
    /// # Errors
    /// There is no such claim.
    pub async fn volume(&self, namespace: &str, claim: &str) -> Result<PathBuf> {
        let claims: Api<PersistentVolumeClaim> =
            Api::namespaced(self.node.client.clone(), namespace);
        let found = claims.get(claim).await;
        let found = found.with_context(|| format!("finding claim `{namespace}/{claim}`"))?;
        volume::of_claim(&self.node, &found.uid().unwrap_or_default())
    }

    /// The folder that stands for what a server exports.
    ///
    /// # Errors
    /// It cannot be made.
    pub fn share(&self, server: &str, path: &str) -> Result<PathBuf> {
        volume::of_share(&self.node, server, path)
    }

    /// All containers that ran, oldest first.
    #[must_use]
    pub fn runs(&self) -> Vec<Run> {
        lock(&self.node.runs).clone()
    }

    /// From now on the end of a container is noticed so much later.
    pub fn notice_late(&self, late: Duration) {
        lock(&self.node.faults).late = late;
    }

    /// Movers that start to restore from now on read the repository with so many KiB/s only; none: as fast as they can.
    pub fn slow_restores(&self, limit: Option<u32>) {
        lock(&self.node.faults).limit = limit;
    }

    /// Lets an app write into its claim, [`WRITES`] in the folder that is returned, every moment while a pod of it runs.
    ///
    /// # Errors
    /// There is no such claim.
    pub async fn run_app(&self, namespace: &str, app: &str) -> Result<PathBuf> {
        let volume = self.volume(namespace, app).await?;
        let node = Arc::clone(&self.node);
        let place = (namespace.to_owned(), app.to_owned());
        lock(&self.tasks).spawn(app::write(node, place, volume.clone()));
        Ok(volume)
    }

    /// When apps have written.
    #[must_use]
    pub fn writes(&self) -> Vec<Timestamp> {
        lock(&self.node.writes).clone()
    }
}

/// Follows all pods; each of ours has a task of its own.
async fn follow(node: Arc<Node>) {
    let pods: Api<Pod> = Api::all(node.client.clone());
    let events = watcher(pods, watcher::Config::default()).default_backoff();
    let mut events = std::pin::pin!(events);
    let mut lives = JoinSet::new();
    loop {
        match events.try_next().await {
            Ok(Some(watcher::Event::Apply(pod) | watcher::Event::InitApply(pod))) => {
                let Some(uid) = pod.uid() else { continue };
                let pod = serde_json::to_value(pod).unwrap_or_default();
                let known = lock(&node.pods).get(&uid).cloned();
                if let Some(known) = known {
                    known.send_replace(pod);
                    continue;
                }
                let (tell, told) = watch::channel(pod.clone());
                lock(&node.pods).insert(uid, tell);
                if pod::is_ours(&pod) {
                    lives.spawn(pod::live(Arc::clone(&node), told));
                }
            }
            Ok(Some(watcher::Event::Delete(pod))) => {
                lock(&node.pods).remove(&pod.uid().unwrap_or_default());
            }
            Ok(Some(watcher::Event::Init | watcher::Event::InitDone)) => {}
            Ok(None) => return,
            Err(err) => tracing::debug!("watching pods: {err}"),
        }
    }
}
