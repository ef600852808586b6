//! Plans that are kept, and plans that are applied.

use agent_core::{Consent, OnFailure};
use insta::assert_snapshot;
use serde_json::{Value, json};

use super::running::{effects, finished, started};
use super::scene::{Beat, Shot, event, scene};

fn plan() -> Value {
    json!({
        "format": 2, "operation": "volsync.restore", "arguments": {"namespace": "media", "name": "plex"}, "plugin": "volsync 0.1.0",
        "digest": format!("sha256:{}", "07".repeat(32)), "cluster": {"kubeconfig": null, "context": "home", "server": "https://10.0.0.1:6443"},
        "who": {"user": "alice", "host": "desk", "door": "terminal", "process": 4711}, "made": "2026-11-25T22:00:00Z", "effects": effects()[..1],
        "rests-on": {"cluster": {"objects": [{"target": {"of": "deployments.v1.apps", "namespace": "media", "name": "plex"}, "uid": "u", "generation": 3, "fields": {"/spec/replicas": 1}}]}},
        "stand-ins": [{"name": "token", "text": "{token}"}],
    })
}

fn planning() -> Vec<Beat> {
    vec![
        started("volsync.restore", true),
        event(json!({"event": "planned", "effect": effects()[0]})),
        event(json!({"event": "drawn", "plan": plan()})),
        finished(&Value::Null, 0),
    ]
}

const PLAN: &str = "agent run volsync.restore media plex --plan --out plan.json";

#[tokio::test(start_paused = true)]
async fn a_plan_is_kept_in_a_file() {
    let shot = scene(PLAN).plays(planning()).shoot().await;
    assert_snapshot!("out", shot);
    let kept = shot.kept.expect("a file");
    assert_snapshot!("out_file", kept);
    assert!(kept.ends_with("}\n"));
    assert_eq!(serde_json::from_str::<Value>(&kept).expect("JSON"), plan());
    let shot = scene("agent --out=plan.json run -q --plan volsync.restore media plex")
        .plays(planning())
        .shoot()
        .await;
    assert!(shot.kept.is_some());
    assert_eq!(shot.stderr, "");
    let shot = scene(&format!("{PLAN} -o json"))
        .plays(planning())
        .shoot()
        .await;
    assert_eq!(
        (shot.kept.is_some(), shot.stdout.lines().count()),
        (true, 4)
    );
}

#[tokio::test(start_paused = true)]
async fn plan_for_a_cluster_that_ends_with_the_command_is_not_said_to_be_applied() {
    let line = format!("{PLAN} --sandbox");
    let shot = scene(&line).plays(planning()).shoot().await;
    assert!(shot.kept.is_some(), "{shot}");
    assert!(!shot.stderr.contains("apply plan.json"), "{shot}");
    assert!(shot.stderr.contains("this plan is for a cluster that ends with this command; agent sandbox --write-kubeconfig FILE"), "{shot}");
}

/// The plugin kept it after it was told of as temporary.
#[tokio::test(start_paused = true)]
async fn what_is_kept_after_all_is_not_shown_as_put_back() {
    let mut beats = planning();
    let shown = async |beats| scene(PLAN).plays(beats).shoot().await.stdout;
    assert!(shown(planning()).await.contains("put back at the end"));
    let mut plan = plan();
    plan["effects"][0]["temporary"] = json!(false);
    beats[2] = event(json!({"event": "drawn", "plan": plan}));
    let shown = shown(beats).await;
    assert!(!shown.contains("put back at the end"), "{shown}");
}

#[tokio::test(start_paused = true)]
async fn only_a_plan_that_came_to_its_end_is_kept() {
    let failure = json!({"kind": "denied", "code": "cluster.forbidden", "message": "no"});
    let failed = event(
        json!({"event": "finished", "outcome": {"outcome": "failed", "failure": failure, "put-back": []}}),
    );
    let mut beats = planning();
    beats.pop();
    beats.push(failed);
    let shot = scene(PLAN).plays(beats).shoot().await;
    assert_eq!((shot.kept, shot.code), (None, 4));
}

#[tokio::test(start_paused = true)]
async fn a_plan_that_cannot_be_kept_is_no_success() {
    assert_snapshot!(
        "out_disk_full",
        scene(PLAN).fills_the_disk().plays(planning()).shoot().await
    );
    let mut beats = planning();
    beats.remove(2);
    let shot = scene(PLAN).plays(beats).shoot().await;
    assert_eq!((shot.kept, shot.code), (None, 70));
}

async fn apply(text: &str, words: &str) -> Shot {
    let beats = [
        started("volsync.restore", false),
        finished(&json!({"snapshot": "1a2b3c4d"}), 0),
    ];
    scene(&format!("agent apply plan.json{words}"))
        .reads(text)
        .plays(beats)
        .shoot()
        .await
}

#[tokio::test(start_paused = true)]
async fn a_plan_is_applied_as_it_is() {
    let text = serde_json::to_string_pretty(&plan()).expect("JSON");
    let shot = apply(&text, " --yes --on-failure ask").await;
    assert_snapshot!("apply", shot);
    let (applied, consent, on_failure, _) = &shot.applied[0];
    assert_eq!(serde_json::to_value(applied).expect("JSON"), plan());
    assert_eq!((*consent, *on_failure), (Consent::Given, OnFailure::Ask));
    let shot = apply(&text, "").await;
    assert_eq!(
        (shot.applied[0].1, shot.applied[0].2),
        (Consent::Withheld, OnFailure::Undo)
    );
}

#[tokio::test(start_paused = true)]
async fn a_file_that_is_no_plan_is_explained() {
    let with = |key: &str, value: Value| {
        let mut plan = plan();
        plan[key] = value;
        serde_json::to_string_pretty(&plan).expect("JSON")
    };
    let mut lacking = plan();
    lacking.as_object_mut().expect("a map").remove("digest");
    let table = [
        ("empty", String::new()),
        ("no JSON", "effects:\n  - patch\n".to_owned()),
        ("a list", "[]\n".to_owned()),
        ("an unknown field", with("frobnicate", json!(true))),
        ("a missing field", lacking.to_string()),
        ("a wrong type", with("effects", json!("none"))),
        ("a wrong name", with("operation", json!("restore"))),
        ("a later format", with("format", json!(3))),
        ("an earlier format", with("format", json!(1))),
        ("no format", with("format", json!("one"))),
        ("an escape", with("\u{1b}[2Jwiped", json!(1))),
    ];
    let mut out = String::new();
    for (name, text) in table {
        let shot = apply(&text, "").await;
        assert!(shot.applied.is_empty(), "{name}");
        out.push_str(&format!(
            "# {name}\n{}{}[exit {}]\n\n",
            shot.stdout, shot.stderr, shot.code
        ));
    }
    assert!(!out.contains('\u{1b}'));
    assert_snapshot!(out);
    let shot = apply("", " -o json").await;
    assert!(
        shot.stdout.contains("\"event\":\"finished\""),
        "{}",
        shot.stdout
    );
}
