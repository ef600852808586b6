//! The values of Secrets reach nobody but the guest and the cluster.

use agent_core::agent::Agent as _;
use agent_core::call::{Call, Consent, Goal, Mode};
use agent_core::event::{Event, Outcome};
use agent_core::journal::{Answer, Entry};
use agent_core::limits::Limits;
use agent_core::record::Record;
use agent_core::secret::Secrets;
use serde_json::{Value, json};

use crate::guests;
use crate::plan::rests_on;
use crate::world::{Ended, LIMITS, World, call, finish};

const PASSWORD: [&str; 2] = ["correct-horse-battery", "Y29ycmVjdC1ob3JzZS1iYXR0ZXJ5"];

fn assert_silent(what: &str, text: &str) {
    for value in PASSWORD {
        let said = text.find(value).map(|at| &text[at.saturating_sub(200)..at]);
        assert_eq!(said, None, "{what} tells the password");
    }
}

fn assert_kept(world: &World, ended: &Ended) -> Record {
    let events = serde_json::to_string(&ended.events).expect("text");
    assert_silent("an event", &events);
    assert_silent(
        "the outcome",
        &serde_json::to_string(&ended.outcome).expect("text"),
    );
    let record = world.last_record();
    assert_silent("the record", &serde_json::to_string(&record).expect("text"));
    record
}

/// Cuts the record of a run after each entry up to the effect with that number, and finishes the run from there.
async fn resumes_from_anywhere(world: &World, record: &Record, wanted: &Value, effect: usize) {
    let entries: Vec<Entry> = record
        .entries
        .iter()
        .map(|noted| noted.entry.clone())
        .collect();
    let mut intents = (0..entries.len()).filter(|at| matches!(entries[*at], Entry::Intent(_)));
    let last = intents.nth(effect - 1).unwrap_or(entries.len() - 2);
    for length in 1..=last {
        let before = entries[..length].to_vec();
        let run = world.resume(&record.begun, before, Goal::Finish).await;
        let ended = finish(run).await;
        assert_eq!(ended.value(), wanted, "after {length} entries");
        assert_kept(world, &ended);
    }
}

async fn watched(operation: &str) {
    let world = World::with_cluster(LIMITS).await;
    let ended = world.run(operation).await;
    let value = json!({ "length": PASSWORD[1].len(), "maps": 1 });
    assert_eq!(ended.value(), &value);
    let record = assert_kept(&world, &ended);
    let text = serde_json::to_string(&record).expect("text");
    assert!(
        text.contains("before"),
        "what is no secret is on record as it is"
    );
    resumes_from_anywhere(&world, &record, &value, 2).await;
}

/// The secret arguments of a guest that leaks them.
fn tokens() -> Secrets {
    let mut secrets = Secrets::default();
    secrets.insert("token", PASSWORD[0].to_owned());
    secrets.insert("other", PASSWORD[1].to_owned());
    secrets
}

fn leaking(mode: Mode) -> Call {
    Call {
        secrets: tokens(),
        mode,
        ..call(
            "guests.leak-argument",
            json!({ "what": "a test" }),
            Consent::Given,
        )
    }
}

async fn leaked(world: &World) -> Ended {
    finish(
        world
            .agent
            .run(leaking(Mode::Perform))
            .await
            .expect("starts"),
    )
    .await
}

guests! {
    "leak-argument": async fn secret_argument_reaches_the_guest_and_nobody_else() {
        let world = World::with_cluster(LIMITS).await;
        let ended = leaked(&world).await;
        let value = json!({ "what": "a test", "length": PASSWORD[0].len(), "both": "*** and ***" });
        assert_eq!(ended.value(), &value);
        let record = assert_kept(&world, &ended);
        let given = json!({ "what": "a test", "token": "***", "other": "***" });
        assert_eq!(json!(record.summary.arguments), given);
        assert_eq!(json!(record.begun.call.arguments), given);
        assert!(matches!(&ended.events[0], Event::Started { arguments, .. } if json!(arguments) == given));
    }

    "hand-on": async fn secret_argument_of_an_operation_that_is_called_is_masked() {
        let world = World::with_cluster(LIMITS).await;
        let ended = world.run("guests.hand-on").await;
        assert_eq!(ended.value()["token"], "***");
        assert_eq!(ended.value()["returned"]["length"], PASSWORD[0].len());
        assert_kept(&world, &ended);
    }

    "watch-map-and-secret": async fn secret_that_is_watched_after_a_map_is_not_on_record() {
        watched("guests.watch-map-and-secret").await;
    }

    "watch-secret-and-map": async fn secret_that_is_watched_before_a_map_is_not_on_record() {
        watched("guests.watch-secret-and-map").await;
    }

    "leak-and-return": async fn what_a_guest_repeats_of_a_secret_is_masked() {
        let world = World::with_cluster(LIMITS).await;
        let ended = world.run("guests.leak-and-return").await;
        assert_eq!(ended.value()["password"], "*** and ***");
        let record = assert_kept(&world, &ended);
        let settings = world.cluster().object("", "configmaps", "default", "settings").expect("there");
        let sent = format!("{} and {}", PASSWORD[1], PASSWORD[0]);
        assert_eq!(settings["data"]["login"], sent, "the cluster gets what the guest wishes");
        assert_eq!(world.mode(), "before", "what is held is put back");
        // What was held is put back, so from there on the cluster is not as it was.
        resumes_from_anywhere(&world, &record, ended.value(), 2).await;
    }

    "leak-and-fail": async fn failure_with_a_secret_in_it_is_masked() {
        let world = World::with_cluster(LIMITS).await;
        let ended = world.run("guests.leak-and-fail").await;
        assert_eq!(ended.failure().message, "failed with *** and ***");
        assert_eq!(ended.failure().hint.as_deref(), Some("try *** and ***"));
        assert_kept(&world, &ended);
    }

    "leak-at-length": async fn secret_across_the_cut_of_a_line_is_masked() {
        let world = World::with_cluster(Limits { log_bytes: 1 << 20, ..LIMITS }).await;
        let ended = world.run("guests.leak-at-length").await;
        assert_eq!(ended.failure().code, "plugin.trapped");
        let printed: String = ended.lines().into_iter().map(|(_, line)| line).collect();
        let report = [ended.failure().message.clone(), ended.failure().causes.concat()].concat();
        for said in [printed, report] {
            assert_silent("a line", &said);
            let rest = said.replace("***", "");
            let told = (4..PASSWORD[0].len()).find(|length| rest.contains(&PASSWORD[0][..*length]));
            assert_eq!(told, None, "a line tells the beginning of the password");
            assert!(said.contains("-***"), "{said}");
        }
        assert_kept(&world, &ended);
    }

    "read-secret-last": async fn plan_is_silent_about_a_secret_that_it_knew_only_in_the_end() {
        let world = World::with_cluster(LIMITS).await;
        world.set_map("settings", PASSWORD[0]).await;
        let planned = world.plan("guests.read-secret-last").await;
        let plan = planned.plan();
        assert_silent("a plan", &serde_json::to_string(plan).expect("text"));
        assert_eq!(world.apply(plan).await.expect("is as planned").value(), "read");
        let planned = world.plan("guests.read-secret-last").await;
        world.set_map("settings", "another").await;
        let refused = world.apply(planned.plan()).await.expect_err("outdated");
        assert_eq!(refused.causes, ["configmaps default/settings: the secret `/data` has changed"]);
    }
}

#[tokio::test]
async fn plan_tells_no_secret() {
    let world = World::with_cluster(LIMITS).await;
    let ended = world.plan("guests.leak-and-return").await;
    let drawn = ended
        .events
        .iter()
        .any(|event| matches!(event, Event::Drawn { plan } if plan.effects.len() == 2));
    assert!(drawn, "{:#?}", ended.events);
    assert_silent(
        "a plan",
        &serde_json::to_string(&ended.events).expect("text"),
    );
}

#[tokio::test]
async fn what_a_secret_selected_is_in_the_plan_and_the_secret_is_not() {
    let world = World::with_cluster(LIMITS).await;
    let maps: kube::Api<k8s_openapi::api::core::v1::ConfigMap> =
        kube::Api::namespaced(world.client().await, "default");
    let labelled = json!({
        "apiVersion": "v1", "kind": "ConfigMap",
        "metadata": { "name": "labelled", "labels": { "token": PASSWORD[1] } },
    });
    let labelled = serde_json::from_value(labelled).expect("a map");
    maps.create(&Default::default(), &labelled)
        .await
        .expect("creates");
    let planned = world.plan("guests.leak-and-return").await;
    let plan = planned.plan();
    let listed = rests_on(plan).lists;
    assert_eq!(listed[0].labels, "token in (***,none)");
    assert_eq!(listed[1].names, ["***"]);
    assert!(listed[0].found.values().eq(["default/labelled"]));
    assert_silent("a plan", &serde_json::to_string(plan).expect("text"));
    maps.delete("labelled", &Default::default())
        .await
        .expect("deletes");
    let refused = world.apply(plan).await.expect_err("outdated");
    assert_eq!(refused.causes, ["configmaps default/labelled: it is gone"]);
}

#[tokio::test]
async fn watched_secret_that_has_changed_ends_the_resume() {
    let world = World::with_cluster(LIMITS).await;
    world.run("guests.watch-map-and-secret").await;
    let record = world.last_record();
    let entries = record.entries.iter().map(|noted| noted.entry.clone());
    let answered = |entry: &Entry| {
        matches!(
            entry,
            Entry::Answered {
                answer: Answer::Value(_),
                ..
            }
        )
    };
    let before: Vec<Entry> = entries
        .take_while(|entry| !matches!(entry, Entry::Intent(_)))
        .collect();
    assert!(before.iter().any(answered), "{before:?}");
    let client = world.client().await;
    let secrets: kube::Api<k8s_openapi::api::core::v1::Secret> =
        kube::Api::namespaced(client, "default");
    let patch = json!({ "stringData": { "password": "another-password" } });
    let patch = kube::api::Patch::Merge(&patch);
    secrets
        .patch("login", &kube::api::PatchParams::default(), &patch)
        .await
        .expect("patches");
    let run = world.resume(&record.begun, before, Goal::Finish).await;
    assert_eq!(finish(run).await.failure().code, "run.secret-changed");
}

#[tokio::test]
async fn run_goes_on_with_the_secret_arguments_of_then_only() {
    let world = World::with_cluster(LIMITS).await;
    let ended = leaked(&world).await;
    let record = world.last_record();
    let entries = || record.entries.iter().map(|noted| noted.entry.clone());
    let before: Vec<Entry> = entries()
        .take_while(|entry| !matches!(entry, Entry::Intent(_)))
        .collect();
    let mut other = tokens();
    other.insert("token", "another-token".to_owned());
    let mut one = Secrets::default();
    one.insert("token", PASSWORD[0].to_owned());
    let mut too_many = tokens();
    too_many.insert("what", "a test".to_owned());
    let wrong = [
        (Secrets::default(), "secrets.missing"),
        (one, "secrets.missing"),
        (other, "secrets.changed"),
        (too_many, "secrets.unknown"),
    ];
    for (secrets, code) in wrong {
        let refused = world.resume_with(&record.begun, before.clone(), Goal::Finish, secrets);
        let failure = refused.await.expect_err("not with these");
        assert_eq!(failure.code, code);
        assert_silent("a refusal", &format!("{failure:?}"));
    }
    let resumed = world.resume_with(&record.begun, before.clone(), Goal::Finish, tokens());
    let resumed = finish(resumed.await.expect("is taken up")).await;
    assert_eq!(resumed.value(), ended.value());
    assert_kept(&world, &resumed);
    let undone = world.resume(&record.begun, before, Goal::Undo).await;
    let undone = finish(undone).await;
    assert!(
        matches!(undone.outcome, Outcome::Undone { .. }),
        "taking back needs no secret: {:?}",
        undone.outcome
    );
}

#[tokio::test]
async fn plan_is_applied_with_the_secret_arguments_of_then_only() {
    let world = World::with_cluster(LIMITS).await;
    let planned = finish(world.agent.run(leaking(Mode::Plan)).await.expect("starts")).await;
    let drawn = planned.events.iter().find_map(|event| match event {
        Event::Drawn { plan } => Some(plan),
        _ => None,
    });
    let plan = drawn.expect("a plan");
    assert_silent("a plan", &serde_json::to_string(plan).expect("text"));
    let refused = world.apply(plan).await.expect_err("without the secrets");
    assert_eq!(refused.code, "secrets.missing");
    let applied = world.apply_with(plan, &tokens()).await.expect("starts");
    assert_eq!(applied.value()["length"], PASSWORD[0].len());
    assert_kept(&world, &applied);
}

#[tokio::test]
async fn secret_argument_that_nobody_could_mask_is_refused() {
    let world = World::with_cluster(LIMITS).await;
    let mut call = leaking(Mode::Perform);
    call.secrets.insert("token", "abc".to_owned());
    let refused = world.agent.run(call).await.expect_err("too short");
    assert_eq!(refused.code, "secrets.too-short");
}

#[tokio::test]
async fn plan_with_a_secret_needs_no_journal() {
    let world = World::without_journal().await;
    let planned = world.agent.run(leaking(Mode::Plan)).await.expect("starts");
    let planned = finish(planned).await;
    let drawn = planned
        .events
        .iter()
        .any(|event| matches!(event, Event::Drawn { .. }));
    assert!(drawn, "{:?}", planned.outcome);
}
