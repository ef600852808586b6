//! The operations of `flux`. In the real world the Kustomizations are the real kustomize-controller's.

use serde_json::{Value, json};

use super::kind::{GIT_REPOSITORY, HELM_RELEASE, KUSTOMIZATION, Kind, OCI_REPOSITORY};
use super::scenario::scenarios;
use super::world::{World, is_ready};

pub(crate) mod trap;
pub(crate) mod wait;

scenarios![
    reconcile_waits_until_flux_has_answered,
    reconcile_with_source_asks_the_source_first,
    reconcile_of_what_is_suspended_is_refused,
    failing_kustomization_ends_the_wait_at_once_with_its_message,
    forced_upgrade_has_one_token_and_happens_once,
    reconcile_all_ends_with_a_row_for_each,
    sync_writes_the_request_of_every_kind,
    sync_all_and_by_selector_reach_those_and_no_others,
    suspend_and_resume_leave_nothing_behind,
    suspended_by_others_is_told_and_resumed,
];

const REQUESTED: &str = "reconcile.fluxcd.io/requestedAt";

fn annotation<'a>(object: &'a Value, name: &str) -> &'a Value {
    &object["metadata"]["annotations"][name]
}

async fn reconcile_waits_until_flux_has_answered(world: &World) {
    let app = world.app("media", "plex").await;
    for (word, kind) in [("ks", KUSTOMIZATION), ("hr", HELM_RELEASE)] {
        let earlier = app.get(kind).await["status"]["lastHandledReconcileAt"].clone();
        let line = format!("run flux.reconcile {word} media plex -o json");
        let ran = world.agent().run(&line).await.exits(0);
        let object = app.get(kind).await;
        let asked = annotation(&object, REQUESTED);
        assert_eq!(*asked, object["status"]["lastHandledReconcileAt"], "{ran}");
        assert_ne!(*asked, earlier, "{ran}");
        assert!(is_ready(&object), "{ran}");
        assert_eq!(ran.value()[0]["result"], "reconciled", "{ran}");
    }
}

async fn reconcile_with_source_asks_the_source_first(world: &World) {
    let app = world.app("media", "plex").await;
    let line = "run flux.reconcile ks media plex --with-source -o json";
    let ran = world.agent().run(line).await.exits(0);
    let source = world
        .get(GIT_REPOSITORY, "flux-system", "flux-system")
        .await;
    let asked = annotation(&source, REQUESTED);
    assert!(asked.is_string(), "{ran}");
    assert_eq!(*asked, source["status"]["lastHandledReconcileAt"], "{ran}");
    let object = app.get(KUSTOMIZATION).await;
    assert!(
        annotation(&object, REQUESTED).as_str() >= asked.as_str(),
        "the source is asked first, {ran}"
    );
    assert_eq!(
        object["status"]["lastAppliedRevision"],
        source["status"]["artifact"]["revision"]
    );
}

async fn reconcile_of_what_is_suspended_is_refused(world: &World) {
    let app = world.app("media", "plex").await;
    app.merge(KUSTOMIZATION, json!({"spec": {"suspend": true}}))
        .await;
    let before = app.state().await;
    let line = "run flux.reconcile ks media plex";
    world
        .agent()
        .run(line)
        .await
        .exits(1)
        .says("is suspended")
        .says("agent run flux.resume ks media plex");
    app.is_as(&before).await;
    app.merge(KUSTOMIZATION, json!({"spec": {"suspend": null}}))
        .await;
}

async fn failing_kustomization_ends_the_wait_at_once_with_its_message(world: &World) {
    let app = world.app("media", "plex").await;
    world.break_kustomization(&app).await;
    world
        .agent()
        .run("run flux.reconcile ks media plex --timeout 1h")
        .await
        .exits(1)
        .says("kustomization path not found");
    world.mend_kustomization(&app).await;
    let line = "run flux.reconcile ks media plex";
    world.agent().run(line).await.exits(0);
}

async fn forced_upgrade_has_one_token_and_happens_once(world: &World) {
    let app = world.app("media", "sonarr").await;
    let version = |object: &Value| object["status"]["history"][0]["version"].as_i64();
    let earlier = version(&app.get(HELM_RELEASE).await).expect("a release");
    let line = "run flux.reconcile hr media sonarr --force -o json";
    let ran = world.agent().run(line).await.exits(0);
    let object = app.get(HELM_RELEASE).await;
    let token = annotation(&object, REQUESTED);
    assert_eq!(token, annotation(&object, "reconcile.fluxcd.io/forceAt"));
    assert_eq!(*token, object["status"]["lastHandledForceAt"], "{ran}");
    assert_eq!(version(&object), Some(earlier + 1), "{ran}");
}

async fn reconcile_all_ends_with_a_row_for_each(world: &World) {
    let _alone = world.exclusive().await;
    let line = "run flux.reconcile ks --all -o json";
    let ran = world.agent().run(line).await.exits(0);
    let (rows, all) = (ran.value(), world.list(KUSTOMIZATION).await);
    assert_eq!(rows.as_array().map(Vec::len), Some(all.len()), "{ran}");
    for object in &all {
        let asked = annotation(object, REQUESTED);
        assert_eq!(*asked, object["status"]["lastHandledReconcileAt"]);
    }
    let mut results = rows.as_array().into_iter().flatten();
    assert!(results.all(|row| row["result"] == "reconciled"), "{ran}");
}

async fn sync_writes_the_request_of_every_kind(world: &World) {
    let app = world.app("media", "lidarr").await;
    let cases: [(&str, Kind, &str, &str); 4] = [
        ("ks", KUSTOMIZATION, "media", "lidarr"),
        ("hr", HELM_RELEASE, "media", "lidarr"),
        ("oci", OCI_REPOSITORY, "media", "lidarr"),
        ("git", GIT_REPOSITORY, "flux-system", "flux-system"),
    ];
    for (word, kind, namespace, name) in cases {
        let earlier = world.get(kind, namespace, name).await;
        let line = format!("run flux.sync {word} {namespace} {name} -o json");
        let ran = world.agent().run(&line).await.exits(0);
        assert_eq!(ran.value()[0]["result"], "requested", "{ran}");
        let object = app.world.get(kind, namespace, name).await;
        let asked = annotation(&object, REQUESTED);
        assert!(asked.is_string(), "{ran}");
        assert_ne!(asked, annotation(&earlier, REQUESTED), "{ran}");
        world
            .until(
                &format!("Flux has seen the request of `{word}`"),
                || async {
                    let object = world.get(kind, namespace, name).await;
                    *annotation(&object, REQUESTED) == object["status"]["lastHandledReconcileAt"]
                },
            )
            .await;
    }
}

async fn sync_all_and_by_selector_reach_those_and_no_others(world: &World) {
    let _alone = world.exclusive().await;
    let asked = async || -> Vec<(String, Value)> {
        let all = world.list(HELM_RELEASE).await;
        let place = |one: &Value| {
            format!(
                "{}/{}",
                one["metadata"]["namespace"], one["metadata"]["name"]
            )
        };
        all.iter()
            .map(|one| (place(one), annotation(one, REQUESTED).clone()))
            .collect()
    };
    let changed = |before: &[(String, Value)], after: &[(String, Value)]| -> Vec<String> {
        let differs = after.iter().filter(|one| !before.contains(one));
        differs.map(|(place, _)| place.clone()).collect()
    };
    let first = asked().await;
    let line = "run flux.sync hr --selector app.kubernetes.io/name=plex -o json";
    world.agent().run(line).await.exits(0);
    let second = asked().await;
    assert_eq!(changed(&first, &second), ["\"media\"/\"plex\""]);
    let line = "run flux.sync hr --all --namespace default -o json";
    let ran = world.agent().run(line).await.exits(0);
    let third = asked().await;
    let reached = changed(&second, &third);
    assert!(reached.len() > 4, "{reached:?}");
    assert!(
        reached
            .iter()
            .all(|place| place.starts_with("\"default\"/"))
    );
    assert_eq!(ran.value().as_array().map(Vec::len), Some(reached.len()));
    let line = "run flux.sync helm-repo --all";
    world
        .agent()
        .run(line)
        .await
        .exits(1)
        .says("there are no helmrepositories");
}

async fn suspend_and_resume_leave_nothing_behind(world: &World) {
    let app = world.app("default", "atuin").await;
    for (word, kind) in [("ks", KUSTOMIZATION), ("hr", HELM_RELEASE)] {
        let before = app.state().await;
        let line = format!("run flux.suspend {word} default atuin -o json");
        let ran = world.agent().run(&line).await.exits(0);
        assert_eq!(ran.value()[0]["result"], "suspended", "{ran}");
        assert!(app.is_suspended(kind).await);
        let again = world.agent().run(&line).await.exits(0);
        assert!(again.events_named("changed").is_empty(), "{again}");
        let line = format!("run flux.resume {word} default atuin -o json");
        let ran = world.agent().run(&line).await.exits(0);
        assert_eq!(ran.value()[0]["result"], "resumed", "{ran}");
        assert!(is_ready(&app.get(kind).await), "{ran}");
        app.gets_as_but(&before, &["/metadata/annotations", "/spec/suspend"])
            .await;
        assert!(!app.is_suspended(kind).await);
    }
}

async fn suspended_by_others_is_told_and_resumed(world: &World) {
    let app = world.app("default", "mealie").await;
    app.merge(HELM_RELEASE, json!({"spec": {"suspend": true}}))
        .await;
    let line = "run flux.status hr default -o json";
    let ran = world.agent().run(line).await.exits(0);
    let rows = ran.value();
    let row = rows.as_array().into_iter().flatten();
    let row = row.clone().find(|row| row["name"] == "mealie");
    let row = row.unwrap_or_else(|| panic!("no row in {ran}"));
    assert_eq!(row["ready"], "suspended", "{ran}");
    assert_eq!(row["suspended-by"], "a-person", "{ran}");
    let line = "run flux.resume hr default mealie";
    world.agent().run(line).await.exits(0);
    assert!(!app.is_suspended(HELM_RELEASE).await);
}
