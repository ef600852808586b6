//! Why something did not work, in the form that every door and every plugin understands.

use std::borrow::Cow;
use std::error::Error;
use std::fmt;
use std::io;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::hint;
use crate::hint::{Author, Path, Remedy};
use crate::text;

/// How long the texts of a failure may be, in bytes, that come from a plugin or a server: [`Failure::bounded`]. A stranger's advice is cut when it is made.
const LONGEST_CODE: usize = 128;
const LONGEST_TEXT: usize = 4 << 10;
const MOST_CAUSES: usize = 24;
const LONGEST_DETAILS: usize = 64 << 10;

/// The code of what may be half overwritten, and for which no operation is named that brings it back.
pub const NOT_COMPENSATED: &str = "run.not-compensated";

/// The code of what ends a run whose lock somebody else has.
pub const LOCK_LOST: &str = "run.lock-lost";

/// The code of what was overwritten for good, when its run is taken back.
pub const OVERWRITTEN: &str = "run.overwritten";

/// What the host does about a failure. The same cases as `error-kind` in `wit/deps/types`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Outside the rights of the plugin, or refused by the target's access control.
    Denied,
    /// The person said no, or nobody was there to ask.
    Declined,
    /// The thing named does not exist.
    NotFound,
    /// It exists already, or somebody else changed or uses it.
    Conflict,
    /// The request itself is wrong.
    Invalid,
    /// It was tried and did not succeed, and whoever tried says why.
    Failed,
    /// It may have happened: its answer was lost.
    Uncertain,
    /// The target cannot be reached or cannot answer now. Nothing happened.
    Unavailable,
    /// A wait came to its deadline.
    Timeout,
    /// The person or the host asked the run to stop.
    Cancelled,
    /// A limit of the run is used up.
    Exhausted,
    /// The target does not have this feature.
    Unsupported,
    /// A bug of the host or of the plugin.
    Internal,
}

/// A failure: the Rust side of the `error` record in `wit/deps/types`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Written", into = "Written")]
pub struct Failure {
    /// What the host does about it.
    pub kind: Kind,
    /// What scripts match, such as `cluster.forbidden`.
    pub code: String,
    /// What happened and where; lower case, no full stop.
    pub message: String,
    /// How to mend it; best a command to paste.
    pub hint: Option<Remedy>,
    /// Further causes, outermost first.
    pub causes: Vec<String>,
    /// How long the target said to wait, in milliseconds.
    pub retry_after_ms: Option<u32>,
    /// What a script may want to know besides; what is in it, the code decides.
    pub details: Option<Box<Details>>,
}

/// An object with more about a failure.
pub type Details = Map<String, Value>;

/// A failure as it is written.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Written {
    kind: Kind,
    code: String,
    message: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    hint: Option<String>,
    /// Absent for the agent's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    hint_by: Option<HintBy>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    causes: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    retry_after_ms: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    details: Option<Box<Details>>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum HintBy {
    Stranger,
}

impl From<Failure> for Written {
    fn from(failure: Failure) -> Written {
        let by = failure.hint.as_ref().map(Remedy::by);
        Written {
            kind: failure.kind,
            code: failure.code,
            message: failure.message,
            hint: failure.hint.map(String::from),
            hint_by: by
                .filter(|by| *by == Author::Stranger)
                .map(|_| HintBy::Stranger),
            causes: failure.causes,
            retry_after_ms: failure.retry_after_ms,
            details: failure.details,
        }
    }
}

impl From<Written> for Failure {
    fn from(written: Written) -> Failure {
        let by = match written.hint_by {
            Some(HintBy::Stranger) => Author::Stranger,
            None => Author::Agent,
        };
        Failure {
            kind: written.kind,
            code: written.code,
            message: written.message,
            hint: written.hint.map(|text| Remedy::read_back(text, by)),
            causes: written.causes,
            retry_after_ms: written.retry_after_ms,
            details: written.details,
        }
    }
}

/// Returns an error and its sources as texts, outermost first, without those that the one before ends with: some libraries say their cause
/// themselves.
pub fn chain(error: &(dyn Error + 'static)) -> Vec<String> {
    let mut texts = vec![error.to_string()];
    let mut next = error.source();
    while let Some(error) = next {
        let text = error.to_string();
        if !texts.last().is_some_and(|last| last.ends_with(&text)) {
            texts.push(text);
        }
        next = error.source();
    }
    texts
}

/// The remedy for an error, as a command to paste where there is one.
pub trait Hint {
    /// Returns the remedy, or none when there is nothing better to say than the error itself.
    fn hint(&self) -> Option<Remedy>;
}

/// Returns what helps when a file or a directory cannot be used, by the cause. None where the error says enough, as that
/// there is no such file.
pub fn remedy_for_file(error: &io::Error, path: &str) -> Option<Remedy> {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            Some(hint!("make room: df -h {}", Path(path)))
        }
        io::ErrorKind::PermissionDenied | io::ErrorKind::NotADirectory => {
            Some(hint!("ls -ld {}", Path(path)))
        }
        io::ErrorKind::ReadOnlyFilesystem => {
            Some("use a directory that can be written to, or mount this one so".into())
        }
        _ => None,
    }
}

impl Failure {
    /// Makes a failure without hint and causes.
    pub fn new(kind: Kind, code: &str, message: impl Into<String>) -> Failure {
        Failure {
            kind,
            code: code.to_owned(),
            message: message.into(),
            hint: None,
            causes: Vec::new(),
            retry_after_ms: None,
            details: None,
        }
    }

    /// Makes a failure of an error, with the chain of its sources as causes.
    pub fn of(kind: Kind, code: &str, error: &(dyn Error + 'static)) -> Failure {
        let mut texts = chain(error);
        let causes = texts.split_off(1);
        Failure {
            causes,
            ..Failure::new(kind, code, texts.concat())
        }
    }

    /// Adds the remedy.
    #[must_use]
    pub fn hinted(mut self, hint: impl Into<Remedy>) -> Failure {
        self.hint = Some(hint.into());
        self
    }

    /// Adds the remedy, where there is one.
    #[must_use]
    pub fn hinted_if(mut self, hint: Option<Remedy>) -> Failure {
        self.hint = hint.or(self.hint);
        self
    }

    /// Adds a cause below those that are there.
    #[must_use]
    pub fn because(mut self, cause: impl Into<String>) -> Failure {
        self.causes.push(cause.into());
        self
    }

    /// Adds what a script may want to know besides, in place of what was there.
    #[must_use]
    pub fn detailed(mut self, details: Details) -> Failure {
        self.details = (!details.is_empty()).then(|| Box::new(details));
        self
    }

    /// Puts what was being done in front; the present message becomes the first cause.
    #[must_use]
    pub fn while_doing(mut self, message: impl Into<String>) -> Failure {
        let inner = std::mem::replace(&mut self.message, message.into());
        self.causes.insert(0, inner);
        self
    }

    /// Returns the failure with texts of a length that people read. Wherever one comes in from a plugin or a server, it goes through here: it is shown,
    /// recorded, and told to others.
    #[must_use]
    pub fn bounded(mut self) -> Failure {
        cut_to(&mut self.code, LONGEST_CODE);
        cut_to(&mut self.message, LONGEST_TEXT);
        let more = self.causes.len().saturating_sub(MOST_CAUSES);
        self.causes.truncate(MOST_CAUSES);
        let causes = self.causes.iter_mut();
        causes.for_each(|cause| cut_to(cause, LONGEST_TEXT));
        if more > 0 {
            self.causes.push(format!("and {more} more"));
        }
        // A part of a document is another document.
        self.details = self
            .details
            .take_if(|details| !is_longer(details, LONGEST_DETAILS));
        self
    }

    /// Makes the failure that every host call returns once the run was told to stop.
    pub fn cancelled() -> Failure {
        Failure::new(
            Kind::Cancelled,
            "run.cancelled",
            "the run was asked to stop",
        )
    }
}

fn is_longer(details: &Details, most: usize) -> bool {
    serde_json::to_string(details).is_ok_and(|text| text.len() > most)
}

fn cut_to(text: &mut String, most: usize) {
    if let Cow::Owned(shorter) = text::cut(text, most) {
        *text = shorter;
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl Error for Failure {}

impl Hint for Failure {
    fn hint(&self) -> Option<Remedy> {
        self.hint.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn remedy_for_a_file_is_by_the_cause() {
        use io::ErrorKind as Kind;
        for (kind, wanted) in [
            (Kind::StorageFull, Some("make room: df -h /a")),
            (Kind::QuotaExceeded, Some("make room: df -h /a")),
            (Kind::PermissionDenied, Some("ls -ld /a")),
            (Kind::NotFound, None),
            (Kind::InvalidData, None),
        ] {
            let remedy = remedy_for_file(&kind.into(), "/a");
            assert_eq!(remedy.as_deref(), wanted, "{kind}");
        }
    }

    #[test]
    fn failure_of_a_stranger_has_texts_that_people_read_to_their_end() {
        let long = "x".repeat(1 << 20);
        let failure = Failure::new(Kind::Invalid, &long, &long).hinted(Remedy::of_stranger(&long));
        let failure = (0..1000).fold(failure, |failure, _| failure.because(&long));
        let failure = failure.detailed(Map::from_iter([("x".to_owned(), long.clone().into())]));
        let bounded = failure.bounded();
        let bytes = serde_json::to_string(&bounded).expect("JSON").len();
        assert!(bytes < 128 << 10, "{bytes}");
        assert_eq!(
            bounded.causes.last().map(String::as_str),
            Some("and 976 more")
        );
        // What is bounded stays as it is, and so does what is short.
        assert_eq!(bounded.clone().bounded().message, bounded.message);
        let short = Failure::cancelled().because("x");
        assert_eq!(short.clone().bounded(), short);
    }

    #[test]
    fn advice_of_a_stranger_is_still_one_when_it_is_read_back() {
        let failure = |hint: Remedy| Failure::new(Kind::Invalid, "x", "it went wrong").hinted(hint);
        for hint in [
            hint!("agent undo {}", "abc"),
            Remedy::of_stranger("rm -rf ~"),
        ] {
            let failure = failure(hint);
            let json = serde_json::to_value(&failure).expect("serialises");
            let read: Failure = serde_json::from_value(json).expect("reads back");
            assert_eq!(read, failure);
        }
    }

    #[derive(Debug, thiserror::Error)]
    #[error("{text}")]
    struct Layer {
        text: &'static str,
        source: Option<Box<Layer>>,
    }

    fn layers(texts: &[&'static str]) -> Layer {
        let source = texts
            .get(1..)
            .filter(|rest| !rest.is_empty())
            .map(|rest| Box::new(layers(rest)));
        Layer {
            text: texts[0],
            source,
        }
    }

    #[test]
    fn a_cause_that_was_said_is_not_said_again() {
        let error = layers(&[
            "reading `a`",
            "cannot open: no such file",
            "no such file",
            "os error 2",
        ]);
        let failure = Failure::of(Kind::Invalid, "x", &error);
        assert_eq!(failure.message, "reading `a`");
        assert_eq!(failure.causes, ["cannot open: no such file", "os error 2"]);
    }
}
