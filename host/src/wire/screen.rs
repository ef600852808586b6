//! The process's own streams.

use std::fs::File;
use std::io::{self, BufRead, BufReader, IsTerminal as _, Write as _};
use std::os::fd::AsFd as _;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use agent_cli::{Clock, Facts, Stranger, Terminal};
use agent_core::failure::remedy_for_file;
use agent_core::{Failure, Kind};
use agent_file::Pipes;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use rustix::termios::{
    LocalModes, OptionalActions, QueueSelector, Termios, tcflush, tcgetattr, tcsetattr,
};

/// As much as Kubernetes takes for a Secret.
const SECRET: u64 = 1 << 20;

/// Joins the streams, what is known of them, and the signals. Must be called inside a runtime.
pub(super) fn terminal() -> io::Result<Terminal> {
    let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let facts = Facts {
        stdin_tty: io::stdin().is_terminal(),
        stdout_tty: io::stdout().is_terminal(),
        stderr_tty: io::stderr().is_terminal(),
        width: width(),
        no_color: variable("NO_COLOR").is_some(),
        dumb: variable("TERM").is_none_or(|term| term == "dumb"),
    };
    Ok(Terminal::new(
        keyboard()?,
        Box::new(io::stdout()),
        Box::new(io::stderr()),
        agent_cli::interrupts(!hang_up_is_ignored())?,
        facts,
    )
    .with_clock(Clock {
        now: Timestamp::now,
        zone: TimeZone::system,
    })
    .with_keyboard(Box::new(forget))
    .with_secrets(Arc::new(file), Box::new(unseen)))
}

/// Returns standard input. At a keyboard no more is read than is asked for: what is read ahead could not be forgotten any more.
fn keyboard() -> io::Result<Box<dyn BufRead + Send>> {
    if !io::stdin().is_terminal() {
        return Ok(Box::new(BufReader::new(io::stdin())));
    }
    let keyboard = File::from(io::stdin().as_fd().try_clone_to_owned()?);
    Ok(Box::new(BufReader::with_capacity(1, keyboard)))
}

/// Forgets what was typed and not read yet. The terminal may be gone; then nobody types.
fn forget() {
    let _gone = tcflush(io::stdin(), QueueSelector::IFlush);
}

/// Returns whether somebody sits in front of this who can be asked.
pub(super) fn can_ask() -> bool {
    io::stdin().is_terminal()
}

/// Returns what shows the words of a program beside us, as they come: they are a stranger's.
pub(super) fn stranger() -> impl Fn(&str) + Send + Sync {
    let stranger = Mutex::new(Stranger::default());
    move |text| {
        let room = width().filter(|_| io::stderr().is_terminal());
        let mut stranger = stranger.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(lines) = stranger.draw(text, room) {
            aside(&lines);
        }
    }
}

/// Shows whole lines beside a run. On a screen a line of progress may stand where they are written, and comes again below: a question that ended in the
/// same line would be wiped away.
pub(super) fn aside(lines: &str) {
    let mut stderr = io::stderr().lock();
    let clear = match stderr.is_terminal() {
        true => "\r\x1b[K",
        false => "",
    };
    // Where nobody reads there is nobody to show it to.
    let _gone = write!(stderr, "{clear}{lines}").and_then(|()| stderr.flush());
}

/// Reads the file of a secret, which may be a pipe such as the one that a shell makes of `<(pass show token)`.
fn file(path: &Path) -> Result<String, Failure> {
    agent_file::read_named_text(path, SECRET, Pipes::Awaited).map_err(|refused| {
        let error = io::Error::from(refused);
        let path = path.display().to_string();
        Failure::of(Kind::Invalid, "operations.arguments", &error)
            .while_doing(format!("reading `{path}`"))
            .hinted_if(remedy_for_file(&error, &path))
            .hinted_if(agent_file::remedy(&error))
    })
}

/// Switches the echo of the terminal off until the value is dropped.
fn unseen() -> io::Result<Box<dyn Send>> {
    let before = tcgetattr(io::stdin())?;
    let mut silent = before.clone();
    silent.local_modes.remove(LocalModes::ECHO);
    tcsetattr(io::stdin(), OptionalActions::Flush, &silent)?;
    Ok(Box::new(Echo(before)))
}

/// How the terminal was before, and will be.
struct Echo(Termios);

impl Drop for Echo {
    fn drop(&mut self) {
        // What was pasted behind the first line is no answer to anything else. The terminal may be gone; then there is nothing to be seen on it.
        let _gone = tcsetattr(io::stdin(), OptionalActions::Flush, &self.0);
    }
}

/// `COLUMNS` if somebody set it, else what the screen says.
fn width() -> Option<usize> {
    let set = std::env::var("COLUMNS")
        .ok()
        .and_then(|columns| columns.parse().ok());
    set.or_else(|| terminal_size::terminal_size().map(|(width, _)| usize::from(width.0)))
}

/// Returns whether the process was started with SIGHUP ignored, as `nohup` does it. Where that cannot be read, it was not.
pub(super) fn hang_up_is_ignored() -> bool {
    std::fs::read_to_string("/proc/self/status").is_ok_and(|status| ignores_hang_up(&status))
}

/// Reads the mask of ignored signals (<https://man7.org/linux/man-pages/man5/proc_pid_status.5.html>); SIGHUP is number 1, the lowest bit.
fn ignores_hang_up(status: &str) -> bool {
    let mask = status
        .lines()
        .find_map(|line| line.strip_prefix("SigIgn:"))
        .and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    mask.is_some_and(|mask| mask & 1 == 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lowest_bit_of_the_ignored_signals_is_the_hang_up() {
        let table = [
            (
                "Name:\tagent\nSigIgn:\t0000000000000001\nSigCgt:\t0\n",
                true,
            ),
            ("SigIgn:\t0000000000001001\n", true),
            (
                "SigIgn:\t0000000000001000\nSigCgt:\t0000000000000001\n",
                false,
            ),
            ("SigCgt:\t0000000000000001\n", false),
            ("", false),
        ];
        for (status, wanted) in table {
            assert_eq!(ignores_hang_up(status), wanted, "{status:?}");
        }
    }
}
