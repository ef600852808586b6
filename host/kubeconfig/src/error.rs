//! Why a kubeconfig leads nowhere.
//!
//! What is said names files, lines, columns, fields, contexts, clusters, users and servers. Nothing else of a kubeconfig is ever repeated, because
//! it may be a secret that somebody wrote into the wrong field; the exceptions are a credential plugin's command and install hint, which are
//! there to be shown.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

/// Why a file says nothing.
#[derive(Debug, Error)]
pub enum Unreadable {
    /// The operating system said no.
    #[error("`{file}` cannot be read")]
    File {
        /// The file.
        file: String,
        /// What it said.
        source: io::Error,
    },
    /// The text is not YAML.
    #[error("`{file}`, line {line}, column {column}: {what}")]
    Yaml {
        /// The file.
        file: String,
        /// From 1.
        line: usize,
        /// From 1.
        column: usize,
        /// What is wrong.
        what: &'static str,
    },
    /// A field does not hold what it is for.
    #[error("`{file}`, line {line}, column {column}: `{field}` {what}")]
    Field {
        /// The file.
        file: String,
        /// From 1.
        line: usize,
        /// From 1.
        column: usize,
        /// The field's name.
        field: &'static str,
        /// What is wrong.
        what: &'static str,
    },
}

/// Why what the files say cannot be used.
#[derive(Debug, Error)]
pub enum Unusable {
    /// No context is chosen, by an option or by `current-context`.
    #[error("no context is chosen, and `current-context` is empty")]
    NoContext {
        /// The contexts that there are.
        known: Vec<String>,
    },
    /// The context is in none of the files.
    #[error("there is no context `{name}`")]
    UnknownContext {
        /// The context.
        name: String,
        /// The contexts that there are.
        known: Vec<String>,
    },
    /// The context leads to nothing.
    #[error("context `{context}` names the {what} `{name}`, which there is not")]
    Dangling {
        /// The context.
        context: String,
        /// `cluster` or `user`.
        what: &'static str,
        /// Its name.
        name: String,
    },
    /// A field of a cluster or a user is wrong.
    #[error("{place}: {what}")]
    Entry {
        /// Whose it is, and where.
        place: Place,
        /// What is wrong, with the field's name.
        what: String,
    },
    /// A file that a field names is of no use.
    #[error("{place}: {what}")]
    Behind {
        /// Whose it is, and where.
        place: Place,
        /// What is wrong, with the field's name.
        what: String,
        /// What the operating system says.
        source: io::Error,
    },
    /// The credential plugin gave no credentials.
    #[error(transparent)]
    Plugin(#[from] NoCredentials),
    /// The certificate of the server cannot be judged.
    #[error("the certificates that this system trusts cannot be used")]
    Trust {
        /// Why.
        source: rustls::Error,
    },
    /// This is a pod, and what it is given to talk to its cluster cannot be used.
    #[error("this pod's service account cannot be used: `{file}`")]
    Pod {
        /// The file.
        file: PathBuf,
        /// What the operating system says.
        source: io::Error,
    },
}

/// An entry of a file, for messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Such as ``user `admin` ``.
    pub entry: String,
    /// The file.
    pub file: String,
    /// From 1.
    pub line: usize,
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Place { entry, file, line } = self;
        write!(f, "{entry} (`{file}`, line {line})")
    }
}

/// Why a credential plugin gave no credentials. Its output is not repeated.
#[derive(Debug, Error)]
pub enum NoCredentials {
    /// There is no such program.
    #[error("the credential plugin `{command}` of user `{user}` is not installed")]
    Missing {
        /// The program.
        command: String,
        /// Whose plugin it is.
        user: String,
    },
    /// It cannot be started.
    #[error("the credential plugin `{command}` of user `{user}` cannot be started")]
    Start {
        /// The program.
        command: String,
        /// Whose plugin it is.
        user: String,
        /// Why.
        source: io::Error,
    },
    /// It wants to ask a person.
    #[error(
        "the credential plugin `{command}` of user `{user}` needs a terminal to ask on, and there is none"
    )]
    NoTerminal {
        /// The program.
        command: String,
        /// Whose plugin it is.
        user: String,
    },
    /// It ended with an error.
    #[error("the credential plugin `{command}` of user `{user}` {how}")]
    Failed {
        /// The program.
        command: String,
        /// Whose plugin it is.
        user: String,
        /// Such as `failed with exit code 3`.
        how: String,
    },
    /// What it printed are no credentials.
    #[error("what the credential plugin `{command}` of user `{user}` printed {what}")]
    Nonsense {
        /// The program.
        command: String,
        /// Whose plugin it is.
        user: String,
        /// What is wrong with it.
        what: &'static str,
    },
}
