//! Everything that is known before guest code runs: which plugin, whether the arguments fit, what it may do, within which limits.

use std::sync::Arc;

use agent_capability::bindings::ops::types::types::Invocation;
use agent_core::agent::Origin;
use agent_core::arguments;
use agent_core::failure::{Failure, Kind};
use agent_core::grant::Grants;
use agent_core::id::OperationName;
use agent_core::limits::Limits;
use agent_core::policy;
use agent_core::secret::Secrets;
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
    pub(crate) fn locks(&self) -> Vec<String> {
        let descriptor = self.found.descriptor.operation(self.operation.operation());
        let locks = descriptor.map(|it| it.locks.as_slice()).unwrap_or_default();
        let filled = locks.iter().map(|lock| filled_in(lock, &self.arguments));
        filled.flatten().collect()
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
        // The store has looked it up by this very name.
        let message = format!("operation `{operation}` is gone from its plugin");
        return Err(Failure::new(Kind::Internal, "agent.bug", message));
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
        let named = |hint: String| {
            let given = format!("agent plugin grant --plugin '{path}' ");
            hint.replacen("agent plugin grant ", &given, 1)
        };
        failure.hint = failure.hint.map(named);
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

/// Returns a lock with its arguments filled in; none when one of them is not given.
fn filled_in(lock: &str, arguments: &Map<String, Value>) -> Option<String> {
    let mut filled = String::new();
    let mut rest = lock;
    while let Some((before, after)) = rest.split_once('{') {
        let (name, after) = after.split_once('}')?;
        let value = arguments.get(name).filter(|value| !value.is_null())?;
        filled.push_str(before);
        match value.as_str() {
            Some(text) => filled.push_str(text),
            None => filled.push_str(&value.to_string()),
        }
        rest = after;
    }
    filled.push_str(rest);
    Some(filled)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn lock_has_the_arguments_in_it_and_without_them_there_is_none() {
        let filled = |given: Value| {
            let arguments = given.as_object().cloned().unwrap_or_default();
            filled_in("volsync:{namespace}/{app}", &arguments)
        };
        let plex = json!({"namespace": "media", "app": "plex"});
        assert_eq!(filled(plex).as_deref(), Some("volsync:media/plex"));
        // What an argument holds is no placeholder.
        let odd = json!({"namespace": "{app}", "app": "plex"});
        assert_eq!(filled(odd).as_deref(), Some("volsync:{app}/plex"));
        assert_eq!(filled(json!({"namespace": "media"})), None);
        assert_eq!(filled(json!({"namespace": "media", "app": null})), None);
    }
}
