//! Changes, and changes for a time.

use serde_json::Value;

use crate::bindings::ops::cluster::cluster as wit;
use crate::{ObjectRef, ObjectType};

pub use crate::bindings::ops::cluster::cluster::Propagation;

/// One change of the cluster, written under the field manager `agent`.
#[derive(Clone, Debug, PartialEq)]
pub struct Change(wit::Change);

impl Change {
    /// Makes an object. The manifest names it and has `apiVersion` and `kind`.
    pub fn create(of: ObjectType, manifest: Value) -> Change {
        Change(wit::Change::Create(wit::Creation {
            of: of.as_str().to_owned(),
            manifest: manifest.to_string(),
        }))
    }

    /// Sets fields by a JSON merge patch: only the fields that are to change, `null` to remove one. An array is a JSON Patch (RFC 6902): for items of
    /// lists, and with a `test` for what must hold. With `metadata.resourceVersion` in it, it is refused with `conflict` when the object has changed
    /// since.
    pub fn patch(target: &ObjectRef, body: Value) -> Change {
        Change(wit::Change::Patch(patch(target, &body)))
    }

    /// Sets fields, by a merge patch, that only ask a controller to act, such as an annotation with a token. Costs no read; undo leaves it alone. Which fields those are
    /// stands in `fields` of a request for `signal` in `plugin.toml`. An annotation that does not stand there is patched; anything else is `invalid`.
    pub fn signal(target: &ObjectRef, body: Value) -> Change {
        Change(wit::Change::Signal(patch(target, &body)))
    }

    /// Applies a manifest server-side. A field that another manager owns is a `conflict`.
    pub fn apply(of: ObjectType, manifest: Value) -> Change {
        Change::application(of, &manifest, false)
    }

    /// Applies a manifest server-side and takes fields over from other managers.
    pub fn apply_forced(of: ObjectType, manifest: Value) -> Change {
        Change::application(of, &manifest, true)
    }

    /// Has a manifest applied as another field manager than the agent: what that one has applied before and the manifest does not have goes. That is a right of its own,
    /// which `managers` of a request asks for. Of any other change this changes nothing.
    #[must_use]
    pub fn as_manager(mut self, manager: &str) -> Change {
        if let wit::Change::Apply(application) = &mut self.0 {
            application.manager = Some(manager.to_owned());
        }
        self
    }

    /// Removes an object, in the background what it owns as well. One that is gone already is a success.
    pub fn delete(target: &ObjectRef) -> Change {
        Change::delete_with(target, None, Propagation::Background)
    }

    /// Removes an object, only when it has that uid.
    pub fn delete_with(target: &ObjectRef, uid: Option<&str>, propagation: Propagation) -> Change {
        Change(wit::Change::Delete(wit::Deletion {
            target: target.to_wit(),
            uid: uid.map(str::to_owned),
            propagation,
            grace_seconds: None,
        }))
    }

    /// Moves a pod away, as far as its disruption budgets allow it: a refusal is a `conflict` (`cluster.disruption-budget`) that says when to try
    /// again. One that is gone already is a success.
    pub fn evict(namespace: &str, pod: &str) -> Change {
        Change::evict_with(namespace, pod, None, None)
    }

    /// Moves a pod away, only when it has that uid, and with so many seconds to end.
    pub fn evict_with(
        namespace: &str,
        pod: &str,
        uid: Option<&str>,
        grace_seconds: Option<u32>,
    ) -> Change {
        Change(wit::Change::Evict(wit::Eviction {
            namespace: namespace.to_owned(),
            pod: pod.to_owned(),
            uid: uid.map(str::to_owned),
            grace_seconds,
        }))
    }

    fn application(of: ObjectType, manifest: &Value, force: bool) -> Change {
        Change(wit::Change::Apply(wit::Application {
            of: of.as_str().to_owned(),
            manifest: manifest.to_string(),
            force,
            manager: None,
        }))
    }
}

fn patch(target: &ObjectRef, body: &Value) -> wit::Patch {
    wit::Patch {
        target: target.to_wit(),
        body: body.to_string(),
    }
}

pub(super) fn to_wit(changes: &[Change]) -> Vec<wit::Change> {
    changes.iter().map(|change| change.0.clone()).collect()
}
