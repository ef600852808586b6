//! A status and a scale are types of their own: read, changed, held, planned, put back and taken up again through their subresources, by rights of
//! their own.

use agent_core::call::Goal;
use agent_core::journal::Entry;
use agent_core::record::Record;
use serde_json::{Value, json};

use crate::act::{act, changed, plan, step, undo};
use crate::world::{LIMITS, World, finish};

const THING: &str = "things.v1.example.org";
const STATUS: &str = "things.v1.example.org/status";
const SCALE: &str = "things.v1.example.org/scale";
const POD_STATUS: &str = "pods.v1/status";

/// A cluster with a thing whose type has these subresources.
async fn world(subresources: Value) -> World {
    let world = World::with_cluster(LIMITS).await;
    let free = json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true});
    let names =
        json!({"plural": "things", "singular": "thing", "kind": "Thing", "listKind": "ThingList"});
    let version = json!({
        "name": "v1", "served": true, "storage": true, "subresources": subresources,
        "schema": {"openAPIV3Schema": {"type": "object", "properties": {"spec": free, "status": free}}},
    });
    let definition = json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": {"name": "things.example.org"},
        "spec": {"group": "example.org", "scope": "Namespaced", "names": names, "versions": [version]},
    });
    let thing = json!({
        "apiVersion": "example.org/v1", "kind": "Thing", "metadata": {"name": "thing", "namespace": "default"},
        "spec": {"replicas": 3}, "status": {"phase": "Ready", "replicas": 3},
    });
    let pod = json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "plex", "namespace": "default"},
        "spec": {"containers": [{"name": "plex", "image": "plex"}]}, "status": {"phase": "Running"},
    });
    world.load(vec![definition, thing, pod]);
    world
}

async fn whole() -> World {
    let scale =
        json!({"specReplicasPath": ".spec.replicas", "statusReplicasPath": ".status.replicas"});
    world(json!({"status": {}, "scale": scale})).await
}

fn thing(world: &World) -> Value {
    let thing = world
        .cluster()
        .object("example.org", "things", "default", "thing")
        .expect("there");
    json!({"spec": thing["spec"], "status": thing["status"]})
}

fn phase(phase: &str) -> Value {
    json!({"status": {"phase": phase}})
}

fn replicas(count: u64) -> Value {
    json!({"spec": {"replicas": count}})
}

#[tokio::test]
async fn part_of_an_object_is_changed_and_put_back_through_its_subresource() {
    let world = whole().await;
    let before = thing(&world);
    for (of, body, path) in [
        (STATUS, phase("Mine"), "/status/phase"),
        (SCALE, replicas(0), "/spec/replicas"),
    ] {
        let held = act(
            &world,
            "guests.act",
            &[step("hold", of, "thing", body.clone())],
        )
        .await;
        assert_eq!(held.value(), &json!([true]), "{of}");
        let effect = changed(&held)[0];
        assert_eq!(effect.target.of.to_string(), of);
        assert_eq!(effect.fields[0].path, path);
        assert_eq!(thing(&world), before, "{of}");
        let patched = act(
            &world,
            "guests.act",
            &[step("patch", of, "thing", body.clone())],
        )
        .await;
        assert_eq!(patched.value(), &json!(["done"]), "{of}");
        assert_eq!(thing(&world).pointer(path), body.pointer(path), "{of}");
        let undone = undo(&world, &world.last_record()).await;
        assert_eq!(undone.put_back().len(), 1, "{of}");
        assert_eq!(thing(&world), before, "{of}");
    }
}

#[tokio::test]
async fn manifest_of_a_part_is_applied_in_the_version_that_the_part_speaks() {
    let world = whole().await;
    // Its author need not know it either.
    let scale = json!({
        "apiVersion": "example.org/v1", "kind": "Scale", "metadata": {"name": "thing", "namespace": "default"}, "spec": {"replicas": 1},
    });
    let status = json!({
        "apiVersion": "example.org/v1", "kind": "Thing", "metadata": {"name": "thing", "namespace": "default"}, "status": {"note": "mine"},
    });
    let steps = [
        step("apply", SCALE, "thing", scale),
        step("apply", STATUS, "thing", status),
    ];
    let ended = act(&world, "guests.act", &steps).await;
    assert_eq!(ended.value(), &json!(["done", "done"]));
    assert_eq!(thing(&world)["spec"]["replicas"], 1);
    assert_eq!(thing(&world)["status"]["note"], "mine");
    let absent = json!({
        "apiVersion": "example.org/v1", "kind": "Thing", "metadata": {"name": "gone", "namespace": "default"}, "status": {"note": "mine"},
    });
    let ended = act(
        &world,
        "guests.act",
        &[step("apply", STATUS, "gone", absent)],
    )
    .await;
    assert_eq!(
        ended.value(),
        &json!(["cluster.not-found"]),
        "no part makes its object"
    );
}

#[tokio::test]
async fn what_would_be_left_out_without_a_word_names_the_type_that_takes_it() {
    let world = whole().await;
    let before = thing(&world);
    let labelled = json!({"metadata": {"labels": {"a": "b"}}});
    for (of, body, said, hint) in [
        (
            THING,
            phase("Mine"),
            "`status.phase` of things default/thing",
            STATUS,
        ),
        (
            STATUS,
            replicas(1),
            "`spec.replicas` of things/status default/thing",
            THING,
        ),
        (
            STATUS,
            labelled,
            "`metadata.labels.a` of things/status",
            THING,
        ),
        (
            SCALE,
            json!({"status": {"replicas": 9}}),
            "`status.replicas` of things/scale",
            THING,
        ),
    ] {
        let mut step = step("patch", of, "thing", body);
        step["must"] = json!(true);
        let ended = act(&world, "guests.act", &[step]).await;
        let failure = ended.failure();
        assert_eq!(failure.code, "cluster.invalid");
        assert!(failure.message.starts_with(said), "{failure:?}");
        let hint = format!("patch it as the type {hint}");
        assert_eq!(failure.hint.as_deref(), Some(hint.as_str()));
    }
    assert_eq!(thing(&world), before);
}

#[tokio::test]
async fn only_what_the_server_has_as_an_object_is_asked_for() {
    let world = world(json!({})).await;
    let read = |of: &str| step("read", of, "thing", json!(null));
    let steps = [
        read(STATUS),
        step("patch", SCALE, "thing", replicas(0)),
        read("pods.v1/exec"),
        read("pods.v1/log"),
        step("create", "serviceaccounts.v1/token", "default", json!({})),
        step("patch", "nodes.v1/proxy", "thing", json!({})),
    ];
    let ended = act(&world, "guests.act", &steps).await;
    let served = "cluster.no-such-resource";
    let action = "cluster.invalid";
    assert_eq!(
        ended.value(),
        &json!([served, served, action, action, action, action])
    );
    let asked = world.cluster().requests();
    let below = asked.iter().filter(|seen| seen.path.contains("/thing"));
    assert_eq!(below.count(), 0, "{asked:?}");
}

#[tokio::test]
async fn right_to_an_object_is_none_to_a_part_of_it() {
    let world = whole().await;
    let steps = [
        step("patch", STATUS, "thing", phase("Mine")),
        step("patch", SCALE, "thing", replicas(0)),
        step("patch", THING, "thing", replicas(2)),
    ];
    let ended = act(&world, "guests.act-when-asked", &steps).await;
    let denied = "cluster.not-granted";
    assert_eq!(ended.value(), &json!([denied, denied, "done"]));
    let refused = ended.lines().into_iter().map(|(_, line)| line.to_owned());
    let refused: Vec<String> = refused.filter(|line| line.starts_with("refused")).collect();
    assert!(
        refused[0].contains("may not patch `/status/phase` of `things/status`"),
        "{refused:?}"
    );
}

#[tokio::test]
async fn plan_has_the_part_and_is_applied_through_it() {
    let world = whole().await;
    let before = thing(&world);
    let steps = [
        step("patch", STATUS, "thing", phase("Mine")),
        step("read", THING, "thing", json!(null)),
        step("patch", SCALE, "thing", replicas(1)),
        step(
            "patch",
            POD_STATUS,
            "plex",
            json!({"status": {"message": "mine"}}),
        ),
    ];
    let planned = plan(&world, "guests.act", &steps).await;
    assert_eq!(
        planned.value()[1]["status"]["phase"],
        "Mine",
        "a later look sees it"
    );
    assert_eq!(thing(&world), before);
    let targets = planned.plan().effects.iter();
    let targets: Vec<String> = targets.map(|effect| effect.target.to_string()).collect();
    assert_eq!(
        targets,
        [
            "things/status default/thing",
            "things/scale default/thing",
            "pods/status default/plex"
        ]
    );
    let applied = world.apply(planned.plan()).await.expect("begins");
    assert_eq!(applied.value()[0], "done");
    assert_eq!(
        thing(&world),
        json!({"spec": {"replicas": 1}, "status": {"phase": "Mine", "replicas": 3}})
    );
}

#[tokio::test]
async fn change_of_a_part_whose_answer_was_lost_is_finished_and_taken_back() {
    let until_announced = |record: &Record| -> Vec<Entry> {
        let entries = record.entries.iter().map(|noted| noted.entry.clone());
        entries
            .take_while(|entry| !matches!(entry, Entry::Result { .. }))
            .collect()
    };
    for to in [Goal::Finish, Goal::Undo] {
        let world = whole().await;
        let before = thing(&world);
        let steps = [step("patch", SCALE, "thing", replicas(0))];
        act(&world, "guests.act", &steps).await;
        let record = world.last_record();
        let known = until_announced(&record);
        let ended = finish(world.resume(&record.begun, known, to).await).await;
        assert_eq!(ended.outcome.exit_code(), 0, "{:?}", ended.outcome);
        let replicas = thing(&world)["spec"]["replicas"].clone();
        match to {
            Goal::Finish => assert_eq!(replicas, 0),
            Goal::Undo => assert_eq!(thing(&world), before),
        }
    }
}
