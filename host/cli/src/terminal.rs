//! The terminal as a value: three streams, what is known of them, and the signals.
//!
//! A stream that cannot be written to swallows what is written from then on, for a run is never disturbed by that. A reader who has gone, as after
//! `| head -1`, wants no more; anything else, such as a full disk, is told in the end ([`crate::report::unwritten`]).

use std::fmt;
use std::io::{self, BufRead, Write};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use agent_core::origin::Cluster;
use agent_core::{Failure, Kind};
use futures::stream::{BoxStream, StreamExt};
use indicatif::ProgressDrawTarget;

use crate::screen;

use crate::clean;
use crate::ink::{Ink, Tone};
use crate::options::{Color, Options};
use crate::render::margin;
use crate::render::time::Clock;

/// Where a command reads and writes.
pub struct Terminal {
    pub(crate) stdin: Option<Box<dyn BufRead + Send>>,
    pub(crate) stdout: Sink,
    pub(crate) stderr: Sink,
    pub(crate) interrupts: BoxStream<'static, ()>,
    pub(crate) live: Option<ProgressDrawTarget>,
    pub(crate) facts: Facts,
    pub(crate) clock: Clock,
    pub(crate) keep: Option<Keep>,
    pub(crate) files: ReadFile,
    pub(crate) unseen: Unseen,
    pub(crate) forget: Forget,
    pub(crate) reading: Duration,
}

/// How long it takes to read a question, at the least. Who agrees sooner has agreed to something else.
const READING: Duration = Duration::from_millis(400);

/// Keeps a text as the whole of one file, in place of what was there. After a failure the file is as before.
pub type Keep = Box<dyn FnOnce(&str) -> Result<(), Failure> + Send>;

/// Reads the file of a secret.
pub type ReadFile = Arc<dyn Fn(&Path) -> Result<String, Failure> + Send + Sync>;

/// Keeps what is typed from being shown, until the value is dropped.
pub type Unseen = Box<dyn Fn() -> io::Result<Box<dyn Send>> + Send>;

/// Forgets what was typed and not read yet.
pub type Forget = Box<dyn Fn() + Send>;

/// What is known of the streams.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// Whether a person can type.
    pub stdin_tty: bool,
    /// Whether results go to a screen.
    pub stdout_tty: bool,
    /// Whether progress and questions go to a screen.
    pub stderr_tty: bool,
    /// Columns of the screen; none when there is no screen, and lines are as long as they need to be.
    pub width: Option<usize>,
    /// Whether `NO_COLOR` is set to something.
    pub no_color: bool,
    /// Whether the screen shows nothing but lines of text: `TERM` is `dumb`, or nobody has said what it is.
    pub dumb: bool,
}

impl Terminal {
    /// Joins streams and facts. Each item of `interrupts` is one Ctrl-C, SIGTERM or hang-up (see [`crate::interrupts`]).
    pub fn new(
        stdin: Box<dyn BufRead + Send>,
        stdout: Box<dyn Write + Send>,
        stderr: Box<dyn Write + Send>,
        interrupts: BoxStream<'static, ()>,
        facts: Facts,
    ) -> Terminal {
        let live = (facts.stderr_tty && !facts.dumb).then(screen::target);
        Terminal {
            stdin: Some(stdin),
            stdout: Sink::new(stdout, facts.stdout_tty, &facts),
            stderr: Sink {
                bounded: true,
                ..Sink::new(stderr, facts.stderr_tty, &facts)
            },
            // After the end of the signals nothing interrupts any more.
            interrupts: interrupts.chain(futures::stream::pending()).boxed(),
            live,
            facts,
            clock: Clock::default(),
            keep: None,
            files: Arc::new(|_| {
                let message = "this terminal came without a way to read files";
                Err(Failure::new(Kind::Internal, "agent.bug", message))
            }),
            unseen: Box::new(|| Err(io::ErrorKind::Unsupported.into())),
            forget: Box::new(|| {}),
            reading: READING,
        }
    }

    /// Tells the time by that clock instead of in UTC.
    #[must_use]
    pub fn with_clock(mut self, clock: Clock) -> Terminal {
        self.clock = clock;
        self
    }

    /// Gives it the file that `--out` names.
    #[must_use]
    pub fn with_out(mut self, keep: Keep) -> Terminal {
        self.keep = Some(keep);
        self
    }

    /// Gives it what secrets are read by.
    #[must_use]
    pub fn with_secrets(mut self, files: ReadFile, unseen: Unseen) -> Terminal {
        self.files = files;
        self.unseen = unseen;
        self
    }

    /// Gives it what makes the keyboard forget.
    #[must_use]
    pub fn with_keyboard(mut self, forget: Forget) -> Terminal {
        self.forget = forget;
        self
    }

    /// Takes a person to read a question that fast, instead of in 400 ms.
    #[must_use]
    pub fn with_reading(mut self, reading: Duration) -> Terminal {
        self.reading = reading;
        self
    }

    /// Draws live progress there instead of on standard error.
    #[must_use]
    pub fn with_live(mut self, target: ProgressDrawTarget) -> Terminal {
        self.live = Some(target);
        self
    }

    /// Draws no live progress: lines come between that are not the terminal's.
    #[must_use]
    pub fn without_live(mut self) -> Terminal {
        self.live = None;
        self
    }

    /// Applies `--color`.
    pub(crate) fn colour(&mut self, when: Color) {
        let wanted = |tty: bool| match when {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => tty && !self.facts.no_color && !self.facts.dumb,
        };
        self.stdout.ink = Ink::new(wanted(self.facts.stdout_tty));
        self.stderr.ink = Ink::new(wanted(self.facts.stderr_tty));
    }

    /// Has commands to paste lead to the same cluster as this one.
    pub(crate) fn calls_as(&mut self, options: &Options) {
        let file = options.kubeconfig.as_ref();
        self.calls_with(
            options.sandbox,
            file.map(|file| file.display().to_string()),
            options.context.clone(),
        );
    }

    /// Has commands to paste lead to the cluster that a run was on.
    pub(crate) fn calls_as_the_run_on(&mut self, cluster: Cluster) {
        self.calls_with(false, cluster.kubeconfig, cluster.context);
    }

    fn calls_with(&mut self, sandbox: bool, kubeconfig: Option<String>, context: Option<String>) {
        let mut agent = "agent".to_owned();
        if sandbox {
            agent.push_str(" --sandbox");
        }
        for (option, value) in [("kubeconfig", kubeconfig), ("context", context)] {
            if let Some(value) = value {
                agent.push_str(&format!(" --{option} {}", clean::word(&value)));
            }
        }
        self.stdout.agent.clone_from(&agent);
        self.stderr.agent = agent;
    }

    /// Returns whether a person can be asked something.
    pub(crate) fn is_interactive(&self) -> bool {
        self.facts.stdin_tty && self.facts.stderr_tty
    }

    /// Returns what takes a line away from the `^C` that the terminal has echoed where the cursor was.
    pub(crate) fn gap(&self) -> &'static str {
        if self.facts.stderr_tty { "\n" } else { "" }
    }

    /// Returns the columns for what the agent itself tells on standard output.
    pub(crate) fn result_width(&self) -> Option<usize> {
        self.facts.width.filter(|_| self.facts.stdout_tty)
    }

    /// Returns the columns for the results of operations, which stand behind the margin on a screen.
    pub(crate) fn width_behind_margin(&self) -> Option<usize> {
        self.result_width()
            .map(|width| width.saturating_sub(margin::WIDTH))
    }
}

impl fmt::Debug for Terminal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Terminal")
            .field("facts", &self.facts)
            .finish_non_exhaustive()
    }
}

/// A stream for whole lines.
pub(crate) struct Sink {
    to: Option<Box<dyn Write + Send>>,
    is_screen: bool,
    /// Columns of the screen; none where there is none.
    pub(crate) room: Option<usize>,
    /// Whether of a text only so much is written as a person may read.
    bounded: bool,
    /// Why something could not be written, although somebody may want to read it.
    pub(crate) unwritten: Option<io::Error>,
    /// How its lines are painted.
    pub(crate) ink: Ink,
    /// How the agent was told of its cluster, for commands to paste: `agent` with those options.
    pub(crate) agent: String,
}

impl Sink {
    fn new(to: Box<dyn Write + Send>, is_screen: bool, facts: &Facts) -> Sink {
        let width = facts.width.unwrap_or(margin::USUAL);
        Sink {
            to: Some(to),
            is_screen,
            room: is_screen.then_some(width),
            bounded: false,
            unwritten: None,
            ink: Ink::new(false),
            agent: "agent".to_owned(),
        }
    }

    /// Writes one line of the agent's. What it repeats of strangers cannot begin a line of its own ([`margin`]). It reaches the reader at once, and
    /// whoever writes does not hear when it does not.
    pub(crate) fn line(&mut self, line: impl fmt::Display) {
        self.drawn(&line.to_string(), self.room);
    }

    /// Writes one line that may be pasted, so it is not folded.
    pub(crate) fn paste(&mut self, line: impl fmt::Display) {
        self.drawn(&line.to_string(), None);
    }

    /// Writes the text of a stranger. `sign` is ours and stands in front of it.
    pub(crate) fn theirs(&mut self, sign: &str, tone: Option<Tone>, text: &str) {
        let text = match self.bounded {
            true => margin::cut(text),
            false => text.into(),
        };
        let ink = self.ink;
        let text = tone.map_or_else(
            || text.clone().into_owned(),
            |tone| ink.paint(tone, text.trim_end()),
        );
        let text = margin::behind(&format!("{sign}{text}"), self.room);
        self.raw(&format!("{text}\n"));
    }

    /// Writes lines of a result: a stranger's, which scripts may read where there is no screen.
    pub(crate) fn results<T: AsRef<str>>(&mut self, lines: impl IntoIterator<Item = T>) {
        let mut text = String::new();
        for line in lines {
            match self.is_screen {
                true => text.push_str(&margin::behind(line.as_ref(), self.room)),
                false => text.push_str(&margin::running(line.as_ref(), None)),
            }
            text.push('\n');
        }
        // At once: thousands of lines one by one can be felt.
        self.raw(&text);
    }

    /// Writes a line of a document for scripts, as it is.
    pub(crate) fn document(&mut self, line: &str) {
        self.raw(&format!("{line}\n"));
    }

    fn drawn(&mut self, line: &str, room: Option<usize>) {
        let line = match self.bounded {
            true => margin::cut(line),
            false => line.into(),
        };
        self.raw(&format!("{}\n", margin::running(&line, room)));
    }

    /// Writes text as it is.
    pub(crate) fn raw(&mut self, text: &str) {
        let Some(to) = &mut self.to else { return };
        let written = to.write_all(text.as_bytes()).and_then(|()| to.flush());
        if let Err(error) = written {
            self.to = None;
            let gone = self.is_gone(&error);
            self.unwritten = Some(error).filter(|_| !gone);
        }
    }

    /// Returns whether an error means that nobody is there to read. A terminal that was closed fails as a broken disk does.
    fn is_gone(&self, error: &io::Error) -> bool {
        use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, NotConnected};
        let gone = [BrokenPipe, ConnectionReset, ConnectionAborted, NotConnected];
        gone.contains(&error.kind()) || self.is_screen
    }
}
