//! VolSync's restic mover: the steps of its script and the text that it prints, with their effect on repository and volume. The text
//! is that of VolSync 0.16.0's mover-restic/entry.sh with restic 0.18.1, neither of which writes to a terminal.

use super::{Environment, Outcome, arguments, has_volume_for};
use crate::kind::Kind;
use crate::object::Object;
use crate::restic::{Access, Policy, Snapshot, list, size};
use crate::world::{Result, World};
use jiff::Timestamp;

const VERSION: &str = "restic 0.18.1 compiled with go1.25.1 on linux/amd64";

/// The lines that come before anything can fail.
pub(super) fn greeting(operations: &[String]) -> String {
    format!(
        "Starting container\nVolSync restic container version: v0.16.0\n{}\n{VERSION}\nTesting mandatory env variables\n",
        operations.join(" "),
    )
}

/// Runs the mover of a pod.
pub(super) async fn run(world: &World, pod: &Object, environment: &Environment) -> Result<Outcome> {
    let operations = arguments(pod);
    let mounted_by = users_of(world, pod, data_claim(pod)).await?;
    let mut mover = Mover {
        world,
        pod,
        environment,
        log: greeting(&operations),
    };
    let code = mover.run(&operations, &mounted_by);
    Ok(Outcome {
        log: mover.log,
        code,
    })
}

pub(super) fn data_claim(pod: &Object) -> &str {
    let volumes = pod.list("/spec/volumes");
    let data = volumes.iter().find(|volume| volume["name"] == "data");
    data.and_then(|volume| volume["persistentVolumeClaim"]["claimName"].as_str())
        .unwrap_or_default()
}

/// The other pods that run with the claim mounted.
async fn users_of(world: &World, pod: &Object, claim: &str) -> Result<Vec<String>> {
    let pods = world.list(Kind::Pod, pod.namespace(), "").await?;
    let uses = |other: &&Object| {
        let phase = other.text("/status/phase");
        other.uid() != pod.uid() && other.claims().contains(&claim) && phase == "Running"
    };
    Ok(pods
        .iter()
        .filter(uses)
        .map(|other| other.name().to_owned())
        .collect())
}

struct Mover<'a> {
    world: &'a World,
    pod: &'a Object,
    environment: &'a Environment,
    log: String,
}

type Step = std::result::Result<(), i64>;

impl Mover<'_> {
    fn run(&mut self, operations: &[String], mounted_by: &[String]) -> i64 {
        if let Some(name) = ["RESTIC_PASSWORD", "RESTIC_REPOSITORY", "DATA_DIR"]
            .into_iter()
            .find(|name| self.environment.get(name).is_empty())
        {
            return self.error(1, &format!("{name} must be defined"));
        }
        for operation in operations {
            let step = match operation.as_str() {
                "unlock" => self.unlock(),
                "backup" if self.content().is_empty() => {
                    self.say("== Checking directory for content ===");
                    self.say("== Directory is empty skipping backup ===");
                    return 0;
                }
                "backup" => self.backup(),
                "prune" => self.prune(),
                "restore" => self.restore(mounted_by),
                other => Err(self.error(2, &format!("unknown operation: {other}"))),
            };
            if let Err(code) = step {
                return code;
            }
        }
        let seconds = self.world.options.mover_time.as_secs();
        self.say(&format!("Restic completed in {seconds}s"));
        self.say("=== Done ===");
        0
    }

    fn say(&mut self, line: &str) {
        self.log.push_str(line);
        self.log.push('\n');
    }

    fn error(&mut self, code: i64, message: &str) -> i64 {
        self.say(&format!("ERROR: {message}"));
        code
    }

    fn url(&self) -> &str {
        self.environment.get("RESTIC_REPOSITORY")
    }

    fn password(&self) -> &str {
        self.environment.get("RESTIC_PASSWORD")
    }

    fn content(&self) -> String {
        self.world
            .volumes
            .content(self.pod.namespace(), data_claim(self.pod))
    }

    fn open(&self) -> Access {
        if !has_volume_for(self.pod, self.url()) {
            return Access::Missing;
        }
        self.world.repositories.open(self.url(), self.password())
    }

    fn unlock(&mut self) -> Step {
        self.say("=== Starting unlock ===");
        match self.open() {
            Access::Open(_) => {
                let count = self.world.repositories.unlock(self.url(), false);
                if count > 0 {
                    self.say(&format!("successfully removed {count} locks"));
                }
                Ok(())
            }
            Access::WrongPassword => Err(self.wrong_password("failure unlocking repository")),
            access => {
                self.say(&access.complaint(self.url()));
                self.say("No repo, ignoring unlock error");
                Ok(())
            }
        }
    }

    fn wrong_password(&mut self, message: &str) -> i64 {
        self.say(&Access::WrongPassword.complaint(self.url()));
        self.error(3, message)
    }

    /// The first step of the script's every operation: a repository that is missing is made, on restore as well. One that does not answer
    /// within a minute is taken for missing.
    fn ensure_initialized(&mut self) -> Step {
        self.say("=== Check for dir initialized ===");
        let url = self.url().to_owned();
        match self.open() {
            Access::Open(repository) => {
                if let Some(lock) = repository.locks.iter().find(|lock| lock.exclusive) {
                    self.say(&repository.complaint(lock));
                    return Err(self.error(3, "failure locking repository"));
                }
                self.say("dir is initialized");
                return Ok(());
            }
            Access::WrongPassword => {
                return Err(
                    self.wrong_password("failure connecting to repository, incorrect password")
                );
            }
            Access::Missing if has_volume_for(self.pod, &url) => {
                self.say("=== Initialize Dir ===");
                self.world.repositories.init(&url, self.password());
                self.say(&format!(
                    "created restic repository {} at {url}\n",
                    repository_id(&url)
                ));
                self.say("Please note that knowledge of your password is required to access");
                self.say("the repository. Losing your password means that your data is\nirrecoverably lost.");
                return Ok(());
            }
            Access::Missing | Access::Unreachable => {}
        }
        self.say("=== Initialize Dir ===");
        let why = if url.starts_with('/') {
            format!("mkdir {url}: read-only file system")
        } else {
            "client.BucketExists: dial tcp: connect: connection refused".to_owned()
        };
        self.say(&format!(
            "Fatal: create repository at {url} failed: Fatal: unable to open repository at {url}: {why}\n"
        ));
        Err(1)
    }

    fn fail_if_asked(&mut self) -> Step {
        let owner = super::owner(self.pod);
        if self.world.faults.takes_failure(self.pod.namespace(), owner) {
            let file = format!("{}/data/fe/fe09078c27-tmp-2811374229", self.url());
            self.say(&format!(
                "Fatal: unable to save snapshot: write {file}: no space left on device"
            ));
            return Err(1);
        }
        Ok(())
    }

    fn backup(&mut self) -> Step {
        self.say("== Checking directory for content ===");
        self.ensure_initialized()?;
        self.say("=== Starting backup ===");
        self.say("/data /");
        self.fail_if_asked()?;
        let url = self.url().to_owned();
        let parent = self
            .world
            .repositories
            .snapshots(&url)
            .last()
            .map(|last| last.short_id.clone());
        self.say(&parent.map_or(
            "no parent snapshot found, will read all files".to_owned(),
            |id| format!("using parent snapshot {id}"),
        ));
        let snapshot = self
            .world
            .repositories
            .add(&url, &self.content(), Timestamp::now());
        self.say("\nFiles:           0 new,     4 changed,  1284 unmodified");
        self.say("Dirs:            0 new,     2 changed,   141 unmodified");
        self.say("Added to the repository: 1.615 MiB (500.020 KiB stored)\n");
        self.say("processed 1288 files, 59.222 MiB in 0:01");
        self.say(&format!("snapshot {} saved", snapshot.short_id));
        self.say("/");
        self.forget(&url)
    }

    fn forget(&mut self, url: &str) -> Step {
        self.say("=== Starting forget ===");
        let options = self.environment.get("FORGET_OPTIONS");
        if options.is_empty() {
            return Ok(());
        }
        if let Access::Open(repository) = self.open()
            && let Some(lock) = repository.locks.first()
        {
            self.say("repo already locked, waiting up to 0s for the lock");
            self.say(&repository.complaint(lock));
            return Err(11);
        }
        let policy = Policy::parse(options);
        self.say(&policy.announcement());
        let done = self.world.repositories.forget(url, &policy);
        let kept: Vec<_> = done.kept.iter().map(|(one, why)| (one, &why[..])).collect();
        self.say(&format!("keep {} snapshots:\n{}", kept.len(), list(&kept)));
        let gone: Vec<_> = done.gone.iter().map(|one| (one, &[][..])).collect();
        if !gone.is_empty() {
            let count = gone.len();
            self.say(&format!("remove {count} snapshots:\n{}", list(&gone)));
            self.say(&format!("[0:00] 100.00%  {count} / {count} files deleted"));
        }
        Ok(())
    }

    fn prune(&mut self) -> Step {
        self.say("=== Starting prune ===");
        let count = self.world.repositories.snapshots(self.url()).len();
        self.say(&format!(
            "loading indexes...\nloading all snapshots...\nfinding data that is still in use for {count} snapshots\n\
             [0:00] 100.00%  {count} / {count} snapshots\nsearching used packs...\ncollecting packs for deletion and repacking\n\
             [0:00] 100.00%  6 / 6 packs processed\n\nto repack:             0 blobs / 0 B\nthis removes:          0 blobs / 0 B\n\
             to delete:             0 blobs / 0 B\ntotal prune:           0 blobs / 0 B\ndone"
        ));
        Ok(())
    }

    fn restore(&mut self, mounted_by: &[String]) -> Step {
        self.ensure_initialized()?;
        self.say("=== Starting restore ===");
        self.fail_if_asked()?;
        let url = self.url().to_owned();
        let snapshots = self.world.repositories.snapshots(&url);
        let Some(snapshot) = select(&snapshots, self.environment) else {
            self.say("No eligible snapshots found");
            self.say("=== No data will be restored ===");
            return Ok(());
        };
        let options = self.environment.get("RESTORE_OPTIONS");
        if !options.is_empty() {
            self.say(&format!("RESTORE_OPTIONS: {options}"));
        }
        self.say("/data /");
        let id = &snapshot.short_id;
        self.say(&format!("Selected restic snapshot with id: {id}"));
        let (paths, time) = (snapshot.paths.join(" "), snapshot.printed_time());
        self.say(&format!(
            "restoring snapshot {id} of [{paths}] at {time} by {}@{} to .",
            snapshot.username, snapshot.hostname
        ));
        let bytes = snapshot.summary["total_bytes_processed"].as_u64();
        self.say(&format!(
            "Summary: Restored 1429 files/dirs ({}) in 0:01\n/",
            size(bytes.unwrap_or_default())
        ));
        let (space, claim) = (self.pod.namespace(), data_claim(self.pod));
        if !mounted_by.is_empty() {
            self.world.volumes.violate(format!(
                "{space}/{claim} was restored while {} ran",
                mounted_by.join(", ")
            ));
        }
        self.world.volumes.write(space, claim, &snapshot.tree);
        Ok(())
    }
}

fn repository_id(url: &str) -> String {
    use sha2::{Digest, Sha256};
    hex::encode(Sha256::digest(url.as_bytes()))[..10].to_owned()
}

/// The snapshot that the script selects: of those in whose line `/data` stands, by whole seconds, the newest that is not younger than
/// `RESTORE_AS_OF`, and then `SELECT_PREVIOUS` further back.
fn select(snapshots: &[Snapshot], environment: &Environment) -> Option<Snapshot> {
    let previous: usize = environment.get("SELECT_PREVIOUS").parse().unwrap_or(0);
    let as_of: Option<Timestamp> = environment.get("RESTORE_AS_OF").parse().ok();
    let mut eligible: Vec<&Snapshot> = snapshots
        .iter()
        .filter(|snapshot| snapshot.paths.iter().any(|path| path.contains("/data")))
        .collect();
    eligible.reverse();
    let start = match as_of {
        Some(limit) => eligible
            .iter()
            .position(|snapshot| snapshot.time.as_second() <= limit.as_second())?,
        None => 0,
    };
    eligible
        .get(start + previous)
        .map(|snapshot| (*snapshot).clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn history() -> Vec<Snapshot> {
        [
            "2026-11-21T06:00:04.9Z",
            "2026-11-22T06:00:04.1Z",
            "2026-11-22T12:00:07Z",
        ]
        .iter()
        .map(|time| Snapshot::of("/repository/plex", time, time.parse().unwrap()))
        .collect()
    }

    fn selected(pairs: &[(&str, &str)]) -> Option<String> {
        select(&history(), &Environment::with(pairs)).map(|snapshot| snapshot.tree)
    }

    #[test]
    fn previous_counts_from_the_newest_eligible_one() {
        assert_eq!(selected(&[]).unwrap(), "2026-11-22T12:00:07Z");
        assert_eq!(
            selected(&[("SELECT_PREVIOUS", "2")]).unwrap(),
            "2026-11-21T06:00:04.9Z"
        );
        assert_eq!(selected(&[("SELECT_PREVIOUS", "3")]), None);
        let as_of = ("RESTORE_AS_OF", "2026-11-22T07:00:00Z");
        assert_eq!(
            selected(&[as_of, ("SELECT_PREVIOUS", "1")]).unwrap(),
            "2026-11-21T06:00:04.9Z"
        );
    }

    #[test]
    fn as_of_compares_whole_seconds() {
        assert_eq!(
            selected(&[("RESTORE_AS_OF", "2026-11-22T06:00:04Z")]).unwrap(),
            "2026-11-22T06:00:04.1Z"
        );
        assert_eq!(selected(&[("RESTORE_AS_OF", "2026-11-21T06:00:03Z")]), None);
    }
}
