//! Creating many objects at once, as an ordinary API client.
//!
//! Definitions are created first and awaited, then namespaces, then the rest with sixteen requests at a time. What exists
//! already is left as it is. Statuses are not written.

use std::time::Duration;

use anyhow::{Context, Result};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use kube::api::{Api, DynamicObject, PostParams};
use kube::discovery::{Discovery, Scope};
use kube::{Client, ResourceExt as _};
use serde_json::Value;

use crate::wait;

const AT_ONCE: usize = 16;
const PATIENCE: Duration = Duration::from_secs(20);

/// Creates the objects, in any order of kinds.
///
/// # Errors
/// A kind that the server does not serve, or an object that it refuses; the object is named.
pub async fn load(client: &Client, objects: &[Value]) -> Result<()> {
    let kind = |object: &&Value| object["kind"].as_str().unwrap_or_default().to_owned();
    let (definitions, rest): (Vec<_>, Vec<_>) = objects
        .iter()
        .partition(|object| kind(object) == "CustomResourceDefinition");
    let (namespaces, rest): (Vec<_>, Vec<_>) = rest
        .into_iter()
        .partition(|object| kind(object) == "Namespace");
    let server = discover(client).await?;
    create_all(client, &server, &definitions).await?;
    established(client, &definitions).await?;
    create_all(client, &server, &namespaces).await?;
    if rest.is_empty() {
        return Ok(());
    }
    create_all(client, &discover(client).await?, &rest).await
}

async fn discover(client: &Client) -> Result<Discovery> {
    let discovery = Discovery::new(client.clone());
    discovery
        .run_aggregated()
        .await
        .context("asking which kinds are served")
}

async fn create_all(client: &Client, server: &Discovery, objects: &[&Value]) -> Result<()> {
    stream::iter(objects.iter().copied())
        .map(|object| create(client, server, object))
        .buffer_unordered(AT_ONCE)
        .try_collect()
        .await
}

async fn create(client: &Client, server: &Discovery, object: &Value) -> Result<()> {
    let object: DynamicObject =
        serde_json::from_value(object.clone()).context("reading an object to create")?;
    let place = format!(
        "{}/{}",
        object.namespace().unwrap_or_default(),
        object.name_any()
    );
    let types = object.types.as_ref().context("reading an object's kind")?;
    let kind = types
        .try_into()
        .with_context(|| format!("reading the kind of `{place}`"))?;
    let (resource, capabilities) = server.resolve_gvk(&kind).with_context(|| {
        format!(
            "creating {} `{place}`: the server has no such kind",
            kind.kind
        )
    })?;
    let api: Api<DynamicObject> = match capabilities.scope {
        Scope::Cluster => Api::all_with(client.clone(), &resource),
        Scope::Namespaced => {
            let namespace = object.namespace().unwrap_or_else(|| "default".into());
            Api::namespaced_with(client.clone(), &namespace, &resource)
        }
    };
    match api.create(&PostParams::default(), &object).await {
        Err(kube::Error::Api(status)) if status.is_already_exists() => Ok(()),
        result => result
            .map(drop)
            .with_context(|| format!("creating {} `{place}`", kind.kind)),
    }
}

async fn established(client: &Client, definitions: &[&Value]) -> Result<()> {
    use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
    let api: Api<CustomResourceDefinition> = Api::all(client.clone());
    let names: Vec<_> = definitions
        .iter()
        .filter_map(|definition| definition["metadata"]["name"].as_str())
        .collect();
    wait::until("definitions", PATIENCE, || async {
        let present = match api.list(&kube::api::ListParams::default()).await {
            Ok(list) => list,
            Err(err) => return Some(err.to_string()),
        };
        let ready = |name: &&str| {
            present
                .iter()
                .any(|definition| definition.name_any() == *name && is_established(definition))
        };
        let waiting = names.iter().find(|name| !ready(name));
        waiting.map(|name| format!("`{name}` is not established"))
    })
    .await
}

fn is_established(
    definition: &k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition,
) -> bool {
    definition
        .status
        .as_ref()
        .and_then(|status| status.conditions.as_ref())
        .is_some_and(|conditions| {
            conditions
                .iter()
                .any(|condition| condition.type_ == "Established" && condition.status == "True")
        })
}
