//! What is older is not put back beside what could not be removed, for whatever reason that is.

use std::time::Duration;

use agent_core::agent::{Agent as _, Run};
use agent_core::call::{Consent, Goal, Resumption};
use agent_core::secret::Secrets;
use agent_sandbox::{Failure, Match};
use k8s_openapi::api::core::v1::Pod;
use kube::api::{Patch, PatchParams, PostParams};
use serde_json::json;

use crate::guests;
use crate::stop::until_line;
use crate::world::{Ended, LIMITS, World, finish};

/// Starts a guest and waits until it holds.
async fn holding(world: &World, operation: &str) -> Run {
    let mut run = world.start(operation).await;
    until_line(&mut run, "holding").await;
    run
}

/// Refuses every such request, until [`agent_sandbox::Handle::heal`].
fn deny(world: &World, method: &str, path: &str) {
    let matching = Match::new(method, path);
    world
        .cluster()
        .fail_next(1_000, matching, Failure::Forbidden);
}

async fn cancelled(run: Run) -> Ended {
    run.cancel();
    finish(run).await
}

fn codes(ended: &Ended) -> Vec<Option<&str>> {
    let failures = ended.put_back().iter().map(|one| one.failure.as_ref());
    failures.map(|one| Some(one?.code.as_str())).collect()
}

/// Takes the last run back.
async fn undo(world: &World) -> Ended {
    let how = Resumption {
        to: Goal::Undo,
        consent: Consent::Given,
        give_up: false,
        leave_data: false,
        secrets: Secrets::default(),
    };
    let run = world.last_record().summary.run;
    finish(
        world
            .agent
            .resume(run.as_str(), how)
            .await
            .expect("is taken up"),
    )
    .await
}

async fn taken_back(world: &World) {
    world.cluster().heal();
    let undone = undo(world).await;
    assert_eq!(undone.outcome.exit_code(), 0, "{:?}", undone.outcome);
    assert_eq!(world.mode(), "before");
    assert!(
        world
            .cluster()
            .object("batch", "jobs", "default", "mover")
            .is_none()
    );
    assert!(!world.last_record().summary.is_open());
}

/// Asserts that a run that is stopped while `method` is denied on `path` ends with these failures and has put back nothing that is older.
async fn keeps_what_is_older(method: &str, path: &str, wanted: &str) {
    let world = World::with_cluster(LIMITS).await;
    let run = holding(&world, "guests.hold-job-and-sleep").await;
    deny(&world, method, path);
    let ended = cancelled(run).await;
    assert_eq!(codes(&ended), [Some(wanted), Some("run.not-yet")]);
    assert_eq!(world.mode(), "held", "{method} {path}");
    assert_ne!(ended.outcome.exit_code(), 0);
    assert!(
        world.last_record().summary.is_open(),
        "it can be tried again"
    );
    taken_back(&world).await;
}

/// A pod of a Job that is gone already, on a node that does not answer.
async fn orphan(world: &World) -> kube::Api<Pod> {
    let pods: kube::Api<Pod> = kube::Api::namespaced(world.client().await, "default");
    let pod = json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {
            "name": "mover-1", "finalizers": ["example.org/stay"],
            "ownerReferences": [{ "apiVersion": "batch/v1", "kind": "Job", "name": "mover", "uid": "gone", "controller": true }],
        },
        "spec": { "containers": [{ "name": "mover", "image": "mover" }] },
    });
    let pod = serde_json::from_value(pod).expect("a pod");
    pods.create(&PostParams::default(), &pod)
        .await
        .expect("creates");
    pods
}

async fn let_go(pods: &kube::Api<Pod>) {
    let none = Patch::Merge(json!({ "metadata": { "finalizers": null } }));
    let by = PatchParams::default();
    pods.patch("mover-1", &by, &none).await.expect("patches");
    drop(pods.delete("mover-1", &Default::default()).await);
}

/// Asserts that what is older waits until the pod is gone.
async fn waits_for_the_pod(world: &World, run: Run, pods: &kube::Api<Pod>) -> Ended {
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(world.mode(), "held");
    assert!(
        world
            .cluster()
            .object("batch", "jobs", "default", "mover")
            .is_none()
    );
    let_go(pods).await;
    let ended = finish(run).await;
    assert_eq!(world.mode(), "before");
    ended
}

guests! {
    "hold-job-and-sleep": async fn nothing_older_is_put_back_beside_what_could_not_be_removed() {
        keeps_what_is_older("DELETE", "/jobs/", "cluster.forbidden").await;
        // It is removed, and whether its pods are gone nobody may see.
        keeps_what_is_older("GET", "/pods", "cluster.still-there").await;
        keeps_what_is_older("GET", "/jobs", "cluster.still-there").await;
    }

    "hold-job-and-return": async fn pod_that_outlives_its_job_is_waited_for_at_a_good_end() {
        let world = World::with_cluster(LIMITS).await;
        let pods = orphan(&world).await;
        let run = holding(&world, "guests.hold-job-and-return").await;
        let ended = waits_for_the_pod(&world, run, &pods).await;
        assert_eq!(ended.value(), "held");
    }

    "hold-job-and-drop": async fn pod_that_outlives_its_job_is_waited_for_when_a_guest_drops_what_it_holds() {
        let world = World::with_cluster(LIMITS).await;
        let pods = orphan(&world).await;
        let run = holding(&world, "guests.hold-job-and-drop").await;
        let ended = waits_for_the_pod(&world, run, &pods).await;
        assert_eq!(ended.failure().code, "guests.failed");
    }

    "hold-twice-and-sleep": async fn older_value_of_a_field_waits_for_the_newer_one() {
        let world = World::with_cluster(LIMITS).await;
        let run = holding(&world, "guests.hold-twice-and-sleep").await;
        deny(&world, "PATCH", "/configmaps/");
        let ended = cancelled(run).await;
        assert_eq!(codes(&ended), [Some("cluster.forbidden"), Some("run.not-yet")]);
        assert_eq!(world.mode(), "held again");
        taken_back(&world).await;
    }
}
