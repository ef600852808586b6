//! Pods as the kubelet and the scheduler leave them.

use serde_json::json;

use super::super::event::tests::event;
use super::*;

/// A pod of a Job with the containers `istio-proxy` and `restic`, of which the last has that state.
fn mover(phase: &str, restic: Value) -> Object {
    Object(json!({
        "kind": "Pod", "metadata": {"name": "list-x", "namespace": "media", "uid": "p"},
        "spec": {"nodeName": "n-1", "restartPolicy": "Never", "containers": [{"name": "istio-proxy"}, {"name": "restic"}]},
        "status": {
            "phase": phase, "conditions": [{"type": "PodScheduled", "status": "True"}],
            "containerStatuses": [
                {"name": "istio-proxy", "state": {"running": {}}},
                {"name": "restic", "state": restic},
            ],
        },
    }))
}

fn judge(of: &Object, events: &[Object]) -> PodState {
    pod(of, Some("restic"), events)
}

fn cause(state: &PodState) -> Cause {
    state
        .outlook()
        .cause()
        .cloned()
        .unwrap_or_else(|| panic!("no cause in {state:?}"))
}

#[test]
fn container_that_counts_has_ended_whatever_the_others_do() {
    let ended = mover(
        "Running",
        json!({"terminated": {"exitCode": 0, "reason": "Completed"}}),
    );
    let end = End {
        exit: 0,
        reason: "Completed".to_owned(),
    };
    assert_eq!(judge(&ended, &[]), PodState::Ended(end));
    let failed = mover(
        "Running",
        json!({"terminated": {"exitCode": 10, "reason": "Error"}}),
    );
    assert!(matches!(
        judge(&failed, &[]),
        PodState::Ended(End { exit: 10, .. })
    ));
}

#[test]
fn container_that_is_started_again_has_not_ended() {
    let mut again = mover(
        "Running",
        json!({"terminated": {"exitCode": 1, "reason": "Error"}}),
    );
    again.0["spec"]["restartPolicy"] = json!("OnFailure");
    assert_eq!(judge(&again, &[]), PodState::Waiting(Outlook::Clear));
    let looping = json!({"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 10s restarting failed container"}});
    again.0["status"]["containerStatuses"][1]["state"] = looping;
    assert_eq!(cause(&judge(&again, &[])).reason, "CrashLoopBackOff");
}

#[test]
fn container_by_default_is_the_annotated_one_or_the_first() {
    let mut of = mover("Running", json!({}));
    assert_eq!(container(&of, Some("restic")), Some("restic"));
    assert_eq!(container(&of, Some("rclone")), Some("istio-proxy"));
    of.0["metadata"]["annotations"] = json!({"kubectl.kubernetes.io/default-container": "restic"});
    assert_eq!(container(&of, None), Some("restic"));
}

#[test]
fn exit_code_of_a_container_that_never_ran_is_not_its_own() {
    let unknown = json!({"terminated": {
        "exitCode": 137, "reason": "ContainerStatusUnknown", "message": "The container could not be located when the pod was terminated",
    }});
    let state = judge(&mover("Failed", unknown), &[]);
    assert!(matches!(state, PodState::Lost(_)), "{state:?}");
    let killed = json!({"terminated": {"exitCode": 137, "reason": "OOMKilled"}});
    assert!(matches!(
        judge(&mover("Failed", killed), &[]),
        PodState::Ended(End { exit: 137, .. })
    ));
    let missing = json!({"terminated": {"exitCode": 128, "reason": "StartError", "message": "exec: \"/bin/sh\": no such file"}});
    let told = cause(&judge(&mover("Failed", missing), &[])).to_string();
    assert_eq!(
        told,
        "pod `list-x`: `StartError`: exec: \"/bin/sh\": no such file"
    );
}

#[test]
fn pod_that_was_taken_away_is_lost_and_says_by_what() {
    let mut evicted = mover(
        "Failed",
        json!({"terminated": {"exitCode": 137, "reason": "Error"}}),
    );
    evicted.0["status"]["reason"] = json!("Evicted");
    evicted.0["status"]["message"] = json!("The node was low on resource: ephemeral-storage.");
    let told = cause(&judge(&evicted, &[])).to_string();
    assert_eq!(
        told,
        "pod `list-x`: `Evicted`: The node was low on resource: ephemeral-storage"
    );
    let mut drained = mover(
        "Failed",
        json!({"terminated": {"exitCode": 143, "reason": "Error"}}),
    );
    drained.0["status"]["conditions"] = json!([
        {"type": "DisruptionTarget", "status": "True", "reason": "EvictionByEvictionAPI", "message": "Eviction API: evicting"},
    ]);
    assert_eq!(cause(&judge(&drained, &[])).reason, "EvictionByEvictionAPI");
}

#[test]
fn each_waiting_reason_has_its_patience() {
    for (reason, patience) in [
        ("InvalidImageName", Patience::NOW),
        ("ErrImageNeverPull", Patience::SOON),
        ("CreateContainerConfigError", Patience::SOON),
        ("ImagePullBackOff", Patience::MINUTE),
        ("ErrImagePull", Patience::MINUTE),
        ("CreateContainerError", Patience::MINUTE),
        ("RunContainerError", Patience::MINUTE),
    ] {
        let state = judge(
            &mover(
                "Pending",
                json!({"waiting": {"reason": reason, "message": "why"}}),
            ),
            &[],
        );
        assert_eq!(cause(&state).patience, patience, "{reason}");
    }
    for reason in ["ContainerCreating", "PodInitializing"] {
        let state = judge(
            &mover("Pending", json!({"waiting": {"reason": reason}})),
            &[],
        );
        assert_eq!(state, PodState::Waiting(Outlook::Clear), "{reason}");
    }
}

#[test]
fn image_that_cannot_be_pulled_is_one_cause_and_says_why() {
    let events = [event(
        "p",
        1,
        "Failed",
        "Failed to pull image \"x:1\": not found",
    )];
    let back_off = json!({"waiting": {"reason": "ImagePullBackOff", "message": "Back-off pulling image \"x:1\""}});
    let told = cause(&judge(&mover("Pending", back_off), &events)).to_string();
    assert_eq!(
        told,
        "pod `list-x`: `ImagePullBackOff`: Failed to pull image \"x:1\": not found"
    );
    let newer = json!({"waiting": {"reason": "ImagePullBackOff", "message": "Back-off pulling image \"x:1\": ErrImagePull: denied"}});
    let told = cause(&judge(&mover("Pending", newer), &events)).message;
    assert_eq!(told, "Back-off pulling image \"x:1\": ErrImagePull: denied");
}

#[test]
fn pod_without_a_place_is_judged_by_the_scheduler() {
    let mut of = mover("Pending", json!({}));
    of.0["spec"]["nodeName"] = json!(null);
    of.0["status"]["containerStatuses"] = json!(null);
    let scheduled = |reason: &str, message: &str| json!([{"type": "PodScheduled", "status": "False", "reason": reason, "message": message}]);
    of.0["status"]["conditions"] = scheduled(
        "Unschedulable",
        "0/3 nodes are available: 3 Insufficient memory.",
    );
    let found = cause(&judge(&of, &[]));
    assert_eq!(found.patience, Patience::MINUTE);
    assert_eq!(
        found.to_string(),
        "pod `list-x`: `Unschedulable`: 0/3 nodes are available: 3 Insufficient memory"
    );
    let grows = [event("p", 1, "TriggeredScaleUp", "pod triggered scale-up")];
    assert_eq!(cause(&judge(&of, &grows)).patience, Patience::DEADLINE);
    of.0["status"]["conditions"] = scheduled(
        "SchedulingGated",
        "Scheduling is blocked due to non-empty scheduling gates",
    );
    assert_eq!(cause(&judge(&of, &[])).patience, Patience::DEADLINE);
    of.0["status"]["conditions"] = json!([]);
    assert_eq!(
        cause(&judge(&of, &[])).message,
        "no scheduler has looked at it"
    );
}

#[test]
fn volume_that_cannot_be_attached_is_told_from_the_events() {
    let creating = mover(
        "Pending",
        json!({"waiting": {"reason": "ContainerCreating"}}),
    );
    let attach = event(
        "p",
        1,
        "FailedAttachVolume",
        "Multi-Attach error for volume \"pvc-1\" Volume is already used by pod(s) plex-0",
    );
    let vague = event(
        "p",
        9,
        "FailedMount",
        "Unable to attach or mount volumes: unmounted volumes=[data]: timed out waiting for the condition",
    );
    let mut events = vec![attach, vague.clone()];
    let found = cause(&judge(&creating, &events));
    assert_eq!(
        (found.reason.as_str(), found.patience),
        ("FailedAttachVolume", Patience::VOLUME)
    );
    events.push(event(
        "p",
        8,
        "SuccessfulAttachVolume",
        "AttachVolume.Attach succeeded",
    ));
    assert_eq!(cause(&judge(&creating, &events)).reason, "FailedMount");
    events.push(event("p", 10, "Pulling", "Pulling image \"x:1\""));
    assert_eq!(judge(&creating, &events), PodState::Waiting(Outlook::Clear));
    assert_eq!(cause(&judge(&creating, &[vague])).reason, "FailedMount");
}

#[test]
fn secret_that_is_to_be_mounted_and_is_missing_fails_soon() {
    let creating = mover(
        "Pending",
        json!({"waiting": {"reason": "ContainerCreating"}}),
    );
    let missing = event(
        "p",
        1,
        "FailedMount",
        "MountVolume.SetUp failed for volume \"ca\" : secret \"ca\" not found",
    );
    assert_eq!(
        cause(&judge(&creating, &[missing])).patience,
        Patience::SOON
    );
}

#[test]
fn init_container_that_runs_is_told_and_a_sidecar_that_has_started_is_not() {
    let mut of = mover("Pending", json!({"waiting": {"reason": "PodInitializing"}}));
    of.0["spec"]["initContainers"] =
        json!([{"name": "mesh", "restartPolicy": "Always"}, {"name": "jitter"}]);
    of.0["status"]["initContainerStatuses"] = json!([
        {"name": "mesh", "started": true, "state": {"running": {}}},
        {"name": "jitter", "state": {"running": {}}},
    ]);
    let busy = Outlook::Busy("init container `jitter` of pod `list-x` runs first".to_owned());
    assert_eq!(judge(&of, &[]), PodState::Waiting(busy));
    of.0["status"]["initContainerStatuses"][1]["state"] = json!({"waiting": {"reason": "CreateContainerConfigError", "message": "secret \"x\" not found"}});
    assert_eq!(cause(&judge(&of, &[])).message, "secret \"x\" not found");
    of.0["status"]["initContainerStatuses"][1]["state"] = json!({"terminated": {"exitCode": 0}});
    assert_eq!(judge(&of, &[]), PodState::Waiting(Outlook::Clear));
}

#[test]
fn pod_whose_init_container_failed_says_so() {
    let mut of = mover("Failed", json!({"waiting": {"reason": "PodInitializing"}}));
    of.0["status"]["initContainerStatuses"] = json!([
        {"name": "jitter", "state": {"terminated": {"exitCode": 2, "reason": "Error"}}},
    ]);
    let told = cause(&judge(&of, &[])).to_string();
    assert_eq!(
        told,
        "pod `list-x`: `Error`: init container `jitter` ended with exit code 2"
    );
}

#[test]
fn running_pod_on_a_node_that_is_gone_is_told() {
    let mut of = mover("Running", json!({"running": {}}));
    assert_eq!(judge(&of, &[]), PodState::Running(Outlook::Clear));
    of.0["status"]["conditions"] = json!([{"type": "Ready", "status": "False"}]);
    let events = [event("p", 1, "NodeNotReady", "Node is not ready")];
    let found = cause(&judge(&of, &events));
    assert_eq!(
        found.to_string(),
        "pod `list-x`: `NodeNotReady`: its node `n-1` is not ready"
    );
    assert_eq!(found.patience, Patience::DEADLINE);
}
