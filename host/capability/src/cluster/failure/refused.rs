//! What is said when the API server refuses: by its access control, or by something that looks at what is asked, such as a quota or a policy.
//! Both answer 403 with the reason `Forbidden`, and the one tells itself from the other by its text alone.

use agent_core::failure::{Failure, Kind};
use agent_core::hint;
use agent_core::hint::{Piece, Remedy};
use kube::core::Status;

use super::{RequestContext, words};

/// Returns the failure of an answer 403.
pub(super) fn of(status: &Status, context: &RequestContext, server: &str) -> Failure {
    let text = &status.message;
    if text.contains("User \"system:anonymous\" cannot ") {
        let message = format!("the API server at {server} was sent no credentials");
        return Failure::new(Kind::Denied, "cluster.unauthorized", message)
            .because(words(status))
            .hinted("the user of the kubeconfig has none, or its context names no user: `kubectl config view --minify` shows which user it is");
    }
    let message = format!(
        "the cluster does not allow to {} {}",
        context.verb,
        context.object()
    );
    let failure = Failure::new(Kind::Denied, "cluster.forbidden", message).because(words(status));
    let hint = match is_access_control(text) {
        true => Some(can_i(context)),
        false => admission(text, context),
    };
    failure.hinted_if(hint)
}

/// Returns the failure of something new in a namespace that is on its way out, if that is it.
pub(super) fn terminating(status: &Status, context: &RequestContext) -> Option<Failure> {
    let causes = &status.details.as_ref()?.causes;
    if !causes
        .iter()
        .any(|cause| cause.reason == "NamespaceTerminating")
    {
        return None;
    }
    let namespace = context.namespace.as_deref().unwrap_or_default();
    let message = match context.verb {
        "evict" => format!("namespace `{namespace}` is being removed, and its pods with it"),
        _ => format!("namespace `{namespace}` is being removed, so nothing new can be made in it"),
    };
    let failure = Failure::new(Kind::Conflict, "cluster.terminating", message);
    Some(failure.hinted(hint!(
        "kubectl get namespace {} -o yaml says what its removal waits for",
        namespace
    )))
}

/// The access control says who may not do what: `User "eva" cannot create resource …`.
fn is_access_control(text: &str) -> bool {
    let who = text.split_once("orbidden: User \"");
    who.is_some_and(|(_, rest)| rest.contains("\" cannot "))
}

/// Returns where to look at what refused something that this user may do.
pub(super) fn admission(text: &str, context: &RequestContext) -> Option<Remedy> {
    let namespace = context.namespace.as_deref();
    let within = Piece(namespace.map(|namespace| hint!(" -n {}", namespace)));
    let quota = after(text, "exceeded quota: ").or_else(|| after(text, "failed quota: "));
    if let Some(quota) = quota {
        return Some(hint!("kubectl{} describe resourcequota {}", within, quota));
    }
    if let Some(policy) = after(text, "ValidatingAdmissionPolicy '") {
        return Some(hint!(
            "kubectl get validatingadmissionpolicy {} -o yaml",
            policy
        ));
    }
    if after(text, "admission webhook \"").is_some() {
        return Some(
            "kubectl get validatingwebhookconfigurations,mutatingwebhookconfigurations".into(),
        );
    }
    if text.contains(" violates PodSecurity \"") {
        return Some(hint!("kubectl get namespace {} --show-labels", namespace?));
    }
    let limits = [
        "imum cpu usage per ",
        "imum memory usage per ",
        "imum storage usage per ",
        "imum ephemeral-storage usage per ",
        " max limit to request ratio per ",
    ];
    limits
        .iter()
        .any(|limit| text.contains(limit))
        .then(|| hint!("kubectl{} describe limitrange", within))
}

/// Returns the name that stands behind some words.
fn after<'a>(text: &'a str, words: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(words)?;
    let end = rest.find([',', ':', '\'', '"', ' ']).unwrap_or(rest.len());
    // One with a dash in front would be an option of the command that it goes into.
    rest.get(..end)
        .filter(|name| !name.is_empty() && !name.starts_with('-'))
}

fn can_i(context: &RequestContext) -> Remedy {
    let place = Piece(Some(match &context.namespace {
        Some(namespace) => hint!("-n {}", namespace),
        None => "--all-namespaces".into(),
    }));
    let (verb, subresource) = match context.verb {
        "read the log of" => ("get", Some("log")),
        // Server-side apply is a patch to the access control.
        "apply" => ("patch", context.of.subresource.as_deref()),
        "evict" => ("create", Some("eviction")),
        verb => (verb, context.of.subresource.as_deref()),
    };
    // What follows a slash is the name of an object to kubectl.
    let part = Piece(subresource.map(|subresource| hint!(" --subresource={}", subresource)));
    let of = context.of.whole().resource();
    hint!("kubectl auth can-i {} {}{} {}", verb, of, part, place)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::cluster::failure::of_status;

    fn context(verb: &'static str, of: &str, namespace: Option<&str>) -> RequestContext {
        RequestContext {
            verb,
            of: of.parse().expect("a type"),
            namespace: namespace.map(str::to_owned),
            name: Some("x".to_owned()),
        }
    }

    #[test]
    fn hint_is_a_command_that_kubectl_knows() {
        for (verb, of, namespace, wanted) in [
            ("list", "pods.v1", None, "list pods --all-namespaces"),
            (
                "read the log of",
                "pods.v1",
                Some("media"),
                "get pods --subresource=log -n media",
            ),
            (
                "apply",
                "deployments.v1.apps",
                Some("media"),
                "patch deployments.apps -n media",
            ),
            (
                "patch",
                "deployments.v1.apps/scale",
                Some("media"),
                "patch deployments.apps --subresource=scale -n media",
            ),
        ] {
            assert_eq!(
                can_i(&context(verb, of, namespace)),
                format!("kubectl auth can-i {wanted}")
            );
        }
    }

    /// The texts are those of kube-apiserver 1.32 and its admission plugins.
    #[test]
    fn what_refuses_is_told_from_the_access_control() {
        let media = Some("kubectl auth can-i create jobs.batch -n media");
        let quota = Some("kubectl -n media describe resourcequota q");
        for (text, hint) in [
            (
                r#"jobs.batch is forbidden: User "eva" cannot create resource "jobs" in API group "batch" in the namespace "media""#,
                media,
            ),
            (
                r#"jobs.batch is forbidden: User "eva" cannot create resource "jobs" in API group "batch" in the namespace "media": RBAC: role.rbac.authorization.k8s.io "x" not found"#,
                media,
            ),
            (
                r#"jobs.batch "x" is forbidden: exceeded quota: q, requested: count/jobs.batch=1, used: count/jobs.batch=0, limited: count/jobs.batch=0"#,
                quota,
            ),
            (
                r#"pods "x" is forbidden: failed quota: q: must specify limits.cpu for: c; limits.memory for: c"#,
                quota,
            ),
            (
                r#"pods "x" is forbidden: [maximum cpu usage per Container is 100m, but limit is 1, maximum memory usage per Container is 1Mi, but limit is 1Gi]"#,
                Some("kubectl -n media describe limitrange"),
            ),
            (
                r#"pods "x" is forbidden: violates PodSecurity "restricted:latest": allowPrivilegeEscalation != false"#,
                Some("kubectl get namespace media --show-labels"),
            ),
            (
                r#"jobs.batch "x" is forbidden: ValidatingAdmissionPolicy 'no-jobs' with binding 'no-jobs' denied request: failed expression: false"#,
                Some("kubectl get validatingadmissionpolicy no-jobs -o yaml"),
            ),
            (
                r#"admission webhook "validate.kyverno.svc-fail" denied the request: no"#,
                Some("kubectl get validatingwebhookconfigurations,mutatingwebhookconfigurations"),
            ),
            // A name that would be an option.
            (
                r#"pods "x" is forbidden: exceeded quota: -A, requested: pods=1"#,
                None,
            ),
            (
                r#"jobs.batch "x" is forbidden: something else, User "eva" or not"#,
                None,
            ),
        ] {
            let status = json!({"code": 403, "reason": "Forbidden", "message": text});
            let status: Status = serde_json::from_value(status).expect("a status");
            let failure = of_status(
                &status,
                &context("create", "jobs.v1.batch", Some("media")),
                "https://k",
            );
            assert_eq!(
                (failure.code.as_str(), failure.hint.as_deref()),
                ("cluster.forbidden", hint),
                "{text}"
            );
            assert_eq!(failure.causes, [text]);
        }
    }

    #[test]
    fn whoever_sends_no_credentials_is_not_sent_to_the_access_control() {
        let text = r#"pods is forbidden: User "system:anonymous" cannot list resource "pods" in API group "" at the cluster scope"#;
        let status = json!({"code": 403, "reason": "Forbidden", "message": text});
        let status: Status = serde_json::from_value(status).expect("a status");
        let failure = of_status(&status, &context("list", "pods.v1", None), "https://k");
        assert_eq!(failure.code, "cluster.unauthorized");
        assert!(
            failure
                .hint
                .is_some_and(|hint| hint.contains("kubectl config view --minify"))
        );
    }

    #[test]
    fn namespace_that_goes_away_is_told_with_either_code() {
        for code in [403, 409] {
            let status = json!({
                "code": code, "reason": "Forbidden",
                "message": "jobs.batch \"x\" is forbidden: unable to create new content in namespace media because it is being terminated",
                "details": {"causes": [{"reason": "NamespaceTerminating", "message": "namespace media is being terminated", "field": "metadata.namespace"}]},
            });
            let status: Status = serde_json::from_value(status).expect("a status");
            let failure = of_status(
                &status,
                &context("create", "jobs.v1.batch", Some("media")),
                "https://k",
            );
            assert_eq!(failure.code, "cluster.terminating");
            assert!(
                failure
                    .message
                    .contains("namespace `media` is being removed")
            );
        }
    }
}
