//! An app that a scenario works on, alone.

use std::time::{Duration, Instant};

use agent_sandbox_controller::Snapshot;
use serde_json::Value;
use tokio::sync::{OwnedMutexGuard, RwLockReadGuard, RwLockWriteGuard};

use super::kind::{
    CRON_JOB, DEPLOYMENT, HELM_RELEASE, KUSTOMIZATION, Kind, REPLICATION_DESTINATION, SCALED_OBJECT,
};
use super::state::State;
use super::world::{World, is_paused};

/// How long controllers may take to bring everything back.
const PATIENCE: Duration = Duration::from_secs(30);

/// An app, for as long as a scenario needs it.
pub(crate) struct App<'a> {
    pub(crate) world: &'a World,
    pub(crate) namespace: &'static str,
    pub(crate) name: &'static str,
    _lock: Lock<'a>,
}

/// What runs beside a scenario.
#[expect(dead_code, reason = "guards are held, not read")]
enum Lock<'a> {
    /// Scenarios about other apps.
    Others(RwLockReadGuard<'a, ()>, OwnedMutexGuard<()>),
    /// Nothing.
    Nothing(RwLockWriteGuard<'a, ()>),
}

impl World {
    /// An app of the home, by namespace and name.
    pub(crate) async fn app(&self, namespace: &'static str, name: &'static str) -> App<'_> {
        let others = self.share().await;
        let this = self.lock_of(name).await.lock_owned().await;
        App {
            world: self,
            namespace,
            name,
            _lock: Lock::Others(others, this),
        }
    }

    /// An app, for a scenario that disturbs others: it sets a fault of a whole controller.
    pub(crate) async fn app_alone(&self, namespace: &'static str, name: &'static str) -> App<'_> {
        App {
            world: self,
            namespace,
            name,
            _lock: Lock::Nothing(self.exclusive().await),
        }
    }
}

impl App<'_> {
    /// The address of its repository.
    pub(crate) fn repository(&self) -> String {
        let end = format!("/{}", self.name);
        let urls = self.world.repositories().urls();
        let found = urls.into_iter().find(|url| url.ends_with(&end));
        found.unwrap_or_else(|| panic!("no repository of `{}`", self.name))
    }

    /// Its snapshots, newest first.
    pub(crate) fn snapshots(&self) -> Vec<Snapshot> {
        let mut snapshots = self.world.repositories().snapshots(&self.repository());
        snapshots.reverse();
        snapshots
    }

    /// What is on its volume.
    pub(crate) fn content(&self) -> String {
        self.world.volumes().content(self.namespace, self.name)
    }

    /// Its object of a kind, by its own name.
    pub(crate) async fn get(&self, kind: Kind) -> Value {
        self.world.get(kind, self.namespace, self.name).await
    }

    /// Merges into its object of a kind.
    pub(crate) async fn merge(&self, kind: Kind, change: Value) {
        self.world
            .merge(kind, self.namespace, self.name, change)
            .await;
    }

    /// What it looks like. In the simulated world nothing else runs, so it is everything.
    pub(crate) async fn state(&self) -> State {
        State::of(self.world, self.scope()).await
    }

    fn scope(&self) -> Option<(&str, &str)> {
        (!self.world.is_simulated()).then_some((self.namespace, self.name))
    }

    /// Demands that it looks as before: what the agent holds at once, the rest as soon as the controllers have followed.
    pub(crate) async fn is_as(&self, before: &State) {
        let wrong = self.not_as(before).await;
        assert!(wrong.is_empty(), "not as before:\n{}", wrong.join("\n"));
    }

    /// In which way it does not look as before; see [`App::is_as`].
    pub(crate) async fn not_as(&self, before: &State) -> Vec<String> {
        let held = State::held(self.world, self.scope()).await;
        let at_once = before.held_part().differences(&held);
        if at_once.is_empty() {
            return self.never_as(before).await;
        }
        at_once
    }

    /// Demands that it gets to look as before.
    pub(crate) async fn gets_as(&self, before: &State) {
        let wrong = self.never_as(before).await;
        assert!(wrong.is_empty(), "not as before:\n{}", wrong.join("\n"));
    }

    /// [`App::gets_as`] apart from these fields, given as JSON pointers.
    pub(crate) async fn gets_as_but(&self, before: &State, fields: &[&str]) {
        let wrong = self.never_as_but(before, fields).await;
        assert!(wrong.is_empty(), "not as before:\n{}", wrong.join("\n"));
    }

    async fn never_as(&self, before: &State) -> Vec<String> {
        self.never_as_but(before, &[]).await
    }

    /// In which way it does not get to look as before, apart from these fields.
    pub(crate) async fn never_as_but(&self, before: &State, fields: &[&str]) -> Vec<String> {
        let (before, begin) = (before.without(fields), Instant::now());
        loop {
            let differences = before.differences(&self.state().await.without(fields));
            if differences.is_empty() || begin.elapsed() > PATIENCE {
                return differences;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Demands that nothing wrote to the volume while a pod had it mounted.
    pub(crate) fn is_unharmed(&self) {
        let harm = self.harm();
        assert!(harm.is_empty(), "{harm:?}");
    }

    /// What was written to the volume while a pod had it mounted.
    pub(crate) fn harm(&self) -> Vec<String> {
        let place = format!("{}/{}", self.namespace, self.name);
        let mut harm = self.world.volumes().violations();
        harm.retain(|one| one.contains(&place));
        harm
    }

    /// Gives it the history that it had in the beginning, and a content.
    pub(crate) fn begin_anew(&self, content: &str) {
        self.world.fill_repository(&self.repository());
        self.world
            .volumes()
            .write(self.namespace, self.name, content);
    }

    /// Whether the agent holds it down.
    pub(crate) async fn is_down(&self) -> bool {
        self.get(DEPLOYMENT).await["spec"]["replicas"] == 0
    }

    /// Whether a temporary ReplicationDestination of it is there.
    pub(crate) async fn is_restoring(&self) -> bool {
        self.destination().await.is_some()
    }

    /// The name of its temporary ReplicationDestination.
    pub(crate) async fn destination(&self) -> Option<String> {
        let all = self.world.list(REPLICATION_DESTINATION).await;
        let start = format!("{}-restore-", self.name);
        let mut names = all
            .iter()
            .filter_map(|one| one["metadata"]["name"].as_str());
        let found = names.find(|name| name.starts_with(&start))?;
        Some(found.to_owned())
    }

    /// Whether Flux is suspended for it.
    pub(crate) async fn is_suspended(&self, kind: Kind) -> bool {
        debug_assert!([KUSTOMIZATION, HELM_RELEASE, CRON_JOB].contains(&kind));
        self.get(kind).await["spec"]["suspend"] == true
    }

    /// Whether KEDA is paused for it.
    pub(crate) async fn is_paused(&self) -> bool {
        is_paused(&self.get(SCALED_OBJECT).await)
    }
}
