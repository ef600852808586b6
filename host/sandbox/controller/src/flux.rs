//! Flux: sources, Kustomizations and HelmReleases, as its controllers of 2.9 answer.
//!
//! There is no git and no chart here. What a Kustomization would apply is what its inventory held when the controllers first saw
//! it; what a release would install is the replica counts in its values. That is enough for every question of who wins.

mod applied;
mod attempt;
mod handshake;
pub(crate) mod kustomization;
pub(crate) mod release;
pub(crate) mod source;
mod upgrade;

use crate::kind::Kind;
use crate::object::Object;
use serde_json::Value;

pub(crate) use applied::Applied;
pub(crate) use attempt::Attempts;

/// What each of Flux's controllers keeps its objects by until it has acted.
const FINALIZER: &str = "finalizers.fluxcd.io";

/// Whether a Kustomization or HelmRelease is made from this source.
pub(crate) fn uses(dependent: &Object, kind: Kind, source: &Object) -> bool {
    source_of(dependent).is_some_and(|(wanted, space, name)| {
        wanted == kind && space == source.namespace() && name == source.name()
    })
}

/// Kind, namespace and name of what an object is made from.
fn source_of(object: &Object) -> Option<(Kind, String, String)> {
    if object.kind() == "HelmRelease" && object["spec"]["chart"]["spec"].is_object() {
        let space = &object["spec"]["chart"]["spec"]["sourceRef"]["namespace"];
        let space = space.as_str().unwrap_or(object.namespace());
        return Some((
            Kind::HelmChart,
            space.to_owned(),
            format!("{}-{}", object.namespace(), object.name()),
        ));
    }
    let reference = if object.kind() == "HelmRelease" {
        &object["spec"]["chartRef"]
    } else {
        &object["spec"]["sourceRef"]
    };
    let text = |field: &str| reference[field].as_str();
    let kind = Kind::named(text("kind")?)?;
    Some((
        kind,
        text("namespace").unwrap_or(object.namespace()).to_owned(),
        text("name")?.to_owned(),
    ))
}

/// The revision of a source's artifact.
fn revision(source: &Object) -> Option<&str> {
    source["status"]["artifact"]["revision"].as_str()
}

/// The Flux conditions with this one, which tells of the present generation.
fn with(
    object: &Object,
    conditions: &[Value],
    kind: &str,
    status: &str,
    reason: &str,
    message: &str,
) -> Vec<Value> {
    let mut new = crate::object::condition(kind, status, reason, message);
    new["observedGeneration"] = object["metadata"]["generation"].clone();
    crate::object::with_condition(conditions, new)
}
