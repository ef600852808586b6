//! What was tried against the gate, step by step: to have undo say that it put back what it did not, to write to the mask, to apply what the plan did
//! not show, to destroy without having asked, and to find out what may not be read.

use agent_core::agent::Agent as _;
use agent_core::call::{Call, Consent, Goal, Mode, OnFailure};
use agent_core::effect::{Effect, Verb};
use agent_core::event::{Event, Level, Outcome};
use agent_core::failure::Kind;
use agent_core::journal::{Entry, Intent};
use agent_core::record::Record;
use agent_core::undo::Undo;
use agent_sandbox::{Failure as Fault, Match};
use serde_json::{Value, json};

use crate::guests;
use crate::world::{Ended, LIMITS, World, call, finish};

pub(crate) const MAP: &str = "configmaps.v1";
const SECRET: &str = "secrets.v1";
pub(crate) const THING: &str = "things.v1.example.org";
pub(crate) const CLAIM: &str = "persistentvolumeclaims.v1";

/// A cluster in which there are also a thing, of which the server knows nothing, and a claim.
pub(crate) async fn world() -> World {
    let world = World::with_cluster(LIMITS).await;
    let free = json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true});
    let names =
        json!({"plural": "things", "singular": "thing", "kind": "Thing", "listKind": "ThingList"});
    let version = json!({
        "name": "v1", "served": true, "storage": true,
        "schema": {"openAPIV3Schema": {"type": "object", "properties": {"spec": free}}},
    });
    let definition = json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": {"name": "things.example.org"},
        "spec": {"group": "example.org", "scope": "Namespaced", "names": names, "versions": [version]},
    });
    let thing = json!({
        "apiVersion": "example.org/v1", "kind": "Thing",
        "metadata": {"name": "thing", "namespace": "default", "annotations": {"kustomize.toolkit.fluxcd.io/prune": "enabled"}},
        "spec": {"list": [{"a": "x", "keep": "me"}, {"a": "y"}], "text": "precious", "number": 7, "empty": {}},
    });
    let claim = json!({
        "apiVersion": "v1", "kind": "PersistentVolumeClaim",
        "metadata": {"name": "data", "namespace": "default", "finalizers": ["kubernetes.io/pvc-protection"]},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
    });
    world.load(vec![definition, thing, claim]);
    world
}

pub(crate) fn step(what: &str, of: &str, name: &str, body: Value) -> Value {
    json!({"do": what, "of": of, "name": name, "body": body})
}

/// A step that a plan takes in another way.
fn switched(mut step: Value, planned: Value) -> Value {
    step["planned"] = planned;
    step
}

fn mode(mode: &str) -> Value {
    json!({"data": {"mode": mode}})
}

fn set(to: &str) -> Value {
    step("patch", MAP, "settings", mode(to))
}

fn secret(value: &str) -> Value {
    let manifest = json!({
        "apiVersion": "v1", "kind": "Secret", "metadata": {"name": "made", "namespace": "default"},
        "stringData": {"token": value},
    });
    step("create", SECRET, "made", manifest)
}

pub(crate) fn script(steps: &[Value]) -> Value {
    json!({"steps": json!(steps).to_string()})
}

pub(crate) async fn act(world: &World, operation: &str, steps: &[Value]) -> Ended {
    world.run_with(operation, script(steps)).await
}

pub(crate) async fn plan(world: &World, operation: &str, steps: &[Value]) -> Ended {
    let call = Call {
        mode: Mode::Plan,
        ..call(operation, script(steps), Consent::Given)
    };
    finish(world.agent.run(call).await.expect("starts")).await
}

/// Takes a run back as if its process had been killed after the last effect, by a process that knows nothing but the record.
pub(crate) async fn undo(world: &World, record: &Record) -> Ended {
    let mut entries: Vec<Entry> = record.entries.iter().map(|it| it.entry.clone()).collect();
    let last = entries
        .iter()
        .rposition(|entry| matches!(entry, Entry::Result { .. }));
    entries.truncate(last.expect("an effect") + 1);
    finish(world.resume(&record.begun, entries, Goal::Undo).await).await
}

pub(crate) fn changed(ended: &Ended) -> Vec<&Effect> {
    let effects = ended.events.iter().filter_map(|event| match event {
        Event::Changed { effect } => Some(effect),
        _ => None,
    });
    effects.collect()
}

pub(crate) fn spec(world: &World) -> Value {
    let thing = world
        .cluster()
        .object("example.org", "things", "default", "thing");
    thing.expect("there")["spec"].clone()
}

/// The record but for what the script says, which is an argument that everybody may see.
fn without_arguments(record: &Record) -> String {
    let entries = record.entries.iter().map(|noted| &noted.entry);
    let entries = entries.filter(|entry| {
        !matches!(
            entry,
            Entry::Told {
                event: Event::Started { .. }
            }
        )
    });
    serde_json::to_string(&entries.collect::<Vec<_>>()).expect("text")
}

fn refusals(ended: &Ended) -> Vec<&str> {
    let lines = ended.lines().into_iter();
    let warnings =
        lines.filter(|(level, line)| *level == Level::Warn && line.starts_with("refused: "));
    warnings.map(|(_, line)| line).collect()
}

guests! {
    "act": async fn patch_through_an_array_a_text_or_a_number_is_put_back_whole() {
        let world = world().await;
        let before = spec(&world);
        for (path, body) in [
            ("/spec/list", json!({"list": {"0": {"a": "changed"}}})),
            ("/spec/list", json!({"list": {"0": {"a": "x"}}})),
            ("/spec/text", json!({"text": {"0": "a"}})),
            ("/spec/text", json!({"text": {}})),
            ("/spec/number", json!({"number": {"a": null}})),
            ("/spec/empty", json!({"empty": ["a"]})),
            ("/spec/new", json!({"new": {"a": null}})),
        ] {
            let patch = json!({"spec": body});
            let hold = [step("hold", THING, "thing", patch.clone())];
            let ended = act(&world, "guests.act", &hold).await;
            assert_eq!(ended.value(), &json!([true]), "{patch}");
            let shown: Vec<&str> = changed(&ended)[0].fields.iter().map(|it| it.path.as_str()).collect();
            assert_eq!(shown, [path], "{patch}");
            assert_eq!(spec(&world), before, "{patch}");
            // And by a process that has only the record.
            act(&world, "guests.act", &[step("patch", THING, "thing", patch.clone())]).await;
            assert_ne!(spec(&world), before, "{patch}");
            let undone = undo(&world, &world.last_record()).await;
            assert_eq!(undone.put_back().len(), 1, "{patch}");
            assert_eq!(spec(&world), before, "{patch}");
        }
    }

    "act": async fn what_the_server_would_leave_out_is_refused_and_not_reported_as_done() {
        let world = world().await;
        let status = json!({"status": {"phase": "Lost"}});
        let steps = [
            step("patch", CLAIM, "data", status),
            // Of a type without that subresource it is a field as any other.
            step("patch", THING, "thing", json!({"spec": {"number": 8}})),
        ];
        let ended = act(&world, "guests.act", &steps).await;
        assert_eq!(*ended.value(), json!(["cluster.invalid", "done"]));
    }

    "act": async fn whether_there_was_anything_to_change_is_told() {
        let world = world().await;
        for (to, wanted) in [("other", true), ("other", false)] {
            let told = step("write", MAP, "settings", mode(to));
            let ended = act(&world, "guests.act", &[told]).await;
            assert_eq!(*ended.value(), json!([wanted]), "{to}");
        }
    }

    "act-when-asked": async fn what_destroys_is_refused_to_who_says_that_it_only_changes() {
        let world = world().await;
        let owner = json!([{"apiVersion": "v1", "kind": "ConfigMap", "name": "gone", "uid": "3b7c3a7e-0000-4000-8000-000000000000"}]);
        let owned = json!({"metadata": {"ownerReferences": owner}});
        let mut applied = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings", "namespace": "default"}});
        applied["metadata"]["ownerReferences"] = owner.clone();
        let unfinished = |list: Value| json!({"metadata": {"finalizers": list}});
        let harmful = [
            step("delete", MAP, "settings", json!(null)),
            step("delete-by-uid", CLAIM, "data", json!(null)),
            step("patch", CLAIM, "data", unfinished(json!(null))),
            step("patch", CLAIM, "data", unfinished(json!({"0": null}))),
            step("hold", CLAIM, "data", unfinished(json!([]))),
            step("patch", MAP, "settings", owned.clone()),
            step("patch", CLAIM, "data", json!([{"op": "remove", "path": "/metadata/finalizers/0"}])),
            step("patch", MAP, "settings", json!([{"op": "add", "path": "/metadata/ownerReferences", "value": owner}])),
            step("signal", MAP, "settings", json!({"metadata": {"annotations": {"agent.ops/effect": "x-1"}}})),
            step("apply", MAP, "settings", applied),
        ];
        let settings = || world.cluster().object("", "configmaps", "default", "settings");
        let claim = || world.cluster().object("", "persistentvolumeclaims", "default", "data");
        let before = (settings(), claim());
        let planned = plan(&world, "guests.act", &harmful).await;
        let ended = act(&world, "guests.act", &harmful).await;
        for ended in [&planned, &ended] {
            assert_eq!(ended.value(), &json!(vec!["cluster.riskier"; harmful.len()]));
            assert_eq!(refusals(ended).len(), 2, "each once: {:?}", refusals(ended));
        }
        assert_eq!((settings(), claim()), before);
        let made = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "own", "namespace": "default"}});
        let own = [step("create", MAP, "own", made), step("patch", MAP, "own", owned), step("delete", MAP, "own", json!(null))];
        let ended = act(&world, "guests.act", &own).await;
        assert_eq!(ended.value(), &json!(["done", "done", "done"]), "what the run has made is its own");
        let asked = [harmful[0].clone(), harmful[2].clone(), harmful[1].clone()];
        let ended = act(&world, "guests.act-when-asked", &asked).await;
        assert_eq!(ended.value(), &json!(["done", "done", "done"]));
        assert_eq!(settings(), None);
    }

    "act-with-secrets": async fn value_of_a_secret_is_sealed_for_undo_and_hides_nothing_that_names_a_field() {
        let world = world().await;
        // What settings had before is what a Secret holds, and so is the name of a field that is set.
        let patch = json!({"data": {"mode": "after that before", "before": "set"}});
        let steps = [secret("before"), step("patch", MAP, "settings", patch)];
        let ended = act(&world, "guests.act-with-secrets", &steps).await;
        assert_eq!(ended.value(), &json!(["done", "done"]));
        let shown: Vec<(&str, Option<Value>, Option<Value>)> = changed(&ended)[1]
            .fields
            .iter()
            .map(|field| (field.path.as_str(), field.before.clone(), field.after.clone()))
            .collect();
        let set = ("/data/before", None, Some(json!("set")));
        let masked = ("/data/mode", Some(json!("***")), Some(json!("after that ***")));
        assert_eq!(shown, [set, masked]);
        let record = world.last_record();
        let undo_of = |recorded: &agent_core::record::RecordedEffect| recorded.undo.clone();
        assert!(matches!(undo_of(&record.recorded_effects()[1]), Some(Undo::Sealed { .. })), "{record:?}");
        let undone = undo(&world, &record).await;
        assert_eq!(world.mode(), "before");
        let settings = world.cluster().object("", "configmaps", "default", "settings").expect("there");
        assert_eq!(settings["data"], json!({"mode": "before"}));
        let told = serde_json::to_string(&undone.events).expect("text");
        assert!(told.contains("`data.mode` is `\\\"***\\\"` again"), "{told}");
        assert!(!told.contains("`\\\"before\\\"`"), "{told}");
    }

    "act-blindly": async fn value_of_a_secret_cannot_be_tried_by_who_may_only_patch_it() {
        let world = world().await;
        let guess = |value: &str| step("patch", SECRET, "login", json!({"data": {"password": value}}));
        let steps = [guess("Y29ycmVjdC1ob3JzZS1iYXR0ZXJ5"), guess("d3Jvbmc=")];
        let ended = act(&world, "guests.act-blindly", &steps).await;
        assert_eq!(ended.value(), &json!(["cluster.not-granted", "cluster.not-granted"]));
        let held = [step("hold", SECRET, "login", json!({"data": {"password": "d3Jvbmc="}}))];
        let ended = act(&world, "guests.act-blindly", &held).await;
        assert_eq!(ended.value(), &json!(["cluster.not-granted"]));
        let ended = act(&world, "guests.act-blindly", &[secret("a new one")]).await;
        assert_eq!(ended.value(), &json!(["done"]), "to make one tells nothing");
    }
}

#[tokio::test]
async fn text_of_a_secret_that_was_denied_hides_nothing() {
    let world = world().await;
    for hidden in ["miner.example/evil", "/data/mode", "settings"] {
        let steps = [secret(hidden), set(hidden)];
        for ended in [
            plan(&world, "guests.act", &steps).await,
            act(&world, "guests.act", &steps).await,
        ] {
            assert_eq!(ended.value(), &json!(["cluster.not-granted", "done"]));
            let effects = ended.events.iter().filter_map(|event| match event {
                Event::Planned { effect } | Event::Changed { effect } => Some(effect),
                _ => None,
            });
            let fields: Vec<_> = effects.flat_map(|effect| &effect.fields).collect();
            assert_eq!(fields[0].path, "/data/mode");
            assert_eq!(fields[0].after, Some(json!(hidden)));
            assert_eq!(
                refusals(&ended),
                ["refused: plugin `guests` may not create `secrets` in namespace `default`"]
            );
        }
        let undone = undo(&world, &world.last_record()).await;
        assert!(matches!(undone.outcome, Outcome::Undone { .. }));
        assert_eq!(world.mode(), "before");
    }
}

/// It was learnt before the server, or the gate, had refused it: then a plugin could write to the mask without any effect.
#[tokio::test]
async fn text_of_a_secret_that_was_refused_hides_nothing() {
    let world = world().await;
    let metadata = json!({"name": "login", "namespace": "default"});
    let owner = json!([{"apiVersion": "v1", "kind": "ConfigMap", "name": "gone", "uid": "3b7c3a7e-0000-4000-8000-000000000000"}]);
    for hidden in ["miner.example/evil", "/data/mode"] {
        let data = json!({"token": hidden});
        let there =
            json!({"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": data});
        let riskier = json!({"metadata": {"ownerReferences": owner}, "stringData": data});
        let annotated = json!({"metadata": {"annotations": {"a": "b"}}});
        let steps = [
            step("create", SECRET, "login", there),
            step("patch", SECRET, "login", riskier.clone()),
            // From here on the plan knows of a Secret that the server does not have so.
            step("patch", SECRET, "login", annotated),
            step("patch", SECRET, "login", riskier),
            set(hidden),
        ];
        for ended in [
            plan(&world, "guests.act-with-secrets", &steps).await,
            act(&world, "guests.act-with-secrets", &steps).await,
        ] {
            let came = [
                "cluster.already-exists",
                "cluster.riskier",
                "done",
                "cluster.riskier",
                "done",
            ];
            assert_eq!(ended.value(), &json!(came));
            let effects = ended.events.iter().filter_map(|event| match event {
                Event::Planned { effect } | Event::Changed { effect } => Some(effect),
                _ => None,
            });
            let effects: Vec<&Effect> = effects.collect();
            assert_eq!(effects[1].fields[0].after, Some(json!(hidden)));
            assert_eq!(effects[1].hashes, Default::default());
        }
        undo(&world, &world.last_record()).await;
    }
}

/// Each is refused in other words, so that what is refused behind many others is not told.
#[tokio::test]
async fn what_is_refused_behind_much_else_is_counted() {
    let world = world().await;
    let other = |number: usize| {
        let of = format!("things{number}.v1.example.org");
        step("delete", &of, "thing", json!(null))
    };
    let steps: Vec<Value> = (0..23).map(other).collect();
    let ended = act(&world, "guests.act", &steps).await;
    let told = refusals(&ended);
    assert_eq!(told.len(), 21, "{told:?}");
    assert_eq!(told[20], "refused: and 3 more");
}

/// The words of a plugin could be so long that nobody saw the question behind them.
#[tokio::test]
async fn question_of_the_host_has_none_of_the_words_of_a_plugin() {
    let world = world().await;
    let evil = "all is well, keep the changes?".repeat(30);
    let mut fail = step("fail", MAP, "settings", json!(null));
    fail["code"] = json!("guests.failed");
    fail["message"] = json!(evil);
    fail["must"] = json!(true);
    let steps = [step("hold", MAP, "settings", mode("held")), fail];
    let call = Call {
        on_failure: OnFailure::Ask,
        ..call("guests.act", script(&steps), Consent::Ask)
    };
    let mut run = world.agent.run(call).await.expect("starts");
    let mut asked = None;
    while let Some(event) = futures::StreamExt::next(&mut run.events).await {
        if let Event::Asked {
            question,
            text,
            facts,
            by,
            ..
        } = event
        {
            run.answer(question, true);
            asked = Some((text, facts, by));
        }
    }
    let (text, facts, by) = asked.expect("a question");
    assert_eq!((text.as_str(), by), ("put back its 1 changes?", None));
    assert_eq!(facts, [("the run failed".to_owned(), evil)]);
    assert_eq!(world.mode(), "before");
}

/// A plan of a run that has something overwritten, and what comes of it when it is announced in another way as the plan is applied.
async fn announced(planned: Value, applied: Value) -> (World, Ended) {
    let world = world().await;
    let announce = step("overwrite", MAP, "settings", applied);
    let mut fail = step("fail", MAP, "settings", json!(null));
    fail["code"] = json!("guests.failed");
    fail["must"] = json!(true);
    let steps = [switched(announce, planned), set("half"), fail];
    // A plan of a run that fails is none.
    let mut drawn = steps.to_vec();
    drawn.pop();
    let mut plan = plan(&world, "guests.act-when-asked", &drawn)
        .await
        .plan()
        .clone();
    plan.arguments = script(&steps).as_object().expect("arguments").clone();
    let ended = world.apply(&plan).await.expect("starts");
    (world, ended)
}

fn undone_by(mode: &str) -> Value {
    let steps = json!([set(mode)]).to_string();
    json!({"operation": "guests.act-when-asked", "arguments": {"steps": steps}})
}

#[tokio::test]
async fn compensation_that_no_plan_showed_is_not_called() {
    for other in [
        undone_by("wiped"),
        json!({"operation": "guests.act", "arguments": undone_by("whole")["arguments"]}),
        json!({"operation": "guests.act-when-asked", "arguments": undone_by("whole")["arguments"], "by-hand": "curl x | sh"}),
    ] {
        let (world, ended) = announced(undone_by("whole"), other.clone()).await;
        assert_eq!(ended.failure().code, "plan.not-planned", "{other}");
        assert_eq!(world.mode(), "before", "{other}");
    }
    let (world, ended) = announced(json!({}), undone_by("wiped")).await;
    assert_eq!(ended.failure().code, "plan.not-planned");
    assert_eq!(world.mode(), "before");
}

#[tokio::test]
async fn compensation_that_the_plan_showed_is_called() {
    let (world, ended) = announced(undone_by("whole"), undone_by("whole")).await;
    assert_eq!(ended.failure().code, "guests.failed");
    assert_eq!(world.mode(), "whole");
    // Without one it is settled as little as with one: a plugin could settle it at once.
    let (_, ended) = announced(undone_by("whole"), json!({})).await;
    assert_eq!(ended.failure().code, "guests.failed");
}

#[tokio::test]
async fn secret_argument_of_a_compensation_is_masked() {
    let world = world().await;
    let arguments = json!({"what": "a test", "token": "hunter22-token", "other": "hunter22-other"});
    let undone = json!({"operation": "guests.leak-argument", "arguments": arguments});
    let announce = step("overwrite", MAP, "settings", undone);
    let ended = act(&world, "guests.act", &[announce]).await;
    let mut fields = changed(&ended)[0].fields.iter();
    let token = fields.find(|it| it.path == "/compensation/arguments/token");
    assert_eq!(token.expect("shown").after, Some(json!("***")));
}

#[tokio::test]
async fn secret_that_was_patched_is_put_back_after_the_end_of_the_process() {
    let world = world().await;
    let password = || {
        let login = world.cluster().object("", "secrets", "default", "login");
        login.expect("there")["data"]["password"].clone()
    };
    let before = password();
    let patch = json!({"data": {"password": "YW5vdGhlciBvbmU="}});
    let steps = [step("patch", SECRET, "login", patch)];
    act(&world, "guests.act-with-secrets", &steps).await;
    assert_ne!(password(), before);
    let record = world.last_record();
    let text = without_arguments(&record);
    for value in [
        before.as_str().expect("text"),
        "correct-horse",
        "YW5vdGhlciBvbmU=",
    ] {
        assert!(!text.contains(value), "the record tells `{value}`");
    }
    let undone = undo(&world, &record).await;
    assert_eq!(password(), before);
    let told = serde_json::to_string(&undone.events).expect("text");
    assert!(
        told.contains("data.password") && !told.contains("Y29ycmVjdC"),
        "{told}"
    );
}

#[tokio::test]
async fn way_back_that_cannot_be_opened_is_said_to_be_lost() {
    let world = world().await;
    let patch = json!({"data": {"password": "YW5vdGhlciBvbmU="}});
    let steps = [step("patch", SECRET, "login", patch)];
    act(&world, "guests.act-with-secrets", &steps).await;
    let mut record = world.last_record();
    for noted in &mut record.entries {
        let (Entry::Intent(Intent { undo, .. }) | Entry::Result { undo, .. }) = &mut noted.entry
        else {
            continue;
        };
        let sealed = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA".to_owned();
        *undo = undo.take().map(|_| Undo::Sealed { sealed });
    }
    let undone = undo(&world, &record).await;
    let failure = undone.put_back()[0].failure.as_ref().expect("it cannot");
    assert_eq!(failure.code, "run.secret-not-kept");
    assert_eq!(undone.outcome.exit_code(), 1);
}

#[tokio::test]
async fn plan_leaves_open_only_what_has_a_form_that_nobody_could_abuse() {
    let harmless = "harmless-1.2.3";
    let evil = "evil.example/miner:666";
    let declared = |name: &str, planned: &str, applied: &str| {
        let step = json!({"do": "stand-in", "name": name, "body": applied});
        switched(step, json!(planned))
    };
    let patched = |planned: &str, applied: &str| switched(set(applied), mode(planned));
    let pod = |image: &str, privileged: bool| {
        json!({
            "apiVersion": "example.org/v1", "kind": "Thing", "metadata": {"name": "pod", "namespace": "default"},
            "spec": {"containers": [{"image": image, "securityContext": {"privileged": privileged}}]},
        })
    };
    let made = |image: &str, privileged: bool| {
        let step = step("create", THING, "pod", pod(image, privileged));
        switched(step, pod(harmless, false))
    };
    let read = json!({"do": "read", "of": SECRET, "name": "login"});
    let another = json!({"data": {"password": "Y29ycmVjdC1ob3JzZS1iYXR0ZXJ5"}});
    let refused = [
        vec![patched(harmless, evil)],
        vec![declared("version", harmless, evil), patched(harmless, evil)],
        vec![declared("", harmless, evil), patched(harmless, evil)],
        vec![declared("token", harmless, evil), patched(harmless, evil)],
        // Digits for an id, a part of a value, and two values for one name.
        vec![declared("id", "17", "cafe"), patched("17", "cafe")],
        vec![declared("id", "cafe", "beef"), patched("a cafe", "a beef")],
        vec![
            declared("id", "cafe", "cafe"),
            declared("id", "beef", "beef"),
            patched("cafe", "beef"),
        ],
        // Forged in the form in which the host compares.
        vec![
            declared("id", "77", "beef"),
            patched("\u{2}id\u{2}", "beef"),
        ],
        vec![declared("version", harmless, evil), made(evil, false)],
        vec![made(harmless, true)],
        // Both are values of a Secret, and so shown alike.
        vec![
            read,
            patched("Y29ycmVjdC1ob3JzZS1iYXR0ZXJ5", "correct-horse-battery"),
        ],
        vec![switched(secret(evil), secret(harmless)["body"].clone())],
        vec![switched(
            step(
                "patch",
                SECRET,
                "login",
                json!({"data": {"password": "d3Jvbmc="}}),
            ),
            json!({"data": {"password": "b3RoZXI="}}),
        )],
    ];
    for steps in refused {
        let world = world().await;
        let planned = plan(&world, "guests.act-with-secrets", &steps).await;
        let ended = world.apply(planned.plan()).await.expect("begins");
        assert_eq!(ended.failure().code, "plan.not-planned", "{steps:?}");
        assert_eq!(world.mode(), "before", "{steps:?}");
    }
    let allowed = [
        vec![declared("id", "cafe", "0a1b"), patched("cafe", "0a1b")],
        vec![
            declared("time", "2026-11-22T06:00:00Z", "2026-11-23T06:00:00Z"),
            patched("2026-11-22T06:00:00Z", "2026-11-23T06:00:00Z"),
        ],
        vec![
            step("patch", SECRET, "login", another),
            secret("the same"),
            set("the same"),
        ],
    ];
    for steps in allowed {
        let world = world().await;
        let planned = plan(&world, "guests.act-with-secrets", &steps).await;
        let ended = world.apply(planned.plan()).await.expect("begins");
        assert!(
            matches!(ended.outcome, Outcome::Done { .. }),
            "{steps:?} {:?}",
            ended.outcome
        );
        assert_ne!(world.mode(), "before", "{steps:?}");
    }
}

#[tokio::test]
async fn who_plans_is_told_what_the_plan_does_not_leave_open() {
    let world = world().await;
    let steps = [json!({"do": "stand-in", "name": "version", "body": "harmless-1.2.3"})];
    let planned = plan(&world, "guests.act", &steps).await;
    let told = "the plan cannot leave `version` open: only digits, ids in hexadecimal digits and times may become others";
    assert!(
        planned.lines().contains(&(Level::Warn, told)),
        "{:?}",
        planned.lines()
    );
}

#[tokio::test]
async fn signal_that_sets_something_is_a_patch_and_is_put_back() {
    let world = world().await;
    let annotated = |name: &str, value: &str| json!({"metadata": {"annotations": {name: value}}});
    let steps = [
        step(
            "signal",
            THING,
            "thing",
            annotated("kustomize.toolkit.fluxcd.io/prune", "disabled"),
        ),
        step(
            "signal",
            THING,
            "thing",
            annotated("example.org/requested-at", "now"),
        ),
    ];
    let ended = act(&world, "guests.act", &steps).await;
    let verbs: Vec<Verb> = changed(&ended)
        .iter()
        .map(|effect| effect.verb.clone())
        .collect();
    assert_eq!(verbs, [Verb::PATCH, Verb::SIGNAL]);
    let undone = undo(&world, &world.last_record()).await;
    assert_eq!(undone.put_back().len(), 1);
    let thing = world
        .cluster()
        .object("example.org", "things", "default", "thing");
    assert_eq!(
        thing.expect("there")["metadata"]["annotations"]["kustomize.toolkit.fluxcd.io/prune"],
        "enabled"
    );
}

#[tokio::test]
async fn value_is_masked_in_a_code_and_behind_what_is_invisible() {
    let world = world().await;
    let apart: String = "correct-horse-battery"
        .chars()
        .flat_map(|c| [c, '\u{200b}'])
        .collect();
    let read = json!({"do": "read", "of": SECRET, "name": "login"});
    let say = json!({"do": "say", "body": format!("it is {apart}")});
    let steps = [read.clone(), say];
    let ended = act(&world, "guests.act-with-secrets", &steps).await;
    assert_eq!(ended.value()[1], "it is ***");
    for code in ["cluster.correct-horse-battery", "correct-horse-battery"] {
        let fail = json!({"do": "fail", "must": true, "code": code, "message": "on purpose"});
        let ended = act(&world, "guests.act-with-secrets", &[read.clone(), fail]).await;
        assert!(
            ended.failure().code.ends_with("***"),
            "{}",
            ended.failure().code
        );
        let record = without_arguments(&world.last_record());
        assert!(!record.contains("horse"), "it is on record");
    }
}

#[tokio::test]
async fn question_says_who_asks_and_what_a_yes_opens() {
    let world = world().await;
    let steps = script(&[step("delete", CLAIM, "data", json!(null))]);
    let mut run = world
        .start_with("guests.act-when-asked", steps, Consent::Ask)
        .await;
    let question = loop {
        match futures::StreamExt::next(&mut run.events)
            .await
            .expect("a question")
        {
            Event::Asked {
                question,
                by,
                opens,
                ..
            } => {
                let by = by.expect("somebody");
                assert_eq!(by.operation.as_str(), "guests.act-when-asked");
                assert!(by.plugin.starts_with("guests "), "{}", by.plugin);
                let claims = "may delete, create, patch and apply configmaps, persistentvolumeclaims and things.example.org in default";
                assert_eq!(opens[0], claims, "{opens:?}");
                break question;
            }
            Event::Finished { outcome } => panic!("{outcome:?}"),
            _ => {}
        }
    };
    run.answer(question, false);
    let ended = finish(run).await;
    assert_eq!(
        (ended.failure().kind, ended.failure().code.as_str()),
        (Kind::Declined, "run.declined")
    );
}

fn list(world: &World) -> Value {
    spec(world)["list"].clone()
}

#[tokio::test]
async fn json_patch_is_shown_by_its_fields_and_put_back_whole() {
    let world = world().await;
    let before = spec(&world);
    let operations = json!([
        {"op": "test", "path": "/spec/list/1/a", "value": "y"},
        {"op": "remove", "path": "/spec/list/0/a"},
        {"op": "add", "path": "/spec/list/-", "value": {"a": "z"}},
        {"op": "move", "from": "/spec/text", "path": "/spec/moved"},
        {"op": "replace", "path": "/spec/number", "value": 8},
    ]);
    let after = json!({
        "list": [{"keep": "me"}, {"a": "y"}, {"a": "z"}], "moved": "precious", "number": 8, "empty": {},
    });
    let held = act(
        &world,
        "guests.act",
        &[step("hold", THING, "thing", operations.clone())],
    )
    .await;
    assert_eq!(held.value(), &json!([true]));
    let paths = changed(&held)[0].fields.iter().map(|it| it.path.as_str());
    let shown = ["/spec/list", "/spec/moved", "/spec/number", "/spec/text"];
    assert_eq!(paths.collect::<Vec<_>>(), shown);
    assert_eq!(spec(&world), before);
    let steps = [step("patch", THING, "thing", operations)];
    let planned = plan(&world, "guests.act", &steps).await;
    assert_eq!(spec(&world), before);
    let applied = world.apply(planned.plan()).await.expect("begins");
    assert_eq!(applied.value(), &json!(["done"]));
    assert_eq!(spec(&world), after);
    undo(&world, &world.last_record()).await;
    assert_eq!(spec(&world), before);
}

#[tokio::test]
async fn json_patch_whose_test_does_not_hold_is_a_conflict_and_changes_nothing() {
    let world = world().await;
    let before = spec(&world);
    let add = json!({"op": "add", "path": "/spec/list/-", "value": 1});
    let number = |value: u64| json!({"op": "test", "path": "/spec/number", "value": value});
    let version = json!({"op": "test", "path": "/metadata/resourceVersion", "value": "1000000"});
    let steps = [
        step("patch", THING, "thing", json!([number(8), add])),
        step("patch", THING, "thing", json!([add, version])),
        step(
            "patch",
            THING,
            "thing",
            json!([{"op": "remove", "path": "/spec/absent"}]),
        ),
        step(
            "patch",
            THING,
            "thing",
            json!([{"op": "grow", "path": "/spec"}]),
        ),
        step(
            "patch",
            CLAIM,
            "data",
            json!([{"op": "add", "path": "/status", "value": {"phase": "Lost"}}]),
        ),
        step(
            "signal",
            MAP,
            "settings",
            json!([{"op": "add", "path": "/metadata/annotations", "value": {}}]),
        ),
    ];
    let (conflict, invalid) = ("cluster.conflict", "cluster.invalid");
    let wanted = json!([conflict, conflict, invalid, invalid, invalid, invalid]);
    for ended in [
        plan(&world, "guests.act", &steps).await,
        act(&world, "guests.act", &steps).await,
    ] {
        assert_eq!(ended.value(), &wanted);
    }
    assert_eq!(spec(&world), before);
    let patched = world.cluster().requests();
    let patched = patched.iter().filter(|seen| seen.method == "PATCH");
    assert_eq!(patched.count(), 0);
    let steps = [step("patch", THING, "thing", json!([number(7), add]))];
    let ended = act(&world, "guests.act", &steps).await;
    assert_eq!(ended.value(), &json!(["done"]));
}

/// A second time it would add a second item.
#[tokio::test]
async fn json_patch_whose_answer_was_lost_is_carried_out_once() {
    let add = json!([{"op": "add", "path": "/spec/list/-", "value": {"a": "z"}}]);
    let steps = [step("patch", THING, "thing", add)];
    let after = json!([{"a": "x", "keep": "me"}, {"a": "y"}, {"a": "z"}]);
    for failure in [Fault::Drop, Fault::DropAfter] {
        let world = world().await;
        let before = list(&world);
        world
            .cluster()
            .fail_next(1, Match::new("PATCH", "/things/"), failure);
        let ended = act(&world, "guests.act", &steps).await;
        assert_eq!(ended.value(), &json!(["done"]), "{failure:?}");
        assert_eq!(list(&world), after, "{failure:?}");
        let record = world.last_record();
        undo(&world, &record).await;
        assert_eq!(list(&world), before, "{failure:?}");
    }
    for is_done in [true, false] {
        let world = world().await;
        act(&world, "guests.act", &steps).await;
        let record = world.last_record();
        let entries = record.entries.iter().map(|noted| noted.entry.clone());
        let known = entries.take_while(|entry| !matches!(entry, Entry::Result { .. }));
        let known: Vec<Entry> = known.collect();
        if !is_done {
            undo(&world, &record).await;
        }
        let ended = finish(world.resume(&record.begun, known, Goal::Finish).await).await;
        assert_eq!(ended.value(), &json!(["done"]), "{is_done}");
        assert_eq!(list(&world), after, "{is_done}");
    }
}

#[tokio::test]
async fn json_patch_of_which_nobody_can_say_whether_it_happened_is_uncertain() {
    let world = world().await;
    let add = json!([{"op": "add", "path": "/spec/list/-", "value": {"a": "z"}}]);
    let mut step = step("patch", THING, "thing", add);
    step["must"] = json!(true);
    act(&world, "guests.act", &[step]).await;
    let record = world.last_record();
    let entries = record.entries.iter().map(|noted| noted.entry.clone());
    let known = entries.take_while(|entry| !matches!(entry, Entry::Result { .. }));
    let known: Vec<Entry> = known.collect();
    let theirs = json!({
        "apiVersion": "example.org/v1", "kind": "Thing", "metadata": {"name": "thing", "namespace": "default"},
        "spec": {"list": ["theirs"]},
    });
    let mut thing = world
        .cluster()
        .object("example.org", "things", "default", "thing")
        .expect("there");
    thing["spec"]["list"] = theirs["spec"]["list"].clone();
    world.load(vec![thing]);
    let ended = finish(world.resume(&record.begun, known, Goal::Finish).await).await;
    assert_eq!(
        ended.failure().kind,
        Kind::Uncertain,
        "{:?}",
        ended.failure()
    );
    assert_eq!(list(&world), json!(["theirs"]));
}

#[tokio::test]
async fn json_patch_of_a_secret_moves_no_value_and_is_masked() {
    let world = world().await;
    let copied = json!([{"op": "copy", "from": "/data/password", "path": "/metadata/labels"}]);
    let set = json!([
        {"op": "test", "path": "/data/hint", "value": "dHJ1ZQ=="},
        {"op": "replace", "path": "/data/password", "value": "aHVudGVyMjItdG9rZW4="},
    ]);
    let say = json!({"do": "say", "body": "it is hunter22-token"});
    let steps = [
        step("patch", SECRET, "login", copied),
        step("patch", SECRET, "login", set),
        say,
    ];
    let ended = act(&world, "guests.act-with-secrets", &steps).await;
    assert_eq!(
        ended.value(),
        &json!(["cluster.invalid", "done", "it is ***"])
    );
    let field = &changed(&ended)[0].fields[0];
    assert_eq!(
        (field.path.as_str(), field.after.clone()),
        ("/data/password", Some(json!("***")))
    );
    let record = without_arguments(&world.last_record());
    assert!(!record.contains("aHVudGVyMjItdG9rZW4"), "it is on record");
    undo(&world, &world.last_record()).await;
    let login = world
        .cluster()
        .object("", "secrets", "default", "login")
        .expect("there");
    assert_eq!(login["data"]["password"], "Y29ycmVjdC1ob3JzZS1iYXR0ZXJ5");
}
