//! What is said of an object that does not go, or of pods that do not: what keeps them, and what can be done about that.

use agent_core::failure::{Failure, Kind};
use agent_core::hint;
use agent_core::hint::Piece;
use agent_core::object::{ObjectRef, ObjectType};
use agent_gate::Pass;
use serde_json::Value;

use super::{GOING, STILL_THERE};
use crate::cluster::client::{ClusterClient, Wanted};

/// Returns the failure of pods that stay. The first of them is looked at.
pub(super) async fn pods(
    client: &ClusterClient,
    pass: &Pass,
    of: &ObjectRef,
    pods: &[String],
    first: &str,
) -> Failure {
    let (seconds, names) = (GOING.as_secs(), pods.join(", "));
    let message = format!("pods of {of} were still there after {seconds} s: {names}");
    let failure = Failure::new(Kind::Timeout, STILL_THERE, message);
    let namespace = of.namespace.as_deref();
    match lost_node(client, pass, namespace, first).await {
        Some(node) => failure
            .because(format!(
                "node `{node}`, on which `{first}` runs, does not answer"
            ))
            .hinted(hint!(
                "bring node {} back; if it is off and stays so: kubectl delete node {}",
                node,
                node
            )),
        None => failure.hinted(hint!("kubectl{} describe pod {}", option(namespace), first)),
    }
}

/// Returns the failure of an object that stays.
pub(super) fn object(target: &ObjectRef, object: &Value) -> Failure {
    let seconds = GOING.as_secs();
    let message = format!("{target} was still there after {seconds} s");
    let namespace = target.namespace.as_deref();
    let failure = Failure::new(Kind::Timeout, STILL_THERE, message).hinted(hint!(
        "kubectl{} get {} {} -o yaml",
        option(namespace),
        target.of.resource(),
        target.name
    ));
    let finalizers = object.pointer("/metadata/finalizers");
    let finalizers = finalizers.and_then(Value::as_array).into_iter().flatten();
    let finalizers: Vec<&str> = finalizers.filter_map(Value::as_str).collect();
    match finalizers.as_slice() {
        [] => failure,
        names => failure.because(format!(
            "it waits for whoever has to take these finalizers off it: {}",
            names.join(", ")
        )),
    }
}

/// Returns the node of a pod, if that is known not to answer.
async fn lost_node(
    client: &ClusterClient,
    pass: &Pass,
    namespace: Option<&str>,
    pod: &str,
) -> Option<String> {
    let pod = look(client, pass, "pods.v1", namespace, pod).await?;
    let name = pod.pointer("/spec/nodeName")?.as_str()?;
    let node = look(client, pass, "nodes.v1", None, name).await?;
    let conditions = node.pointer("/status/conditions")?.as_array()?;
    let ready = conditions.iter().find(|one| one["type"] == "Ready")?;
    (ready["status"] != "True").then(|| name.to_owned())
}

async fn look(
    client: &ClusterClient,
    pass: &Pass,
    of: &str,
    namespace: Option<&str>,
    name: &str,
) -> Option<Value> {
    let of: ObjectType = of.parse().ok()?;
    let target = ObjectRef {
        of,
        namespace: namespace.map(str::to_owned),
        name: name.to_owned(),
    };
    client.get(pass, &target, Wanted::Whole).await.ok()
}

fn option(namespace: Option<&str>) -> Piece {
    Piece(namespace.map(|namespace| hint!(" -n {}", namespace)))
}
