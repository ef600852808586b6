//! What guest and host tell each other of what did not work.

use std::sync::Arc;

use agent_capability::{ClusterClient, Connected, ConnectionSecrets};
use agent_core::agent::Agent as _;
use agent_core::call::Consent;
use agent_core::exit;
use agent_core::failure::{Failure, Kind};
use futures::FutureExt as _;
use serde_json::json;

use crate::guests;
use crate::world::{World, call, finish};

const TOKEN: &str = "t0ken-of-the-person";

/// A cluster for which there is a token and no way.
fn unreachable() -> ClusterClient {
    let secrets = Arc::new(ConnectionSecrets::default());
    let known = Arc::clone(&secrets);
    let connect = move || {
        known.add(TOKEN);
        let failure = Failure::new(
            Kind::Unavailable,
            "cluster.no-kubeconfig",
            "the kubeconfig of jane cannot be used",
        );
        let failure = failure
            .because(format!("the credential plugin `aws` printed {TOKEN}"))
            .hinted("aws sso login");
        async move { Err::<Connected, _>(failure) }.boxed()
    };
    ClusterClient::knowing(Box::new(connect), 1 << 20, secrets)
}

guests! {
    "greet-all": async fn several_values_reach_the_plugin_as_an_array() {
        let world = World::new();
        let given = json!({"names": ["plex", "radarr"], "times": 2});
        let ended = world.run_with("guests.greet-all", given).await;
        assert_eq!(*ended.value(), json!({"greeted": ["plex", "radarr"], "times": 2.0}));
        let given = json!({"names": []});
        let refused = world.agent.run(call("guests.greet-all", given, Consent::Given)).await;
        let Err(failure) = refused else { panic!("no names") };
        assert_eq!(failure.message, "guests.greet-all: `names` is missing: Whom to greet");
    }

    "fail-in-the-hosts-words": async fn plugin_cannot_end_with_an_exit_code_of_the_hosts() {
        let world = World::new();
        for (code, denied, wanted) in [
            ("agent.bug", false, exit::FAILED),
            ("agent.json", false, exit::FAILED),
            ("run.declined", true, exit::DENIED),
            ("evil.own", false, exit::FAILED),
        ] {
            let arguments = json!({ "code": code, "denied": denied });
            let ended = world.run_with("guests.fail-in-the-hosts-words", arguments).await;
            assert_eq!(ended.outcome.exit_code(), wanted, "{code}");
            let said = if code.starts_with("evil.") { code.to_owned() } else { format!("guests.{code}") };
            assert_eq!(ended.failure().code, said);
        }
    }

    "tell-what-it-was-told": async fn guest_is_told_nothing_of_the_connection_and_the_person_all_but_its_secrets() {
        let world = World::before(unreachable());
        let ended = world.run("guests.tell-what-it-was-told").await;
        let lines = ended.lines();
        let (_, told) = lines.first().expect("a line");
        assert_eq!(*told, "told ErrorKind::Unavailable there is no way to the cluster [] None");
        let failure = ended.failure();
        assert_eq!(failure.message, "looking for `settings`");
        assert_eq!(failure.causes, [
            "the kubeconfig of jane cannot be used",
            "the credential plugin `aws` printed ***",
        ]);
        assert_eq!(failure.hint.as_deref(), Some("aws sso login"));
        assert_eq!(ended.outcome.exit_code(), exit::UNREACHABLE);
        let record = serde_json::to_string(&world.last_record()).expect("JSON");
        let events = serde_json::to_string(&ended.events).expect("JSON");
        assert!(!record.contains(TOKEN) && !events.contains(TOKEN), "{record} {events}");
    }
}

#[tokio::test]
async fn no_of_the_person_is_theirs_whoever_repeats_it() {
    let world = World::new();
    let run = world
        .start_with("guests.ask", json!({}), Consent::Withheld)
        .await;
    let ended = finish(run).await;
    assert_eq!(ended.outcome.exit_code(), exit::DECLINED);
}
