//! `flux.sync`: ask Flux to reconcile, and do not wait.
//!
//! One object costs exactly one request, many cost one list of names and a request each, for this is what people run in loops.

use agent_sdk::prelude::*;

use crate::kind;
use crate::report::{self, Done};
use crate::request::requested_at;
use crate::select::arguments;

arguments!(Sync {});

/// Ask Flux to reconcile an object, without waiting.
///
/// Only the request is written. `flux.reconcile` waits for what becomes of it.
#[operation(
    risk = "change",
    columns(kind, namespace, name, result, message),
    constraints(exactly_one(name, selector, all), requires(name, namespace)),
    examples("flux.sync ks media plex", "flux.sync git --all")
)]
pub(crate) fn sync(args: Sync) -> Result<Outcome> {
    let scope = args.scope();
    let targets = scope.names()?;
    let token = run::token();
    let changes: Vec<Change> = targets
        .iter()
        .map(|target| Change::signal(target, requested_at(&token)))
        .collect();
    let of = scope.kind.object_type();
    let results = cluster::commit(&changes, &["/spec/suspend", "/spec/type"])
        .into_iter()
        .map(|result| result.map(|written| done(of, &written.object)))
        .zip(&targets)
        .map(|(result, target)| result.map_err(|error| named(error, target)))
        .collect();
    report::outcome(scope.one().is_some(), &targets, results)
}

/// Reads what does not exist, for that error names the nearest ones that do. Only whoever misspelt a name pays for it.
fn named(error: Error, target: &ObjectRef) -> Error {
    if error.kind() != Kind::NotFound {
        return error;
    }
    let read = cluster::get(target, &["/metadata/name"]);
    read.err()
        .filter(|read| read.kind() == Kind::NotFound)
        .unwrap_or(error)
}

/// Says so when nobody will act on the request; the answer to the patch tells, so it costs nothing to know.
fn done(of: ObjectType, object: &Object) -> Done {
    let message = if object.flag("/spec/suspend") {
        "suspended: Flux ignores the request until it is resumed"
    } else if kind::is_static(of, object) {
        "static: an OCI Helm repository is only an address, nothing reconciles it"
    } else {
        ""
    };
    Done::new("requested", message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn request_that_a_suspended_object_will_ignore_is_told() {
        let object = Object(json!({ "spec": { "suspend": true } }));
        assert!(
            done(kinds::KUSTOMIZATION, &object)
                .message
                .starts_with("suspended")
        );
        assert_eq!(done(kinds::KUSTOMIZATION, &Object::default()).message, "");
    }
}
