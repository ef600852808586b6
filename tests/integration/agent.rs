//! The agent as a process: hermetic, with a home of its own, no terminal, and a fixed width.

use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use regex::Regex;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::process::{Child, Command};
use tokio::task::JoinHandle;

/// A run that takes longer hangs, unless a test knows better.
const PATIENCE: Duration = Duration::from_secs(300);
/// Between two looks at a condition.
const LOOK: Duration = Duration::from_millis(20);

/// How the agent is started.
pub(crate) struct Agent {
    home: Arc<TempDir>,
    kubeconfig: Option<PathBuf>,
    folder: Option<PathBuf>,
    variables: Vec<(String, String)>,
    patience: Duration,
}

impl Agent {
    /// An agent that knows of no cluster.
    pub(crate) fn alone() -> Self {
        let home = Arc::new(tempfile::tempdir().expect("a home for the agent"));
        let cache = Path::new(env!("CARGO_TARGET_TMPDIR")).join("agent-cache");
        let variables = [
            ("COLUMNS", "100".to_owned()),
            ("XDG_CACHE_HOME", cache.display().to_string()),
        ];
        Self {
            home,
            kubeconfig: None,
            folder: None,
            variables: variables
                .map(|(name, value)| (name.to_owned(), value))
                .into(),
            patience: PATIENCE,
        }
    }

    /// Gives its runs so much time.
    pub(crate) fn patient(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// An agent that is told of a cluster by `KUBECONFIG`.
    pub(crate) fn of(kubeconfig: &Path) -> Self {
        Self {
            kubeconfig: Some(kubeconfig.to_owned()),
            ..Self::alone()
        }
    }

    /// An agent that is told of a cluster by a kubeconfig's text.
    pub(crate) fn with_kubeconfig(text: &str) -> Self {
        let mut agent = Self::alone();
        let path = agent.home.path().join("kubeconfig");
        std::fs::write(&path, text).expect("writing a kubeconfig");
        agent.kubeconfig = Some(path);
        agent
    }

    /// Sets a variable of its environment, which is empty otherwise.
    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.variables.retain(|(known, _)| known != name);
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Starts it in a folder, which is its home as well.
    pub(crate) fn within(mut self, folder: &Path) -> Self {
        self.folder = Some(folder.to_owned());
        self.with("HOME", &folder.display().to_string())
    }

    /// Its home directory.
    pub(crate) fn home(&self) -> &Path {
        self.home.path()
    }

    /// Runs it to its end with a line of arguments, which are separated by spaces.
    pub(crate) async fn run(&self, line: &str) -> Ran {
        self.start(line).end().await
    }

    /// Starts it.
    pub(crate) fn start(&self, line: &str) -> Running {
        self.start_into(line, Stdio::piped())
    }

    /// Starts it with its results going elsewhere.
    pub(crate) fn start_into(&self, line: &str, stdout: Stdio) -> Running {
        self.start_by(&[], line, stdout)
    }

    /// Returns the command that starts it with a line of arguments, for whoever gives it streams of its own.
    pub(crate) fn command(&self, line: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_agent"));
        command.args(line.split_whitespace()).env_clear();
        self.surround(&mut command);
        command.kill_on_drop(true);
        command
    }

    fn surround(&self, command: &mut Command) {
        command.env("HOME", self.home.path());
        command.envs(self.variables.iter().cloned());
        if let Some(kubeconfig) = &self.kubeconfig {
            command.env("KUBECONFIG", kubeconfig);
        }
        if let Some(folder) = &self.folder {
            command.current_dir(folder);
        }
    }

    /// Starts it by another command, which is to execute what comes after its words.
    pub(crate) fn start_by(&self, by: &[&str], line: &str, stdout: Stdio) -> Running {
        let mut words = by.to_vec();
        words.push(env!("CARGO_BIN_EXE_agent"));
        words.extend(line.split_whitespace());
        let mut command = Command::new(words[0]);
        command.args(&words[1..]).env_clear();
        self.surround(&mut command);
        command.stdin(Stdio::null()).stdout(stdout);
        command.stderr(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn().expect("starting the agent");
        Running {
            line: line.to_owned(),
            _home: Arc::clone(&self.home),
            stdout: gather(child.stdout.take()),
            stderr: gather(child.stderr.take()),
            child,
            patience: self.patience,
        }
    }
}

/// A run that has not ended.
pub(crate) struct Running {
    line: String,
    /// It needs its home for as long as it runs, also when nobody starts another one there.
    _home: Arc<TempDir>,
    child: Child,
    patience: Duration,
    stdout: JoinHandle<String>,
    stderr: JoinHandle<String>,
}

impl Running {
    /// The number of its process.
    pub(crate) fn id(&self) -> u32 {
        self.child.id().expect("a run that has not ended")
    }

    /// Sends it a signal.
    pub(crate) fn signal(&self, signal: Signal) {
        let id = self
            .child
            .id()
            .and_then(|id| Pid::from_raw(id.cast_signed()));
        kill_process(id.expect("a run that has not ended"), signal).expect("sending a signal");
    }

    /// Says whether it is over.
    pub(crate) fn has_ended(&mut self) -> bool {
        let ended = self.child.try_wait().expect("looking at the agent");
        ended.is_some()
    }

    /// Waits for a condition that it brings about.
    pub(crate) async fn until(mut self, what: &str, mut holds: impl AsyncFnMut() -> bool) -> Self {
        let begin = Instant::now();
        while !holds().await {
            if self.has_ended() || begin.elapsed() > self.patience {
                panic!("not before the end of {}: {what}", self.stop().await);
            }
            tokio::time::sleep(LOOK).await;
        }
        self
    }

    /// Waits until it ends.
    pub(crate) async fn end(mut self) -> Ran {
        let patience = self.patience;
        let ended = tokio::time::timeout(patience, self.child.wait()).await;
        let hung = ended.is_err();
        let ran = self.stop().await;
        assert!(!hung, "not after {patience:?}: the end of {ran}");
        ran
    }

    /// Kills it, if it has not ended.
    async fn stop(mut self) -> Ran {
        self.child.kill().await.expect("killing the agent");
        Ran {
            line: self.line,
            status: self.child.wait().await.expect("waiting for the agent"),
            stdout: self.stdout.await.expect("reading stdout"),
            stderr: self.stderr.await.expect("reading stderr"),
        }
    }
}

/// Reads all of a stream, so that the agent never waits for us.
fn gather(stream: Option<impl AsyncRead + Send + Unpin + 'static>) -> JoinHandle<String> {
    tokio::spawn(async move {
        let mut text = String::new();
        if let Some(mut stream) = stream {
            stream.read_to_string(&mut text).await.expect("UTF-8");
        }
        text
    })
}

/// A run that has ended.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) line: String,
    pub(crate) status: ExitStatus,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ran {
    /// The words behind `agent` of the command that its hint holds.
    pub(crate) fn pasted(&self) -> String {
        let mut lines = self.stderr.lines();
        let hint = lines.find_map(|line| line.strip_prefix("Hint: agent "));
        let hint = hint.unwrap_or_else(|| panic!("no command to paste in {self}"));
        hint.to_owned()
    }

    /// The exit code.
    pub(crate) fn code(&self) -> Option<i32> {
        self.status.code()
    }

    /// Demands an exit code.
    #[track_caller]
    pub(crate) fn exits(self, code: i32) -> Self {
        assert_eq!(self.code(), Some(code), "the exit code of {self}");
        self
    }

    /// Demands a text on stderr.
    #[track_caller]
    pub(crate) fn says(self, text: &str) -> Self {
        assert!(
            self.stderr.contains(text) || self.stdout.contains(text),
            "`{text}` is not said by {self}"
        );
        self
    }

    /// The lines of `-o json`.
    #[track_caller]
    pub(crate) fn events(&self) -> Vec<Value> {
        let read = |line: &str| serde_json::from_str(line);
        let events: Result<_, _> = self.stdout.lines().map(read).collect();
        events.unwrap_or_else(|error| panic!("{error} in {self}"))
    }

    /// The events of a name.
    #[track_caller]
    pub(crate) fn events_named(&self, name: &str) -> Vec<Value> {
        let mut events = self.events();
        events.retain(|event| event["event"] == name);
        events
    }

    /// The result of a run with `-o json`.
    #[track_caller]
    pub(crate) fn value(&self) -> Value {
        let finished = self.events_named("finished").pop();
        let finished = finished.unwrap_or_else(|| panic!("no end in {self}"));
        finished["outcome"]["value"].clone()
    }

    /// All that a person sees, without what differs from run to run.
    pub(crate) fn scrubbed(&self) -> String {
        let text = format!(
            "$ agent {}\n{}--- stdout\n{}--- stderr\n{}",
            self.line,
            self.code()
                .map(|code| format!("exit {code}\n"))
                .unwrap_or_default(),
            self.stdout,
            self.stderr
        );
        let rules = [
            (r"https://127\.0\.0\.1:\d+", "https://SERVER"),
            (r"127\.0\.0\.1:\d+", "SERVER"),
            (r"/[^ `\n]*/\.tmp[A-Za-z0-9]+", "TMP"),
            (r"\brun [0-9a-z]{8}\b", "run RUN"),
            (r"(?m) +\d+(\.\d+)?(ms|s)$", ""),
            (r"volsync-agent-list-[0-9a-f]{8}", "volsync-agent-list-ID"),
            (r"\d{4}-\d\d-\d\dT[0-9:.]+Z", "WHEN"),
        ];
        rules.iter().fold(text, |text, (pattern, with)| {
            let pattern = Regex::new(pattern).expect("a pattern");
            pattern.replace_all(&text, *with).into_owned()
        })
    }
}

impl std::fmt::Display for Ran {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "`agent {}`, which ended with {}\n--- stdout\n{}\n--- stderr\n{}",
            self.line, self.status, self.stdout, self.stderr
        )
    }
}
