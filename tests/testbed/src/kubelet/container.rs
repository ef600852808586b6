//! A container: a process in namespaces of its own, its log, its end.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader, PipeReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context, Result, ensure};
use jiff::Timestamp;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tokio::process::{Child, Command};

use super::Node;
use super::volume::{Mount, text};
use crate::server::binary;

const SCRIPT: &str = include_str!("container.sh");
/// That of VolSync's image.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
const NAMESPACES: [&str; 6] = [
    "--mount",
    "--pid",
    "--uts",
    "--ipc",
    "--fork",
    "--kill-child",
];

/// A container that runs.
pub(super) struct Container {
    child: Child,
    folder: PathBuf,
    killed: bool,
}

/// What a container is to be.
pub(super) struct Order<'a> {
    pub(super) pod: &'a Value,
    pub(super) container: &'a Value,
    pub(super) mounts: &'a [Mount],
    pub(super) environment: &'a BTreeMap<String, String>,
}

/// Says why this system lets us run no container, if it does not.
pub(super) fn possible() -> Result<()> {
    for name in ["restic", "entry.sh"] {
        binary(name)?;
    }
    let tried = std::process::Command::new("unshare")
        .args(NAMESPACES)
        .args(["mount", "-t", "tmpfs", "none", "/mnt"])
        .output();
    let tried = tried.context("starting `unshare` (of util-linux)")?;
    ensure!(
        tried.status.success(),
        "containers need root and namespaces of their own, which this system does not give: {}",
        String::from_utf8_lossy(&tried.stderr).trim()
    );
    Ok(())
}

/// Starts a container, whose log goes into a file in the container runtime's format.
pub(super) fn start(node: &Node, order: &Order, log: &Path) -> Result<Container> {
    let of = &order.pod["metadata"];
    let own = node.folder.join("pods").join(text(&of["uid"]));
    let folder = own.join(format!("container {}", text(&order.container["name"])));
    let restores = order.container["args"][0] == "restore";
    let limit = node.faults().limit.filter(|_| restores);
    prepare(&folder, order.mounts, limit)?;
    let (reader, writer) = std::io::pipe().context("making a pipe")?;
    let mut command = Command::new("unshare");
    command
        .args(NAMESPACES)
        .args(["sh", "-c", SCRIPT, "container"])
        .arg(&folder)
        .args([text(&of["name"]), root(order.container), "setpriv"])
        .args(privileges(order.pod, order.container))
        .args(words(&order.container["command"]))
        .args(words(&order.container["args"]))
        .env_clear()
        .envs([("PATH", PATH), ("version", "v0.16.0"), ("HOME", "/")])
        .envs(order.environment)
        .stdin(Stdio::null())
        .stdout(writer)
        // Of `unshare` itself; the script lets errors go where the rest goes.
        .stderr(Stdio::null())
        .process_group(node.group)
        .kill_on_drop(true);
    let child = command.spawn().context("starting a container")?;
    let mut log = std::fs::File::options().append(true).open(log)?;
    std::thread::spawn(move || {
        for lines in said(reader) {
            // A log that cannot be written is a testbed that is being removed.
            let _written = log.write_all(lines.as_bytes());
        }
    });
    Ok(Container {
        child,
        folder,
        killed: false,
    })
}

fn prepare(folder: &Path, mounts: &[Mount], limit: Option<u32>) -> Result<()> {
    let bin = folder.join("bin");
    for part in [&folder.join("root"), &bin] {
        std::fs::create_dir_all(part).context("making a container's folder")?;
    }
    std::fs::copy(binary("entry.sh")?, folder.join("entry.sh")).context("copying the script")?;
    let restic = binary("restic")?;
    match limit {
        None => drop(std::fs::copy(&restic, bin.join("restic"))?),
        Some(limit) => {
            std::fs::copy(&restic, bin.join("restic-itself"))?;
            let slow = format!("#!/bin/sh\nexec restic-itself --limit-download {limit} \"$@\"\n");
            executable(&bin.join("restic"), &slow)?;
        }
    }
    let lines = mounts.iter().fold(String::new(), |mut lines, mount| {
        let how = if mount.read_only { "ro" } else { "rw" };
        let _infallible = writeln!(lines, "{}\t{}\t{how}", mount.source.display(), mount.target);
        lines
    });
    std::fs::write(folder.join("mounts"), lines).context("writing a container's mounts")
}

fn executable(path: &Path, text: &str) -> Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::write(path, text)?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755))?;
    Ok(())
}

fn root(container: &Value) -> &'static str {
    let read_only = container["securityContext"]["readOnlyRootFilesystem"] == true;
    if read_only { "ro" } else { "rw" }
}

/// Arguments of `setpriv`: the user, his groups, and what root may do of all that root may.
fn privileges(pod: &Value, container: &Value) -> Vec<String> {
    let (of_pod, own) = (
        &pod["spec"]["securityContext"],
        &container["securityContext"],
    );
    let number = |name: &str| {
        own[name]
            .as_i64()
            .or_else(|| of_pod[name].as_i64())
            .unwrap_or(0)
    };
    let groups = of_pod["supplementalGroups"]
        .as_array()
        .into_iter()
        .flatten();
    let groups = groups.chain([&of_pod["fsGroup"]]).filter_map(Value::as_i64);
    let groups: Vec<_> = groups.map(|group| group.to_string()).collect();
    let groups = match &groups[..] {
        [] => "--clear-groups".to_owned(),
        some => format!("--groups={}", some.join(",")),
    };
    let mut all = vec![
        format!("--reuid={}", number("runAsUser")),
        format!("--regid={}", number("runAsGroup")),
        groups,
    ];
    let capabilities = &own["capabilities"];
    if words(&capabilities["drop"]).iter().any(|one| one == "ALL") {
        let added = words(&capabilities["add"]).into_iter();
        let kept: String = added
            .map(|one| format!(",+{}", one.to_lowercase()))
            .collect();
        all.push(format!("--bounding-set=-all{kept}"));
        all.push(format!("--inh-caps=-all{kept}"));
    }
    if own["allowPrivilegeEscalation"] == false {
        all.push("--no-new-privs".to_owned());
    }
    all
}

pub(super) fn words(list: &Value) -> Vec<String> {
    let words = list.as_array().into_iter().flatten();
    words.map(|word| text(word).to_owned()).collect()
}

/// What comes out of a pipe, line by line, in the container runtime's format.
fn said(reader: PipeReader) -> impl Iterator<Item = String> {
    let mut reader = BufReader::new(reader);
    std::iter::from_fn(move || {
        let mut line = Vec::new();
        let read = reader.read_until(b'\n', &mut line).unwrap_or(0);
        let whole = line.pop_if(|last| *last == b'\n').is_some();
        let text = String::from_utf8_lossy(&line);
        let tag = if whole { 'F' } else { 'P' };
        (read > 0).then(|| format!("{:.9} stdout {tag} {text}\n", Timestamp::now()))
    })
}

impl Container {
    /// Waits for its end; returns its exit code. That of what we have killed is not told by `unshare` 2.38.
    pub(super) async fn ended(&mut self) -> i32 {
        let status = self.child.wait().await;
        let code = status.ok().and_then(|status| status.code());
        if self.killed {
            137
        } else {
            code.unwrap_or(255)
        }
    }

    /// Sends a signal to its process 1, for which one that it does not expect has no effect.
    pub(super) fn signal(&mut self, signal: Signal) {
        self.killed |= signal == Signal::KILL;
        let pid = std::fs::read_to_string(self.folder.join("pid")).unwrap_or_default();
        if let Some(pid) = pid.trim().parse().ok().and_then(Pid::from_raw) {
            // It may have ended this very moment.
            let _gone = kill_process(pid, signal);
        }
    }
}
