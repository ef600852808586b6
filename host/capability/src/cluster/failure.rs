//! What the API server's answers mean to a guest and to a person.

use agent_core::failure::{Failure, Kind};
use agent_core::hint;
use agent_core::object::{ObjectRef, ObjectType};
use kube::core::Status;

use super::cause::Cause;
use super::client::{ANSWER_LOST, root};
use super::reply::Fault;

pub(crate) mod budget;
mod details;
mod refused;
mod unreachable;

/// The code of a failure that means: what was asked for is of a state that the server has forgotten.
pub(crate) const EXPIRED: &str = "cluster.expired";

/// What a Go server answers to whoever speaks plain HTTP to it where it speaks TLS.
const HTTP_TO_TLS: &str = "Client sent an HTTP request to an HTTPS server.";

/// Returns what a guest is told in place of a failure that is about the connection and who uses it; none when it is about something else.
pub(crate) fn without_details(failure: &Failure) -> Option<&'static str> {
    match failure.code.as_str() {
        "cluster.no-kubeconfig" => Some("there is no way to the cluster"),
        "cluster.unreachable" => Some("the cluster cannot be reached"),
        ANSWER_LOST => Some("the answer of the cluster was lost"),
        "cluster.no-kubernetes" => Some("what answers is no Kubernetes API server"),
        "cluster.unauthorized" => Some("the cluster does not accept the credentials"),
        _ => None,
    }
}

/// What was being done, for messages.
#[derive(Clone, Debug)]
pub(crate) struct RequestContext {
    /// Such as `get` or `patch`.
    pub(crate) verb: &'static str,
    pub(crate) of: ObjectType,
    pub(crate) namespace: Option<String>,
    pub(crate) name: Option<String>,
}

impl RequestContext {
    fn absent(&self) -> String {
        let plural = self.of.noun();
        match (&self.namespace, &self.name) {
            (Some(namespace), Some(name)) => {
                format!("`{namespace}/{name}` is not among the {plural}")
            }
            (None, Some(name)) => format!("`{name}` is not among the {plural}"),
            _ => format!("there are no {}", self.object()),
        }
    }

    fn object(&self) -> String {
        let plural = self.of.noun();
        match (&self.namespace, &self.name) {
            (Some(namespace), Some(name)) => format!("{plural} {namespace}/{name}"),
            (None, Some(name)) => format!("{plural} {name}"),
            (Some(namespace), None) => format!("{plural} in namespace `{namespace}`"),
            (None, None) => plural,
        }
    }
}

/// Turns a fault into a failure. `server` is the URL that was asked.
pub(crate) fn of(fault: &Fault, context: &RequestContext, server: &str) -> Failure {
    match fault {
        Fault::Status {
            status,
            retry_after,
        } => {
            let mut failure = of_status(status, context, server);
            let asked = retry_after.and_then(|wait| u32::try_from(wait.as_millis()).ok());
            failure.retry_after_ms = asked.or(failure.retry_after_ms);
            failure
        }
        Fault::Connection { chain, cause, .. } => unreachable::of(server, cause, chain),
        Fault::Silence => unreachable::of(
            server,
            &Cause::Silent,
            &["it accepted the request and gave no answer".to_owned()],
        ),
        Fault::TooLarge => Failure::new(
            Kind::Exhausted,
            "cluster.too-large",
            format!("{} is more than one host call may return", context.object()),
        )
        .hinted("ask for fewer fields or fewer objects"),
        Fault::Nonsense { what } => Failure::new(
            Kind::Unavailable,
            "cluster.no-kubernetes",
            format!("`{server}` did not answer like a Kubernetes API server"),
        )
        .because(what),
    }
}

fn of_status(status: &Status, context: &RequestContext, server: &str) -> Failure {
    let known = refused::terminating(status, context).or_else(|| budget::of(status, context));
    if let Some(failure) = known {
        return failure;
    }
    let object = context.object();
    let say = |kind, code: &str, message: String| {
        Failure::new(kind, code, message).because(words(status))
    };
    match status.code {
        401 => say(
            Kind::Denied,
            "cluster.unauthorized",
            format!("the API server at {server} does not accept the credentials"),
        )
        .hinted(
            "renew the kubeconfig's token or certificate; `kubectl auth whoami` tells who you are",
        ),
        403 => refused::of(status, context, server),
        404 if is_no_such_type(status) => no_such_type(&context.of),
        404 if missing_namespace(status, context) => say(
            Kind::NotFound,
            "cluster.not-found",
            format!(
                "there is no namespace `{}`",
                context.namespace.as_deref().unwrap_or_default()
            ),
        ),
        404 => Failure::new(Kind::NotFound, "cluster.not-found", context.absent()),
        // The text of the API server's storage, which gives no other reason.
        409 if status.message.starts_with("object is being deleted") => Failure::new(
            Kind::Conflict,
            "cluster.already-exists",
            format!("{object} is being removed and not gone yet"),
        ),
        409 if status.reason == "AlreadyExists" => Failure::new(
            Kind::Conflict,
            "cluster.already-exists",
            format!("{object} exists already"),
        ),
        409 if status.message.starts_with("Apply failed") => say(
            Kind::Conflict,
            "cluster.owned",
            format!("other managers own fields of {object}"),
        )
        .detailed(details::owners(status)),
        // A quota counts what is made.
        409 if is_of_quota(status) => say(
            Kind::Conflict,
            "cluster.conflict",
            format!("a quota changed while {object} was made"),
        ),
        409 => say(
            Kind::Conflict,
            "cluster.conflict",
            format!("somebody else changed {object}"),
        ),
        410 => say(
            Kind::Conflict,
            EXPIRED,
            format!("the API server no longer has that version of {object}"),
        ),
        400 if status.reason.is_empty() && status.message == HTTP_TO_TLS => say(
            Kind::Unavailable,
            "cluster.unreachable",
            format!("the API server at {server} wants TLS"),
        )
        .hinted("write `https://` into the kubeconfig's `server`"),
        400 | 405 | 406 | 413 | 415 | 422 => {
            let message = format!("the API server refuses to {} {object}", context.verb);
            say(Kind::Invalid, "cluster.invalid", message)
                .detailed(details::fields(status))
                .hinted_if(refused::admission(&status.message, context))
        }
        429 | 500..=599 => say(
            Kind::Unavailable,
            "cluster.overloaded",
            format!("the API server could not {} {object} now", context.verb),
        ),
        code => say(
            Kind::Internal,
            "cluster.unexpected",
            format!(
                "the API server answered {code} to {} {object}",
                context.verb
            ),
        ),
    }
}

/// Makes the failure of an object that is not there.
pub(crate) fn absent(target: &ObjectRef) -> Failure {
    let context = RequestContext {
        verb: "get",
        of: target.of.clone(),
        namespace: target.namespace.clone(),
        name: Some(target.name.clone()),
    };
    Failure::new(Kind::NotFound, "cluster.not-found", context.absent())
}

/// Makes the failure of a type that the server does not serve.
pub(crate) fn no_such_type(of: &ObjectType) -> Failure {
    let message = format!("the API server does not serve `{}`", of.resource());
    let failure = Failure::new(Kind::Unsupported, "cluster.no-such-resource", message);
    if of.subresource.is_some() {
        return failure.hinted(hint!(
            "kubectl get --raw {} says what there is, and only what has the verbs `get` and `patch` is an object",
            root(of)
        ));
    }
    failure.hinted(match of.is_built_in() {
        true => hint!("kubectl api-resources --api-group={}", of.group),
        false => hint!(
            "install its custom resource definition; what is there: kubectl api-resources --api-group={}",
            of.group
        ),
    })
}

/// A path that the server does not serve has no details of an object.
pub(crate) fn is_no_such_type(status: &Status) -> bool {
    status.code == 404
        && status
            .details
            .as_ref()
            .is_none_or(|details| details.name.is_empty())
}

/// Returns whether somebody else used the same quota in the same moment, which the server gives up over after some attempts.
pub(super) fn is_of_quota(status: &Status) -> bool {
    let details = status.details.as_ref();
    status.code == 409 && details.is_some_and(|details| details.kind == "resourcequotas")
}

fn missing_namespace(status: &Status, context: &RequestContext) -> bool {
    context.namespace.is_some()
        && status
            .details
            .as_ref()
            .is_some_and(|details| details.kind == "namespaces")
}

fn words(status: &Status) -> String {
    if status.message.is_empty() {
        format!("HTTP {}", status.code)
    } else {
        status.message.clone()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn failure(status: serde_json::Value) -> Failure {
        let context = RequestContext {
            verb: "create",
            of: "pods.v1".parse().expect("a type"),
            namespace: Some("media".to_owned()),
            name: Some("x".to_owned()),
        };
        let status: Status = serde_json::from_value(status).expect("a status");
        of_status(&status, &context, "http://nas.example:6443")
    }

    #[test]
    fn plain_text_to_a_server_that_speaks_tls_is_told() {
        let told = failure(json!({"code": 400, "message": HTTP_TO_TLS}));
        assert_eq!(
            (told.kind, told.code.as_str()),
            (Kind::Unavailable, "cluster.unreachable")
        );
        assert!(told.hint.is_some_and(|hint| hint.contains("https://")));
    }

    #[test]
    fn conflicts_are_told_apart_by_what_changed() {
        let details = |kind: &str| json!({"name": "q", "kind": kind});
        let busy =
            "Operation cannot be fulfilled on resourcequotas \"q\": the object has been modified";
        for (status, code, said) in [
            (
                json!({"code": 409, "reason": "Conflict", "message": busy, "details": details("resourcequotas")}),
                "cluster.conflict",
                "a quota changed",
            ),
            (
                json!({"code": 409, "reason": "Conflict", "message": "modified", "details": details("pods")}),
                "cluster.conflict",
                "somebody else changed pods media/x",
            ),
            (
                json!({"code": 409, "reason": "AlreadyExists", "message": "object is being deleted: pods \"x\" already exists"}),
                "cluster.already-exists",
                "not gone yet",
            ),
            (
                json!({"code": 409, "reason": "AlreadyExists", "message": "pods \"x\" already exists"}),
                "cluster.already-exists",
                "exists already",
            ),
        ] {
            let failure = failure(status);
            assert_eq!(failure.code, code);
            assert!(failure.message.contains(said), "{failure:?}");
        }
    }

    #[test]
    fn type_of_kubernetes_itself_has_no_definition_to_install() {
        let hint = |of: &str| {
            no_such_type(&of.parse().expect("a type"))
                .hint
                .expect("a hint")
        };
        assert_eq!(
            hint("cronjobs.v1.batch"),
            "kubectl api-resources --api-group=batch"
        );
        assert!(hint("helmreleases.v2.helm.toolkit.fluxcd.io").starts_with("install its"));
    }
}
