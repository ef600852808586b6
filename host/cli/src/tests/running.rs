//! Runs that come to their end.

use agent_core::agent::Control;
use agent_core::{Consent, Mode};
use insta::assert_snapshot;
use serde_json::{Value, json};

use super::scene::{Beat, event, run_id, scene};

pub(super) fn started(operation: &str, planning: bool) -> Beat {
    event(json!({
        "event": "started", "run": run_id(), "operation": operation, "plugin": "volsync 0.1.0",
        "arguments": {"namespace": "media", "name": "plex"}, "planning": planning,
    }))
}

pub(super) fn step(number: u64, title: &str, depth: u32) -> Beat {
    event(
        json!({"event": "step-started", "step": number.to_string(), "title": title, "depth": depth}),
    )
}

pub(super) fn done(number: u64, summary: &str) -> Beat {
    event(json!({"event": "step-done", "step": number.to_string(), "summary": summary}))
}

pub(super) fn finished(value: &Value, failed: u64) -> Beat {
    event(
        json!({"event": "finished", "outcome": {"outcome": "done", "value": value, "failed": failed, "not-put-back": []}}),
    )
}

pub(super) fn effect(
    number: u64,
    verb: &str,
    target: &str,
    name: &str,
    temporary: bool,
    fields: Value,
) -> Value {
    json!({
        "number": number, "by": if number == 2 { "flux.suspend" } else { "volsync.restore" }, "verb": verb,
        "target": {"of": target, "namespace": "media", "name": name},
        "fields": fields, "temporary": temporary, "recovery": "retry",
    })
}

pub(super) fn effects() -> [Value; 4] {
    [
        effect(
            1,
            "patch",
            "scaledobjects.v1alpha1.keda.sh",
            "plex",
            true,
            json!([{"path": "/metadata/annotations/autoscaling.keda.sh~1paused", "after": "true"}]),
        ),
        effect(
            2,
            "patch",
            "kustomizations.v1.kustomize.toolkit.fluxcd.io",
            "plex",
            true,
            json!([{"path": "/spec/suspend", "before": false, "after": true}]),
        ),
        effect(
            3,
            "patch",
            "deployments.v1.apps",
            "plex",
            true,
            json!([{"path": "/spec/replicas", "before": 1, "after": 0}]),
        ),
        effect(
            4,
            "create",
            "replicationdestinations.v1alpha1.volsync.backube",
            "plex-abcdefgh",
            false,
            json!([{"path": "", "after": {"kind": "ReplicationDestination", "spec": {"trigger": {"manual": "t"}, "restic": {"repository": "plex-restic"}}}}]),
        ),
    ]
}

pub(super) fn restore() -> Vec<Beat> {
    vec![
        started("volsync.restore", false),
        step(1, "Look at `plex`", 0),
        Beat::Wait(400),
        done(1, "23 snapshots"),
        step(2, "Hold the app", 0),
        step(3, "Suspend kustomization media/plex", 1),
        event(json!({"event": "changed", "effect": effects()[1]})),
        done(3, ""),
        event(json!({"event": "step-noted", "step": "2", "text": "1 pod still runs"})),
        Beat::Wait(2100),
        done(2, ""),
        event(json!({"event": "step-skipped", "step": "9", "reason": "no such step"})),
        step(4, "Make a safety snapshot", 0),
        event(json!({"event": "step-skipped", "step": "4", "reason": "the source is broken"})),
        event(json!({"event": "logged", "level": "info", "message": "mover: restored 12 files"})),
        event(json!({"event": "logged", "level": "debug", "message": "watch restarted"})),
        event(json!({"event": "logged", "level": "warn", "message": "cache is full"})),
        event(
            json!({"event": "put-back", "target": "kustomizations media/plex", "summary": "spec.suspend is false again", "left": []}),
        ),
        Beat::Wait(65_000),
        finished(
            &json!({"namespace": "media", "app": "plex", "snapshot": "1a2b3c4d", "down-seconds": 67, "paths": ["/data"], "mover": {"cache": {"size": "1Gi"}}}),
            0,
        ),
    ]
}

pub(super) fn sync_rows() -> Value {
    json!([
        {"namespace": "media", "name": "plex", "result": "requested", "message": ""},
        {"namespace": "media", "name": "sonarr", "result": "failed", "message": "kustomizations.kustomize.toolkit.fluxcd.io \"sonarr\" is forbidden: no right"},
        {"namespace": "observability", "name": "kube-prometheus-stack", "result": "requested", "message": null}
    ])
}

#[tokio::test(start_paused = true)]
async fn success_without_a_screen() {
    let shot = scene("agent run volsync.restore media plex --yes")
        .plays(restore())
        .shoot()
        .await;
    assert_snapshot!(shot);
    assert_eq!(
        (shot.calls[0].consent, shot.calls[0].mode),
        (Consent::Given, Mode::Perform)
    );
    assert_eq!(shot.calls[0].arguments["timeout"], "30m");
}

#[tokio::test(start_paused = true)]
async fn verbose_shows_changes_and_debug_logs() {
    assert_snapshot!(
        scene("agent run volsync.restore media plex -y -v")
            .plays(restore())
            .shoot()
            .await
    );
}

#[tokio::test(start_paused = true)]
async fn quiet_shows_the_result_only() {
    let shot = scene("agent run volsync.restore media plex -yq")
        .plays(restore())
        .shoot()
        .await;
    assert_snapshot!(shot);
    assert_eq!(shot.stderr, "");
}

#[tokio::test(start_paused = true)]
async fn yaml_is_the_value() {
    assert_snapshot!(
        scene("agent run volsync.restore media plex -yq -o yaml")
            .plays(restore())
            .shoot()
            .await
    );
}

#[tokio::test(start_paused = true)]
async fn json_is_every_event_and_nothing_else() {
    let shot = scene("agent run volsync.restore media plex --yes -o json")
        .plays(restore())
        .shoot()
        .await;
    assert_snapshot!(shot);
    let events = restore()
        .iter()
        .filter(|beat| matches!(beat, Beat::Event(_)))
        .count();
    assert_eq!(shot.stdout.lines().count(), events);
    for line in shot.stdout.lines() {
        serde_json::from_str::<agent_core::Event>(line).expect("an event");
    }
    assert_eq!(shot.stderr, "");
}

#[tokio::test(start_paused = true)]
async fn a_table_with_failed_rows() {
    let beats = || [started("flux.sync", false), finished(&sync_rows(), 1)];
    let shot = scene("agent run flux.sync --all")
        .plays(beats())
        .shoot()
        .await;
    assert_snapshot!("a_table_into_a_pipe", shot);
    let shot = scene("agent run flux.sync -a --color always")
        .screen(72, "")
        .plays(beats())
        .shoot()
        .await;
    assert_snapshot!("a_table_on_a_screen_in_colour", shot);
    let shot = scene("agent run flux.sync -a")
        .screen(40, "")
        .plays(beats())
        .shoot()
        .await;
    assert_snapshot!("a_table_in_40_columns", shot);
    assert!(
        shot.stdout.lines().all(|line| line.chars().count() <= 65),
        "only one word may be too long"
    );
    assert_eq!(shot.code, 1);
}

#[tokio::test(start_paused = true)]
async fn an_empty_table_says_so() {
    let beats = [started("flux.sync", false), finished(&json!([]), 0)];
    assert_snapshot!(
        scene("agent run flux.sync --all")
            .plays(beats)
            .shoot()
            .await
    );
}

fn plan() -> Vec<Beat> {
    let planned = effects().map(|effect| event(json!({"event": "planned", "effect": effect})));
    let mut beats = vec![
        started("volsync.restore", true),
        step(1, "Hold the app", 0),
        done(1, ""),
    ];
    beats.extend(planned);
    beats.push(finished(&Value::Null, 0));
    beats
}

#[tokio::test(start_paused = true)]
async fn plan_is_a_numbered_list() {
    let shot = scene("agent run --plan volsync.restore media plex")
        .plays(plan())
        .shoot()
        .await;
    assert_snapshot!("plan", shot);
    assert_eq!(shot.calls[0].mode, Mode::Plan);
    assert_snapshot!(
        "plan_verbose",
        scene("agent run volsync.restore media plex --plan -v")
            .plays(plan())
            .shoot()
            .await
    );
    assert_snapshot!(
        "plan_40",
        scene("agent run volsync.restore media plex --plan")
            .screen(40, "")
            .plays(plan())
            .shoot()
            .await
    );
    assert_snapshot!(
        "plan_yaml",
        scene("agent run volsync.restore media plex --plan -qo yaml")
            .plays(plan())
            .shoot()
            .await
    );
}

#[tokio::test(start_paused = true)]
async fn a_plan_with_failures_shows_them() {
    let planned = event(json!({"event": "planned", "effect": effects()[1]}));
    let beats = [
        started("flux.sync", true),
        planned,
        finished(&sync_rows(), 1),
    ];
    assert_snapshot!(
        scene("agent run flux.sync --all --plan")
            .plays(beats)
            .shoot()
            .await
    );
}

fn asking() -> Vec<Beat> {
    vec![
        started("volsync.restore", false),
        event(
            json!({"event": "asked", "question": 7, "text": "Overwrite the volume of `plex`?", "facts": [
                ["snapshot", "1a2b3c4d of 2026-11-22T06:00:00Z"], ["volume", "plex, 10Gi, and \u{1b}[8mnothing\u{1b}[0m else"], ["down", "deployment plex for about a minute, and everybody who watches"]
            ]}),
        ),
        Beat::Listen,
        finished(&Value::Null, 0),
    ]
}

#[tokio::test(start_paused = true)]
async fn only_yes_agrees() {
    for (typed, agreed) in [
        ("y\n", true),
        ("YES\n", true),
        ("yep\n", false),
        ("\n", false),
        ("", false),
    ] {
        let shot = scene("agent run volsync.restore media plex")
            .screen(40, typed)
            .plays(asking())
            .shoot()
            .await;
        assert_eq!(
            shot.controls,
            [Control::Answer {
                question: 7,
                yes: agreed
            }],
            "{typed:?}"
        );
        assert_eq!(shot.calls[0].consent, Consent::Ask);
        if typed == "y\n" {
            assert_snapshot!("question", shot);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_question_that_nobody_can_see_is_answered_by_the_command_line() {
    for (line, agreed) in [
        ("agent run volsync.restore media plex", false),
        ("agent run volsync.restore media plex -y", true),
    ] {
        let shot = scene(line).plays(asking()).shoot().await;
        assert_eq!(
            shot.controls,
            [Control::Answer {
                question: 7,
                yes: agreed
            }],
            "{line}"
        );
        assert!(!shot.stderr.contains("[y/N]"));
    }
}

#[tokio::test(start_paused = true)]
async fn spinners_are_on_the_screen_while_steps_last() {
    let mut beats = vec![
        started("volsync.restore", false),
        step(1, "Wait until no pod mounts `plex`", 0),
    ];
    beats.extend([
        event(json!({"event": "step-noted", "step": "1", "text": "plex-6f7d is terminating and takes its time about it"})),
        event(json!({"event": "step-progressed", "step": "1", "done": 1, "total": 3})),
        step(2, "Suspend kustomization media/plex", 1),
        Beat::Wait(250),
        Beat::Look,
        done(2, "suspended"),
        done(1, ""),
        Beat::Look,
        finished(&Value::Null, 0),
    ]);
    let shot = scene("agent run volsync.restore media plex -y")
        .screen(60, "")
        .plays(beats)
        .shoot()
        .await;
    assert_snapshot!(shot);
    assert!(
        !shot.stderr.contains("suspended"),
        "an inner step that went well leaves no line"
    );
}

#[tokio::test(start_paused = true)]
async fn a_screen_shows_within_a_second_that_something_is_under_way() {
    let beats = [
        started("flux.sync", false),
        Beat::Wait(400),
        Beat::Look,
        Beat::Wait(500),
        Beat::Look,
        step(1, "Ask", 0),
        Beat::Wait(200),
        Beat::Look,
        done(1, ""),
        Beat::Wait(400),
        Beat::Look,
        Beat::Wait(2000),
        Beat::Look,
        finished(&Value::Null, 0),
    ];
    let shot = scene("agent run flux.sync --all")
        .screen(60, "")
        .plays(beats)
        .shoot()
        .await;
    assert_snapshot!(shot);
    let beats = [
        started("flux.sync", false),
        Beat::Wait(2000),
        Beat::Look,
        finished(&Value::Null, 0),
    ];
    let shot = scene("agent run flux.sync --all -q")
        .screen(60, "")
        .plays(beats)
        .shoot()
        .await;
    assert_eq!(shot.screens, [""]);
}

#[tokio::test(start_paused = true)]
async fn guests_cannot_write_escapes() {
    let evil = "\u{1b}]0;pwned\u{7}\u{1b}[2Jwiped\r\u{202e}gnp.exe\u{9b}31m";
    let finish = json!({"outcome": "done", "value": {evil: evil, "deep": {"x": [evil, {"y": evil}]}}, "failed": 0, "not-put-back": []});
    let fields = json!([{"path": "/spec/\u{1b}[2J", "before": evil, "after": {"a": evil}}]);
    let documents = [
        json!({"event": "step-started", "step": "1", "title": evil, "depth": 0}),
        json!({"event": "step-noted", "step": "1", "text": evil}),
        json!({"event": "logged", "level": "warn", "message": evil}),
        json!({"event": "changed", "effect": effect(1, "patch", "pods.v1", "x", false, fields)}),
        json!({"event": "step-done", "step": "1", "summary": evil}),
        json!({"event": "finished", "outcome": finish}),
    ];
    for output in ["table", "yaml", "json"] {
        let beats = documents.iter().cloned().map(event);
        let shot = scene(&format!(
            "agent run volsync.restore media plex -y -v -o {output}"
        ))
        .plays(beats)
        .shoot()
        .await;
        let printed = shot.stdout.clone() + &shot.stderr;
        let bad = |c: char| (c.is_control() && c != '\n') || c == '\u{202e}';
        assert!(!printed.contains(bad), "{output}: {printed:?}");
        assert!(printed.contains("wiped"), "{output}");
    }
}
