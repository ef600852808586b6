//! `cargo xtask`: what a person or CI does with this repository.
//!
//! One file per command. It stands outside the program: it starts cargo, go and
//! the agent's binary as processes, and depends on none of our crates, so that it
//! compiles in seconds on a fresh clone. Nothing here is needed to use the agent.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "a developer's command line: it prints, reads the tree and starts programs"
)]

mod bench;
mod demo;
mod fuzz;
mod go;
mod process;
mod test;
mod testbed;
mod tidy;
mod tool;
mod workspace;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Build, try and test the agent.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Build the agent and restore an app's volume in the embedded sandbox cluster
    Demo,
    /// Run everything that CI runs
    Test,
    /// Build the real API server, Flux and what they need (once, then kept)
    Testbed(testbed::Arguments),
    /// Measure the agent on the real API server, beside kubectl and curl
    Bench(bench::Arguments),
    /// Give every parser of a stranger's input what nobody has thought of, for a while
    Fuzz(fuzz::Arguments),
    /// Check the house rules that no compiler knows
    Tidy,
}

fn main() -> ExitCode {
    let result = match Arguments::parse().command {
        Command::Demo => demo::run(),
        Command::Test => test::run(),
        Command::Testbed(arguments) => testbed::run(&arguments),
        Command::Bench(arguments) => bench::run(&arguments),
        Command::Fuzz(arguments) => fuzz::run(&arguments),
        Command::Tidy => tidy::run(),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(err) => {
            eprintln!("Error: {err:#}");
            ExitCode::FAILURE
        }
    }
}
