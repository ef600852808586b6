//! An app with its volume and its repository as folders.

use std::path::{Path, PathBuf};
use std::process::Command;

use agent_testbed::{Run, Testbed};
use jiff::Timestamp;
use serde_json::Value;
use tempfile::TempDir;

use super::tree::{Tree, give, plant};
use super::{APP, NAMESPACE, PASSWORD, SHARE};
use crate::integration::app::App;
use crate::integration::kind::REPLICATION_SOURCE;
use crate::integration::state::State;
use crate::integration::world::World;

/// The app, after two backups of two versions of its volume.
pub(super) struct Place<'a> {
    pub(super) app: App<'a>,
    pub(super) volume: PathBuf,
    repository: PathBuf,
    saved: TempDir,
    owner: (u32, u32),
    /// What was backed up, oldest first.
    pub(super) history: Vec<Tree>,
}

/// What there was before an operation.
pub(super) struct Before {
    pub(super) state: State,
    pub(super) present: Tree,
    since: Timestamp,
}

impl<'a> Place<'a> {
    pub(super) async fn new(world: &'a World) -> Self {
        let app = world.app(NAMESPACE, APP).await;
        let kubelet = world.kubelet();
        let volume = kubelet.run_app(NAMESPACE, APP).await.expect("a volume");
        let share = kubelet.share(SHARE.0, SHARE.1).expect("a share");
        let user =
            app.get(REPLICATION_SOURCE).await["spec"]["restic"]["moverSecurityContext"].take();
        let number = |name: &str| user[name].as_u64().and_then(|one| u32::try_from(one).ok());
        let owner = (
            number("runAsUser").expect("a user"),
            number("runAsGroup").expect("a group"),
        );
        let mut place = Self {
            app,
            volume,
            repository: share.join(APP),
            saved: tempfile::tempdir().expect("a folder"),
            owner,
            history: Vec::new(),
        };
        for version in [0, 1] {
            plant(&place.volume, version, place.owner);
            let line = format!("run volsync.snapshot {NAMESPACE} {APP}");
            world.agent().run(&line).await.exits(0);
            place.history.push(Tree::of(&place.volume));
        }
        copy(&place.repository, place.saved.path());
        place
    }

    /// Gives it the two backups, and a third version that is in none.
    pub(super) async fn begin(&self) -> Before {
        copy(self.saved.path(), &self.repository);
        plant(&self.volume, 2, self.owner);
        self.app.world.settle().await;
        self.before().await
    }

    /// Gives all that is on the volume to the user of the app.
    pub(super) fn own(&self) {
        give(&self.volume, self.owner);
    }

    /// What there is now.
    async fn before(&self) -> Before {
        Before {
            state: self.app.state().await,
            present: Tree::of(&self.volume),
            since: Timestamp::now(),
        }
    }

    /// The movers that have restored since then.
    pub(super) fn restores(&self, before: &Before) -> Vec<Run> {
        self.runs(before, "restore")
    }

    /// The containers that were started since then with this as their first argument.
    pub(super) fn runs(&self, before: &Before, argument: &str) -> Vec<Run> {
        let mut runs = self.app.world.kubelet().runs();
        runs.retain(|run| {
            run.started >= before.since && run.arguments.first().is_some_and(|one| one == argument)
        });
        runs
    }

    /// What the app has written while a mover restored.
    pub(super) fn harm(&self, before: &Before) -> Vec<Timestamp> {
        let restores = self.restores(before);
        let mut writes = self.app.world.kubelet().writes();
        writes.retain(|write| {
            restores.iter().any(|run| {
                let end = run.ended.map_or(Timestamp::MAX, |(end, _)| end);
                (run.started..end).contains(write)
            })
        });
        writes
    }

    /// Runs restic over the repository by itself.
    pub(super) fn restic(&self, arguments: &[&str]) -> String {
        let ran = Command::new(Testbed::restic().expect("restic"))
            .args(["--no-cache", "--repo"])
            .arg(&self.repository)
            .args(arguments)
            .env("RESTIC_PASSWORD", PASSWORD)
            .output()
            .expect("starting restic");
        let errors = String::from_utf8_lossy(&ran.stderr);
        assert!(ran.status.success(), "restic {arguments:?}: {errors}");
        String::from_utf8(ran.stdout).expect("UTF-8")
    }

    /// The ids of the snapshots, oldest first.
    pub(super) fn snapshots(&self) -> Vec<String> {
        let list = self.restic(&["snapshots", "--json", "--no-lock"]);
        let list: Vec<Value> = serde_json::from_str(&list).expect("a list");
        let ids = list
            .iter()
            .map(|one| one["short_id"].as_str().expect("an id"));
        ids.map(str::to_owned).collect()
    }

    /// What a snapshot has, by itself.
    pub(super) fn content_of(&self, snapshot: &str) -> Tree {
        let folder = tempfile::tempdir().expect("a folder");
        let target = folder.path().to_str().expect("UTF-8");
        self.restic(&["restore", snapshot, "--target", target]);
        Tree::of(folder.path())
    }

    /// The files in the repository that lock it.
    pub(super) fn locks(&self) -> usize {
        let locks = std::fs::read_dir(self.repository.join("locks")).expect("a repository");
        locks.count()
    }
}

/// Makes a folder the same as another one.
fn copy(from: &Path, to: &Path) {
    if to.exists() {
        std::fs::remove_dir_all(to).expect("removing a folder");
    }
    let copied = Command::new("cp").arg("-a").args([from, to]).status();
    assert!(copied.expect("cp").success());
}
