//! `cargo xtask testbed`: builds the testbed's servers, or keeps one running.
//!
//! The servers are Go programs out of pinned modules (`tests/testbed/go`). Tests
//! find them through the crate `agent-testbed`, which builds nothing itself.

use std::time::Instant;

use anyhow::Result;

use crate::process::{cargo, run as execute};
use crate::tool::{self, Tool};
use crate::{go, workspace};

/// What to do with the testbed; nothing named means: build it.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    action: Option<Action>,
}

#[derive(clap::Subcommand)]
enum Action {
    /// Keep a control plane running in the foreground and print its kubeconfig
    Up {
        /// Put the home cluster into it, applied by the real kustomize-controller
        #[arg(long)]
        home: bool,
    },
}

/// Builds what is missing, then does what is asked.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    build()?;
    match arguments.action {
        Some(Action::Up { home }) => {
            let mut up = cargo(["run", "--quiet", "--package", "agent-testbed", "--"]);
            execute(up.args(home.then_some("--home")))
        }
        None => Ok(()),
    }
}

/// Builds every module whose pins or flags changed since it was last built.
pub(crate) fn build() -> Result<()> {
    tool::require(&[Tool::Go])?;
    for module in go::MODULES {
        let begin = Instant::now();
        if go::build(module, &workspace::root(), &workspace::servers())? {
            let seconds = begin.elapsed().as_secs_f64();
            println!("built {} in {seconds:.0} s", module.name);
        }
    }
    println!("testbed: servers are in {}", workspace::servers().display());
    Ok(())
}
