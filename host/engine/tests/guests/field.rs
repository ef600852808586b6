//! What a plugin may set of an object: the fields that it was granted, however it is written, and for good only what it was granted to signal.

use agent_core::effect::Verb;
use agent_core::event::Outcome;
use serde_json::{Value, json};

use crate::act::{CLAIM, THING, act, changed, plan, spec, step, undo, world};
use crate::guests;
use crate::world::World;

const DEPLOYMENT: &str = "deployments.v1.apps";
const WITHIN: &str = "guests.act-within";

fn containers(image: &str) -> Value {
    json!([{"name": "app", "image": image}])
}

async fn with_deployment() -> World {
    let world = world().await;
    let labels = json!({"app": "app"});
    world.load(vec![json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "app", "namespace": "default"},
        "spec": {"replicas": 1, "selector": {"matchLabels": labels}, "template": {
            "metadata": {"labels": labels}, "spec": {"containers": containers("good")},
        }},
    })]);
    world
}

fn deployment(world: &World) -> Value {
    let found = world
        .cluster()
        .object("apps", "deployments", "default", "app");
    found.expect("there")["spec"].clone()
}

fn applied(spec: Value) -> Value {
    json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "app", "namespace": "default"}, "spec": spec})
}

fn thing(spec: Value) -> Value {
    json!({"apiVersion": "example.org/v1", "kind": "Thing", "metadata": {"name": "thing", "namespace": "default"}, "spec": spec})
}

guests! {
    "act-within": async fn right_to_one_field_sets_no_other_however_it_is_written() {
        let world = with_deployment().await;
        let before = deployment(&world);
        let image = || json!({"template": {"spec": {"containers": containers("evil")}}});
        let patches = [
            image(),
            json!({"replicas": 0, "template": image()["template"]}),
            json!({"template": null}),
            json!({"template": {"spec": null}}),
            json!({"template": {"spec": {"containers": null}}}),
            json!({"template": {"spec": {"containers": []}}}),
            json!({"template": {"spec": {"containers": {"0": {"image": "evil"}}}}}),
            json!({"template": "none"}),
            json!({"template": []}),
            json!({"template": {}}),
            json!({"paused": true}),
            json!(null),
            json!({}),
        ];
        let mut steps = Vec::new();
        for spec in patches {
            steps.push(step("patch", DEPLOYMENT, "app", json!({"spec": spec})));
            steps.push(step("hold", DEPLOYMENT, "app", json!({"spec": spec})));
            if !spec.is_null() {
                steps.push(step("apply", DEPLOYMENT, "app", applied(spec)));
            }
        }
        steps.push(step("patch", DEPLOYMENT, "app", json!({})));
        steps.push(step("patch", DEPLOYMENT, "app", json!({"metadata": {"labels": {"a": "b"}}})));
        let refused = json!(vec!["cluster.not-granted"; steps.len()]);
        assert_eq!(plan(&world, WITHIN, &steps).await.value(), &refused);
        assert_eq!(act(&world, WITHIN, &steps).await.value(), &refused);
        assert_eq!(deployment(&world), before);
        let scale = |to: i64| json!({"spec": {"replicas": to}});
        let steps = [
            step("patch", DEPLOYMENT, "app", scale(2)),
            step("hold", DEPLOYMENT, "app", scale(3)),
            step("apply", DEPLOYMENT, "app", applied(json!({"replicas": 4}))),
        ];
        let ended = act(&world, WITHIN, &steps).await;
        assert_eq!(ended.value(), &json!(["done", true, "done"]));
        assert_eq!(deployment(&world)["template"], before["template"]);
    }

    "act-within": async fn operations_of_a_json_patch_need_rights_to_all_that_they_name() {
        let world = with_deployment().await;
        let before = deployment(&world);
        let image = "/spec/template/spec/containers/0/image";
        let scale = json!({"op": "replace", "path": "/spec/replicas", "value": 2});
        let patches = [
            json!([{"op": "replace", "path": image, "value": "evil"}]),
            json!([{"op": "add", "path": "/spec/template/spec/containers/-", "value": {"name": "evil", "image": "evil"}}]),
            json!([{"op": "remove", "path": "/spec/template"}]),
            json!([{"op": "replace", "path": "/spec", "value": {"replicas": 2}}]),
            json!([{"op": "add", "path": "", "value": {}}]),
            // What these tell of another field, nobody has granted.
            json!([{"op": "test", "path": image, "value": "good"}, scale]),
            json!([{"op": "copy", "from": image, "path": "/spec/replicas"}]),
            json!([{"op": "move", "from": "/spec/paused", "path": "/spec/replicas"}]),
        ];
        let mut steps = Vec::new();
        for patch in patches {
            steps.push(step("patch", DEPLOYMENT, "app", patch.clone()));
            steps.push(step("hold", DEPLOYMENT, "app", patch.clone()));
            let mut rehearsal = step("patch", DEPLOYMENT, "app", patch);
            rehearsal["rehearsed"] = json!(true);
            steps.push(rehearsal);
        }
        let refused = json!(vec!["cluster.not-granted"; steps.len()]);
        assert_eq!(plan(&world, WITHIN, &steps).await.value(), &refused);
        assert_eq!(act(&world, WITHIN, &steps).await.value(), &refused);
        assert_eq!(deployment(&world), before);
        let own = json!([{"op": "test", "path": "/spec/replicas", "value": 1}, scale]);
        let ended = act(&world, WITHIN, &[step("patch", DEPLOYMENT, "app", own)]).await;
        assert_eq!(ended.value(), &json!(["done"]));
        assert_eq!(deployment(&world)["replicas"], 2);
    }

    "act-within": async fn right_to_a_type_is_none_to_its_subresource() {
        let world = with_deployment().await;
        let scale = step("patch", "deployments.v1.apps/scale", "app", json!({"spec": {"replicas": 3}}));
        let ended = act(&world, WITHIN, &[scale]).await;
        assert_eq!(ended.value(), &json!(["cluster.not-granted"]));
        assert_eq!(deployment(&world)["replicas"], 1);
    }

    "act-within": async fn what_a_patch_meets_instead_of_an_object_needs_a_right_as_well() {
        let world = world().await;
        let before = spec(&world);
        let mut steps = Vec::new();
        // The right is to something below, and the object has a number and a list there.
        for spec in [json!({"number": {"inner": 1}}), json!({"list": {"inner": 1}})] {
            steps.push(step("patch", THING, "thing", json!({"spec": spec})));
            steps.push(step("hold", THING, "thing", json!({"spec": spec})));
            steps.push(step("apply", THING, "thing", thing(spec)));
        }
        let refused = json!(vec!["cluster.not-granted"; steps.len()]);
        let planned = plan(&world, WITHIN, &steps).await;
        assert_eq!(planned.value(), &refused);
        assert_eq!(act(&world, WITHIN, &steps).await.value(), &refused);
        assert_eq!(spec(&world), before);
    }

    "act-within": async fn application_removes_only_what_it_has_a_right_to() {
        let world = world().await;
        let all = step("apply", THING, "thing", thing(json!({"text": "a", "number": 8, "more": 1})));
        act(&world, "guests.act", &[all]).await.value();
        let before = spec(&world);
        assert_eq!((&before["number"], &before["more"]), (&json!(8), &json!(1)));
        // All plugins are one manager to the server, which removes what is not in the manifest any more.
        let less = step("apply", THING, "thing", thing(json!({"text": "b"})));
        let ended = act(&world, WITHIN, &[less]).await;
        assert_eq!(ended.value(), &json!(["cluster.not-granted"]));
        assert_eq!(spec(&world), before);
    }

    "act-within": async fn missing_right_to_a_field_is_named_with_the_command_that_grants_it() {
        let world = with_deployment().await;
        let must = |mut step: Value| {
            step["must"] = json!(true);
            step
        };
        let labels = json!({"metadata": {"labels": {"a/b": "c"}}});
        let two = json!({"spec": {"replicas": 0, "paused": true, "template": null}});
        let read = json!({"do": "read", "of": CLAIM, "name": "other"});
        let table = [
            (
                step("patch", DEPLOYMENT, "app", labels),
                "patch `/metadata/labels/a~1b` of `deployments` in namespace `default`",
                "'cluster:patch:deployments.apps#/metadata/labels/a~1b:default'",
            ),
            (
                step("hold", DEPLOYMENT, "app", two),
                "patch `/spec/paused` and 1 more fields of `deployments` in namespace `default`",
                "'cluster:patch:deployments.apps#/spec/paused:default' 'cluster:patch:deployments.apps#/spec/template:default'",
            ),
            (
                step("patch", CLAIM, "data", json!({"spec": {"a": 1}})),
                "patch `/spec/a` of `persistentvolumeclaims` in namespace `default`",
                "'cluster:patch:persistentvolumeclaims#/spec/a:default'",
            ),
            (
                step("patch", DEPLOYMENT, "app", json!({})),
                "patch `deployments` in namespace `default`",
                "cluster:patch:deployments.apps:default",
            ),
            (
                read,
                "get `persistentvolumeclaims` `other` in namespace `default`",
                "cluster:get:persistentvolumeclaims:default/other",
            ),
        ];
        for (step, what, rights) in table {
            let ended = act(&world, WITHIN, &[must(step)]).await;
            let failure = ended.failure();
            assert_eq!(failure.message, format!("plugin `guests` may not {what}"));
            let hint = failure.hint.as_ref().expect("a hint").to_string();
            let wanted = format!("request it in the plugin.toml of the plugin, then: agent plugin grant guests {rights}");
            assert_eq!(hint, wanted);
        }
        let read = json!({"do": "read", "of": CLAIM, "name": "data", "must": true});
        act(&world, WITHIN, &[read]).await.value();
    }

    "act-within": async fn signal_sets_for_good_what_was_granted_and_nothing_else() {
        let world = with_deployment().await;
        let annotated = |name: &str| json!({"metadata": {"annotations": {name: "t"}}});
        let restart = json!({"spec": {"template": annotated("kubectl.kubernetes.io/restartedAt")}});
        let steps = [
            step("signal", THING, "thing", json!({"spec": {"now": "t"}})),
            step("signal", THING, "thing", annotated("example.org/now")),
            step("signal", DEPLOYMENT, "app", restart),
        ];
        let ended = act(&world, WITHIN, &steps).await;
        assert_eq!(ended.value(), &json!(["done", "done", "done"]));
        let verbs: Vec<Verb> = changed(&ended).iter().map(|effect| effect.verb.clone()).collect();
        assert_eq!(verbs, [Verb::SIGNAL, Verb::SIGNAL, Verb::SIGNAL]);
        let requests = world.cluster().requests();
        let reads = requests.iter().filter(|seen| seen.method == "GET" && (seen.path.ends_with("/things/thing") || seen.path.ends_with("/deployments/app")));
        assert_eq!(reads.count(), 0, "a signal costs no read");
        let undone = undo(&world, &world.last_record()).await;
        assert_eq!(undone.put_back().len(), 0);
        assert_eq!(spec(&world)["now"], "t");
        let before = (spec(&world), deployment(&world));
        let refused = [
            (THING, "thing", json!({"spec": {"text": "lost"}}), "cluster.no-signal"),
            (THING, "thing", json!({"spec": {"now": "u", "text": "lost"}}), "cluster.no-signal"),
            (THING, "thing", json!({"spec": {"now": null}}), "cluster.no-signal"),
            (THING, "thing", json!({"spec": {"now": {}}}), "cluster.no-signal"),
            (THING, "thing", json!({"spec": null}), "cluster.no-signal"),
            (THING, "thing", json!({"metadata": {"finalizers": []}}), "cluster.no-signal"),
            // One that it may neither signal nor patch.
            (THING, "thing", annotated("note"), "cluster.not-granted"),
            (DEPLOYMENT, "app", json!({"spec": {"replicas": 0}}), "cluster.no-signal"),
            (DEPLOYMENT, "app", json!({"spec": {"template": annotated("note")}}), "cluster.not-granted"),
            // It was granted, and removes what has it.
            (THING, "thing", annotated("agent.ops/effect"), "cluster.riskier"),
        ];
        for (of, name, body, code) in refused {
            let ended = act(&world, WITHIN, &[step("signal", of, name, body.clone())]).await;
            assert_eq!(ended.value(), &json!([code]), "{body}");
        }
        assert_eq!((spec(&world), deployment(&world)), before);
    }
}

#[tokio::test]
async fn plan_does_not_rest_on_what_its_plugin_signals_or_ignores() {
    let annotated = |name: &str| json!({"metadata": {"annotations": {name: "later"}}});
    for (changed, outdated) in [
        (json!({"spec": {"now": "later"}}), false),
        (json!({"spec": {"seen": {"at": "later"}}}), false),
        (annotated("example.org/now"), false),
        (annotated("note"), true),
        (json!({"spec": {"text": "later"}}), true),
        (json!({"spec": {"now": "later", "other": "later"}}), true),
    ] {
        let world = world().await;
        let steps = [
            json!({"do": "read", "of": THING, "name": "thing"}),
            step("patch", THING, "thing", json!({"spec": {"number": 9}})),
        ];
        let planned = plan(&world, "guests.act", &steps).await;
        let meanwhile = [step("patch", THING, "thing", changed.clone())];
        act(&world, "guests.act", &meanwhile).await.value();
        let ended = world.apply(planned.plan()).await;
        match (ended, outdated) {
            (Ok(ended), false) => {
                assert!(matches!(ended.outcome, Outcome::Done { .. }), "{changed}");
                assert_eq!(spec(&world)["number"], 9);
            }
            (Err(refused), true) => assert_eq!(refused.code, "plan.outdated", "{changed}"),
            (other, _) => panic!("{changed}: {:?}", other.map(|ended| ended.outcome)),
        }
    }
}

/// Only the spec tells that something has changed which nobody has read.
#[tokio::test]
async fn plan_rests_on_the_spec_beside_what_does_not_count() {
    for (changed, outdated) in [
        (json!({"spec": {"now": "later"}}), false),
        (json!({"spec": {"text": "later"}}), true),
    ] {
        let world = world().await;
        let steps = [step(
            "patch",
            THING,
            "thing",
            json!({"spec": {"number": 9}}),
        )];
        let planned = plan(&world, "guests.act", &steps).await;
        let meanwhile = [step("patch", THING, "thing", changed.clone())];
        act(&world, "guests.act", &meanwhile).await.value();
        assert_eq!(
            world.apply(planned.plan()).await.is_err(),
            outdated,
            "{changed}"
        );
    }
}
