//! Between the WIT's words and ours.

use agent_core::failure::{Failure, Kind};
use agent_core::hint::Remedy;
use agent_core::object::{ObjectRef, ObjectType};
use serde_json::Value;

use super::change::Change;
use super::client::{LogQuery, Query};
use crate::bindings::ops::cluster::cluster as wit;
use crate::bindings::ops::types::types::{Error, ErrorKind};

impl From<Failure> for Error {
    fn from(failure: Failure) -> Error {
        Error {
            kind: failure.kind.into(),
            code: failure.code,
            message: failure.message,
            hint: failure.hint.map(String::from),
            causes: failure.causes,
            retry_after_ms: failure.retry_after_ms,
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
            retry_after_ms: error.retry_after_ms,
        }
    }
}

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
    NotFound,
    Conflict,
    Invalid,
    Unavailable,
    Timeout,
    Cancelled,
    Exhausted,
    Unsupported,
    Internal
);

pub(super) fn object_type(text: &str) -> Result<ObjectType, Failure> {
    text.parse()
        .map_err(|error| Failure::of(Kind::Invalid, "cluster.invalid", &error))
}

pub(crate) fn object_ref(target: wit::ObjectRef) -> Result<ObjectRef, Failure> {
    Ok(ObjectRef {
        of: object_type(&target.of)?,
        namespace: target.namespace.map(name).transpose()?,
        name: name(target.name)?,
    })
}

pub(super) fn query(query: wit::Query) -> Result<Query, Failure> {
    Ok(Query {
        of: object_type(&query.of)?,
        namespace: query.namespace.map(name).transpose()?,
        labels: query.labels,
        fields: query.fields,
    })
}

pub(super) fn log_query(query: wit::LogQuery) -> Result<LogQuery, Failure> {
    Ok(LogQuery {
        namespace: name(query.namespace)?,
        pod: name(query.pod)?,
        container: query.container,
        tail_lines: query.tail_lines,
    })
}

/// Refuses what is no single segment of a path: a guest's words must not reach another object than the one that is checked.
pub(super) fn name(name: String) -> Result<String, Failure> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:".contains(&byte);
    let dots = name == "." || name == "..";
    if !name.is_empty() && !dots && name.len() <= 253 && name.bytes().all(plain) {
        return Ok(name);
    }
    let message = format!(
        "`{}` cannot be the name of an object",
        name.escape_default()
    );
    Err(Failure::new(Kind::Invalid, "cluster.invalid", message))
}

pub(super) fn change(change: wit::Change) -> Result<Change, Failure> {
    Ok(match change {
        wit::Change::Create(wit::Creation { of, manifest }) => Change::Create {
            of: object_type(&of)?,
            manifest: document("manifest", &manifest)?,
        },
        wit::Change::Patch(wit::Patch { target, body }) => Change::Patch {
            target: object_ref(target)?,
            body: document("patch", &body)?,
        },
        wit::Change::Signal(wit::Patch { target, body }) => Change::Signal {
            target: object_ref(target)?,
            body: document("patch", &body)?,
        },
        wit::Change::Apply(wit::Application {
            of,
            manifest,
            force,
        }) => Change::Apply {
            of: object_type(&of)?,
            manifest: document("manifest", &manifest)?,
            force,
        },
        wit::Change::Delete(wit::Deletion {
            target,
            uid,
            propagation,
        }) => Change::Delete {
            target: object_ref(target)?,
            uid,
            propagation: propagation_policy(propagation),
        },
    })
}

fn propagation_policy(propagation: wit::Propagation) -> &'static str {
    match propagation {
        wit::Propagation::Background => "Background",
        wit::Propagation::Foreground => "Foreground",
        wit::Propagation::Orphan => "Orphan",
    }
}

/// Reads a JSON object that a guest wrote.
fn document(what: &str, text: &str) -> Result<Value, Failure> {
    let document: Value = serde_json::from_str(text).map_err(|error| {
        Failure::of(Kind::Invalid, "cluster.invalid", &error)
            .while_doing(format!("the plugin's {what} is no JSON"))
    })?;
    if document.is_object() {
        return Ok(document);
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
            };
            assert!(super::query(query).is_err(), "{wrong}");
        }
        for right in ["plex", "system:node:m01", "a.b-c"] {
            assert!(name(right.to_owned()).is_ok(), "{right}");
        }
    }
}
