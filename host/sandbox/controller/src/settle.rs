//! Writing statuses as if their controllers had: how a real API server, which takes no status on create, gets a settled cluster.

use crate::kind::Kind;
use crate::object::Object;
use crate::options::Options;
use crate::world::World;
use futures::{StreamExt, TryStreamExt, stream};
use serde_json::{Value, json};

/// Why a cluster could not be settled.
#[derive(Debug, thiserror::Error)]
#[error("writing the status of {kind} `{namespace}/{name}`")]
pub struct SettleError {
    kind: String,
    namespace: String,
    name: String,
    source: crate::world::Error,
}

const KINDS: [Kind; 8] = [
    Kind::OciRepository,
    Kind::HelmRepository,
    Kind::HelmChart,
    Kind::HelmRelease,
    Kind::ReplicationSource,
    Kind::ReplicationDestination,
    Kind::ScaledObject,
    Kind::CronJob,
];

/// Writes the statuses of those of these objects that the controllers of this crate would otherwise begin with: without one a
/// ReplicationSource backs up and a ReplicationDestination restores at once. Objects that do not exist are left out. Do this
/// before [`crate::Controllers::start`].
///
/// # Errors
/// A status that the server refuses.
pub async fn settle(client: &kube::Client, objects: &[Value]) -> Result<(), SettleError> {
    let world = World::new(client.clone(), Options::sandbox());
    let wanted = objects
        .iter()
        .filter(|object| object["status"].is_object())
        .filter_map(|object| {
            let kind = Kind::named(object["kind"].as_str()?)?;
            KINDS
                .contains(&kind)
                .then(|| (kind, Object(object.clone())))
        });
    stream::iter(wanted)
        .map(|(kind, object)| write(&world, kind, object))
        .buffer_unordered(16)
        .try_collect()
        .await
}

async fn write(world: &World, kind: Kind, object: Object) -> Result<(), SettleError> {
    let mut status = object["status"].clone();
    if object["status"]["observedGeneration"].is_number() {
        let now = world.get(kind, object.namespace(), object.name()).await;
        status["observedGeneration"] = match now {
            Ok(Some(now)) => json!(now.generation()),
            _ => json!(1),
        };
        if kind == Kind::HelmRelease {
            status["lastAttemptedGeneration"] = status["observedGeneration"].clone();
        }
    }
    let anything = Object(
        json!({"kind": kind.name(), "metadata": {"name": object.name(), "namespace": object.namespace()}}),
    );
    match world.patch_status(&anything, "settle", status).await {
        Ok(_) => Ok(()),
        Err(source) => Err(SettleError {
            kind: kind.name().to_owned(),
            namespace: object.namespace().to_owned(),
            name: object.name().to_owned(),
            source,
        }),
    }
}
