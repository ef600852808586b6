//! Writing: each wants an [`WritePass`], and is a dry-run when the intent says so.

use agent_core::failure::{Failure, Kind};
use agent_core::object::{ObjectRef, ObjectType};
use agent_gate::WritePass;
use serde_json::{Value, json};

use super::read::complete;
use super::request::{self, Wanted};
use super::{ClusterClient, WriteError, context};
use crate::cluster::failure::budget::BUDGET;
use crate::cluster::{FIELD_MANAGER, MARKER, convert};

/// A body and how it is to be understood.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Body<'a> {
    /// A JSON merge patch.
    Merge(&'a Value),
    /// The operations of a JSON patch.
    Operations(&'a Value),
    /// A manifest for server-side apply.
    Apply {
        manifest: &'a Value,
        force: bool,
        /// The field manager.
        manager: &'a str,
    },
}

/// How an object is removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Removal {
    /// What becomes of what it owns, as the API writes it.
    pub(crate) propagation: &'static str,
    /// How long a pod has to end; none: as it says itself.
    pub(crate) grace_seconds: Option<u32>,
}

impl Removal {
    /// What it owns is removed once it is gone, and its pods end as they say themselves.
    pub(crate) const BACKGROUND: Removal = Removal {
        propagation: "Background",
        grace_seconds: None,
    };

    /// Returns it as the API takes it. With a uid, another object of the same name stays.
    fn options(self, intent: &WritePass, uid: Option<&str>) -> Value {
        let mut options = json!({
            "apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": self.propagation,
        });
        if let Some(seconds) = self.grace_seconds {
            options["gracePeriodSeconds"] = seconds.into();
        }
        if let Some(uid) = uid {
            options["preconditions"] = json!({"uid": uid});
        }
        if intent.dry_run() {
            options["dryRun"] = json!(["All"]);
        }
        options
    }
}

impl ClusterClient {
    /// Makes an object. When an earlier attempt was carried out although its answer was lost, that object is returned.
    pub(crate) async fn create(
        &self,
        intent: &WritePass,
        target: &ObjectRef,
        manifest: &Value,
        manager: &str,
    ) -> Result<Value, WriteError> {
        let context = context("create", target);
        let pairs = self.write_query(
            intent,
            &[("fieldManager", manager), ("fieldValidation", "Strict")],
        );
        let sent = self
            .send(&context, intent.retry_policy(), |of| {
                let path = request::path(of, target.namespace.as_deref(), None) + &pairs;
                request::body(
                    json_request(http::Request::post(path), "application/json"),
                    Wanted::Whole,
                    marked(manifest, of, intent),
                )
            })
            .await;
        match sent {
            Ok(object) => Ok(object),
            Err(lost) if lost.uncertain && lost.failure.code == "cluster.already-exists" => {
                self.made_by(intent, target, lost).await
            }
            Err(refused) => Err(refused),
        }
    }

    async fn made_by(
        &self,
        intent: &WritePass,
        target: &ObjectRef,
        lost: WriteError,
    ) -> Result<Value, WriteError> {
        let object = self.look(intent, target).await?;
        if is_marked(&object, intent.marker()) {
            Ok(object)
        } else {
            Err(WriteError {
                uncertain: false,
                ..lost
            })
        }
    }

    /// Reads an object in the course of a write.
    pub(crate) async fn look(
        &self,
        intent: &WritePass,
        target: &ObjectRef,
    ) -> Result<Value, WriteError> {
        let mut value = self
            .send(&context("get", target), intent.retry_policy(), |of| {
                let path = request::object(of, target);
                request::body(http::Request::get(path), Wanted::Whole, Vec::new())
            })
            .await?;
        complete(&target.of, &mut value);
        Ok(value)
    }

    /// Sets fields of an object.
    pub(crate) async fn patch(
        &self,
        intent: &WritePass,
        target: &ObjectRef,
        body: Body<'_>,
        wanted: Wanted,
    ) -> Result<Value, WriteError> {
        let (content, document, verb) = match body {
            Body::Merge(patch) => ("application/merge-patch+json", patch, "patch"),
            Body::Operations(patch) => ("application/json-patch+json", patch, "patch"),
            Body::Apply { manifest, .. } => ("application/apply-patch+yaml", manifest, "apply"),
        };
        let force = matches!(body, Body::Apply { force: true, .. });
        let manager = match body {
            Body::Apply { manager, .. } => manager,
            Body::Merge(_) | Body::Operations(_) => FIELD_MANAGER,
        };
        let mut pairs = vec![("fieldManager", manager), ("fieldValidation", "Strict")];
        if force {
            pairs.push(("force", "true"));
        }
        let pairs = self.write_query(intent, &pairs);
        let doing = context(verb, target);
        let spoken = match target.of.subresource {
            Some(_) => {
                self.must_serve(&target.of, intent.retry_policy())
                    .await?
                    .spoken
            }
            None => None,
        };
        let mut value = self
            .send(&doing, intent.retry_policy(), |of| {
                let path = request::object(of, target) + &pairs;
                let document = match body {
                    Body::Merge(_) | Body::Operations(_) => document.to_string().into_bytes(),
                    Body::Apply { .. } => {
                        let version = spoken.clone().unwrap_or_else(|| of.api_version());
                        versioned(document.clone(), version)
                            .to_string()
                            .into_bytes()
                    }
                };
                request::body(
                    json_request(http::Request::patch(path), content),
                    wanted,
                    document,
                )
            })
            .await?;
        complete(&target.of, &mut value);
        Ok(value)
    }

    /// Removes an object. One that is gone already is a success.
    pub(crate) async fn delete(
        &self,
        intent: &WritePass,
        target: &ObjectRef,
        uid: Option<&str>,
        how: Removal,
    ) -> Result<(), WriteError> {
        let options = how.options(intent, uid);
        let sent = self
            .send(&context("delete", target), intent.retry_policy(), |of| {
                let path = request::path(of, target.namespace.as_deref(), Some(&target.name));
                let options = options.to_string().into_bytes();
                request::body(
                    json_request(http::Request::delete(path), "application/json"),
                    Wanted::Whole,
                    options,
                )
            })
            .await;
        match sent {
            Err(refused) if !is_gone(&refused) => Err(refused),
            _ => Ok(()),
        }
    }

    /// Moves a pod away, as far as its disruption budgets allow it. One that is gone already is a success.
    pub(crate) async fn evict(
        &self,
        intent: &WritePass,
        target: &ObjectRef,
        uid: Option<&str>,
        how: Removal,
    ) -> Result<(), WriteError> {
        // Not by kube: it writes the options under another name than the API server reads.
        let eviction = json!({
            "apiVersion": "policy/v1", "kind": "Eviction",
            "metadata": {"name": target.name, "namespace": target.namespace},
            "deleteOptions": how.options(intent, uid),
        });
        let pairs = self.write_query(intent, &[]);
        let sent = self
            .send(&context("evict", target), intent.retry_policy(), |of| {
                let path = request::object(of, target) + "/eviction" + &pairs;
                let eviction = eviction.to_string().into_bytes();
                request::body(
                    json_request(http::Request::post(path), "application/json"),
                    Wanted::Whole,
                    eviction,
                )
            })
            .await;
        match sent {
            // It is still there then, whatever became of an attempt before.
            Err(refused) if refused.failure.code == BUDGET => Err(WriteError {
                uncertain: false,
                ..refused
            }),
            Err(refused) if !is_gone(&refused) => Err(refused),
            _ => Ok(()),
        }
    }

    fn write_query(&self, intent: &WritePass, pairs: &[(&str, &str)]) -> String {
        let mut pairs = pairs.to_vec();
        if intent.dry_run() {
            pairs.push(("dryRun", "All"));
        }
        request::query(&pairs)
    }
}

/// Returns whether a removal was refused because what it was for is not there any more. Where the answer to an attempt was lost, so is what has been
/// replaced since.
fn is_gone(refused: &WriteError) -> bool {
    let failure = &refused.failure;
    failure.kind == Kind::NotFound || refused.uncertain && failure.code == "cluster.conflict"
}

/// Returns whether an object was made by the effect with that marker.
pub(crate) fn is_marked(object: &Value, marker: &str) -> bool {
    object
        .pointer("/metadata/annotations")
        .and_then(|annotations| annotations.get(MARKER))
        .is_some_and(|found| found == marker)
}

fn marked(manifest: &Value, of: &ObjectType, intent: &WritePass) -> Vec<u8> {
    let mut manifest = versioned(manifest.clone(), of.api_version());
    // What is only tried is no effect.
    if intent.marker().is_empty() {
        return manifest.to_string().into_bytes();
    }
    let path = format!("/metadata/annotations/{}", MARKER.replace('/', "~1"));
    crate::cluster::fields::set(&mut manifest, &path, Value::from(intent.marker()));
    manifest.to_string().into_bytes()
}

/// Writes the version that the server serves into a manifest.
fn versioned(mut manifest: Value, version: String) -> Value {
    manifest["apiVersion"] = Value::from(version);
    manifest
}

pub(super) fn json_request(
    builder: http::request::Builder,
    content: &'static str,
) -> http::request::Builder {
    builder.header(http::header::CONTENT_TYPE, content)
}

/// Returns the target that a manifest names.
///
/// # Errors
/// `invalid` when it has no name.
pub(crate) fn target_of(of: &ObjectType, manifest: &Value) -> Result<ObjectRef, Failure> {
    let at = |pointer: &str| {
        manifest
            .pointer(pointer)
            .and_then(Value::as_str)
            .map(str::to_owned)
    };
    let name = at("/metadata/name").ok_or_else(|| {
        Failure::new(Kind::Invalid, "cluster.invalid", format!("a manifest of `{}` has no `metadata.name`", of.noun()))
            .hinted("name the object; the host does not generate names, because a name made twice would be two objects")
    })?;
    Ok(ObjectRef {
        of: of.clone(),
        namespace: at("/metadata/namespace").map(convert::name).transpose()?,
        name: convert::name(name)?,
    })
}
