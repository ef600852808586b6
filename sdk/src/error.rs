//! Why something did not work: the contract's error with the words to make one.

use std::fmt;

use crate::bindings::ops::types::types;

pub use crate::bindings::ops::types::types::ErrorKind as Kind;

/// The result of almost everything here.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A failure, for a person and for a script: what happened and where in one sentence (lower case, no full stop, values in backticks), an
/// open dotted code, what to do about it, and causes.
#[derive(Clone, Debug, PartialEq)]
pub struct Error(pub(crate) types::Error);

impl Error {
    /// Makes an error without hint and causes.
    pub fn new(kind: Kind, code: &str, message: impl Into<String>) -> Error {
        Error(types::Error {
            kind,
            code: code.to_owned(),
            message: message.into(),
            hint: None,
            causes: Vec::new(),
            retry_after_ms: None,
        })
    }

    /// Outside somebody's rights, or declined.
    pub fn denied(code: &str, message: impl Into<String>) -> Error {
        Error::new(Kind::Denied, code, message)
    }

    /// The thing named does not exist.
    pub fn not_found(code: &str, message: impl Into<String>) -> Error {
        Error::new(Kind::NotFound, code, message)
    }

    /// The state of the world stands against it.
    pub fn conflict(code: &str, message: impl Into<String>) -> Error {
        Error::new(Kind::Conflict, code, message)
    }

    /// The request itself is wrong.
    pub fn invalid(code: &str, message: impl Into<String>) -> Error {
        Error::new(Kind::Invalid, code, message)
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

    /// Puts what was being done in front; the present message becomes the first cause. Kind, code and hint stay.
    #[must_use]
    pub fn while_doing(mut self, message: impl Into<String>) -> Error {
        let inner = std::mem::replace(&mut self.0.message, message.into());
        self.0.causes.insert(0, inner);
        self
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
        Error(error)
    }
}

impl From<Error> for types::Error {
    fn from(error: Error) -> types::Error {
        error.0
    }
}
