//! The run itself: what the person sees of it, what they are asked, and time.

use std::time::Duration;

use jiff::Timestamp;

use crate::Result;
use crate::bindings::ops::run::run as wit;

pub use crate::bindings::ops::run::run::Level;

/// Returns whether this run only plans: nothing is written, and no controller will react. Code that waits for a reaction must not;
/// [`crate::wait`] knows that by itself.
pub fn planning() -> bool {
    wit::planning()
}

/// Writes a line to the run's log. The macros [`crate::debug!`], [`crate::info!`], [`crate::warn!`] and [`crate::error!`] are shorter.
pub fn log(level: Level, message: &str) {
    wit::log(level, message);
}

/// Asks the person, with facts (label and value) that they should know before they answer. Returns when they agreed.
///
/// # Errors
/// `declined` (`run.declined`) when they said no or nobody can be asked; `cancelled`.
pub fn confirm(text: &str, facts: &[(&str, String)]) -> Result<()> {
    ask(text, facts, None)
}

/// Asks the person, who has to type a phrase instead of yes, such as the name of the machine that is wiped.
///
/// # Errors
/// As for [`confirm`]; `invalid` (`run.phrase`) for a phrase shorter than 3 or longer than 253 characters.
pub fn confirm_by_typing(text: &str, facts: &[(&str, String)], phrase: &str) -> Result<()> {
    ask(text, facts, Some(phrase.to_owned()))
}

fn ask(text: &str, facts: &[(&str, String)], phrase: Option<String>) -> Result<()> {
    let facts = facts
        .iter()
        .map(|(label, value)| ((*label).to_owned(), value.clone()))
        .collect();
    let question = wit::Question {
        text: text.to_owned(),
        facts,
        phrase,
    };
    Ok(wit::confirm(&question)?)
}

/// Returns the present time by the host's clock. Recorded: a resumed run sees the same value again.
pub fn now() -> Timestamp {
    let ms = i64::try_from(wit::now()).unwrap_or(i64::MAX);
    Timestamp::from_millisecond(ms).unwrap_or(Timestamp::MAX)
}

/// Returns for how long this run has been at work. It stands still while a run is cut off, so deadlines are reckoned by it. Recorded, like
/// [`now`].
pub fn elapsed() -> Duration {
    Duration::from_millis(wit::elapsed())
}

/// Returns text that no other call has ever returned, valid as a label's value.
pub fn token() -> String {
    wit::token()
}

/// Returns eight lower-case letters and digits, unique for this run and the same at every call; fit for the name of an object.
pub fn id() -> String {
    wit::id()
}

/// Says that `text`, where it is the whole of a value in a change, is known only when the run is performed. It has to be digits, an id in hexadecimal digits
/// or a time: while planning, give another one of that form under the same name. Tokens and [`id`] are known to be so, also as a part of a value and in the
/// name of an object that the plan makes.
pub fn placeholder(name: &str, text: &str) {
    wit::placeholder(name, text);
}

/// Waits. While planning, it returns at once.
///
/// # Errors
/// `cancelled`; `timeout` when the run's own deadline comes first.
pub fn sleep(length: Duration) -> Result<()> {
    Ok(wit::sleep(milliseconds(length))?)
}

pub(crate) fn milliseconds(length: Duration) -> u32 {
    u32::try_from(length.as_millis()).unwrap_or(u32::MAX)
}

/// A part of the work that a person can follow. Dropped before it has ended, it is shown as failed.
pub struct Step {
    step: wit::Step,
    ended: bool,
}

impl Step {
    /// Begins the step. The title is an imperative with its object, such as "Wait until no pod mounts `plex`".
    pub fn new(title: impl AsRef<str>) -> Step {
        Step {
            step: wit::Step::new(title.as_ref()),
            ended: false,
        }
    }

    /// Replaces the line of detail under the title.
    pub fn note(&self, text: impl AsRef<str>) {
        self.step.note(text.as_ref());
    }

    /// Shows how far it is. `total` is 0 when that is not known.
    pub fn progress(&self, done: usize, total: usize) {
        let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        self.step.progress(count(done), count(total));
    }

    /// Ends it well. The summary may be empty.
    pub fn done(mut self, summary: impl AsRef<str>) {
        self.ended = true;
        self.step.done(summary.as_ref());
    }

    /// Ends it as not needed, or as something that could not be done and that is acceptable.
    pub fn skip(mut self, reason: impl AsRef<str>) {
        self.ended = true;
        self.step.skip(reason.as_ref());
    }

    /// Ends it as failed, while the operation goes on.
    pub fn fail(mut self, reason: impl AsRef<str>) {
        self.ended = true;
        self.step.fail(reason.as_ref());
    }
}

impl Drop for Step {
    fn drop(&mut self) {
        if !self.ended {
            self.step.fail("");
        }
    }
}

/// Writes a line to the run's log that is shown with `-v`.
#[macro_export]
macro_rules! debug {
    ($($message:tt)*) => { $crate::run::log($crate::run::Level::Debug, &format!($($message)*)) };
}

/// Writes a line to the run's log.
#[macro_export]
macro_rules! info {
    ($($message:tt)*) => { $crate::run::log($crate::run::Level::Info, &format!($($message)*)) };
}

/// Writes a line to the run's log about something that the person should look at.
#[macro_export]
macro_rules! warn {
    ($($message:tt)*) => { $crate::run::log($crate::run::Level::Warn, &format!($($message)*)) };
}

/// Writes a line to the run's log about something that failed while the run goes on.
#[macro_export]
macro_rules! error {
    ($($message:tt)*) => { $crate::run::log($crate::run::Level::Error, &format!($($message)*)) };
}
