//! What a kubeconfig may lead to outside of this process. Whoever connects gives it as values.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use futures::future::BoxFuture;
use zeroize::Zeroizing;

/// Reads a file.
pub type Read = fn(&Path) -> io::Result<Vec<u8>>;

/// Runs a program to its end; dropping the future kills it. One that prints without end is `FileTooLarge`.
pub type Run = Arc<dyn Fn(Program) -> BoxFuture<'static, io::Result<Ended>> + Send + Sync>;

/// Takes what a program writes, as it comes.
pub type Take = Box<dyn FnMut(&[u8]) + Send>;

/// Files, environment, programs, and a person.
#[derive(Clone)]
pub struct Access {
    /// Reads a file that a kubeconfig names.
    pub read: Read,
    /// Returns a variable of the environment.
    pub variable: fn(&str) -> Option<String>,
    /// Runs a credential plugin.
    pub run: Run,
    /// Shows a text of a stranger to the person, and keeps it nowhere. No secret is in it.
    pub show: Arc<dyn Fn(&str) + Send + Sync>,
    /// Takes what is secret in a connection, as it becomes known: tokens, passwords, keys. Nobody else may ever be told.
    pub learn: Arc<dyn Fn(&str) + Send + Sync>,
    /// Whether standard input is a person's, whom a credential plugin may ask.
    pub interactive: bool,
}

/// A program to run.
pub struct Program {
    /// A name to be looked up, or a path.
    pub command: PathBuf,
    /// Its arguments, which may be secrets.
    pub arguments: Vec<Zeroizing<String>>,
    /// Added to our own environment; secrets.
    pub environment: Vec<(String, Zeroizing<String>)>,
    /// Whether it gets our standard input.
    pub interactive: bool,
    /// Gets what it writes to standard error.
    pub stderr: Take,
}

/// A program that has ended.
pub struct Ended {
    /// None when a signal ended it.
    pub code: Option<i32>,
    /// What it wrote; a secret.
    pub stdout: Zeroizing<Vec<u8>>,
}
