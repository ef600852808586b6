//! What the API server's answers mean to a guest and to a person.

use agent_core::failure::{Failure, Kind};
use agent_core::object::{ObjectRef, ObjectType};
use kube::core::Status;

use super::reply::Fault;

/// What was being done, for messages.
#[derive(Clone, Debug)]
pub(crate) struct Deed {
    /// Such as `get` or `patch`.
    pub(crate) verb: &'static str,
    pub(crate) of: ObjectType,
    pub(crate) namespace: Option<String>,
    pub(crate) name: Option<String>,
}

impl Deed {
    fn absent(&self) -> String {
        let plural = &self.of.plural;
        match (&self.namespace, &self.name) {
            (Some(namespace), Some(name)) => {
                format!("`{namespace}/{name}` is not among the {plural}")
            }
            (None, Some(name)) => format!("`{name}` is not among the {plural}"),
            _ => format!("there are no {}", self.object()),
        }
    }

    fn object(&self) -> String {
        let plural = &self.of.plural;
        match (&self.namespace, &self.name) {
            (Some(namespace), Some(name)) => format!("{plural} {namespace}/{name}"),
            (None, Some(name)) => format!("{plural} {name}"),
            (Some(namespace), None) => format!("{plural} in namespace `{namespace}`"),
            (None, None) => plural.clone(),
        }
    }
}

/// Turns a fault into a failure. `server` is the URL that was asked.
pub(crate) fn of(fault: &Fault, deed: &Deed, server: &str) -> Failure {
    match fault {
        Fault::Status {
            status,
            retry_after,
        } => {
            let mut failure = of_status(status, deed, server);
            failure.retry_after_ms =
                retry_after.and_then(|wait| u64::try_from(wait.as_millis()).ok());
            failure
        }
        Fault::Connection { chain, .. } => {
            let certificate = chain.iter().any(|cause| cause.contains("certificate"));
            let failure = unreachable(
                server,
                if certificate {
                    "the kubeconfig's certificate-authority-data is not that of this API server: fetch the kubeconfig again"
                } else {
                    "check --kubeconfig and --context, and that the API server runs"
                },
            );
            chain
                .iter()
                .fold(failure, |failure, cause| failure.because(cause))
        }
        Fault::Silence => unreachable(server, "check the API server's health")
            .because("it accepted the request and gave no answer"),
        Fault::TooLarge => Failure::new(
            Kind::Exhausted,
            "cluster.too-large",
            format!("{} is more than one host call may return", deed.object()),
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

fn unreachable(server: &str, hint: &str) -> Failure {
    Failure::new(
        Kind::Unavailable,
        "cluster.unreachable",
        format!("the API server at {server} cannot be reached"),
    )
    .hinted(hint)
}

fn of_status(status: &Status, deed: &Deed, server: &str) -> Failure {
    let object = deed.object();
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
        403 => say(
            Kind::Denied,
            "cluster.forbidden",
            format!("the cluster does not allow to {} {object}", deed.verb),
        )
        .hinted(can_i(deed)),
        404 if is_no_such_type(status) => no_such_type(&deed.of),
        404 if missing_namespace(status, deed) => say(
            Kind::NotFound,
            "cluster.not-found",
            format!(
                "there is no namespace `{}`",
                deed.namespace.as_deref().unwrap_or_default()
            ),
        ),
        404 => Failure::new(Kind::NotFound, "cluster.not-found", deed.absent()),
        409 if status.reason == "AlreadyExists" => Failure::new(
            Kind::Conflict,
            "cluster.already-exists",
            format!("{object} exists already"),
        ),
        409 if status.message.starts_with("Apply failed") => say(
            Kind::Conflict,
            "cluster.owned",
            format!("other managers own fields of {object}"),
        ),
        409 => say(
            Kind::Conflict,
            "cluster.conflict",
            format!("somebody else changed {object}"),
        ),
        410 => say(
            Kind::Conflict,
            "cluster.expired",
            format!("the API server no longer has that version of {object}"),
        ),
        400 | 405 | 406 | 413 | 415 | 422 => say(
            Kind::Invalid,
            "cluster.invalid",
            format!("the API server refuses to {} {object}", deed.verb),
        ),
        429 | 500..=599 => say(
            Kind::Unavailable,
            "cluster.overloaded",
            format!("the API server could not {} {object} now", deed.verb),
        ),
        code => say(
            Kind::Internal,
            "cluster.unexpected",
            format!("the API server answered {code} to {} {object}", deed.verb),
        ),
    }
}

/// Makes the failure of an object that is not there.
pub(crate) fn absent(target: &ObjectRef) -> Failure {
    let deed = Deed {
        verb: "get",
        of: target.of.clone(),
        namespace: target.namespace.clone(),
        name: Some(target.name.clone()),
    };
    Failure::new(Kind::NotFound, "cluster.not-found", deed.absent())
}

/// Makes the failure of a type that the server does not serve.
pub(crate) fn no_such_type(of: &ObjectType) -> Failure {
    Failure::new(Kind::Unsupported, "cluster.no-such-resource", format!("the API server does not serve `{}`", of.resource()))
        .hinted(format!("install its custom resource definition; `kubectl api-resources --api-group={}` lists what is there", of.group))
}

/// A path that the server does not serve has no details of an object.
pub(crate) fn is_no_such_type(status: &Status) -> bool {
    status.code == 404
        && status
            .details
            .as_ref()
            .is_none_or(|details| details.name.is_empty())
}

fn missing_namespace(status: &Status, deed: &Deed) -> bool {
    deed.namespace.is_some()
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

fn can_i(deed: &Deed) -> String {
    let place = deed.namespace.as_ref().map_or_else(
        || "--all-namespaces".to_owned(),
        |namespace| format!("-n {namespace}"),
    );
    let of = deed.of.resource();
    let (verb, of) = match deed.verb {
        "read the log of" => ("get", format!("{of}/log")),
        // Server-side apply is a patch to the access control.
        "apply" => ("patch", of),
        verb => (verb, of),
    };
    format!("kubectl auth can-i {verb} {of} {place}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hint_is_a_command_that_kubectl_knows() {
        let hint = |verb, of: &str, namespace: Option<&str>| {
            can_i(&Deed {
                verb,
                of: of.parse().expect("a type"),
                namespace: namespace.map(str::to_owned),
                name: None,
            })
        };
        for (verb, of, namespace, wanted) in [
            ("list", "pods.v1", None, "list pods --all-namespaces"),
            (
                "read the log of",
                "pods.v1",
                Some("media"),
                "get pods/log -n media",
            ),
            (
                "apply",
                "deployments.v1.apps",
                Some("media"),
                "patch deployments.apps -n media",
            ),
        ] {
            assert_eq!(
                hint(verb, of, namespace),
                format!("kubectl auth can-i {wanted}")
            );
        }
    }
}
