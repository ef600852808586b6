//! What is said of a plugin or an operation that is not there, and of a right that nobody asks for.

use agent_core::failure::{Failure, Kind};
use agent_core::grant::Right;
use agent_core::hint;
use agent_core::hint::Names;
use agent_core::id::{Digest, OperationName, PluginId};
use agent_core::suggest;

use super::Found;

pub(super) fn no_artifact(operation: &OperationName, digest: &Digest) -> Failure {
    let message = format!(
        "the plugin that `{operation}` was run from is not there any more: no artifact has the digest {digest}"
    );
    Failure::new(Kind::NotFound, "store.no-artifact", message)
        .hinted("give it with --plugin FILE, or take the run back with agent undo")
}

pub(super) fn other_plugin(operation: &OperationName, found: &Found) -> Failure {
    let message = format!(
        "`{operation}` is not of plugin `{}`, whose artifact has the digest {}",
        found.manifest.id, found.digest
    );
    Failure::new(Kind::Invalid, "store.other-plugin", message)
}

pub(super) fn other_artifact(plugin: &PluginId, found: &Digest, wanted: &Digest) -> Failure {
    let message = format!(
        "plugin `{plugin}` is another one by now: its digest is {found}, and the grant is for {wanted}"
    );
    Failure::new(Kind::Conflict, "plugin.other-artifact", message).hinted(hint!(
        "look at what is there now: agent plugin inspect {}",
        plugin
    ))
}

pub(super) fn unknown_operation(operation: &OperationName, found: &Found) -> Failure {
    let known = found
        .descriptor
        .operations
        .iter()
        .map(|it| it.name.as_str());
    let message = format!(
        "plugin `{}` has no operation `{}`",
        operation.plugin(),
        operation.operation()
    );
    let sentence = suggest::sentence(operation.operation(), known);
    Failure::new(Kind::NotFound, "operations.unknown", message)
        .hinted(sentence.unwrap_or_else(|| "agent list".into()))
}

pub(super) fn not_requested(plugin: &PluginId, right: &Right, requested: &[Right]) -> Failure {
    let hint = if requested.is_empty() {
        hint!("it requests nothing; see agent plugin inspect {}", plugin)
    } else {
        hint!("it requests {}", Names(requested.to_vec()))
    };
    Failure::new(
        Kind::Invalid,
        "plugin.not-requested",
        format!(
            "plugin `{plugin}` does not request `{right}`, so granting it would change nothing"
        ),
    )
    .hinted(hint)
}
