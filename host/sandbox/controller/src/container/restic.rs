//! `restic` itself, in a Job that a person or our agent made: `snapshots` and `unlock`, with restic 0.18's words and exit codes.

use super::{Environment, Outcome, has_volume_for, words};
use crate::object::Object;
use crate::restic::{Access, Repository, Snapshot};
use crate::world::World;

/// Runs restic in the container of a pod.
pub(super) fn run(world: &World, pod: &Object, environment: &Environment) -> Outcome {
    let line: Vec<String> = words(pod)
        .iter()
        .flat_map(|word| word.split_whitespace())
        .map(str::to_owned)
        .collect();
    let has = |flag: &str| line.iter().any(|word| word == flag);
    let url = option(&line, &["-r", "--repo"])
        .unwrap_or_else(|| environment.get("RESTIC_REPOSITORY").to_owned());
    if url.is_empty() {
        return fatal(
            1,
            "Fatal: Please specify repository location (-r or --repository-file)",
        );
    }
    if environment.get("RESTIC_PASSWORD").is_empty() {
        return fatal(1, "Fatal: Resolving password failed: empty password");
    }
    let access = if has_volume_for(pod, &url) {
        world
            .repositories
            .open(&url, environment.get("RESTIC_PASSWORD"))
    } else {
        Access::Missing
    };
    let repository = match open(access, &url) {
        Ok(repository) => repository,
        Err(outcome) => return outcome,
    };
    if has("unlock") {
        let count = world.repositories.unlock(&url, has("--remove-all"));
        return Outcome {
            log: format!("{}successfully removed {count} locks\n", opened(&url)),
            code: 0,
        };
    }
    if !has("snapshots") {
        return Outcome {
            log: opened(&url),
            code: 0,
        };
    }
    if let Some(lock) = repository
        .locks
        .iter()
        .find(|lock| lock.exclusive && !has("--no-lock"))
    {
        return fatal(
            11,
            &format!(
                "unable to create lock in backend: repository is already locked exclusively by PID 24 on {} by root (UID 0, \
             GID 0)\nthe `unlock` command can be used to remove stale locks",
                lock.host
            ),
        );
    }
    let snapshots = chosen(&repository, &line);
    let log = if has("--json") {
        as_json(&url, &snapshots)
    } else {
        as_table(&url, &snapshots)
    };
    Outcome { log, code: 0 }
}

/// The value of an option, as `--name value` or `--name=value`.
fn option(line: &[String], names: &[&str]) -> Option<String> {
    line.iter().enumerate().find_map(|(index, word)| {
        names
            .iter()
            .find_map(|name| match word.strip_prefix(name)? {
                "" => line.get(index + 1).cloned(),
                rest => rest.strip_prefix('=').map(str::to_owned),
            })
    })
}

fn chosen(repository: &Repository, line: &[String]) -> Vec<Snapshot> {
    let host = option(line, &["--host", "-H"]);
    let path = option(line, &["--path"]);
    let of_host =
        |snapshot: &&Snapshot| host.as_ref().is_none_or(|host| *host == snapshot.hostname);
    let of_path = |snapshot: &&Snapshot| {
        path.as_ref()
            .is_none_or(|path| snapshot.paths.contains(path))
    };
    repository
        .snapshots
        .iter()
        .filter(of_host)
        .filter(of_path)
        .cloned()
        .collect()
}

fn open(access: Access, url: &str) -> Result<Repository, Outcome> {
    match access {
        Access::Open(repository) => Ok(repository),
        Access::WrongPassword => Err(fatal(12, "Fatal: wrong password or no key found")),
        Access::Missing => Err(fatal(
            10,
            &format!(
                "Fatal: repository does not exist: unable to open config file: stat {url}/config: no such file or directory\n\
             Is there a repository at the following location?\n{url}"
            ),
        )),
        Access::Unreachable => Err(fatal(
            1,
            &format!(
                "Stat(<config/>) returned error, retrying after 552.330144ms: dial tcp: connect: connection refused\n\
             Fatal: unable to open config file: Stat: dial tcp: connect: connection refused\n\
             Is there a repository at the following location?\n{url}"
            ),
        )),
    }
}

fn fatal(code: i64, text: &str) -> Outcome {
    Outcome {
        log: format!("{text}\n"),
        code,
    }
}

/// What restic writes to stderr; a pod's log has it among the rest.
fn opened(url: &str) -> String {
    use sha2::{Digest, Sha256};
    let id = hex::encode(Sha256::digest(url.as_bytes()));
    format!(
        "repository {} opened (version 2, compression level auto)\ncreated new cache in /cache\n",
        &id[..8]
    )
}

fn as_json(url: &str, snapshots: &[Snapshot]) -> String {
    let list = serde_json::to_string(snapshots).unwrap_or_default();
    format!("{}{list}\n", opened(url))
}

fn as_table(url: &str, snapshots: &[Snapshot]) -> String {
    let rows: String = snapshots
        .iter()
        .map(|snapshot| snapshot.row() + "\n")
        .collect();
    let rule = "-".repeat(72);
    format!(
        "{}ID        Time                 Host        Tags        Paths\n{rule}\n{rows}{rule}\n{} snapshots\n",
        opened(url),
        snapshots.len(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_come_with_a_space_or_an_equals_sign() {
        let line: Vec<String> = ["restic", "-r", "/a", "--host=volsync"]
            .map(str::to_owned)
            .to_vec();
        assert_eq!(option(&line, &["-r", "--repo"]).unwrap(), "/a");
        assert_eq!(option(&line, &["--host"]).unwrap(), "volsync");
        assert_eq!(option(&line, &["--path"]), None);
    }

    #[test]
    fn the_json_is_one_line_among_others() {
        let snapshot = Snapshot::of("/r", "tree", jiff::Timestamp::UNIX_EPOCH);
        let text = as_json("/r", std::slice::from_ref(&snapshot));
        let line = text.lines().find(|line| line.starts_with('[')).unwrap();
        assert_eq!(
            serde_json::from_str::<Vec<Snapshot>>(line).unwrap(),
            [snapshot]
        );
        assert_eq!(text.lines().count(), 3);
    }
}
