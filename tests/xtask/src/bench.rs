//! `cargo xtask bench`: the figures of the agent, on the real API server and beside its peers.
//!
//! It builds what is measured and what measures (`tests/bench`), which does the rest. Needs `curl`; takes some minutes.

use anyhow::Result;

use crate::process::{cargo, command, run as execute};
use crate::tool::{self, Tool};
use crate::{testbed, workspace};

/// What to measure; nothing named means: everything.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// reconcile, restore, cold, many, growth, engine
    figures: Vec<String>,
}

/// Builds everything, then measures.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    tool::require(&[Tool::WasmTarget, Tool::Go, Tool::Curl])?;
    testbed::build()?;
    let target = workspace::target();
    let guests = target.join("guests");
    for package in ["agent", "agent-bench"] {
        execute(&mut cargo(["build", "--release", "--package", package]))?;
    }
    let mut guest = cargo([
        "build",
        "--lib",
        "--package",
        "agent-bench-guest",
        "--profile",
        "guest",
        "--target",
        "wasm32-wasip2",
        "--target-dir",
    ]);
    execute(guest.arg(&guests))?;
    let mut bench = command(
        &target.join("release/agent-bench").to_string_lossy(),
        [
            target.join("release/agent"),
            guests.join("wasm32-wasip2/guest/agent_bench_guest.wasm"),
        ],
    );
    execute(bench.args(&arguments.figures))
}
