//! Why something did not work: the contract's error with the words to make one.

use std::fmt;

use serde_json::Value;

use crate::bindings::ops::types::types;

pub use crate::bindings::ops::types::types::ErrorKind as Kind;

/// The result of almost everything here.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A failure, for a person and for a script: what happened and where in one sentence (lower case, no full stop, values in backticks), an
/// open dotted code, what to do about it, and causes.
#[derive(Clone, Debug, PartialEq)]
pub struct Error(Box<types::Error>);

impl Error {
    /// Makes an error without hint and causes.
    pub fn new(kind: Kind, code: &str, message: impl Into<String>) -> Error {
        Error(Box::new(types::Error {
            kind,
            code: code.to_owned(),
            message: message.into(),
            hint: None,
            causes: Vec::new(),
            retry_after_ms: None,
            details: None,
        }))
    }

    /// Outside somebody's rights.
    pub fn denied(code: &str, message: impl Into<String>) -> Error {
        Error::new(Kind::Denied, code, message)
    }

    /// The thing named does not exist.
    pub fn not_found(code: &str, message: impl Into<String>) -> Error {
        Error::new(Kind::NotFound, code, message)
    }

    /// It exists already, or somebody else changed or uses it.
    pub fn conflict(code: &str, message: impl Into<String>) -> Error {
        Error::new(Kind::Conflict, code, message)
    }

    /// The request itself is wrong.
    pub fn invalid(code: &str, message: impl Into<String>) -> Error {
        Error::new(Kind::Invalid, code, message)
    }

    /// It was tried and did not succeed, and whoever tried says why.
    pub fn failed(code: &str, message: impl Into<String>) -> Error {
        Error::new(Kind::Failed, code, message)
    }

    /// The target cannot do it now; the same request may work later.
    pub fn unavailable(code: &str, message: impl Into<String>) -> Error {
        Error::new(Kind::Unavailable, code, message)
    }

    /// A wait came to its deadline.
    pub fn timeout(code: &str, message: impl Into<String>) -> Error {
        Error::new(Kind::Timeout, code, message)
    }

    /// The target does not have this feature.
    pub fn unsupported(code: &str, message: impl Into<String>) -> Error {
        Error::new(Kind::Unsupported, code, message)
    }

    /// A bug.
    pub fn internal(code: &str, message: impl Into<String>) -> Error {
        Error::new(Kind::Internal, code, message)
    }

    /// Adds the remedy, best a command to paste. Replaces the one that was there.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Error {
        self.0.hint = Some(hint.into());
        self
    }

    /// Adds a cause below those that are there.
    #[must_use]
    pub fn cause(mut self, cause: impl Into<String>) -> Error {
        self.0.causes.push(cause.into());
        self
    }

    /// Adds an object with what a script may want to know besides, best made with `json!({…})`. Replaces the one that was there.
    #[must_use]
    pub fn details(mut self, details: &Value) -> Error {
        self.0.details = Some(details.to_string());
        self
    }

    /// Puts what was being done in front; the present message becomes the first cause. Kind, code and hint stay.
    #[must_use]
    pub fn while_doing(mut self, message: impl Into<String>) -> Error {
        let inner = std::mem::replace(&mut self.0.message, message.into());
        self.0.causes.insert(0, inner);
        self
    }

    /// Reads an error that the host has written as JSON.
    pub(crate) fn parse(json: &str) -> Result<Error> {
        let document = crate::object::parse(json)?;
        let text = |key: &str| document[key].as_str().unwrap_or_default().to_owned();
        let mut error = Error::new(kind_of(&text("kind")), &text("code"), text("message"));
        error.0.hint = document["hint"].as_str().map(str::to_owned);
        error.0.retry_after_ms = document["retry-after-ms"].as_u64();
        error.0.details = document.get("details").map(Value::to_string);
        let causes = document["causes"].as_array().into_iter().flatten();
        error.0.causes = causes
            .filter_map(Value::as_str)
            .map(str::to_owned)
            .collect();
        Ok(error)
    }

    /// What the host does about it.
    pub fn kind(&self) -> Kind {
        self.0.kind
    }

    /// What scripts match.
    pub fn code(&self) -> &str {
        &self.0.code
    }

    /// What happened and where.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// The remedy, when there is one.
    pub fn remedy(&self) -> Option<&str> {
        self.0.hint.as_deref()
    }

    /// Further causes, outermost first.
    pub fn causes(&self) -> &[String] {
        &self.0.causes
    }
}

/// Reads a kind by the name that the contract gives it. One that is not known here is a bug of somebody.
fn kind_of(name: &str) -> Kind {
    match name {
        "denied" => Kind::Denied,
        "declined" => Kind::Declined,
        "not-found" => Kind::NotFound,
        "conflict" => Kind::Conflict,
        "invalid" => Kind::Invalid,
        "failed" => Kind::Failed,
        "uncertain" => Kind::Uncertain,
        "unavailable" => Kind::Unavailable,
        "timeout" => Kind::Timeout,
        "cancelled" => Kind::Cancelled,
        "exhausted" => Kind::Exhausted,
        "unsupported" => Kind::Unsupported,
        _ => Kind::Internal,
    }
}

impl fmt::Display for Error {
    /// Writes the message and its causes in one line, for tables and notes.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)?;
        self.0
            .causes
            .iter()
            .try_for_each(|cause| write!(f, ": {cause}"))
    }
}

impl std::error::Error for Error {}

impl From<types::Error> for Error {
    fn from(error: types::Error) -> Error {
        Error(Box::new(error))
    }
}

impl From<Error> for types::Error {
    fn from(error: Error) -> types::Error {
        *error.0
    }
}
