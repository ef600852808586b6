//! `agent sandbox`: the simulated home cluster, kept up for other clients. Only its words are here; `wire.rs` starts it.

use std::path::PathBuf;

use clap::{Args, ValueHint};
use futures::StreamExt as _;

use crate::terminal::Terminal;

/// Keep the simulated home cluster up, for kubectl and other clients, until Ctrl-C
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  agent sandbox --write-kubeconfig sandbox.yaml
  kubectl --kubeconfig sandbox.yaml get ks -A")]
pub(crate) struct Arguments {
    /// Write a kubeconfig for it to FILE
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    write_kubeconfig: Option<PathBuf>,
}

/// The simulated cluster, kept up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sandbox {
    /// Where its kubeconfig goes.
    pub write_kubeconfig: Option<PathBuf>,
}

impl From<Arguments> for Sandbox {
    fn from(arguments: Arguments) -> Sandbox {
        Sandbox {
            write_kubeconfig: arguments.write_kubeconfig,
        }
    }
}

impl Sandbox {
    /// Tells the person that the simulated cluster is up at `url`, and waits until they stop it.
    pub async fn keep_up(&self, url: &str, terminal: &mut Terminal) {
        terminal
            .stderr
            .line(format_args!("the simulated home cluster is up at {url}"));
        if let Some(path) = &self.write_kubeconfig {
            let path = path.display();
            terminal.stderr.line(format_args!(
                "try: kubectl --kubeconfig {path} get kustomizations -A"
            ));
            terminal.stderr.line(format_args!(
                "     agent --kubeconfig {path} run flux.status"
            ));
        } else {
            terminal
                .stderr
                .line("add --write-kubeconfig FILE to reach it with kubectl");
        }
        terminal
            .stderr
            .line("Ctrl-C stops it; nothing of it remains");
        terminal.interrupts.next().await;
    }
}
