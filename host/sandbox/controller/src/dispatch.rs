//! Who is woken by a change, and who reconciles a key.

use crate::kind::Kind;
use crate::object::Object;
use crate::options::Options;
use crate::queue::Key;
use crate::world::{Result, World};
use crate::{flux, keda, volsync, workload};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

/// When a key wants to be looked at again without any change.
pub(crate) type Next = Option<Duration>;

const AT_ONCE: usize = 32;
const RETRY: Duration = Duration::from_millis(100);

/// The name of the controller that reconciles a kind; empty when these options leave it to the world.
pub(crate) fn controller(options: &Options, kind: Kind) -> &'static str {
    let (name, on) = match kind {
        Kind::GitRepository
        | Kind::OciRepository
        | Kind::HelmRepository
        | Kind::HelmChart
        | Kind::Bucket => ("source", options.sources),
        Kind::Kustomization => ("kustomize", options.kustomize),
        Kind::HelmRelease => ("helm", options.helm),
        Kind::ReplicationSource | Kind::ReplicationDestination => ("volsync", options.volsync),
        Kind::ScaledObject | Kind::ScaledJob => ("keda", options.keda),
        Kind::Deployment
        | Kind::ReplicaSet
        | Kind::StatefulSet
        | Kind::DaemonSet
        | Kind::PodDisruptionBudget
        | Kind::PersistentVolumeClaim => ("workload", options.workloads),
        Kind::Pod => ("kubelet", options.workloads || options.job_pods),
        Kind::Job | Kind::CronJob => ("job", options.jobs),
        _ => ("", false),
    };
    if on { name } else { "" }
}

/// The Deployment in which a controller runs in the home cluster. One that is scaled to zero does nothing.
fn home_of(controller: &str) -> Option<Key> {
    let (namespace, name) = match controller {
        "volsync" => ("volsync-system", "volsync"),
        "keda" => ("observability", "keda-operator"),
        "source" => ("flux-system", "source-controller"),
        "kustomize" => ("flux-system", "kustomize-controller"),
        "helm" => ("flux-system", "helm-controller"),
        _ => return None,
    };
    Some(Key::new(Kind::Deployment, namespace, name))
}

fn is_scaled_to_zero(world: &World, controller: &str) -> bool {
    let home = home_of(controller).and_then(|key| world.cached(&key));
    home.is_some_and(|deployment| deployment.int("/spec/replicas") == Some(0))
}

/// A controller that comes back looks at everything anew.
fn wake_controller(world: &World, deployment: &Object, before: Option<&Object>) {
    let key = Key::new(Kind::Deployment, deployment.namespace(), deployment.name());
    let was_off = before.is_some_and(|before| before.int("/spec/replicas") == Some(0));
    if !was_off || deployment.int("/spec/replicas") == Some(0) {
        return;
    }
    for kind in Kind::WATCHED {
        if home_of(controller(&world.options, kind)).as_ref() == Some(&key) {
            for object in world.cached_all(kind, "") {
                world
                    .queue
                    .add(Key::new(kind, object.namespace(), object.name()), RETRY);
            }
        }
    }
}

/// Makes due what a change of this object concerns: itself, its owner, and those that depend on it. `before` is what was
/// remembered of it until now.
pub(crate) fn wake(world: &World, kind: Kind, object: &Object, before: Option<&Object>) {
    let now = Duration::ZERO;
    let space = object.namespace();
    if !controller(&world.options, kind).is_empty() {
        world.queue.add(Key::new(kind, space, object.name()), now);
    }
    if let Some((owner, name)) = object.owner()
        && let Some(owner) = Kind::named(owner)
        && !controller(&world.options, owner).is_empty()
    {
        world.queue.add(Key::new(owner, space, name), now);
    }
    match kind {
        Kind::GitRepository | Kind::Bucket => {
            wake_dependents(world, Kind::Kustomization, kind, object)
        }
        Kind::Pod if world.options.workloads => {
            for budget in world.cached_all(Kind::PodDisruptionBudget, space) {
                let key = Key::new(Kind::PodDisruptionBudget, space, budget.name());
                world.queue.add(key, now);
            }
        }
        Kind::OciRepository | Kind::HelmChart => {
            wake_dependents(world, Kind::HelmRelease, kind, object)
        }
        Kind::Deployment | Kind::StatefulSet => {
            if kind == Kind::Deployment {
                wake_controller(world, object, before);
            }
            let after = world.options.keda_poll;
            for scaled in world.cached_all(Kind::ScaledObject, space) {
                if scaled.text("/spec/scaleTargetRef/name") == object.name() {
                    world
                        .queue
                        .add(Key::new(Kind::ScaledObject, space, scaled.name()), after);
                }
            }
        }
        _ => {}
    }
}

fn wake_dependents(world: &World, dependents: Kind, kind: Kind, source: &Object) {
    for dependent in world.cached_all(dependents, "") {
        if flux::uses(&dependent, kind, source) {
            let key = Key::new(dependents, dependent.namespace(), dependent.name());
            world.queue.add(key, Duration::ZERO);
        }
    }
}

/// Reconciles keys for ever, several at once. Dropping it stops them all.
pub(crate) async fn work(world: Arc<World>) {
    let slots = Arc::new(Semaphore::new(AT_ONCE));
    let mut running = JoinSet::new();
    loop {
        let key = world.queue.next().await;
        let Ok(slot) = slots.clone().acquire_owned().await else {
            return;
        };
        while running.try_join_next().is_some() {}
        let world = world.clone();
        running.spawn(async move {
            let next = handle(&world, &key).await;
            world.queue.done(&key);
            if let Some(after) = next {
                world.queue.add(key, after);
            }
            drop(slot);
        });
    }
}

async fn handle(world: &Arc<World>, key: &Key) -> Next {
    let name = controller(&world.options, key.kind);
    if name.is_empty() || world.faults.is_silent(name) || is_scaled_to_zero(world, name) {
        return None;
    }
    match reconcile(world, key).await {
        Ok(next) => next,
        Err(err) if err.code() == 409 => Some(Duration::from_millis(5)),
        Err(err) => {
            tracing::debug!(?key, %err, source = std::error::Error::source(&err), "reconciling");
            Some(RETRY)
        }
    }
}

async fn reconcile(world: &Arc<World>, key: &Key) -> Result<Next> {
    match key.kind {
        Kind::GitRepository
        | Kind::OciRepository
        | Kind::HelmRepository
        | Kind::HelmChart
        | Kind::Bucket => flux::source::reconcile(world, key).await,
        Kind::Kustomization => flux::kustomization::reconcile(world, key).await,
        Kind::HelmRelease => flux::release::reconcile(world, key).await,
        Kind::ReplicationSource | Kind::ReplicationDestination => {
            volsync::reconcile(world, key).await
        }
        Kind::ScaledObject => keda::reconcile(world, key).await,
        Kind::ScaledJob => keda::job::reconcile(world, key).await,
        Kind::Deployment => workload::deployment::reconcile(world, key).await,
        Kind::ReplicaSet => workload::replica_set::reconcile(world, key).await,
        Kind::StatefulSet => workload::stateful_set::reconcile(world, key).await,
        Kind::DaemonSet => workload::daemon_set::reconcile(world, key).await,
        Kind::PodDisruptionBudget => workload::disruption::reconcile(world, key).await,
        Kind::PersistentVolumeClaim => workload::claim::reconcile(world, key).await,
        Kind::Pod => workload::pod::reconcile(world, key).await,
        Kind::Job => workload::job::reconcile(world, key).await,
        Kind::CronJob => workload::cron_job::reconcile(world, key).await,
        _ => Ok(None),
    }
}
