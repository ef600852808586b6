//! The home as it has to be for movers that are real.

use kube::Client;
use serde_json::{Value, json};

use super::{APP, NAMESPACE, PASSWORD, SHARE};
use crate::integration::home;
use crate::integration::world::World;

/// Changes an object of the home so that movers reach a repository: it is on a share, which they mount, and volumes are backed up as they are,
/// because nothing makes snapshots of them.
pub(crate) fn reachable(object: &mut Value) {
    let kinds = ["ReplicationSource", "ReplicationDestination"];
    if kinds.iter().any(|kind| object["kind"] == *kind) {
        let restic = &mut object["spec"]["restic"];
        restic["copyMethod"] = json!("Direct");
        restic["moverVolumes"] = json!([{
            "mountPath": "repository", "volumeSource": {"nfs": {"server": SHARE.0, "path": SHARE.1}},
        }]);
    }
    let name = object["metadata"]["name"].as_str().unwrap_or_default();
    if object["kind"] == "Secret" && name.starts_with(&format!("{APP}-")) {
        object["data"] = Value::Null;
        object["stringData"] = json!({"RESTIC_REPOSITORY": format!("/mnt/repository/{APP}"), "RESTIC_PASSWORD": PASSWORD});
    }
}

/// Gives what VolSync acts on the status of the settled home: everything is synchronized, nothing is due.
pub(crate) async fn synchronized(client: &Client) {
    for object in home::settled() {
        let plural = match object["kind"].as_str() {
            Some("ReplicationSource") => "replicationsources",
            Some("ReplicationDestination") => "replicationdestinations",
            _ => continue,
        };
        let text = |name: &str| {
            object["metadata"][name]
                .as_str()
                .unwrap_or_default()
                .to_owned()
        };
        let path = format!(
            "/apis/volsync.backube/v1alpha1/namespaces/{}/{plural}/{}/status",
            text("namespace"),
            text("name")
        );
        let status = json!({"status": object["status"]}).to_string().into_bytes();
        let request =
            http::Request::patch(path).header("content-type", "application/merge-patch+json");
        let request = request.body(status).expect("a request");
        client.request::<Value>(request).await.expect("a status");
    }
}

/// Lets movers be root, or lets them be the user of their app.
pub(super) async fn privilege(world: &World, privileged: bool) {
    let value = if privileged { "true" } else { "false" };
    let annotations = json!({"volsync.backube/privileged-movers": value});
    let change = json!({"metadata": {"annotations": annotations}});
    let path = format!("/api/v1/namespaces/{NAMESPACE}");
    let sent = world.send("PATCH", &path, "application/merge-patch+json", &change);
    sent.await.expect("an annotation");
}

/// Puts a second container into every pod of a Job, as a mesh does.
pub(super) async fn inject(world: &World) {
    let api = "admissionregistration.k8s.io/v1";
    let policy = json!({
        "apiVersion": api, "kind": "MutatingAdmissionPolicy", "metadata": {"name": "mesh"},
        "spec": {
            "matchConstraints": {"resourceRules": [{
                "apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"],
            }]},
            "matchConditions": [{
                "name": "of-a-job",
                "expression": "has(object.metadata.labels) && 'batch.kubernetes.io/job-name' in object.metadata.labels",
            }],
            "reinvocationPolicy": "Never",
            "mutations": [{"patchType": "ApplyConfiguration", "applyConfiguration": {"expression":
                "Object{spec: Object.spec{containers: [Object.spec.containers{name: 'mesh', image: 'mesh:1'}]}}",
            }}],
        },
    });
    let binding = json!({
        "apiVersion": api, "kind": "MutatingAdmissionPolicyBinding", "metadata": {"name": "mesh"},
        "spec": {"policyName": "mesh"},
    });
    for (plural, object) in [("policies", policy), ("policybindings", binding)] {
        let path = format!("/apis/{api}/mutatingadmission{plural}");
        let sent = world.send("POST", &path, "application/json", &object);
        sent.await.expect("a policy");
    }
}
