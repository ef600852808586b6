//! A failure that a mistyped namespace explains says so.

use agent_core::call::Consent;
use agent_core::failure::Kind;
use agent_sandbox::Match;
use serde_json::{Value, json};

use crate::guests;
use crate::world::{Ended, LIMITS, World, finish};

async fn look(world: &World, arguments: Value) -> Ended {
    let run = world.start_with("guests.look", arguments, Consent::Given);
    finish(run.await).await
}

fn asked_for_namespaces(world: &World) -> bool {
    let requests = world.cluster().requests();
    requests
        .iter()
        .any(|seen| seen.path == "/api/v1/namespaces")
}

guests! {
    "look": async fn mistyped_namespace_is_named_with_the_known_ones() {
        let world = World::with_cluster(LIMITS).await;
        let ended = look(&world, json!({ "namespace": "defualt", "name": "settings" })).await;
        let failure = ended.failure();
        assert_eq!((failure.kind, failure.code.as_str()), (Kind::NotFound, "cluster.not-found"));
        assert_eq!(failure.causes.last().map(String::as_str), Some("there is no namespace `defualt`"));
        let hint = failure.hint.as_deref().expect("a hint");
        assert!(hint.starts_with("did you mean default? known: default, "), "{hint}");
    }
}

#[tokio::test]
async fn hint_that_leads_to_a_namespace_that_exists_stays() {
    let world = World::with_cluster(LIMITS).await;
    let arguments = json!({ "namespace": "nowhere", "name": "settings", "hint": "it is in namespace `default`" });
    let ended = look(&world, arguments).await;
    let hint = ended.failure().hint.as_deref();
    assert_eq!(hint, Some("it is in namespace `default`"));
}

#[tokio::test]
async fn namespace_that_exists_explains_nothing() {
    let world = World::with_cluster(LIMITS).await;
    let found = look(
        &world,
        json!({ "namespace": "default", "name": "settings" }),
    )
    .await;
    assert_eq!(found.value()["mode"], "before");
    assert!(!asked_for_namespaces(&world), "nothing failed");
    let ended = look(&world, json!({ "namespace": "default", "name": "nothing" })).await;
    assert_eq!(ended.failure().kind, Kind::NotFound);
    assert_eq!(ended.failure().causes, Vec::<String>::new());
    assert!(asked_for_namespaces(&world));
}

#[tokio::test]
async fn failure_stays_as_it_is_when_namespaces_cannot_be_read() {
    let world = World::with_cluster(LIMITS).await;
    let arguments = json!({ "namespace": "nowhere", "name": "settings" });
    // The first one that matches is the guest's own.
    let namespaces = Match::new("GET", "/api/v1/namespaces");
    let cluster = world.cluster();
    cluster.fail_after(1, usize::MAX, namespaces, agent_sandbox::Failure::Forbidden);
    let ended = look(&world, arguments).await;
    assert_eq!(ended.failure().kind, Kind::NotFound);
    assert_eq!(ended.failure().causes, Vec::<String>::new());
    assert!(asked_for_namespaces(&world));
}
