//! Starting and stopping the controllers, and the handles that tests hold.

use crate::fault::Slow;
use crate::kind::Kind;
use crate::object::Object;
use crate::options::Options;
use crate::queue::Key;
use crate::restic::Repositories;
use crate::volumes::Volumes;
use crate::world::World;
use crate::{dispatch, event, watch};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{oneshot, watch as watch_channel};
use tokio::task::JoinSet;

/// Running controllers. Dropping them stops them.
pub struct Controllers {
    world: Arc<World>,
    begun: watch_channel::Receiver<bool>,
    _tasks: JoinSet<()>,
}

impl Controllers {
    /// Starts the controllers as clients of an API server, which they need to write nearly everything in. Call it inside a
    /// tokio runtime. They need no kind to exist already: one that appears later is found.
    #[must_use]
    pub fn start(client: kube::Client, options: Options) -> Self {
        let world = Arc::new(World::new(client, options));
        let mut tasks = JoinSet::new();
        let (begin, begun) = watch_channel::channel(false);
        let known = Kind::WATCHED.map(|kind| {
            let (tell, told) = oneshot::channel();
            tasks.spawn(watch::follow(world.clone(), kind, tell));
            told
        });
        tasks.spawn(event::deliver(world.clone()));
        tasks.spawn(begin_when_known(world.clone(), known.into(), begin));
        Self {
            world,
            begun,
            _tasks: tasks,
        }
    }

    /// The restic repositories that the movers write to and read from.
    #[must_use]
    pub fn repositories(&self) -> Repositories {
        self.world.repositories.clone()
    }

    /// The data on the volumes.
    #[must_use]
    pub fn volumes(&self) -> Volumes {
        self.world.volumes.clone()
    }

    /// The pod does not end when it is deleted, until [`Controllers::free_pod`].
    pub fn stick_pod(&self, namespace: &str, pod: &str) {
        self.world.faults.stick(namespace, pod);
    }

    /// Lets a stuck pod end.
    pub fn free_pod(&self, namespace: &str, pod: &str) {
        self.world.faults.unstick(namespace, pod);
        self.wake(Kind::Pod, namespace, pod);
    }

    /// The next runs of the mover of a ReplicationSource or ReplicationDestination fail.
    pub fn fail_mover(&self, namespace: &str, name: &str, times: u32) {
        self.world.faults.fail_mover(namespace, name, times);
    }

    /// From now on the container of a Job takes so long, and prints how far it is, or nothing; none lets it be quick again. Named by the Job, or for
    /// a mover by its ReplicationSource or ReplicationDestination.
    pub fn slow_job(&self, namespace: &str, name: &str, slow: Option<(Duration, bool)>) {
        let slow = slow.map(|(time, prints)| Slow { time, prints });
        self.world.faults.slow_down(namespace, name, slow);
    }

    /// Pods with this `app.kubernetes.io/name` that start from now on do not get ready, until [`Controllers::let_ready`].
    pub fn keep_unready(&self, namespace: &str, app: &str) {
        self.world.faults.keep_unready(namespace, app);
    }

    /// Lets the pods of an app get ready again.
    pub fn let_ready(&self, namespace: &str, app: &str) {
        self.world.faults.let_ready(namespace, app);
        for pod in self.world.cached_all(Kind::Pod, namespace) {
            self.wake(Kind::Pod, namespace, pod.name());
        }
    }

    /// Pods of a Job do not start from now on, as the kubelet tells it: by a waiting reason (`ImagePullBackOff`), or for a reason that begins with
    /// `Failed` by an event (`FailedAttachVolume`) while the container is being created; or they do again. Named by the Job, or for a mover by
    /// its ReplicationSource or ReplicationDestination.
    pub fn hold_pods(&self, namespace: &str, owner: &str, why: Option<(&str, &str)>) {
        self.world.faults.hold_pods(namespace, owner, why);
    }

    /// VolSync gets no Jobs in a namespace from now on, as a quota refuses them, with these words; or it does again.
    pub fn refuse_jobs(&self, namespace: &str, why: Option<&str>) {
        self.world.faults.refuse_jobs(namespace, why);
    }

    /// The pods of a Job get a second container from now on, as a service mesh adds it, which runs on when the first one has ended; or no longer. Named as for
    /// [`Controllers::slow_job`], or for all Jobs of our own by `volsync-agent-list`.
    pub fn inject_sidecar(&self, namespace: &str, name: &str, there: bool) {
        self.world.faults.inject_sidecar(namespace, name, there);
    }

    /// A controller stops answering: `source`, `kustomize`, `helm`, `volsync`, `keda`, `workload`, `kubelet` or `job`.
    pub fn silence(&self, controller: &str) {
        self.world.faults.silence(controller);
    }

    /// A silenced controller answers again, and looks at everything anew.
    pub fn answer(&self, controller: &str) {
        self.world.faults.answer(controller);
        for kind in Kind::WATCHED {
            if dispatch::controller(&self.world.options, kind) == controller {
                for object in self.world.cached_all(kind, "") {
                    self.wake(kind, object.namespace(), object.name());
                }
            }
        }
    }

    /// The next reconciliations of a Flux object fail with this Ready reason and message, until [`Controllers::mend_object`].
    /// `kind` is the object's kind, `Kustomization`.
    pub fn break_object(
        &self,
        kind: &str,
        namespace: &str,
        name: &str,
        reason: &str,
        message: &str,
    ) {
        self.world
            .faults
            .break_object(kind, namespace, name, reason, message);
    }

    /// Lets a Flux object succeed again. It notices at its next retry or when it is asked to reconcile.
    pub fn mend_object(&self, kind: &str, namespace: &str, name: &str) {
        self.world.faults.mend_object(kind, namespace, name);
    }

    /// Pushes a new revision to what a source follows. The source finds it when it is next reconciled.
    pub fn push_revision(&self, kind: &str, namespace: &str, name: &str, revision: &str) {
        let key = (kind.to_owned(), namespace.to_owned(), name.to_owned());
        self.world.memory().pushed.insert(key, revision.to_owned());
    }

    /// What the triggers of a ScaledObject say from now on; 1 until set. Active means 1 and more.
    pub fn set_trigger(&self, namespace: &str, name: &str, value: f64) {
        self.world
            .memory()
            .triggers
            .insert((namespace.to_owned(), name.to_owned()), value);
        self.wake(Kind::ScaledObject, namespace, name);
    }

    /// Waits until the controllers know every object there is, and have begun to work.
    pub async fn begun(&self) {
        let mut begun = self.begun.clone();
        // An error means that the tasks are gone: nothing is left to wait for.
        let _gone = begun.wait_for(|begun| *begun).await.is_err();
    }

    /// Whether the watches have brought an object.
    #[must_use]
    pub fn knows(&self, kind: &str, namespace: &str, name: &str) -> bool {
        Kind::named(kind).is_some_and(|kind| self.object(kind, namespace, name).is_some())
    }

    fn object(&self, kind: Kind, namespace: &str, name: &str) -> Option<Arc<Object>> {
        self.world.cached(&Key::new(kind, namespace, name))
    }

    fn wake(&self, kind: Kind, namespace: &str, name: &str) {
        self.world
            .queue
            .add(Key::new(kind, namespace, name), Duration::ZERO);
    }
}

/// Nothing is done before everything is known: a controller that has not seen a pod would make it again.
async fn begin_when_known(
    world: Arc<World>,
    known: Vec<oneshot::Receiver<()>>,
    begin: watch_channel::Sender<bool>,
) {
    // A sender that is dropped says the same as one that is used.
    futures::future::join_all(known).await;
    begin.send_replace(true);
    dispatch::work(world).await;
}
