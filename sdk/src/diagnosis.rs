//! Whether something that is waited for gets on: what conditions, reasons, events, and what pods wait for, say about it.
//!
//! A controller tries again for ever what a person must mend, and says so somewhere else than in the status that is waited for. The functions
//! here read objects, ask nobody, and answer with an [`Outlook`]: it goes on, or it is blocked by a [`Cause`] in the cluster's own words, with
//! the time that this kind of cause may stand before it is a failure. [`Standing`] keeps since when a cause stands, tells it, and says when its
//! time is over. [`look`] gathers what belongs to a Job or a claim.
//!
//! The names and their meaning are those of Kubernetes 1.36: kubelet (`pkg/kubelet/images`, `pkg/kubelet/events`, `kubelet_pods.go`), scheduler, Job
//! controller (`pkg/controller/job`), attach/detach and persistent volume controller (`pkg/controller/volume`), external-provisioner 6.

mod claim;
mod condition;
pub mod event;
mod job;
pub mod look;
mod patience;
mod pod;
mod standing;
mod workload;

use std::fmt;

use crate::{Error, Kind};

pub use claim::claim;
pub use condition::{failing, namespace};
pub use job::job;
pub use patience::Patience;
pub use pod::{End, PodState, container, pod};
pub use standing::Standing;
pub use workload::workload;

/// The longest text of a cause, in characters. An admission webhook may say whatever it likes.
const LONGEST: usize = 400;

/// What objects say about whether something gets on.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Outlook {
    /// Nothing speaks against it.
    #[default]
    Clear,
    /// It gets on; the text says with what, where that is not what one expects.
    Busy(String),
    /// It does not get on.
    Blocked(Cause),
}

impl Outlook {
    /// Returns the cause that blocks it.
    pub fn cause(&self) -> Option<&Cause> {
        match self {
            Outlook::Blocked(cause) => Some(cause),
            Outlook::Clear | Outlook::Busy(_) => None,
        }
    }

    /// Returns what there is to say.
    pub fn note(&self) -> Option<String> {
        match self {
            Outlook::Clear => None,
            Outlook::Busy(note) => Some(note.clone()),
            Outlook::Blocked(cause) => Some(cause.to_string()),
        }
    }

    /// Returns this one, or the other when this one has nothing to say.
    #[must_use]
    pub fn or_else(self, other: impl FnOnce() -> Outlook) -> Outlook {
        if self == Outlook::Clear {
            other()
        } else {
            self
        }
    }
}

impl From<Cause> for Outlook {
    fn from(cause: Cause) -> Outlook {
        Outlook::Blocked(cause)
    }
}

impl From<Option<Cause>> for Outlook {
    fn from(cause: Option<Cause>) -> Outlook {
        cause.map_or(Outlook::Clear, Outlook::Blocked)
    }
}

/// Why something does not get on, in the words of the cluster.
#[derive(Clone, Debug, PartialEq)]
pub struct Cause {
    /// What it is about, such as ``pod `plex-0` ``.
    pub subject: String,
    /// One word of the cluster's, such as `ImagePullBackOff`; may be empty.
    pub reason: String,
    /// The cluster's sentence, in one line and not too long; may be empty.
    pub message: String,
    /// How long it may stand.
    pub patience: Patience,
}

impl Cause {
    /// Makes one. The message is taken as the cluster has it.
    pub fn new(
        subject: impl Into<String>,
        reason: &str,
        message: &str,
        patience: Patience,
    ) -> Cause {
        Cause {
            subject: subject.into(),
            reason: reason.to_owned(),
            message: words(message),
            patience,
        }
    }

    /// Adds it to an error.
    #[must_use]
    pub fn explain(&self, error: Error) -> Error {
        error.cause(self.to_string())
    }

    /// Makes it the cause of a failure of that code.
    pub fn error(&self, code: &str, message: impl Into<String>) -> Error {
        self.explain(Error::new(Kind::Conflict, code, message))
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.subject)?;
        if !self.reason.is_empty() && !self.message.contains(&self.reason) {
            write!(f, ": `{}`", self.reason)?;
        }
        if !self.message.is_empty() {
            write!(f, ": {}", self.message)?;
        }
        Ok(())
    }
}

/// Makes one line of a text, without a full stop, and not longer than a person reads.
fn words(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let line = line.trim_end_matches('.');
    match line.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cause_is_one_line_of_bounded_length() {
        let told = "denied the request:\n  [no-root]\tmust not run as root.";
        let cause = Cause::new("Job `x`", "FailedCreate", told, Patience::NOW);
        assert_eq!(
            cause.to_string(),
            "Job `x`: `FailedCreate`: denied the request: [no-root] must not run as root"
        );
        let long = Cause::new("Job `x`", "", &"ä".repeat(9_000), Patience::NOW);
        assert_eq!(long.message.chars().count(), LONGEST + 1);
    }

    #[test]
    fn reason_that_the_message_has_is_not_repeated() {
        let cause = Cause::new(
            "pod `x`",
            "ErrImagePull",
            "ErrImagePull: no such host",
            Patience::NOW,
        );
        assert_eq!(cause.to_string(), "pod `x`: ErrImagePull: no such host");
    }
}
