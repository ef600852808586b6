//! `cargo xtask test`: what CI runs, in order, each step named and timed.
//!
//! The first failure ends it. No step is optional.

use std::time::Instant;

use anyhow::{Context, Result};

use crate::process::{cargo, run as execute};
use crate::tool::{self, Tool};
use crate::{testbed, tidy};

type Step = (&'static str, fn() -> Result<()>);

const STEPS: &[Step] = &[
    ("tidy", tidy::run),
    ("format", format),
    ("testbed", testbed::build),
    ("lint", lint),
    ("documentation", document),
    ("test", test),
];

/// Runs every step.
pub(crate) fn run() -> Result<()> {
    tool::require(&[Tool::Rustfmt, Tool::Clippy, Tool::WasmTarget, Tool::Go])?;
    let begin = Instant::now();
    for (index, (name, step)) in STEPS.iter().enumerate() {
        let place = format!("[{}/{}] {name}", index + 1, STEPS.len());
        println!("{place}");
        let begin = Instant::now();
        step().with_context(|| format!("running step `{name}`"))?;
        println!("{place}: done in {:.1} s", begin.elapsed().as_secs_f64());
    }
    for what in tool::untried() {
        println!("not tried on this system: {what}");
    }
    println!("all steps: done in {:.1} s", begin.elapsed().as_secs_f64());
    Ok(())
}

fn format() -> Result<()> {
    execute(&mut cargo(["fmt", "--all", "--check"]))
}

fn lint() -> Result<()> {
    execute(&mut cargo([
        "clippy",
        "--workspace",
        "--all-targets",
        "--",
        "--deny",
        "warnings",
    ]))
}

fn document() -> Result<()> {
    execute(cargo(["doc", "--workspace", "--no-deps"]).env("RUSTDOCFLAGS", "-D warnings"))
}

fn test() -> Result<()> {
    execute(&mut cargo(["test", "--workspace"]))
}
