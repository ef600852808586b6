//! Whatever an operation may do, another one that calls it gains by it only where it may act itself.

use agent_core::call::Consent;
use agent_core::record::Filter;
use serde_json::{Value, json};

use crate::artifact;
use crate::guests;
use crate::world::{Ended, LIMITS, World, call, finish};

async fn world() -> World {
    let world = World::with_cluster(LIMITS).await;
    for (namespace, name) in [("kube-system", "settings"), ("default", "volume")] {
        world.load(vec![json!({
            "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": name, "namespace": namespace },
            "data": { "mode": "before" },
        })]);
    }
    world
}

fn elsewhere(world: &World) -> Value {
    let settings = world
        .cluster()
        .object("", "configmaps", "kube-system", "settings");
    settings.expect("there")["data"]["mode"].clone()
}

fn denied(ended: &Ended) {
    let failure = ended.failure();
    assert_eq!(failure.code, "cluster.not-granted", "{failure:?}");
}

async fn sent(world: &World, operation: &str, namespace: &str, elsewhere: &str) -> Ended {
    let arguments = json!({ "namespace": namespace, "elsewhere": elsewhere });
    world.run_with(operation, arguments).await
}

guests! {
    "list-elsewhere": async fn operation_acts_in_the_namespace_that_it_was_sent_to_only() {
        let world = world().await;
        denied(&sent(&world, "guests.list-elsewhere", "media", "kube-system").await);
        assert_eq!(sent(&world, "guests.list-elsewhere", "media", "media").await.value(), &json!(0));
    }

    "list-by-itself": async fn operation_that_calls_itself_with_another_namespace_is_still_bound_by_its_own() {
        let world = world().await;
        let ended = sent(&world, "guests.list-by-itself", "media", "kube-system").await;
        denied(&ended);
        let causes = &ended.failure().causes;
        assert!(causes.iter().any(|cause| cause.contains("was called by")), "{causes:?}");
        let lists = world.cluster().requests().into_iter().filter(|seen| seen.path.contains("/pods"));
        assert_eq!(lists.count(), 0, "nothing reached the cluster");
    }

    "write-there": async fn operation_with_a_right_everywhere_has_it_where_a_person_calls_it() {
        let world = world().await;
        let there = json!({ "namespace": "kube-system" });
        world.run_with("guests.write-there", there).await.value();
        assert_eq!(elsewhere(&world), "changed");
    }

    "have-it-written": async fn deputy_writes_nowhere_that_its_caller_may_not() {
        let world = world().await;
        let ended = world.run_with("guests.have-it-written", json!({ "namespace": "kube-system" })).await;
        denied(&ended);
        assert_eq!(elsewhere(&world), "before");
        let ended = world.run_with("guests.have-it-written", json!({ "namespace": "default" })).await;
        ended.value();
        assert_eq!(world.mode(), "changed");
    }

    "have-it-written-anywhere": async fn deputy_writes_where_the_right_to_call_it_says() {
        let world = world().await;
        let there = json!({ "namespace": "kube-system" });
        world.run_with("guests.have-it-written-anywhere", there).await.value();
        assert_eq!(elsewhere(&world), "changed");
    }

    "have-it-written-later": async fn deputy_that_undoes_something_is_bound_as_one_that_is_called() {
        let world = world().await;
        let ended = world.run_with("guests.have-it-written-later", json!({ "namespace": "kube-system" })).await;
        assert_eq!(ended.failure().code, "guests.failed");
        assert_eq!(elsewhere(&world), "before");
        let failed = ended.put_back().iter().filter_map(|one| one.failure.as_ref());
        let causes: Vec<&String> = failed.flat_map(|failure| &failure.causes).collect();
        assert!(causes.iter().any(|cause| cause.contains("may not patch `configmaps`")), "{causes:?}");
    }
}

#[tokio::test]
async fn argument_that_is_no_namespace_binds_to_nothing_instead_of_everything() {
    let world = world().await;
    for namespace in ["*", "", "media/../kube-system", "Media", "a b"] {
        let arguments = json!({ "namespace": namespace, "elsewhere": "kube-system" });
        let call = call("guests.list-elsewhere", arguments, Consent::Given);
        let refused = agent_core::Agent::run(&world.agent, call).await;
        let failure = refused.expect_err("refused");
        assert_eq!(
            failure.code, "operations.arguments",
            "{namespace:?}: {failure:?}"
        );
    }
    assert_eq!(world.journal.runs(Filter::All).expect("reads"), []);
}

#[tokio::test]
async fn plugin_without_any_right_gets_no_lease_and_its_lock_here_all_the_same() {
    let wat = r#"(module
        (memory (export "memory") 1)
        (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 1024))
        (func (export "ops:plugin/provider@0.2.0#describe") (result i32) unreachable)
        (func (export "ops:plugin/provider@0.2.0#run") (param i32 i32 i32 i32) (result i32) unreachable))"#;
    let locks: Vec<String> = (0..8).map(|number| format!("raw:{number}")).collect();
    let operation = json!({ "name": "run", "summary": "Run", "risk": "change", "locks": locks });
    let wasm = artifact::raw_with("raw", wat, &json!({ "operations": [operation] }));
    let world = World::with_cluster_and("raw", wasm).await;
    let run = world.start("raw.run").await;
    assert_eq!(finish(run).await.failure().code, "plugin.trapped");
    let requests = world.cluster().requests();
    let leases = requests.iter().filter(|seen| seen.path.contains("leases"));
    assert_eq!(leases.count(), 0, "{requests:?}");
    assert_eq!(world.last_record().begun.locks.len(), 8);
}

/// Many languages import all that their world has, used or not.
#[tokio::test]
async fn what_is_imported_and_not_requested_is_no_error() {
    let wasm = artifact::idle("raw");
    let world = World::with_cluster_and("raw", wasm).await;
    let run = world.start("raw.run").await;
    // It has begun, and does nothing but trap.
    assert_eq!(finish(run).await.failure().code, "plugin.trapped");
}
