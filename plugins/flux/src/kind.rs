//! The kinds of objects that Flux keeps, by the short words that people type.

use agent_sdk::prelude::*;

/// A kind that operations are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Choice)]
pub(crate) enum Flux {
    Ks,
    Hr,
    Git,
    Oci,
    HelmRepo,
}

impl Flux {
    pub(crate) const ALL: [Flux; 5] = [Flux::Ks, Flux::Hr, Flux::Git, Flux::Oci, Flux::HelmRepo];

    pub(crate) fn object_type(self) -> ObjectType {
        match self {
            Flux::Ks => kinds::KUSTOMIZATION,
            Flux::Hr => kinds::HELM_RELEASE,
            Flux::Git => kinds::GIT_REPOSITORY,
            Flux::Oci => kinds::OCI_REPOSITORY,
            Flux::HelmRepo => kinds::HELM_REPOSITORY,
        }
    }
}

/// Returns the word for a type, or its plural when people do not type it.
pub(crate) fn word(of: ObjectType) -> &'static str {
    Flux::ALL
        .into_iter()
        .find(|kind| kind.object_type() == of)
        .map_or(of.plural(), Choice::as_str)
}

/// Returns the type of a source by the `kind` in a `sourceRef` or `chartRef`; none for kinds that cannot be asked to reconcile.
pub(crate) fn source_type(kind: &str) -> Option<ObjectType> {
    match kind {
        "GitRepository" => Some(kinds::GIT_REPOSITORY),
        "OCIRepository" => Some(kinds::OCI_REPOSITORY),
        "HelmRepository" => Some(kinds::HELM_REPOSITORY),
        "Bucket" => Some(kinds::BUCKET),
        "HelmChart" => Some(kinds::HELM_CHART),
        _ => None,
    }
}

/// Returns the command line for an operation on an object, without `agent run`; `None` for objects that people cannot name.
pub(crate) fn command(operation: &str, target: &ObjectRef) -> Option<String> {
    let kind = Flux::ALL
        .into_iter()
        .find(|kind| kind.object_type() == target.of)?;
    let namespace = target.namespace.as_deref()?;
    Some(format!(
        "agent run flux.{operation} {} {namespace} {}",
        kind.as_str(),
        target.name
    ))
}

/// Returns whether an object is a Helm repository that is nothing but an address: it has no status and no controller acts on it.
pub(crate) fn is_static(of: ObjectType, object: &Object) -> bool {
    of == kinds::HELM_REPOSITORY && object.text("/spec/type") == Some("oci")
}
