//! `cargo xtask demo`: the whole program once, in its embedded sandbox cluster.
//!
//! Needs no cluster and no Go. It writes nothing outside cargo's target folder.

use anyhow::Result;

use crate::process::{cargo, command, run as execute};
use crate::tool::{self, Tool};
use crate::workspace;

const RESTORE: &[&str] = &["--sandbox", "run", "volsync.restore", "media", "plex"];

const MORE: &[&str] = &[
    "--sandbox run volsync.restore media plex --plan",
    "--sandbox run flux.reconcile ks --all",
    "--sandbox list",
];

/// Builds the agent, restores one app and says what to try next.
pub(crate) fn run() -> Result<()> {
    tool::require(&[Tool::WasmTarget])?;
    execute(&mut cargo(["build", "--release", "--package", "agent"]))?;
    let agent = workspace::target().join("release/agent");
    let agent = agent.to_string_lossy();
    let shown = shown(&agent);
    println!("\n$ {shown} {} --yes\n", RESTORE.join(" "));
    execute(command(&agent, RESTORE).arg("--yes"))?;
    println!("\nThat was a sandbox cluster inside the process. Try it, and three more:\n");
    println!("  {shown} {}", RESTORE.join(" "));
    for line in MORE {
        println!("  {shown} {line}");
    }
    Ok(())
}

/// The path as a person in the workspace's root would type it.
fn shown(agent: &str) -> String {
    let root = workspace::root();
    agent
        .strip_prefix(&*root.to_string_lossy())
        .map_or_else(|| agent.to_owned(), |rest| format!(".{rest}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn path_below_the_workspace_is_shown_relative() {
        let agent = workspace::root().join("target/release/agent");
        assert_eq!(shown(&agent.to_string_lossy()), "./target/release/agent");
        assert_eq!(shown("/elsewhere/agent"), "/elsewhere/agent");
    }
}
