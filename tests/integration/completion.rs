//! The completion scripts in the shells that they are for. bash is everywhere; zsh and fish are asked where they are installed.

use std::path::Path;
use std::process::{Command, Stdio};

use super::world::World;

/// Runs the script of a shell for a line, and prints the candidates.
struct Shell {
    name: &'static str,
    options: &'static [&'static str],
    /// `{line}` stands for the line, `{words}` for its words, `{last}` for the number of the last one, counted from 0.
    ask: &'static str,
    /// What it prints for the name of a file, which it completes by itself.
    file: &'static str,
}

const SHELLS: [Shell; 3] = [
    Shell {
        name: "bash",
        options: &["--norc", "-c"],
        ask: r#"source <(COMPLETE=bash agent); compopt() { echo its own; }
COMP_WORDS=({words}); COMP_CWORD={last}; _agent; printf '%s\n' "${COMPREPLY[@]}""#,
        file: "its own",
    },
    Shell {
        name: "zsh",
        options: &["-f", "-c"],
        // What only the line editor has is played: the candidates are in `found`.
        ask: r#"compdef() { :; }; _describe() { print -rl -- ${found%%:*}; }; _files() { print its own; }
source <(COMPLETE=zsh agent); words=({words}); CURRENT=$(({last} + 1)); PREFIX=; _agent"#,
        file: "its own",
    },
    Shell {
        name: "fish",
        options: &["--no-config", "-c"],
        ask: r#"COMPLETE=fish agent | source; complete -C "{line}" | string split -f 1 \t"#,
        file: "~/kube.yaml",
    },
];

impl Shell {
    fn is_installed(&self) -> bool {
        let mut shell = Command::new(self.name);
        shell.args(["-c", "exit 0"]).stdin(Stdio::null());
        self.name == "bash" || shell.status().is_ok_and(|status| status.success())
    }

    /// The candidates for the last word of a line.
    fn candidates(&self, home: &Path, line: &str) -> Vec<String> {
        let words: Vec<&str> = line.split(' ').collect();
        let quoted = words.iter().map(|word| format!("'{word}'"));
        let ask = self.ask.replace("{line}", line);
        let ask = ask.replace("{words}", &quoted.collect::<Vec<_>>().join(" "));
        let ask = ask.replace("{last}", &(words.len() - 1).to_string());
        let agent = Path::new(env!("CARGO_BIN_EXE_agent"));
        let folder = agent.parent().expect("a folder").display();
        let cache = Path::new(env!("CARGO_TARGET_TMPDIR")).join("agent-cache");
        let mut shell = Command::new(self.name);
        shell.args(self.options).arg(ask).env_clear();
        shell
            .env("PATH", format!("{folder}:/usr/local/bin:/usr/bin:/bin"))
            .env("HOME", home)
            .env("XDG_CACHE_HOME", cache)
            .stdin(Stdio::null());
        let output = shell.output().expect("starting a shell");
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(stderr.is_empty(), "{}: {line}: {stderr}", self.name);
        let stdout = String::from_utf8(output.stdout).expect("UTF-8");
        let lines = stdout.lines().filter(|line| !line.is_empty());
        lines.map(str::to_owned).collect()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn shells_complete_operations_namespaces_and_names() {
    let world = World::sandbox().await;
    let home = tempfile::tempdir().expect("a home");
    std::fs::copy(world.kubeconfig(), home.path().join("kube.yaml")).expect("a kubeconfig");
    let table: [(&str, &[&str]); 6] = [
        ("agent run volsync.rest", &["volsync.restore"]),
        (
            "agent --kubeconfig ~/kube.yaml run volsync.restore med",
            &["media"],
        ),
        (
            "agent --kubeconfig ~/kube.yaml run volsync.restore media ple",
            &["plex"],
        ),
        (
            "agent --kubeconfig ~/kube.yaml run keda.pause -n med",
            &["media"],
        ),
        ("agent run volsync.restore media plex -o j", &["json"]),
        ("agent run nothing.here x", &[]),
    ];
    let shells = SHELLS.iter().filter(|shell| shell.is_installed());
    for shell in shells {
        for (line, wanted) in table {
            let found = shell.candidates(home.path(), line);
            assert_eq!(found, wanted, "{}: {line}", shell.name);
        }
        let found = shell.candidates(home.path(), "agent --kubeconfig ~/ku");
        assert_eq!(found, [shell.file], "{}", shell.name);
    }
}
