//! `agent completions SHELL`: the script that makes a shell complete. The shell then asks `agent __complete`, see `complete`.

use clap::Args;

use crate::complete::script;
use crate::options::Shell;
use crate::terminal::Terminal;

/// Print the script that makes a shell complete operations, options and objects of the cluster
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  source <(agent completions bash)      in ~/.bashrc
  source <(agent completions zsh)       in ~/.zshrc
  agent completions fish | source       in ~/.config/fish/config.fish")]
pub(crate) struct Arguments {
    /// The shell
    #[arg(value_enum, value_name = "bash|zsh|fish", hide_possible_values = true)]
    pub(crate) shell: Shell,
}

pub(crate) fn execute(shell: Shell, terminal: &mut Terminal) {
    terminal.stdout.raw(&script(shell));
}
