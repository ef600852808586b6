//! Waits until no pod mounts the volume: by the volume, not by a label, for whatever mounts it would write into the restore.

use std::collections::BTreeMap;

use agent_sdk::cluster::WatchEvent;
use agent_sdk::prelude::*;
use agent_sdk::wait::Deadline;

use super::look::Scene;

pub(super) const FIELDS: [&str; 7] = [
    "/metadata/labels",
    "/metadata/deletionTimestamp",
    "/metadata/finalizers",
    "/metadata/ownerReferences",
    "/spec/volumes",
    "/spec/nodeName",
    "/status/phase",
];

/// Waits for all pods.
///
/// # Errors
///
/// `volsync.volume-in-use`, which names the pods.
pub(super) fn wait(scene: &Scene, timeout: SignedDuration) -> Result<()> {
    let step = Step::new(format!(
        "Wait until no pod mounts `{}`",
        scene.source.claim()
    ));
    if run::planning() {
        step.skip("nothing was stopped");
        return Ok(());
    }
    until_free(scene, timeout, &step, |_| true)?;
    step.done("");
    Ok(())
}

/// Waits for the movers only, as long as they may take to end after they were told to.
///
/// # Errors
///
/// As for [`wait`].
pub(super) fn let_go(scene: &Scene, timeout: SignedDuration) -> Result<()> {
    let step = Step::new(format!(
        "Wait until no mover has `{}`",
        scene.source.claim()
    ));
    until_free(scene, timeout, &step, of_volsync)?;
    step.done("");
    Ok(())
}

/// Fails when a pod has the volume that is none of VolSync's nor of ours: somebody has started it in the middle.
///
/// # Errors
///
/// `volsync.volume-in-use`; those of the list.
pub(super) fn refuse_users(scene: &Scene) -> Result<()> {
    refuse(scene, |_| true)
}

/// Fails when such a pod was not asked to end: nobody would stop it.
///
/// # Errors
///
/// As for [`refuse_users`].
pub(super) fn refuse_lasting(scene: &Scene) -> Result<()> {
    refuse(scene, |pod| {
        pod.text("/metadata/deletionTimestamp").is_none()
    })
}

fn refuse(scene: &Scene, counts: fn(&Object) -> bool) -> Result<()> {
    let claim = scene.source.claim();
    let query = Query::all(kinds::POD).namespace(scene.source.namespace.as_str());
    let pods = cluster::list(&query, &FIELDS)?;
    let uses = |pod: &&Object| !of_volsync(pod) && mounts(pod, claim) && counts(pod);
    let mut users = pods.iter().filter(uses);
    match users.next() {
        None => Ok(()),
        Some(pod) => Err(used_meanwhile(scene, pod)),
    }
}

/// Makes the error of a pod that mounted the volume in the middle.
pub(super) fn used_meanwhile(scene: &Scene, pod: &Object) -> Error {
    let what = describe(pod, run::now());
    let message = format!(
        "`{}/{}` is not restored: {what}, mounted the volume while it was overwritten",
        scene.source.namespace, scene.app
    );
    Error::conflict("volsync.volume-in-use", message)
}

fn until_free(
    scene: &Scene,
    timeout: SignedDuration,
    step: &Step,
    counts: fn(&Object) -> bool,
) -> Result<()> {
    let claim = scene.source.claim();
    let deadline = Deadline::after(timeout);
    let query = Query::all(kinds::POD).namespace(scene.source.namespace.as_str());
    let watcher = cluster::watch(&[query], &FIELDS)?;
    let mut mounting = BTreeMap::new();
    let mut synced = false;
    loop {
        let left = deadline.left();
        for event in watcher.next(left)? {
            let counted = match &event {
                WatchEvent::Applied(_, pod) | WatchEvent::Removed(_, pod) => counts(pod),
                WatchEvent::Synced(_) => true,
                WatchEvent::Failed(..) => false,
            };
            if counted {
                synced |= see(&mut mounting, claim, event);
            }
        }
        if synced && mounting.is_empty() {
            return Ok(());
        }
        if left.is_zero() {
            return Err(in_use(scene, &mounting, timeout, run::now()));
        }
        step.note(
            mounting
                .values()
                .map(|pod: &Object| pod.name())
                .collect::<Vec<_>>()
                .join(", "),
        );
    }
}

pub(super) fn of_volsync(pod: &Object) -> bool {
    pod.label("app.kubernetes.io/created-by") == Some("volsync")
}

/// Takes note of a pod; says whether all that were there at the start have been seen.
fn see(mounting: &mut BTreeMap<String, Object>, claim: &str, event: WatchEvent) -> bool {
    match event {
        WatchEvent::Applied(_, pod) if mounts(&pod, claim) => {
            mounting.insert(pod.name().to_owned(), pod);
            false
        }
        WatchEvent::Applied(_, pod) | WatchEvent::Removed(_, pod) => {
            mounting.remove(pod.name());
            false
        }
        WatchEvent::Synced(_) => true,
        WatchEvent::Failed(..) => false,
    }
}

/// A pod that has ended mounts nothing, and one of VolSync's that has not begun waits for us.
pub(super) fn mounts(pod: &Object, claim: &str) -> bool {
    let phase = pod.text("/status/phase").unwrap_or_default();
    let ended = matches!(phase, "Succeeded" | "Failed") || (of_volsync(pod) && phase != "Running");
    !ended && names(pod, claim)
}

/// Says whether a pod has the claim among its volumes, whatever it does with it.
pub(super) fn names(pod: &Object, claim: &str) -> bool {
    let volumes = pod.items("/spec/volumes");
    volumes
        .iter()
        .any(|volume| super::look::is_of(volume, claim))
}

fn in_use(
    scene: &Scene,
    mounting: &BTreeMap<String, Object>,
    timeout: SignedDuration,
    now: Timestamp,
) -> Error {
    let message = format!(
        "volume `{}` in namespace `{}` is still mounted after `{timeout:#}`, so nothing was overwritten",
        scene.source.claim(),
        scene.source.namespace
    );
    let error = Error::timeout("volsync.volume-in-use", message);
    let error = mounting
        .values()
        .map(|pod| describe(pod, now))
        .fold(error, Error::cause);
    match mounting.values().next() {
        Some(pod) => error.hint(remedy(&scene.source.namespace, pod)),
        None => error.cause("the pods of the namespace could not be seen in time"),
    }
}

pub(super) fn describe(pod: &Object, now: Timestamp) -> String {
    let mut text = format!("pod `{}`", pod.name());
    if let Some(node) = pod.text("/spec/nodeName") {
        text.push_str(&format!(" on node `{node}`"));
    }
    if let Some(owner) = pod.items("/metadata/ownerReferences").first() {
        text.push_str(&format!(
            ", of {} `{}`",
            owner["kind"].as_str().unwrap_or_default(),
            owner["name"].as_str().unwrap_or_default()
        ));
    }
    let since: Option<Timestamp> = pod
        .text("/metadata/deletionTimestamp")
        .and_then(|since| since.parse().ok());
    text.push_str(&match since {
        Some(since) if since > now => ", is ending".to_owned(),
        Some(since) => format!(", should have ended {}", crate::text::ago(now, since)),
        None => ", was not asked to end".to_owned(),
    });
    let finalizers: Vec<_> = pod
        .items("/metadata/finalizers")
        .iter()
        .filter_map(Value::as_str)
        .collect();
    if !finalizers.is_empty() {
        text.push_str(&format!(", held by finalizers {}", finalizers.join(", ")));
    }
    text
}

/// A pod that was asked to end and does not is the node's matter; one that was not is somebody else's.
fn remedy(namespace: &str, pod: &Object) -> String {
    if pod.text("/metadata/deletionTimestamp").is_some() {
        return format!(
            "see whether its node is up; if it is gone for good: kubectl delete pod -n {namespace} {} --force",
            pod.name()
        );
    }
    format!(
        "stop what owns it, or wait for it: kubectl get pod -n {namespace} {} -o yaml",
        pod.name()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pod(claim: &str, phase: &str, labels: Value) -> Object {
        Object(json!({
            "metadata": {"name": "plex-1", "labels": labels, "deletionTimestamp": "2026-11-23T06:00:00Z", "finalizers": ["x/y"]},
            "spec": {"nodeName": "w1", "volumes": [{"persistentVolumeClaim": {"claimName": claim}}]},
            "status": {"phase": phase},
        }))
    }

    #[test]
    fn pod_counts_by_its_volume_and_not_by_its_label() {
        assert!(mounts(
            &pod(
                "plex",
                "Running",
                json!({"app.kubernetes.io/name": "other"})
            ),
            "plex"
        ));
        assert!(mounts(&pod("plex", "Pending", json!({})), "plex"));
        assert!(!mounts(
            &pod(
                "sonarr",
                "Running",
                json!({"app.kubernetes.io/name": "plex"})
            ),
            "plex"
        ));
    }

    #[test]
    fn ended_pods_and_waiting_movers_do_not_count() {
        assert!(!mounts(&pod("plex", "Succeeded", json!({})), "plex"));
        assert!(!mounts(&pod("plex", "Failed", json!({})), "plex"));
        let of_volsync = json!({"app.kubernetes.io/created-by": "volsync"});
        assert!(!mounts(&pod("plex", "Pending", of_volsync.clone()), "plex"));
        assert!(mounts(&pod("plex", "Running", of_volsync), "plex"));
    }

    #[test]
    fn stuck_pod_is_named_with_its_node_and_finalizers() {
        let now = "2026-11-23T06:05:00Z".parse().expect("a time");
        let text = describe(&pod("plex", "Running", json!({})), now);
        assert_eq!(
            text,
            "pod `plex-1` on node `w1`, should have ended 5m ago, held by finalizers x/y"
        );
    }

    #[test]
    fn nothing_is_free_before_all_pods_were_seen() {
        let mut mounting = BTreeMap::new();
        assert!(!see(
            &mut mounting,
            "plex",
            WatchEvent::Applied(0, pod("plex", "Running", json!({})))
        ));
        assert!(see(&mut mounting, "plex", WatchEvent::Synced(0)));
        assert_eq!(mounting.len(), 1);
        assert!(!see(
            &mut mounting,
            "plex",
            WatchEvent::Removed(0, pod("plex", "Running", json!({})))
        ));
        assert!(mounting.is_empty());
    }
}
