//! What a change would come to is told without any of it.

use agent_core::event::Event;
use serde_json::{Value, json};

use crate::act::{act, plan, step};
use crate::guests;
use crate::world::{LIMITS, World};

const MAP: &str = "configmaps.v1";

fn rehearsed(what: &str, name: &str, body: Value) -> Value {
    let mut step = step(what, MAP, name, body);
    step["rehearsed"] = json!(true);
    step
}

fn manifest(name: &str, mode: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": "default"}, "data": {"mode": mode},
    })
}

guests! {
    "look-ahead": async fn operation_that_only_reads_is_told_what_changes_would_come_to() {
        let world = World::with_cluster(LIMITS).await;
        let patch = json!({"data": {"mode": "after"}});
        let operations = json!([{"op": "remove", "path": "/data/mode"}]);
        let wrong = json!({"data": {"mode": {"a": "b"}}});
        let steps = [
            rehearsed("patch", "settings", patch.clone()),
            rehearsed("patch", "settings", json!({"data": {"mode": "before"}})),
            rehearsed("patch", "settings", operations),
            rehearsed("apply", "settings", manifest("settings", "applied")),
            rehearsed("apply", "new", manifest("new", "applied")),
            rehearsed("create", "new", manifest("new", "made")),
            rehearsed("create", "settings", manifest("settings", "made")),
            rehearsed("delete", "settings", json!(null)),
            rehearsed("delete", "gone", json!(null)),
            rehearsed("patch", "gone", patch.clone()),
            rehearsed("patch", "settings", wrong),
            step("patch", MAP, "settings", patch),
        ];
        let ended = act(&world, "guests.look-ahead", &steps).await;
        let told = ended.value().as_array().expect("what was told");
        let mode = |at: usize| (&told[at][0]["data"]["mode"], &told[at][1]);
        assert_eq!(mode(0), (&json!("after"), &json!(true)));
        assert_eq!(mode(1), (&json!("before"), &json!(false)));
        assert_eq!(mode(2), (&json!(null), &json!(true)));
        assert_eq!(mode(3), (&json!("applied"), &json!(true)));
        assert_eq!(mode(4), (&json!("applied"), &json!(true)));
        assert_eq!(mode(5), (&json!("made"), &json!(true)));
        assert_eq!(told[5][0].pointer("/metadata/annotations"), None, "it is no effect");
        let rest = json!([
            "cluster.already-exists", [null, true], [null, false], "cluster.not-found", "cluster.invalid", "cluster.read-only",
        ]);
        assert_eq!(json!(told[6..]), rest);
        assert_eq!(world.mode(), "before");
        assert_eq!(world.cluster().object("", "configmaps", "default", "new"), None);
        let effects = |event: &&Event| matches!(event, Event::Changed { .. } | Event::Planned { .. });
        assert_eq!(ended.events.iter().filter(effects).count(), 0);
        let asked = world.cluster().requests();
        let wrote = asked.iter().filter(|seen| seen.method != "GET" && seen.method != "DELETE");
        assert!(wrote.clone().count() > 4 && wrote.clone().all(|seen| seen.query.contains("dryRun=All")), "{asked:?}");
    }
}

#[tokio::test]
async fn rehearsal_needs_the_rights_to_the_change() {
    let world = World::with_cluster(LIMITS).await;
    let secret = json!({"data": {"password": "d3Jvbmc="}});
    let mut step = step("patch", "secrets.v1", "login", secret);
    step["rehearsed"] = json!(true);
    let ended = act(&world, "guests.look-ahead", &[step]).await;
    assert_eq!(ended.value(), &json!(["cluster.not-granted"]));
    assert_eq!(world.cluster().requests().len(), 0);
}

#[tokio::test]
async fn rehearsal_in_a_plan_sees_what_the_plan_has_made() {
    let world = World::with_cluster(LIMITS).await;
    let steps = [
        step("patch", MAP, "settings", json!({"data": {"other": "set"}})),
        rehearsed("patch", "settings", json!({"data": {"mode": "after"}})),
        step("create", MAP, "new", manifest("new", "made")),
        rehearsed("delete", "new", json!(null)),
    ];
    let planned = plan(&world, "guests.act", &steps).await;
    let told = planned.value();
    assert_eq!(told[1][0]["data"], json!({"mode": "after", "other": "set"}));
    assert_eq!(told[3], json!([null, true]));
    assert_eq!(planned.plan().effects.len(), 2, "a rehearsal is none");
}
