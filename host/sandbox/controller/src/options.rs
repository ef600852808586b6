//! Which controllers run, and how fast.

use futures::future::BoxFuture;
use std::sync::Arc;
use std::time::Duration;

/// Sets the log text of a pod: namespace, pod, the whole text so far. The error is a sentence.
pub type PodLogSink =
    Arc<dyn Fn(String, String, String) -> BoxFuture<'static, Result<(), String>> + Send + Sync>;

/// Which controllers run, and how fast.
#[derive(Clone)]
pub struct Options {
    /// Flux's sources: GitRepository, OCIRepository, HelmRepository, HelmChart, Bucket.
    pub sources: bool,
    /// Flux's Kustomizations.
    pub kustomize: bool,
    /// Flux's HelmReleases.
    pub helm: bool,
    /// VolSync: ReplicationSource and ReplicationDestination.
    pub volsync: bool,
    /// KEDA's ScaledObjects and ScaledJobs.
    pub keda: bool,
    /// Deployments, ReplicaSets, StatefulSets, DaemonSets, claims, disruption budgets, the scheduler, and the kubelet of pods that no Job owns.
    pub workloads: bool,
    /// Jobs and CronJobs.
    pub jobs: bool,
    /// The kubelet of pods that a Job owns: runs their containers and tells how they ended. Leave it on where something else
    /// completes such pods: the effect of the container and its log are then still played.
    pub job_pods: bool,
    /// How long a VolSync mover takes.
    pub mover_time: Duration,
    /// How long any other container of a Job takes.
    pub container_time: Duration,
    /// How long a pod takes to start, and how long to end.
    pub pod_time: Duration,
    /// How long a Job waits before it replaces a failed pod. (The real one doubles it, from 10 s.)
    pub job_backoff: Duration,
    /// How often Helm looks whether what it upgraded is ready. The real one takes 5 s.
    pub helm_poll: Duration,
    /// How long Helm waits for that, where the HelmRelease does not say.
    pub helm_timeout: Duration,
    /// How often KEDA asks its triggers.
    pub keda_poll: Duration,
    /// How often Flux retries what failed.
    pub flux_retry: Duration,
    /// Whether schedules start anything. Off by default: nothing happens by itself, so what a test or a demonstration finds does
    /// not depend on the hour at which it runs.
    pub schedules: bool,
    /// How logs are set; none: by `PUT` of `text/plain` on the pod's `log` subresource, which the simulated server takes.
    pub logs: Option<PodLogSink>,
}

impl Options {
    /// Everything, as fast as is pleasant to watch.
    #[must_use]
    pub fn sandbox() -> Self {
        Self {
            sources: true,
            kustomize: true,
            helm: true,
            volsync: true,
            keda: true,
            workloads: true,
            jobs: true,
            job_pods: true,
            mover_time: Duration::from_secs(1),
            container_time: Duration::from_millis(50),
            pod_time: Duration::from_millis(40),
            job_backoff: Duration::from_millis(500),
            helm_poll: Duration::from_secs(5),
            helm_timeout: Duration::from_secs(300),
            keda_poll: Duration::from_millis(500),
            flux_retry: Duration::from_secs(5),
            schedules: false,
            logs: None,
        }
    }

    /// What a real control plane with a kustomize-controller and kwok's nodes lacks: sources, Helm, VolSync, KEDA, and the
    /// containers of Jobs.
    #[must_use]
    pub fn testbed(logs: PodLogSink) -> Self {
        Self {
            kustomize: false,
            workloads: false,
            jobs: false,
            logs: Some(logs),
            ..Self::sandbox()
        }
    }
}

impl Default for Options {
    fn default() -> Self {
        Self::sandbox()
    }
}
