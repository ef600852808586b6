//! A pod is moved away as far as its disruption budgets allow it.

use agent_core::call::Goal;
use agent_core::effect::Verb;
use agent_core::event::Outcome;
use agent_core::failure::Kind;
use agent_core::journal::Entry;
use agent_core::record::Record;
use agent_sandbox::{Failure as Fault, Match};
use serde_json::{Value, json};

use crate::act::{act, changed, plan, step, undo};
use crate::guests;
use crate::world::{LIMITS, World, finish};

/// The ReplicaSet of the pod that has one.
const SET: &str = "3b7c3a7e-0000-4000-8000-000000000000";

fn pod(name: &str, owner: Option<&str>) -> Value {
    let owners = owner.map(|name| {
        json!([{
            "apiVersion": "apps/v1", "kind": "ReplicaSet", "name": name, "uid": SET, "controller": true,
        }])
    });
    json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": name, "namespace": "default", "labels": {"app": name}, "ownerReferences": owners.unwrap_or_default()},
        "spec": {"containers": [{"name": "app", "image": "app"}]},
        "status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]},
    })
}

fn budget(allowed: u64) -> Value {
    json!({
        "apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": {"name": "careful", "namespace": "default", "generation": 1},
        "spec": {"minAvailable": 1, "selector": {"matchLabels": {"app": "owned"}}},
        "status": {
            "observedGeneration": 1, "disruptionsAllowed": allowed, "currentHealthy": 1, "desiredHealthy": 1, "expectedPods": 1,
        },
    })
}

async fn world() -> World {
    let world = World::with_cluster(LIMITS).await;
    let labels = json!({"app": "owned"});
    let set = json!({
        "apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": {"name": "set", "namespace": "default", "uid": SET},
        "spec": {
            "replicas": 1, "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "app", "image": "app"}]}},
        },
    });
    world.load(vec![set, pod("owned", Some("set")), pod("bare", None)]);
    world
}

fn evict(name: &str) -> Value {
    step("evict", "pods.v1", name, json!(null))
}

fn is_going(world: &World, name: &str) -> bool {
    let pod = world.cluster().object("", "pods", "default", name);
    pod.is_none_or(|pod| pod.pointer("/metadata/deletionTimestamp").is_some())
}

/// How often the server was asked for it.
fn asked(world: &World) -> usize {
    let asked = world.cluster().requests();
    let asked = asked.iter().filter(|seen| seen.path.ends_with("/eviction"));
    asked.count()
}

fn until_announced(record: &Record) -> Vec<Entry> {
    let entries = record.entries.iter().map(|noted| noted.entry.clone());
    entries
        .take_while(|entry| !matches!(entry, Entry::Result { .. }))
        .collect()
}

guests! {
    "evict": async fn pod_that_a_controller_makes_anew_may_be_evicted_without_destroying() {
        let world = world().await;
        let steps = [evict("owned"), evict("bare"), evict("gone")];
        let ended = act(&world, "guests.act", &steps).await;
        assert_eq!(ended.value(), &json!(["cluster.riskier", "cluster.riskier", "done"]));
        assert!(!is_going(&world, "owned"));
        let ended = act(&world, "guests.evict", &steps).await;
        assert_eq!(ended.value(), &json!(["done", "cluster.riskier", "done"]));
        assert!(is_going(&world, "owned") && !is_going(&world, "bare"));
        let effect = changed(&ended)[0];
        assert_eq!((effect.verb.clone(), effect.target.to_string().as_str()), (Verb::EVICT, "pods default/owned"));
        let undone = undo(&world, &world.last_record()).await;
        let Outcome::Undone { irreversible, .. } = &undone.outcome else {
            panic!("{undone:?}");
        };
        assert_eq!(irreversible, &["pods default/owned was evicted"]);
        let ended = act(&world, "guests.act-when-asked", &[evict("bare")]).await;
        assert_eq!(ended.value(), &json!(["done"]));
        assert!(is_going(&world, "bare"));
    }
}

#[tokio::test]
async fn budget_that_refuses_is_a_conflict_and_an_overload_is_waited_for() {
    let world = world().await;
    world.load(vec![budget(0)]);
    let mut must = evict("owned");
    must["must"] = json!(true);
    for ended in [
        plan(&world, "guests.evict", &[must.clone()]).await,
        act(&world, "guests.evict", &[must]).await,
    ] {
        let failure = ended.failure();
        let told = (failure.kind, failure.code.as_str(), failure.retry_after_ms);
        assert_eq!(
            told,
            (Kind::Conflict, "cluster.disruption-budget", Some(5_000))
        );
        let details = failure.details.as_ref().expect("the budgets");
        assert_eq!(details["budgets"][0]["name"], "careful");
    }
    assert_eq!(asked(&world), 2, "once for each run");
    assert!(!is_going(&world, "owned"));
    world.load(vec![budget(1)]);
    world.cluster().fail_next(
        1,
        Match::new("POST", "/eviction"),
        Fault::TooManyRequests(0),
    );
    let ended = act(&world, "guests.evict", &[evict("owned")]).await;
    assert_eq!(ended.value(), &json!(["done"]));
    assert!(is_going(&world, "owned"));
}

#[tokio::test]
async fn eviction_is_planned_without_being_done() {
    let world = world().await;
    world.load(vec![budget(1)]);
    let planned = plan(&world, "guests.evict", &[evict("owned"), evict("owned")]).await;
    assert_eq!(planned.value(), &json!(["done", "done"]));
    let verbs = planned
        .plan()
        .effects
        .iter()
        .map(|effect| effect.verb.clone());
    assert_eq!(verbs.collect::<Vec<_>>(), [Verb::EVICT]);
    assert!(!is_going(&world, "owned"));
    let careful = world
        .cluster()
        .object("policy", "poddisruptionbudgets", "default", "careful");
    assert_eq!(careful.expect("there")["status"]["disruptionsAllowed"], 1);
    let applied = world.apply(planned.plan()).await.expect("begins");
    assert_eq!(applied.value(), &json!(["done", "done"]));
    assert!(is_going(&world, "owned"));
}

#[tokio::test]
async fn eviction_whose_answer_was_lost_is_known_by_the_uid() {
    let world = world().await;
    world.load(vec![budget(1)]);
    world
        .cluster()
        .fail_next(1, Match::new("POST", "/eviction"), Fault::DropAfter);
    let ended = act(&world, "guests.evict", &[evict("owned")]).await;
    assert_eq!(ended.value(), &json!(["done"]));
    let record = world.last_record();
    let asked_before = asked(&world);
    // Gone, and then another pod of that name, which the budget would not let go.
    for there in [vec![], vec![pod("owned", Some("set")), budget(0)]] {
        world.load(there);
        let known = until_announced(&record);
        let resumed = finish(world.resume(&record.begun, known, Goal::Finish).await).await;
        assert_eq!(resumed.value(), &json!(["done"]));
        assert_eq!(asked(&world), asked_before, "it is not asked for again");
    }
    // Still there: it has not happened.
    let world = self::world().await;
    let owned = world.cluster().object("", "pods", "default", "owned");
    act(&world, "guests.evict", &[evict("owned")]).await;
    let record = world.last_record();
    world.load(vec![owned.expect("there")]);
    let known = until_announced(&record);
    let resumed = finish(world.resume(&record.begun, known, Goal::Finish).await).await;
    assert_eq!(resumed.value(), &json!(["done"]));
    assert!(is_going(&world, "owned"));
    assert_eq!(asked(&world), 2);
}
