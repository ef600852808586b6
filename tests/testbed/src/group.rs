//! The servers' processes: one process group that cannot outlive us.
//!
//! A shell waits on a pipe that only we hold. When the pipe closes, because the group is dropped or because this process died
//! in whatever way, it kills the group and removes the folder. No signal handler and no good will of a server is needed.

use std::fs::File;
use std::io::Write as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result};

const GUARD: &str = r#"trap "" HUP INT TERM; read -r group || exit; cat >/dev/null; kill -s KILL -- "-$group"; rm -rf -- "$1""#;

/// Processes that end together.
pub(crate) struct Group {
    folder: PathBuf,
    members: Vec<(String, Child)>,
    guard: Option<Child>,
}

impl Group {
    /// An empty group whose logs are in `folder`, which is removed with it.
    pub(crate) fn new(folder: &Path) -> Self {
        Self {
            folder: folder.to_owned(),
            members: Vec::new(),
            guard: None,
        }
    }

    /// Starts a server; what it prints goes to `NAME.log` in the folder.
    pub(crate) fn start(&mut self, name: &str, mut command: Command) -> Result<()> {
        let path = self.log(name);
        let log = File::create(&path).with_context(|| format!("creating `{}`", path.display()))?;
        let errors = log.try_clone().context("sharing a log file")?;
        let leader = self.leader();
        let child = command
            .stdin(Stdio::null())
            .stdout(log)
            .stderr(errors)
            .process_group(leader.cast_signed())
            .spawn()
            .with_context(|| format!("starting `{name}`"))?;
        let id = child.id();
        self.members.push((name.to_owned(), child));
        if self.guard.is_none() {
            self.guard = Some(guard(id, &self.folder)?);
        }
        Ok(())
    }

    /// The process group, 0 while there is none.
    pub(crate) fn leader(&self) -> u32 {
        self.members.first().map_or(0, |(_, child)| child.id())
    }

    /// Names of the members that have ended, with their last lines.
    pub(crate) fn ended(&mut self) -> Option<String> {
        let ended = self
            .members
            .iter_mut()
            .find_map(|(name, child)| match child.try_wait() {
                Ok(Some(status)) => Some((name.clone(), status)),
                _ => None,
            });
        ended.map(|(name, status)| format!("`{name}` ended ({status}): {}", self.last_lines(&name)))
    }

    /// The end of a member's log.
    pub(crate) fn last_lines(&self, name: &str) -> String {
        let text = std::fs::read_to_string(self.log(name)).unwrap_or_default();
        let lines: Vec<_> = text.lines().rev().take(5).collect();
        lines.into_iter().rev().collect::<Vec<_>>().join("\n")
    }

    fn log(&self, name: &str) -> PathBuf {
        self.folder.join(format!("{name}.log"))
    }
}

fn guard(group: u32, folder: &Path) -> Result<Child> {
    let mut guard = Command::new("sh")
        .args(["-c", GUARD, "testbed-guard"])
        .arg(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .process_group(0)
        .spawn()
        .context("starting the guard of the testbed's processes")?;
    let pipe = guard.stdin.as_mut().context("opening the guard's pipe")?;
    writeln!(pipe, "{group}").context("telling the guard which group it guards")?;
    Ok(guard)
}

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(mut guard) = self.guard.take() {
            drop(guard.stdin.take());
            let _status = guard.wait();
        }
        for (_, child) in &mut self.members {
            let _already_dead = child.kill();
            let _status = child.wait();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sleeper() -> Command {
        let mut command = Command::new("sleep");
        command.arg("600");
        command
    }

    #[test]
    fn dropping_the_group_ends_every_member_and_its_folder() {
        let folder = tempfile::tempdir().unwrap().keep();
        let mut group = Group::new(&folder);
        group.start("one", sleeper()).unwrap();
        group.start("two", sleeper()).unwrap();
        let ids: Vec<_> = group.members.iter().map(|(_, child)| child.id()).collect();
        assert_eq!(group.ended(), None);
        drop(group);
        for id in ids {
            assert!(!Path::new(&format!("/proc/{id}")).exists());
        }
        assert!(!folder.exists());
    }

    #[test]
    fn ended_member_is_named_with_its_last_words() {
        let folder = tempfile::tempdir().unwrap();
        let mut group = Group::new(folder.path());
        let mut command = Command::new("sh");
        command.args(["-c", "echo no such port; exit 3"]);
        group.start("etcd", command).unwrap();
        let ended = std::iter::repeat_with(|| group.ended()).find_map(|ended| ended);
        let ended = ended.unwrap();
        assert!(
            ended.contains("`etcd` ended") && ended.contains("no such port"),
            "{ended}"
        );
    }
}
