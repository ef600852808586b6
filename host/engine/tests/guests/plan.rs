//! A plan says what the run does that applies it, and that run does nothing else.

use agent_capability::cluster::ground::RestsOn;
use agent_core::effect::Verb;
use agent_core::event::Event;
use agent_core::plan::Plan;

use crate::guests;
use crate::world::{Ended, LIMITS, World};

/// What is done to objects, in order, and whether it is put back.
fn done(plan: &Plan) -> Vec<(Verb, &str, bool)> {
    let effects = plan.effects.iter();
    effects
        .map(|effect| {
            let name = effect.target.name.split('-').next().unwrap_or_default();
            (effect.verb.clone(), name, effect.temporary)
        })
        .collect()
}

/// What a plan rests on in the cluster.
pub(crate) fn rests_on(plan: &Plan) -> RestsOn {
    serde_json::from_value(plan.rests_on["cluster"].clone()).expect("what it rests on")
}

fn changes(ended: &Ended) -> usize {
    let changed = ended.events.iter();
    changed
        .filter(|event| matches!(event, Event::Changed { .. }))
        .count()
}

async fn causes_of_refusal(world: &World, plan: &Plan) -> Vec<String> {
    let refused = world.apply(plan).await.expect_err("outdated");
    assert_eq!(refused.code, "plan.outdated");
    refused.causes
}

guests! {
    "change-often": async fn plan_sees_what_it_has_changed_before() {
        let world = World::with_cluster(LIMITS).await;
        world.set_map("spare", "spare").await;
        let planned = world.plan("guests.change-often").await;
        let seen = ["settings kept", "settings held", "settings kept", "spare absent", "spare made"];
        assert_eq!(planned.value(), &serde_json::json!(seen));
        assert_eq!(world.mode(), "before");
        let plan = planned.plan();
        assert_eq!(done(plan), [
            (Verb::PATCH, "settings", false),
            (Verb::PATCH, "settings", true),
            (Verb::CREATE, "made", false),
            (Verb::APPLY, "made", false),
            (Verb::SIGNAL, "made", false),
            (Verb::DELETE, "made", false),
            (Verb::DELETE, "spare", false),
            (Verb::CREATE, "spare", false),
        ]);
        let applied = world.apply(plan).await.expect("is as planned");
        assert_eq!(applied.value(), &serde_json::json!(seen));
        assert_eq!(changes(&applied), plan.effects.len());
        assert_eq!(world.mode(), "kept");
    }

    "change-all": async fn plan_rests_on_which_objects_a_list_has_found() {
        let world = World::with_cluster(LIMITS).await;
        let planned = world.plan("guests.change-all").await;
        world.set_map("newcomer", "new").await;
        assert_eq!(causes_of_refusal(&world, planned.plan()).await, ["configmaps default/newcomer: it is there now"]);
        assert_eq!(world.mode(), "before");
        let planned = world.plan("guests.change-all").await;
        assert_eq!(world.apply(planned.plan()).await.expect("is as planned").value(), 2);
    }

    "change-found": async fn plan_finds_what_it_has_made_and_not_what_it_has_removed() {
        let world = World::with_cluster(LIMITS).await;
        world.set_map("other", "other").await;
        world.set_map("spare", "spare").await;
        let planned = world.plan("guests.change-found").await;
        let seen = [
            "labelled made, settings before",
            "made made",
            "",
            "labelled round-0, made round-1, other other, settings round-0",
        ];
        assert_eq!(planned.value(), &serde_json::json!(seen));
        assert_eq!(world.mode(), "before");
        let applied = world.apply(planned.plan()).await.expect("is as planned");
        assert_eq!(applied.value(), &serde_json::json!(seen));
        assert_eq!(changes(&applied), planned.plan().effects.len());
        assert_eq!(world.mode(), "round-3");
    }

    "exceed-plan": async fn run_that_goes_beyond_its_plan_is_taken_back_with_what_was_to_stay() {
        let world = World::with_cluster(LIMITS).await;
        world.set_map("spare", "spare").await;
        let planned = world.plan("guests.exceed-plan").await;
        let applied = world.apply(planned.plan()).await.expect("begins");
        assert_eq!(applied.failure().code, "plan.not-planned");
        assert_eq!(applied.put_back().len(), 1, "{:?}", applied.outcome);
        assert_eq!(world.mode(), "before");
    }
}

#[tokio::test]
async fn plan_rests_on_the_object_that_it_removes() {
    let world = World::with_cluster(LIMITS).await;
    world.set_map("spare", "spare").await;
    let planned = world.plan("guests.change-often").await;
    let maps: kube::Api<k8s_openapi::api::core::v1::ConfigMap> =
        kube::Api::namespaced(world.client().await, "default");
    let params = kube::api::DeleteParams::default();
    maps.delete("spare", &params).await.expect("deletes");
    world.set_map("spare", "another").await;
    let causes = causes_of_refusal(&world, planned.plan()).await;
    assert_eq!(
        causes,
        ["configmaps default/spare: it is another object of that name now"]
    );
}

#[tokio::test]
async fn plan_that_rests_on_a_secret_can_be_applied() {
    let world = World::with_cluster(LIMITS).await;
    let planned = world.plan("guests.leak-and-return").await;
    let rests_on = rests_on(planned.plan()).objects;
    assert!(rests_on.iter().any(|rest| rest.target.of.is_secret()));
    world
        .apply(planned.plan())
        .await
        .expect("is as planned")
        .value();
}
