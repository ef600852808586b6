//! Calls of other plugins' operations on objects: one call for each object. Pure.

use agent_sdk::operations::Call;
use agent_sdk::prelude::*;

/// Returns a call of the operation for each target, in order. `kind` is what Flux calls the kind of the targets.
pub(crate) fn each<'a>(
    operation: &str,
    targets: impl IntoIterator<Item = &'a ObjectRef>,
    kind: Option<&str>,
) -> Vec<Call> {
    let call = |target: &ObjectRef| {
        let mut arguments = json!({"namespace": target.namespace, "name": target.name});
        if let Some(kind) = kind {
            arguments["kind"] = kind.into();
        }
        Call::new(operation, arguments)
    };
    targets.into_iter().map(call).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_object_is_named_in_a_call_of_its_own() {
        let target = |name: &str| ObjectRef::new(kinds::KUSTOMIZATION, "media", name);
        let calls = each(
            "flux.suspend",
            &[target("plex"), target("sonarr")],
            Some("ks"),
        );
        let call = |name: &str| {
            let arguments = json!({"kind": "ks", "namespace": "media", "name": name});
            Call::new("flux.suspend", arguments)
        };
        assert_eq!(calls, [call("plex"), call("sonarr")]);
        let calls = each("keda.pause", &[target("plex")], None);
        assert_eq!(
            calls[0].arguments,
            json!({"namespace": "media", "name": "plex"})
        );
    }
}
