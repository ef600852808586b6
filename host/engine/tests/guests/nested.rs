//! Operations that operations call.

use agent_core::Agent as _;
use agent_core::agent::State;
use serde_json::json;

use crate::guests;
use crate::world::{LIMITS, World};

guests! {
    "call-itself": async fn calls_end_at_the_limit_of_their_depth() {
        let ended = World::new().beside("guests.call-itself").await;
        assert_eq!(ended.failure().code, "operations.too-deep", "{:?}", ended.failure());
    }

    "call": async fn callee_answers_or_fails_as_a_value() {
        let world = World::with_cluster(LIMITS).await;
        for (operation, key, value) in [
            ("guests.greet", "value", json!({ "greeting": "hello, world" })),
            ("guests.trap", "code", json!("plugin.trapped")),
            ("guests.nobody", "code", json!("operations.unknown")),
            ("flux.suspend", "code", json!("operations.not-granted")),
            ("guests.write-while-reading", "code", json!("cluster.read-only")),
        ] {
            let ended = world.run_with("guests.call", json!({ "operation": operation })).await;
            assert_eq!(ended.value()[key], value, "{operation}: {}", ended.value());
        }
    }

    "call-riskier": async fn operation_that_only_reads_cannot_have_another_one_write() {
        let world = World::with_cluster(LIMITS).await;
        let ended = world.run_with("guests.call-riskier", json!({ "operation": "guests.change" })).await;
        assert_eq!(ended.value()["code"], "operations.riskier");
        assert_eq!(world.mode(), "before");
        let ended = world.run_with("guests.call-riskier", json!({ "operation": "guests.greet" })).await;
        assert_eq!(ended.value()["value"]["greeting"], "hello, world");
    }

    "hold-call": async fn what_a_callee_changed_is_put_back_when_the_caller_ends() {
        let world = World::with_cluster(LIMITS).await;
        let ended = world.run_with("guests.hold-call", json!({ "operation": "guests.change" })).await;
        assert_eq!(ended.value()["changed"], true);
        assert_eq!(world.mode(), "before");
        let written = world.cluster().requests().iter().filter(|seen| seen.method == "PATCH").count();
        assert_eq!(written, 2, "changed, and put back");
    }

    "keep-call": async fn what_a_callee_keeps_of_its_own_callee_stands_for_as_long_as_its_caller_holds_it() {
        stands_while_held("guests.keep-call", "changed").await;
    }
}

/// Asserts that what an operation keeps stays, and that the hold of a caller over it ends with the caller and no sooner.
pub(crate) async fn stands_while_held(operation: &str, mode: &str) {
    let world = World::with_cluster(LIMITS).await;
    let planned = world.plan(operation).await;
    let plan = planned.plan();
    assert!(plan.effects.iter().all(|effect| !effect.temporary));
    world.apply(plan).await.expect("is as planned").value();
    assert_eq!(world.mode(), mode, "it is kept");
    let world = World::with_cluster(LIMITS).await;
    let arguments = json!({ "operation": operation });
    let ended = world.run_with("guests.hold-call", arguments).await;
    assert_eq!(ended.value(), &json!({ "changed": true, "mode": mode }));
    assert_eq!(world.mode(), "before", "the caller has let go");
    let requests = world.cluster().requests();
    let written = requests.iter().filter(|seen| seen.method == "PATCH");
    assert_eq!(written.count(), 2, "changed, and put back");
}

#[tokio::test]
async fn what_a_callee_held_is_put_back_before_the_caller_goes_on() {
    let world = World::with_cluster(LIMITS).await;
    let ended = world
        .run_with(
            "guests.call",
            json!({ "operation": "guests.hold-and-trap" }),
        )
        .await;
    assert_eq!(ended.value()["code"], "plugin.trapped");
    assert_eq!(world.mode(), "before");
}

#[tokio::test]
async fn descriptor_of_the_guests_tells_what_they_are() {
    let plugins = World::new().agent.plugins().await.expect("lists");
    let State::Usable(usable) = &plugins[0].state else {
        panic!("{plugins:?}");
    };
    assert!(usable.missing.is_empty());
    assert!(
        usable
            .imports
            .iter()
            .any(|import| import.starts_with("ops:cluster/cluster@")),
        "{:?}",
        usable.imports
    );
    assert!(
        !usable
            .imports
            .iter()
            .any(|import| import.contains("sockets")),
        "{:?}",
        usable.imports
    );
}
