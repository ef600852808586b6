//! `restic` itself, in a Job that a person or our agent made: `snapshots`, `restore` and `unlock`, with the words and exit codes of restic 0.18.1.

use super::{Environment, Outcome, has_volume_for, words};
use crate::object::Object;
use crate::restic::{Access, Repository, Snapshot, list};
use crate::world::World;
use serde_json::json;

mod restore;

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
    let json = has("--json");
    let repository = match access {
        Access::Open(repository) => repository,
        access => {
            return fatal(
                code(&access),
                &(retries(&access) + &said(&access.complaint(&url), code(&access), json)),
            );
        }
    };
    if has("unlock") {
        let count = world.repositories.unlock(&url, has("--remove-all"));
        let log = match count {
            0 => String::new(),
            _ => format!("successfully removed {count} locks\n"),
        };
        return Outcome { log, code: 0 };
    }
    if has("restore") {
        return restore::run(world, pod, &repository, has("--dry-run"));
    }
    if !has("snapshots") {
        return Outcome {
            log: String::new(),
            code: 0,
        };
    }
    let mut locks = repository.locks.iter();
    if let Some(lock) = locks.find(|lock| lock.exclusive && !has("--no-lock")) {
        return fatal(11, &said(&repository.complaint(lock), 11, json));
    }
    let snapshots = chosen(&repository, &line);
    let log = if json {
        serde_json::to_string(&snapshots).unwrap_or_default() + "\n"
    } else {
        let rows: Vec<_> = snapshots.iter().map(|one| (one, &[][..])).collect();
        list(&rows)
    };
    Outcome { log, code: 0 }
}

/// How restic says what it ends with: as an object when JSON is asked for, since 0.18.
fn said(message: &str, code: i64, json: bool) -> String {
    if json {
        json!({"message_type": "exit_error", "code": code, "message": message}).to_string()
    } else {
        message.to_owned()
    }
}

fn code(access: &Access) -> i64 {
    match access {
        Access::Open(_) => 0,
        Access::Unreachable => 1,
        Access::Missing => 10,
        Access::WrongPassword => 12,
    }
}

/// A repository that does not answer is asked for a quarter of an hour. Said in plain text even when JSON is asked for.
fn retries(access: &Access) -> String {
    if matches!(access, Access::Unreachable) {
        let why = "Stat: dial tcp: connect: connection refused";
        return format!("Stat(<config/>) returned error, retrying after 1.116112094s: {why}\n");
    }
    String::new()
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

fn fatal(code: i64, text: &str) -> Outcome {
    Outcome {
        log: format!("{text}\n"),
        code,
    }
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

    /// Printed by restic 0.18.1 with `--json` and a wrong password.
    #[test]
    fn failure_is_an_object_when_json_is_asked_for() {
        let text = said(&Access::WrongPassword.complaint("/r"), 12, true);
        let real = r#"{"message_type":"exit_error","code":12,"message":"Fatal: wrong password or no key found"}"#;
        let read = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
        assert_eq!(read(&text), read(real));
    }
}
