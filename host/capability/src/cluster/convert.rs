//! Between the WIT's words and ours.

use std::collections::BTreeSet;

use agent_core::failure::{Failure, Kind};
use agent_core::hint;
use agent_core::hint::Remedy;
use agent_core::limits::{DOCUMENT, TEXT};
use agent_core::name::ThingName;
use agent_core::object::{ObjectRef, ObjectType};
use agent_core::text::cut;
use serde_json::Value;

use super::change::{Change, Edit};
use super::client::{LogQuery, Query, Removal};
use super::projection::Projection;
use crate::bindings::ops::cluster::cluster as wit;
use crate::bindings::ops::types::types::{Error, ErrorKind};
use crate::cluster::FIELD_MANAGER;

impl From<Failure> for Error {
    fn from(failure: Failure) -> Error {
        Error {
            kind: failure.kind.into(),
            code: failure.code,
            message: failure.message,
            hint: failure.hint.map(String::from),
            causes: failure.causes,
            retry_after_ms: failure.retry_after_ms.map(u64::from),
            details: failure
                .details
                .map(|details| Value::Object(*details).to_string()),
        }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Failure {
        Failure {
            kind: error.kind.into(),
            code: error.code,
            message: error.message,
            hint: error.hint.as_deref().map(Remedy::of_stranger),
            causes: error.causes,
            retry_after_ms: error
                .retry_after_ms
                .map(|ms| u32::try_from(ms).unwrap_or(u32::MAX)),
            // Whatever is no object is nobody's.
            details: error
                .details
                .and_then(|text| serde_json::from_str(&text).ok()),
        }
        .bounded()
    }
}

/// How long the name of an object, of a part of one, or a uid is at most.
const NAME: usize = 253;
/// How many names a query has at most.
const NAMES: usize = 1_000;
/// How many pointers a projection has at most, and how long they are together.
const POINTERS: usize = 256;
const ALL_POINTERS: usize = 16 << 10;

macro_rules! kinds {
    ($($case:ident),*) => {
        impl From<Kind> for ErrorKind {
            fn from(kind: Kind) -> ErrorKind {
                match kind { $(Kind::$case => ErrorKind::$case),* }
            }
        }

        impl From<ErrorKind> for Kind {
            fn from(kind: ErrorKind) -> Kind {
                match kind { $(ErrorKind::$case => Kind::$case),* }
            }
        }
    };
}

kinds!(
    Denied,
    Declined,
    NotFound,
    Conflict,
    Invalid,
    Failed,
    Uncertain,
    Unavailable,
    Timeout,
    Cancelled,
    Exhausted,
    Unsupported,
    Internal
);

pub(super) fn object_type(of: &str) -> Result<ObjectType, Failure> {
    text("type", of, NAME)?;
    of.parse()
        .map_err(|error| Failure::of(Kind::Invalid, "cluster.invalid", &error))
}

/// Reads the type of what is no part of an object.
fn whole_type(of: &str) -> Result<ObjectType, Failure> {
    let of = object_type(of)?;
    if of.subresource.is_none() {
        return Ok(of);
    }
    let message = format!(
        "`{of}` is a subresource: `get` reads it, `patch` and `apply` change it, and it can be neither listed, watched, signalled, made nor removed"
    );
    let failure = Failure::new(Kind::Invalid, "cluster.invalid", message);
    Err(failure.hinted(hint!("the objects themselves are {}", of.whole())))
}

/// Reads what names an object, or a subresource of one.
pub(super) fn part_ref(target: wit::ObjectRef) -> Result<ObjectRef, Failure> {
    let of = object_type(&target.of)?;
    of_type(of, target)
}

/// Reads what names an object.
pub(crate) fn object_ref(target: wit::ObjectRef) -> Result<ObjectRef, Failure> {
    let of = whole_type(&target.of)?;
    of_type(of, target)
}

fn of_type(of: ObjectType, target: wit::ObjectRef) -> Result<ObjectRef, Failure> {
    Ok(ObjectRef {
        of,
        namespace: target.namespace.map(name).transpose()?,
        name: name(target.name)?,
    })
}

pub(super) fn query(query: wit::Query) -> Result<Query, Failure> {
    text("label selector", &query.labels, TEXT)?;
    text("field selector", &query.fields, TEXT)?;
    if query.names.len() > NAMES {
        let message = format!("the plugin's query has more than {NAMES} names");
        return Err(Failure::new(Kind::Invalid, "cluster.invalid", message));
    }
    let names: Result<BTreeSet<String>, Failure> = query.names.into_iter().map(name).collect();
    Ok(Query {
        of: whole_type(&query.of)?,
        namespace: query.namespace.map(name).transpose()?,
        labels: query.labels,
        fields: query.fields,
        names: names?.into_iter().collect(),
    })
}

pub(super) fn log_query(query: wit::LogQuery) -> Result<LogQuery, Failure> {
    text(
        "container",
        query.container.as_deref().unwrap_or_default(),
        NAME,
    )?;
    Ok(LogQuery {
        namespace: name(query.namespace)?,
        pod: name(query.pod)?,
        container: query.container,
        previous: query.previous,
        tail_lines: query.tail_lines,
        since_seconds: query.since_seconds,
        timestamps: query.timestamps,
    })
}

/// Refuses a text that is longer than anything it can mean: it would be recorded, and told to people.
fn text(what: &str, text: &str, most: usize) -> Result<(), Failure> {
    if text.len() <= most {
        return Ok(());
    }
    let message = format!("the plugin's {what} is longer than {most} bytes");
    Err(Failure::new(Kind::Invalid, "cluster.invalid", message))
}

/// Reads which fields are wanted.
pub(super) fn projection(pointers: Vec<String>) -> Result<Projection, Failure> {
    let bytes: usize = pointers.iter().map(String::len).sum();
    if pointers.len() <= POINTERS && bytes <= ALL_POINTERS {
        return Ok(Projection::new(pointers));
    }
    let message =
        format!("a projection has at most {POINTERS} pointers, of {ALL_POINTERS} bytes together");
    Err(Failure::new(Kind::Invalid, "cluster.invalid", message))
}

/// Returns the document of a change, as the guest wrote it, unless it is longer than any API server takes.
pub(super) fn written(change: &wit::Change) -> Result<&str, Failure> {
    let document: &str = match change {
        wit::Change::Create(creation) => &creation.manifest,
        wit::Change::Patch(patch) | wit::Change::Signal(patch) => &patch.body,
        wit::Change::Apply(application) => &application.manifest,
        wit::Change::Delete(_) | wit::Change::Evict(_) => "",
    };
    text("document", document, DOCUMENT)?;
    Ok(document)
}

/// Refuses what is no single segment of a path: a guest's words must not reach another object than the one that is checked.
pub(super) fn name(name: String) -> Result<String, Failure> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:".contains(&byte);
    let dots = name == "." || name == "..";
    if !name.is_empty() && !dots && name.len() <= NAME && name.bytes().all(plain) {
        return Ok(name);
    }
    let message = format!(
        "`{}` cannot be the name of an object",
        cut(&name, NAME).escape_default()
    );
    Err(Failure::new(Kind::Invalid, "cluster.invalid", message))
}

/// Reads a field manager; none for the agent's own.
fn field_manager(name: String) -> Result<Option<ThingName>, Failure> {
    // As long as the API server takes it: `validateFieldManager` of k8s.io/apimachinery, pkg/apis/meta/v1/validation.
    const LONGEST: usize = 128;
    if name == FIELD_MANAGER {
        return Ok(None);
    }
    let manager = name
        .parse()
        .map_err(|error| Failure::of(Kind::Invalid, "cluster.invalid", &error));
    if name.len() > LONGEST {
        let message = format!("the name of a field manager has at most {LONGEST} bytes");
        return Err(Failure::new(Kind::Invalid, "cluster.invalid", message));
    }
    manager.map(Some)
}

pub(super) fn change(change: wit::Change) -> Result<Change, Failure> {
    Ok(match change {
        wit::Change::Create(wit::Creation { of, manifest }) => Change::Create {
            of: whole_type(&of)?,
            manifest: document("manifest", &manifest)?,
        },
        wit::Change::Patch(wit::Patch { target, body }) => Change::Patch {
            target: part_ref(target)?,
            body: patch(&body)?,
        },
        wit::Change::Signal(wit::Patch { target, body }) => Change::Signal {
            target: object_ref(target)?,
            body: document("patch", &body)?,
        },
        wit::Change::Apply(wit::Application {
            of,
            manifest,
            force,
            manager,
        }) => Change::Apply {
            of: object_type(&of)?,
            manifest: document("manifest", &manifest)?,
            force,
            manager: manager.map(field_manager).transpose()?.flatten(),
        },
        wit::Change::Delete(wit::Deletion {
            target,
            uid,
            propagation,
            grace_seconds,
        }) => {
            text("uid", uid.as_deref().unwrap_or_default(), NAME)?;
            Change::Delete {
                target: object_ref(target)?,
                uid,
                how: Removal {
                    propagation: propagation_policy(propagation),
                    grace_seconds,
                },
            }
        }
        wit::Change::Evict(wit::Eviction {
            namespace,
            pod,
            uid,
            grace_seconds,
        }) => {
            text("uid", uid.as_deref().unwrap_or_default(), NAME)?;
            Change::Evict {
                target: ObjectRef {
                    of: object_type("pods.v1")?,
                    namespace: Some(name(namespace)?),
                    name: name(pod)?,
                },
                uid,
                how: Removal {
                    grace_seconds,
                    ..Removal::BACKGROUND
                },
            }
        }
    })
}

fn propagation_policy(propagation: wit::Propagation) -> &'static str {
    match propagation {
        wit::Propagation::Background => "Background",
        wit::Propagation::Foreground => "Foreground",
        wit::Propagation::Orphan => "Orphan",
    }
}

/// Reads what is to be patched: an object is a merge patch, and an array a JSON patch.
fn patch(json: &str) -> Result<Value, Failure> {
    let body = parsed("patch", json)?;
    match body.is_array() {
        true => Edit::read(&body).map(drop)?,
        false => is_object("patch", &body)?,
    }
    Ok(body)
}

/// Reads a JSON object that a guest wrote.
fn document(what: &str, json: &str) -> Result<Value, Failure> {
    let document = parsed(what, json)?;
    is_object(what, &document)?;
    Ok(document)
}

fn parsed(what: &str, json: &str) -> Result<Value, Failure> {
    serde_json::from_str(json).map_err(|error| {
        Failure::of(Kind::Invalid, "cluster.invalid", &error)
            .while_doing(format!("the plugin's {what} is no JSON"))
    })
}

fn is_object(what: &str, document: &Value) -> Result<(), Failure> {
    if document.is_object() {
        return Ok(());
    }
    Err(Failure::new(
        Kind::Invalid,
        "cluster.invalid",
        format!("the plugin's {what} is no JSON object"),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_that_is_too_long_is_refused_in_few_words() {
        let long = "x".repeat(5 << 20);
        let query = |of: &str, labels: &str, fields: &str| {
            super::query(wit::Query {
                of: of.to_owned(),
                namespace: None,
                labels: labels.to_owned(),
                fields: fields.to_owned(),
                names: Vec::new(),
            })
            .map(drop)
        };
        let log = wit::LogQuery {
            namespace: "a".to_owned(),
            pod: "b".to_owned(),
            container: Some(long.clone()),
            previous: false,
            tail_lines: None,
            since_seconds: None,
            timestamps: false,
        };
        let target = wit::ObjectRef {
            of: "pods.v1".to_owned(),
            namespace: None,
            name: "a".to_owned(),
        };
        let deletion = |uid: &str| wit::Deletion {
            target: target.clone(),
            uid: Some(uid.to_owned()),
            propagation: wit::Propagation::Background,
            grace_seconds: None,
        };
        let creation = |manifest: String| wit::Creation {
            of: "pods.v1".to_owned(),
            manifest,
        };
        let change = |change| super::change(change).map(drop);
        for refused in [
            query(&long, "", ""),
            query("pods.v1", &long, ""),
            query("pods.v1", "", &long),
            name(long.clone()).map(drop),
            log_query(log).map(drop),
            projection(vec![long.clone()]).map(drop),
            projection(vec![String::new(); 1000]).map(drop),
            change(wit::Change::Delete(deletion(&long))),
            written(&wit::Change::Create(creation(long.clone()))).map(drop),
        ] {
            let failure = refused.expect_err("refused");
            assert_eq!(failure.code, "cluster.invalid");
            assert!(failure.message.len() < 1000, "{}", failure.message.len());
        }
        assert!(query("pods.v1", "app=plex", "").is_ok());
        assert!(change(wit::Change::Delete(deletion("x"))).is_ok());
    }

    #[test]
    fn subresource_is_read_and_changed_and_nothing_else() {
        let scale = "deployments.v1.apps/scale";
        let target = |of: &str| wit::ObjectRef {
            of: of.to_owned(),
            namespace: Some("media".to_owned()),
            name: "plex".to_owned(),
        };
        let patch = |of: &str| wit::Patch {
            target: target(of),
            body: "{}".to_owned(),
        };
        let creation = wit::Creation {
            of: scale.to_owned(),
            manifest: r#"{"metadata":{"name":"plex"}}"#.to_owned(),
        };
        let deletion = wit::Deletion {
            target: target(scale),
            uid: None,
            propagation: wit::Propagation::Background,
            grace_seconds: None,
        };
        let query = wit::Query {
            of: scale.to_owned(),
            namespace: None,
            labels: String::new(),
            fields: String::new(),
            names: Vec::new(),
        };
        for refused in [
            super::query(query).map(drop),
            change(wit::Change::Create(creation)).map(drop),
            change(wit::Change::Signal(patch(scale))).map(drop),
            change(wit::Change::Delete(deletion)).map(drop),
            object_ref(target(scale)).map(drop),
        ] {
            let failure = refused.expect_err("refused");
            assert!(failure.message.contains("is a subresource"), "{failure:?}");
            let hint = failure.hint.expect("a hint");
            assert!(hint.ends_with("deployments.v1.apps"), "{hint:?}");
        }
        assert!(part_ref(target(scale)).is_ok());
        assert!(change(wit::Change::Patch(patch(scale))).is_ok());
        for action in ["pods.v1/exec", "serviceaccounts.v1/token", "nodes.v1/proxy"] {
            assert!(part_ref(target(action)).is_err(), "{action}");
            assert!(
                change(wit::Change::Patch(patch(action))).is_err(),
                "{action}"
            );
        }
    }

    #[test]
    fn a_name_cannot_lead_elsewhere() {
        let wrong = [
            "../secrets/x",
            "a/b",
            "",
            ".",
            "..",
            "a?b",
            "a b",
            "a%2fb",
            "kube-system/secrets?x=",
        ];
        for wrong in wrong {
            assert!(name(wrong.to_owned()).is_err(), "{wrong}");
            let of = "pods.v1".to_owned();
            let query = wit::Query {
                of,
                namespace: Some(wrong.to_owned()),
                labels: String::new(),
                fields: String::new(),
                names: Vec::new(),
            };
            assert!(super::query(query).is_err(), "{wrong}");
            let query = wit::Query {
                of: "pods.v1".to_owned(),
                namespace: None,
                labels: String::new(),
                fields: String::new(),
                names: vec!["plex".to_owned(), wrong.to_owned()],
            };
            assert!(super::query(query).is_err(), "{wrong}");
        }
        for right in ["plex", "system:node:m01", "a.b-c"] {
            assert!(name(right.to_owned()).is_ok(), "{right}");
        }
    }
}
