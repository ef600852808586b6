//! The figures of the agent on a real API server: started by `cargo xtask bench`, which builds everything first.
//!
//! Each figure is measured beside its peers, in turns, so that whatever else the machine does weighs on all of them alike. It
//! stands outside the program: the agent is a process here, but for the engine's own figures. Nothing of it is needed to use the agent.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "a developer's command line: it prints, keeps files in folders of its own and starts programs"
)]

mod bench;
mod cold;
mod engine;
mod growth;
mod many;
mod program;
mod reconcile;
mod restore;
mod table;
mod timeline;

use std::process::ExitCode;

use anyhow::{Context, Result, bail};

use bench::Bench;
use table::Table;

/// Every figure, in the order in which they are measured: loading the home waits for all Kustomizations that there are, so those
/// that nobody acts on come later.
const FIGURES: &[&str] = &["reconcile", "restore", "cold", "many", "growth", ENGINE];
/// The one that needs no cluster.
const ENGINE: &str = "engine";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [first, rest @ ..] = &arguments[..]
        && first == program::MEASURE
    {
        return program::measure(rest);
    }
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(err) => {
            eprintln!("Error: {err:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &[String]) -> Result<()> {
    let [agent, guest, figures @ ..] = arguments else {
        bail!("usage: agent-bench AGENT GUEST [FIGURE]...; run it by `cargo xtask bench`");
    };
    if let Some(unknown) = figures.iter().find(|it| !FIGURES.contains(&it.as_str())) {
        bail!(
            "there is no figure `{unknown}`; known: {}",
            FIGURES.join(", ")
        );
    }
    let wanted = |name: &str| figures.is_empty() || figures.iter().any(|it| it == name);
    let runtime = tokio::runtime::Runtime::new().context("making a runtime")?;
    let mut table = Table::default();
    let (engine, others): (Vec<&str>, Vec<&str>) = FIGURES
        .iter()
        .filter(|it| wanted(it))
        .partition(|it| **it == ENGINE);
    let measured = runtime.block_on(async {
        if others.is_empty() {
            return Ok(());
        }
        let bench = Bench::start(agent.as_ref()).await?;
        for figure in others {
            eprintln!("measuring {figure}");
            let measured = figure_of(figure, &bench, &mut table).await;
            measured.with_context(|| format!("measuring {figure}"))?;
        }
        anyhow::Ok(())
    });
    let measured = measured.and_then(|()| match engine[..] {
        [] => Ok(()),
        _ => {
            eprintln!("measuring {ENGINE}");
            engine::measure(guest.as_ref(), &mut table)
        }
    });
    print!("{table}");
    measured
}

async fn figure_of(figure: &str, bench: &Bench, table: &mut Table) -> Result<()> {
    match figure {
        "cold" => cold::measure(bench, table).await,
        "reconcile" => reconcile::measure(bench, table).await,
        "restore" => restore::measure(bench, table).await,
        "many" => many::measure(bench, table).await,
        _ => growth::measure(bench, table).await,
    }
}
