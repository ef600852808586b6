//! Everything that is known before guest code runs: which plugin, whether the arguments fit, what it may do, within which limits.

use std::sync::Arc;

use agent_capability::bindings::ops::types::types::Invocation;
use agent_core::agent::Origin;
use agent_core::arguments;
use agent_core::failure::{Failure, Kind};
use agent_core::grant::Grants;
use agent_core::hint;
use agent_core::hint::Path;
use agent_core::id::OperationName;
use agent_core::limits::Limits;
use agent_core::name::ParameterName;
use agent_core::policy;
use agent_core::secret::Secrets;
use agent_core::text;
use agent_store::Found;
use serde_json::{Map, Value};

/// An operation that may run.
pub(crate) struct Prepared {
    pub(crate) operation: OperationName,
    pub(crate) found: Arc<Found>,
    /// Without the values of secret parameters.
    pub(crate) arguments: Map<String, Value>,
    pub(crate) secrets: Secrets,
    pub(crate) grants: Grants,
    pub(crate) limits: Limits,
}

impl Prepared {
    /// Id and version of the plugin, such as `volsync 0.1.0`.
    pub(crate) fn plugin(&self) -> String {
        format!("{} {}", self.found.manifest.id, self.found.manifest.version)
    }

    /// Returns the names of the operation's locks, with its arguments filled in. A lock that names an argument which is not given is none: it
    /// would exclude nobody but those who do not give it either.
    ///
    /// # Errors
    /// `invalid` for an argument that would make a name which nobody can read.
    pub(crate) fn locks(&self) -> Result<Vec<String>, Failure> {
        let descriptor = self.found.descriptor.operation(self.operation.operation());
        let locks = descriptor.map(|it| it.locks.as_slice()).unwrap_or_default();
        let filled = locks.iter().filter_map(|lock| {
            let name = lock.filled_in(|parameter| value(&self.arguments, parameter))?;
            let bad = |parameter: &&ParameterName| {
                value(&self.arguments, parameter)
                    .is_some_and(|value| !is_readable(&value, LONGEST_IN_LOCK))
            };
            Some(readable(name, lock.parameters().iter().find(bad)))
        });
        filled.collect()
    }

    pub(crate) fn invocation(&self) -> Result<Invocation, Failure> {
        let mut arguments = self.arguments.clone();
        self.secrets.fill_in(&mut arguments);
        let written = serde_json::to_string(&arguments);
        Ok(Invocation {
            operation: self.operation.to_string(),
            arguments: written.map_err(|error| Failure::of(Kind::Internal, "agent.bug", &error))?,
        })
    }
}

/// Decides whether an operation of a plugin may run.
///
/// # Errors
/// Arguments that do not fit, missing grants.
pub(crate) fn prepare(
    found: Arc<Found>,
    limits: &Limits,
    operation: &OperationName,
    mut given: Map<String, Value>,
    secrets: &Secrets,
) -> Result<Prepared, Failure> {
    let Some(descriptor) = found.descriptor.operation(operation.operation()) else {
        // An artifact that a plan or a record names may be another one than that of the operation which they name.
        let message = format!("the plugin of `{operation}` has no such operation");
        return Err(Failure::new(Kind::NotFound, "operations.unknown", message));
    };
    secrets.fill_in(&mut given);
    let mut arguments = arguments::complete(descriptor, given)
        .map_err(|misfit| misfit.into_failure(operation.as_str()))?;
    let secrets = Secrets::take(descriptor, &mut arguments);
    let grants = policy::decide(&found.manifest, &found.granted, descriptor, &arguments)
        .map_err(|refusal| with_file(refusal.into_failure(), &found.origin))?;
    Ok(Prepared {
        operation: operation.clone(),
        limits: limits.lowered(&found.manifest.limits),
        arguments,
        secrets,
        grants,
        found,
    })
}

/// A plugin that only the command line knows of is unknown to the command of the hint, unless that names the file too.
fn with_file(mut failure: Failure, origin: &Origin) -> Failure {
    if let Origin::File(path) = origin {
        let option = hint!("--plugin {}", Path(path));
        failure.hint = failure
            .hint
            .map(|hint| match hint.starts_with("agent plugin ") {
                true => hint.and(" ", &option),
                false => hint,
            });
    }
    failure
}

/// What a run ends with that took too long.
pub(crate) fn out_of_time(prepared: &Prepared) -> Failure {
    let ms = prepared.limits.wall_ms;
    let message = format!(
        "plugin `{}` took longer than its limit of {ms} ms",
        prepared.plugin()
    );
    Failure::new(Kind::Exhausted, "plugin.out-of-time", message)
}

/// Returns an argument as it stands in the name of a lock; none when it is not given.
fn value(arguments: &Map<String, Value>, parameter: &str) -> Option<String> {
    let value = arguments.get(parameter).filter(|value| !value.is_null())?;
    Some(
        value
            .as_str()
            .map_or_else(|| value.to_string(), str::to_owned),
    )
}

/// How long the name of a lock may be with its arguments in it, in characters: as long as what it locks.
const LONGEST_LOCK: usize = 600;

/// How long one of them may be: as long as the name of an object.
const LONGEST_IN_LOCK: usize = 253;

/// Refuses a name that is too long, or that nobody could read. `parameter` is the one that makes it so, if it is one alone.
fn readable(name: String, parameter: Option<&ParameterName>) -> Result<String, Failure> {
    if is_readable(&name, LONGEST_LOCK) {
        return Ok(name);
    }
    let what = match parameter {
        Some(parameter) => format!("`{parameter}` is not a name: a name is"),
        None => "the names that are given are too long together: one is".to_owned(),
    };
    let message = format!("{what} one line of at most {LONGEST_IN_LOCK} letters");
    Err(Failure::new(Kind::Invalid, "operations.arguments", message))
}

fn is_readable(text: &str, longest: usize) -> bool {
    text.chars().count() <= longest && !text.chars().any(text::steers)
}

#[cfg(test)]
mod tests {
    use agent_core::name::LockName;
    use serde_json::json;

    use super::*;

    fn lock() -> LockName {
        LockName::try_from("volsync:{namespace}/{app}".to_owned()).expect("valid")
    }

    #[test]
    fn lock_has_the_arguments_in_it_and_without_them_there_is_none() {
        let filled = |given: Value| {
            let arguments = given.as_object().cloned().unwrap_or_default();
            lock().filled_in(|parameter| value(&arguments, parameter))
        };
        let plex = json!({"namespace": "media", "app": "plex"});
        assert_eq!(filled(plex).as_deref(), Some("volsync:media/plex"));
        assert_eq!(filled(json!({"namespace": "media"})), None);
        assert_eq!(filled(json!({"namespace": "media", "app": null})), None);
    }

    #[test]
    fn lock_that_nobody_could_read_is_refused() {
        for name in ["a\nb".to_owned(), "\u{1b}[2J".to_owned(), "x".repeat(601)] {
            let lock = lock();
            let app = lock.parameters().last();
            let refused = readable(name, app).expect_err("refused");
            assert_eq!(
                refused.message,
                "`app` is not a name: a name is one line of at most 253 letters"
            );
        }
        assert!(readable("volsync:media/plex".to_owned(), None).is_ok());
    }

    #[test]
    fn hint_names_the_file_as_one_word() {
        let failure =
            Failure::new(Kind::Denied, "x", "x").hinted(hint!("agent plugin inspect {}", "a"));
        let path = Origin::File("it's; touch pwned.wasm".to_owned());
        let hint = with_file(failure, &path).hint.expect("a hint");
        let wanted = "agent plugin inspect a --plugin 'it'\\''s; touch pwned.wasm'";
        assert_eq!(&*hint, wanted);
    }
}
