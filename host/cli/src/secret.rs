//! Where the values of secret parameters come from: a file, standard input, or a person who types unseen. Never the command line itself,
//! which everybody on the machine can read and which the shell remembers.

use std::collections::BTreeMap;
use std::io::{BufRead as _, Read as _};
use std::path::PathBuf;
use std::sync::Arc;

use agent_core::descriptor::Operation;
use agent_core::hint;
use agent_core::hint::{Piece, Remedy};
use agent_core::secret::Secrets;
use agent_core::{Failure, Kind};
use clap::Args;
use futures::StreamExt as _;
use futures::channel::oneshot;

use crate::clean;
use crate::terminal::Terminal;

/// As much as Kubernetes takes for a Secret.
const MOST: u64 = 1 << 20;

/// Where each secret is to be read, by the name of its parameter.
pub(crate) type Sources = BTreeMap<String, Source>;

/// Where a secret is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// In a file.
    File(PathBuf),
    /// On standard input, to its end.
    Stdin,
    /// At the keyboard, asked for with this text.
    Person(String),
}

impl Source {
    /// Reads what stands behind a flag such as `--token `: `@FILE`, or `@-` for standard input.
    ///
    /// # Errors
    /// Anything else, which may be the value: it is not repeated.
    pub(crate) fn read(name: &str, flag: &Remedy, text: &str) -> Result<Source, Failure> {
        match text.strip_prefix('@') {
            Some("-") => Ok(Source::Stdin),
            Some(path) if !path.is_empty() => Ok(Source::File(path.into())),
            _ => Err(wrong(format!(
                "`{name}` is a secret, and what stands on a command line is read by others and kept by the shell"
            ))
            .hinted(how(flag))),
        }
    }

    /// Says that a secret is needed, and nobody is there to be asked.
    pub(crate) fn missing(name: &str, flag: &Remedy) -> Failure {
        wrong(format!("the secret `{name}` is missing")).hinted(how(flag))
    }

    /// Has a person asked for a parameter of an operation.
    pub(crate) fn person(operation: &Operation, name: &str) -> Source {
        let summary = operation.parameter(name).map(|one| one.summary.as_str());
        let summary = summary.filter(|summary| !summary.is_empty());
        let behind = summary.map_or_else(String::new, |text| format!(" ({})", clean::line(text)));
        Source::Person(format!("{}{behind}: ", clean::line(name)))
    }
}

fn how(flag: &Remedy) -> Remedy {
    hint!(
        "give {}@FILE, where FILE holds the value, or @- for standard input; at a terminal leave it out, and it is asked for",
        Piece(Some(flag.clone()))
    )
}

/// The secrets of a run that is taken up again, or of a plan: none is on record.
#[derive(Args, Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Again {
    /// A secret that was given in the beginning, once more, from a file or with @- from standard input
    #[arg(long = "secret", value_name = "NAME=@FILE")]
    secrets: Vec<String>,
}

impl Again {
    /// Returns where all secrets are read that are needed, a person among the places if there is one.
    ///
    /// # Errors
    /// `invalid` for what is no `NAME=@FILE`.
    pub(crate) fn sources<'a>(
        &self,
        needed: impl IntoIterator<Item = &'a String>,
        operation: &Operation,
        terminal: &Terminal,
    ) -> Result<Sources, Failure> {
        let mut sources = Sources::new();
        for text in &self.secrets {
            let Some((name, value)) = text.split_once('=') else {
                let hint = "give --secret NAME=@FILE, where NAME is the parameter and FILE holds its value";
                return Err(wrong("`--secret` needs the name of a secret parameter").hinted(hint));
            };
            sources.insert(
                name.to_owned(),
                Source::read(name, &hint!("--secret {}=", name), value)?,
            );
        }
        for name in needed {
            if terminal.is_interactive() && !sources.contains_key(name) {
                sources.insert(name.clone(), Source::person(operation, name));
            }
        }
        Ok(sources)
    }
}

/// Reads secrets where they are. What comes from a pipe may take its time, so a signal is heard meanwhile.
///
/// # Errors
/// `invalid` for a file that cannot be read, and for an empty value; `declined` (`run.declined`) when the person breaks off.
pub(crate) async fn read(sources: Sources, terminal: &mut Terminal) -> Result<Secrets, Failure> {
    let mut secrets = Secrets::default();
    for (name, source) in sources {
        let mut value = match source {
            Source::File(path) => {
                let files = Arc::clone(&terminal.files);
                let read = aside(terminal, move || files(&path)).await?;
                read.map_err(|failure| failure.while_doing(format!("reading the secret `{name}`")))?
            }
            Source::Stdin if terminal.facts.stdin_tty => {
                from_person(&format!("{}: ", clean::line(&name)), terminal).await?
            }
            Source::Stdin => from_stdin(&name, terminal).await?,
            Source::Person(prompt) => from_person(&prompt, terminal).await?,
        };
        // The end of the line is the editor's, not the value's.
        let length = value.trim_end_matches(['\n', '\r']).len();
        value.truncate(length);
        if value.is_empty() {
            return Err(wrong(format!("the secret `{name}` is empty")));
        }
        secrets.insert(&name, value);
    }
    Ok(secrets)
}

async fn from_stdin(name: &str, terminal: &mut Terminal) -> Result<String, Failure> {
    let stdin = terminal
        .stdin
        .take()
        .ok_or_else(|| wrong("standard input can be read once only"))?;
    let read = move || {
        let mut value = String::new();
        // Whoever writes there may never end.
        let mut bounded = stdin.take(MOST + 1);
        bounded.read_to_string(&mut value).map(|_| value)
    };
    let doing = format!("reading the secret `{name}` on standard input");
    let value = aside(terminal, read)
        .await?
        .map_err(|error| Failure::of(Kind::Invalid, CODE, &error).while_doing(&doing))?;
    match value.len() as u64 > MOST {
        true => Err(wrong(format!("it has more than {MOST} bytes")).while_doing(doing)),
        false => Ok(value),
    }
}

async fn from_person(prompt: &str, terminal: &mut Terminal) -> Result<String, Failure> {
    let unseen = (terminal.unseen)().map_err(|error| {
        Failure::of(Kind::Invalid, CODE, &error)
            .while_doing("keeping the terminal from showing what is typed")
            .hinted("give the secret in a file")
    })?;
    let mut stdin = terminal.stdin.take().ok_or_else(broken_off)?;
    terminal.stderr.raw(prompt);
    let read = move || {
        let mut line = String::new();
        let read = stdin.read_line(&mut line);
        (read.map(|_| line), stdin)
    };
    let typed = aside(terminal, read).await;
    drop(unseen);
    // The line feed was not shown either.
    terminal.stderr.line("");
    let (line, stdin) = typed?;
    terminal.stdin = Some(stdin);
    line.map_err(|error| {
        Failure::of(Kind::Invalid, CODE, &error).while_doing("reading what is typed")
    })
}

/// Does what may block on a thread of its own, until a signal comes. The thread ends with the process then.
async fn aside<T: Send + 'static>(
    terminal: &mut Terminal,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Failure> {
    let (tx, rx) = oneshot::channel();
    // Nobody may wait any more.
    std::thread::spawn(move || drop(tx.send(work())));
    tokio::select! {
        done = rx => done.map_err(|_| broken_off()),
        _ = terminal.interrupts.next() => Err(broken_off()),
    }
}

fn broken_off() -> Failure {
    Failure::new(Kind::Declined, "run.declined", "nothing was run")
}

const CODE: &str = "operations.arguments";

fn wrong(message: impl Into<String>) -> Failure {
    Failure::new(Kind::Invalid, CODE, message)
}
