//! Keeps one testbed running in the foreground, for people: `cargo xtask testbed up`.
#![expect(
    clippy::print_stdout,
    reason = "a developer's command line: its result is the path it prints"
)]

use anyhow::{Context, Result};

#[tokio::main]
async fn main() -> Result<()> {
    let testbed = agent_testbed::Testbed::start().await?;
    if std::env::args().any(|argument| argument == "--home") {
        testbed.load_home().await?;
    }
    let seconds = testbed.start_time().as_secs_f64();
    println!("testbed: ready after {seconds:.1} s; press Ctrl-C to end it");
    println!("export KUBECONFIG={}", testbed.kubeconfig_path().display());
    println!(
        "kubectl is {}",
        agent_testbed::Testbed::kubectl()?.display()
    );
    tokio::signal::ctrl_c().await.context("waiting for Ctrl-C")
}
