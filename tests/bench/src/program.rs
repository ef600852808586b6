//! One cold process: what it costs in time and memory.
//!
//! A process that is started has at least the memory of whoever started it, as far as the kernel's count goes. So a little one starts
//! it: this very program, before it has done anything.

use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use wait4::Wait4 as _;

/// The argument that makes this program the little one.
pub(crate) const MEASURE: &str = "--measure";

/// A program with its arguments and nothing but its own environment.
#[derive(Clone, Debug)]
pub(crate) struct Program {
    words: Vec<String>,
    variables: Vec<(String, String)>,
}

/// What a process cost.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cost {
    pub(crate) wall: Duration,
    pub(crate) memory: u64,
}

impl Program {
    pub(crate) fn new(path: &Path) -> Program {
        Program {
            words: vec![path.display().to_string()],
            variables: Vec::new(),
        }
    }

    /// Adds arguments, which are separated by spaces.
    #[must_use]
    pub(crate) fn line(self, line: &str) -> Program {
        self.words(line.split(' '))
    }

    #[must_use]
    pub(crate) fn words<'a>(mut self, words: impl IntoIterator<Item = &'a str>) -> Program {
        self.words.extend(words.into_iter().map(str::to_owned));
        self
    }

    #[must_use]
    pub(crate) fn with(mut self, name: &str, value: &Path) -> Program {
        let value = value.display().to_string();
        self.variables.push((name.to_owned(), value));
        self
    }

    /// Runs it to its end.
    ///
    /// # Errors
    /// It cannot be started, or fails; what it says is in the message.
    pub(crate) async fn run(&self) -> Result<Cost> {
        let report = self.measured().await?;
        ensure!(
            report["code"] == 0,
            "`{}` failed: {report}",
            self.words.join(" ")
        );
        Ok(cost(&report))
    }

    /// Runs it to its end, which is not a good one.
    ///
    /// # Errors
    /// It cannot be started, or ends with another code.
    pub(crate) async fn fail(&self, code: i32) -> Result<Cost> {
        let report = self.measured().await?;
        ensure!(
            report["code"] == code,
            "`{}` did not end with {code}: {report}",
            self.words.join(" ")
        );
        Ok(cost(&report))
    }

    async fn measured(&self) -> Result<Value> {
        let ourselves = std::env::current_exe().context("finding this program")?;
        let mut command = tokio::process::Command::new(ourselves);
        command.arg(MEASURE).args(&self.words).env_clear();
        command.envs(self.variables.iter().cloned());
        command.stdin(Stdio::null()).kill_on_drop(true);
        let output = command.output().await.context("starting a process")?;
        let said = String::from_utf8_lossy(&output.stderr);
        serde_json::from_slice(&output.stdout)
            .map(|mut report: Value| {
                report["said"] = Value::from(said.as_ref());
                report
            })
            .with_context(|| format!("measuring `{}`: {said}", self.words.join(" ")))
    }
}

fn cost(report: &Value) -> Cost {
    Cost {
        wall: Duration::from_nanos(report["wall"].as_u64().unwrap_or_default()),
        memory: report["memory"].as_u64().unwrap_or_default(),
    }
}

/// The little one: starts the program that is named, and reports on standard output. What the program prints goes nowhere.
pub(crate) fn measure(words: &[String]) -> ExitCode {
    match report(words) {
        Ok(report) => {
            println!("{report}");
            ExitCode::SUCCESS
        }
        Err(err) => {
            eprintln!("Error: {err:#}");
            ExitCode::FAILURE
        }
    }
}

fn report(words: &[String]) -> Result<Value> {
    let (program, arguments) = words.split_first().context("no program is named")?;
    let mut command = Command::new(program);
    command
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::null());
    let begin = Instant::now();
    let child = command
        .spawn()
        .with_context(|| format!("starting `{program}`"))?;
    let ended = child
        .wait4()
        .with_context(|| format!("waiting for `{program}`"))?;
    let wall = u64::try_from(begin.elapsed().as_nanos()).unwrap_or(u64::MAX);
    Ok(json!({"wall": wall, "memory": ended.rusage.maxrss, "code": ended.status.code()}))
}

/// Several costs of one thing, as they come.
#[derive(Default)]
pub(crate) struct Costs {
    walls: Vec<Duration>,
    memories: Vec<u64>,
}

impl Costs {
    pub(crate) fn add(&mut self, cost: Cost) {
        self.walls.push(cost.wall);
        self.memories.push(cost.memory);
    }

    pub(crate) fn wall(&self) -> Duration {
        median(&self.walls)
    }

    pub(crate) fn memory(&self) -> u64 {
        median(&self.memories)
    }
}

/// The one in the middle.
pub(crate) fn median<T: Copy + Ord + Default>(all: &[T]) -> T {
    let mut all = all.to_vec();
    all.sort_unstable();
    all.get(all.len() / 2).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn median_is_the_one_in_the_middle() {
        assert_eq!(median(&[3, 1, 2]), 2);
        assert_eq!(median::<u64>(&[]), 0);
    }

    #[test]
    fn report_tells_time_memory_and_code() {
        let words = ["sh", "-c", "exit 3"].map(str::to_owned);
        let report = report(&words).expect("a report");
        assert_eq!(report["code"], 3);
        assert!(cost(&report).memory > 1 << 18, "{report}");
        assert!(cost(&report).wall > Duration::ZERO);
    }
}
