//! Gathers what belongs to an object. Whoever may not read a part of it is told less, and nothing fails for it. A plugin asks for `list` of pods and
//! events, and `get` of persistentvolumeclaims and namespaces, as far as it looks at them.

use super::{Cause, Outlook, Patience, PodState, claim, event, job, namespace, pod};
use crate::cluster::{self, Query};
use crate::{Kind, Object, ObjectRef, ObjectType, Result, debug, kinds};

/// The fields of Jobs that are looked at.
pub const JOB: [&str; 3] = ["/metadata/deletionTimestamp", "/spec/suspend", "/status"];

/// The fields of pods that are looked at.
pub const POD: [&str; 10] = [
    "/metadata/annotations",
    "/metadata/creationTimestamp",
    "/metadata/deletionTimestamp",
    "/metadata/ownerReferences",
    "/spec/containers",
    "/spec/initContainers",
    "/spec/nodeName",
    "/spec/restartPolicy",
    "/spec/volumes",
    "/status",
];

/// The fields of claims that are looked at.
pub const CLAIM: [&str; 4] = [
    "/metadata/deletionTimestamp",
    "/spec/storageClassName",
    "/spec/dataSourceRef",
    "/status",
];

/// What was seen of a Job.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Seen {
    /// Its newest pod, and how far that is; none when it has none, or pods may not be read.
    pub pod: Option<(Object, PodState)>,
    /// What stands in its way: the Job's own end, what keeps its newest pod from starting, or what keeps it from having one.
    pub outlook: Outlook,
}

/// Looks at a Job ([`JOB`]) and at what belongs to it: its pods, the claims that they mount, and the events of them all. The container is the one
/// that counts; none: the pod's default one. It costs two requests while the pod runs, and some more while it does not start.
pub fn at_job(of: &Object, container: Option<&str>) -> Seen {
    let namespace = of.namespace().unwrap_or_default();
    let query = Query::all(kinds::POD)
        .namespace(namespace)
        .labels(&format!("job-name={}", of.name()));
    let newest = newest(list(&query, &POD));
    let state = |events: &[Object]| newest.as_ref().map(|newest| pod(newest, container, events));
    // While the pod runs, or has ended, events have nothing to add, and a namespace may have thousands.
    let gets_on = matches!(
        state(&[]),
        Some(PodState::Running(Outlook::Clear) | PodState::Ended(_))
    );
    let events = if gets_on {
        Vec::new()
    } else {
        events(namespace, None)
    };
    let state = state(&events);
    let outlook = match (job(of, &events), &state) {
        (Outlook::Blocked(_), Some(PodState::Lost(cause))) => cause.clone().into(),
        (Outlook::Clear, Some(PodState::Lost(cause))) => Outlook::Blocked(Cause {
            // The Job makes another pod, after a pause.
            patience: Patience::MINUTE,
            ..cause.clone()
        }),
        (Outlook::Clear, Some(state)) => match &newest {
            Some(pod) => of_pod(namespace, pod, state, &events),
            None => Outlook::Clear,
        },
        (outlook, _) => outlook,
    };
    Seen {
        pod: newest.zip(state),
        outlook,
    }
}

/// What keeps a claim that it mounts from having a volume says more than that the pod has no place because of it.
fn of_pod(namespace: &str, pod: &Object, state: &PodState, events: &[Object]) -> Outlook {
    let outlook = state.outlook();
    if !matches!(state, PodState::Waiting(Outlook::Blocked(_))) {
        return outlook;
    }
    let unbound = claims(pod).into_iter().find_map(|name| {
        let target = ObjectRef::new(kinds::PERSISTENT_VOLUME_CLAIM, namespace, name);
        let found = find(&target, &CLAIM)?;
        Some(claim(&found, events, true)).filter(|outlook| *outlook != Outlook::Clear)
    });
    unbound.unwrap_or(outlook)
}

/// The fields of workloads that are looked at.
pub const WORKLOAD: [&str; 5] = [
    "/metadata/deletionTimestamp",
    "/metadata/generation",
    "/spec/replicas",
    "/spec/selector",
    "/status",
];

/// Looks at a workload ([`WORKLOAD`]) that is to be rolled out, and at its pods where its own status does not say why it is not.
pub fn at_workload(of: ObjectType, workload: &Object) -> Outlook {
    let own = super::workload(of, workload);
    let Outlook::Busy(_) = own else { return own };
    let namespace = workload.namespace().unwrap_or_default();
    let labels = workload.at("/spec/selector/matchLabels").as_object();
    let labels: Vec<String> = labels
        .into_iter()
        .flatten()
        .filter_map(|(name, value)| Some(format!("{name}={}", value.as_str()?)))
        .collect();
    if labels.is_empty() {
        return own;
    }
    let query = Query::all(kinds::POD)
        .namespace(namespace)
        .labels(&labels.join(","));
    let pods = list(&query, &POD);
    let unready = |pod: &&Object| !pod.condition("Ready").is_some_and(|one| one.is_true());
    let unready: Vec<&Object> = pods.iter().filter(unready).collect();
    if unready.is_empty() {
        return own;
    }
    let events = events(namespace, None);
    let blocked = unready.into_iter().find_map(|one| {
        let outlook = of_pod(namespace, one, &pod(one, None, &events), &events);
        outlook.cause().is_some().then_some(outlook)
    });
    blocked.unwrap_or(own)
}

/// Looks at a claim. `wanted` says whether a pod waits for it. One that does not exist, or may not be read, has nothing to say.
pub fn at_claim(namespace: &str, name: &str, wanted: bool) -> Outlook {
    let target = ObjectRef::new(kinds::PERSISTENT_VOLUME_CLAIM, namespace, name);
    match find(&target, &CLAIM) {
        Some(found) if found.text("/status/phase") == Some("Bound") => claim(&found, &[], wanted),
        Some(found) => claim(&found, &events(namespace, Some(&found)), wanted),
        None => Outlook::Clear,
    }
}

/// Looks at a namespace.
pub fn at_namespace(name: &str) -> Outlook {
    let target = ObjectRef::cluster_scoped(kinds::NAMESPACE, name);
    let fields = ["/metadata/deletionTimestamp", "/status"];
    find(&target, &fields).map_or(Outlook::Clear, |found| namespace(&found))
}

/// Makes sure that a namespace in which nothing was found exists. One that may not be read is taken to.
///
/// # Errors
/// `not-found`: it does not exist; the hint names the nearest ones.
pub fn require_namespace(name: Option<&str>) -> Result<()> {
    let Some(name) = name else { return Ok(()) };
    let target = ObjectRef::cluster_scoped(kinds::NAMESPACE, name);
    match cluster::get(&target, &["/metadata/name"]) {
        Err(error) if error.kind() == Kind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Returns the events of a namespace, or of one object in it; none for who may not list them.
pub fn events(namespace: &str, of: Option<&Object>) -> Vec<Object> {
    let query = Query::all(kinds::EVENT).namespace(namespace);
    let query = match of {
        Some(object) => query.fields(&format!("involvedObject.uid={}", object.uid())),
        None => query,
    };
    list(&query, &event::FIELDS)
}

/// Returns the names of the claims that a pod mounts.
fn claims(pod: &Object) -> Vec<&str> {
    pod.items("/spec/volumes")
        .iter()
        .filter_map(|volume| volume["persistentVolumeClaim"]["claimName"].as_str())
        .collect()
}

fn newest(pods: Vec<Object>) -> Option<Object> {
    let made = |pod: &Object| pod.text("/metadata/creationTimestamp").map(str::to_owned);
    pods.into_iter().max_by_key(made)
}

fn list(query: &Query, projection: &[&str]) -> Vec<Object> {
    cluster::list(query, projection).unwrap_or_else(|error| {
        unread(query.of, &error);
        Vec::new()
    })
}

fn find(target: &ObjectRef, projection: &[&str]) -> Option<Object> {
    cluster::find(target, projection).unwrap_or_else(|error| {
        unread(target.of, &error);
        None
    })
}

fn unread(of: ObjectType, error: &crate::Error) {
    debug!(
        "{} cannot be read, so less can be told: {error}",
        of.plural()
    );
}
