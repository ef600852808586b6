//! How an object goes: at once, or marked and kept until somebody is done with it.

use serde_json::{Value, json};

use crate::object;
use crate::request::Request;
use crate::resource::Resource;
use crate::status::ApiError;

const FOREGROUND: &str = "foregroundDeletion";
const ORPHAN: &str = "orphan";

/// What happens to dependents.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Propagation {
    Background,
    Foreground,
    Orphan,
}

/// `DeleteOptions`.
#[derive(Debug, Default)]
pub(crate) struct Options {
    grace: Option<i64>,
    propagation: Option<Propagation>,
    uid: Option<String>,
    revision: Option<String>,
    pub(crate) dry_run: bool,
}

impl Options {
    /// From the body and, where it is silent, the query.
    pub(crate) fn parse(request: &Request) -> Result<Self, ApiError> {
        Self::read(&request.options()?, request)
    }

    /// From an Eviction's `deleteOptions`.
    pub(crate) fn of_eviction(options: &Value, request: &Request) -> Result<Self, ApiError> {
        Self::read(options, request)
    }

    fn read(body: &Value, request: &Request) -> Result<Self, ApiError> {
        let grace = body["gracePeriodSeconds"]
            .as_i64()
            .or_else(|| request.query.get("gracePeriodSeconds")?.parse().ok());
        let named = body["propagationPolicy"]
            .as_str()
            .or_else(|| request.query.get("propagationPolicy"));
        let orphan = body["orphanDependents"].as_bool().or_else(|| {
            request
                .query
                .get("orphanDependents")
                .map(|text| text == "true")
        });
        let propagation = match (named, orphan) {
            (Some("Background"), _) | (None, Some(false)) => Some(Propagation::Background),
            (Some("Foreground"), _) => Some(Propagation::Foreground),
            (Some("Orphan"), _) | (None, Some(true)) => Some(Propagation::Orphan),
            (None, None) => None,
            (Some(other), _) => {
                return Err(ApiError::bad_request(format!(
                    "DeleteOptions.meta.k8s.io \"\" is invalid: propagationPolicy: Unsupported value: \"{other}\": supported values: \"Background\", \"Foreground\", \"Orphan\""
                )));
            }
        };
        let own = |value: &Value| value.as_str().map(str::to_owned);
        let dry_run = request.is_dry_run()? || object::strings(&body["dryRun"]).contains(&"All");
        let preconditions = &body["preconditions"];
        Ok(Self {
            grace,
            propagation,
            uid: own(&preconditions["uid"]),
            revision: own(&preconditions["resourceVersion"]),
            dry_run,
        })
    }

    /// For the server's own deletions: in the background, and at once where `now` is set.
    pub(crate) fn background(now: bool) -> Self {
        Self {
            grace: now.then_some(0),
            propagation: Some(Propagation::Background),
            ..Self::default()
        }
    }

    /// Refuses where the object is not the one that was meant.
    pub(crate) fn check(&self, resource: &Resource, object: &Value) -> Result<(), ApiError> {
        let name = object::name(object);
        let differs =
            |wanted: &Option<String>, found: &str| wanted.clone().filter(|wanted| wanted != found);
        let uid = object::uid(object);
        if let Some(wanted) = differs(&self.uid, uid) {
            let why = format!(
                "the UID in the precondition ({wanted}) does not match the UID in record ({uid}). The object might have been deleted and then recreated"
            );
            return Err(ApiError::precondition(resource, name, &why));
        }
        let revision = object::metadata(object, "resourceVersion");
        if let Some(wanted) = differs(&self.revision, revision) {
            let why = format!(
                "the ResourceVersion in the precondition ({wanted}) does not match the ResourceVersion in record ({revision}). The object might have been modified"
            );
            return Err(ApiError::precondition(resource, name, &why));
        }
        Ok(())
    }
}

/// What a deletion does to the object now.
pub(crate) enum Deletion {
    Now,
    /// The object stays, in this state.
    Later(Value),
    AlreadyUnderWay,
}

/// Decides how `object` goes.
pub(crate) fn begin(resource: &Resource, object: &Value, options: &Options) -> Deletion {
    let mut value = object.clone();
    let grace = grace(resource, object, options);
    let finalizer = match propagation(resource, options) {
        Propagation::Background => None,
        Propagation::Foreground => Some(FOREGROUND),
        Propagation::Orphan => Some(ORPHAN),
    };
    if let Some(finalizer) =
        finalizer.filter(|finalizer| !object::finalizers(object).contains(finalizer))
    {
        let list = &mut value["metadata"]["finalizers"];
        if !list.is_array() {
            *list = json!([]);
        }
        list.as_array_mut()
            .into_iter()
            .for_each(|list| list.push(json!(finalizer)));
    }
    let waits = !object::finalizers(&value).is_empty() || resource.is("", "namespaces");
    if !waits && grace == 0 {
        return Deletion::Now;
    }
    if object::is_terminating(object) {
        let shorter = object["metadata"]["deletionGracePeriodSeconds"]
            .as_i64()
            .is_some_and(|current| grace < current);
        return if shorter {
            Deletion::Later(mark(resource, value, grace))
        } else {
            Deletion::AlreadyUnderWay
        };
    }
    Deletion::Later(mark(resource, value, grace))
}

fn mark(resource: &Resource, mut value: Value, grace: i64) -> Value {
    let at = jiff::Timestamp::now() + jiff::SignedDuration::from_secs(grace);
    object::set_metadata(
        &mut value,
        "deletionTimestamp",
        json!(at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()),
    );
    object::set_metadata(&mut value, "deletionGracePeriodSeconds", json!(grace));
    if resource.is("", "namespaces") {
        value["status"]["phase"] = json!("Terminating");
    }
    if super::has_generation(resource)
        && let Some(generation) = value["metadata"]["generation"].as_i64()
    {
        object::set_metadata(&mut value, "generation", json!(generation + 1));
    }
    value
}

/// Only pods take time to stop, and only those that a node may be running.
fn grace(resource: &Resource, object: &Value, options: &Options) -> i64 {
    let finished = matches!(
        object["status"]["phase"].as_str(),
        Some("Succeeded" | "Failed")
    );
    if !resource.is("", "pods")
        || finished
        || object["spec"]["nodeName"]
            .as_str()
            .unwrap_or_default()
            .is_empty()
    {
        return 0;
    }
    options
        .grace
        .or_else(|| object["spec"]["terminationGracePeriodSeconds"].as_i64())
        .unwrap_or(30)
        .max(0)
}

/// A Job that is deleted without saying how leaves its pods behind: so does the real server, for old clients' sake.
fn propagation(resource: &Resource, options: &Options) -> Propagation {
    let old_default = if resource.is("batch", "jobs") {
        Propagation::Orphan
    } else {
        Propagation::Background
    };
    options.propagation.unwrap_or(old_default)
}

/// Whether an object that is on its way out has nothing left to wait for.
pub(crate) fn may_go(resource: &Resource, value: &Value) -> bool {
    let finalizers = object::finalizers(value).is_empty();
    if resource.is("", "namespaces") {
        return finalizers && object::strings(&value["spec"]["finalizers"]).is_empty();
    }
    let grace = value["metadata"]["deletionGracePeriodSeconds"]
        .as_i64()
        .unwrap_or(0);
    finalizers && grace == 0
}
