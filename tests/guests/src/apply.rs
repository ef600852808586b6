//! Guests that apply manifests.

use agent_sdk::NoArgs;
use agent_sdk::prelude::*;

fn apply(data: Value) -> Result<Value> {
    let manifest = json!({
        "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": "applied", "namespace": "default" },
        "data": data,
    });
    let applied = cluster::commit_one(Change::apply(kinds::CONFIG_MAP, manifest), &["/data"])?;
    Ok(applied.object.at("/data").clone())
}

/// Behave well: apply a manifest with two fields.
#[operation(risk = "change")]
pub(crate) fn apply_more(_args: NoArgs) -> Result<Value> {
    apply(json!({ "kind": "more", "extra": "there" }))
}

/// Behave well: apply the manifest without the second field, which removes it.
#[operation(risk = "change")]
pub(crate) fn apply_less(_args: NoArgs) -> Result<Value> {
    apply(json!({ "kind": "less" }))
}
