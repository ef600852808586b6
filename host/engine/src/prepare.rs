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
use agent_core::name::LockName;
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
            Some(readable(name, lock))
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
    let grants = policy::decide(
        &found.manifest,
        &found.imports,
        &found.granted,
        descriptor,
        &arguments,
    )
    .map_err(|refusal| with_file(refusal.into_failure(&found.digest), &found.origin))?;
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

fn readable(name: String, lock: &LockName) -> Result<String, Failure> {
    if name.chars().count() <= LONGEST_LOCK && !name.chars().any(text::steers) {
        return Ok(name);
    }
    let message = format!("an argument does not fit into the name of the lock `{lock}`");
    Err(Failure::new(Kind::Invalid, "operations.arguments", message))
}

#[cfg(test)]
mod tests {
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
            let refused = readable(name, &lock()).expect_err("refused");
            assert!(refused.message.len() < 200, "{refused}");
        }
        assert!(readable("volsync:media/plex".to_owned(), &lock()).is_ok());
    }

    #[test]
    fn hint_names_the_file_as_one_word() {
        let failure =
            Failure::new(Kind::Denied, "x", "x").hinted(hint!("agent plugin grant {}", "a"));
        let path = Origin::File("it's; touch pwned.wasm".to_owned());
        let hint = with_file(failure, &path).hint.expect("a hint");
        let wanted = "agent plugin grant a --plugin 'it'\\''s; touch pwned.wasm'";
        assert_eq!(&*hint, wanted);
    }
}
