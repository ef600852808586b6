//! `cargo xtask fuzz`: every parser of a stranger's input under libFuzzer, each for a while.
//!
//! Needs a nightly compiler. What it finds worth keeping lies in cargo's target folder; what belongs into `tests/fuzz/corpus` a person
//! copies there, and each input that crashed as well: `tests/fuzz` runs all of them on every compiler.

use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::time::Instant;

use anyhow::{Context, Result, bail};

use crate::process::{command, run as execute};
use crate::workspace;

/// What has the compiler count the branches that were taken: the flags of cargo-fuzz (<https://github.com/rust-fuzz/cargo-fuzz>), without a sanitizer, for
/// the agent has hardly any unsafe code.
const COVERAGE: &str = "--cfg fuzzing -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares -Cdebug-assertions";

/// What to fuzz, and for how long.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Parsers, by the names of their folders in tests/fuzz/corpus; nothing named means: all
    parsers: Vec<String>,
    /// For so long each
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    seconds: u32,
    /// Without the parser of a server's answers, for which half an hour is compiled
    #[arg(long)]
    no_server: bool,
}

/// Builds the one program, and runs it for each parser.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let folder = workspace::root().join("tests/fuzz");
    let mut names = named(&folder.join("corpus"), &arguments.parsers)?;
    names.retain(|name| !(arguments.no_server && name == "server"));
    let program = build(&folder, arguments.no_server)?;
    let mut crashed = Vec::new();
    println!(
        "{:12} {:>10} {:>8} {:>8}  end",
        "parser", "runs", "seconds", "corpus"
    );
    for name in names {
        if !fuzz(&folder, &program, &name, arguments.seconds)? {
            crashed.push(name);
        }
    }
    match crashed.is_empty() {
        true => Ok(()),
        false => bail!("crashed or hung: {}", crashed.join(", ")),
    }
}

fn named(corpus: &Path, wanted: &[String]) -> Result<Vec<String>> {
    let mut known = Vec::new();
    for entry in fs::read_dir(corpus).context("listing `tests/fuzz/corpus`")? {
        known.push(entry?.file_name().to_string_lossy().into_owned());
    }
    known.sort();
    if let Some(unknown) = wanted.iter().find(|name| !known.contains(name)) {
        bail!(
            "there is no parser `{unknown}`; known: {}",
            known.join(", ")
        );
    }
    Ok(match wanted {
        [] => known,
        wanted => wanted.to_vec(),
    })
}

fn build(folder: &Path, no_server: bool) -> Result<String> {
    let target = workspace::target().join("fuzz");
    let triple = triple()?;
    let mut cargo = command(
        "cargo",
        ["+nightly", "build", "--release", "--manifest-path"],
    );
    cargo.arg(folder.join("libfuzzer/Cargo.toml"));
    cargo.arg("--target-dir").arg(&target);
    // With a target that is named, the flags are not for what runs while it is built.
    cargo.args(["--target", &triple]);
    if no_server {
        cargo.arg("--no-default-features");
    }
    // Those are of the compiler that this runs with.
    for ours in [
        "RUSTUP_TOOLCHAIN",
        "CARGO",
        "RUSTC",
        "CARGO_ENCODED_RUSTFLAGS",
    ] {
        cargo.env_remove(ours);
    }
    execute(cargo.env("RUSTFLAGS", COVERAGE))?;
    let program = target.join(triple).join("release/strangers");
    Ok(program.to_string_lossy().into_owned())
}

fn triple() -> Result<String> {
    let output = command("rustc", ["-vV"]).output().context("asking rustc")?;
    let text = String::from_utf8_lossy(&output.stdout);
    let host = text.lines().find_map(|line| line.strip_prefix("host: "));
    Ok(host.context("rustc names no host")?.to_owned())
}

/// Fuzzes one parser, and returns whether it came through.
fn fuzz(folder: &Path, program: &str, name: &str, seconds: u32) -> Result<bool> {
    let found = workspace::target().join("fuzz").join(name);
    let crashes = workspace::target().join("fuzz/crashes").join(name);
    for made in [&found, &crashes] {
        fs::create_dir_all(made).with_context(|| format!("making `{}`", made.display()))?;
    }
    let begin = Instant::now();
    let output = command(program, [&found, &folder.join("corpus").join(name)])
        .env("AGENT_FUZZ", name)
        .arg(format!("-max_total_time={seconds}"))
        .arg(format!("-artifact_prefix={}/", crashes.display()))
        .args([
            "-timeout=10",
            "-rss_limit_mb=2048",
            "-max_len=65536",
            "-print_final_stats=1",
        ])
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("starting `{program}`"))?;
    let said = String::from_utf8_lossy(&output.stderr);
    let runs = said
        .lines()
        .find_map(|line| line.strip_prefix("stat::number_of_executed_units:"));
    let end = match output.status.success() {
        true => "well",
        false => said
            .lines()
            .rev()
            .find(|line| line.contains("SUMMARY"))
            .unwrap_or("badly"),
    };
    println!(
        "{name:12} {:>10} {:>8} {:>8}  {end}",
        runs.unwrap_or("?").trim(),
        begin.elapsed().as_secs(),
        fs::read_dir(&found)?.count(),
    );
    if !output.status.success() {
        let kept = crashes.join("log");
        fs::write(&kept, said.as_bytes())
            .with_context(|| format!("writing `{}`", kept.display()))?;
    }
    Ok(output.status.success())
}
